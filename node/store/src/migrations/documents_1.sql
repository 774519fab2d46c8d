-- Where documents keep their bytes. Writer: docs.

CREATE TABLE document (
    no   INTEGER PRIMARY KEY,
    key  TEXT NOT NULL UNIQUE,
    hash BLOB NOT NULL,   -- BLAKE3 of the body
    body BLOB NOT NULL
) STRICT;
