//! A closed loop of requests: every connection sends the next request when it has the answer to the last one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use hdrhistogram::Histogram;

use crate::http::Connection;

/// The longest latency that is told apart, in microseconds.
const LATENCY_US_MAX: u64 = 120_000_000;

/// What to send, and for how long.
#[derive(Debug, Clone)]
pub struct Load {
    /// Where to.
    pub address: SocketAddr,
    /// The request, by [`crate::http::request`].
    pub request: Arc<Vec<u8>>,
    /// How many connections send at once.
    pub connections: usize,
    /// No request starts after this time.
    pub lasts: Duration,
    /// No more requests than this.
    pub requests_max: u64,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Answers in the 2xx range.
    pub done: u64,
    /// Answers that say to come back later (429, 503).
    pub pushed_back: u64,
    /// Every other answer, and broken connections.
    pub failed: u64,
    /// What the first failure was.
    pub first_failure: Option<String>,
    /// From the first request to the last answer.
    pub took: Duration,
    /// Latency of the 2xx answers, in microseconds.
    pub latency_us: Histogram<u64>,
}

impl Outcome {
    /// 2xx answers per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.done as f64 / self.took.as_secs_f64().max(1e-9)
    }

    /// A quantile of the latency, in milliseconds.
    #[must_use]
    pub fn ms(&self, quantile: f64) -> f64 {
        self.latency_us.value_at_quantile(quantile) as f64 / 1_000.0
    }
}

/// An empty histogram of latencies.
///
/// # Errors
/// Never with these bounds; the constructor says so by type.
pub fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, LATENCY_US_MAX, 3)?)
}

/// Runs a load.
///
/// # Errors
/// When not one connection can be made.
pub async fn run(load: &Load) -> Result<Outcome> {
    let left = Arc::new(AtomicU64::new(load.requests_max));
    let begun = Instant::now();
    let senders: Vec<_> =
        (0..load.connections).map(|_| tokio::spawn(one(load.clone(), Arc::clone(&left), begun))).collect();
    let mut total = Outcome {
        done: 0,
        pushed_back: 0,
        failed: 0,
        first_failure: None,
        took: Duration::ZERO,
        latency_us: histogram()?,
    };
    for sender in senders {
        let part = sender.await.context("a sender ended early")??;
        total.done += part.done;
        total.pushed_back += part.pushed_back;
        total.failed += part.failed;
        total.first_failure = total.first_failure.or(part.first_failure);
        total.latency_us.add(&part.latency_us)?;
    }
    total.took = begun.elapsed();
    Ok(total)
}

async fn one(load: Load, left: Arc<AtomicU64>, begun: Instant) -> Result<Outcome> {
    let mut connection = Connection::open(load.address).await.context("the server takes no connection")?;
    let mut outcome = Outcome {
        done: 0,
        pushed_back: 0,
        failed: 0,
        first_failure: None,
        took: Duration::ZERO,
        latency_us: histogram()?,
    };
    let take = |count: u64| count.checked_sub(1);
    while begun.elapsed() < load.lasts && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
        let sent = Instant::now();
        match connection.status(&load.request).await {
            Ok(200..300) => {
                outcome.done += 1;
                let micros = u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX);
                outcome.latency_us.saturating_record(micros);
            }
            Ok(429 | 503) => {
                outcome.pushed_back += 1;
                // Who is told to come back later does not come back at once.
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            Ok(status) => {
                outcome.failed += 1;
                outcome.first_failure.get_or_insert_with(|| format!("status {status}"));
            }
            Err(error) => {
                outcome.failed += 1;
                outcome.first_failure.get_or_insert_with(|| error.to_string());
                connection = Connection::open(load.address).await.context("the server went away")?;
            }
        }
    }
    Ok(outcome)
}
