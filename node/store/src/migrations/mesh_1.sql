-- What mesh knows of other nodes. Writer: mesh.

-- Small things that mesh holds in memory too: contacts, invitations, engines, grants, revocations, calls under way.
CREATE TABLE record (
    no   INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key  TEXT NOT NULL,
    hash BLOB NOT NULL,   -- BLAKE3 of the body
    body BLOB NOT NULL,   -- JSON or signed bytes, as the kind has it
    UNIQUE (kind, key)
) STRICT;

-- What was done for others and by others, as both sides signed it.
CREATE TABLE receipt (
    no               INTEGER PRIMARY KEY,
    is_given         INTEGER NOT NULL,   -- 1: this node did it
    peer             BLOB NOT NULL,      -- the other node's key
    call             BLOB NOT NULL,
    grant_id         BLOB NOT NULL,
    engine           TEXT NOT NULL,
    capability       TEXT NOT NULL,
    ended_at         INTEGER NOT NULL,   -- ms since the epoch
    bytes_in         INTEGER NOT NULL,
    bytes_out        INTEGER NOT NULL,
    work_ms          INTEGER NOT NULL,
    tokens_in        INTEGER NOT NULL,
    tokens_out       INTEGER NOT NULL,
    failure          TEXT,               -- code; NULL when it went well
    signed           BLOB NOT NULL,
    countersignature BLOB,
    UNIQUE (is_given, peer, call)
) STRICT;
CREATE INDEX receipt_by_end ON receipt (ended_at);

-- Who was let in, refused, given or denied something.
CREATE TABLE decision (
    no   INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL,
    kind TEXT NOT NULL,
    peer BLOB,            -- a node's key
    text TEXT NOT NULL
) STRICT;
