-- One shard: jobs, their histories and what waits for them. Writer: the kernel that holds the lease.

CREATE TABLE meta (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    shard   INTEGER NOT NULL,            -- this shard's number
    epoch   INTEGER NOT NULL DEFAULT 0,  -- the lease: raised by every kernel that takes the shard, checked in every transaction
    commits INTEGER NOT NULL DEFAULT 0,  -- the number of the last commit
    jobs    INTEGER NOT NULL DEFAULT 0,  -- the number of the newest job ever; numbers are never used again
    events  INTEGER NOT NULL DEFAULT 0   -- how many events were ever written here; numbers the journal
) STRICT;

-- Presets that jobs here came from, with counts that are kept and never computed by scanning.
CREATE TABLE preset (
    no          INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    concurrency INTEGER,                    -- how many of its jobs may run at once, as its newest job says
    held        INTEGER NOT NULL DEFAULT 0, -- jobs held by that limit
    ended       INTEGER NOT NULL DEFAULT 0  -- ended jobs that are kept
) STRICT;
CREATE INDEX preset_held ON preset (no) WHERE held > 0;

-- What jobs run: name and version are the same for very many of them.
CREATE TABLE source (
    no      INTEGER PRIMARY KEY,
    preset  INTEGER NOT NULL,
    name    TEXT NOT NULL,
    version BLOB NOT NULL,
    UNIQUE (preset, version, name)
) STRICT;
CREATE INDEX source_name ON source (name);

CREATE TABLE job (
    no          INTEGER PRIMARY KEY,     -- in the order of arrival
    id          BLOB NOT NULL UNIQUE,    -- 16 bytes
    preset      INTEGER NOT NULL,        -- preset.no
    source      INTEGER NOT NULL,        -- source.no
    state       INTEGER NOT NULL,        -- flowork_protocol::job::State::code
    priority    INTEGER NOT NULL,
    keyed       INTEGER NOT NULL,        -- 1: its id must be remembered when it is forgotten
    dry_run     INTEGER NOT NULL,
    trigger     TEXT,
    accepted_at INTEGER NOT NULL,        -- ms since 1970
    started_at  INTEGER,
    ended_at    INTEGER,
    due_at      INTEGER,
    last_seq    INTEGER NOT NULL,        -- number of its last event
    origin      BLOB,                    -- the job it replays
    parent      BLOB,                    -- the job whose step started it
    error       TEXT                     -- flowork_protocol::Failure as JSON
) STRICT;
CREATE INDEX job_accepted ON job (accepted_at);
CREATE INDEX job_preset   ON job (preset, accepted_at);
CREATE INDEX job_state    ON job (state, accepted_at) WHERE state <> 6;
CREATE INDEX job_queue    ON job (priority DESC, no) WHERE state = 0;
CREATE INDEX job_held     ON job (preset, priority DESC, no) WHERE state = 1;
CREATE INDEX job_due      ON job (due_at) WHERE state = 3 AND due_at IS NOT NULL;
CREATE INDEX job_ended    ON job (preset, ended_at) WHERE state >= 6;
CREATE INDEX job_parent   ON job (parent) WHERE parent IS NOT NULL;

-- How many jobs are in each state.
CREATE TABLE tally (
    state INTEGER PRIMARY KEY,
    jobs  INTEGER NOT NULL
) STRICT;

-- Histories. One row is what one append brought.
CREATE TABLE journal (
    no        INTEGER PRIMARY KEY,  -- meta.events after this row: rows read in this order are in the order of commits
    job       INTEGER NOT NULL,     -- job.no
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL,
    at        INTEGER NOT NULL,     -- ms since 1970, when it was written; of event 1: when the job was accepted
    codec     INTEGER NOT NULL,     -- bit 0: zstd; bit 1: the body is the submission of event 1 and not a batch of events
    body      BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX journal_job ON journal (job, first_seq);

-- Immutable lists of items that events of one job refer to.
CREATE TABLE chunk (
    no    INTEGER PRIMARY KEY,
    job   INTEGER NOT NULL,
    id    BLOB NOT NULL,     -- 32 bytes
    codec INTEGER NOT NULL,  -- bit 0: zstd
    body  BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX chunk_job ON chunk (job, id);

-- The newest folded state of a job.
CREATE TABLE checkpoint (
    job   INTEGER PRIMARY KEY,
    seq   INTEGER NOT NULL,  -- the event it was made after
    codec INTEGER NOT NULL,  -- bit 0: zstd
    body  BLOB NOT NULL
) STRICT;

-- What reached a job from outside and is not carried out yet. Numbers are never used again.
CREATE TABLE signal (
    no   INTEGER PRIMARY KEY AUTOINCREMENT,
    job  INTEGER NOT NULL,
    body TEXT NOT NULL       -- flowork_protocol::command::Signal as JSON
) STRICT;
CREATE INDEX signal_job ON signal (job);

-- Keyed jobs that were forgotten: their key must not start them again.
CREATE TABLE seen (
    id BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Blobs that a job's events and chunks name: the marks of garbage collection.
CREATE TABLE blob_use (
    blob BLOB NOT NULL,      -- 32 bytes
    job  INTEGER NOT NULL,
    PRIMARY KEY (blob, job)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_use_job ON blob_use (job);

-- How far each inbox is drained into this shard.
CREATE TABLE cursor (
    inbox       TEXT PRIMARY KEY,
    incarnation INTEGER NOT NULL,  -- of the inbox file; a new file starts from nothing
    seq         INTEGER NOT NULL
) STRICT;
