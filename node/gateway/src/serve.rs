//! The accept loop: connections, their limits and their end.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::linger::Lingering;

/// How many connections may be open at once; further ones wait in the system's queue.
const CONNECTIONS_MAX: usize = 2_048;
/// How large a request's head may be.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// How long open requests may go on after the node was told to stop.
const GRACE: Duration = Duration::from_secs(5);
/// How long to wait when the system has no sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until `cancel`, then lets open requests end, for a while.
///
/// `head_within` is how long a client may take to send a request's head, and how long an idle connection stays open.
pub(crate) async fn serve(listener: TcpListener, router: Router, head_within: Duration, cancel: CancellationToken) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let tasks = TaskTracker::new();
    loop {
        let slot = tokio::select! {
            () = cancel.cancelled() => break,
            slot = slots.clone().acquire_owned() => slot,
        };
        // The semaphore is never closed, so this always holds.
        let Ok(slot) = slot else { break };
        let accepted = tokio::select! {
            () = cancel.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let (router, cancel) = (router.clone(), cancel.clone());
                tasks.spawn(async move {
                    connection(stream, router, head_within, cancel).await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(GRACE, tasks.wait()).await.is_err() {
        tracing::warn!(open = tasks.len(), "connections were still open when the gateway ended");
    }
}

async fn connection(stream: TcpStream, router: Router, head_within: Duration, cancel: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection would not go without delay");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_within)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(Lingering::new(stream)), TowerToHyperService::new(router))
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = cancel.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(GRACE, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        // Clients that go away are daily life.
        tracing::debug!(%error, "a connection ended early");
    }
}
