//! Waiting for a job's end, or for its answer.

use std::time::Duration;

use flowork_ports::follow::Follower;
use flowork_protocol::event::{Outcome, Response, What};

use crate::context::Ctx;
use crate::problem::Problem;

/// How many live feeds may be open at once.
pub(crate) const FEEDS_MAX: usize = 512;
/// How many requests may wait for a job's end at once.
pub(crate) const WAITING_MAX: usize = 512;
/// The longest that a request may wait for a job.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(60);

/// What a wait for a job brought.
pub(crate) enum Waited {
    /// The job ended.
    Ended(Box<(Outcome, std::collections::BTreeMap<flowork_protocol::StepId, flowork_protocol::item::List>)>),
    /// A step gave the answer for the webhook.
    Answered(Box<Response>),
    /// The time is over, and the job is not.
    TimedOut,
}

/// Waits for the job's end, or for a step's answer when `for_answer`.
pub(crate) async fn wait(
    ctx: &Ctx, mut follower: Follower, for_answer: bool, time: Duration,
) -> Result<Waited, Problem> {
    let cancel = ctx.cancel.clone();
    let come = async {
        while let Some(event) = follower.next().await? {
            match event.what {
                What::StepSucceeded(result) if for_answer => {
                    if let Some(response) = result.response {
                        return Ok(Waited::Answered(Box::new(response)));
                    }
                }
                What::Ended { outcome, output } => return Ok(Waited::Ended(Box::new((outcome, output)))),
                _ => {}
            }
        }
        Ok(Waited::TimedOut)
    };
    tokio::select! {
        waited = come => waited,
        () = tokio::time::sleep(time.min(WAIT_MAX)) => Ok(Waited::TimedOut),
        () = cancel.cancelled() => Ok(Waited::TimedOut),
    }
}
