//! What a running node leaves in `<data>/run/` so that the command line of this machine finds it: where it listens, and an
//! admin token that is good while it runs. Directory 0700, files 0600.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use std::io::Write as _;

/// Removes the files again when dropped.
#[derive(Debug)]
pub(crate) struct NodeFiles {
    dir: PathBuf,
}

/// Where a running node is, and what lets this machine's owner in.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// A bearer token with the admin role.
    pub(crate) token: String,
}

impl NodeFiles {
    /// Writes them. The address comes last: who sees it sees the token too.
    pub(crate) fn write(data: &Path, address: SocketAddr, token: &str) -> std::io::Result<Self> {
        let dir = data.join("run");
        if !dir.is_dir() {
            fs::DirBuilder::new().mode(0o700).recursive(true).create(&dir)?;
        }
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700))?;
        for (name, text) in [("token", token.to_owned()), ("address", address.to_string())] {
            let fresh = dir.join(format!("{name}.new"));
            let mut file = fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
            writeln!(file, "{text}")?;
            fs::rename(&fresh, dir.join(name))?;
        }
        Ok(Self { dir })
    }

    /// What a running node of this data directory wrote.
    pub(crate) fn find(data: &Path) -> Option<Found> {
        let read = |name: &str| fs::read_to_string(data.join("run").join(name)).ok();
        Some(Found { address: read("address")?.trim().parse().ok()?, token: read("token")?.trim().to_owned() })
    }
}

impl Drop for NodeFiles {
    fn drop(&mut self) {
        for name in ["address", "token"] {
            // A file that stays behind is found not to answer.
            let _ = fs::remove_file(self.dir.join(name));
        }
    }
}

/// A token that nobody can guess: 32 random bytes.
pub(crate) fn fresh_token() -> Result<String, String> {
    use base64::Engine as _;
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| format!("the system gives no random bytes: {error}"))?;
    Ok(format!("fwl_{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_found_by_its_owner_and_gone_with_the_node() {
        let data = tempfile::tempdir().unwrap();
        let address: SocketAddr = "127.0.0.1:4141".parse().unwrap();
        let files = NodeFiles::write(data.path(), address, "secret").unwrap();
        let found = NodeFiles::find(data.path()).unwrap();
        assert_eq!((found.address, found.token.as_str()), (address, "secret"));
        let mode = fs::metadata(data.path().join("run/token")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(files);
        assert!(NodeFiles::find(data.path()).is_none());
    }
}
