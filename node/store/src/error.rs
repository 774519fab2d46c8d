//! What SQLite says, in the words of the store.

use flowork_ports::store::Error;
use rusqlite::ffi;

/// Why an operation inside a transaction did not happen.
#[derive(Debug)]
pub(crate) enum Failed {
    /// It must not be done; it wrote nothing and the transaction goes on without it.
    Refused(Error),
    /// It must not be done and has written something already; the transaction is rolled back.
    Undone(Error),
    /// The file could not be read or written; the transaction is rolled back.
    Storage(rusqlite::Error),
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl Failed {
    /// The same from an operation that may have written something before it failed.
    pub(crate) fn undone(self) -> Self {
        match self {
            Self::Refused(error) => Self::Undone(error),
            other => other,
        }
    }

    /// As the error that the caller sees.
    pub(crate) fn named(self, file: &str) -> Error {
        match self {
            Self::Refused(error) | Self::Undone(error) => error,
            Self::Storage(error) => named(file, &error),
        }
    }
}

/// `error` of the file called `file` (relative to the data directory), as the caller sees it.
pub(crate) fn named(file: &str, error: &rusqlite::Error) -> Error {
    let file = file.to_owned();
    let detail = error.to_string();
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => match (failure.code, failure.extended_code) {
            (ffi::ErrorCode::DiskFull, _) => Error::Full { file },
            // A file that may not grow: the disk, a quota or a size limit. SQLite only says FULL for the first.
            (_, ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_SHMSIZE | ffi::SQLITE_IOERR_TRUNCATE) => {
                Error::Full { file }
            }
            (ffi::ErrorCode::DatabaseBusy | ffi::ErrorCode::DatabaseLocked, _) => Error::Locked { file },
            (ffi::ErrorCode::DatabaseCorrupt | ffi::ErrorCode::NotADatabase | ffi::ErrorCode::SystemIoFailure, _) => {
                Error::Damaged { file, detail }
            }
            _ => Error::Other { file, detail },
        },
        // A column that does not hold what we write there was not written by us.
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..) => Error::Damaged { file, detail },
        _ => Error::Other { file, detail },
    }
}

/// A stored value that cannot be read back.
pub(crate) fn unreadable(file: &str, what: &str, why: impl std::fmt::Display) -> Error {
    Error::Damaged { file: file.to_owned(), detail: format!("{what} does not read: {why}") }
}
