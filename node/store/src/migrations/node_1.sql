-- The node's own tables. Writer: the kernel.

CREATE TABLE token (
    id          TEXT PRIMARY KEY,
    label       TEXT NOT NULL,
    secret_hash TEXT NOT NULL,  -- BLAKE3 of the secret, hex
    role        TEXT NOT NULL,  -- viewer, runner, editor, admin
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER
) STRICT;

CREATE TABLE secret (
    name   TEXT PRIMARY KEY,
    sealed BLOB NOT NULL,       -- an age file that only the vault key opens
    set_at INTEGER NOT NULL
) STRICT;

CREATE TABLE activation (
    preset  TEXT PRIMARY KEY,
    version BLOB NOT NULL,
    name    TEXT NOT NULL,      -- the preset's name, for lookups
    header  TEXT NOT NULL,      -- the preset without its steps, JSON
    set_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX activation_name ON activation (name, set_at);

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL         -- JSON
) STRICT;

-- How far each inbox is drained into these tables.
CREATE TABLE cursor (
    inbox       TEXT PRIMARY KEY,
    incarnation INTEGER NOT NULL,
    seq         INTEGER NOT NULL
) STRICT;
