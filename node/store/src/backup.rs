//! One verified, encrypted file with everything a node is, written while the node runs; and the way back.
//!
//! Form: an age file (passphrase or recipient) around a zstd stream around a tar archive: the files of the data directory
//! under their names, then `manifest.json` with size and BLAKE3 of each. SQLite files are copied by SQLite's backup API
//! from read-only connections, each in one snapshot.
//!
//! The order makes the snapshots fit: inboxes first, so that whatever is in no inbox copy any more is in the shard copies
//! taken later; blobs after the events that name them. A shard copy may then have drained entries that came after its
//! inbox's copy: [`restore`] raises the inbox's numbers past every cursor, or new entries would be taken for drained.
//!
//! Source of the form: <https://age-encryption.org/v1>, POSIX ustar/GNU tar, RFC 8878 (Zstandard).

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use age::secrecy::SecretString;
use flowork_ports::store::Error as StoreError;
use flowork_protocol::Timestamp;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::error::named;
use crate::layout::{self, Layout, PLAN};
use crate::{file, inboxes};

/// The form that this Flowork writes.
const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";
/// The most bytes of a manifest; a blob's entry takes about 200.
const MANIFEST_BYTES_MAX: u64 = 1 << 30;
/// Fast rather than small: most bytes are compressed already.
const LEVEL: i32 = 3;
/// How hard a passphrase is to try: 128 MiB and about half a second. Said, and not measured as age would: a backup of a fast
/// or idle machine must open on a slow or busy one.
const SCRYPT_LOG_N: u8 = 17;
/// The hardest that is tried, 1 GiB.
const SCRYPT_LOG_N_MAX: u8 = 20;
/// Files in `keys/` that are the node's identity begin so; a copy must not keep them.
const NODE_KEY_PREFIX: &str = "node";

/// Why a backup cannot be made or restored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk said no.
    #[error("cannot {doing} {path}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file of the store cannot be copied.
    #[error("a file of the store cannot be copied")]
    Store(#[from] StoreError),
    /// The data directory cannot be used.
    #[error(transparent)]
    Layout(#[from] layout::Error),
    /// The recipient is none.
    #[error("`{0}` is not an age recipient; it looks like age1…")]
    Recipient(String),
    /// The identity is none.
    #[error("this is not an age identity ({0}); it looks like AGE-SECRET-KEY-1…")]
    Identity(String),
    /// The secret does not open the file.
    #[error("the backup cannot be opened: {0}; check the passphrase or identity")]
    Locked(String),
    /// The file is not what was written.
    #[error("the backup is damaged: {0}; use another one")]
    Damaged(String),
    /// A newer Flowork wrote it.
    #[error("the backup has form {0}, this Flowork knows up to {FORMAT}; restore it with the newer Flowork")]
    Newer(u32),
    /// The target holds something.
    #[error("{0} is not empty; restore into a new folder")]
    NotEmpty(PathBuf),
}

/// What locks and unlocks a backup.
#[derive(Clone)]
pub enum Secret {
    /// A passphrase that a person chose (scrypt).
    Passphrase(SecretString),
    /// An age recipient, `age1…`: locks only.
    Recipient(String),
    /// An age identity, `AGE-SECRET-KEY-1…`: unlocks what was locked to its recipient.
    Identity(SecretString),
}

impl Secret {
    /// A passphrase.
    #[must_use]
    pub fn passphrase(text: String) -> Self {
        Self::Passphrase(text.into())
    }
}

/// Whether the restored node goes on as the one that was backed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The old node is gone: same identity.
    Move,
    /// The old node lives on: the node key stays behind and a new one must be made ([`Layout::settle_copy`]).
    Copy,
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of the backup.
    pub format: u32,
    /// The Flowork that wrote it.
    pub written_by: String,
    /// When it was begun.
    pub at: Timestamp,
    /// Every file, in the order of the archive.
    pub files: Vec<Entry>,
}

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name, relative to the data directory.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its BLAKE3, hex.
    pub blake3: String,
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { doing, path, source }
}

