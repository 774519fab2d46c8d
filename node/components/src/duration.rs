//! Spans of time as people write them: `90s`, `5m`, `1h 30m`, `2d`, `1w`, `250ms`.

use serde_json::Value;

use crate::config::shown;

/// The longest span that may be asked for: ten years.
const SPAN_MS_MAX: u64 = 10 * 366 * 86_400_000;
const UNITS: [(&str, u64); 6] =
    [("w", 7 * 86_400_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// A span in milliseconds, from text with units or a number of milliseconds.
///
/// # Errors
/// In words, when it is none or longer than ten years.
pub(crate) fn read_ms(value: &Value) -> Result<u64, String> {
    let ms = match value {
        Value::Number(ms) => ms.as_u64().or_else(|| ms.as_f64().filter(|ms| *ms >= 0.0).map(round)),
        Value::String(text) => parse(text.trim()),
        _ => None,
    };
    let ms = ms.ok_or_else(|| format!("{} is not a span of time; write such as 30s, 5m or 1h 30m", shown(value)))?;
    if ms > SPAN_MS_MAX { Err(format!("{} is longer than ten years", shown(value))) } else { Ok(ms) }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be positive; saturates")]
fn round(ms: f64) -> u64 {
    ms.round() as u64
}

fn parse(text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    if let Ok(ms) = text.parse() {
        return Some(ms);
    }
    let mut rest = text;
    let mut sum: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let letters = rest.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit = UNITS.iter().find(|(name, _)| *name == &rest[..letters])?.1;
        rest = rest[letters..].trim_start();
        #[allow(clippy::cast_precision_loss, reason = "units are far below 2^53")]
        let part = round(number * unit as f64);
        sum = sum.checked_add(part)?;
    }
    Some(sum)
}

/// A span for people, by its two largest units.
pub(crate) fn in_words(ms: u64) -> String {
    let mut rest = ms;
    let mut words = Vec::new();
    for (name, unit) in UNITS {
        if rest >= unit && words.len() < 2 {
            words.push(format!("{}{name}", rest / unit));
            rest %= unit;
        }
    }
    if words.is_empty() { "0ms".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (value, ms) in [
            (json!(250), 250),
            (json!("250ms"), 250),
            (json!("1h 30m"), 5_400_000),
            (json!("1h30m"), 5_400_000),
            (json!("2d"), 172_800_000),
            (json!("1.5s"), 1_500),
            (json!("90"), 90),
        ] {
            assert_eq!(read_ms(&value), Ok(ms), "{value}");
        }
        for wrong in [json!("5 lightyears"), json!(""), json!(-1), json!([]), json!("99999w")] {
            assert!(read_ms(&wrong).is_err(), "{wrong}");
        }
        assert_eq!(in_words(5_400_000), "1h 30m");
    }
}
