//! Writes CSV.

use std::sync::Arc;

use flowork_ports::component::{Call, Output, Yield};
use flowork_protocol::check::ConfigProblem;
use flowork_protocol::event::Pairing;
use flowork_protocol::{BlobRef, Failure, Item};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::csv_parse::delimiter;
use crate::dotted::Dotted;
use crate::expression::text_of;
use crate::files;
use crate::kind::{Made, kind};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The fields, in order, such as `customer.name`. Without any, all fields of all items.
    #[serde(default)]
    columns: Vec<Dotted>,
    /// What stands between values: one character, or `\t`.
    #[serde(default = "comma")]
    #[schemars(length(min = 1, max = 2))]
    delimiter: String,
    /// Whether the first row names the columns.
    #[serde(default = "yes")]
    header: bool,
    /// Where the CSV goes.
    #[serde(default)]
    to: To,
    /// File: the name that people see.
    #[serde(default = "name")]
    file_name: String,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum To {
    /// The field `text` of one item.
    #[default]
    Text,
    /// The file `data` of one item.
    File,
}

fn comma() -> String {
    ",".to_owned()
}

const fn yes() -> bool {
    true
}

fn name() -> String {
    "data.csv".to_owned()
}

pub(super) fn component() -> Made {
    kind::<Config>("csv-write", "Write CSV", "Makes one CSV of all items.", "Files and formats", DOCS)
        .check_by(|config| {
            if delimiter(&config.delimiter).is_some() {
                return Vec::new();
            }
            vec![ConfigProblem {
                place: "/delimiter".to_owned(),
                message: "it is not one ASCII character".to_owned(),
                suggestion: Some("write such as `,`, `;` or `\\t`".to_owned()),
            }]
        })
        .example(
            "Two rows",
            json!({}),
            json!({ "in": [{ "name": "Tea, green", "amount": 2.5 }, { "name": "Rice", "organic": true }] }),
            json!({ "out": [{ "text": "name,amount,organic\n\"Tea, green\",2.5,\nRice,,true\n", "rows": 2 }] }),
        )
        .later(|config, call| async move { run(&config, &call).await })
}

async fn run(config: &Config, call: &Call) -> Result<Yield, Failure> {
    let items = call.input("in");
    let bytes = written(config, items)?;
    let first = if items.is_empty() { u32::MAX } else { 0 };
    let mut item = Item::json(json!({ "rows": items.len() }));
    match config.to {
        To::Text => {
            let text = String::from_utf8(bytes)
                .map_err(|error| Failure::new("csv-write", format!("the CSV is not text: {error}")))?;
            item.json = json!({ "text": text, "rows": items.len() });
        }
        To::File => {
            let size = bytes.len() as u64;
            let blob = call.blobs.put_bytes(bytes.into()).await.map_err(|error| files::blob_failed(&error))?;
            let file = BlobRef { blob, size, name: config.file_name.clone(), media_type: Some("text/csv".to_owned()) };
            item.files.insert("data".to_owned(), file);
        }
    }
    Ok(Yield::Output(Output::out(vec![Arc::new(item)], Pairing::Each(vec![first]))))
}

fn written(config: &Config, items: &[Arc<Item>]) -> Result<Vec<u8>, Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::new("csv-write", format!("the CSV cannot be written: {error}"));
    let mut writer =
        csv::WriterBuilder::new().delimiter(delimiter(&config.delimiter).unwrap_or(b',')).from_writer(Vec::new());
    let columns = if config.columns.is_empty() { columns_of(items) } else { config.columns.clone() };
    if config.header {
        writer.write_record(columns.iter().map(Dotted::text)).map_err(|error| failed(&error))?;
    }
    for (index, item) in items.iter().enumerate() {
        let row = columns.iter().map(|column| column.get(&item.json).map(text_of).unwrap_or_default());
        writer.write_record(row).map_err(|error| failed(&error).item(index))?;
    }
    writer.into_inner().map_err(|error| failed(&error))
}

/// All fields of all items, in the order in which they first appear.
fn columns_of(items: &[Arc<Item>]) -> Vec<Dotted> {
    let mut seen = std::collections::HashSet::new();
    let mut columns = Vec::new();
    for item in items {
        for name in item.json.as_object().into_iter().flat_map(|map: &serde_json::Map<String, Value>| map.keys()) {
            if seen.insert(name.as_str()) {
                columns.push(Dotted::key(name));
            }
        }
    }
    columns
}

const DOCS: &str = "Gives one item with the CSV as `text`, or as a file under the name `data`, and the number of `rows`. Values that are \
objects or lists are written as JSON. Put a **write-file** behind it to keep it.";
