//! Engines of this node, for its own owner: no grant, no receipt, and always the next turn.

use std::sync::Arc;
use std::time::Duration;

use flowork_ports::Models;
use flowork_ports::engines::{EngineCall, Given, News};
use flowork_ports::mesh::Offer;
use flowork_ports::models::ModelAt;
use flowork_protocol::Failure;
use flowork_protocol::chat::{Chat, OUTPUT_BYTES_MAX, Piece};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::chat::Answering;
use crate::lending::{Engine, Lending, OWN};

/// Calls engines of this node.
pub(crate) struct Here {
    pub(crate) lending: Arc<Lending>,
    pub(crate) models: Arc<dyn Models>,
}

impl Here {
    pub(crate) async fn call(
        &self, call: &EngineCall, engine: Option<&str>, news: &mpsc::Sender<News>, cancel: &CancellationToken,
    ) -> Result<Given, Failure> {
        let (engine, at) = self.find(call, engine)?;
        let asked = Chat::read(&call.request)?;
        let begun = Instant::now();
        let working = async {
            let _place = self.lending.gate(&engine).enter(OWN).await.ok_or_else(|| {
                Failure::new("busy", format!("{} has as many calls waiting as it takes", engine.name)).retryable()
            })?;
            let (mut seq, mut used) = (0, (0, 0));
            let mut answering = Answering::new(&*self.models, &at, &asked, OUTPUT_BYTES_MAX);
            while let Some((piece, line)) = answering.next().await.map_err(|failure| of_engine(&engine, failure))? {
                if let Piece::End(end) = piece {
                    used = (end.tokens_in, end.tokens_out);
                }
                if call.streams {
                    // Who does not read the pieces gets the whole all the same.
                    let _ = news.send(News::Piece { seq, bytes: line.to_vec() }).await;
                    seq += 1;
                }
            }
            let output = answering.into_output();
            let took = begun.elapsed().as_millis();
            let note = format!("by {} here in {took} ms, {}", engine.name, tokens(used.0, used.1));
            Ok(Given { output, note, call: None })
        };
        tokio::select! {
            given = working => given,
            () = cancel.cancelled() => Err(Failure::new("cancelled", "the call was ended")),
            () = tokio::time::sleep(Duration::from_millis(call.deadline_ms)) => {
                let text = format!("{} did not give a result in time", engine.name);
                Err(Failure::new("engine-late", text).hint("give the step more time with `timeout_ms`").retryable())
            }
        }
    }

    /// The engine that does this, and the model behind it.
    fn find(&self, call: &EngineCall, name: Option<&str>) -> Result<(Engine, ModelAt), Failure> {
        let does = |engine: Engine| match engine.offers.get(&call.capability).cloned() {
            Some(Offer::Chat(at)) => Some((engine, at)),
            _ => None,
        };
        let found = match name {
            Some(name) => self.lending.get(name).ok().and_then(does),
            None => self.lending.all().into_iter().find_map(does),
        };
        found.ok_or_else(|| {
            let which = name.map(|name| format!(" `{name}`")).unwrap_or_default();
            let text = format!("this node has no engine{which} that does `{}`", call.capability);
            Failure::new("no-engine-here", text).hint(
                "`flowork engine find` shows model servers of this machine, `flowork engine lend gpu --chat` adds one",
            )
        })
    }
}

fn of_engine(engine: &Engine, failure: Failure) -> Failure {
    let message = format!("{}: {}", engine.name, failure.message);
    Failure { message, ..failure }
}

/// How many tokens, in words.
pub(crate) fn tokens(read: u64, written: u64) -> String {
    format!("{read} tokens read, {written} written")
}
