//! Keeps the items that meet a condition.

use serde_json::json;

use super::if_else::sorted;
use crate::kind::{Made, kind};
use crate::rules::Test;

pub(super) fn component() -> Made {
    kind::<Test>("filter", "Filter", "Keeps the items that meet a condition.", "Items", DOCS)
        .outputs(&[("out", "Items that meet the condition."), ("rest", "All other items, if somebody wants them.")])
        .check_by(|test| test.check("/condition"))
        .example(
            "Open tickets",
            json!({ "rules": [{ "left": "{{ $json.state }}", "op": "equals", "right": "open" }] }),
            json!({ "in": [{ "id": 1, "state": "open" }, { "id": 2, "state": "closed" }] }),
            json!({ "out": [{ "id": 1, "state": "open" }], "rest": [{ "id": 2, "state": "closed" }] }),
        )
        .now(|test, call| sorted(test, call, "out", "rest"))
}

const DOCS: &str = "Write a condition, such as `{{ $json.state === \"open\" }}`, or put rules together as in **If**. What is \
not kept goes out of `rest`.";
