//! Who may be reached through this host: a folder with one file for each member, and one with a file for each open
//! invitation. The running host and the command line see the same; taking an invitation is renaming a file, which only one
//! can do.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::Context as _;
use flowork_mesh::host::Members;
use flowork_protocol::certificate::is_name;
use flowork_protocol::invitation::Secret;
use flowork_protocol::{NodeId, Timestamp};
use serde::{Deserialize, Serialize};

/// A node that may be reached through this host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) node: NodeId,
    /// What it calls itself.
    pub(crate) name: String,
    pub(crate) since: Timestamp,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Open {
    ends_at: Timestamp,
    #[serde(default)]
    used_by: Option<NodeId>,
}

/// Both folders.
pub(crate) struct Folder {
    members: PathBuf,
    invitations: PathBuf,
    /// Other hosts, which are known as members are.
    pub(crate) peers: BTreeSet<NodeId>,
    /// What was read last, and when the folder had changed then.
    seen: Mutex<Option<(SystemTime, BTreeSet<NodeId>)>>,
}

impl Folder {
    /// Opens or makes it.
    ///
    /// # Errors
    /// When the disk says no.
    pub(crate) fn open(data: &Path) -> anyhow::Result<Self> {
        let (members, invitations) = (data.join("members"), data.join("invitations"));
        for folder in [&members, &invitations] {
            fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        }
        Ok(Self { members, invitations, peers: BTreeSet::new(), seen: Mutex::default() })
    }

    /// Every member. A file that is none is left alone and said.
    pub(crate) fn list(&self) -> Vec<Member> {
        let mut all = Vec::new();
        for path in files(&self.members) {
            let read = fs::read(&path).map_err(|error| error.to_string());
            match read.and_then(|bytes| serde_json::from_slice::<Member>(&bytes).map_err(|error| error.to_string())) {
                Ok(member) => all.push(member),
                Err(error) => tracing::warn!(path = %path.display(), error, "this file names no member"),
            }
        }
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// Writes an invitation down: the name of its secret, and its end.
    ///
    /// # Errors
    /// When the disk says no.
    pub(crate) fn invite(&self, id: &str, ends_at: Timestamp) -> anyhow::Result<()> {
        let now = crate::now();
        for path in files(&self.invitations) {
            // What has ended lets nobody in and only lies around.
            if read_open(&path).is_some_and(|open| open.ends_at <= now) {
                let _ = fs::remove_file(path);
            }
        }
        write(&self.invitations, id, &Open { ends_at, used_by: None })
    }

    /// Lets a member go.
    ///
    /// # Errors
    /// When the disk says no.
    pub(crate) fn forget(&self, node: NodeId) -> anyhow::Result<()> {
        match fs::remove_file(self.members.join(node.to_string())) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error).context("the member cannot be removed"),
            _ => Ok(()),
        }
    }

    fn take(&self, secret: &Secret, node: NodeId, name: &str) -> Result<(), (&'static str, String)> {
        let unknown = || ("invitation-unknown", "this host made no such invitation".to_owned());
        let used = || ("invitation-used", "the invitation was used already; ask for a new one".to_owned());
        let again = |error: anyhow::Error| {
            tracing::error!(%error, "a member cannot be written down");
            ("try-again", "this host cannot write it down now; try again".to_owned())
        };
        if !is_name(name) {
            return Err(("name-invalid", "the joining node has no name that can be shown".to_owned()));
        }
        let now = crate::now();
        let id = secret.name();
        let path = self.invitations.join(&id);
        let open = read_open(&path).ok_or_else(unknown)?;
        match open.used_by {
            // So that a lost answer does no harm.
            Some(by) if by == node => {}
            Some(_) => return Err(used()),
            None if open.ends_at <= now => {
                return Err(("invitation-expired", "the invitation has ended; ask for a new one".to_owned()));
            }
            None => {
                let taken = self.invitations.join(format!("{id}.{node}"));
                // Whoever renames it has it.
                fs::rename(&path, &taken).map_err(|_| used())?;
                write(&self.invitations, &id, &Open { used_by: Some(node), ..open }).map_err(again)?;
                let _ = fs::remove_file(taken);
            }
        }
        write(&self.members, &node.to_string(), &Member { node, name: name.to_owned(), since: now }).map_err(again)
    }
}

