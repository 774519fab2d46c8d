//! Runs the native part of JavaScript. Where the exact meaning is not at hand it stops with [`Stop::Bail`] and QuickJS
//! computes the whole expression afresh.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use flowork_protocol::{Failure, Item};
use serde_json::{Map, Value};

use super::number::{text_of_double, value_of_double};
use super::scope::{Scope, files_value, item_value};
use super::{convert, truthy};

/// A native expression.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Literal(Value),
    Undefined,
    Path(Root, Vec<Step>),
    Not(Box<Node>),
    Negative(Box<Node>),
    And(Box<(Node, Node)>),
    Or(Box<(Node, Node)>),
    Nullish(Box<(Node, Node)>),
    Choice(Box<(Node, Node, Node)>),
    Binary(Operator, Box<(Node, Node)>),
}

/// Where a path starts.
#[derive(Debug, Clone)]
pub(super) enum Root {
    Json,
    Item,
    Items,
    Index,
    Vars,
    Secrets,
    Now,
    Round,
    Run,
    Job,
    Preset,
    Step(Arc<str>, Pick),
}

/// Which item of another step.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pick {
    Item,
    Json,
    First,
    Last,
}

/// One step of a path.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) key: Key,
    pub(super) optional: bool,
}

/// A property.
#[derive(Debug, Clone)]
pub(super) enum Key {
    Name(Arc<str>),
    Index(usize),
}

impl Key {
    /// The key for a name; `"7"` is the same key as `7`.
    pub(super) fn named(name: &str) -> Self {
        match name.parse::<u32>() {
            Ok(index) if index.to_string() == name => Self::Index(index as usize),
            _ => Self::Name(name.into()),
        }
    }

    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Name(name) => Cow::Borrowed(name),
            Self::Index(index) => Cow::Owned(index.to_string()),
        }
    }
}

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Same,
    NotSame,
    Equal,
    NotEqual,
    Less,
    More,
    AtMost,
    AtLeast,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// Why native evaluation ended without a value.
#[derive(Debug)]
pub(super) enum Stop {
    /// QuickJS knows.
    Bail,
    /// JavaScript would throw.
    Failed(Box<Failure>),
}

