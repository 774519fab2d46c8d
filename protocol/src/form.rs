//! Reading what ought to be a preset and is none: every mistake in its form at once, and what can be told beside them.
//!
//! A typed reader stops at the first mistake. This one tries every field alone, so it is for texts that the typed one has
//! refused. Non-goals: what a preset means ([`crate::check`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::check::{Catalogue, Problem, Severity, check};
use crate::id::StepId;
use crate::plan::{nearest, pointer};
use crate::preset::{FORMAT, Group, Note, Position, Preset, Retention, Retry, Settings, Step, Trigger, Variable, Wire};

/// The parts of a preset.
const PARTS: [&str; 11] =
    ["flowork", "name", "title", "docs", "steps", "wires", "variables", "triggers", "notes", "groups", "settings"];

/// Every problem of `raw`, worst first: the mistakes in its form, and what is wrong with the rest of it.
#[must_use]
pub fn problems(raw: &Value, catalogue: &dyn Catalogue) -> Vec<Problem> {
    let (preset, mut problems) = read(raw);
    problems.extend(preset.map(|preset| check(&preset, catalogue)).unwrap_or_default());
    problems.sort_by(|one, other| (one.severity, &one.place).cmp(&(other.severity, &other.place)));
    problems.dedup();
    problems
}

/// What reads of `raw`, and the mistakes in its form. What does not read is left out.
#[must_use]
pub fn read(raw: &Value) -> (Option<Preset>, Vec<Problem>) {
    let mut form = Form::default();
    let Some(parts) = raw.as_object() else {
        form.wrong("", format!("a preset is an object, and this is {}", kind(raw)), "begin with { \"flowork\": … }");
        return (None, form.problems);
    };
    for part in parts.keys().filter(|part| !PARTS.contains(&part.as_str())) {
        form.unknown(&format!("/{}", pointer(part)), part, "a preset", &PARTS);
    }
    let known: Map<String, Value> = parts
        .iter()
        .filter(|(part, _)| ["flowork", "name", "title", "docs"].contains(&part.as_str()))
        .map(|(part, value)| (part.clone(), value.clone()))
        .collect();
    let head = form.fields::<Preset>("", "a preset", &known, &[("flowork", json!(FORMAT)), ("name", json!("unnamed"))]);
    let mut preset = head.unwrap_or_else(|| Preset::named("unnamed"));
    let mut unread = BTreeSet::new();
    for (id, value) in form.map("steps", "steps by id", parts) {
        let place = format!("/steps/{}", pointer(id));
        match form.step(&place, value) {
            Some(step) => drop(preset.steps.insert(StepId(id.clone()), step)),
            None => drop(unread.insert(StepId(id.clone()))),
        }
    }
    for (id, value) in form.map("triggers", "triggers by id", parts) {
        let place = format!("/triggers/{}", pointer(id));
        match form.placed::<Trigger>(&place, "a trigger", value, "component") {
            Some(trigger) => drop(preset.triggers.insert(StepId(id.clone()), trigger)),
            None => drop(unread.insert(StepId(id.clone()))),
        }
    }
    for (name, value) in form.map("variables", "variables by name", parts) {
        let place = format!("/variables/{}", pointer(name));
        let read = form
            .object(&place, "a variable", value)
            .and_then(|fields| form.fields::<Variable>(&place, "a variable", fields, &[("value", Value::Null)]));
        preset.variables.insert(name.clone(), read.unwrap_or_default());
    }
    for (id, value) in form.map("notes", "notes by id", parts) {
        let place = format!("/notes/{}", pointer(id));
        let read = form.object(&place, "a note", value).and_then(|it| form.fields::<Note>(&place, "a note", it, &[]));
        preset.notes.insert(id.clone(), read.unwrap_or_default());
    }
    for (id, value) in form.map("groups", "groups by id", parts) {
        let place = format!("/groups/{}", pointer(id));
        let read =
            form.object(&place, "a group", value).and_then(|it| form.fields::<Group>(&place, "a group", it, &[]));
        preset.groups.insert(id.clone(), read.unwrap_or_default());
    }
    form.wires(parts.get("wires"), &mut preset);
    preset.wires.retain(|_, wire| !unread.contains(&wire.from.step) && !unread.contains(&wire.to.step));
    if let Some(settings) = parts.get("settings") {
        preset.settings = form.settings(settings);
    }
    (Some(preset), form.problems)
}

