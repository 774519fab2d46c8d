use std::collections::BTreeMap;

use flowork_protocol::canonical;
use flowork_protocol::item::Item;
use flowork_protocol::preset::{End, OnError, Position, Retention, Retry, Settings, Step, Trigger, Variable, Wire};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::Map;

use super::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z ]{0,12}",
        2 => "\\PC{0,60}",
        1 => "[a-c\\n]{30,80}",
        1 => any::<Vec<char>>().prop_map(|letters| letters.into_iter().take(20).collect::<String>()),
    ]
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1_000_000_i32..1_000_000).prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        Just(Value::from(-0.0)),
        Just(Value::from(1.0)),
        Just(Value::from(1)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number(), text().prop_map(Value::from),];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec(("[a-d]{0,2}", inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn config() -> impl Strategy<Value = Map<String, Value>> {
    vec(("[a-d]{0,2}", value()), 0..4).prop_map(|members| members.into_iter().collect())
}

fn position() -> impl Strategy<Value = Option<Position>> {
    option::of((any::<i16>(), any::<i16>()).prop_map(|(x, y)| Position { x: f64::from(x) / 4.0, y: y.into() }))
}

fn retry() -> impl Strategy<Value = Option<Retry>> {
    let retry = (1_u32..9, any::<u64>(), 1_u8..8).prop_map(|(tries, first_ms, factor)| Retry {
        tries,
        first_ms,
        factor: f64::from(factor) / 2.0,
        ..Retry::default()
    });
    option::of(retry)
}

fn step() -> impl Strategy<Value = Step> {
    let more = (
        option::of(btree_map("[a-c]{1,3}", vec(value().prop_map(Item::json), 0..3), 0..3)),
        proptest::collection::btree_set("[a-e]{1,2}", 0..3),
        prop_oneof![Just(OnError::Fail), Just(OnError::Continue), Just(OnError::Port)],
    );
    (
        text(),
        option::of(any::<u32>()),
        option::of(text()),
        config(),
        position(),
        retry(),
        option::of(any::<u64>()),
        any::<bool>(),
        text(),
        more,
    )
        .prop_map(
            |(
                component,
                version,
                name,
                config,
                position,
                retry,
                timeout_ms,
                disabled,
                note,
                (pin, secrets, on_error),
            )| Step {
                component,
                version,
                name,
                config,
                position,
                retry,
                timeout_ms,
                disabled,
                note,
                pin,
                secrets: secrets.into_iter().collect(),
                on_error,
                ..Step::default()
            },
        )
}

fn trigger() -> impl Strategy<Value = Trigger> {
    (text(), option::of(text()), config(), position(), any::<bool>(), text()).prop_map(
        |(component, name, config, position, disabled, note)| Trigger {
            component,
            name,
            config,
            position,
            disabled,
            note,
        },
    )
}

fn settings() -> impl Strategy<Value = Settings> {
    let retention =
        (option::of(any::<u32>()), option::of(any::<u64>())).prop_map(|(days, jobs)| Retention { days, jobs });
    (option::of(text()), option::of(any::<u32>()), any::<i32>(), option::of(any::<u64>()), option::of(retention))
        .prop_map(|(error_preset, concurrency, priority, timeout_ms, retention)| Settings {
            error_preset,
            concurrency,
            priority,
            timeout_ms,
            retention,
        })
}

/// Presets whose wires lead to steps that are there, and whose triggers have ids of their own.
fn any_preset() -> impl Strategy<Value = Preset> {
    let variables = btree_map(text(), (value(), text()).prop_map(|(value, docs)| Variable { value, docs }), 0..3);
    let parts = (btree_map("[a-e]", step(), 1..5), btree_map("[t-x]", trigger(), 0..3), variables, settings());
    let wires = vec((any::<prop::sample::Index>(), "[a-c]{1,3}", any::<prop::sample::Index>(), "[a-c]{1,3}"), 0..6);
    (text(), text(), text(), parts, wires).prop_map(
        |(name, title, docs, (steps, triggers, variables, settings), wires)| {
            let ids: Vec<String> = steps.keys().cloned().collect();
            let end = |index: prop::sample::Index, port: String| End { step: index.get(&ids).as_str().into(), port };
            let wires: Vec<Wire> = wires
                .into_iter()
                .map(|(from, out, to, into)| Wire { from: end(from, out), to: end(to, into) })
                .collect();
            Preset {
                title,
                docs,
                steps: steps.into_iter().map(|(id, step)| (id.into(), step)).collect(),
                triggers: triggers.into_iter().map(|(id, trigger)| (id.into(), trigger)).collect(),
                wires: wires.into_iter().map(|wire| (wire.natural_id(), wire)).collect::<BTreeMap<_, _>>(),
                variables,
                settings,
                ..Preset::named(&name)
            }
        },
    )
}

fn check_reads_as(edited: &Edited, preset: &Preset) {
    assert_eq!(edited.view.repairs, Vec::<String>::new());
    assert_eq!(&edited.view.preset, preset);
    // Equality does not tell 0.0 from -0.0; the text that versions are named by does.
    assert_eq!(canonical::to_vec(&edited.view.preset).unwrap(), canonical::to_vec(preset).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_document_reads_back_as_exactly_what_it_was_made_of(one in any_preset(), other in any_preset()) {
        let first = edit(&Automerge::new(), &one);
        check_reads_as(&first, &one);
        let second = edit(&first.doc, &other);
        check_reads_as(&second, &other);
        let stored = Automerge::load(&second.doc.save()).unwrap();
        check_reads_as(&Edited { view: view::read(&stored, None), doc: stored, change: None }, &other);
        let heads = first.doc.get_heads();
        let then = view::read(&second.doc, Some(&heads));
        check_reads_as(&Edited { view: then, doc: second.doc, change: None }, &one);
    }

    #[test]
    fn two_replicas_read_the_same_whatever_was_edited(base in any_preset(), one in any_preset(), other in any_preset()) {
        let view = merged(&base, |preset| *preset = one, |preset| *preset = other);
        let ids = |id: &flowork_protocol::StepId| {
            view.preset.steps.contains_key(id) || view.preset.triggers.contains_key(id)
        };
        prop_assert!(view.preset.wires.values().all(|wire| ids(&wire.from.step) && ids(&wire.to.step)));
        prop_assert!(view.preset.triggers.keys().all(|id| !view.preset.steps.contains_key(id)));
    }
}