impl Members for Folder {
    fn all(&self) -> BTreeSet<NodeId> {
        let changed = fs::metadata(&self.members).and_then(|about| about.modified()).ok();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(changed), Some((at, all))) = (changed, seen.as_ref())
            && changed == *at
        {
            return all.clone();
        }
        let mut all: BTreeSet<NodeId> = self.list().into_iter().map(|member| member.node).collect();
        all.extend(&self.peers);
        *seen = changed.map(|changed| (changed, all.clone()));
        all
    }

    fn admit(&self, secret: &Secret, node: NodeId, name: &str) -> Result<(), (&'static str, String)> {
        self.take(secret, node, name)
    }

    fn remove(&self, node: NodeId) {
        if let Err(error) = self.forget(node) {
            tracing::error!(%node, %error, "a member that left is still written down");
        }
    }
}

/// Whole files only: what is being written has another name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))).collect()
}

fn read_open(path: &Path) -> Option<Open> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn write<T: Serialize>(folder: &Path, name: &str, value: &T) -> anyhow::Result<()> {
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    file.write_all(&serde_json::to_vec_pretty(value)?)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(name))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: NodeId = NodeId([1; 32]);
    const BEN: NodeId = NodeId([2; 32]);

    fn folder() -> (tempfile::TempDir, Folder) {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        (place, folder)
    }

    fn invite(folder: &Folder, secret: &Secret, ms: u64) {
        folder.invite(&secret.name(), crate::now().plus_ms(ms)).unwrap();
    }

    #[test]
    fn an_invitation_lets_one_node_in_and_that_one_again() {
        let (_place, folder) = folder();
        let secret = Secret([7; 16]);
        invite(&folder, &secret, 60_000);
        assert_eq!(folder.admit(&secret, ANA, "Ana"), Ok(()));
        assert_eq!(folder.admit(&secret, ANA, "Ana"), Ok(()), "an answer may be lost");
        assert_eq!(folder.admit(&secret, BEN, "Ben").unwrap_err().0, "invitation-used");
        assert_eq!(folder.all(), BTreeSet::from([ANA]));
        folder.remove(ANA);
        assert_eq!(folder.all(), BTreeSet::new());
    }

    #[test]
    fn unknown_and_late_invitations_let_nobody_in() {
        let (_place, folder) = folder();
        assert_eq!(folder.admit(&Secret([1; 16]), ANA, "Ana").unwrap_err().0, "invitation-unknown");
        invite(&folder, &Secret([2; 16]), 0);
        assert_eq!(folder.admit(&Secret([2; 16]), ANA, "Ana").unwrap_err().0, "invitation-expired");
        assert_eq!(folder.all(), BTreeSet::new());
    }

    #[test]
    fn of_many_at_once_one_comes_in() {
        let (_place, folder) = folder();
        let secret = Secret([7; 16]);
        invite(&folder, &secret, 60_000);
        let let_in = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..16u8)
                .map(|number| {
                    let (folder, secret) = (&folder, &secret);
                    scope.spawn(move || folder.admit(secret, NodeId([number; 32]), "somebody").is_ok())
                })
                .collect();
            tries.into_iter().filter(|_| true).map(|one| one.join().unwrap()).filter(|is_in| *is_in).count()
        });
        assert_eq!(let_in, 1);
        assert_eq!(folder.all().len(), 1);
    }

    #[test]
    fn a_file_that_names_no_member_is_left_alone() {
        let (place, folder) = folder();
        fs::write(place.path().join("members/readme"), "hello").unwrap();
        assert_eq!(folder.all(), BTreeSet::new());
        assert!(place.path().join("members/readme").exists());
    }
}
