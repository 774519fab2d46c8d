//! Getting files: in pieces, from whoever has them, several at once; each piece is checked against the file's hash while it
//! comes, and counts from then on.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bao_tree::io::BaoContentItem;
use bao_tree::{ChunkNum, ChunkRanges};
use flowork_protocol::peer::files::PROTOCOL;
use flowork_protocol::{BlobId, NodeId};
use futures::StreamExt as _;
use iroh_blobs::Hash;
use iroh_blobs::get::fsm::{AtBlobHeaderNextError, AtConnected, BlobContentNext, ConnectedNext, DecodeError};
use iroh_blobs::protocol::GetRequest;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;

use super::partial::{Checked, Partial};
use super::streams::{Reading, Refused, Writing};
use super::{Error, Files, SILENT_FOR, Wanted, bytes_of, partial};
use crate::lock;

/// How much one stream brings: less than a minute on a slow line, so that another way takes over soon.
const PIECE_CHUNKS: u64 = (64 << 20) / 1_024;
/// Streams to one node for one file: while one is being agreed on, the other brings something.
const STREAMS_EACH: usize = 2;
/// Files that come at once, for one call.
const FILES_AT_ONCE: usize = 4;
/// What is written to the disk at once.
const WRITE_BYTES: usize = 1 << 20;
/// What stays free on the disk, whatever others send.
const FREE_BYTES_LEFT: u64 = 1 << 30;

/// Pieces of one file.
struct Pieces {
    left: Mutex<Left>,
    /// Rings when a piece came, or is to be had again.
    changed: Notify,
}

struct Left {
    waiting: VecDeque<Range<u64>>,
    /// How many are being fetched.
    coming: usize,
}

impl Pieces {
    fn of(missing: &ChunkRanges) -> Self {
        Self { left: Mutex::new(Left { waiting: pieces(missing), coming: 0 }), changed: Notify::new() }
    }

    /// The next piece; none when all of them came. What somebody else fetches may have to be fetched again.
    async fn take(&self) -> Option<Range<u64>> {
        loop {
            let changed = self.changed.notified();
            {
                let mut left = lock(&self.left);
                if let Some(piece) = left.waiting.pop_front() {
                    left.coming += 1;
                    return Some(piece);
                }
                if left.coming == 0 {
                    return None;
                }
            }
            changed.await;
        }
    }

    /// What is still missing of a piece that was taken.
    fn give_back(&self, rest: Range<u64>) {
        let mut left = lock(&self.left);
        left.coming -= 1;
        if rest.start < rest.end {
            left.waiting.push_front(rest);
        }
        drop(left);
        self.changed.notify_waiters();
    }
}

/// One of those who want a file; a file comes once, however many want it.
struct Coming<'a> {
    files: &'a Files,
    blob: BlobId,
    one: Arc<tokio::sync::Mutex<()>>,
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        let mut coming = lock(&self.files.coming);
        // This one and the map's: nobody else waits for it.
        if Arc::strong_count(&self.one) == 2 {
            coming.remove(&self.blob);
        }
    }
}

impl Files {
    /// Gets files that are not here yet. `came` hears how many bytes came.
    ///
    /// # Errors
    /// Why the first that failed did. What came is kept for another try.
    pub(crate) async fn fetch_all(
        &self, files: &[Wanted], sources: &[NodeId], came: &(dyn Fn(u64) + Sync),
    ) -> Result<(), Error> {
        let room = free_bytes(&self.incoming).saturating_sub(FREE_BYTES_LEFT);
        let mut missing = Vec::new();
        for file in files {
            if !self.store.renew(file.blob).await? {
                missing.push(*file);
            }
        }
        let bytes = bytes_of(&missing);
        if bytes > room {
            return Err(Error::Full { bytes });
        }
        let fetches: Vec<_> = missing.into_iter().map(|file| self.fetch(file, sources, came)).collect();
        let mut coming = futures::stream::iter(fetches).buffer_unordered(FILES_AT_ONCE);
        while let Some(result) = coming.next().await {
            result?;
        }
        Ok(())
    }

    /// Gets one file from whichever of `sources` gives it.
    async fn fetch(&self, wanted: Wanted, sources: &[NodeId], came: &(dyn Fn(u64) + Sync)) -> Result<(), Error> {
        let one =
            Coming { files: self, blob: wanted.blob, one: lock(&self.coming).entry(wanted.blob).or_default().clone() };
        let _one = one.one.lock().await;
        self.fetch_alone(wanted, sources, came).await
    }

    async fn fetch_alone(&self, wanted: Wanted, sources: &[NodeId], came: &(dyn Fn(u64) + Sync)) -> Result<(), Error> {
        // Another call may have brought it.
        if self.store.renew(wanted.blob).await? {
            return Ok(());
        }
        let incoming = self.incoming.clone();
        let (partial, missing) = blocking(move || Partial::open(&incoming, wanted)).await?;
        let partial = Arc::new(partial);
        let pieces = Pieces::of(&missing);
        let streams = sources.iter().flat_map(|source| std::iter::repeat_n(*source, STREAMS_EACH));
        let ended =
            futures::future::join_all(streams.map(|source| self.work(source, wanted, &partial, &pieces, came))).await;
        let is_whole = lock(&pieces.left).waiting.is_empty();
        if !is_whole {
            let why = ended.into_iter().find_map(Result::err);
            return Err(why.unwrap_or_else(|| Error::Broke("nobody has it".to_owned())));
        }
        let finished = partial.clone();
        let place = blocking(move || finished.finish()).await?;
        drop(partial);
        Ok(self.store.adopt(wanted.blob, place).await?)
    }

