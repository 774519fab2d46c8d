//! Both sides of telling a paired node something, over a stream.

use std::time::Duration;

use flowork_protocol::peer::Refusal;
use flowork_protocol::peer::tell::Tell;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::frames::{self, Error};

/// How long the other end may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// Tells, and waits until it is written down there; what was refused is given.
pub(crate) async fn tell<S: AsyncRead + AsyncWrite>(stream: S, what: &Tell) -> Result<Result<(), Refusal>, Error> {
    let (mut reader, mut writer) = frames::split(stream);
    writer.write(what).await?;
    let answer = match reader.next_within(ANSWER_WITHIN).await? {
        Tell::Heard => Ok(()),
        Tell::Refused(refusal) => Err(refusal),
        _ => return Err(Error::out_of_turn()),
    };
    writer.close().await;
    Ok(answer)
}

/// Hears one thing, and answers when `take` has written it down.
pub(crate) async fn hear<S: AsyncRead + AsyncWrite, F: Future<Output = Result<(), Refusal>>>(
    stream: S, take: impl FnOnce(Tell) -> F,
) -> Result<(), Error> {
    let (mut reader, mut writer) = frames::split(stream);
    let told = reader.next_within(ANSWER_WITHIN).await?;
    let answer = match take(told).await {
        Ok(()) => Tell::Heard,
        Err(refusal) => Tell::Refused(refusal),
    };
    writer.write(&answer).await?;
    writer.close().await;
    Ok(())
}

/// The answer when this node's own disk says no.
pub(crate) fn unwritten(error: &dyn std::fmt::Display) -> Refusal {
    tracing::error!(%error, "what a peer said could not be written down");
    Refusal::new("try-again", "it cannot be written down now").retry_after_ms(5_000)
}