#[derive(Default)]
struct Form {
    problems: Vec<Problem>,
}

impl Form {
    fn add(&mut self, code: &str, place: &str, message: String, suggestion: impl Into<String>) {
        self.problems.push(Problem {
            severity: Severity::Error,
            code: code.to_owned(),
            place: place.to_owned(),
            message,
            suggestion: Some(suggestion.into()),
        });
    }

    fn wrong(&mut self, place: &str, message: String, suggestion: impl Into<String>) {
        self.add("wrong-form", place, message, suggestion);
    }

    fn unknown(&mut self, place: &str, field: &str, what: &str, known: &[&str]) {
        let suggestion = match nearest(field, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("{what} has {}", listed(known)),
        };
        self.add("unknown-field", place, format!("{what} has no `{field}`"), suggestion);
    }

    /// The entries of a part that is a map.
    fn map<'v>(&mut self, part: &str, what: &str, parts: &'v Map<String, Value>) -> Vec<(&'v String, &'v Value)> {
        match parts.get(part) {
            None => Vec::new(),
            Some(Value::Object(entries)) => entries.iter().collect(),
            Some(other) => {
                let message = format!("`{part}` holds {what}, and this is {}", kind(other));
                self.wrong(&format!("/{part}"), message, format!("write \"{part}\": {{ \"an-id\": {{ … }} }}"));
                Vec::new()
            }
        }
    }

    fn object<'v>(&mut self, place: &str, what: &str, value: &'v Value) -> Option<&'v Map<String, Value>> {
        let fields = value.as_object();
        if fields.is_none() {
            self.wrong(place, format!("{what} is an object, and this is {}", kind(value)), "write { … }");
        }
        fields
    }

    /// Reads an object field by field; gives what its good fields make. `required` fields come with a value that stands in
    /// for a bad one.
    fn fields<T: DeserializeOwned>(
        &mut self, place: &str, what: &str, fields: &Map<String, Value>, required: &[(&str, Value)],
    ) -> Option<T> {
        let mut good: Map<String, Value> =
            required.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        for (name, _) in required.iter().filter(|(name, _)| !fields.contains_key(*name)) {
            self.add("missing-field", place, format!("{what} needs `{name}`"), format!("add \"{name}\": …"));
        }
        let alone = good.clone();
        for (name, value) in fields {
            let mut one = alone.clone();
            one.insert(name.clone(), value.clone());
            match serde_json::from_value::<T>(Value::Object(one)) {
                Ok(_) => drop(good.insert(name.clone(), value.clone())),
                Err(error) => self.field(&format!("{place}/{}", pointer(name)), name, what, &error.to_string()),
            }
        }
        serde_json::from_value(Value::Object(good)).ok()
    }

    /// What is wrong with one field, from what the typed reader said.
    fn field(&mut self, place: &str, name: &str, what: &str, said: &str) {
        let words: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
        let (first, others) = words.split_first().unwrap_or((&"", &[]));
        if said.starts_with("unknown field") && *first == name {
            return self.unknown(place, name, what, others);
        }
        let suggestion = match nearest(first, others.iter().copied()).filter(|_| said.starts_with("unknown")) {
            Some(near) => format!("did you mean `{near}`?"),
            None => match said.rsplit_once("expected ") {
                Some((_, "u32" | "u64")) => "give a whole number, 0 or more".to_owned(),
                Some((_, "i32" | "i64")) => "give a whole number".to_owned(),
                Some((_, "f64")) => "give a number".to_owned(),
                Some((_, "a boolean")) => "give true or false".to_owned(),
                Some((_, "a map")) => "give an object, { … }".to_owned(),
                Some((_, expected)) => format!("give {expected}"),
                None => "`flowork schema preset` prints the form of presets".to_owned(),
            },
        };
        self.wrong(place, format!("`{name}` does not read: {said}"), suggestion);
    }

    /// A thing with a position that cannot do without `required`: none when that is not there or bad.
    fn placed<T: DeserializeOwned>(&mut self, place: &str, what: &str, value: &Value, required: &str) -> Option<T> {
        let mut fields = self.object(place, what, value)?.clone();
        if let Some(Value::Object(position)) = fields.get("position") {
            let zero = [("x", json!(0)), ("y", json!(0))];
            self.fields::<Position>(&format!("{place}/position"), "a position", &position.clone(), &zero);
            fields.remove("position");
        }
        let read = self.fields(place, what, &fields, &[(required, json!("?"))]);
        read.filter(|_| fields.get(required).is_some_and(Value::is_string))
    }

    fn step(&mut self, place: &str, value: &Value) -> Option<Step> {
        let mut value = value.clone();
        let retry = match value.get("retry") {
            Some(Value::Object(retry)) => {
                let read = self.fields::<Retry>(&format!("{place}/retry"), "a retry policy", &retry.clone(), &[]);
                value.as_object_mut().map(|fields| fields.remove("retry"));
                read
            }
            _ => None,
        };
        let step: Step = self.placed(place, "a step", &value, "component")?;
        Some(Step { retry: retry.or(step.retry.clone()), ..step })
    }

    fn settings(&mut self, value: &Value) -> Settings {
        let Some(fields) = self.object("/settings", "`settings`", value) else { return Settings::default() };
        let mut fields = fields.clone();
        if let Some(Value::Object(retention)) = fields.get("retention") {
            self.fields::<Retention>("/settings/retention", "a retention rule", &retention.clone(), &[]);
            fields.remove("retention");
        }
        self.fields("/settings", "`settings`", &fields, &[]).unwrap_or_default()
    }

    fn wires(&mut self, wires: Option<&Value>, preset: &mut Preset) {
        match wires {
            None => {}
            Some(Value::Array(listed)) => {
                for (number, wire) in listed.iter().enumerate() {
                    match wire.as_str().and_then(Wire::parse) {
                        Some(wire) => drop(preset.wires.insert(wire.natural_id(), wire)),
                        None => self.wrong(
                            &format!("/wires/{number}"),
                            format!("{wire} is not a wire"),
                            "write \"step:port -> step:port\", where `:out` and `:in` may be left out",
                        ),
                    }
                }
            }
            Some(Value::Object(by_id)) => {
                for (id, wire) in by_id {
                    let place = format!("/wires/{}", pointer(id));
                    let nowhere = json!({ "step": "?", "port": "?" });
                    let read = self.object(&place, "a wire", wire).and_then(|fields| {
                        let ends = [("from", nowhere.clone()), ("to", nowhere.clone())];
                        self.fields::<Wire>(&place, "a wire", fields, &ends)
                    });
                    if let Some(wire) = read.filter(|wire| wire.from.port != "?" && wire.to.port != "?") {
                        preset.wires.insert(id.as_str().into(), wire);
                    }
                }
            }
            Some(other) => self.wrong(
                "/wires",
                format!("`wires` is a list of texts or a map by id, and this is {}", kind(other)),
                "write \"wires\": [\"list -> parse\"]",
            ),
        }
    }
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// What people call a JSON value.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Reads a map whose names must differ: JSON lets a name come twice, and the last would silently win.
pub(crate) struct Unique<K, V>(std::marker::PhantomData<(K, V)>);

