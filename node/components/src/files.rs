//! Paths as people write them in configs, and what the file components share.

use std::path::{Component as Part, Path, PathBuf};

use flowork_protocol::Failure;

use crate::builtin::Options;

/// The path that a text names: absolute, under `~`, or in the node's files folder.
///
/// # Errors
/// When it is empty, or leaves the files folder by `..`.
pub(crate) fn resolve(text: &str, options: &Options) -> Result<PathBuf, Failure> {
    let text = text.trim();
    if text.is_empty() || text.contains('\0') {
        return Err(Failure::new("file-path", "the path is empty").place("config.path").hint("name a file"));
    }
    if text == "~" {
        return Ok(options.home_dir.clone());
    }
    if let Some(rest) = text.strip_prefix("~/") {
        return Ok(options.home_dir.join(rest));
    }
    let path = Path::new(text);
    if path.is_absolute() {
        return Ok(path.to_owned());
    }
    if path.components().any(|part| part == Part::ParentDir) {
        return Err(Failure::new("file-path", format!("`{text}` leads out of the node's files folder"))
            .place("config.path")
            .hint("write an absolute path for files elsewhere"));
    }
    Ok(options.files_dir.join(path))
}

/// Says which file could not be used and what to do.
pub(crate) fn failed(doing: &str, path: &Path, error: &std::io::Error) -> Failure {
    use std::io::ErrorKind as Kind;
    let shown = path.display();
    let (code, hint) = match error.kind() {
        Kind::NotFound => ("file-missing", "check the path; a relative one is taken from the node's files folder"),
        Kind::PermissionDenied => ("file-denied", "let the node's user read or write it, or choose another file"),
        Kind::AlreadyExists => ("file-exists", "choose another name, or mode `overwrite`"),
        Kind::StorageFull => ("disk-full", "free space on the disk and run the job again"),
        Kind::IsADirectory => ("file-is-folder", "name a file, or use list-files"),
        Kind::NotADirectory => ("file-not-a-folder", "check the path"),
        _ => ("file-failed", "look at the detail"),
    };
    let failure = Failure::new(code, format!("cannot {doing} {shown}: {error}")).place("config.path").hint(hint);
    if error.kind() == Kind::StorageFull { failure.retryable() } else { failure }
}

/// The media type that a file name suggests.
pub(crate) fn media_type(name: &str) -> Option<&'static str> {
    let ending = name.rsplit_once('.')?.1.to_ascii_lowercase();
    Some(match ending.as_str() {
        "csv" => "text/csv",
        "gif" => "image/gif",
        "gz" => "application/gzip",
        "htm" | "html" => "text/html",
        "jpg" | "jpeg" => "image/jpeg",
        "json" => "application/json",
        "log" | "txt" => "text/plain",
        "md" => "text/markdown",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "tsv" => "text/tab-separated-values",
        "webp" => "image/webp",
        "xml" => "application/xml",
        "zip" => "application/zip",
        _ => return None,
    })
}

/// Runs file work where it may block.
///
/// # Errors
/// What the work says, or that the node is shutting down.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Failure::new("file-interrupted", format!("the file work was interrupted: {error}")).retryable())
    })
}

/// What a blob store says, as a failure.
pub(crate) fn blob_failed(error: &flowork_ports::blobs::Error) -> Failure {
    use std::error::Error as _;
    let failure = Failure::new("blob-failed", error.to_string());
    match error.source() {
        Some(source) => failure.detail(source.to_string()).retryable(),
        None => failure,
    }
}
