-- What one gateway accepted and no kernel has carried out yet. Writer: that gateway.

CREATE TABLE meta (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    incarnation INTEGER NOT NULL,           -- random; cursors of an earlier file of this name do not count for this one
    last_seq    INTEGER NOT NULL DEFAULT 0  -- the number of the last entry ever written
) STRICT;

CREATE TABLE entry (
    id    INTEGER PRIMARY KEY,  -- shard * 2^47 + seq: the entries of one shard lie together, in order
    at    INTEGER NOT NULL,     -- ms since 1970, when it was accepted
    kind  INTEGER NOT NULL,     -- 0 submission, 1 any other command
    job   BLOB,                 -- of a submission: the job's id, 16 bytes
    codec INTEGER NOT NULL,     -- bit 0: zstd
    head  BLOB,                 -- of a compressed submission: what a job's row needs, as JSON
    body  BLOB NOT NULL         -- a submission or a command as JSON
) STRICT;
CREATE INDEX entry_job ON entry (job) WHERE kind = 0;
