//! From what a script gave to items: wrapping, files, pairs, ports.

use std::collections::BTreeMap;
use std::sync::Arc;

use flowork_ports::Blobs;
use flowork_ports::component::{Given as GivenPort, Output};
use flowork_protocol::event::Pairing;
use flowork_protocol::item::ITEM_JSON_BYTES_MAX;
use flowork_protocol::{BlobRef, Failure, Item};
use serde_json::{Map, Value, json};

use crate::config::{Mode, Parse};
use crate::folder::{Folder, Given};
use crate::frame::Gave;

/// What turns a script's values into items.
pub(crate) struct Collector<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) given: &'a Given,
    pub(crate) blobs: &'a dyn Blobs,
    pub(crate) file_bytes_max: u64,
    pub(crate) outputs: &'a [String],
    /// PHP cannot tell `{}` from `[]`.
    pub(crate) empty_list_is_object: bool,
}

/// The items of one port with the input item of each.
#[derive(Default)]
struct Port {
    items: Vec<Arc<Item>>,
    from: Vec<u32>,
}

const NOT_KNOWN: u32 = u32::MAX;

impl Collector<'_> {
    /// The output of one call. In mode each, the values are one for each of `items_in` items.
    pub(crate) async fn collect(
        &self, gave: Gave, stdout: Vec<Value>, mode: Mode, items_in: usize,
    ) -> Result<Output, Failure> {
        let mut ports: BTreeMap<String, Port> = BTreeMap::new();
        for (index, value) in gave.values.into_iter().enumerate() {
            let from = if mode == Mode::Each { u32::try_from(index).unwrap_or(NOT_KNOWN) } else { NOT_KNOWN };
            self.add(ports.entry("out".to_owned()).or_default(), value, from).await?;
        }
        for (name, values) in gave.ports {
            if name != "out" && !self.outputs.contains(&name) {
                return Err(unknown_output(&name, self.outputs));
            }
            let port = ports.entry(name).or_default();
            for (at, value) in values {
                self.add(port, value, at.filter(|_| mode == Mode::Each).unwrap_or(NOT_KNOWN)).await?;
            }
        }
        for value in stdout {
            self.add(ports.entry("out".to_owned()).or_default(), value, NOT_KNOWN).await?;
        }
        let ports = ports.into_iter().map(|(name, port)| (name, port.finish(mode, items_in))).collect();
        Ok(Output { ports, ..Output::default() })
    }

    async fn add(&self, port: &mut Port, value: Value, from: u32) -> Result<(), Failure> {
        match value {
            Value::Null => Ok(()),
            Value::Array(values) => {
                for value in values {
                    self.add_one(port, value, from).await?;
                }
                Ok(())
            }
            one => self.add_one(port, one, from).await,
        }
    }

    async fn add_one(&self, port: &mut Port, value: Value, from: u32) -> Result<(), Failure> {
        let index = port.items.len();
        let item = self.item(value).await.map_err(|failure| failure.place(format!("returned item {index}")))?;
        port.items.push(Arc::new(item));
        port.from.push(from);
        Ok(())
    }

    async fn item(&self, value: Value) -> Result<Item, Failure> {
        let (data, files) = match value {
            Value::Object(mut object) if is_item(&object) => {
                (object.remove("json").unwrap_or_else(|| json!({})), object.remove("files"))
            }
            other => (other, None),
        };
        let data = match data {
            Value::Object(object) => Value::Object(object),
            Value::Array(list) if list.is_empty() && self.empty_list_is_object => json!({}),
            other => json!({ "value": other }),
        };
        let size = serde_json::to_vec(&data).map_or(0, |text| text.len());
        if size > ITEM_JSON_BYTES_MAX {
            return Err(Failure::new(
                "item-too-large",
                format!("an item has {size} bytes of JSON; {ITEM_JSON_BYTES_MAX} is the most"),
            )
            .hint("write the data into a file below `out/` and attach it to the item as a file"));
        }
        let mut item = Item::json(data);
        match files {
            None | Some(Value::Null) => {}
            Some(Value::Array(list)) if list.is_empty() => {}
            Some(Value::Object(files)) => {
                for (name, file) in files {
                    let blob = self.file(&name, &file).await?;
                    item.files.insert(name, blob);
                }
            }
            Some(_) => return Err(not_a_file("files", "`files` must be an object: name → path")),
        }
        Ok(item)
    }

    async fn file(&self, name: &str, file: &Value) -> Result<BlobRef, Failure> {
        let text = |key: &str| file.get(key).and_then(Value::as_str);
        let path = file.as_str().or_else(|| text("path")).ok_or_else(|| not_a_file(name, "there is no path"))?;
        if let Some(blob) = self.given.get(path) {
            return Ok(blob.clone());
        }
        let relative =
            self.folder.relative(path).ok_or_else(|| not_a_file(name, "it lies outside the script's own folder"))?;
        let opened = self.folder.open(&relative).or_else(|error| {
            // `report.csv` is understood as `out/report.csv`.
            self.folder.open(&std::path::Path::new("out").join(&relative)).map_err(|_| error)
        });
        let opened = opened.map_err(|error| not_a_file(name, &error.to_string()))?;
        let stream = Box::pin(tokio::fs::File::from_std(std::fs::File::from(opened)));
        let (blob, size) = self
            .blobs
            .put(stream, self.file_bytes_max)
            .await
            .map_err(|error| Failure::new("script-files", format!("the file `{name}` cannot be kept: {error}")))?;
        let shown = text("name").map_or_else(|| file_name(&relative), str::to_owned);
        let media_type = text("media_type").map(str::to_owned).or_else(|| media_type(&shown));
        Ok(BlobRef { blob, size, name: shown, media_type })
    }
}

