//! Expressions tried without a job: what the designer shows beside a field while somebody writes in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use flowork_ports::blobs::Blobs;
use flowork_ports::component::{Call, Items, Log, Preview, Trial, View};
use flowork_protocol::event::Level;
use flowork_protocol::{Failure, JobId, StepId, VersionId};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::expression::{Session, Template};

/// Tries expressions with files from `blobs`.
#[must_use]
pub fn preview(blobs: Arc<dyn Blobs>) -> Arc<dyn Preview> {
    Arc::new(Trials { blobs })
}

struct Trials {
    blobs: Arc<dyn Blobs>,
}

impl Preview for Trials {
    fn preview(&self, trial: Trial) -> Result<Option<Value>, Failure> {
        let template = Template::compile(&Value::String(trial.text), "text")?;
        let shared =
            |items: Vec<flowork_protocol::Item>| -> Items { Arc::new(items.into_iter().map(Arc::new).collect()) };
        let call = Call {
            job: JobId::keyed("preview", b"", 1),
            version: VersionId::of(b"preview"),
            preset: "preview".into(),
            domain: "preview".into(),
            step: StepId::from("preview"),
            run: "preview".into(),
            attempt: 1,
            key: "preview".into(),
            inputs: vec![("in".to_owned(), shared(trial.input))],
            variables: Arc::new(trial.variables),
            secrets: Arc::default(),
            now: trial.now,
            seed: 0,
            round: None,
            dry_run: true,
            resume: None,
            view: Arc::new(Given(trial.steps.into_iter().map(|(name, items)| (name, shared(items))).collect())),
            log: Arc::new(Silent),
            blobs: self.blobs.clone(),
            cancel: CancellationToken::new(),
            deadline: None,
        };
        let session = Session::new(&call);
        template.eval(&session.at(trial.item))
    }
}

/// Other steps' items, by name.
#[derive(Default)]
pub(crate) struct Given(pub(crate) BTreeMap<String, Items>);

impl View for Given {
    fn given(&self, name: &str, _: Option<&str>) -> Option<Items> {
        self.0.get(name).cloned()
    }

    fn paired(&self, name: &str, index: usize) -> Option<Arc<flowork_protocol::Item>> {
        self.0.get(name).and_then(|items| items.get(index)).cloned()
    }
}

struct Silent;

impl Log for Silent {
    fn line(&self, _: Level, _: &str) {}
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use flowork_protocol::Item;
    use serde_json::json;

    fn tried(text: &str) -> Result<Option<Value>, Failure> {
        preview(Arc::new(crate::testing::Memory::default())).preview(Trial {
            text: text.to_owned(),
            input: vec![Item::json(json!({ "name": "Ana" })), Item::json(json!({ "name": "Budi", "n": 2 }))],
            item: 1,
            variables: BTreeMap::from([("rate".to_owned(), json!(3))]),
            steps: BTreeMap::from([(
                "Fetch".to_owned(),
                vec![Item::json(json!({ "id": 7 })), Item::json(json!({ "id": 8 }))],
            )]),
            ..Trial::default()
        })
    }

    #[test]
    fn a_text_is_what_the_step_would_see() {
        assert_eq!(tried("Hello {{ $json.name }}!").unwrap(), Some(json!("Hello Budi!")));
        assert_eq!(tried("{{ $json.n * $vars.rate }}").unwrap(), Some(json!(6)));
        assert_eq!(tried("{{ $json.nothing }}").unwrap(), None);
        assert_eq!(tried("{{ $('Fetch').item.json.id }}").unwrap(), Some(json!(8)));
    }

    #[test]
    fn what_is_wrong_is_said_as_a_step_would_say_it() {
        assert_eq!(tried("{{ $json. }}").unwrap_err().code, "expression-syntax");
        let failure = tried("{{ $json.nothing.at.all }}").unwrap_err();
        assert_eq!(failure.item, Some(1), "{failure:?}");
    }

    #[test]
    fn an_expression_that_never_ends_is_stopped() {
        assert_eq!(tried("{{ (() => { while (true) {} })() }}").unwrap_err().code, "expression-timeout");
    }
}