    /// Takes pieces from one source until there are none, or it gives none any more.
    async fn work(
        &self, source: NodeId, wanted: Wanted, partial: &Arc<Partial>, pieces: &Pieces, came: &(dyn Fn(u64) + Sync),
    ) -> Result<(), Error> {
        while let Some(mut left) = pieces.take().await {
            let result = self.fetch_piece(source, wanted, &mut left, partial, came).await;
            pieces.give_back(left);
            result?;
        }
        Ok(())
    }

    /// Gets one piece; what is still missing of it stays in `left`.
    async fn fetch_piece(
        &self, source: NodeId, wanted: Wanted, left: &mut Range<u64>, partial: &Arc<Partial>,
        came: &(dyn Fn(u64) + Sync),
    ) -> Result<(), Error> {
        let addresses = self.contacts.get(source).map(|contact| contact.multiaddrs()).unwrap_or_default();
        let stream = self.net.open(source, PROTOCOL, addresses).await?;
        read_piece(stream, wanted, left, partial, came).await
    }

    /// Forgets what never came whole.
    pub(crate) fn sweep(&self) {
        if let Err(error) = partial::sweep(&self.incoming) {
            tracing::warn!(%error, "files that never came whole could not be forgotten");
        }
    }
}

/// Asks for a piece on a stream of its own.
pub(super) async fn read_piece<S: AsyncRead + AsyncWrite + Send + Unpin>(
    stream: S, wanted: Wanted, left: &mut Range<u64>, partial: &Arc<Partial>, came: &(dyn Fn(u64) + Sync),
) -> Result<(), Error> {
    let (reader, writer) = tokio::io::split(stream);
    let ranges = ChunkRanges::from(ChunkNum(left.start)..ChunkNum(left.end));
    let request = GetRequest::blob_ranges(Hash::from_bytes(wanted.blob.0), ranges);
    let asking = AtConnected::new(
        Instant::now().into(),
        Reading::response(reader),
        Writing(writer),
        request,
        Default::default(),
    );
    let asked = within(asking.next()).await?.map_err(|error| Error::Broke(error.to_string()))?;
    let ConnectedNext::StartRoot(root) = asked else {
        return Err(Error::Broke("nothing was asked for".to_owned()));
    };
    let (mut content, size) = within(root.next().next()).await?.map_err(refused)?;
    if size != wanted.size {
        return Err(Error::Wrong(format!("it has {size} bytes, not {}", wanted.size)));
    }
    let mut checked = Checked { at: left.start * 1_024, ..Checked::default() };
    loop {
        match within(content.next()).await? {
            BlobContentNext::More((next, item)) => {
                content = next;
                match item.map_err(wrong)? {
                    BaoContentItem::Parent(parent) => checked.pairs.push((parent.node, parent.pair)),
                    BaoContentItem::Leaf(leaf) => {
                        checked.bytes.extend_from_slice(&leaf.data);
                        if checked.bytes.len() >= WRITE_BYTES {
                            checked = write(partial, checked, left, came).await?;
                        }
                    }
                }
            }
            BlobContentNext::Done(_) => {
                write(partial, checked, left, came).await?;
                // A file of no bytes has one chunk all the same.
                left.start = left.end;
                return Ok(());
            }
        }
    }
}

/// Writes what was checked, and says that it came.
async fn write(
    partial: &Arc<Partial>, checked: Checked, left: &mut Range<u64>, came: &(dyn Fn(u64) + Sync),
) -> Result<Checked, Error> {
    let writes = partial.clone();
    let checked = blocking(move || writes.write(&checked).map(|()| checked)).await?;
    let bytes = checked.bytes.len() as u64;
    came(bytes);
    let at = checked.at + bytes;
    left.start = at.div_ceil(1_024);
    let Checked { mut bytes, mut pairs, .. } = checked;
    bytes.clear();
    pairs.clear();
    Ok(Checked { at, bytes, pairs })
}

/// What is missing, in pieces that one stream brings.
fn pieces(missing: &ChunkRanges) -> VecDeque<Range<u64>> {
    let mut pieces = VecDeque::new();
    for ends in missing.boundaries().chunks(2) {
        let [start, end] = ends else { continue };
        let mut at = start.0;
        while at < end.0 {
            let next = (at + PIECE_CHUNKS).min(end.0);
            pieces.push_back(at..next);
            at = next;
        }
    }
    pieces
}

async fn within<T>(work: impl Future<Output = T>) -> Result<T, Error> {
    tokio::time::timeout(SILENT_FOR, work)
        .await
        .map_err(|_| Error::Broke(format!("nothing came for {} s", SILENT_FOR.as_secs())))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    done.map_err(Error::Disk)
}

fn refused(error: AtBlobHeaderNextError) -> Error {
    match error {
        AtBlobHeaderNextError::Read { source, .. } => match source.downcast::<Refused>() {
            Ok(Refused(refusal)) => Error::Refused(refusal),
            Err(source) => Error::Broke(source.to_string()),
        },
        other => Error::Broke(other.to_string()),
    }
}

fn wrong(error: DecodeError) -> Error {
    match error {
        DecodeError::ParentHashMismatch { .. } | DecodeError::LeafHashMismatch { .. } => {
            Error::Wrong(error.to_string())
        }
        other => Error::Broke(other.to_string()),
    }
}

fn free_bytes(dir: &std::path::Path) -> u64 {
    rustix::fs::statvfs(dir).map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}
