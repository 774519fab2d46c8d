//! Configs as Rust types: a component's config is a struct that gives both its JSON Schema and its reading.
//!
//! A field of type [`Field<T>`] takes a `T` or an expression that gives one; every other field is fixed when the step is
//! prepared. In the schema the former carry `"x-expression": true`, which forms and checks go by.

use std::borrow::Cow;
use std::cell::RefCell;

use flowork_protocol::Failure;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::expression::{Scope, Template, has_expression, text_of};

/// The keyword that marks places which take expressions.
pub(crate) const TAKES_EXPRESSION: &str = "x-expression";

thread_local! {
    /// The texts with expressions of the config that is being read, and where each stands: serde does not say.
    static PLACES: RefCell<Vec<(String, String)>> = const { RefCell::new(Vec::new()) };
}

/// Reads a step's config.
///
/// # Errors
/// What is wrong with it, for people. The library's check says more; this is the last line of defence.
pub(crate) fn read<T: DeserializeOwned>(config: &Map<String, Value>) -> Result<T, Failure> {
    PLACES.with_borrow_mut(|places| {
        places.clear();
        config.iter().for_each(|(key, value)| note_places(value, &format!("config.{key}"), places));
    });
    let read = serde_json::from_value(Value::Object(config.clone()));
    PLACES.with_borrow_mut(Vec::clear);
    read.map_err(|error| {
        Failure::new("config-invalid", format!("the config does not fit the component: {error}"))
            .place("config")
            .hint("`flowork preset check` names every problem with its place")
    })
}

fn note_places(value: &Value, place: &str, places: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) if has_expression(text) => places.push((text.clone(), place.to_owned())),
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(at, value)| note_places(value, &format!("{place}[{at}]"), places));
        }
        Value::Object(map) => map.iter().for_each(|(key, value)| note_places(value, &format!("{place}.{key}"), places)),
        _ => {}
    }
}

/// The place of a field: that of its first expression, cut back to the field when the field is nested.
fn place_of(value: &Value) -> String {
    let Value::String(text) = value else { return "config".to_owned() };
    PLACES.with_borrow(|places| {
        places.iter().find(|(noted, _)| noted == text).map_or_else(|| "config".to_owned(), |(_, place)| place.clone())
    })
}

/// A config field that takes a `T` or an expression that gives one.
#[derive(Debug, Clone)]
pub(crate) struct Field<T> {
    template: Template,
    /// The value, when no expression is in it.
    fixed: Option<T>,
    place: String,
    source: Value,
}

impl<T: Clone + DeserializeOwned> Field<T> {
    /// Its value in a scope.
    ///
    /// # Errors
    /// When the expression fails or gives something else than a `T`.
    pub(crate) fn get(&self, scope: &Scope<'_>) -> Result<Cow<'_, T>, Failure> {
        match &self.fixed {
            Some(value) => Ok(Cow::Borrowed(value)),
            None => self.compute(scope).map(Cow::Owned),
        }
    }

    /// What the config gives in a scope, whatever it is; none for `undefined`.
    ///
    /// # Errors
    /// When the expression fails.
    pub(crate) fn value(&self, scope: &Scope<'_>) -> Result<Option<Value>, Failure> {
        self.template.eval(scope)
    }

    /// The value, when it is the same for all items.
    pub(crate) fn fixed(&self) -> Option<&T> {
        self.fixed.as_ref()
    }

    fn compute(&self, scope: &Scope<'_>) -> Result<T, Failure> {
        let value = self.template.eval(scope)?;
        let shown = value.as_ref().map_or_else(|| "nothing".to_owned(), shown);
        let value = value.unwrap_or_default();
        let other = match &value {
            // What arrives as text may well be a number, and the other way round.
            Value::String(text) => serde_json::from_str(text).ok(),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
            plain => Some(Value::String(text_of(plain))),
        };
        serde_json::from_value(value).or_else(|error| {
            other.and_then(|other| serde_json::from_value(other).ok()).ok_or_else(|| {
                let failure = Failure::new(
                    "config-value",
                    format!("the expression gives {shown}, which does not fit here: {error}"),
                )
                .place(self.place.clone())
                .hint("correct the expression, or the items that it reads");
                if scope.item().is_some() { failure.item(scope.index()) } else { failure }
            })
        })
    }
}

/// A value cut short, for messages.
pub(crate) fn shown(value: &Value) -> String {
    const SHOWN_MAX: usize = 60;
    let text = value.to_string();
    if text.chars().count() <= SHOWN_MAX {
        return text;
    }
    text.chars().take(SHOWN_MAX).chain(['…']).collect()
}

impl<T> Field<T> {
    /// The field whose default is an expression, written without braces.
    ///
    /// The text is one of ours; one that does not compile would show as an error of every step that uses it.
    pub(crate) fn expression(source: &str) -> Self {
        let text = format!("{{{{ {source} }}}}");
        let source = Value::String(text);
        let template = Template::compile(&source, "config").unwrap_or(Template::Fixed(Value::Null));
        Self { template, fixed: None, place: "config".to_owned(), source }
    }
}

impl<T: Serialize> From<T> for Field<T> {
    fn from(value: T) -> Self {
        let source = serde_json::to_value(&value).unwrap_or_default();
        Self { template: Template::Fixed(source.clone()), fixed: Some(value), place: "config".to_owned(), source }
    }
}

impl<T: Default + Serialize> Default for Field<T> {
    fn default() -> Self {
        T::default().into()
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let source = Value::deserialize(deserializer)?;
        let place = place_of(&source);
        let template = Template::compile(&source, &place)
            .map_err(|failure| D::Error::custom(format!("{} ({place})", failure.message)))?;
        let fixed = match template.fixed() {
            Some(value) => Some(serde_json::from_value(value.clone()).map_err(D::Error::custom)?),
            None => None,
        };
        Ok(Self { template, fixed, place, source })
    }
}

impl<T> Serialize for Field<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.source.serialize(serializer)
    }
}

impl<T: JsonSchema> JsonSchema for Field<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        schema.insert(TAKES_EXPRESSION.to_owned(), Value::Bool(true));
        schema
    }
}

/// The JSON Schema of a config type, without references, so that forms need not resolve any.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    let mut settings = schemars::generate::SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    schema.remove("description");
    let mut schema = schema.to_value();
    if let Value::Object(map) = &mut schema {
        map.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    }
    schema
}