impl<K, V> Default for Unique<K, V> {
    fn default() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<'de, K, V> serde::de::Visitor<'de> for Unique<K, V>
where
    K: serde::Deserialize<'de> + Ord + std::fmt::Display,
    V: serde::Deserialize<'de>,
{
    type Value = BTreeMap<K, V>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a map by id")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut read = BTreeMap::new();
        while let Some(id) = entries.next_key::<K>()? {
            if read.contains_key(&id) {
                let told = format!("`{id}` is there twice; give one of them another id");
                return Err(serde::de::Error::custom(told));
            }
            read.insert(id, entries.next_value()?);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(raw: Value) -> Vec<(String, String)> {
        read(&raw).1.into_iter().map(|it| (it.place, it.suggestion.unwrap_or_default())).collect()
    }

    #[test]
    fn every_mistake_in_the_form_is_told_at_once_with_place_and_suggestion() {
        let raw = json!({
            "flowork": 1, "nam": "x", "steps": {
                "a": { "component": 7 },
                "b": { "componet": "no-op" },
                "c": { "component": "no-op", "retry": { "tries": "three" }, "on_error": "fial", "disabled": "yes" },
                "d": "no-op"
            },
            "wires": ["a -> b", "c", 7], "variables": { "v": { "valu": 1 } },
            "triggers": [], "settings": { "concurency": 3, "retention": { "days": -1 } }
        });
        let told = told(raw);
        let places: BTreeSet<&str> = told.iter().map(|(place, _)| place.as_str()).collect();
        let expect = [
            "",
            "/flowork",
            "/nam",
            "/settings/concurency",
            "/settings/retention/days",
            "/steps/a/component",
            "/steps/b",
            "/steps/b/componet",
            "/steps/c/disabled",
            "/steps/c/on_error",
            "/steps/c/retry/tries",
            "/steps/d",
            "/triggers",
            "/variables/v",
            "/variables/v/valu",
            "/wires/1",
            "/wires/2",
        ];
        assert_eq!(places.into_iter().collect::<Vec<_>>(), expect, "{told:#?}");
        for (place, near) in [("/nam", "`name`"), ("/steps/b/componet", "`component`"), ("/steps/c/on_error", "`fail`")]
        {
            let suggestion = told.iter().find(|(at, _)| at == place).map(|(_, suggestion)| suggestion.as_str());
            assert!(suggestion.is_some_and(|it| it.contains(near)), "{place}: {suggestion:?}");
        }
    }

    #[test]
    fn what_reads_is_kept_and_what_leads_to_a_bad_step_is_not_blamed() {
        let raw = json!({
            "flowork": "preset/1", "name": "x",
            "steps": { "a": { "component": "no-op" }, "b": { "component": 7 } }, "wires": ["a -> b"]
        });
        let (preset, problems) = read(&raw);
        let preset = preset.expect("an object");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!((preset.steps.len(), preset.wires.len()), (1, 0));
    }

    #[test]
    fn every_part_of_a_preset_is_known_here() {
        let schema = schemars::schema_for!(Preset);
        let parts = schema.as_value()["properties"].as_object().map(|map| map.keys().cloned().collect::<BTreeSet<_>>());
        assert_eq!(parts, Some(PARTS.map(str::to_owned).into()));
    }

    #[test]
    fn a_preset_without_mistakes_is_read_as_the_typed_reader_does() -> Result<(), serde_json::Error> {
        let raw = json!({
            "flowork": "preset/1", "name": "x", "title": "X",
            "steps": { "a": { "component": "no-op", "retry": { "tries": 5 }, "note": "n" } },
            "wires": { "w": { "from": { "step": "t", "port": "out" }, "to": { "step": "a", "port": "in" } } },
            "triggers": { "t": { "component": "manual" } },
            "variables": { "v": { "value": 1 } }, "settings": { "concurrency": 2 },
            "notes": { "n": { "text": "why", "position": { "x": 1.5, "y": 2.0 }, "width": 3.0, "height": 4.0 } },
            "groups": { "g": { "title": "first", "steps": ["a"], "colour": "blue" } }
        });
        let typed: Preset = serde_json::from_value(raw.clone())?;
        let (read, problems) = read(&raw);
        assert_eq!((read, problems), (Some(typed), Vec::new()));
        Ok(())
    }
}
