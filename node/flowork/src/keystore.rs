//! The keys of a node on disk: `<data>/keys/node.key` (ed25519 seed) and `<data>/keys/vault.key` (age identity), each
//! optionally encrypted with a passphrase (`*.key.age`, age with scrypt). Directory 0700, files 0600. A person who wants it so
//! keeps their own key there too (`person.key`); no role is ever given that one.
//!
//! Invariant: a key is never without a whole file. An encrypted form is on disk before the plain one is removed.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use age::secrecy::{ExposeSecret as _, SecretString};
use flowork_protocol::NodeId;
use zeroize::Zeroizing;

const NODE_FILE: &str = "node.key";
const VAULT_FILE: &str = "vault.key";
const PERSON_FILE: &str = "person.key";
const PERSON_HEAD: &str = "flowork person key v1 ";
const NODE_HEAD: &str = "flowork node key v1 ";
/// scrypt N = 2^16: 64 MiB and a fraction of a second for each guess.
const SCRYPT_LOG_N: u8 = 16;
/// What a file that somebody else encrypted may cost to open.
const SCRYPT_LOG_N_MAX: u8 = 20;

/// Why the keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// They are encrypted and no passphrase was given.
    #[error("the keys in {} are encrypted; give their passphrase in FLOWORK_PASSPHRASE or with --passphrase-file", .0.display())]
    Locked(PathBuf),
    /// The passphrase does not open them.
    #[error("the passphrase does not open {}; check it and try again", .0.display())]
    WrongPassphrase(PathBuf),
    /// The file holds something else.
    #[error("{} does not hold a key; restore it from a backup", .0.display())]
    Damaged(PathBuf),
    /// A key could not be encrypted.
    #[error("cannot encrypt a key: {0}")]
    Encrypt(String),
    /// The system has no randomness.
    #[error("the system gives no random bytes: {0}")]
    Random(String),
    /// The disk said no.
    #[error("cannot {doing} {}", .path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// The unlocked keys. Wiped from memory when dropped.
pub(crate) struct Keys {
    /// The seed of the node key: for mesh only.
    pub(crate) node_seed: Zeroizing<[u8; 32]>,
    /// The vault's age identity as text: for the kernel only.
    pub(crate) vault_identity: Zeroizing<String>,
    /// The vault's public half as text: for the gateway.
    pub(crate) vault_recipient: String,
    /// What was done with the files, for people.
    pub(crate) notes: Vec<&'static str>,
}

impl Keys {
    /// Which node this is.
    pub(crate) fn node_id(&self) -> NodeId {
        NodeId(ed25519_dalek::SigningKey::from_bytes(&self.node_seed).verifying_key().to_bytes())
    }
}

/// Whether there are keys in `dir`.
pub(crate) fn exists(dir: &Path) -> bool {
    dir.join(NODE_FILE).exists() || dir.join(NODE_FILE).with_extension("key.age").exists()
}

/// Takes the node key away, so that [`open`] makes a new one: two nodes must not share one. The vault key stays.
pub(crate) fn forget_node_key(dir: &Path) {
    for file in [dir.join(NODE_FILE), dir.join(NODE_FILE).with_extension("key.age")] {
        // What is not there need not go.
        let _ = fs::remove_file(file);
    }
}

/// Reads the keys in `dir`, makes those that are missing, and encrypts plain ones when a passphrase is given.
pub(crate) fn open(dir: &Path, passphrase: Option<&Zeroizing<String>>) -> Result<Keys, Error> {
    if !dir.is_dir() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|source| Error::Io {
            doing: "make",
            path: dir.to_owned(),
            source,
        })?;
    }
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(|source| Error::Io {
        doing: "protect",
        path: dir.to_owned(),
        source,
    })?;
    let mut notes = Vec::new();
    let node_text = one_key(&dir.join(NODE_FILE), passphrase, &mut notes, fresh_node_key)?;
    let vault_text = one_key(&dir.join(VAULT_FILE), passphrase, &mut notes, || Ok(fresh_vault_key()))?;
    // A passphrase that is set later closes this one too.
    if passphrase.is_some() && dir.join(PERSON_FILE).exists() {
        person(dir, passphrase)?;
    }
    let node_seed = parse_key(NODE_HEAD, &node_text).ok_or_else(|| Error::Damaged(dir.join(NODE_FILE)))?;
    let identity =
        age::x25519::Identity::from_str(vault_text.trim()).map_err(|_| Error::Damaged(dir.join(VAULT_FILE)))?;
    notes.dedup();
    Ok(Keys {
        node_seed,
        vault_recipient: identity.to_public().to_string(),
        vault_identity: Zeroizing::new(vault_text.trim().to_owned()),
        notes,
    })
}

