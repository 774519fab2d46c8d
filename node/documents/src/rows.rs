//! The rows that this crate keeps in its table, and reading them where some are damaged.
//!
//! | key | value |
//! |---|---|
//! | `draft/<preset>` | the draft's entry in the index |
//! | `log/<preset>/<number>/change/<hash>` | one committed edit |
//! | `log/<preset>/<number>/base` | the whole document as it was after that edit |
//! | `log/<preset>/<number>/heads` | the heads of that base, to tell after damage whether anything is lost |
//! | `samod/…` | what samod keeps: snapshots and increments, a second copy of every edit |
//! | `opening/<preset>` | that the document is being loaded, and how often this ended the process |
//! | `aside/<preset>` | that the document is set aside, why and until when |
//! | `version/<preset>/<version>`, `frozen/<version>` | what is known of a version; its content is a blob |

use flowork_ports::documents::{DocumentTable, Error};
use flowork_ports::store;

/// A row that was read, or why it cannot be.
pub(crate) type Row = Result<Vec<u8>, String>;

/// Every row under `prefix`; damaged ones by name, the others in full.
///
/// # Errors
/// When the table cannot be read at all.
pub(crate) async fn read(table: &dyn DocumentTable, prefix: &str) -> Result<Vec<(String, Row)>, store::Error> {
    match table.load_range(prefix).await {
        Ok(rows) => return Ok(rows.into_iter().map(|(key, bytes)| (key, Ok(bytes))).collect()),
        Err(store::Error::Damaged { .. }) => {}
        Err(error) => return Err(error),
    }
    let mut rows = Vec::new();
    for key in table.keys(prefix).await? {
        match table.load(&key).await {
            Ok(Some(bytes)) => rows.push((key, Ok(bytes))),
            Ok(None) => {}
            Err(store::Error::Damaged { detail, .. }) => rows.push((key, Err(detail))),
            Err(error) => return Err(error),
        }
    }
    Ok(rows)
}

/// What a failing table means for whoever asked for a document.
pub(crate) fn refused(error: &store::Error) -> Error {
    match error {
        store::Error::Damaged { .. } => Error::Damaged(error.to_string()),
        other => Error::Away(other.to_string()),
    }
}

/// A value as the bytes of a row.
///
/// # Errors
/// When it cannot be written as JSON.
pub(crate) fn encode<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::Damaged(format!("a row cannot be written: {error}")))
}
