//! Secrets of one call, and how they are taken out of everything that would be recorded.
//!
//! A secret is found as it is, line by line where it has several lines, and as JSON, base64, base64url and percent-encoding
//! would write it, also in the middle of something longer. What a step makes of a secret beyond that (a hash, a part of it,
//! letters in between) is not found, and neither is what it writes into files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use flowork_ports::component::{Suspend, Yield};
use flowork_protocol::{Failure, Item};
use serde_json::{Map, Value};

/// Shorter texts are too common to be found again. `flowork secret set` refuses secrets below it.
const LEN_MIN: usize = 4;
/// A piece of base64 shorter than this stands for too few bytes to be told from chance.
const BASE64_LEN_MIN: usize = 6;

/// The secrets that one call is given.
#[derive(Default)]
pub(crate) struct Secrets {
    values: Arc<BTreeMap<String, String>>,
    /// None when there is nothing to find.
    finder: Option<Finder>,
}

struct Finder {
    all: AhoCorasick,
    /// What stands in the place of each pattern.
    marks: Vec<String>,
}

impl Secrets {
    /// These secrets, by name.
    pub(crate) fn new(values: BTreeMap<String, String>) -> Self {
        let mut patterns = Vec::new();
        let mut marks = Vec::new();
        for (name, secret) in &values {
            for pattern in forms(secret) {
                patterns.push(pattern);
                marks.push(format!("[secret {name}]"));
            }
        }
        let finder = (!patterns.is_empty()).then(|| Finder::new(&patterns, marks)).flatten();
        Self { values: Arc::new(values), finder }
    }

    /// In plain text, by name.
    pub(crate) fn values(&self) -> Arc<BTreeMap<String, String>> {
        Arc::clone(&self.values)
    }

    /// Their names.
    pub(crate) fn names(&self) -> Vec<String> {
        self.values.keys().cloned().collect()
    }

    /// Whether `text` holds one of them.
    fn are_in(&self, text: &str) -> bool {
        self.finder.as_ref().is_some_and(|finder| finder.all.is_match(text))
    }

    /// `text` without them.
    pub(crate) fn out_of(&self, text: &str) -> String {
        match &self.finder {
            Some(finder) if finder.all.is_match(text) => finder.all.replace_all(text, &finder.marks),
            _ => text.to_owned(),
        }
    }
}

impl Finder {
    fn new(patterns: &[String], marks: Vec<String>) -> Option<Self> {
        // Of two secrets that begin alike the longer one is taken out whole.
        let all = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(patterns);
        // It fails beyond 2³¹ patterns or bytes; secrets are bounded far below that.
        all.ok().map(|all| Self { all, marks })
    }
}

/// The texts under which a secret may be met.
fn forms(secret: &str) -> Vec<String> {
    let mut plain = vec![secret];
    if secret.contains('\n') {
        // Logs are lines: a key of many lines comes one by one.
        plain.push(secret.trim());
        plain.extend(secret.lines().map(str::trim));
    }
    let mut forms: Vec<String> = Vec::new();
    for text in plain.into_iter().filter(|text| text.len() >= LEN_MIN) {
        forms.push(text.to_owned());
        forms.extend(as_json(text));
        forms.extend(as_percent(text));
        forms.extend(as_base64(text.as_bytes()));
    }
    forms.sort();
    forms.dedup();
    forms
}

/// As JSON writers write it: letters as they are or as `\u…`, the slash as it is or behind a backslash.
fn as_json(text: &str) -> Vec<String> {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned();
    let ascii = inner.chars().fold(String::new(), |mut ascii, letter| {
        if letter.is_ascii() {
            ascii.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
        ascii
    });
    let slashes = |text: &str| text.replace('/', "\\/");
    vec![slashes(&inner), slashes(&ascii), ascii, inner]
}

/// As addresses and forms write it: with large and small digits, with blanks as `%20` and `+`, the slash kept or not.
fn as_percent(text: &str) -> Vec<String> {
    let encoded = |kept: &[u8], digits: fn(u8) -> String| {
        text.bytes().fold(String::new(), |mut encoded, byte| {
            match byte {
                b' ' if kept.contains(&b'+') => encoded.push('+'),
                _ if byte.is_ascii_alphanumeric()
                    || b"-._~".contains(&byte)
                    || (byte != b'+' && kept.contains(&byte)) =>
                {
                    encoded.push(char::from(byte));
                }
                _ => encoded.push_str(&digits(byte)),
            }
            encoded
        })
    };
    let large: fn(u8) -> String = |byte| format!("%{byte:02X}");
    let small: fn(u8) -> String = |byte| format!("%{byte:02x}");
    let kept: [&[u8]; 4] = [b"", b"+*", b"/", b"!*'()"];
    kept.iter().flat_map(|kept| [encoded(kept, large), encoded(kept, small)]).collect()
}

/// As base64 shows it, wherever it begins in what is encoded (`user:password` is usual): the letters that depend on nothing
/// but the secret.
fn as_base64(secret: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    for before in 0..3_usize {
        let padded: Vec<u8> = std::iter::repeat_n(0, before).chain(secret.iter().copied()).collect();
        // A letter is six bits: these are the ones that lie in the secret as a whole.
        let (first, last) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        for text in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            forms.extend(text.get(first..last).filter(|text| text.len() >= BASE64_LEN_MIN).map(str::to_owned));
        }
    }
    forms
}