impl Layout {
    /// Writes a backup to `target`, which must not exist, while the node runs, and reads it back: with a passphrase every
    /// file's hash, with a recipient (which cannot open it) that the disk holds what was written. Blocks for as long as
    /// copying takes; one SQLite file at a time is copied beside the target. Gives what it holds.
    ///
    /// # Errors
    /// A damaged or locked file is named; nothing is left under `target` then.
    pub fn backup(&self, target: &Path, secret: &Secret) -> Result<Manifest, Error> {
        if target.exists() {
            return Err(Error::NotEmpty(target.to_owned()));
        }
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let unfinished = tempfile::NamedTempFile::new_in(folder).map_err(io_error("make a file in", folder))?;
        let (manifest, hash) = self.write_backup(unfinished.as_file(), folder, secret)?;
        unfinished.as_file().sync_all().map_err(io_error("write", target))?;
        match secret {
            Secret::Recipient(_) => check_bytes(unfinished.path(), hash)?,
            _ => check_contents(unfinished.path(), secret, &manifest)?,
        }
        unfinished.persist_noclobber(target).map_err(|error| io_error("name", target)(error.error))?;
        file::sync_dir(folder).map_err(io_error("write", folder))?;
        Ok(manifest)
    }

    fn write_backup(&self, to: &File, scratch: &Path, secret: &Secret) -> Result<(Manifest, blake3::Hash), Error> {
        let out = Hashing { inner: BufWriter::new(to), hasher: blake3::Hasher::new() };
        let sealed = encryptor(secret)?.wrap_output(out).map_err(io_error("write to", scratch))?;
        let packed = zstd::stream::Encoder::new(sealed, LEVEL).map_err(io_error("write to", scratch))?;
        let mut archive = Archive { tar: tar::Builder::new(packed), files: Vec::new() };
        let at = crate::clock::now();
        // `files` gives inboxes first, then shards, the node's tables, documents.
        for (name, path, _) in self.files() {
            let copy = tempfile::NamedTempFile::new_in(scratch).map_err(io_error("make a file in", scratch))?;
            copy_database(&path, copy.path()).map_err(|error| named(&name, &error))?;
            archive.add(&name, copy.path())?;
        }
        self.add_blobs(&mut archive)?;
        add_folder(&mut archive, &self.dir().join("keys"), "keys")?;
        archive.add(PLAN, &self.dir().join(PLAN))?;
        let manifest =
            Manifest { format: FORMAT, written_by: env!("CARGO_PKG_VERSION").to_owned(), at, files: archive.files };
        let text = serde_json::to_vec(&manifest).map_err(|error| io_error("write", scratch)(error.into()))?;
        let finish = || {
            let mut tar = archive.tar;
            append(&mut tar, MANIFEST, text.len() as u64, text.as_slice())?;
            let mut out = tar.into_inner()?.finish()?.finish()?;
            out.flush()?;
            Ok(out.hasher.finalize())
        };
        let hash = finish().map_err(io_error("write to", scratch))?;
        Ok((manifest, hash))
    }

    fn add_blobs<W: Write>(&self, archive: &mut Archive<W>) -> Result<(), Error> {
        let dir = self.dir().join("blobs");
        let mut blobs = Vec::new();
        self.file_blobs()
            .walk(|id, _, path| blobs.push((id, path.to_owned())))
            .map_err(io_error("look through", &dir))?;
        for (id, path) in blobs {
            let place = path.strip_prefix(self.dir()).unwrap_or(&path).to_string_lossy().into_owned();
            // Swept meanwhile: then nothing names it.
            if !path.exists() {
                continue;
            }
            archive.add(&place, &path)?;
            let hash = archive.files.last().map(|entry| entry.blake3.clone()).unwrap_or_default();
            if hash != id.to_string() {
                return Err(StoreError::Damaged {
                    file: place,
                    detail: "its bytes are not what its name says".to_owned(),
                }
                .into());
            }
        }
        Ok(())
    }
}

