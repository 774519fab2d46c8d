-- Logging in by key: the keys of browsers, the one-time links that let them in, and the sessions that they open.

CREATE TABLE login_key (
    id         TEXT PRIMARY KEY,
    public_key TEXT NOT NULL UNIQUE, -- ed25519, base64url
    label      TEXT NOT NULL,
    role       TEXT NOT NULL,        -- as in token
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE login_link (
    id          TEXT PRIMARY KEY,
    secret_hash TEXT NOT NULL,       -- BLAKE3 of the link's token, hex
    role        TEXT NOT NULL,       -- what the key may do that comes with it
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    used_by     TEXT                 -- the public key that it let in
) STRICT;

-- A session is a token that a key opened, and ends with it.
ALTER TABLE token ADD COLUMN login_key TEXT;
CREATE INDEX token_login_key ON token (login_key) WHERE login_key IS NOT NULL;
