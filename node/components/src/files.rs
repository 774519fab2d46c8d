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

/// Follows every link of a path to something that is there.
///
/// # Errors
/// When it is not there, or lies in the node's own data directory.
pub(crate) fn real(doing: &str, path: &Path, options: &Options) -> Result<PathBuf, Failure> {
    let real = std::fs::canonicalize(path).map_err(|error| failed(doing, path, &error))?;
    if options.own_folder.holds(&real) {
        return Err(own_folder(doing, path));
    }
    Ok(real)
}

/// The path of a file to write, its folder without links. The file itself may be there or not.
///
/// # Errors
/// When the folder is not there, or the file lies in the node's own data directory.
pub(crate) fn real_to_write(path: &Path, options: &Options) -> Result<PathBuf, Failure> {
    let is_a_folder = || failed("write", path, &std::io::ErrorKind::IsADirectory.into());
    let (folder, name) = path.parent().zip(path.file_name()).ok_or_else(is_a_folder)?;
    let target = real("write", folder, options)?.join(name);
    // What is there may be a link that leads elsewhere; a link to nothing leads nowhere and is replaced.
    if std::fs::canonicalize(&target).is_ok_and(|real| options.own_folder.holds(&real)) {
        return Err(own_folder("write", path));
    }
    Ok(target)
}

/// Makes a folder and those on the way to it, none of them in the node's own data directory.
///
/// # Errors
/// When the system refuses, or the nearest folder that is there lies in the node's own data directory.
pub(crate) fn make_folders(folder: &Path, options: &Options) -> Result<(), Failure> {
    let there = folder.ancestors().find(|part| std::fs::symlink_metadata(part).is_ok()).unwrap_or(Path::new("/"));
    let at = real("make the folder", there, options)?;
    let rest = folder.strip_prefix(there).unwrap_or(folder);
    // `..` behind something that is not there yet could lead anywhere.
    if rest.components().any(|part| part == Part::ParentDir) || options.own_folder.holds(&at.join(rest)) {
        return Err(own_folder("make the folder", folder));
    }
    std::fs::create_dir_all(at.join(rest)).map_err(|error| failed("make the folder", folder, &error))
}

fn own_folder(doing: &str, path: &Path) -> Failure {
    Failure::new("file-of-node", format!("cannot {doing} {}: it is in the node's own data directory", path.display()))
        .place("config.path")
        .hint("steps may use its `files` folder (relative paths lead there) and folders outside of it")
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