fn one_key(
    plain: &Path, passphrase: Option<&Zeroizing<String>>, notes: &mut Vec<&'static str>,
    make: impl FnOnce() -> Result<Zeroizing<String>, Error>,
) -> Result<Zeroizing<String>, Error> {
    let sealed = plain.with_extension("key.age");
    if sealed.exists() {
        let text = decrypt(&sealed, passphrase.ok_or_else(|| Error::Locked(sealed.clone()))?)?;
        // A crash between writing this file and removing the plain one leaves both.
        if plain.exists() {
            remove(plain)?;
        }
        return Ok(text);
    }
    let text = if plain.exists() {
        let bytes = Zeroizing::new(fs::read(plain).map_err(|source| Error::Io {
            doing: "read",
            path: plain.to_owned(),
            source,
        })?);
        Zeroizing::new(std::str::from_utf8(&bytes).map_err(|_| Error::Damaged(plain.to_owned()))?.to_owned())
    } else {
        notes.push("made new keys");
        let text = make()?;
        if passphrase.is_none() {
            write(plain, text.as_bytes())?;
        }
        text
    };
    if let Some(passphrase) = passphrase {
        write(&sealed, &encrypt(&text, passphrase)?)?;
        if plain.exists() {
            notes.push("encrypted the keys with the passphrase");
            remove(plain)?;
        }
    }
    Ok(text)
}

/// Puts a new node key in the place of the old one, encrypted where that was; `say` is told both seeds before, and what it
/// writes is on disk first.
pub(crate) fn replace_node_key(
    dir: &Path, passphrase: Option<&Zeroizing<String>>, say: impl FnOnce(&[u8; 32], &[u8; 32]) -> Result<(), Error>,
) -> Result<NodeId, Error> {
    let plain = dir.join(NODE_FILE);
    let sealed = plain.with_extension("key.age");
    let old = open(dir, passphrase)?;
    let new = random()?;
    say(&old.node_seed, &new)?;
    let text = key_text(NODE_HEAD, &new);
    match passphrase.filter(|_| sealed.exists()) {
        Some(passphrase) => write(&sealed, &encrypt(&text, passphrase)?)?,
        None => write(&plain, text.as_bytes())?,
    }
    Ok(open(dir, passphrase)?.node_id())
}

/// 32 random bytes.
pub(crate) fn random() -> Result<Zeroizing<[u8; 32]>, Error> {
    let mut seed = Zeroizing::new([0_u8; 32]);
    getrandom::fill(seed.as_mut()).map_err(|error| Error::Random(error.to_string()))?;
    Ok(seed)
}

fn fresh_node_key() -> Result<Zeroizing<String>, Error> {
    let seed = random()?;
    Ok(key_text(NODE_HEAD, &seed))
}

fn key_text(head: &str, seed: &[u8; 32]) -> Zeroizing<String> {
    let hex: Zeroizing<String> = Zeroizing::new(seed.iter().map(|byte| format!("{byte:02x}")).collect());
    Zeroizing::new(format!("{head}{}\n", *hex))
}

/// The entropy of the person key that is kept in `dir`; none when none is.
pub(crate) fn person(dir: &Path, passphrase: Option<&Zeroizing<String>>) -> Result<Option<Zeroizing<[u8; 32]>>, Error> {
    let plain = dir.join(PERSON_FILE);
    if !plain.exists() && !plain.with_extension("key.age").exists() {
        return Ok(None);
    }
    let gone = || Err(Error::Damaged(plain.clone()));
    let text = one_key(&plain, passphrase, &mut Vec::new(), gone)?;
    parse_key(PERSON_HEAD, &text).ok_or_else(|| Error::Damaged(plain.clone())).map(Some)
}