/// Takes secrets out of everything that would be recorded.
pub(crate) fn redact(result: &mut Result<Yield, Failure>, secrets: &Secrets) {
    if secrets.finder.is_none() {
        return;
    }
    let text = |text: &mut String| *text = secrets.out_of(text);
    match result {
        Ok(Yield::Output(output)) => {
            output.ports.iter_mut().flat_map(|(_, given)| &mut given.items).for_each(|it| redact_item(it, secrets));
            if let Some(response) = &mut output.response {
                redact_value(&mut response.body, secrets);
                let headers = std::mem::take(&mut response.headers).into_iter();
                response.headers =
                    headers.map(|(name, value)| (secrets.out_of(&name), secrets.out_of(&value))).collect();
            }
            output.note.iter_mut().for_each(text);
        }
        Ok(Yield::Rounds(rounds)) => rounds.iter_mut().flatten().for_each(|item| redact_item(item, secrets)),
        Ok(Yield::Suspend(suspend)) => match suspend {
            Suspend::Until(_) => {}
            Suspend::Approval { title, message, .. } => [title, message].into_iter().for_each(text),
            Suspend::Child { preset, items, variables } => {
                text(preset);
                items.iter_mut().for_each(|item| redact_item(item, secrets));
                variables.values_mut().for_each(|value| redact_value(value, secrets));
            }
        },
        Err(failure) => {
            let Failure { message, detail, hint, place, .. } = failure;
            text(message);
            [detail, hint, place].into_iter().flatten().for_each(text);
        }
    }
}

fn redact_item(item: &mut Arc<Item>, secrets: &Secrets) {
    let file_names = |item: &Item| {
        item.files.iter().any(|(name, file)| {
            let media_type = file.media_type.as_deref().unwrap_or_default();
            [name, file.name.as_str(), media_type].into_iter().any(|text| secrets.are_in(text))
        })
    };
    if holds(&item.json, secrets) {
        redact_value(&mut Arc::make_mut(item).json, secrets);
    }
    if file_names(item) {
        let item = Arc::make_mut(item);
        let files = std::mem::take(&mut item.files).into_iter();
        item.files = files
            .map(|(name, mut file)| {
                file.name = secrets.out_of(&file.name);
                file.media_type = file.media_type.map(|text| secrets.out_of(&text));
                (secrets.out_of(&name), file)
            })
            .collect();
    }
}

fn holds(value: &Value, secrets: &Secrets) -> bool {
    match value {
        Value::String(text) => secrets.are_in(text),
        Value::Array(values) => values.iter().any(|it| holds(it, secrets)),
        Value::Object(map) => map.iter().any(|(name, it)| secrets.are_in(name) || holds(it, secrets)),
        Value::Number(number) => is_secret(number, secrets),
        _ => false,
    }
}

/// A secret of digits, given as a number.
fn is_secret(number: &serde_json::Number, secrets: &Secrets) -> bool {
    let of_digits =
        |secret: &&String| secret.len() >= LEN_MIN && secret.starts_with(|it: char| it.is_ascii_digit() || it == '-');
    secrets.values.values().filter(of_digits).any(|secret| *secret == number.to_string())
}

fn redact_value(value: &mut Value, secrets: &Secrets) {
    match value {
        Value::String(text) => *text = secrets.out_of(text),
        Value::Array(values) => values.iter_mut().for_each(|it| redact_value(it, secrets)),
        Value::Object(map) => {
            map.values_mut().for_each(|it| redact_value(it, secrets));
            if map.keys().any(|name| secrets.are_in(name)) {
                *map = redacted_names(std::mem::take(map), secrets);
            }
        }
        Value::Number(number) if is_secret(number, secrets) => {
            *value = Value::String(secrets.out_of(&number.to_string()));
        }
        _ => {}
    }
}

/// Two names may become one: the later ones are numbered, so that no value is lost.
fn redacted_names(map: Map<String, Value>, secrets: &Secrets) -> Map<String, Value> {
    let mut redacted = Map::with_capacity(map.len());
    for (name, value) in map {
        let plain = secrets.out_of(&name);
        let mut name = plain.clone();
        let mut number = 2_usize;
        while redacted.contains_key(&name) {
            name = format!("{plain} {number}");
            number += 1;
        }
        redacted.insert(name, value);
    }
    redacted
}

#[cfg(test)]
mod tests {
    use super::*;
    use flowork_ports::component::Output;
    use flowork_protocol::event::Pairing;
    use serde_json::json;

