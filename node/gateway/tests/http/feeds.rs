//! Live feeds: what is committed arrives, in order, once, and resumes.

use std::time::Duration;

use flowork_protocol::event::{Event, Outcome};
use futures::StreamExt as _;
use serde_json::json;

use crate::fake::{LOCAL, Node, inline};

/// A feed as a client reads it.
struct Feed {
    bytes: std::pin::Pin<Box<dyn futures::Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    text: String,
}

impl Feed {
    async fn open(node: &Node, path: &str, last_id: Option<u64>) -> Self {
        let request = node.ask("GET", path).bearer_auth(LOCAL).header("accept", "text/event-stream");
        let request = last_id.iter().fold(request, |request, id| request.header("last-event-id", *id));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { bytes: Box::pin(response.bytes_stream()), text: String::new() }
    }

    /// The next message as `(id, kind, data)`; none at the end.
    async fn next(&mut self) -> Option<(String, String, String)> {
        loop {
            if let Some((message, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let line = message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    line.unwrap_or_default().to_owned()
                };
                let read = (field("id"), field("event"), field("data"));
                self.text = rest.to_owned();
                // Comments only show that the feed is there.
                if read != Default::default() {
                    return Some(read);
                }
                continue;
            }
            let piece = tokio::time::timeout(Duration::from_secs(20), self.bytes.next()).await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
        }
    }

    async fn seq(&mut self) -> Option<u64> {
        let (id, kind, data) = self.next().await?;
        assert_eq!(kind, "event");
        let event: Event = serde_json::from_str(&data).unwrap();
        assert_eq!(event.seq.to_string(), id);
        Some(event.seq)
    }
}

#[tokio::test]
async fn a_feed_gives_what_was_and_what_comes_and_ends_with_the_job() {
    let node = Node::start().await;
    let job = node.job(1);
    let mut feed = Feed::open(&node, &format!("/api/v1/jobs/{job}/events"), None).await;
    assert_eq!((feed.seq().await, feed.seq().await), (Some(1), Some(2)));
    node.store.succeed(job, "a", inline(&[json!(1)]), None);
    assert_eq!(feed.seq().await, Some(3));
    node.store.succeed(job, "b", inline(&[json!(1)]), None);
    node.store.end(job, Outcome::Succeeded, &[]);
    assert_eq!((feed.seq().await, feed.seq().await, feed.seq().await), (Some(4), Some(5), None));
}

#[tokio::test]
async fn a_feed_resumes_after_the_last_number_that_was_seen() {
    let node = Node::start().await;
    let job = node.job(1);
    let path = format!("/api/v1/jobs/{job}/events?after=1");
    node.store.succeed(job, "a", inline(&[json!(1)]), None);
    assert_eq!(Feed::open(&node, &path, None).await.seq().await, Some(2));
    assert_eq!(Feed::open(&node, &path, Some(2)).await.seq().await, Some(3));
    let last = node.store.end(job, Outcome::Succeeded, &[]);
    let over =
        node.ask("GET", &path).bearer_auth(LOCAL).header("accept", "text/event-stream").header("last-event-id", last);
    assert_eq!(over.send().await.unwrap().status(), 204);
}

#[tokio::test]
async fn a_committed_event_reaches_an_idle_feed_without_waiting_for_the_clock() {
    let node = Node::start().await;
    let job = node.job(1);
    let mut feed = Feed::open(&node, &format!("/api/v1/jobs/{job}/events?after=2"), None).await;
    let mut best = Duration::MAX;
    for _ in 0..20 {
        let from = std::time::Instant::now();
        node.store.succeed(job, "a", inline(&[json!(1)]), None);
        feed.seq().await;
        best = best.min(from.elapsed());
    }
    // Looking by the clock alone would take 125 ms on average, never 20 times under 50 ms at best.
    assert!(best < Duration::from_millis(50), "{best:?}");
}

#[tokio::test]
async fn the_nodes_feed_tells_of_jobs_that_change() {
    let node = Node::start().await;
    let job = node.job(1);
    let mut feed = Feed::open(&node, "/api/v1/events", None).await;
    let (_, kind, data) = feed.next().await.unwrap();
    assert_eq!(kind, "job");
    assert!(data.contains(&job.to_string()) && data.contains("running"), "{data}");
    node.store.end(job, Outcome::Succeeded, &[]);
    let (_, kind, data) = feed.next().await.unwrap();
    assert_eq!(kind, "job");
    assert!(data.contains("succeeded"), "{data}");
}

#[tokio::test]
async fn feeds_end_when_the_gateway_does() {
    let mut node = Node::start().await;
    let job = node.job(1);
    let mut feed = Feed::open(&node, &format!("/api/v1/jobs/{job}/events?after=2"), None).await;
    node.cancel.cancel();
    assert_eq!(feed.seq().await, None);
    tokio::time::timeout(Duration::from_secs(20), node.handle.take().unwrap().ended()).await.unwrap();
}

#[tokio::test]
async fn a_quiet_feed_shows_at_once_that_it_is_there() {
    let node = Node::start().await;
    let mut feed = Feed::open(&node, "/api/v1/events", None).await;
    let first = tokio::time::timeout(Duration::from_secs(10), feed.bytes.next()).await.unwrap().unwrap().unwrap();
    assert!(first.starts_with(b":") && first.ends_with(b"\n\n"), "{first:?}");
}
