//! The accept loop: connections, their limits and their end.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How many connections may be open at once; further ones wait in the system's queue.
const CONNECTIONS_MAX: usize = 2_048;
/// How large a request's head may be.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// How long open requests may go on after the node was told to stop.
const GRACE: Duration = Duration::from_secs(5);
/// How long a connection that is done is read on while nothing comes, and how long at most.
const LINGER_PAUSE: Duration = Duration::from_secs(2);
const LINGER_MAX: Duration = Duration::from_secs(10);
/// How much is read at once while lingering.
const LINGER_BYTES: usize = 16 << 10;
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
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_within)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let ended = tokio::select! {
        ended = poll_fn(|context| connection.poll_without_shutdown(context)) => ended,
        () = cancel.cancelled() => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            let ends = poll_fn(|context| connection.poll_without_shutdown(context));
            tokio::time::timeout(GRACE, ends).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        // Clients that go away are daily life.
        tracing::debug!(%error, "a connection ended early");
    }
    let stream = connection.into_parts().io.into_inner();
    tokio::select! {
        () = linger(stream) => {}
        () = cancel.cancelled() => {}
    }
}

/// Ends a connection so that its last answer arrives: a client that still sends a body nobody wants would be reset by a
/// plain close, and lose the answer that says why (RFC 9112, section 9.6).
async fn linger(mut stream: TcpStream) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let reads = async {
        let mut scrap = vec![0; LINGER_BYTES];
        while let Ok(Ok(1..)) = tokio::time::timeout(LINGER_PAUSE, stream.read(&mut scrap)).await {}
    };
    // What still comes after that is the client's own loss.
    let _ = tokio::time::timeout(LINGER_MAX, reads).await;
}
