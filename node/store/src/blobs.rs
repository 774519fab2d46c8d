//! Immutable bytes by hash, one file each: `blobs/<first two digits>/<hash>`.
//!
//! Written as a temp file, synced, renamed, and the folder synced: a blob under its name is whole and on disk. Any role may
//! write; two that write the same blob write the same bytes.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use flowork_ports::blobs::{Blobs, ByteStream, Error};
use flowork_protocol::BlobId;
use tokio::io::AsyncReadExt as _;

use crate::file::sync_dir;

/// Bytes read from a stream before they go to disk.
const PIECE_BYTES: usize = 1 << 20;
/// Where blobs are written before they have a name.
const UNFINISHED: &str = "unfinished";

/// Blobs as files.
#[derive(Debug, Clone)]
pub(crate) struct FileBlobs {
    dir: PathBuf,
}

fn failed(doing: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { doing, source }
}

async fn blocking<R: Send + 'static>(
    doing: &'static str, work: impl FnOnce() -> Result<R, Error> + Send + 'static,
) -> Result<R, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Io { doing, source: io::Error::other(error) })?
}

/// Makes the folders, and removes what was not finished. Only while nobody writes.
pub(crate) fn prepare(dir: &Path) -> io::Result<()> {
    let unfinished = dir.join(UNFINISHED);
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    fs::create_dir_all(unfinished)
}

impl FileBlobs {
    /// In the folder `dir`.
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Where a blob is, or would be.
    pub(crate) fn place(&self, id: BlobId) -> PathBuf {
        let name = id.to_string();
        self.dir.join(&name[..2]).join(&name)
    }

    fn begin(&self) -> Result<Unfinished, Error> {
        let file = tempfile::NamedTempFile::new_in(self.dir.join(UNFINISHED)).map_err(failed("make a file"))?;
        Ok(Unfinished { file, hasher: blake3::Hasher::new(), bytes: 0 })
    }

    fn finish(&self, unfinished: Unfinished) -> Result<(BlobId, u64), Error> {
        let id = BlobId(*unfinished.hasher.finalize().as_bytes());
        let place = self.place(id);
        let size = unfinished.bytes;
        if fs::metadata(&place).is_ok_and(|meta| meta.len() == size) && renew(&place) {
            return Ok((id, size));
        }
        unfinished.file.as_file().sync_all().map_err(failed("write a blob to disk"))?;
        self.name(&place, |place| unfinished.file.persist(place).map(drop).map_err(|error| error.error))?;
        Ok((id, size))
    }

    /// Gives a file that is on disk its name, by `rename`.
    fn name(&self, place: &Path, rename: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), Error> {
        let folder = place.parent().unwrap_or(&self.dir);
        if !folder.exists() {
            fs::create_dir_all(folder).and_then(|()| sync_dir(&self.dir)).map_err(failed("make a folder"))?;
        }
        rename(place).map_err(failed("name a blob"))?;
        sync_dir(folder).map_err(failed("write a blob's name to disk"))
    }

    /// Every blob with its size, in the order of the disk.
    pub(crate) fn walk(&self, mut each: impl FnMut(BlobId, &fs::Metadata, &Path)) -> io::Result<()> {
        for folder in fs::read_dir(&self.dir)? {
            let folder = folder?;
            if folder.file_name() == UNFINISHED || !folder.file_type()?.is_dir() {
                continue;
            }
            for entry in fs::read_dir(folder.path())? {
                let entry = entry?;
                let id = entry.file_name().to_str().and_then(|name| name.parse().ok());
                // Gone meanwhile is fine.
                if let (Some(id), Ok(meta)) = (id, entry.metadata()) {
                    each(id, &meta, &entry.path());
                }
            }
        }
        Ok(())
    }
}

struct Unfinished {
    file: tempfile::NamedTempFile,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Unfinished {
    fn add(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.hasher.update(piece);
        self.bytes += piece.len() as u64;
        self.file.write_all(piece).map_err(failed("write a blob"))
    }
}

#[async_trait]
impl Blobs for FileBlobs {
    async fn put(&self, mut stream: ByteStream, limit_bytes: u64) -> Result<(BlobId, u64), Error> {
        let blobs = self.clone();
        let mut unfinished = blocking("make a file", move || blobs.begin()).await?;
        loop {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            while piece.len() < PIECE_BYTES {
                let room = u64::try_from(PIECE_BYTES - piece.len()).unwrap_or(u64::MAX);
                let read =
                    (&mut stream).take(room).read_buf(&mut piece).await.map_err(failed("read what is to be stored"))?;
                if read == 0 {
                    break;
                }
            }
            if piece.is_empty() {
                break;
            }
            if unfinished.bytes + piece.len() as u64 > limit_bytes {
                return Err(Error::TooLarge { limit_bytes });
            }
            unfinished = blocking("write a blob", move || unfinished.add(&piece).map(|()| unfinished)).await?;
        }
        let blobs = self.clone();
        blocking("write a blob", move || blobs.finish(unfinished)).await
    }

    async fn put_bytes(&self, bytes: Bytes) -> Result<BlobId, Error> {
        let blobs = self.clone();
        blocking("write a blob", move || {
            let mut unfinished = blobs.begin()?;
            unfinished.add(&bytes)?;
            Ok(blobs.finish(unfinished)?.0)
        })
        .await
    }

    async fn get(&self, id: BlobId) -> Result<Bytes, Error> {
        let place = self.place(id);
        blocking("read a blob", move || {
            let mut bytes = Vec::new();
            open(id, &place)?.read_to_end(&mut bytes).map_err(failed("read a blob"))?;
            if BlobId::of(&bytes) != id {
                return Err(Error::Damaged(id));
            }
            Ok(Bytes::from(bytes))
        })
        .await
    }

    async fn open(&self, id: BlobId) -> Result<(ByteStream, u64), Error> {
        let place = self.place(id);
        let (file, size) = blocking("read a blob", move || {
            let file = open(id, &place)?;
            let size = file.metadata().map_err(failed("read a blob"))?.len();
            Ok((file, size))
        })
        .await?;
        Ok((Box::pin(tokio::fs::File::from_std(file)), size))
    }

    async fn path(&self, id: BlobId) -> Result<PathBuf, Error> {
        let place = self.place(id);
        blocking("read a blob", move || open(id, &place).map(|_| place)).await
    }

    async fn has(&self, id: BlobId) -> Result<bool, Error> {
        let place = self.place(id);
        blocking("read a blob", move || Ok(place.exists())).await
    }

    async fn renew(&self, id: BlobId) -> Result<bool, Error> {
        let place = self.place(id);
        blocking("read a blob", move || Ok(renew(&place))).await
    }

    async fn adopt(&self, id: BlobId, file: PathBuf) -> Result<(), Error> {
        let blobs = self.clone();
        blocking("take over a file", move || {
            fs::File::open(&file).and_then(|file| file.sync_all()).map_err(failed("write a blob to disk"))?;
            blobs.name(&blobs.place(id), |place| fs::rename(&file, place))
        })
        .await
    }
}

/// Whether a blob is here; garbage collection takes it for new from now on.
fn renew(place: &Path) -> bool {
    let now = fs::FileTimes::new().set_modified(std::time::SystemTime::now());
    let touched = fs::File::options().append(true).open(place).and_then(|file| file.set_times(now));
    // Still there after the touch: a sweep that moves it away from now on sees that it is young.
    touched.is_ok() && place.exists()
}

fn open(id: BlobId, place: &Path) -> Result<fs::File, Error> {
    fs::File::open(place).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Error::Missing(id),
        _ => Error::Io { doing: "open a blob", source },
    })
}
