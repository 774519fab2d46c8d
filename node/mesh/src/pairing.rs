//! Both sides of pairing over a stream.

use std::time::Duration;

use flowork_protocol::peer::Refusal;
use flowork_protocol::peer::pair::{Introduction, Join, Known, Pair};
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

/// How somebody comes.
pub(crate) enum Comes {
    /// With an invitation.
    Invited(Join),
    /// As somebody who is known.
    Known(Known),
}

/// Comes to another node over a stream to it.
pub(crate) async fn come<S: AsyncRead + AsyncWrite>(stream: S, comes: Comes) -> Result<Joined, Error> {
    let (mut reader, mut writer) = frames::split(stream);
    let first = match comes {
        Comes::Invited(join) => Pair::Join(join),
        Comes::Known(known) => Pair::Known(known),
    };
    writer.write(&first).await?;
    let answer = match reader.next_within(ANSWER_WITHIN).await? {
        Pair::Welcome(introduction) => Joined::Welcome(introduction),
        Pair::Refused(refusal) => Joined::Refused(refusal),
        Pair::Join(_) | Pair::Known(_) => return Err(Error::out_of_turn()),
    };
    writer.close().await;
    Ok(answer)
}

/// Hears who comes, asks `admit`, and answers.
pub(crate) async fn receive<S: AsyncRead + AsyncWrite, F: Future<Output = Result<Introduction, Refusal>>>(
    stream: S, admit: impl FnOnce(Comes) -> F,
) -> Result<(), Error> {
    let (mut reader, mut writer) = frames::split(stream);
    let comes = match reader.next_within(ANSWER_WITHIN).await? {
        Pair::Join(join) => Comes::Invited(join),
        Pair::Known(known) => Comes::Known(known),
        Pair::Welcome(_) | Pair::Refused(_) => return Err(Error::out_of_turn()),
    };
    let answer = match admit(comes).await {
        Ok(introduction) => Pair::Welcome(introduction),
        Err(refusal) => Pair::Refused(refusal),
    };
    writer.write(&answer).await?;
    writer.close().await;
    Ok(())
}
