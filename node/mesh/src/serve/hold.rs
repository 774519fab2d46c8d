//! Holding runs of friends while the owner needs the machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use flowork_protocol::command::{Command, Signal};

use super::Provider;
use crate::energy::{Loan, Whose};
use crate::lock;
use crate::policy::Held;
use crate::running::Running;

/// How often the machine is looked at while an engine's policy asks for it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Provider {
    /// Looks, for as long as this role lives, whether engines have to be held or may go on.
    pub(crate) async fn keep_policies(self: Arc<Self>) {
        loop {
            self.keep_policies_once().await;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// One look, and what follows from it.
    pub(crate) async fn keep_policies_once(&self) {
        let now = Instant::now();
        let loans = self.loans();
        if !loans.is_empty() {
            self.lending.lent_now();
        }
        let lent_at = self.lending.lent_at();
        // A few small files of the kernel, and some hundred more where programs are looked for: a few milliseconds.
        let is_lent = || lock(&self.calls).values().any(|running| running.works_now());
        let asks_power = self.lending.is_any_unsaid() && self.energy.needs_power(lent_at, now);
        let watts = self.lending.look(asks_power, is_lent).await;
        let watts = watts.map(|told| told.map_err(drop));
        if let Err(error) = self.energy.count(loans, watts, lent_at, ((self.clock)(), now)).await {
            tracing::error!(%error, "what calls took could not be written down");
        }
        let held = self.lending.all_held((self.clock)());
        let changed: Vec<Arc<Running>> = lock(&self.calls)
            .values()
            .filter(|running| !running.has_ended() && running.is_held() != held.contains_key(&running.served.engine))
            .cloned()
            .collect();
        for running in changed {
            match held.get(&running.served.engine) {
                Some(held) => self.hold(&running, held).await,
                None => self.go_on(&running).await,
            }
        }
    }

    /// The calls that this machine works for now.
    fn loans(&self) -> Vec<Loan> {
        let calls = lock(&self.calls);
        let working = calls.values().filter(|running| running.works_now());
        let loan = |running: &Arc<Running>| Loan {
            whose: Whose { peer: running.served.peer, grant: running.grant() },
            watts_said: self.lending.watts_said(&running.served.engine),
            engine: running.served.engine.clone(),
        };
        working.map(loan).collect()
    }

    async fn hold(&self, running: &Running, held: &Held) {
        if !running.served.capability.takes_items() {
            // A model cannot be paused in the middle of a word.
            running.end(held.refusal.clone());
            return;
        }
        running.set_held(true);
        running.say("paused", held.refusal.message.clone());
        // First, so that whoever takes it up after a restart lets it go on.
        let key = running.served.key();
        if let Err(error) = self.held.put(key, (), None).await {
            tracing::error!(%error, "that a call is held could not be written down");
        }
        self.signal(running, Signal::Pause).await;
    }

    async fn go_on(&self, running: &Running) {
        if !self.signal(running, Signal::Resume).await {
            // Tried again with the next look.
            return;
        }
        running.set_held(false);
        running.say("resumed", "it goes on".to_owned());
        if let Err(error) = self.held.forget(&[running.served.key()], None).await {
            tracing::error!(%error, "that a call is held no more could not be written down");
        }
    }

    /// Gives whether it is on its way.
    pub(super) async fn signal(&self, running: &Running, signal: Signal) -> bool {
        let job = running.served.job;
        let submitted = self.inbox.submit(Command::Signal(job, signal)).await;
        if let Err(error) = &submitted {
            tracing::error!(%job, %error, "the job of a call could not be held or let go on");
        }
        submitted.is_ok()
    }
}
