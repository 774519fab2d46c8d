//! Conditions on items, shared by the steps that sort items by them.

use std::borrow::Cow;
use std::cmp::Ordering;

use flowork_protocol::Failure;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::config::{Field, TAKES_EXPRESSION};
use crate::expression::{Expression, Scope, Template, has_expression, text_of, truthy};

/// What an item must meet: a condition, or rules, or both.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Test {
    /// An expression that is true for the items meant, such as `{{ $json.amount > 100 }}`.
    #[serde(default)]
    pub(crate) condition: Option<Condition>,
    /// Rules to put together without writing an expression.
    #[serde(default)]
    pub(crate) rules: Vec<Rule>,
    /// How many of the rules must hold.
    #[serde(default)]
    pub(crate) combine: Combine,
}

/// How rules combine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Combine {
    /// Every rule must hold.
    #[default]
    All,
    /// One rule is enough.
    Any,
}

/// One rule.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// What is looked at, usually an expression such as `{{ $json.status }}`.
    pub(crate) left: Field<Value>,
    /// How the two sides are compared.
    pub(crate) op: Op,
    /// What it is compared with.
    #[serde(default)]
    pub(crate) right: Field<Value>,
}

/// How two values are compared. Numbers that arrive as text count as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Op {
    /// Both are the same.
    Equals,
    /// They differ.
    NotEquals,
    /// Left is more than right.
    Greater,
    /// Left is right or more.
    GreaterOrEqual,
    /// Left is less than right.
    Less,
    /// Left is right or less.
    LessOrEqual,
    /// The text holds right, or the list holds an element that equals it.
    Contains,
    /// It does not.
    NotContains,
    /// The text starts with right.
    StartsWith,
    /// The text ends with right.
    EndsWith,
    /// The text matches the regular expression on the right.
    Matches,
    /// Left is an element of the list on the right.
    In,
    /// There is something, and it is not null.
    Exists,
    /// There is nothing, or null.
    Missing,
    /// There is nothing in it: no value, no text, an empty list or object.
    Empty,
    /// There is something in it.
    NotEmpty,
    /// It counts as true.
    IsTrue,
    /// It counts as false.
    IsFalse,
}

/// A condition: true, false, or an expression with or without braces.
#[derive(Debug, Clone)]
pub(crate) struct Condition(Template);

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let place = "config.condition";
        let template = match Value::deserialize(deserializer)? {
            Value::String(text) if !has_expression(&text) => Expression::compile(&text, place).map(Template::One),
            value @ (Value::String(_) | Value::Bool(_)) => Template::compile(&value, place),
            _ => return Err(D::Error::custom("`condition` is an expression such as \"{{ $json.amount > 100 }}\"")),
        };
        template.map(Self).map_err(|failure| D::Error::custom(failure.message))
    }
}

impl JsonSchema for Condition {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "boolean"], TAKES_EXPRESSION: true })
    }
}

impl Test {
    /// Whether it asks for nothing at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.condition.is_none() && self.rules.is_empty()
    }

    /// Whether the item of this scope meets it.
    ///
    /// # Errors
    /// When an expression fails or a regular expression is none.
    pub(crate) fn holds(&self, scope: &Scope<'_>) -> Result<bool, Failure> {
        Self::holds_parts(self.condition.as_ref(), &self.rules, self.combine, scope)
    }

    /// [`Test::holds`] for a step that keeps the parts of a test in a config of its own.
    pub(crate) fn holds_parts(
        condition: Option<&Condition>, rules: &[Rule], combine: Combine, scope: &Scope<'_>,
    ) -> Result<bool, Failure> {
        if let Some(condition) = condition
            && !truthy(condition.0.eval(scope)?.as_ref())
        {
            return Ok(false);
        }
        if rules.is_empty() {
            return Ok(true);
        }
        for rule in rules {
            let holds = rule.holds(scope)?;
            match combine {
                Combine::All if !holds => return Ok(false),
                Combine::Any if holds => return Ok(true),
                _ => {}
            }
        }
        Ok(combine == Combine::All)
    }

    /// The problem of a test that asks for nothing.
    pub(crate) fn check(&self, place: &str) -> Vec<flowork_protocol::check::ConfigProblem> {
        if !self.is_empty() {
            return Vec::new();
        }
        vec![flowork_protocol::check::ConfigProblem {
            place: place.to_owned(),
            message: "it says nothing about which items are meant".to_owned(),
            suggestion: Some("add `condition`, such as \"{{ $json.amount > 100 }}\", or `rules`".to_owned()),
        }]
    }
}

impl Rule {
    fn holds(&self, scope: &Scope<'_>) -> Result<bool, Failure> {
        let left = self.left.value(scope)?.unwrap_or_default();
        let right = self.right.value(scope)?.unwrap_or_default();
        Ok(match self.op {
            Op::Equals => equal(&left, &right),
            Op::NotEquals => !equal(&left, &right),
            Op::Greater => compare(&left, &right).is_some_and(Ordering::is_gt),
            Op::GreaterOrEqual => compare(&left, &right).is_some_and(Ordering::is_ge),
            Op::Less => compare(&left, &right).is_some_and(Ordering::is_lt),
            Op::LessOrEqual => compare(&left, &right).is_some_and(Ordering::is_le),
            Op::Contains => contains(&left, &right),
            Op::NotContains => !contains(&left, &right),
            Op::StartsWith => text_of(&left).starts_with(&text_of(&right)),
            Op::EndsWith => text_of(&left).ends_with(&text_of(&right)),
            Op::Matches => matches(&text_of(&left), &text_of(&right))?,
            Op::In => contains(&right, &left),
            Op::Exists => !left.is_null(),
            Op::Missing => left.is_null(),
            Op::Empty => is_empty(&left),
            Op::NotEmpty => !is_empty(&left),
            Op::IsTrue => truthy(Some(&left)),
            Op::IsFalse => !truthy(Some(&left)),
        })
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn contains(whole: &Value, part: &Value) -> bool {
    match whole {
        Value::Array(list) => list.iter().any(|element| equal(element, part)),
        Value::Object(map) => map.contains_key(&text_of(part)),
        Value::Null => false,
        text => text_of(text).contains(&text_of(part)),
    }
}

/// Compiled once per thread and pattern: most steps use one.
fn matches(text: &str, pattern: &str) -> Result<bool, Failure> {
    thread_local! {
        static LAST: std::cell::RefCell<Option<(String, regex::Regex)>> = const { std::cell::RefCell::new(None) };
    }
    LAST.with_borrow_mut(|last| {
        if let Some((known, regex)) = last
            && known == pattern
        {
            return Ok(regex.is_match(text));
        }
        let regex = regex::Regex::new(pattern).map_err(|error| {
            Failure::new("rule-pattern", format!("`{pattern}` is not a regular expression")).detail(error.to_string())
        })?;
        let found = regex.is_match(text);
        *last = Some((pattern.to_owned(), regex));
        Ok(found)
    })
}

/// A number, or a text that is one.
pub(crate) fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

/// Whether two values are the same; numbers by value, also when one of them is text.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(_), Value::Number(_) | Value::String(_)) | (Value::String(_), Value::Number(_)) => {
            left == right || number_of(left).is_some_and(|left| Some(left) == number_of(right))
        }
        _ => left == right,
    }
}

/// The order of two values: numbers by value, also as text; texts by their letters; nothing between other kinds.
pub(crate) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    if let (Some(left), Some(right)) = (number_of(left), number_of(right)) {
        return left.partial_cmp(&right);
    }
    match (left, right) {
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        _ => None,
    }
}