    fn secrets(all: &[(&str, &str)]) -> Secrets {
        Secrets::new(all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn items(values: &[Value]) -> Vec<Arc<Item>> {
        values.iter().cloned().map(Item::json).map(Arc::new).collect()
    }

    #[test]
    fn a_secret_is_found_however_it_is_usually_written() {
        let secret = "pa/ss \"wörd\"+1";
        let secrets = secrets(&[("db", secret)]);
        let pair = format!("user:{secret}");
        let written = [
            secret.to_owned(),
            serde_json::to_string(&json!({ "a": secret })).unwrap(),
            r#"{"a": "pa/ss \"w\u00f6rd\"+1"}"#.to_owned(),
            r#"{"a":"pa\/ss \"w\u00f6rd\"+1"}"#.to_owned(),
            "https://x/?p=pa%2Fss%20%22w%C3%B6rd%22%2B1".to_owned(),
            "p=pa%2fss+%22w%c3%b6rd%22%2b1&q=1".to_owned(),
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair.as_bytes())),
            URL_SAFE_NO_PAD.encode(format!("x{secret}yz")),
            STANDARD_NO_PAD.encode(format!("xy{secret}")),
        ];
        for text in written {
            let shown = secrets.out_of(&text);
            assert!(shown.contains("[secret db]"), "{text} became {shown}");
            assert!(!shown.contains("rd"), "{text} became {shown}");
        }
        assert_eq!(secrets.out_of("a word"), "a word");
    }

    #[test]
    fn every_line_of_a_key_is_taken_out_when_it_comes_alone() {
        let key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\n  abcd1234\nxy\n-----END KEY-----\n";
        let secrets = secrets(&[("pem", key)]);
        for line in ["MIIEvQIBADANBgkqhkiG", "abcd1234", "-----BEGIN KEY-----"] {
            assert_eq!(secrets.out_of(&format!("line: {line}")), "line: [secret pem]");
        }
        assert_eq!(secrets.out_of("xy"), "xy", "too short to be told from chance");
        assert_eq!(secrets.out_of(key.trim()), "[secret pem]");
    }

    #[test]
    fn of_two_secrets_that_begin_alike_the_longer_one_goes_whole() {
        let secrets = secrets(&[("a", "token"), ("b", "token-of-the-shop"), ("c", "shop")]);
        assert_eq!(secrets.out_of("token-of-the-shop token shop"), "[secret b] [secret a] [secret c]");
    }

    #[test]
    fn what_a_step_waits_with_holds_no_secret() {
        let secrets = secrets(&[("db", "s3cret")]);
        let mut approval = Ok(Yield::Suspend(Suspend::Approval {
            title: "use s3cret?".to_owned(),
            message: "s3cret".to_owned(),
            expires_at: None,
            on_expiry: false,
        }));
        redact(&mut approval, &secrets);
        let mut child = Ok(Yield::Suspend(Suspend::Child {
            preset: "p".to_owned(),
            items: items(&[json!({ "a": "s3cret" })]),
            variables: BTreeMap::from([("v".to_owned(), json!(["s3cret"]))]),
        }));
        redact(&mut child, &secrets);
        for result in [approval, child] {
            let shown = format!("{result:?}");
            assert!(!shown.contains("s3cret") && shown.contains("[secret db]"), "{shown}");
        }
    }

    #[test]
    fn names_numbers_and_file_names_are_looked_at_too() {
        let secrets = secrets(&[("db", "s3cret"), ("pin", "12345")]);
        let mut given = items(&[json!({ "s3cret": { "a s3cret": 1 }, "pin": 12345, "near": 123456 })]);
        let file = flowork_protocol::BlobRef {
            blob: flowork_protocol::BlobId::of(b"x"),
            size: 1,
            name: "s3cret.txt".to_owned(),
            media_type: None,
        };
        Arc::make_mut(&mut given[0]).files.insert("s3cret".to_owned(), file);
        let mut result = Ok(Yield::Output(Output::out(given, Pairing::None).note("wrote s3cret")));
        redact(&mut result, &secrets);
        let Ok(Yield::Output(output)) = result else { panic!("it stays an output") };
        let item = &output.ports[0].1.items[0];
        assert_eq!(item.json, json!({ "[secret db]": { "a [secret db]": 1 }, "pin": "[secret pin]", "near": 123456 }));
        assert_eq!(item.files["[secret db]"].name, "[secret db].txt");
        assert_eq!(output.note.as_deref(), Some("wrote [secret db]"));
    }

    #[test]
    fn names_that_become_one_keep_their_values() {
        let secrets = secrets(&[("db", "s3cret")]);
        let mut value = json!({ "s3cret": 1, "[secret db]": 2 });
        redact_value(&mut value, &secrets);
        assert_eq!(value.as_object().map(Map::len), Some(2), "{value}");
    }
}
