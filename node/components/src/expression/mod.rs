//! Expressions: `{{ … }}` in config texts.
//!
//! A text that is exactly one `{{ … }}` gives the value with its type; in mixed text the values are written in place
//! (texts as they are, missing ones as nothing, everything else as JSON). Plain paths, literals and simple operators run
//! natively with the meaning that JavaScript gives them; everything else runs in QuickJS ([`engine`]).
//!
//! One difference from JavaScript, on purpose: a number that a plain path passes on keeps all its digits, where a
//! JavaScript number would round beyond 2^53.

mod code;
mod convert;
mod engine;
mod host;
mod mentions;
mod native;
mod number;
mod parse;
mod scan;
mod scope;
mod trouble;
mod values;

use std::sync::Arc;

use flowork_ports::component::Mentions;
use flowork_protocol::Failure;
use serde_json::{Map, Value};

pub(crate) use code::{CODE_MS_DEFAULT, CODE_MS_MAX, run_code};
pub(crate) use convert::secret;
pub(crate) use number::text_of;
pub(crate) use scan::has_expression;
pub(crate) use scope::{Scope, Session};

/// How deep config values that hold expressions may be nested.
const DEPTH_MAX: usize = 64;

/// One compiled expression.
#[derive(Debug, Clone)]
pub(crate) struct Expression {
    /// What stands between the braces.
    source: Arc<str>,
    /// Where in the config it stands, as `config.url`.
    place: Arc<str>,
    /// The native form, if it has one.
    native: Option<native::Node>,
}

impl Expression {
    /// Compiles the text between the braces.
    pub(crate) fn compile(source: &str, place: &str) -> Result<Self, Failure> {
        let native = parse::parse(source);
        if native.is_none() {
            engine::check_syntax(source).map_err(|error| {
                Failure::new(
                    "expression-syntax",
                    format!("`{{{{ {} }}}}` is not an expression: {error}", source.trim()),
                )
                .place(place)
                .hint("write one JavaScript expression between the braces, such as `$json.price * 2`")
            })?;
        }
        Ok(Self { source: source.trim().into(), place: place.into(), native })
    }

    /// Its value; none when JavaScript would say `undefined`.
    pub(crate) fn eval(&self, scope: &Scope<'_>) -> Result<Option<Value>, Failure> {
        if let Some(node) = &self.native {
            match native::eval(node, scope) {
                Ok(value) => return Ok(value.into_value(scope)),
                Err(native::Stop::Bail) => {}
                Err(native::Stop::Failed(failure)) => return Err(self.located(*failure, scope)),
            }
        }
        self.eval_engine(scope)
    }

    /// Its value by QuickJS, whether or not it has a native form.
    pub(crate) fn eval_engine(&self, scope: &Scope<'_>) -> Result<Option<Value>, Failure> {
        engine::eval(&self.source, &self.place, scope).map_err(|failure| self.located(failure, scope))
    }

    fn located(&self, mut failure: Failure, scope: &Scope<'_>) -> Failure {
        failure.message = format!("the expression `{{{{ {} }}}}` failed: {}", self.source, failure.message);
        failure.place.get_or_insert_with(|| self.place.to_string());
        if failure.item.is_none() && scope.item().is_some() {
            failure = failure.item(scope.index());
        }
        failure
    }
}

/// A config value in which texts may hold expressions, compiled.
#[derive(Debug, Clone)]
pub(crate) enum Template {
    /// No expression anywhere in it.
    Fixed(Value),
    /// Exactly one expression.
    One(Expression),
    /// Text with expressions in it.
    Mixed(Vec<Part>),
    /// A list.
    List(Vec<Template>),
    /// An object.
    Object(Vec<(String, Template)>),
}

/// One part of mixed text.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    /// As it is.
    Text(String),
    /// Written in place.
    Value(Expression),
}

impl Template {
    /// Compiles `value`; `place` names it in errors, as `config.url`.
    pub(crate) fn compile(value: &Value, place: &str) -> Result<Self, Failure> {
        Self::compile_at(value, place, 0)
    }

