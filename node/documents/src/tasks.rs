//! The tasks of one samod repository, which samod itself never ends: its loops keep each other alive, and with them every
//! document that was ever opened.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use samod::runtime::RuntimeHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::shelf::OnFatal;

/// Where a repository spawns, so that everything of it can be ended.
#[derive(Clone)]
pub(crate) struct Tasks {
    cancel: CancellationToken,
    tracker: TaskTracker,
    on_fatal: OnFatal,
}

impl Tasks {
    /// Nothing spawned yet. `on_fatal` is told when a task panics: who calls samod would wait for it for ever.
    pub(crate) fn new(on_fatal: OnFatal) -> Self {
        Self { cancel: CancellationToken::new(), tracker: TaskTracker::new(), on_fatal }
    }

    /// Runs `task` until it or the repository ends.
    pub(crate) fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        let running = tokio::spawn(self.cancel.clone().run_until_cancelled_owned(task));
        let on_fatal = self.on_fatal.clone();
        self.tracker.spawn(async move {
            if let Err(error) = running.await
                && error.is_panic()
            {
                on_fatal(format!("a part of what keeps documents in memory broke: {error}"));
            }
        });
    }

    /// Cancelled when the tasks are ended.
    pub(crate) fn over(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// Ends all tasks and waits until they are gone.
    pub(crate) async fn end(&self) {
        self.cancel.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

impl RuntimeHandle for Tasks {
    fn spawn(&self, f: Pin<Box<dyn Future<Output = ()> + Send + 'static>>) {
        self.run(f);
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_part_of_samod_that_breaks_is_told_and_one_that_is_ended_is_not() {
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let tasks = Tasks::new(Arc::new(move |why| drop(tell.send(why))));
        tasks.run(std::future::pending());
        tasks.run(async { panic!("a fault") });
        assert!(told.recv().await.is_some_and(|why| why.contains("broke")));
        tasks.end().await;
        assert!(told.try_recv().is_err());
    }
}
