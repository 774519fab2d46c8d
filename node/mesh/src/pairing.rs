//! Both sides of pairing over a stream.

use std::time::Duration;

use flowork_protocol::invitation::Secret;
use flowork_protocol::peer::Refusal;
use flowork_protocol::peer::pair::{Introduction, Join, Pair};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::frames::{self, Error};

/// How long the other end may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// How joining ended.
pub(crate) enum Joined {
    /// The inviting node introduces itself.
    Welcome(Introduction),
    /// It lets this node not in.
    Refused(Refusal),
}

/// Joins over a stream to the inviting node.
pub(crate) async fn join<S: AsyncRead + AsyncWrite>(
    stream: S, secret: Secret, introduction: Introduction,
) -> Result<Joined, Error> {
    let (mut reader, mut writer) = frames::split(stream);
    writer.write(&Pair::Join(Join { secret, introduction })).await?;
    let answer = match reader.next_within(ANSWER_WITHIN).await? {
        Pair::Welcome(introduction) => Joined::Welcome(introduction),
        Pair::Refused(refusal) => Joined::Refused(refusal),
        Pair::Join(_) => return Err(Error::out_of_turn()),
    };
    writer.close().await;
    Ok(answer)
}

/// Hears who wants to join, asks `admit`, and answers.
pub(crate) async fn receive<S: AsyncRead + AsyncWrite, F: Future<Output = Result<Introduction, Refusal>>>(
    stream: S, admit: impl FnOnce(Join) -> F,
) -> Result<(), Error> {
    let (mut reader, mut writer) = frames::split(stream);
    let Pair::Join(join) = reader.next_within(ANSWER_WITHIN).await? else { return Err(Error::out_of_turn()) };
    let answer = match admit(join).await {
        Ok(introduction) => Pair::Welcome(introduction),
        Err(refusal) => Pair::Refused(refusal),
    };
    writer.write(&answer).await?;
    writer.close().await;
    Ok(())
}
