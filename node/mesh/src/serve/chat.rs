//! Calls that ask a model.

use std::sync::Arc;
use std::time::Duration;

use flowork_ports::models::ModelAt;
use flowork_protocol::chat::{Chat, OUTPUT_BYTES_MAX, Piece};
use flowork_protocol::grant::{Link, UNLIMITED};
use flowork_protocol::peer::Refusal;
use flowork_protocol::{Failure, Timestamp};

use super::run::late;
use super::{Provider, try_again};
use crate::chat::Answering;
use crate::running::Running;
use crate::{lock, work};

/// What is asked of which model.
pub(super) struct Question {
    at: ModelAt,
    chat: Chat,
    /// What the model may write, where the grant limits that.
    writes_max: Option<u64>,
    /// Tokens that are kept for it.
    pub(super) tokens_reserved: u64,
}

impl Provider {
    /// Reads a request to a model. It may write as much as the grant has left.
    pub(super) fn question(
        &self, at: &ModelAt, request: &[u8], links: &[Link], now: Timestamp,
    ) -> Result<Question, Refusal> {
        let mut chat = Chat::read(request).map_err(|failure| Refusal::new("request-invalid", failure.message))?;
        let read_max = chat.tokens_in_max();
        let most = chat.max_tokens.map_or(UNLIMITED, |tokens| tokens.saturating_add(read_max));
        let kept = lock(&self.meter).reserve_tokens(links, read_max.saturating_add(1), most, now).map_err(|left| {
            let text = format!("reading this may take {read_max} tokens, and the grant has {left} left for today");
            Refusal::new("limit-reached", text).retry_after_ms(60_000)
        })?;
        let writes_max = (kept != UNLIMITED).then(|| kept - read_max);
        chat.max_tokens = writes_max.or(chat.max_tokens);
        Ok(Question { at: at.clone(), chat, writes_max, tokens_reserved: kept })
    }

    /// Asks the model; what it says goes to the caller as it comes.
    pub(super) async fn chat(
        &self, running: &Arc<Running>, question: &Question, deadline: Duration,
    ) -> Result<work::Output, Refusal> {
        let served = &running.served;
        // Before the model is asked: nothing is asked twice, whoever dies in between.
        self.served.put(served.key(), served.clone(), None).await.map_err(|_| try_again())?;
        running.say("begun", "the model is asked".to_owned());
        let left = lock(&self.meter).output_bytes_left(&running.links, (self.clock)());
        let bytes_max = usize::try_from(left).unwrap_or(usize::MAX).min(OUTPUT_BYTES_MAX);
        let (read_max, mut written) = (question.chat.tokens_in_max(), 0);
        // It may be reading from now on; whoever ends it then has used that.
        running.used_tokens(read_max, 0);
        // A piece is a token, or a thought and a word at once.
        let pieces_max = question.writes_max.map_or(u64::MAX, |tokens| tokens.saturating_mul(2));
        let asking = async {
            let mut answering = Answering::new(&*self.models, &question.at, &question.chat, bytes_max);
            while let Some((piece, line)) = answering.next().await? {
                match piece {
                    Piece::End(end) => running.used_tokens(end.tokens_in, end.tokens_out),
                    _ => {
                        written += 1;
                        running.used_tokens(read_max, written);
                    }
                }
                running.add_piece(line);
                if written > pieces_max {
                    let text = "the model wrote more than it was told to, and more than the grant has left";
                    return Err(Failure::new("limit-reached", text));
                }
            }
            Ok(work::Output { body: answering.into_output().into(), files: Vec::new() })
        };
        tokio::select! {
            output = asking => output.map_err(|failure: Failure| {
                if matches!(failure.code.as_str(), "model-away" | "model-refused") {
                    running.used_tokens(0, 0);
                }
                refused(&failure, &served.engine)
            }),
            () = tokio::time::sleep(deadline) => Err(late()),
            () = running.end.cancelled() => Err(running.ended()),
        }
    }
}

/// What an ended call gave, in the pieces in which it was given.
pub(super) fn again(running: &Running, output: String) -> work::Output {
    for line in output.split_inclusive('\n') {
        running.add_piece(line.to_owned().into());
    }
    work::Output { body: output.into(), files: Vec::new() }
}

fn refused(failure: &Failure, engine: &str) -> Refusal {
    tracing::warn!(engine, code = %failure.code, %failure, "a model did not answer a call");
    let refusal = Refusal::new(failure.code.clone(), failure.message.clone());
    if failure.retryable { refusal.retry_after_ms(1_000) } else { refusal }
}