/// Unpacks a backup into `dir`, which must be empty or not exist, and checks every file. Jobs go on where they were when
/// the returned layout's kernel starts. Blocks. On an error the folder holds nothing usable: no layout file.
///
/// # Errors
/// [`Error::Locked`] when the secret is wrong, [`Error::Damaged`] when the file is not what was written.
pub fn restore(from: &Path, secret: &Secret, dir: &Path, mode: Mode) -> Result<Layout, Error> {
    fs::create_dir_all(dir).map_err(io_error("make the folder", dir))?;
    let mut there = fs::read_dir(dir).map_err(io_error("look into", dir))?;
    if there.next().is_some() {
        return Err(Error::NotEmpty(dir.to_owned()));
    }
    // Beside its place until everything is checked, so that a broken restore is never taken for data.
    let plan_aside = dir.join("layout.json.restoring");
    read_back(from, secret, |name, content| {
        let path = if name == PLAN { plan_aside.clone() } else { dir.join(name) };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = File::options().write(true).create_new(true).open(&path)?;
        if name.starts_with("keys/") {
            use std::os::unix::fs::PermissionsExt as _;
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
        }
        io::copy(content, &mut file)?;
        file.sync_all()
    })?;
    if mode == Mode::Copy {
        leave_node_key(dir)?;
    }
    raise_inboxes(dir)?;
    settle_plan(dir, &plan_aside, mode)?;
    Ok(Layout::create_or_open(dir)?)
}

/// Reads a backup through and checks it against its manifest, without writing anything.
///
/// # Errors
/// As [`restore`].
pub fn verify(from: &Path, secret: &Secret) -> Result<Manifest, Error> {
    read_back(from, secret, |_, content| io::copy(content, &mut io::sink()).map(|_| ()))
}

fn check_contents(path: &Path, secret: &Secret, written: &Manifest) -> Result<(), Error> {
    if verify(path, secret)? == *written { Ok(()) } else { Err(Error::Damaged("it reads back differently".to_owned())) }
}

fn check_bytes(path: &Path, written: blake3::Hash) -> Result<(), Error> {
    let mut hasher = blake3::Hasher::new();
    File::open(path)
        .and_then(|file| io::copy(&mut BufReader::new(file), &mut hasher))
        .map_err(io_error("read back", path))?;
    if hasher.finalize() == written { Ok(()) } else { Err(Error::Damaged("it reads back differently".to_owned())) }
}

fn encryptor(secret: &Secret) -> Result<age::Encryptor, Error> {
    match secret {
        Secret::Passphrase(passphrase) => {
            let mut recipient = age::scrypt::Recipient::new(passphrase.clone());
            recipient.set_work_factor(SCRYPT_LOG_N);
            let recipients = std::iter::once(&recipient as &dyn age::Recipient);
            age::Encryptor::with_recipients(recipients).map_err(|error| Error::Locked(error.to_string()))
        }
        Secret::Recipient(text) => {
            let recipient: age::x25519::Recipient = text.parse().map_err(|_| Error::Recipient(text.clone()))?;
            let recipients = std::iter::once(&recipient as &dyn age::Recipient);
            age::Encryptor::with_recipients(recipients).map_err(|error| Error::Locked(error.to_string()))
        }
        Secret::Identity(_) => {
            let identity = identity(secret)?;
            let recipient = identity.to_public();
            let recipients = std::iter::once(&recipient as &dyn age::Recipient);
            age::Encryptor::with_recipients(recipients).map_err(|error| Error::Locked(error.to_string()))
        }
    }
}