/// Keeps the entropy of a person key in `dir`, in place of one that was there.
pub(crate) fn keep_person(dir: &Path, entropy: &[u8; 32], passphrase: Option<&Zeroizing<String>>) -> Result<(), Error> {
    let text = key_text(PERSON_HEAD, entropy);
    let plain = dir.join(PERSON_FILE);
    let sealed = plain.with_extension("key.age");
    let node = dir.join(NODE_FILE).with_extension("key.age");
    let other = match passphrase {
        // Beside keys that are closed none lies open.
        None if node.exists() => return Err(Error::Locked(node)),
        None => {
            write(&plain, text.as_bytes())?;
            sealed
        }
        Some(passphrase) => {
            write(&sealed, &encrypt(&text, passphrase)?)?;
            plain
        }
    };
    if other.exists() { remove(&other) } else { Ok(()) }
}

/// Keeps no person key in `dir` any more.
pub(crate) fn forget_person(dir: &Path) {
    for file in [dir.join(PERSON_FILE), dir.join(PERSON_FILE).with_extension("key.age")] {
        // What is not there need not go.
        let _ = fs::remove_file(file);
    }
}

fn fresh_vault_key() -> Zeroizing<String> {
    let identity = age::x25519::Identity::generate();
    Zeroizing::new(format!("{}\n", identity.to_string().expose_secret()))
}

fn parse_key(head: &str, text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let hex = text.strip_prefix(head)?.trim();
    let mut seed = Zeroizing::new([0_u8; 32]);
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (at, byte) in seed.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(seed)
}

fn encrypt(text: &str, passphrase: &str) -> Result<Vec<u8>, Error> {
    let mut recipient = age::scrypt::Recipient::new(SecretString::from(passphrase.to_owned()));
    recipient.set_work_factor(SCRYPT_LOG_N);
    age::encrypt(&recipient, text.as_bytes()).map_err(|error| Error::Encrypt(error.to_string()))
}

fn decrypt(path: &Path, passphrase: &str) -> Result<Zeroizing<String>, Error> {
    let sealed = fs::read(path).map_err(|source| Error::Io { doing: "read", path: path.to_owned(), source })?;
    let mut identity = age::scrypt::Identity::new(SecretString::from(passphrase.to_owned()));
    identity.set_max_work_factor(SCRYPT_LOG_N_MAX);
    let plain = age::decrypt(&identity, &sealed).map_err(|error| match error {
        age::DecryptError::DecryptionFailed
        | age::DecryptError::KeyDecryptionFailed
        | age::DecryptError::NoMatchingKeys => Error::WrongPassphrase(path.to_owned()),
        _ => Error::Damaged(path.to_owned()),
    })?;
    String::from_utf8(plain).map(Zeroizing::new).map_err(|_| Error::Damaged(path.to_owned()))
}

