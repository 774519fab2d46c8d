//! Streams between nodes as iroh-blobs reads and writes them.

use std::io;

use bytes::Bytes;
use flowork_protocol::peer::Refusal;
use flowork_protocol::peer::files::Answer;
use iroh::endpoint::VarInt;
use iroh_blobs::util::{RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};

use crate::frames;

/// What is read from a stream at once.
const READ_BYTES: usize = 256 << 10;

/// The other end said no. Travels as the source of an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.message)]
pub(super) struct Refused(pub(super) Refusal);

/// What comes over a stream.
pub(super) struct Reading<R> {
    reader: BufReader<R>,
    /// Whether the other end still has to say that the response follows.
    awaits_answer: bool,
}

impl<R: AsyncRead + Unpin + Send> Reading<R> {
    /// A response, behind the answer whether there is one.
    pub(super) fn response(reader: R) -> Self {
        Self { reader: BufReader::with_capacity(READ_BYTES, reader), awaits_answer: true }
    }

    /// A request.
    pub(super) fn request(reader: R) -> Self {
        Self { reader: BufReader::new(reader), awaits_answer: false }
    }

    async fn answered(&mut self) -> io::Result<()> {
        if !self.awaits_answer {
            return Ok(());
        }
        match frames::read_one(&mut self.reader).await {
            Ok(Answer::Here) => self.awaits_answer = false,
            Ok(Answer::No(refusal)) => return Err(io::Error::other(Refused(refusal))),
            Err(frames::Error::Io(error)) => return Err(error),
            Err(error) => return Err(io::Error::other(error)),
        }
        Ok(())
    }
}

impl<R: AsyncRead + Unpin + Send> RecvStream for Reading<R> {
    async fn recv_bytes(&mut self, len: usize) -> io::Result<Bytes> {
        self.answered().await?;
        let mut bytes = Vec::new();
        (&mut self.reader).take(len as u64).read_to_end(&mut bytes).await?;
        Ok(bytes.into())
    }

    async fn recv_bytes_exact(&mut self, len: usize) -> io::Result<Bytes> {
        self.answered().await?;
        let mut bytes = vec![0; len];
        self.reader.read_exact(&mut bytes).await?;
        Ok(bytes.into())
    }

    async fn recv_exact(&mut self, target: &mut [u8]) -> io::Result<()> {
        self.answered().await?;
        self.reader.read_exact(target).await?;
        Ok(())
    }

    /// Dropping the stream says it.
    fn stop(&mut self, _: VarInt) -> io::Result<()> {
        Ok(())
    }

    fn id(&self) -> u64 {
        0
    }
}

/// A request on its way.
pub(super) struct Writing<W>(pub(super) W);

impl<W: AsyncWrite + Unpin + Send> SendStream for Writing<W> {
    async fn send_bytes(&mut self, bytes: Bytes) -> io::Result<()> {
        self.0.write_all(&bytes).await
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await
    }

    /// The request is whole with it.
    async fn sync(&mut self) -> io::Result<()> {
        self.0.shutdown().await
    }

    /// Dropping the stream says it.
    fn reset(&mut self, _: VarInt) -> io::Result<()> {
        Ok(())
    }

    async fn stopped(&mut self) -> io::Result<Option<VarInt>> {
        std::future::pending().await
    }

    fn id(&self) -> u64 {
        0
    }
}
