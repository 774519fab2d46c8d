//! The key of the host: `<data>/host.key`, 64 hex digits. Whoever has it is this host; it decrypts nothing that members say
//! to each other.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use flowork_mesh::Seed;
use flowork_protocol::NodeId;
use zeroize::Zeroizing;

const FILE: &str = "host.key";

/// Reads the key; makes one when there is none.
///
/// # Errors
/// When it can be neither read nor made.
pub(crate) fn open(data: &Path) -> anyhow::Result<Zeroizing<[u8; 32]>> {
    let path = data.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) => {
            let text = Zeroizing::new(text);
            return from_hex(text.trim())
                .ok_or_else(|| anyhow!("{} holds no key; restore it from a backup, or move it away", path.display()));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(|error| anyhow!("the system gives no random bytes: {error}"))?;
    let cannot = || format!("{} cannot be written", path.display());
    fs::DirBuilder::new().recursive(true).mode(0o700).create(data).with_context(cannot)?;
    let text = Zeroizing::new(seed.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let mut file = tempfile::Builder::new().permissions(mode()).tempfile_in(data).with_context(cannot)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).with_context(cannot)?;
    match file.persist_noclobber(&path) {
        Ok(_) => Ok(seed),
        // Another process was first; there is one key.
        Err(lost) if lost.error.kind() == ErrorKind::AlreadyExists => open(data),
        Err(error) => Err(error.error).with_context(cannot),
    }
}

/// Who has this key.
pub(crate) fn node_id(seed: &[u8; 32]) -> NodeId {
    Seed::new(*seed).node_id()
}

fn mode() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    fs::Permissions::from_mode(0o600)
}

fn from_hex(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut seed = Zeroizing::new([0; 32]);
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in seed.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("new");
        let first = node_id(&open(&data).unwrap());
        assert_eq!(node_id(&open(&data).unwrap()), first);
        assert_eq!(fs::metadata(data.join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "nothing").unwrap();
        assert!(open(folder.path()).unwrap_err().to_string().contains("holds no key"));
        assert_eq!(fs::read_to_string(folder.path().join(FILE)).unwrap(), "nothing");
    }
}
