//! What an admitted call does, from its place in the engine to what it gives.

use std::sync::Arc;
use std::time::Duration;

use flowork_protocol::command::{Command, Signal, Submission};
use flowork_protocol::peer::Refusal;
use tokio::sync::OwnedSemaphorePermit;

use super::{Begin, Provider, Work, try_again};
use crate::lending::{Engine, Place};
use crate::lock;
use crate::running::Running;
use crate::work::{self, Followed};

impl Provider {
    /// Runs a call to what it gives. Without `begin` it ran before this process did.
    pub(super) async fn run(&self, running: &Arc<Running>, begin: Option<Begin>) -> Result<work::Output, Refusal> {
        let Some(Begin { engine, work, deadline, _room }) = begin else {
            if !running.served.capability.takes_items() {
                let why = "the provider was started anew in the middle of it";
                return Err(Refusal::new("engine-restarted", why).retry_after_ms(1_000));
            }
            let engine = self.lending.get(&running.served.engine).ok();
            let _place = match &engine {
                Some(engine) => Some(self.place(running, engine).await?),
                None => None,
            };
            return self.job(running, None, None).await;
        };
        self.bring(running, work.files(), deadline).await?;
        let _place = self.place(running, &engine).await?;
        match work {
            Work::Job(submission, _) => self.job(running, Some((submission, _room)), Some(deadline)).await,
            Work::Chat(question) => self.chat(running, &question, deadline).await,
        }
    }

    /// A place in the engine, in the turn of this grant.
    async fn place(&self, running: &Running, engine: &Engine) -> Result<Place, Refusal> {
        let gate = self.lending.gate(engine);
        let mut entering = std::pin::pin!(gate.enter(running.grant()));
        let entered = match futures::future::poll_immediate(&mut entering).await {
            Some(entered) => entered,
            None => {
                running.say("waiting", "it waits for its turn".to_owned());
                tokio::select! {
                    entered = &mut entering => entered,
                    () = running.end.cancelled() => return Err(running.ended()),
                }
            }
        };
        let entered =
            entered.ok_or_else(|| Refusal::new("busy", "too many of your calls wait already").retry_after_ms(1_000))?;
        running.got_place();
        Ok(entered)
    }

    /// Runs it as a job; submits that first when it is new, together with the room that its request holds in memory.
    async fn job(
        &self, running: &Arc<Running>, fresh: Option<(Box<Submission>, OwnedSemaphorePermit)>,
        deadline: Option<Duration>,
    ) -> Result<work::Output, Refusal> {
        let served = &running.served;
        let mut follower = self.followers.follow(served.job, 0);
        let is_fresh = fresh.is_some();
        if let Some((submission, _room)) = fresh {
            self.inbox.submit(Command::Submit(submission)).await.map_err(|_| try_again())?;
            // Its owner came to need the machine while it waited: there was no job to pause then.
            if running.is_held() {
                self.signal(running, Signal::Pause).await;
            }
        }
        // Beside the run: a caller whose provider dies before it is written opens the call again, and the job is known by
        // its key.
        let writing = async {
            if is_fresh && let Err(error) = self.served.put(served.key(), served.clone(), None).await {
                tracing::error!(%error, "a call could not be written down");
            }
        };
        let left = lock(&self.meter).output_bytes_left(&running.links, (self.clock)());
        let say = |kind: &str, text| running.say(kind, text);
        let followed = Followed { job: served.job, links: &running.links, say: &say };
        let following = work::follow(&*self.reader, &mut follower, &followed, left);
        // One that was taken up after a restart has the deadline that its caller keeps.
        let is_late = async {
            match deadline {
                Some(deadline) => tokio::time::sleep(deadline).await,
                None => std::future::pending().await,
            }
        };
        let ending = async {
            tokio::select! {
                output = following => output,
                () = is_late => {
                    let why = late();
                    work::cancel(&*self.inbox, served.job, &why).await;
                    Err(why)
                }
                () = running.end.cancelled() => {
                    let why = running.ended();
                    work::cancel(&*self.inbox, served.job, &why).await;
                    Err(why)
                }
            }
        };
        tokio::join!(writing, ending).1
    }
}

pub(super) fn late() -> Refusal {
    Refusal::new("late", "it did not end within the time that its caller gave it")
}
