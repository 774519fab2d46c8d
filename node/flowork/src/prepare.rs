//! What must be in order before any role starts: the lock, the files of the store, the keys.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use flowork_store::Layout;
use zeroize::Zeroizing;

use crate::cli::fail::{FAILED, Fail, REFUSED};
use crate::keystore::{self, Keys};
use crate::lock::{self, Lock};
use crate::rooms::{self, Folders};
use crate::supervisor::start::Start;

/// A data directory that is ready for roles. The lock is held as long as this is.
pub(crate) struct Prepared {
    /// The lock.
    pub(crate) lock: Lock,
    /// The store's files.
    pub(crate) layout: Layout,
    /// The unlocked keys.
    pub(crate) keys: Keys,
    /// What roles are told.
    pub(crate) start: Start,
    /// The local admin token.
    pub(crate) token: String,
    /// Where components find their way.
    pub(crate) folders: Folders,
    /// Whether the data directory was made just now.
    pub(crate) is_fresh: bool,
}

/// Makes or opens the data directory `data`, brings it up to date and unlocks its keys. Blocks.
pub(crate) fn prepare(data: &Path, home: &Path, passphrase: Option<&Zeroizing<String>>) -> Result<Prepared, Fail> {
    if !data.is_dir() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(|error| {
            Fail::because(format!("cannot make the data directory {}", data.display()), &error)
                .hint("name another one with --data")
        })?;
    }
    let data = data
        .canonicalize()
        .map_err(|error| Fail::because(format!("cannot open the data directory {}", data.display()), &error))?;
    let lock = Lock::take(&data).map_err(|error| match error {
        lock::Error::Held { .. } => Fail::new(REFUSED, error.to_string()),
        lock::Error::Io { .. } => Fail::new(FAILED, crate::chain(&error)),
    })?;
    let is_fresh = !data.join("layout.json").exists();
    let opened = Layout::create_or_open(&data).and_then(|mut layout| {
        if layout.plan().copied_at.is_some() {
            keystore::forget_node_key(&data.join("keys"));
            tracing::info!("this data directory is a copy: its node gets a key of its own");
            layout.settle_copy()?;
        }
        Ok(layout)
    });
    let layout = opened.map_err(|error| Fail::new(FAILED, crate::chain(&error)))?;
    let keys = keystore::open(&data.join("keys"), passphrase).map_err(|error| match error {
        keystore::Error::Locked(_) | keystore::Error::WrongPassphrase(_) => Fail::new(REFUSED, error.to_string()),
        _ => Fail::new(FAILED, crate::chain(&error)),
    })?;
    for note in &keys.notes {
        tracing::info!(keys = %data.join("keys").display(), "{note}");
    }
    rooms::make_folders(&data).map_err(|error| Fail::because("cannot make the folder for files", &error))?;
    let folders = Folders { data, home: home.to_owned() };
    let (start, token) = rooms::start(&folders, keys.node_id(), keys.vault_recipient.clone())
        .map_err(|error| Fail::new(FAILED, error))?;
    Ok(Prepared { lock, layout, keys, start, token, folders, is_fresh })
}