/// A value on the way.
#[derive(Debug, Clone)]
pub(super) enum V<'a> {
    Undefined,
    Ref(&'a Value),
    Own(Value),
    Number(f64),
    Item(&'a Item),
    Files(&'a Item),
    Items(&'a [Arc<Item>]),
    Vars,
    Secrets,
    Now,
}

impl V<'_> {
    /// The JSON of it; none for `undefined`.
    pub(super) fn into_value(self, scope: &Scope<'_>) -> Option<Value> {
        Some(match self {
            V::Undefined => return None,
            V::Ref(value) => value.clone(),
            V::Own(value) => value,
            V::Number(double) => value_of_double(double),
            V::Item(item) => item_value(item),
            V::Files(item) => files_value(&item.files),
            V::Items(items) => Value::Array(items.iter().map(|item| item_value(item)).collect()),
            V::Vars => Value::Object(scope.call().variables.iter().map(|(k, v)| (k.clone(), v.clone())).collect()),
            V::Secrets => Value::Object(
                scope.call().secrets.iter().map(|(k, v)| (k.clone(), Value::String(v.clone()))).collect::<Map<_, _>>(),
            ),
            V::Now => Value::String(scope.now_iso()),
        })
    }

    fn is_nullish(&self) -> bool {
        matches!(self, V::Undefined | V::Ref(Value::Null) | V::Own(Value::Null))
    }

    fn truthy(&self) -> bool {
        match self {
            V::Undefined => false,
            V::Ref(value) => truthy(Some(value)),
            V::Own(value) => truthy(Some(value)),
            V::Number(double) => *double != 0.0 && !double.is_nan(),
            _ => true,
        }
    }

    fn plain(&self) -> Plain<'_> {
        let value = match self {
            V::Undefined => return Plain::Undefined,
            V::Number(double) => return Plain::Number(*double),
            V::Ref(value) => value,
            V::Own(value) => value,
            _ => return Plain::Object,
        };
        match value {
            Value::Null => Plain::Null,
            Value::Bool(flag) => Plain::Bool(*flag),
            Value::Number(number) => number.as_f64().map_or(Plain::Object, Plain::Number),
            Value::String(text) => Plain::Text(text),
            Value::Array(_) | Value::Object(_) => Plain::Object,
        }
    }
}

/// A value as operators see it.
#[derive(PartialEq)]
enum Plain<'v> {
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    Text(&'v str),
    Object,
}

/// Evaluates a native expression.
pub(super) fn eval<'a>(node: &'a Node, scope: &Scope<'a>) -> Result<V<'a>, Stop> {
    Ok(match node {
        Node::Literal(value) => V::Ref(value),
        Node::Undefined => V::Undefined,
        Node::Path(root, steps) => return path(root, steps, scope),
        Node::Not(inner) => V::Own(Value::Bool(!eval(inner, scope)?.truthy())),
        Node::Negative(inner) => match eval(inner, scope)?.plain() {
            Plain::Number(double) => V::Number(-double),
            _ => return Err(Stop::Bail),
        },
        Node::And(sides) => {
            let left = eval(&sides.0, scope)?;
            if left.truthy() { eval(&sides.1, scope)? } else { left }
        }
        Node::Or(sides) => {
            let left = eval(&sides.0, scope)?;
            if left.truthy() { left } else { eval(&sides.1, scope)? }
        }
        Node::Nullish(sides) => {
            let left = eval(&sides.0, scope)?;
            if left.is_nullish() { eval(&sides.1, scope)? } else { left }
        }
        Node::Choice(parts) => eval(if eval(&parts.0, scope)?.truthy() { &parts.1 } else { &parts.2 }, scope)?,
        Node::Binary(operator, sides) => {
            let (left, right) = (eval(&sides.0, scope)?, eval(&sides.1, scope)?);
            return binary(*operator, &left.plain(), &right.plain());
        }
    })
}

fn binary<'a>(operator: Operator, left: &Plain<'_>, right: &Plain<'_>) -> Result<V<'a>, Stop> {
    use Operator as O;
    use Plain::{Number, Text};
    let flag = |flag| Ok(V::Own(Value::Bool(flag)));
    match (operator, left, right) {
        (O::Same, ..) => flag(same(left, right)?),
        (O::NotSame, ..) => flag(!same(left, right)?),
        (O::Equal, ..) => flag(equal(left, right)?),
        (O::NotEqual, ..) => flag(!equal(left, right)?),
        (O::Add, Number(a), Number(b)) => Ok(V::Number(a + b)),
        (O::Subtract, Number(a), Number(b)) => Ok(V::Number(a - b)),
        (O::Multiply, Number(a), Number(b)) => Ok(V::Number(a * b)),
        (O::Divide, Number(a), Number(b)) => Ok(V::Number(a / b)),
        (O::Remainder, Number(a), Number(b)) => Ok(V::Number(a % b)),
        (O::Add, Text(_), _) | (O::Add, _, Text(_)) => {
            Ok(V::Own(Value::String(format!("{}{}", written(left)?, written(right)?))))
        }
        (O::Less, Number(a), Number(b)) => flag(a < b),
        (O::More, Number(a), Number(b)) => flag(a > b),
        (O::AtMost, Number(a), Number(b)) => flag(a <= b),
        (O::AtLeast, Number(a), Number(b)) => flag(a >= b),
        (O::Less, Text(a), Text(b)) => flag(order(a, b).is_lt()),
        (O::More, Text(a), Text(b)) => flag(order(a, b).is_gt()),
        (O::AtMost, Text(a), Text(b)) => flag(order(a, b).is_le()),
        (O::AtLeast, Text(a), Text(b)) => flag(order(a, b).is_ge()),
        _ => Err(Stop::Bail),
    }
}

/// JavaScript orders texts by UTF-16 units.
fn order(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

fn written<'v>(side: &Plain<'v>) -> Result<Cow<'v, str>, Stop> {
    Ok(match side {
        Plain::Text(text) => Cow::Borrowed(*text),
        Plain::Number(double) if double.is_finite() => Cow::Owned(text_of_double(*double)),
        Plain::Bool(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
        Plain::Null => Cow::Borrowed("null"),
        Plain::Undefined => Cow::Borrowed("undefined"),
        _ => return Err(Stop::Bail),
    })
}

fn same(left: &Plain<'_>, right: &Plain<'_>) -> Result<bool, Stop> {
    match (left, right) {
        // Two objects are the same only when they are one; that is for QuickJS to say.
        (Plain::Object, Plain::Object) => Err(Stop::Bail),
        _ => Ok(left == right),
    }
}

fn equal(left: &Plain<'_>, right: &Plain<'_>) -> Result<bool, Stop> {
    let nullish = |side: &Plain<'_>| matches!(side, Plain::Null | Plain::Undefined);
    match (left, right) {
        _ if nullish(left) || nullish(right) => Ok(nullish(left) && nullish(right)),
        (Plain::Object, _) | (_, Plain::Object) => Err(Stop::Bail),
        _ if std::mem::discriminant(left) == std::mem::discriminant(right) => Ok(left == right),
        _ => Err(Stop::Bail),
    }
}

fn path<'a>(root: &'a Root, steps: &'a [Step], scope: &Scope<'a>) -> Result<V<'a>, Stop> {
    let call = scope.call();
    let start = match root {
        Root::Json => scope.item().map_or(V::Undefined, |item| V::Ref(&item.json)),
        Root::Item => scope.item().map_or(V::Undefined, |item| V::Item(item)),
        Root::Items => V::Items(scope.items()),
        Root::Index => V::Own(Value::from(scope.index())),
        Root::Vars => V::Vars,
        Root::Secrets => V::Secrets,
        Root::Now => V::Now,
        Root::Round => call.round.map_or(V::Own(Value::Null), |round| V::Own(Value::from(round))),
        Root::Run => V::Own(Value::String(call.run.to_string())),
        Root::Job => V::Own(Value::String(call.job.to_string())),
        Root::Preset => V::Own(Value::String(call.preset.to_string())),
        Root::Step(name, pick) => {
            let failed = |error: String| Stop::Failed(Box::new(Failure::new("expression-error", error)));
            let item = match pick {
                Pick::Item | Pick::Json => Some(convert::paired(scope, name).map_err(failed)?),
                Pick::First => convert::given(scope, name, None).map_err(failed)?.first().cloned(),
                Pick::Last => convert::given(scope, name, None).map_err(failed)?.last().cloned(),
            };
            let start = match (&item, pick) {
                (None, _) => V::Undefined,
                (Some(item), Pick::Json) => V::Ref(&item.json),
                (Some(item), _) => V::Item(item),
            };
            // The item lives only here, so what the path leads to is copied out.
            let found = walk(start, root, steps, scope)?.into_value(scope);
            return Ok(found.map_or(V::Undefined, V::Own));
        }
    };
    walk(start, root, steps, scope)
}

