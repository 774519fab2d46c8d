//! Asking a model of this machine, for a friend or for the owner.

use bytes::Bytes;
use flowork_ports::Models;
use flowork_ports::models::{ModelAt, PIECES_WAITING_MAX};
use flowork_protocol::Failure;
use flowork_protocol::chat::{Chat, Piece};
use flowork_protocol::peer::call::DATA_BYTES_MAX;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

/// An answer on its way. Dropped, the model is asked no more.
pub(crate) struct Answering<'a> {
    pieces: mpsc::Receiver<Piece>,
    /// None once the model has ended.
    asking: Option<BoxFuture<'a, Result<(), Failure>>>,
    /// Why it ended, if not in order: told after what it said before.
    broke: Option<Failure>,
    output: Vec<u8>,
    bytes_max: usize,
}

impl<'a> Answering<'a> {
    /// Asks a model for an answer of at most `bytes_max` bytes.
    pub(crate) fn new(models: &'a dyn Models, at: &'a ModelAt, chat: &'a Chat, bytes_max: usize) -> Self {
        let (sender, pieces) = mpsc::channel(PIECES_WAITING_MAX);
        let asking: BoxFuture<'a, _> = models.chat(at, chat, sender);
        Self { pieces, asking: Some(asking), broke: None, output: Vec::new(), bytes_max }
    }

    /// The next piece, and its line in the output; none when the answer is whole.
    ///
    /// # Errors
    /// Why the model did not answer to the end.
    pub(crate) async fn next(&mut self) -> Result<Option<(Piece, Bytes)>, Failure> {
        let piece = loop {
            let Some(asking) = &mut self.asking else { break self.pieces.recv().await };
            tokio::select! {
                biased;
                Some(piece) = self.pieces.recv() => break Some(piece),
                asked = asking => {
                    self.broke = asked.err();
                    self.asking = None;
                }
            }
        };
        let Some(piece) = piece else { return self.broke.take().map_or(Ok(None), Err) };
        let line = piece.line();
        if self.output.len() + line.len() > self.bytes_max || line.len() > DATA_BYTES_MAX {
            let text = format!(
                "the answer is longer than the {} bytes that it may have, or came in a piece of more than {DATA_BYTES_MAX}",
                self.bytes_max
            );
            return Err(Failure::new("output-too-large", text));
        }
        self.output.extend_from_slice(&line);
        Ok(Some((piece, line.into())))
    }

    /// All lines that came.
    pub(crate) fn into_output(self) -> Vec<u8> {
        self.output
    }
}