fn identity(secret: &Secret) -> Result<age::x25519::Identity, Error> {
    use age::secrecy::ExposeSecret as _;
    match secret {
        Secret::Identity(text) => {
            text.expose_secret().trim().parse().map_err(|why: &str| Error::Identity(why.to_owned()))
        }
        _ => Err(Error::Identity("a recipient only locks".to_owned())),
    }
}

/// Copies an SQLite file in one snapshot.
fn copy_database(from: &Path, to: &Path) -> rusqlite::Result<()> {
    let source = file::open_reader(from)?;
    let mut copy = Connection::open(to)?;
    // The copy is hashed and read back; it need not be on disk.
    copy.execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;")?;
    rusqlite::backup::Backup::new(&source, &mut copy)?.step(-1)?;
    let said: String = copy.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if said == "ok" {
        return Ok(());
    }
    Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT), Some(said)))
}

struct Archive<W: Write> {
    tar: tar::Builder<W>,
    files: Vec<Entry>,
}

impl<W: Write> Archive<W> {
    fn add(&mut self, name: &str, path: &Path) -> Result<(), Error> {
        let mut add = || {
            let source = File::open(path)?;
            let bytes = source.metadata()?.len();
            let mut content =
                HashingReader { inner: BufReader::new(source).take(bytes), hasher: blake3::Hasher::new() };
            append(&mut self.tar, name, bytes, &mut content)?;
            self.files.push(Entry { path: name.to_owned(), bytes, blake3: content.hasher.finalize().to_string() });
            Ok(())
        };
        add().map_err(io_error("back up", path))
    }
}

fn append<W: Write>(tar: &mut tar::Builder<W>, name: &str, bytes: u64, content: impl Read) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(0);
    tar.append_data(&mut header, name, content)
}

fn add_folder<W: Write>(archive: &mut Archive<W>, dir: &Path, name: &str) -> Result<(), Error> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io_error("look into", dir)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(io_error("look into", dir))?;
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().map_err(io_error("look at", &entry.path()))?;
        if kind.is_dir() {
            add_folder(archive, &entry.path(), &name)?;
        } else if kind.is_file() {
            archive.add(&name, &entry.path())?;
        }
    }
    Ok(())
}

/// Reads every file of a backup, in order, and checks all against the manifest at its end.
fn read_back(
    from: &Path, secret: &Secret, mut each: impl FnMut(&str, &mut dyn Read) -> io::Result<()>,
) -> Result<Manifest, Error> {
    let file = File::open(from).map_err(io_error("open", from))?;
    let locked = |error: age::DecryptError| Error::Locked(error.to_string());
    let decryptor = age::Decryptor::new_buffered(BufReader::new(file)).map_err(locked)?;
    let plain = match secret {
        Secret::Passphrase(passphrase) => {
            let mut identity = age::scrypt::Identity::new(passphrase.clone());
            identity.set_max_work_factor(SCRYPT_LOG_N_MAX);
            decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity))
        }
        _ => decryptor.decrypt(std::iter::once(&identity(secret)? as &dyn age::Identity)),
    }
    .map_err(locked)?;
    let damaged = |error: io::Error| Error::Damaged(error.to_string());
    let mut archive = tar::Archive::new(zstd::stream::Decoder::new(plain).map_err(damaged)?);
    let mut found = Vec::new();
    let mut manifest: Option<Manifest> = None;
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if name == MANIFEST {
            let mut text = Vec::new();
            entry.take(MANIFEST_BYTES_MAX).read_to_end(&mut text).map_err(damaged)?;
            manifest = Some(read_manifest(&text)?);
            continue;
        }
        if manifest.is_some() || !is_plain(&name) {
            return Err(Error::Damaged(format!("`{name}` does not belong into it")));
        }
        let bytes = entry.size();
        let mut content = HashingReader { inner: &mut entry, hasher: blake3::Hasher::new() };
        each(&name, &mut content).map_err(io_error("restore", Path::new(&name)))?;
        found.push(Entry { path: name, bytes, blake3: content.hasher.finalize().to_string() });
    }
    let manifest = manifest.ok_or_else(|| Error::Damaged("it ends too early".to_owned()))?;
    if let Some((one, _)) = found.iter().zip(&manifest.files).find(|(one, other)| one != other) {
        return Err(Error::Damaged(format!("`{}` is not what was written", one.path)));
    }
    if found.len() != manifest.files.len() {
        return Err(Error::Damaged("files are missing".to_owned()));
    }
    Ok(manifest)
}