fn walk<'a>(start: V<'a>, root: &Root, steps: &[Step], scope: &Scope<'a>) -> Result<V<'a>, Stop> {
    let mut at = start;
    for (place, step) in steps.iter().enumerate() {
        if at.is_nullish() {
            if step.optional {
                return Ok(V::Undefined);
            }
            return Err(missing(&at, root, &steps[..place], &step.key));
        }
        at = member(at, &step.key, scope)?;
    }
    Ok(at)
}

fn member<'a>(of: V<'a>, key: &Key, scope: &Scope<'a>) -> Result<V<'a>, Stop> {
    let some = |found: Option<V<'a>>| Ok(found.unwrap_or(V::Undefined));
    let is_length = matches!(key, Key::Name(name) if &**name == "length");
    match of {
        V::Ref(Value::Object(map)) => some(map.get(key.text().as_ref()).map(V::Ref)),
        V::Ref(Value::Array(values)) => match key {
            Key::Index(index) => some(values.get(*index).map(V::Ref)),
            Key::Name(_) if is_length => Ok(V::Own(Value::from(values.len()))),
            Key::Name(_) => Err(Stop::Bail),
        },
        V::Ref(Value::String(text)) if is_length => Ok(V::Own(Value::from(text.encode_utf16().count()))),
        V::Own(Value::Object(map)) => some(map.get(key.text().as_ref()).cloned().map(V::Own)),
        V::Item(item) => match key {
            Key::Name(name) if &**name == "json" => Ok(V::Ref(&item.json)),
            Key::Name(name) if &**name == "files" => Ok(V::Files(item)),
            _ => Ok(V::Undefined),
        },
        V::Files(item) => {
            some(item.files.get(key.text().as_ref()).map(|file| V::Own(serde_json::to_value(file).unwrap_or_default())))
        }
        V::Items(items) => match key {
            Key::Index(index) => some(items.get(*index).map(|item| V::Item(item))),
            Key::Name(_) if is_length => Ok(V::Own(Value::from(items.len()))),
            Key::Name(_) => Err(Stop::Bail),
        },
        V::Vars => some(scope.call().variables.get(key.text().as_ref()).map(V::Ref)),
        V::Secrets => match convert::secret(scope.call(), &key.text()) {
            Ok(secret) => Ok(V::Own(Value::String(secret))),
            Err(error) => Err(Stop::Failed(Box::new(error))),
        },
        _ => Err(Stop::Bail),
    }
}

fn missing(at: &V<'_>, root: &Root, before: &[Step], key: &Key) -> Stop {
    let mut path = match root {
        Root::Json => "$json".to_owned(),
        Root::Item => "$item".to_owned(),
        Root::Items => "$items".to_owned(),
        Root::Vars => "$vars".to_owned(),
        Root::Round => "$round".to_owned(),
        Root::Step(name, Pick::Json) => format!("$('{name}').json"),
        Root::Step(name, Pick::Item) => format!("$('{name}').item"),
        Root::Step(name, Pick::First) => format!("$('{name}').first()"),
        Root::Step(name, Pick::Last) => format!("$('{name}').last()"),
        _ => "the value".to_owned(),
    };
    for step in before {
        path.push('.');
        path.push_str(&step.key.text());
    }
    let state = if matches!(at, V::Undefined) { "is missing" } else { "is null" };
    let key = key.text();
    Stop::Failed(Box::new(
        Failure::new("expression-error", format!("`{path}` {state}, so `.{key}` cannot be read"))
            .hint(format!("write `{path}?.{key}` if it may be missing, or correct the name")),
    ))
}