    fn compile_at(value: &Value, place: &str, depth: usize) -> Result<Self, Failure> {
        if depth > DEPTH_MAX {
            return Err(Failure::new(
                "config-too-deep",
                format!("the config is nested deeper than {DEPTH_MAX} levels"),
            )
            .place(place));
        }
        match value {
            Value::String(text) if has_expression(text) => Self::compile_text(text, place),
            Value::Array(values) if values.iter().any(holds_expression) => values
                .iter()
                .enumerate()
                .map(|(at, value)| Self::compile_at(value, &format!("{place}[{at}]"), depth + 1))
                .collect::<Result<_, _>>()
                .map(Self::List),
            Value::Object(map) if map.values().any(holds_expression) => map
                .iter()
                .map(|(key, value)| Ok((key.clone(), Self::compile_at(value, &format!("{place}.{key}"), depth + 1)?)))
                .collect::<Result<_, _>>()
                .map(Self::Object),
            fixed => Ok(Self::Fixed(fixed.clone())),
        }
    }

    fn compile_text(text: &str, place: &str) -> Result<Self, Failure> {
        let pieces = scan::split(text).map_err(|error| Failure::new("expression-syntax", error).place(place))?;
        if let [scan::Piece::Expression(source)] = pieces.as_slice() {
            return Expression::compile(source, place).map(Self::One);
        }
        pieces
            .into_iter()
            .map(|piece| match piece {
                scan::Piece::Text(text) => Ok(Part::Text(text.to_owned())),
                scan::Piece::Expression(source) => Expression::compile(source, place).map(Part::Value),
            })
            .collect::<Result<_, _>>()
            .map(Self::Mixed)
    }

    /// The value without a scope, when it holds no expression.
    pub(crate) fn fixed(&self) -> Option<&Value> {
        if let Self::Fixed(value) = self { Some(value) } else { None }
    }

    /// Its value; none when it is one expression that gives `undefined`. Inside lists a missing value is null, in objects
    /// its key is left out, as in `JSON.stringify`.
    pub(crate) fn eval(&self, scope: &Scope<'_>) -> Result<Option<Value>, Failure> {
        Ok(Some(match self {
            Self::Fixed(value) => value.clone(),
            Self::One(expression) => return expression.eval(scope),
            Self::Mixed(parts) => {
                let mut text = String::new();
                for part in parts {
                    match part {
                        Part::Text(plain) => text.push_str(plain),
                        Part::Value(expression) => {
                            if let Some(value) = expression.eval(scope)? {
                                number::write_text(&value, &mut text);
                            }
                        }
                    }
                }
                Value::String(text)
            }
            Self::List(parts) => Value::Array(
                parts.iter().map(|part| Ok(part.eval(scope)?.unwrap_or_default())).collect::<Result<_, Failure>>()?,
            ),
            Self::Object(parts) => {
                let mut map = Map::new();
                for (key, part) in parts {
                    if let Some(value) = part.eval(scope)? {
                        map.insert(key.clone(), value);
                    }
                }
                Value::Object(map)
            }
        }))
    }
}

fn holds_expression(value: &Value) -> bool {
    match value {
        Value::String(text) => has_expression(text),
        Value::Array(values) => values.iter().any(holds_expression),
        Value::Object(map) => map.values().any(holds_expression),
        _ => false,
    }
}

/// What counts as true, as in JavaScript.
pub(crate) fn truthy(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Bool(flag)) => *flag,
        Some(Value::Number(number)) => number.as_f64().is_some_and(|number| number != 0.0 && !number.is_nan()),
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(_) | Value::Object(_)) => true,
    }
}

/// Which other steps the expressions in a config read.
pub(crate) fn mentions_in(config: &Map<String, Value>) -> Mentions {
    let mut found = mentions::Found::default();
    mentions_in_object(config, &mut found);
    found.finish()
}

/// Which other steps a piece of JavaScript reads.
pub(crate) fn mentions_in_code(code: &str) -> Mentions {
    let mut found = mentions::Found::default();
    found.code(code);
    found.finish()
}

fn mentions_in_object(map: &Map<String, Value>, found: &mut mentions::Found) {
    for (key, value) in map {
        match value {
            // A condition may be written without braces.
            Value::String(code) if key == "condition" && !has_expression(code) => found.code(code),
            value => mentions_of(value, found),
        }
    }
}

fn mentions_of(value: &Value, found: &mut mentions::Found) {
    match value {
        Value::String(text) if has_expression(text) => {
            for piece in scan::split(text).unwrap_or_default() {
                if let scan::Piece::Expression(source) = piece {
                    found.code(source);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| mentions_of(value, found)),
        Value::Object(map) => mentions_in_object(map, found),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
