//! A document read as a preset. What a merge has broken is repaired here, as a pure view: the same document reads the same
//! everywhere, every repair is said, and none is ever written back.

use automerge::{Automerge, ChangeHash, ObjId, ObjType, ROOT, ReadDoc, ScalarValueRef, ValueRef};
use flowork_protocol::StepId;
use flowork_protocol::item::Item;
use flowork_protocol::preset::{End, FORMAT, Group, Note, Preset, Settings, Step, Trigger, Variable, Wire};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::form::{Fields, REMOVED, fields};

/// How deep a document may nest; what is deeper reads as null. serde_json reads no deeper texts either.
const DEPTH_MAX: usize = 120;
/// The name of a preset whose document has none.
const UNNAMED: &str = "unnamed";

/// A document as people read it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct View {
    /// The preset, after repair.
    pub(crate) preset: Preset,
    /// What repair had to do, for people.
    pub(crate) repairs: Vec<String>,
}

/// Reads the document as it is now, or was at `heads`.
pub(crate) fn read(doc: &Automerge, heads: Option<&[ChangeHash]>) -> View {
    let mut reader = Reader { doc, heads, repairs: Vec::new() };
    let root = reader.map(&ROOT, "", 0);
    let mut preset = reader.preset(root);
    reader.repair_graph(&mut preset);
    View { preset, repairs: reader.repairs }
}

struct Reader<'a> {
    doc: &'a Automerge,
    heads: Option<&'a [ChangeHash]>,
    repairs: Vec<String>,
}

