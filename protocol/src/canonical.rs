//! One text for one value: what hashes and signatures cover.
//!
//! Source: RFC 8785 (JSON Canonicalization Scheme) for member order and spacing; numbers are written as serde_json writes
//! them, which is the same text for all integers and for every double that took part in a round trip.

use serde::Serialize;
use serde_json::Value;

/// `value` as compact JSON with members in the order of their UTF-16 names.
///
/// # Errors
/// When the value has a map whose keys are not texts.
pub fn to_vec<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::new();
    write(&serde_json::to_value(value)?, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    match value {
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            out.push(b'{');
            for (place, (name, member)) in members.into_iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                serde_json::to_writer(&mut *out, name)?;
                out.push(b':');
                write(member, out)?;
            }
            out.push(b'}');
        }
        Value::Array(values) => {
            out.push(b'[');
            for (place, element) in values.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write(element, out)?;
            }
            out.push(b']');
        }
        plain => serde_json::to_writer(out, plain)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_members_does_not_change_the_text() {
        let one: Value = serde_json::json!({ "b": [1, { "y": null, "x": "é\n" }], "a": 0.5 });
        let text = to_vec(&one).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        assert_eq!(text, r#"{"a":0.5,"b":[1,{"x":"é\n","y":null}]}"#);
    }
}