impl Port {
    fn finish(self, mode: Mode, items_in: usize) -> GivenPort {
        let identity = |(index, from): (usize, &u32)| u32::try_from(index).is_ok_and(|index| index == *from);
        let pairs = if mode == Mode::Each && self.from.iter().any(|from| *from != NOT_KNOWN) {
            if self.from.iter().enumerate().all(identity) { Pairing::Same } else { Pairing::Each(self.from) }
        } else if mode == Mode::All && self.items.len() == items_in && items_in > 0 {
            // As many out as in: taken as one for one, as the docs say.
            Pairing::Same
        } else {
            Pairing::None
        };
        GivenPort { items: self.items, pairs }
    }
}

/// An object counts as a whole item when it has `json` or `files` and nothing else.
fn is_item(object: &Map<String, Value>) -> bool {
    !object.is_empty() && object.keys().all(|key| key == "json" || key == "files")
}

fn not_a_file(name: &str, why: &str) -> Failure {
    Failure::new("script-files", format!("the file `{name}` cannot be attached: {why}"))
        .hint("write it below `out/` in the script's own folder, and name that path")
}

fn unknown_output(name: &str, outputs: &[String]) -> Failure {
    let known: Vec<_> = std::iter::once("out").chain(outputs.iter().map(String::as_str)).collect();
    Failure::new("script-output-unknown", format!("the script gave items to `{name}`, and the step has no such output"))
        .hint(format!("add \"{name}\" to `outputs` in the step's config, or use one of: {}", known.join(", ")))
        .place("config.outputs")
}

fn file_name(path: &std::path::Path) -> String {
    path.file_name().map_or_else(|| "file".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn media_type(name: &str) -> Option<String> {
    let known = match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
        "csv" => "text/csv",
        "txt" | "log" => "text/plain",
        "md" => "text/markdown",
        "html" | "htm" => "text/html",
        "json" => "application/json",
        "xml" => "application/xml",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "gz" => "application/gzip",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "svg" => "image/svg+xml",
        _ => return None,
    };
    Some(known.to_owned())
}

/// What stdout holds as values, one for each item.
pub(crate) fn parse_stdout(bytes: &[u8], parse: Parse) -> Result<Vec<Value>, Failure> {
    let text = String::from_utf8_lossy(bytes);
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    let as_lines = || text.lines().map(|line| json!({ "line": line })).collect();
    match parse {
        Parse::Text if text.is_empty() => Ok(Vec::new()),
        Parse::Text => Ok(vec![json!({ "text": text })]),
        Parse::Lines => Ok(as_lines()),
        // A bare number is valid JSON and rarely meant as such: auto takes objects and lists alone.
        Parse::Auto => {
            let values: Option<Vec<Value>> = lines()
                .map(|line| {
                    serde_json::from_str::<Value>(line).ok().filter(|value| value.is_object() || value.is_array())
                })
                .collect();
            Ok(values.unwrap_or_else(as_lines))
        }
        Parse::Json => text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(number, line)| {
                serde_json::from_str(line).map_err(|error| {
                    Failure::new("script-result", format!("line {} of stdout is not JSON: {error}", number + 1))
                        .hint("print one JSON value per line, or set `parse` to `lines` or `text`")
                })
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stdout_becomes_items_when_every_line_is_json_and_lines_otherwise() {
        let check = |text: &str, parse, expect: Value| {
            assert_eq!(parse_stdout(text.as_bytes(), parse).map(Value::from), Ok(expect));
        };
        check("{\"a\":1}\n\n{\"a\":2}\n", Parse::Auto, json!([{ "a": 1 }, { "a": 2 }]));
        check("{\"a\":1}\nhello\n", Parse::Auto, json!([{ "line": "{\"a\":1}" }, { "line": "hello" }]));
        check("42\n", Parse::Auto, json!([{ "line": "42" }]));
        check("42\n", Parse::Json, json!([42]));
        check("a\nb", Parse::Text, json!([{ "text": "a\nb" }]));
        check("", Parse::Auto, json!([]));
    }
}
