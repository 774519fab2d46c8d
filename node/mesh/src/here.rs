//! Engines of this node, for its own owner: no grant, no receipt, and always the next turn.

use std::sync::Arc;

use flowork_ports::engines::{Given, News};
use flowork_ports::mesh::Offer;
use flowork_ports::models::ModelAt;
use flowork_ports::store::{Inbox, Reader};
use flowork_ports::{Followers, Models};
use flowork_protocol::chat::{Chat, OUTPUT_BYTES_MAX, Piece};
use flowork_protocol::command::Command;
use flowork_protocol::grant::Capability;
use flowork_protocol::peer::Refusal;
use flowork_protocol::{Failure, JobId};
use tokio::time::Instant;

use crate::call::{Journey, cancelled, late};
use crate::chat::Answering;
use crate::lending::{Engine, Lending, OWN, Place};
use crate::work::{self, Followed};

/// The domain of the ids of jobs that own calls become.
const JOB_DOMAIN: &str = "flowork own call v1";

/// Calls engines of this node.
pub(crate) struct Here {
    pub(crate) lending: Arc<Lending>,
    pub(crate) models: Arc<dyn Models>,
    pub(crate) inbox: Arc<dyn Inbox>,
    pub(crate) reader: Arc<dyn Reader>,
    pub(crate) followers: Followers,
}

impl Here {
    /// The engine that does this, and how.
    pub(crate) fn find(&self, capability: &Capability, name: Option<&str>) -> Result<(Engine, Offer), Failure> {
        let does = |engine: Engine| engine.offers.get(capability).cloned().map(|offer| (engine, offer));
        let found = match name {
            Some(name) => self.lending.get(name).ok().and_then(does),
            None => self.lending.all().into_iter().find_map(does),
        };
        found.ok_or_else(|| {
            let which = name.map(|name| format!(" `{name}`")).unwrap_or_default();
            let text = format!("this node has no engine{which} that does `{capability}`");
            Failure::new("no-engine-here", text).hint(match capability.parts() {
                ("run", Some(preset)) => format!("`flowork engine lend NAME --run {preset}` makes one"),
                ("tool", Some(tool)) => format!("`flowork engine lend NAME --tool {tool}` makes one"),
                _ => "`flowork engine find` shows model servers of this machine, `flowork engine lend gpu --chat` adds one"
                    .to_owned(),
            })
        })
    }

    /// Does it to its end.
    pub(crate) async fn call(&self, (engine, offer): (Engine, Offer), journey: &Journey<'_>) -> Result<Given, Failure> {
        let working = async {
            match &offer {
                Offer::Run { .. } => self.run(&engine, &offer, journey).await,
                Offer::Chat(at) => self.chat(&engine, at, journey).await,
            }
        };
        tokio::select! {
            given = working => given,
            () = journey.cancel.cancelled() => {
                self.end(&offer, journey, "the step was ended").await;
                Err(cancelled())
            }
            () = tokio::time::sleep_until(journey.ends_at) => {
                self.end(&offer, journey, "the deadline has passed").await;
                Err(late(&engine.name))
            }
        }
    }

    async fn chat(&self, engine: &Engine, at: &ModelAt, journey: &Journey<'_>) -> Result<Given, Failure> {
        let asked = Chat::read(&journey.call.request)?;
        let begun = Instant::now();
        let _place = self.place(engine).await?;
        let (mut seq, mut used) = (0, (0, 0));
        let mut answering = Answering::new(&*self.models, at, &asked, OUTPUT_BYTES_MAX);
        while let Some((piece, line)) = answering.next().await.map_err(|failure| of_engine(engine, failure))? {
            if let Piece::End(end) = piece {
                used = (end.tokens_in, end.tokens_out);
            }
            if journey.call.streams {
                // Who does not read the pieces gets the whole all the same.
                let _ = journey.news.send(News::Piece { seq, bytes: line.to_vec() }).await;
                seq += 1;
            }
        }
        let output = answering.into_output();
        let took = begun.elapsed().as_millis();
        let note = format!("by {} here in {took} ms, {}", engine.name, tokens(used.0, used.1));
        Ok(Given { output, note, call: None })
    }

    /// A job of this node. One of the same call is found again.
    async fn run(&self, engine: &Engine, offer: &Offer, journey: &Journey<'_>) -> Result<Given, Failure> {
        let begun = Instant::now();
        let job = self.job(journey);
        let refused = |refusal: Refusal| {
            let mut failure = Failure::new(refusal.code, refusal.message);
            failure.retryable = refusal.retry_after_ms.is_some();
            of_engine(engine, failure)
        };
        let lent = work::Lent::of(offer).ok_or_else(|| Failure::new("no-engine-here", "it runs no workflow"))?;
        let mut submission = work::submission(job, &lent, &journey.call.request).map_err(refused)?;
        submission.priority = 0;
        let _place = self.place(engine).await?;
        let mut follower = self.followers.follow(job, 0);
        let submitted = self.inbox.submit(Command::Submit(Box::new(submission))).await;
        submitted.map_err(|error| {
            Failure::new("try-again", format!("this node cannot write down a job now: {error}")).retryable()
        })?;
        let say = |kind: &str, text: String| {
            // Somebody who does not read the news gets the result all the same.
            let _ = journey.news.try_send(News::There { kind: kind.to_owned(), text });
        };
        let followed = Followed { job, links: &[], say: &say };
        let output = work::follow(&*self.reader, &mut follower, &followed, u64::MAX).await.map_err(refused)?;
        let note = format!("by {} here in {} ms", engine.name, begun.elapsed().as_millis());
        Ok(Given { output: output.body.to_vec(), note, call: None })
    }

    fn job(&self, journey: &Journey<'_>) -> JobId {
        JobId::keyed(JOB_DOMAIN, &journey.id.0, self.inbox.shards())
    }

    async fn place(&self, engine: &Engine) -> Result<Place, Failure> {
        self.lending.gate(engine).enter(OWN).await.ok_or_else(|| {
            Failure::new("busy", format!("{} has as many calls waiting as it takes", engine.name)).retryable()
        })
    }

    async fn end(&self, offer: &Offer, journey: &Journey<'_>, why: &str) {
        if matches!(offer, Offer::Run { .. }) {
            work::cancel(&*self.inbox, self.job(journey), &Refusal::new("cancelled", why)).await;
        }
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
