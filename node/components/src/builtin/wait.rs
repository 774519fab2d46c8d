//! Waits for a time.

use std::borrow::Cow;

use flowork_ports::component::{Call, Output, Resumed, Suspend, Yield};
use flowork_protocol::check::ConfigProblem;
use flowork_protocol::event::Pairing;
use flowork_protocol::{Failure, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::{Field, shown};
use crate::duration;
use crate::expression::Session;
use crate::kind::{Made, kind};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// How long, such as `30s`, `5m`, `1h 30m`, `2d`, or a number of milliseconds.
    #[serde(default, rename = "for")]
    span: Option<Field<Value>>,
    /// Until when: an ISO time such as `2030-01-31T08:00:00Z`, or milliseconds since 1970.
    #[serde(default)]
    until: Option<Field<Value>>,
}

pub(super) fn component() -> Made {
    kind::<Config>("wait", "Wait", "Waits for a while or until a time, over restarts too.", "Flow", DOCS)
        .check_by(check)
        .example("Five minutes", json!({ "for": "5m" }), json!({ "in": [{ "a": 1 }] }), json!({}))
        .now(run)
}

fn check(config: &Config) -> Vec<ConfigProblem> {
    let problem = |place: &str, message: String, suggestion: &str| {
        vec![ConfigProblem { place: place.to_owned(), message, suggestion: Some(suggestion.to_owned()) }]
    };
    match (&config.span, &config.until) {
        (None, None) => problem("", "it says neither how long nor until when".to_owned(), "add `for`, such as \"5m\""),
        (Some(_), Some(_)) => {
            problem("", "it says both how long and until when".to_owned(), "keep one of `for` and `until`")
        }
        (Some(span), None) => match span.fixed().map(duration::read_ms) {
            Some(Err(error)) => problem("/for", error, "write such as \"30s\", \"5m\" or \"1h 30m\""),
            _ => Vec::new(),
        },
        (None, Some(until)) => match until.fixed().map(time) {
            Some(Err(error)) => problem("/until", error, "write such as \"2030-01-31T08:00:00Z\""),
            _ => Vec::new(),
        },
    }
}

fn run(config: &Config, call: &Call) -> Result<Yield, Failure> {
    let pass = || Output::out(call.input("in").to_vec(), Pairing::Same);
    if matches!(call.resume, Some(Resumed::Time)) {
        return Ok(Yield::Output(pass()));
    }
    let session = Session::new(call);
    let scope = session.once();
    let value = |field: &Field<Value>| field.get(&scope).map(Cow::into_owned);
    let wrong = |place: &str, error: String| {
        Failure::new("wait-time", error).place(format!("config.{place}")).hint("correct the expression")
    };
    let until = match (&config.span, &config.until) {
        (Some(span), _) => {
            let ms = duration::read_ms(&value(span)?).map_err(|error| wrong("for", error))?;
            call.now.plus_ms(ms)
        }
        (None, Some(until)) => time(&value(until)?).map_err(|error| wrong("until", error))?,
        (None, None) => return Err(wrong("for", "it says neither how long nor until when".to_owned())),
    };
    if until <= call.now {
        return Ok(Yield::Output(pass().note("the time is over already")));
    }
    if call.dry_run {
        let ms = until.since_ms(call.now);
        return Ok(Yield::Output(pass().note(format!("dry run: would have waited {}", duration::in_words(ms)))));
    }
    Ok(Yield::Suspend(Suspend::Until(until)))
}

/// A time as ISO text or milliseconds.
fn time(value: &Value) -> Result<Timestamp, String> {
    let wrong = || format!("{} is not a time", shown(value));
    match value {
        Value::Number(ms) => ms.as_i64().map(Timestamp).ok_or_else(wrong),
        Value::String(text) => {
            let time: jiff::Timestamp = text.trim().parse().map_err(|_| wrong())?;
            Ok(Timestamp(time.as_millisecond()))
        }
        _ => Err(wrong()),
    }
}

const DOCS: &str = "The job waits without using anything; a restart of the node does not disturb it. Then the items pass on \
unchanged. A dry run does not wait.";
