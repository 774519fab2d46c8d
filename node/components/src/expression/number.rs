//! Values as text, the way JavaScript writes them.

use std::fmt::Write as _;

use serde_json::{Number, Value};

/// The largest whole number up to which doubles are exact.
const SAFE_MAX: f64 = 9_007_199_254_740_991.0;

/// How mixed text shows a value: a text as it is, null as nothing, everything else as JSON.
pub(crate) fn text_of(value: &Value) -> String {
    let mut text = String::new();
    write_text(value, &mut text);
    text
}

/// Appends what [`text_of`] gives.
pub(super) fn write_text(value: &Value, out: &mut String) {
    match value {
        Value::Null => {}
        Value::String(text) => out.push_str(text),
        other => write_json(other, out),
    }
}

fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::Number(number) => write_number(number, out),
        Value::Array(values) => {
            out.push('[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_json(value, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (at, (key, value)) in map.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_json(&Value::String(key.clone()), out);
                out.push(':');
                write_json(value, out);
            }
            out.push('}');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

fn write_number(number: &Number, out: &mut String) {
    // Writing into a String cannot fail.
    let _ = match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(whole), ..) => write!(out, "{whole}"),
        (_, Some(whole), _) => write!(out, "{whole}"),
        (.., Some(double)) => {
            out.push_str(&text_of_double(double));
            Ok(())
        }
        _ => Ok(()),
    };
}

/// `Number.prototype.toString` in base 10. Source: ECMA-262, Number::toString.
pub(super) fn text_of_double(double: f64) -> String {
    if double == 0.0 {
        return "0".to_owned();
    }
    let scientific = shortest(double);
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-6..21).contains(&exponent) {
        return format!("{mantissa}e{}{exponent}", if exponent > 0 { "+" } else { "" });
    }
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits = mantissa.replace('.', "");
    let zeros = |count: usize| "0".repeat(count);
    match usize::try_from(exponent) {
        Err(_) => format!("{sign}0.{}{digits}", zeros(exponent.unsigned_abs() as usize - 1)),
        Ok(before) if digits.len() <= before + 1 => format!("{sign}{digits}{}", zeros(before + 1 - digits.len())),
        Ok(before) => format!("{sign}{}.{}", &digits[..=before], &digits[before + 1..]),
    }
}

/// The fewest digits that read back as the same double, in scientific form. Between two that are equally near JavaScript
/// takes the even one, Rust's shortest form either.
fn shortest(double: f64) -> String {
    let text = format!("{double:e}");
    let digits = text.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count();
    let rounded = format!("{double:.*e}", digits.saturating_sub(1));
    if rounded.parse() == Ok(double) { rounded } else { text }
}

/// A double as the JSON number that JavaScript would write: whole ones without a point, `NaN` and infinities as null.
pub(super) fn value_of_double(double: f64) -> Value {
    if double.fract() == 0.0 && double.abs() <= SAFE_MAX {
        #[allow(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
        return Value::from(double as i64);
    }
    Number::from_f64(double).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (double, text) in [
            (1.0, "1"),
            (-0.0, "0"),
            (0.1, "0.1"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (1e20, "100000000000000000000"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (123_456.789, "123456.789"),
            (-0.001, "-0.001"),
            (1_799_947_283_445_612.2, "1799947283445612.2"),
        ] {
            assert_eq!(text_of_double(double), text);
        }
    }
}
