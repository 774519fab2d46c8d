//! What a call of a warm worker costs over the interpreter's own work: p50 and p99 for each language.
//!
//! `cargo run --release -p flowork-workers --example overhead [calls]`; build the cage first
//! (`cargo build --release -p flowork-workers --bins`).

#![allow(clippy::panic)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use flowork_workers::Language;
use serde_json::json;
use support::Bench;

const CALLS: usize = 300;
/// Between two calls in the calm run: a step waits for its predecessor, not in a tight loop.
const PAUSE: Duration = Duration::from_millis(20);

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let calls = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(CALLS);
    println!("{:<12} {:>9} {:>11} {:>11} {:>11} {:>11}", "", "first", "p50", "p99", "p50 busy", "p99 busy");
    for language in Language::ALL {
        let code = match language {
            Language::Python | Language::Javascript => "return items",
            Language::Bash => "read -r line; echo \"$line\"",
            Language::Php | Language::Perl => "return $items;",
            Language::Ruby => "items",
        };
        let bench = Bench::new();
        let first = once(&bench, language, code).await;
        let calm = measure(&bench, language, code, calls, PAUSE).await;
        let busy = measure(&bench, language, code, calls, Duration::ZERO).await;
        println!(
            "{:<12} {:>6.1} ms {:>8.3} ms {:>8.3} ms {:>8.3} ms {:>8.3} ms",
            language.title(),
            ms(first),
            ms(calm.0),
            ms(calm.1),
            ms(busy.0),
            ms(busy.1)
        );
        bench.handle.shutdown().await;
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

async fn once(bench: &Bench, language: Language, code: &str) -> Duration {
    let start = Instant::now();
    let items = [json!({ "n": 1, "text": "one item" })];
    let run = bench.run(language, json!({ "code": code }), &items).await;
    let took = start.elapsed();
    assert_eq!(run.items(), items);
    took
}

async fn measure(bench: &Bench, language: Language, code: &str, calls: usize, pause: Duration) -> (Duration, Duration) {
    let mut times = Vec::with_capacity(calls);
    for _ in 0..calls {
        tokio::time::sleep(pause).await;
        times.push(once(bench, language, code).await);
    }
    times.sort();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    (at(50), at(99))
}
