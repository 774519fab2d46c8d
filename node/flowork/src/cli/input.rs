//! What `--input` and `--var` mean.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use serde_json::{Value, json};

use super::client::Client;
use super::fail::Fail;

/// The largest file that is looked at as JSON; a larger one becomes an item with a file.
const JSON_BYTES_MAX: u64 = 64 << 20;

/// An input before it is sent.
#[derive(Debug, PartialEq)]
enum Input {
    /// Items, or values that become items.
    Items(Vec<Value>),
    /// Bytes that are no JSON: one item with this file.
    File,
}

/// Reads `source` (a path, or `-` for standard input) as the items of a job. Files are uploaded.
pub(crate) async fn read(client: &Client, source: &str) -> Result<Vec<Value>, Fail> {
    if source == "-" {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .take(JSON_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Fail::because("cannot read standard input", &error))?;
        if bytes.len() as u64 > JSON_BYTES_MAX {
            return Err(
                Fail::usage("standard input is larger than 64 MiB").hint("write it to a file and pass --input FILE")
            );
        }
        return match understand("standard input", None, &bytes)? {
            Input::Items(items) => Ok(items),
            Input::File => {
                let file = spill(&bytes)?;
                upload(client, "stdin", "application/octet-stream", file).await
            }
        };
    }
    let path = Path::new(source);
    let about = std::fs::metadata(path).map_err(|error| unreadable(source, &error))?;
    if about.is_dir() {
        return Err(Fail::usage(format!("{source} is a folder")).hint("name a file; a step can list folders itself"));
    }
    let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    if about.len() <= JSON_BYTES_MAX {
        let bytes = std::fs::read(path).map_err(|error| unreadable(source, &error))?;
        if let Input::Items(items) = understand(source, extension.as_deref(), &bytes)? {
            return Ok(items);
        }
    }
    let file = tokio::fs::File::open(path).await.map_err(|error| unreadable(source, &error))?;
    let name = path.file_name().map_or_else(|| source.to_owned(), |name| name.to_string_lossy().into_owned());
    upload(client, &name, media_type(extension.as_deref()), file).await
}

fn unreadable(source: &str, error: &std::io::Error) -> Fail {
    Fail::usage(format!("cannot read the input {source}: {error}"))
}

/// A list gives its elements, an object one item, lines of JSON one item each, anything else a file.
fn understand(source: &str, extension: Option<&str>, bytes: &[u8]) -> Result<Input, Fail> {
    let must_be_json = matches!(extension, Some("json" | "jsonl" | "ndjson"));
    let Ok(text) = std::str::from_utf8(bytes) else {
        return if must_be_json { Err(Fail::usage(format!("{source} is not UTF-8 text"))) } else { Ok(Input::File) };
    };
    let begins_like_json = matches!(text.trim_start().bytes().next(), Some(b'{' | b'['));
    if !must_be_json && !begins_like_json {
        return Ok(Input::File);
    }
    let whole = match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(items)) => return Ok(Input::Items(items)),
        Ok(other) => return Ok(Input::Items(vec![other])),
        Err(error) => error,
    };
    let mut items = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match serde_json::from_str(line) {
            Ok(value) => items.push(value),
            Err(_) if !must_be_json => return Ok(Input::File),
            // One line of JSON before this one: it is a list of lines, and this line is wrong.
            Err(error) if !items.is_empty() => {
                return Err(Fail::usage(format!("{source}:{}:{}: {}", number + 1, error.column(), reason(&error))));
            }
            Err(_) => return Err(not_json(source, &whole)),
        }
    }
    Ok(Input::Items(items))
}

/// A file that should be JSON and is not, with line and column.
pub(crate) fn not_json(source: &str, error: &serde_json::Error) -> Fail {
    Fail::usage(format!("{source}:{}:{}: {}", error.line(), error.column(), reason(error)))
}

