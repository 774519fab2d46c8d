//! What steps share that call engines.

use std::sync::Arc;

use flowork_ports::component::Call;
use flowork_ports::engines::{EngineCall, Given, NEWS_WAITING_MAX, News, Where};
use flowork_protocol::Failure;
use flowork_protocol::event::Level;
use flowork_protocol::grant::Capability;
use serde_json::Value;
use tokio::sync::mpsc;

use super::Options;
use crate::duration;

/// How long a step without a timeout waits for its result.
const DEADLINE_MS_DEFAULT: u64 = 24 * 3_600_000;

/// What is asked of an engine.
pub(super) struct Asked<'a> {
    /// Tells the calls of one step apart; none when it makes one.
    pub(super) part: Option<usize>,
    pub(super) at: Where,
    pub(super) capability: Capability,
    pub(super) request: Vec<u8>,
    pub(super) wait: &'a Value,
}

/// Calls an engine, notes what happens meanwhile, and hands on each piece of the output once, where it comes in pieces.
pub(super) async fn call(
    options: &Arc<Options>, call: &Call, asked: Asked<'_>, mut piece: Option<impl FnMut(&[u8]) + Send>,
) -> Result<Given, Failure> {
    let wait_ms =
        duration::read_ms(asked.wait).map_err(|why| Failure::new("wait-invalid", why).place("config.wait"))?;
    let asked = EngineCall {
        key: match asked.part {
            None => call.key.to_string(),
            Some(part) => format!("{}/{part}", call.key),
        },
        at: asked.at,
        capability: asked.capability,
        request: asked.request,
        deadline_ms: call.deadline.map_or(DEADLINE_MS_DEFAULT, |deadline| deadline.since_ms(call.now).max(1)),
        wait_ms,
        streams: piece.is_some(),
    };
    let (sender, mut news) = mpsc::channel(NEWS_WAITING_MAX);
    let calling = options.engines.call(asked, sender, call.cancel.clone());
    tokio::pin!(calling);
    let mut next = 0;
    let mut note = |news: News| match news {
        News::Here(text) => call.log.line(Level::Info, &text),
        News::There { kind, text } => call.log.line(Level::Info, &format!("{kind}: {text}")),
        News::Piece { seq, bytes } if seq == next => {
            next += 1;
            if let Some(piece) = &mut piece {
                piece(&bytes);
            }
        }
        // It came before.
        News::Piece { .. } => {}
    };
    let given = loop {
        tokio::select! {
            biased;
            Some(news) = news.recv() => note(news),
            given = &mut calling => break given,
        }
    };
    while let Ok(last) = news.try_recv() {
        note(last);
    }
    given
}