/// Writes a file that only its owner may read: temp file, sync, rename, sync of the directory.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let io = |doing| move |source| Error::Io { doing, path: path.to_owned(), source };
    let fresh = path.with_extension("new");
    let mut file =
        fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(&fresh).map_err(io("make"))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io("write"))?;
    fs::rename(&fresh, path).map_err(io("replace"))?;
    if let Some(dir) = path.parent() {
        fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(io("write"))?;
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), Error> {
    fs::remove_file(path).map_err(|source| Error::Io { doing: "remove", path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[test]
    fn keys_are_made_once_and_only_their_owner_may_read_them() {
        let data = tempfile::tempdir().unwrap();
        let dir = data.path().join("keys");
        let first = open(&dir, None).unwrap();
        let second = open(&dir, None).unwrap();
        assert_eq!(*first.node_seed, *second.node_seed);
        assert_eq!(first.vault_recipient, second.vault_recipient);
        assert_eq!((first.notes.len(), second.notes.len()), (1, 0));
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
        for file in [NODE_FILE, VAULT_FILE] {
            assert_eq!(fs::metadata(dir.join(file)).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_passphrase_encrypts_the_keys_and_is_then_needed() {
        let data = tempfile::tempdir().unwrap();
        let plain = open(data.path(), None).unwrap();
        let right = secret("correct horse");
        let sealed = open(data.path(), Some(&right)).unwrap();
        assert_eq!(*plain.node_seed, *sealed.node_seed);
        assert!(!data.path().join(NODE_FILE).exists());
        assert!(matches!(open(data.path(), None), Err(Error::Locked(_))));
        assert!(matches!(open(data.path(), Some(&secret("wrong"))), Err(Error::WrongPassphrase(_))));
        assert_eq!(open(data.path(), Some(&right)).unwrap().vault_recipient, plain.vault_recipient);
    }

    #[test]
    fn a_person_key_is_kept_only_when_asked_and_closed_with_the_others() {
        let data = tempfile::tempdir().unwrap();
        open(data.path(), None).unwrap();
        assert!(person(data.path(), None).unwrap().is_none());
        keep_person(data.path(), &[7; 32], None).unwrap();
        assert_eq!(fs::metadata(data.path().join(PERSON_FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        let right = secret("correct horse");
        open(data.path(), Some(&right)).unwrap();
        assert!(!data.path().join(PERSON_FILE).exists());
        assert!(matches!(person(data.path(), None), Err(Error::Locked(_))));
        assert_eq!(*person(data.path(), Some(&right)).unwrap().unwrap(), [7; 32]);
        assert!(matches!(keep_person(data.path(), &[8; 32], None), Err(Error::Locked(_))));
        keep_person(data.path(), &[8; 32], Some(&right)).unwrap();
        assert_eq!(*person(data.path(), Some(&right)).unwrap().unwrap(), [8; 32]);
        forget_person(data.path());
        assert!(person(data.path(), None).unwrap().is_none());
    }

    #[test]
    fn a_stolen_copy_of_encrypted_keys_holds_none_of_them() {
        let data = tempfile::tempdir().unwrap();
        drop(open(data.path(), None).unwrap());
        let words: Vec<String> = [NODE_FILE, VAULT_FILE]
            .iter()
            .map(|name| fs::read_to_string(data.path().join(name)).unwrap())
            .map(|text| text.split_whitespace().last().unwrap().to_owned())
            .collect();
        drop(open(data.path(), Some(&secret("correct horse"))).unwrap());
        let mut looked_at = 0;
        for entry in fs::read_dir(data.path()).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            looked_at += 1;
            for word in &words {
                assert!(
                    !bytes.windows(word.len()).any(|part| part == word.as_bytes()),
                    "a key lies there in the clear"
                );
            }
        }
        assert_eq!(looked_at, 2);
    }

    #[test]
    fn a_new_node_key_takes_the_place_of_the_old_one_in_whatever_form_it_was() {
        for passphrase in [None, Some(secret("correct horse"))] {
            let data = tempfile::tempdir().unwrap();
            let first = open(data.path(), passphrase.as_ref()).unwrap();
            let mut said = None;
            let say = |old: &[u8; 32], new: &[u8; 32]| {
                said = Some((*old, *new));
                Ok(())
            };
            let id = replace_node_key(data.path(), passphrase.as_ref(), say).unwrap();
            let now = open(data.path(), passphrase.as_ref()).unwrap();
            assert_eq!(said, Some((*first.node_seed, *now.node_seed)));
            assert!(id == now.node_id() && id != first.node_id());
            assert_eq!(now.vault_recipient, first.vault_recipient);
            assert_eq!(data.path().join(NODE_FILE).exists(), passphrase.is_none());
        }
    }

    #[test]
    fn a_file_that_holds_no_key_is_named() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join(NODE_FILE), "flowork node key v1 abc").unwrap();
        let error = open(data.path(), None).err().unwrap().to_string();
        assert!(error.contains("node.key does not hold a key"), "{error}");
    }
}
