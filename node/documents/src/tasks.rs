//! The tasks of one samod repository, which samod itself never ends: its loops keep each other alive, and with them every
//! document that was ever opened.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use samod::runtime::RuntimeHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Where a repository spawns, so that everything of it can be ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tasks {
    cancel: CancellationToken,
    tracker: TaskTracker,
}

impl Tasks {
    /// Runs `task` until it or the repository ends.
    pub(crate) fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        let cancel = self.cancel.clone();
        self.tracker.spawn(cancel.run_until_cancelled_owned(task));
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
