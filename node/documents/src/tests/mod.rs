//! Documents without a table: what goes in comes out, and what is edited at once merges.
#![allow(clippy::unwrap_used, clippy::panic)]

mod merging;
mod round_trip;

use automerge::{ActorId, Automerge};
use flowork_protocol::Timestamp;
use flowork_protocol::preset::Preset;
use serde_json::{Value, json};

use crate::edit::{self, Edited};
use crate::view;

fn preset(value: Value) -> Preset {
    serde_json::from_value(value).unwrap()
}

fn edit(doc: &Automerge, preset: &Preset) -> Edited {
    edit::edit(doc.clone(), ActorId::random(), preset, None, Timestamp(1_000)).unwrap()
}

fn made(preset: &Preset) -> Automerge {
    edit(&Automerge::new(), preset).doc
}

fn read(doc: &Automerge) -> Preset {
    view::read(doc, None).preset
}

/// Two replicas of one document, edited apart and then merged, each into the other.
fn merged(base: &Preset, one: impl FnOnce(&mut Preset), other: impl FnOnce(&mut Preset)) -> view::View {
    let doc = made(base);
    let apart = |change: &dyn Fn(&mut Preset)| {
        let mut preset = base.clone();
        change(&mut preset);
        edit(&doc, &preset).doc
    };
    let (one, other) = (std::cell::Cell::new(Some(one)), std::cell::Cell::new(Some(other)));
    let mut left = apart(&|preset| one.take().unwrap()(preset));
    let mut right = apart(&|preset| other.take().unwrap()(preset));
    let (mut left_before, mut right_before) = (left.clone(), right.clone());
    left.merge(&mut right_before).unwrap();
    right.merge(&mut left_before).unwrap();
    let (left, right) = (view::read(&left, None), view::read(&right, None));
    assert_eq!(left, right, "both replicas read the same");
    left
}

fn report() -> Preset {
    preset(json!({
        "flowork": "preset/1", "name": "report", "title": "A report", "docs": "What it is for.\n",
        "steps": {
            "fetch": { "component": "http-request", "config": { "url": "https://example.org", "code": "one\ntwo\nthree\n" } },
            "mail": { "component": "no-op", "position": { "x": 10.0, "y": 20.5 }, "secrets": ["key", "password"] }
        },
        "wires": ["fetch -> mail"],
        "triggers": { "hook": { "component": "webhook", "config": { "path": "report" } } },
        "variables": { "limit": { "value": 10 } }
    }))
}
