//! Holding runs of friends while the owner needs the machine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flowork_protocol::command::{Command, Signal};

use super::Provider;
use crate::lock;
use crate::policy::Held;
use crate::running::Running;

/// How often the machine is looked at while an engine's policy asks for it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Provider {
    /// Looks, for as long as this role lives, whether engines have to be held or may go on.
    pub(crate) async fn keep_policies(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let names = self.lending.programs();
            if !names.is_empty() {
                // Some hundred small files of the kernel: a few milliseconds.
                match tokio::task::spawn_blocking(move || crate::policy::running(&names)).await {
                    Ok(programs) => self.lending.see(programs),
                    Err(error) => tracing::warn!(%error, "the programs that run could not be looked at"),
                }
            }
            let now = (self.clock)();
            let held: BTreeMap<String, Held> = self
                .lending
                .all()
                .into_iter()
                .filter_map(|engine| self.lending.held(&engine, now).map(|held| (engine.name, held)))
                .collect();
            let running: Vec<Arc<Running>> =
                lock(&self.calls).values().filter(|running| !running.has_ended()).cloned().collect();
            for running in running {
                match (held.get(&running.served.engine), running.is_held()) {
                    (Some(held), false) => self.hold(&running, held).await,
                    (None, true) => self.go_on(&running).await,
                    _ => {}
                }
            }
        }
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
