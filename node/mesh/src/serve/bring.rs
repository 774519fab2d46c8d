//! What a call needs before it can begin: the files that its request names, from its caller.

use std::time::Duration;

use flowork_protocol::peer::Refusal;
use tokio::time::{Instant, sleep};

use super::Provider;
use crate::files::{Came, Error, Wanted};
use crate::running::Running;

/// The pause before a file is asked for again, at first and at most.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// How long a caller may say that it does not share a file that its own call names: it is being started anew, at best.
const UNSHARED_FOR: Duration = Duration::from_secs(120);

impl Provider {
    /// Gets the files that a request names from its caller; within what its caller waits for the whole call.
    pub(super) async fn bring(&self, running: &Running, files: &[Wanted], deadline: Duration) -> Result<(), Refusal> {
        if files.is_empty() {
            return Ok(());
        }
        let came = Came::new(files);
        let say = |bytes| {
            if let Some(text) = came.add(bytes) {
                running.say("files", text);
            }
        };
        let (begun, mut pause) = (Instant::now(), PAUSE_FIRST);
        let caller = [running.served.peer];
        let fetching = async {
            loop {
                let error = match self.files.fetch_all(files, &caller, &say).await {
                    Ok(()) => return Ok(()),
                    Err(error) => error,
                };
                let is_unshared = matches!(&error, Error::Refused(refusal) if refusal.code == "file-not-shared");
                let may_come = error.is_passing() || (is_unshared && begun.elapsed() < UNSHARED_FOR);
                if !may_come {
                    tracing::warn!(peer = %running.served.peer, %error, "the files of a call did not come");
                    return Err(not_come(&error));
                }
                running.say("files", format!("files did not come yet: {error}"));
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        };
        tokio::select! {
            result = fetching => result,
            () = running.end.cancelled() => Err(running.ended()),
            () = sleep(deadline) => {
                Err(Refusal::new("late", "its files did not come within the time that its caller gave it"))
            }
        }
    }
}

fn not_come(error: &Error) -> Refusal {
    match error {
        Error::Full { .. } => Refusal::new("disk-full", "there is no room for the files").retry_after_ms(60_000),
        Error::Disk(_) | Error::Store(_) => {
            Refusal::new("try-again", "the provider cannot use its disk now").retry_after_ms(1_000)
        }
        Error::Wrong(_) | Error::Refused(_) | Error::Net(_) | Error::Broke(_) => {
            Refusal::new("files-not-sent", format!("the files of the request did not come: {error}"))
        }
    }
}
