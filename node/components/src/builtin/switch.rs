//! Sorts items to ports by name.

use std::collections::BTreeMap;

use flowork_ports::component::{Call, Output, Yield};
use flowork_protocol::Failure;
use flowork_protocol::check::ConfigProblem;
use flowork_protocol::manifest::{Port, Ports};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::expression::Session;
use crate::kind::{Made, kind};
use crate::pairs::Paired;
use crate::rules::{Combine, Condition, Rule, Test};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The cases in order; each has an output port of its own.
    #[schemars(length(min = 1, max = 100))]
    cases: Vec<Case>,
    /// Where an item goes that meets several cases.
    #[serde(default)]
    matching: Matching,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The name of its output port: letters, digits, `-` and `_`.
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]{1,64}$"))]
    port: String,
    /// An expression that is true for its items.
    #[serde(default)]
    condition: Option<Condition>,
    /// Rules to put together without writing an expression.
    #[serde(default)]
    rules: Vec<Rule>,
    /// How many of the rules must hold.
    #[serde(default)]
    combine: Combine,
}

#[derive(Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Matching {
    /// To the first case that fits.
    #[default]
    First,
    /// To every case that fits.
    Every,
}

pub(super) fn component() -> Made {
    kind::<Config>("switch", "Switch", "Sends each item to the port of the case that it meets.", "Flow", DOCS)
        .outputs(&[("fallback", "Items that meet no case.")])
        .ports_by(ports)
        .check_by(check)
        .example(
            "By level",
            json!({ "cases": [
                { "port": "errors", "condition": "{{ $json.level === 'error' }}" },
                { "port": "warnings", "rules": [{ "left": "{{ $json.level }}", "op": "starts-with", "right": "warn" }] },
            ] }),
            json!({ "in": [{ "level": "error" }, { "level": "warning" }, { "level": "info" }] }),
            json!({ "errors": [{ "level": "error" }], "warnings": [{ "level": "warning" }], "fallback": [{ "level": "info" }] }),
        )
        .now(run)
}

fn ports(config: &Config) -> Ports {
    let mut outputs: Vec<Port> =
        config.cases.iter().map(|case| Port::new(case.port.as_str(), "Items that meet this case.")).collect();
    outputs.push(Port::new("fallback", "Items that meet no case."));
    Ports { inputs: vec![Port::new("in", "The items to sort.")], outputs }
}

fn check(config: &Config) -> Vec<ConfigProblem> {
    let mut found = Vec::new();
    let mut seen = BTreeMap::new();
    for (at, case) in config.cases.iter().enumerate() {
        let place = format!("/cases/{at}/port");
        let reserved = matches!(case.port.as_str(), "fallback" | "error");
        if reserved || seen.insert(case.port.as_str(), at).is_some() {
            found.push(ConfigProblem {
                place,
                message: format!("there is already a port `{}`", case.port),
                suggestion: Some("give each case a port name of its own".to_owned()),
            });
        }
        if case.condition.is_none() && case.rules.is_empty() {
            found.push(ConfigProblem {
                place: format!("/cases/{at}"),
                message: "the case says nothing about which items are meant".to_owned(),
                suggestion: Some("add `condition` or `rules`".to_owned()),
            });
        }
    }
    found
}

fn run(config: &Config, call: &Call) -> Result<Yield, Failure> {
    let session = Session::new(call);
    let mut sorted: Vec<Paired> = config.cases.iter().map(|_| Paired::default()).collect();
    let mut fallback = Paired::default();
    for (index, item) in call.input("in").iter().enumerate() {
        let scope = session.at(index);
        let mut met = false;
        for (case, port) in config.cases.iter().zip(&mut sorted) {
            if Test::holds_parts(case.condition.as_ref(), &case.rules, case.combine, &scope)? {
                port.pass(item, index);
                met = true;
                if config.matching == Matching::First {
                    break;
                }
            }
        }
        if !met {
            fallback.pass(item, index);
        }
    }
    let mut note: Vec<String> = Vec::new();
    let mut output = Output::default();
    for (case, port) in config.cases.iter().zip(sorted) {
        note.push(format!("{} to {}", port.len(), case.port));
        output = port.on(output, &case.port);
    }
    note.push(format!("{} to fallback", fallback.len()));
    Ok(Yield::Output(fallback.on(output, "fallback").note(note.join(", "))))
}

const DOCS: &str = "Each case names an output port and says which items go there, by `condition` or by `rules` as in **If**. \
An item goes to the first case that it meets (or, with `matching: \"every\"`, to each), otherwise to `fallback`.";
