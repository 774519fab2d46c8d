//! Asks a person.

use flowork_ports::component::{Call, Output, Resumed, Suspend, Yield};
use flowork_protocol::Failure;
use flowork_protocol::event::Pairing;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::Field;
use crate::duration;
use crate::expression::Session;
use crate::kind::{Made, kind};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The question, in a few words.
    title: Field<String>,
    /// What will happen on yes, and what is at stake.
    #[serde(default)]
    message: Field<String>,
    /// How long to wait for an answer, such as `2d`; absent waits as long as it takes.
    #[serde(default)]
    expires: Option<Field<Value>>,
    /// What counts when nobody answered in time.
    #[serde(default)]
    on_expiry: OnExpiry,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum OnExpiry {
    /// No.
    #[default]
    Reject,
    /// Yes.
    Approve,
}

pub(super) fn component() -> Made {
    kind::<Config>("approval", "Approval", "Waits for a person's yes or no.", "Flow", DOCS)
        .outputs(&[("approved", "The items, after a yes."), ("rejected", "The items, after a no.")])
        .example(
            "Before a payment",
            json!({ "title": "Pay {{ $json.amount }} € to {{ $json.to }}?", "expires": "2d" }),
            json!({ "in": [{ "amount": 120, "to": "Ada" }] }),
            json!({}),
        )
        .now(run)
}

fn run(config: &Config, call: &Call) -> Result<Yield, Failure> {
    let pass = |approved: bool| {
        Output::port(if approved { "approved" } else { "rejected" }, call.input("in").to_vec(), Pairing::Same)
    };
    if let Some(Resumed::Decision { approved, by, note }) = &call.resume {
        let verb = if *approved { "approved" } else { "rejected" };
        let remark = if note.is_empty() { String::new() } else { format!(": {note}") };
        return Ok(Yield::Output(pass(*approved).note(format!("{verb} by {by}{remark}"))));
    }
    let session = Session::new(call);
    let scope = session.once();
    let title = config.title.get(&scope)?.into_owned();
    if call.dry_run {
        return Ok(Yield::Output(pass(true).note(format!("dry run: would have asked “{title}”"))));
    }
    let expires_at = match &config.expires {
        None => None,
        Some(expires) => {
            let ms = duration::read_ms(&*expires.get(&scope)?)
                .map_err(|error| Failure::new("approval-expiry", error).place("config.expires"))?;
            Some(call.now.plus_ms(ms))
        }
    };
    Ok(Yield::Suspend(Suspend::Approval {
        title,
        message: config.message.get(&scope)?.into_owned(),
        expires_at,
        on_expiry: config.on_expiry == OnExpiry::Approve,
    }))
}

const DOCS: &str = "The job waits, over restarts and for days, until somebody answers with `flowork job approve` or `reject`, or on \
the job's page. All items go one way. Title and message see the first item. A dry run takes it as approved.";
