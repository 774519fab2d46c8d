//! Immutable bytes by hash.

use std::path::PathBuf;
use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use flowork_protocol::BlobId;
use tokio::io::AsyncRead;

/// A stream of bytes to store or serve.
pub type ByteStream = Pin<Box<dyn AsyncRead + Send>>;

/// Why a blob cannot be had or kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none by that hash.
    #[error("no blob {0} is stored here")]
    Missing(BlobId),
    /// What is on disk is not what the name says.
    #[error("blob {0} is damaged on disk; restore it from a backup")]
    Damaged(BlobId),
    /// The stream is longer than allowed.
    #[error("the file is larger than {limit_bytes} bytes")]
    TooLarge {
        /// What was allowed.
        limit_bytes: u64,
    },
    /// The disk said no.
    #[error("the blob store cannot {doing}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// Immutable bytes by hash, kept as `blobs/<blake3>`: temp file, fsync, rename. Any role of the node may write.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Stores what `stream` gives, at most `limit_bytes`. Durable when this returns. Gives its hash and size.
    async fn put(&self, stream: ByteStream, limit_bytes: u64) -> Result<(BlobId, u64), Error>;
    /// Stores bytes that are in memory.
    async fn put_bytes(&self, bytes: Bytes) -> Result<BlobId, Error>;
    /// The whole blob in memory, hash checked. For small ones.
    async fn get(&self, id: BlobId) -> Result<Bytes, Error>;
    /// The blob as a stream, with its size.
    async fn open(&self, id: BlobId) -> Result<(ByteStream, u64), Error>;
    /// A readable file with exactly these bytes, for handing to a process. Never write to it.
    async fn path(&self, id: BlobId) -> Result<PathBuf, Error>;
    /// Whether it is here.
    async fn has(&self, id: BlobId) -> Result<bool, Error>;
    /// [`Self::has`], for who is about to name it: garbage collection takes it for new from now on.
    async fn renew(&self, id: BlobId) -> Result<bool, Error> {
        self.has(id).await
    }
    /// Takes over a file that the caller has checked to hold exactly these bytes. Durable when this returns; the file is gone.
    async fn adopt(&self, id: BlobId, file: PathBuf) -> Result<(), Error> {
        let failed = |source| Error::Io { doing: "take over a file", source };
        let stream = tokio::fs::File::open(&file).await.map_err(failed)?;
        let (kept, _) = self.put(Box::pin(stream), u64::MAX).await?;
        tokio::fs::remove_file(file).await.map_err(failed)?;
        if kept == id { Ok(()) } else { Err(Error::Damaged(id)) }
    }
}
