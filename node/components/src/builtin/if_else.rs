//! Sorts items into two by a condition.

use flowork_ports::component::{Call, Output, Yield};
use flowork_protocol::Failure;
use serde_json::json;

use crate::expression::Session;
use crate::kind::{Made, kind};
use crate::pairs::Paired;
use crate::rules::Test;

pub(super) fn component() -> Made {
    kind::<Test>("if", "If", "Sends each item to `true` or `false` by a condition.", "Flow", DOCS)
        .outputs(&[("true", "Items that meet the condition."), ("false", "All other items.")])
        .check_by(|test| test.check("/condition"))
        .example(
            "Large and small orders",
            json!({ "condition": "{{ $json.amount >= 100 }}" }),
            json!({ "in": [{ "amount": 120 }, { "amount": 30 }] }),
            json!({ "true": [{ "amount": 120 }], "false": [{ "amount": 30 }] }),
        )
        .now(|test, call| sorted(test, call, "true", "false"))
}

/// Items that meet a test on one port, the others on another.
pub(super) fn sorted(test: &Test, call: &Call, yes: &str, no: &str) -> Result<Yield, Failure> {
    let session = Session::new(call);
    let (mut met, mut other) = (Paired::default(), Paired::default());
    for (index, item) in call.input("in").iter().enumerate() {
        let side = if test.holds(&session.at(index))? { &mut met } else { &mut other };
        side.pass(item, index);
    }
    let note = format!("{} to {yes}, {} to {no}", met.len(), other.len());
    Ok(Yield::Output(other.on(met.on(Output::default(), yes), no).note(note)))
}

const DOCS: &str =
    "Write a condition, such as `{{ $json.amount > 100 }}`, or put rules together: each compares `left` \
with `right` by `op`, and `combine` says whether `all` must hold or `any` is enough. With both, both must hold.

In rules, a number that arrives as text counts as a number, as values from CSV files do.";