/// What serde_json says, without the place, which is shown before it.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    // The reader's own bound, so that no text can exhaust the stack.
    if reason == "recursion limit exceeded" {
        "it is nested deeper than 127 levels".to_owned()
    } else {
        reason.to_owned()
    }
}

fn spill(bytes: &[u8]) -> Result<tokio::fs::File, Fail> {
    use std::io::{Seek as _, Write as _};
    let fail = |error: std::io::Error| Fail::because("cannot keep the input in memory", &error);
    let memory = rustix::fs::memfd_create("flowork input", rustix::fs::MemfdFlags::CLOEXEC)
        .map_err(|error| fail(error.into()))?;
    let mut file = std::fs::File::from(memory);
    file.write_all(bytes).and_then(|()| file.rewind()).map_err(fail)?;
    Ok(tokio::fs::File::from_std(file))
}

async fn upload(client: &Client, name: &str, media_type: &str, file: tokio::fs::File) -> Result<Vec<Value>, Fail> {
    let kept = client.upload(name, media_type, file).await?;
    let size = kept["size"].clone();
    Ok(vec![json!({ "json": { "name": name, "size": size }, "files": { "file": kept } })])
}

fn media_type(extension: Option<&str>) -> &'static str {
    match extension {
        Some("csv") => "text/csv",
        Some("txt" | "log" | "md") => "text/plain",
        Some("html" | "htm") => "text/html",
        Some("xml") => "application/xml",
        Some("pdf") => "application/pdf",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gz") => "application/gzip",
        Some("zip") => "application/zip",
        _ => "application/octet-stream",
    }
}

/// `name=value` pairs. A value that is JSON counts as such, any other is a text.
pub(crate) fn variables(pairs: &[String]) -> Result<BTreeMap<String, Value>, Fail> {
    pairs
        .iter()
        .map(|pair| {
            let (name, value) = pair.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
                Fail::usage(format!("`{pair}` is not a variable")).hint("write it like --var name=value")
            })?;
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
            Ok((name.to_owned(), value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(extension: Option<&str>, text: &str, expect: Input) {
        assert_eq!(understand("x", extension, text.as_bytes()).unwrap(), expect, "{text}");
    }

    #[test]
    fn lists_objects_and_lines_of_json_become_items_and_the_rest_a_file() {
        check(None, "[1, {\"a\": 2}]", Input::Items(vec![json!(1), json!({ "a": 2 })]));
        check(None, " {\"a\": 1}", Input::Items(vec![json!({ "a": 1 })]));
        check(Some("jsonl"), "{\"a\": 1}\n\n{\"a\": 2}\n", Input::Items(vec![json!({ "a": 1 }), json!({ "a": 2 })]));
        check(Some("csv"), "a,b\n1,2\n", Input::File);
        check(None, "[not json\n", Input::File);
        check(None, "7", Input::File);
        assert_eq!(understand("x", None, &[0xff, 0x00]).unwrap(), Input::File);
    }

    #[test]
    fn a_json_file_that_is_not_json_is_told_by_line_and_column() {
        let told = |text: &str| understand("in.json", Some("json"), text.as_bytes()).unwrap_err().message;
        assert!(told("{\n  \"a\": ,\n}").starts_with("in.json:2:8: expected value"), "{}", told("{\n  \"a\": ,\n}"));
        assert!(told("{\"a\":1}\n{\"a\":x}").starts_with("in.json:2:6: "), "{}", told("{\"a\":1}\n{\"a\":x}"));
    }

    #[test]
    fn a_variable_is_json_where_it_can_be() {
        let pairs = ["n=3", "text=a=b", "list=[1]", "empty="].map(str::to_owned);
        let read = variables(&pairs).unwrap();
        assert_eq!(read["n"], json!(3));
        assert_eq!(read["text"], json!("a=b"));
        assert_eq!(read["list"], json!([1]));
        assert_eq!(read["empty"], json!(""));
        assert!(variables(&["x".to_owned()]).is_err());
    }
}
