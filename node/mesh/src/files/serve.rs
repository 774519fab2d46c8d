//! Giving files to those who may have them.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use bao_tree::io::sync::encode_ranges_validated;
use bytes::{Bytes, BytesMut};
use flowork_protocol::peer::Refusal;
use flowork_protocol::peer::files::{Answer, REQUEST_BYTES_MAX};
use flowork_protocol::{BlobId, NodeId};
use iroh_blobs::protocol::{GetRequest, Request};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;

use super::streams::Reading;
use super::{Files, SILENT_FOR};
use crate::frames;

/// How long a request may take.
const REQUEST_WITHIN: Duration = Duration::from_secs(10);
/// How long one waits for its turn.
const TURN_WITHIN: Duration = Duration::from_secs(10);
/// What is sent at once, and how many of that wait for the stream.
const PIECE_BYTES: usize = 256 << 10;
const PIECES_WAITING_MAX: usize = 4;
/// The most pieces of a file that one request names.
const RANGES_MAX: usize = 64;

impl Files {
    /// Answers one request.
    pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Send>(self: Arc<Self>, peer: NodeId, stream: S) {
        let (reader, mut writer) = tokio::io::split(stream);
        if let Err(error) = self.answer(peer, reader, &mut writer).await {
            tracing::debug!(%peer, %error, "a file was not given whole");
        }
        // Who is gone already need not be told.
        let _ = writer.shutdown().await;
    }

    async fn answer<R: AsyncRead + Unpin + Send, W: AsyncWrite + Unpin>(
        &self, peer: NodeId, reader: R, writer: &mut W,
    ) -> io::Result<()> {
        let mut reading = Reading::request(reader.take(REQUEST_BYTES_MAX));
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        let read = tokio::time::timeout(REQUEST_WITHIN, Request::read_async(&mut reading)).await.map_err(late)?;
        let given = match read {
            Ok((Request::Get(request), _)) => self.open(peer, &request).await.map(|opened| (opened, request)),
            Ok(_) => Err(Refusal::new("protocol", "only pieces of files are given")),
            Err(error) => Err(Refusal::new("protocol", format!("the request does not read: {error}"))),
        };
        let (opened, request) = match given {
            Ok(given) => given,
            Err(refusal) => {
                tracing::info!(%peer, code = %refusal.code, "a file was not given");
                return frames::write_one(writer, &Answer::No(refusal)).await;
            }
        };
        let Ok(Ok(_turn)) = tokio::time::timeout(TURN_WITHIN, self.serving.acquire()).await else {
            let busy = Refusal::new("busy", "it gives as many files as it can").retry_after_ms(1_000);
            return frames::write_one(writer, &Answer::No(busy)).await;
        };
        frames::write_one(writer, &Answer::Here).await?;
        let (sender, mut pieces) = mpsc::channel(PIECES_WAITING_MAX);
        let ranges = request.ranges.as_single().map(|(_, ranges)| ranges.clone()).unwrap_or_default();
        let encoding = tokio::task::spawn_blocking(move || {
            let mut pieces = Pieces { filling: BytesMut::with_capacity(PIECE_BYTES), sender };
            pieces.write_all(&opened.outboard.tree.size().to_le_bytes())?;
            encode_ranges_validated(&opened.file, &*opened.outboard, &ranges, &mut pieces).map_err(io::Error::other)?;
            pieces.flush()
        });
        while let Some(piece) = pieces.recv().await {
            tokio::time::timeout(SILENT_FOR, writer.write_all(&piece)).await.map_err(late)??;
        }
        writer.flush().await?;
        // A file that is damaged on the disk ends early, and its reader notices.
        encoding.await.map_err(io::Error::other)?.inspect_err(|error| {
            tracing::warn!(%peer, %error, "a file could not be given whole");
        })
    }

    /// The file, when this peer may read it.
    async fn open(&self, peer: NodeId, request: &GetRequest) -> Result<Opened, Refusal> {
        let blob = BlobId(*request.hash.as_bytes());
        let is_short =
            request.ranges.as_single().is_some_and(|(at, ranges)| at == 0 && ranges.boundaries().len() <= RANGES_MAX);
        if !is_short {
            return Err(Refusal::new("protocol", "a request is for pieces of one file"));
        }
        // The same words whether or not it is here: a hash tells nothing to who may not read.
        if self.contacts.get(peer).is_none() || !self.may_read(peer, blob) {
            return Err(Refusal::new("file-not-shared", "no call between the two nodes has this file now"));
        }
        let gone = |error: &dyn std::fmt::Display| {
            tracing::warn!(%peer, %blob, %error, "a file that a call names cannot be given");
            Refusal::new("file-gone", "the file is not there any more")
        };
        let path = self.store.path(blob).await.map_err(|error| gone(&error))?;
        let outboard = self.outboards.of(blob, path.clone()).await.map_err(|error| gone(&error))?;
        let file = std::fs::File::open(path).map_err(|error| gone(&error))?;
        Ok(Opened { file, outboard })
    }
}

struct Opened {
    file: std::fs::File,
    outboard: super::outboards::Outboard,
}

/// Hands on what is written, in pieces; waits while the stream takes nothing.
struct Pieces {
    filling: BytesMut,
    sender: mpsc::Sender<Bytes>,
}

impl Pieces {
    fn hand_on(&mut self) -> io::Result<()> {
        let piece = self.filling.split().freeze();
        self.filling.reserve(PIECE_BYTES);
        self.sender.blocking_send(piece).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.filling.extend_from_slice(bytes);
        if self.filling.len() >= PIECE_BYTES {
            self.hand_on()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.filling.is_empty() { Ok(()) } else { self.hand_on() }
    }
}