impl Reader<'_> {
    fn map(&mut self, obj: &ObjId, place: &str, depth: usize) -> Map<String, Value> {
        let doc = self.doc;
        let range = match self.heads {
            Some(heads) => doc.map_range_at(obj, .., heads),
            None => doc.map_range(obj, ..),
        };
        let mut map = Map::new();
        for item in range {
            let inner = format!("{place}/{}", item.key);
            let value = self.value(&item.value, &item.id(), &inner, depth);
            if item.conflict {
                self.conflict(&inner, &value);
            }
            map.insert(item.key.into_owned(), value);
        }
        map
    }

    fn list(&mut self, obj: &ObjId, place: &str, depth: usize) -> Vec<Value> {
        let doc = self.doc;
        let range = match self.heads {
            Some(heads) => doc.list_range_at(obj, .., heads),
            None => doc.list_range(obj, ..),
        };
        let mut list = Vec::new();
        for item in range {
            let inner = format!("{place}/{}", item.index);
            let value = self.value(&item.value, &item.id(), &inner, depth);
            if item.conflict {
                self.conflict(&inner, &value);
            }
            list.push(value);
        }
        list
    }

    fn value(&mut self, value: &ValueRef<'_>, id: &ObjId, place: &str, depth: usize) -> Value {
        if depth >= DEPTH_MAX {
            self.repairs.push(format!("`{place}` is nested too deeply; it reads as null"));
            return Value::Null;
        }
        match value {
            ValueRef::Object(ObjType::Map | ObjType::Table) => Value::Object(self.map(id, place, depth + 1)),
            ValueRef::Object(ObjType::List) => Value::Array(self.list(id, place, depth + 1)),
            ValueRef::Object(ObjType::Text) => {
                let text = match self.heads {
                    Some(heads) => self.doc.text_at(id, heads),
                    None => self.doc.text(id),
                };
                text.map_or(Value::Null, Value::String)
            }
            ValueRef::Scalar(scalar) => self.scalar(scalar, place),
        }
    }

    fn scalar(&mut self, scalar: &ScalarValueRef<'_>, place: &str) -> Value {
        match scalar {
            ScalarValueRef::Str(text) => Value::String(text.to_string()),
            ScalarValueRef::Int(int) | ScalarValueRef::Timestamp(int) | ScalarValueRef::Counter(int) => (*int).into(),
            ScalarValueRef::Uint(uint) => (*uint).into(),
            ScalarValueRef::Boolean(yes) => (*yes).into(),
            ScalarValueRef::Null => Value::Null,
            ScalarValueRef::F64(double) => match serde_json::Number::from_f64(*double) {
                Some(number) => Value::Number(number),
                None => self.unreadable(place),
            },
            ScalarValueRef::Bytes(_) | ScalarValueRef::Unknown { .. } => self.unreadable(place),
        }
    }

    fn unreadable(&mut self, place: &str) -> Value {
        self.repairs.push(format!("`{place}` holds a value that a preset cannot have; it reads as null"));
        Value::Null
    }

    fn conflict(&mut self, place: &str, kept: &Value) {
        self.repairs.push(match kept {
            Value::Object(_) | Value::Array(_) => {
                format!("`{place}` was made twice at the same time; one of the two was kept")
            }
            chosen => format!("`{place}` was set to different values at the same time; {chosen} was kept"),
        });
    }

    fn preset(&mut self, mut root: Map<String, Value>) -> Preset {
        let mut preset = Preset::named(UNNAMED);
        preset.flowork = self.text(&mut root, "flowork", "", FORMAT);
        preset.name = self.text(&mut root, "name", "", UNNAMED);
        preset.title = self.text(&mut root, "title", "", "");
        preset.docs = self.text(&mut root, "docs", "", "");
        for (id, map) in self.entries(&mut root, "steps") {
            let step = self.step(map, &format!("/steps/{id}"));
            preset.steps.insert(id.into(), step);
        }
        for (id, map) in self.entries(&mut root, "triggers") {
            let trigger = self.trigger(map, &format!("/triggers/{id}"));
            preset.triggers.insert(id.into(), trigger);
        }
        for (id, map) in self.entries(&mut root, "wires") {
            if let Some(wire) = self.wire(&map, &format!("/wires/{id}")) {
                preset.wires.insert(id.into(), wire);
            }
        }
        for (name, mut map) in self.entries(&mut root, "variables") {
            let docs = self.text(&mut map, "docs", &format!("/variables/{name}"), "");
            let value = map.remove("value").unwrap_or_default();
            preset.variables.insert(name, Variable { value, docs });
        }
        for (id, map) in self.entries(&mut root, "notes") {
            let note = self.structure::<Note>(map, Map::new(), &format!("/notes/{id}"));
            preset.notes.insert(id, note);
        }
        for (id, mut map) in self.entries(&mut root, "groups") {
            let place = format!("/groups/{id}");
            let steps = self.set(&mut map, "steps", &place).into_iter().map(StepId::from).collect();
            let group = self.structure::<Group>(map, Map::new(), &place);
            preset.groups.insert(id, Group { steps, ..group });
        }
        let settings = self.taken(&mut root, "settings", "");
        preset.settings = self.structure::<Settings>(settings, Map::new(), "/settings");
        preset
    }

    fn step(&mut self, mut map: Map<String, Value>, place: &str) -> Step {
        let config = self.taken(&mut map, "config", place);
        let secrets = self.set(&mut map, "secrets", place);
        let pin = map.remove("pin").map(|value| self.pin(value, &format!("{place}/pin")));
        let step = self.structure::<Step>(map, component(), place);
        Step { config, secrets, pin: pin.flatten(), ..step }
    }

    fn trigger(&mut self, mut map: Map<String, Value>, place: &str) -> Trigger {
        let config = self.taken(&mut map, "config", place);
        Trigger { config, ..self.structure::<Trigger>(map, component(), place) }
    }

    fn set(&mut self, map: &mut Map<String, Value>, name: &str, place: &str) -> Vec<String> {
        let given = self.taken(map, name, place);
        given.into_iter().filter(|(_, given)| *given != Value::Bool(false)).map(|(name, _)| name).collect()
    }

    /// What is in a map by id, without what somebody took away.
    fn entries(&mut self, root: &mut Map<String, Value>, name: &str) -> Vec<(String, Map<String, Value>)> {
        let mut entries = Vec::new();
        for (id, value) in self.taken(root, name, "") {
            let place = format!("/{name}/{id}");
            let Some(mut map) = self.object(value, &place) else { continue };
            if map.remove(REMOVED) == Some(Value::Bool(true)) {
                let inside = format!("`{place}/");
                self.repairs.retain(|repair| !repair.starts_with(&inside));
            } else {
                entries.push((id, map));
            }
        }
        entries
    }

    fn pin(&mut self, value: Value, place: &str) -> Option<std::collections::BTreeMap<String, Vec<Item>>> {
        let mut pin = std::collections::BTreeMap::new();
        for (port, value) in self.object(value, place)? {
            let items = match &value {
                Value::String(text) => serde_json::from_str(text).ok(),
                _ => serde_json::from_value(value).ok(),
            };
            match items {
                Some(items) => drop(pin.insert(port, items)),
                None => self.repairs.push(format!("`{place}/{port}` is not a list of items; it is left out")),
            }
        }
        Some(pin)
    }

    fn wire(&mut self, map: &Map<String, Value>, place: &str) -> Option<Wire> {
        let text = |name| map.get(name).and_then(Value::as_str);
        let end = |step, port| Some(End { step: text(step)?.into(), port: text(port)?.to_owned() });
        let wire = end("from_step", "from_port").zip(end("to_step", "to_port"));
        if wire.is_none() {
            self.repairs.push(format!("`{place}` does not say what it connects; it is left out"));
        }
        wire.map(|(from, to)| Wire { from, to })
    }

    /// A map that is part of another; anything else in its place reads as an empty one.
    fn taken(&mut self, map: &mut Map<String, Value>, name: &str, place: &str) -> Map<String, Value> {
        map.remove(name).and_then(|value| self.object(value, &format!("{place}/{name}"))).unwrap_or_default()
    }

    fn object(&mut self, value: Value, place: &str) -> Option<Map<String, Value>> {
        match value {
            Value::Object(map) => Some(map),
            _ => {
                self.repairs.push(format!("`{place}` is not a map of values; it is left out"));
                None
            }
        }
    }

    fn text(&mut self, map: &mut Map<String, Value>, name: &str, place: &str, default: &str) -> String {
        match map.remove(name) {
            Some(Value::String(text)) => text,
            None => default.to_owned(),
            Some(_) => {
                self.repairs.push(format!("`{place}/{name}` is not a text; it reads as `{default}`"));
                default.to_owned()
            }
        }
    }

    /// A structure of which every field that does not fit reads as its default. Fields of a newer Flowork are passed over.
    fn structure<T>(&mut self, map: Map<String, Value>, base: Map<String, Value>, place: &str) -> T
    where
        T: DeserializeOwned + JsonSchema + Fields + Default,
    {
        let mut fit = base.clone();
        for (name, value) in map {
            if !fields::<T>().contains(&name) {
                continue;
            }
            let mut alone = base.clone();
            alone.insert(name.clone(), value.clone());
            if serde_json::from_value::<T>(Value::Object(alone)).is_ok() {
                fit.insert(name, value);
            } else {
                self.repairs.push(format!("`{place}/{name}` holds something else than it should; the default is used"));
            }
        }
        serde_json::from_value(Value::Object(fit)).unwrap_or_default()
    }

    fn repair_graph(&mut self, preset: &mut Preset) {
        let clashes: Vec<StepId> =
            preset.triggers.keys().filter(|id| preset.steps.contains_key(*id)).cloned().collect();
        for id in clashes {
            let mut free = (1_u32..).map(|count| match count {
                1 => format!("{id}-trigger"),
                more => format!("{id}-trigger-{more}"),
            });
            let is_free = |name: &String| {
                !preset.steps.contains_key(name.as_str()) && !preset.triggers.contains_key(name.as_str())
            };
            let Some(name) = free.find(is_free) else { continue };
            if let Some(trigger) = preset.triggers.remove(&id) {
                self.repairs.push(format!(
                    "a step and a trigger were both named `{id}` at the same time; the trigger reads as `{name}`"
                ));
                preset.triggers.insert(name.into(), trigger);
            }
        }
        let (steps, triggers, repairs) = (&preset.steps, &preset.triggers, &mut self.repairs);
        preset.wires.retain(|id, wire| {
            let gone = [&wire.from.step, &wire.to.step]
                .into_iter()
                .find(|step| !steps.contains_key(*step) && !triggers.contains_key(*step));
            if let Some(step) = gone {
                repairs.push(format!(
                    "the wire `{}` leads to the step `{step}`, which is gone; it is left out",
                    id.as_str()
                ));
            }
            gone.is_none()
        });
    }
}

/// What a step or trigger needs to be one.
fn component() -> Map<String, Value> {
    Map::from_iter([("component".to_owned(), Value::String(String::new()))])
}