fn read_manifest(text: &[u8]) -> Result<Manifest, Error> {
    #[derive(Deserialize)]
    struct Form {
        format: u32,
    }
    let form = |error: serde_json::Error| Error::Damaged(format!("its manifest does not read ({error})"));
    let Form { format } = serde_json::from_slice(text).map_err(form)?;
    if format > FORMAT {
        return Err(Error::Newer(format));
    }
    serde_json::from_slice(text).map_err(form)
}

/// Whether a name stays inside the folder it is unpacked into.
fn is_plain(name: &str) -> bool {
    let path = Path::new(name);
    !name.is_empty() && path.components().all(|part| matches!(part, std::path::Component::Normal(_)))
}

/// The identity stays with the node that lives on.
fn leave_node_key(dir: &Path) -> Result<(), Error> {
    let keys = dir.join("keys");
    let Ok(entries) = fs::read_dir(&keys) else { return Ok(()) };
    for entry in entries.filter_map(Result::ok) {
        if entry.file_name().to_string_lossy().starts_with(NODE_KEY_PREFIX) {
            fs::remove_file(entry.path()).map_err(io_error("remove", &entry.path()))?;
        }
    }
    Ok(())
}

/// Raises each inbox's last number to its greatest cursor: a number that a shard has passed must not be given again.
fn raise_inboxes(dir: &Path) -> Result<(), Error> {
    let mut holders = vec![dir.join("node.db")];
    if let Ok(entries) = fs::read_dir(dir.join("shards")) {
        holders.extend(
            entries
                .filter_map(Result::ok)
                .map(|entry| entry.path())
                .filter(|path| path.extension().is_some_and(|e| e == "db")),
        );
    }
    let mut cursors = Vec::new();
    for path in holders {
        let read = file::open_writer(&path).and_then(|db| inboxes::cursors(&db));
        cursors.push(read.map_err(|error| named(&path.to_string_lossy(), &error))?);
    }
    for (name, path) in inboxes::files(&dir.join("inbox")) {
        let raise = || {
            let db = file::open_writer(&path)?;
            let (incarnation, last) = inboxes::meta(&db)?;
            let passed = cursors.iter().filter_map(|cursors| cursors.get(&name)).filter(|(of, _)| *of == incarnation);
            let greatest = passed.map(|(_, seq)| *seq).max().unwrap_or(0);
            db.execute("UPDATE meta SET last_seq = ?1", [last.max(greatest)]).map(|_| ())
        };
        raise().map_err(|error| named(&format!("inbox/{name}.db"), &error))?;
    }
    Ok(())
}

/// Makes the folder a data directory.
fn settle_plan(dir: &Path, aside: &Path, mode: Mode) -> Result<(), Error> {
    let path = dir.join(PLAN);
    if mode == Mode::Copy {
        let mark = || {
            let mut plan: layout::Plan = serde_json::from_slice(&fs::read(aside)?)?;
            plan.copied_at = Some(crate::clock::now());
            fs::write(aside, serde_json::to_vec_pretty(&plan)?)
        };
        mark().map_err(io_error("mark", aside))?;
    }
    file::switch(aside, &path).map_err(io_error("write", &path))
}

/// Hashes what is written.
struct Hashing<W> {
    inner: W,
    hasher: blake3::Hasher,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Hashes what is read.
struct HashingReader<R> {
    inner: R,
    hasher: blake3::Hasher,
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}
