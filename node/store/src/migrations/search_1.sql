-- The full-text index over items, logs and errors. Writer: the kernel. May be deleted; it is built again.

CREATE TABLE progress (
    shard INTEGER PRIMARY KEY,
    no    INTEGER NOT NULL      -- journal.no of the last row that is indexed
) STRICT;

CREATE TABLE doc (
    no    INTEGER PRIMARY KEY,  -- the row of `words`
    shard INTEGER NOT NULL,
    job   INTEGER NOT NULL      -- job.no in that shard
) STRICT;
CREATE INDEX doc_job ON doc (shard, job);

CREATE VIRTUAL TABLE words USING fts5 (text, content = '', contentless_delete = 1, detail = none);
