//! Values between Rust and JavaScript.

use std::collections::HashMap;

use flowork_protocol::Failure;
use rquickjs::{Ctx, Function, Object, Persistent, Value as Js};
use serde_json::Value;

use super::number::value_of_double;
use super::scope::{Scope, item_value};
use super::trouble::Trouble;

/// What an expression may name, in the order of the function's parameters.
pub(super) const NAMES: [&str; 12] =
    ["$json", "$item", "$items", "$index", "$vars", "$secrets", "$now", "$round", "$run", "$job", "$preset", "$"];

/// Which of [`NAMES`] occur in `source`. Finds too many (in strings) rather than too few.
pub(super) fn names_in(source: &str) -> u16 {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '$';
    let mut names = 0;
    for (at, _) in source.match_indices('$') {
        let word_end = source[at + 1..].find(|letter| !is_part(letter)).map_or(source.len(), |end| at + 1 + end);
        if let Some(place) = NAMES.iter().position(|name| *name == &source[at..word_end]) {
            names |= 1 << place;
        }
    }
    // A name written with an escape (`\u0024json`) is rare enough to take everything.
    if source.contains("\\u") { (1 << NAMES.len()) - 1 } else { names }
}

/// These names as parameters of a function.
pub(super) fn parameters(names: u16) -> String {
    let taken: Vec<&str> =
        NAMES.iter().enumerate().filter(|(at, _)| names & (1 << at) != 0).map(|(_, name)| *name).collect();
    taken.join(",")
}

/// FNV-1a over the expression and its place, so that two expressions of one step draw different numbers.
pub(super) fn seed_of(source: &str, place: &str) -> u64 {
    source
        .bytes()
        .chain(place.bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Sets the clock and the dice for one evaluation.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the low halves are meant; ms are exact"
)]
pub(super) fn begin(tools: &Object<'_>, scope: &Scope<'_>, salt: u64, fresh: bool) -> Result<(), Trouble> {
    let call = scope.call();
    let seed = (call.seed ^ salt).wrapping_add((scope.index() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let begin: Function<'_> = tools.get("begin")?;
    begin.call::<_, ()>((
        call.now.0 as f64,
        seed as u32 as i32,
        (seed >> 32) as u32 as i32,
        (salt >> 16) as u32 as i32,
        fresh,
    ))?;
    Ok(())
}

/// Converted values by name.
pub(super) type Values = HashMap<&'static str, Persistent<Js<'static>>>;

/// The JavaScript value of one of [`NAMES`]. What does not change within a call is converted once, kept in `values` and
/// frozen; without `values` (a code step) it is the script's own.
pub(super) fn argument<'js>(
    ctx: &Ctx<'js>, name: &'static str, tools: &Object<'js>, scope: &Scope<'_>, values: Option<&mut Values>,
) -> Result<Js<'js>, Trouble> {
    let call = scope.call();
    let text = |text: &str| rquickjs::String::from_str(ctx.clone(), text).map(rquickjs::String::into_value);
    Ok(match name {
        "$json" => scope.item().map_or_else(|| Ok(Js::new_undefined(ctx.clone())), |item| to_js(ctx, &item.json))?,
        "$item" => {
            scope.item().map_or_else(|| Ok(Js::new_undefined(ctx.clone())), |item| to_js(ctx, &item_value(item)))?
        }
        #[allow(clippy::cast_precision_loss, reason = "indexes stay far below 2^53")]
        "$index" => Js::new_number(ctx.clone(), scope.index() as f64),
        "$round" => {
            call.round.map_or_else(|| Js::new_null(ctx.clone()), |round| Js::new_number(ctx.clone(), f64::from(round)))
        }
        "$run" => text(&call.run)?,
        "$job" => text(&call.job.to_string())?,
        "$preset" => text(&call.preset)?,
        "$now" => tools.get::<_, Function<'js>>("now")?.call(())?,
        "$" => tools.get("$")?,
        _ => {
            if let Some(kept) = values.as_ref().and_then(|values| values.get(name)) {
                return Ok(kept.clone().restore(ctx)?);
            }
            let value = match name {
                "$items" => {
                    let items: Vec<Value> = scope.items().iter().map(|item| item_value(item)).collect();
                    to_js(ctx, &items)?
                }
                "$vars" => to_js(ctx, &*call.variables)?,
                _ => tools.get::<_, Function<'js>>("secrets")?.call((to_js(ctx, &*call.secrets)?,))?,
            };
            let value: Js<'js> =
                if name == "$secrets" { value } else { tools.get::<_, Function<'js>>("frozen")?.call((value,))? };
            if let Some(values) = values {
                values.insert(name, Persistent::save(ctx, value.clone()));
            }
            value
        }
    })
}

fn to_js<'js, T: serde::Serialize>(ctx: &Ctx<'js>, value: &T) -> Result<Js<'js>, Trouble> {
    let text = serde_json::to_vec(value)
        .map_err(|error| Trouble::Failed(Failure::new("expression-error", format!("an item is not JSON: {error}"))))?;
    Ok(ctx.json_parse(text)?)
}

/// What JavaScript gave as JSON; none for `undefined`.
pub(super) fn to_json<'js>(ctx: &Ctx<'js>, value: Js<'js>) -> Result<Option<Value>, Trouble> {
    let failed = |message: &str, hint: &str| {
        Err(Trouble::Failed(Failure::new("expression-error", message.to_owned()).hint(hint.to_owned())))
    };
    if value.is_undefined() {
        return Ok(None);
    }
    if let Some(flag) = value.as_bool() {
        return Ok(Some(Value::Bool(flag)));
    }
    if let Some(double) = value.as_number() {
        return Ok(Some(value_of_double(double)));
    }
    if value.is_function() || value.is_symbol() {
        return failed("it gives a function, not a value", "call it: write `()` after its name");
    }
    if value.is_big_int() {
        return failed("it gives a BigInt, which JSON does not have", "write `Number(…)` or `String(…)` around it");
    }
    if let Some(text) = value.as_string() {
        return match text.to_string() {
            Ok(text) => Ok(Some(Value::String(text))),
            Err(rquickjs::Error::Utf8(_)) => failed(
                "it gives text with half a character (a lone surrogate)",
                "cut text with `[...text].slice(…)`, or end with `.toWellFormed()`",
            ),
            Err(error) => Err(error.into()),
        };
    }
    let Some(text) = ctx.json_stringify(value)? else { return Ok(None) };
    let text = text.to_string()?;
    serde_json::from_str(&text).map(Some).or_else(|error| {
        failed(
            &format!("its value is not JSON: {error}"),
            "give plain objects, lists, texts, numbers, true, false or null",
        )
    })
}
