//! Places in JSON written with dots, as people write them in configs: `customer.city`, `lines[0].sku`.

use std::borrow::Cow;

use flowork_protocol::{Failure, Item};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::config::TAKES_EXPRESSION;
use crate::expression::{Scope, Template};

/// The longest list that setting an index beyond the end may fill up.
const FILL_MAX: usize = 10_000;

/// A place in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dotted {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Key(String),
    Index(usize),
}

impl Dotted {
    /// Reads a place; the empty text is the whole value.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{text}` is not a field: {why}; write fields as `a.b` or `list[0].name`");
        let mut parts = Vec::new();
        if text.is_empty() {
            return Ok(Self { parts });
        }
        for dotted in text.split('.') {
            let (key, mut rest) = dotted.split_at(dotted.find('[').unwrap_or(dotted.len()));
            if key.is_empty() && (rest.is_empty() || !parts.is_empty()) {
                return Err(wrong("a name is empty"));
            }
            if !key.is_empty() {
                parts.push(Part::Key(key.to_owned()));
            }
            while !rest.is_empty() {
                let inside = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
                let (index, after) = inside.ok_or_else(|| wrong("a bracket is not closed"))?;
                parts.push(Part::Index(index.parse().map_err(|_| wrong("only numbers stand in brackets"))?));
                rest = after;
            }
        }
        Ok(Self { parts })
    }

    /// The place of one key, whatever letters are in it.
    pub(crate) fn key(name: &str) -> Self {
        Self { parts: vec![Part::Key(name.to_owned())] }
    }

    /// The place as text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Key(key) => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(key);
                }
                Part::Index(index) => text.push_str(&format!("[{index}]")),
            }
        }
        text
    }

    /// What stands there, if anything does.
    pub(crate) fn get<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.parts.iter().try_fold(value, |at, part| match part {
            Part::Key(key) => at.get(key.as_str()),
            Part::Index(index) => at.get(*index),
        })
    }

    /// Puts a value there; objects and lists on the way are made where there is nothing.
    ///
    /// # Errors
    /// When something else than an object or list is in the way, in words.
    pub(crate) fn set(&self, root: &mut Value, value: Value) -> Result<(), String> {
        let mut at = root;
        for part in &self.parts {
            at = match part {
                Part::Key(key) => {
                    if at.is_null() {
                        *at = Value::Object(Map::new());
                    }
                    let map = at
                        .as_object_mut()
                        .ok_or_else(|| format!("`{key}` cannot be set: what is there is no object"))?;
                    map.entry(key.as_str()).or_insert(Value::Null)
                }
                Part::Index(index) => {
                    if at.is_null() {
                        *at = Value::Array(Vec::new());
                    }
                    let list = at
                        .as_array_mut()
                        .ok_or_else(|| format!("`[{index}]` cannot be set: what is there is no list"))?;
                    if *index >= list.len() {
                        if index - list.len() > FILL_MAX {
                            return Err(format!("`[{index}]` is too far behind the end of the list"));
                        }
                        list.resize(index + 1, Value::Null);
                    }
                    &mut list[*index]
                }
            };
        }
        *at = value;
        Ok(())
    }

    /// Takes away what stands there, and gives it.
    pub(crate) fn remove(&self, root: &mut Value) -> Option<Value> {
        let (last, before) = self.parts.split_last()?;
        let parent = before.iter().try_fold(root, |at, part| match part {
            Part::Key(key) => at.get_mut(key.as_str()),
            Part::Index(index) => at.get_mut(*index),
        })?;
        match (last, parent) {
            (Part::Key(key), Value::Object(map)) => map.shift_remove(key.as_str()),
            (Part::Index(index), Value::Array(list)) => (*index < list.len()).then(|| list.remove(*index)),
            _ => None,
        }
    }

    /// The last name in it, for naming what came from there.
    pub(crate) fn last_name(&self) -> &str {
        self.parts
            .iter()
            .rev()
            .find_map(|part| if let Part::Key(key) = part { Some(key.as_str()) } else { None })
            .unwrap_or("value")
    }
}

impl<'de> Deserialize<'de> for Dotted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for Dotted {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Field".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "x-field": true })
    }
}

/// What a step looks at in each item: a field by its place, or whatever an expression gives.
#[derive(Debug, Clone)]
pub(crate) enum Pick {
    /// A field.
    Field(Dotted),
    /// An expression.
    Expression(Template),
}

impl Pick {
    /// What it is for this item.
    ///
    /// # Errors
    /// When the expression fails.
    pub(crate) fn of<'i>(&self, item: &'i Item, scope: &Scope<'_>) -> Result<Option<Cow<'i, Value>>, Failure> {
        match self {
            Self::Field(field) => Ok(field.get(&item.json).map(Cow::Borrowed)),
            Self::Expression(template) => Ok(template.eval(scope)?.map(Cow::Owned)),
        }
    }

    /// A name for what it gives.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Field(field) => field.last_name(),
            Self::Expression(_) => "value",
        }
    }
}

impl<'de> Deserialize<'de> for Pick {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if crate::expression::has_expression(&text) {
            let template = Template::compile(&Value::String(text), "config");
            return template.map(Self::Expression).map_err(|failure| D::Error::custom(failure.message));
        }
        Dotted::parse(&text).map(Self::Field).map_err(D::Error::custom)
    }
}

impl JsonSchema for Pick {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Pick".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "x-field": true, TAKES_EXPRESSION: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_is_read_set_and_removed_by_its_place() -> Result<(), String> {
        let mut value = json!({ "a": { "b": [1, { "c": 2 }] } });
        let place = Dotted::parse("a.b[1].c")?;
        assert_eq!(place.get(&value), Some(&json!(2)));
        place.set(&mut value, json!("x"))?;
        Dotted::parse("n.list[2]")?.set(&mut value, json!(true))?;
        assert_eq!(Dotted::parse("a.b[0]")?.remove(&mut value), Some(json!(1)));
        assert_eq!(value, json!({ "a": { "b": [{ "c": "x" }] }, "n": { "list": [null, null, true] } }));
        assert!(Dotted::parse("a.b.c")?.set(&mut json!({ "a": 1 }), json!(1)).is_err());
        Ok(())
    }

    #[test]
    fn a_text_that_is_no_place_is_refused_with_the_form_to_write() {
        for text in ["a..b", ".a", "a[", "a[x]"] {
            assert!(Dotted::parse(text).is_err_and(|error| error.contains("write fields as")), "{text}");
        }
    }
}
