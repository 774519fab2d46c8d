//! Reads CSV.

use std::collections::BTreeMap;
use std::sync::Arc;

use flowork_ports::component::{Call, Output, Yield};
use flowork_protocol::check::ConfigProblem;
use flowork_protocol::{Failure, Item};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value, json};

use crate::dotted::Pick;
use crate::expression::Session;
use crate::files;
use crate::kind::{Made, kind};
use crate::pairs::Paired;

/// The largest CSV that is read, in bytes.
const CSV_BYTES_MAX: u64 = 256 << 20;
/// How much of a bad row is shown.
const ROW_SHOWN_MAX: usize = 500;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The field that holds the text, or an expression that gives it.
    #[serde(default)]
    from: Option<Pick>,
    /// The name of the file that travels with the item, instead of `from`.
    #[serde(default)]
    file: Option<String>,
    /// What stands between values: one character, or `\t`.
    #[serde(default = "comma")]
    #[schemars(length(min = 1, max = 2))]
    delimiter: String,
    /// Whether the first row names the columns.
    #[serde(default = "yes")]
    header: bool,
    /// Names of the columns, when no row does, or instead of it.
    #[serde(default)]
    columns: Vec<String>,
    /// Whether blanks around values are cut off.
    #[serde(default = "yes")]
    trim: bool,
    /// What the values of a column must be; a row with another value is bad. Columns that are not named here are text.
    #[serde(default)]
    types: BTreeMap<String, Sort>,
    /// Columns that must not be empty; a row where one is, is bad.
    #[serde(default)]
    required: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Sort {
    /// Any text.
    Text,
    /// A number.
    Number,
    /// A number without a fraction.
    Whole,
    /// `true` or `false`, also as yes/no and 1/0.
    Boolean,
    /// A date as `2026-01-31`.
    Date,
}

fn comma() -> String {
    ",".to_owned()
}

const fn yes() -> bool {
    true
}

pub(super) fn component() -> Made {
    kind::<Config>(
        "csv-parse",
        "Read CSV",
        "Makes an item of each row of a CSV, and sorts out bad rows.",
        "Files and formats",
        DOCS,
    )
    .outputs(&[("out", "The good rows."), ("bad", "The bad rows: `line`, `reason`, `row`.")])
    .check_by(check)
    .example(
        "One bad row",
        json!({ "from": "text", "types": { "amount": "number" } }),
        json!({ "in": [{ "text": "name,amount\nTea,2.5\nMilk,cheap\n\"Rice, long\",3\n" }] }),
        json!({
            "out": [{ "name": "Tea", "amount": 2.5 }, { "name": "Rice, long", "amount": 3 }],
            "bad": [{ "line": 3, "reason": "`amount` is \"cheap\", not a number", "row": ["Milk", "cheap"] }],
        }),
    )
    .later(|config, call| async move { run(&config, &call).await })
}

fn check(config: &Config) -> Vec<ConfigProblem> {
    let problem = |place: &str, message: &str, suggestion: &str| ConfigProblem {
        place: place.to_owned(),
        message: message.to_owned(),
        suggestion: Some(suggestion.to_owned()),
    };
    let mut found = Vec::new();
    if delimiter(&config.delimiter).is_none() {
        found.push(problem("/delimiter", "it is not one ASCII character", "write such as `,`, `;` or `\\t`"));
    }
    if config.from.is_some() && config.file.is_some() {
        found.push(problem("/file", "both `from` and `file` say where the CSV is", "keep one of them"));
    }
    if !config.header && config.columns.is_empty() {
        found.push(problem("/columns", "nothing names the columns", "add `columns`, or set `header` to true"));
    }
    found
}

pub(super) fn delimiter(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [one] if one.is_ascii() && !b"\"\r\n".contains(one) => Some(*one),
        b"\\t" => Some(b'\t'),
        _ => None,
    }
}

async fn run(config: &Arc<Config>, call: &Call) -> Result<Yield, Failure> {
    let (mut good, mut bad) = (Paired::default(), Paired::default());
    for (index, item) in call.input("in").iter().enumerate() {
        let text = match &config.file {
            Some(name) => from_file(call, item, name).await,
            None => from_field(config, call, index),
        };
        let bytes = text.map_err(|failure| failure.item(index))?;
        let read = Arc::clone(config);
        let rows = files::blocking(move || rows(&read, &bytes)).await.map_err(|failure| failure.item(index))?;
        for row in rows {
            match row {
                Ok(json) => good.push_json(json, index),
                Err(json) => bad.push_json(json, index),
            }
        }
    }
    let note = (!bad.is_empty()).then(|| format!("{} good rows, {} bad rows", good.len(), bad.len()));
    let mut output = bad.on(good.on(Output::default(), "out"), "bad");
    output.note = note;
    Ok(Yield::Output(output))
}

fn from_field(config: &Config, call: &Call, index: usize) -> Result<Vec<u8>, Failure> {
    let session = Session::new(call);
    let missing = || {
        Failure::new("csv-missing", "the item has no CSV text")
            .place("config.from")
            .hint("name its field with `from`, or a file of the item with `file`")
    };
    let item: &Item = call.input("in").get(index).ok_or_else(missing)?;
    let text = match &config.from {
        Some(from) => from.of(item, &session.at(index))?,
        None => item.json.get("text").map(std::borrow::Cow::Borrowed),
    };
    text.as_deref().and_then(Value::as_str).map(|text| text.as_bytes().to_vec()).ok_or_else(missing)
}

async fn from_file(call: &Call, item: &Item, name: &str) -> Result<Vec<u8>, Failure> {
    let Some(file) = item.files.get(name) else {
        return Err(Failure::new("file-not-there", format!("the item has no file `{name}`"))
            .place("config.file")
            .hint("name a file that the item carries"));
    };
    if file.size > CSV_BYTES_MAX {
        return Err(Failure::new(
            "csv-too-large",
            format!("{} has {} bytes; {CSV_BYTES_MAX} can be read at once", file.name, file.size),
        )
        .hint("split the file first, or use a script step that streams it"));
    }
    call.blobs.get(file.blob).await.map(|bytes| bytes.to_vec()).map_err(|error| files::blob_failed(&error))
}

/// Good rows as objects, bad rows as reports, in the order of the file.
fn rows(config: &Config, bytes: &[u8]) -> Result<Vec<Result<Value, Value>>, Failure> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(&config.delimiter).unwrap_or(b','))
        .has_headers(false)
        .flexible(true)
        .trim(if config.trim { csv::Trim::All } else { csv::Trim::None })
        .from_reader(bytes);
    let mut columns: Vec<String> = config.columns.clone();
    let mut record = csv::ByteRecord::new();
    let mut found = Vec::new();
    let mut skip_header = config.header;
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(false) => return Ok(found),
            Ok(true) => {}
            Err(error) => {
                return Err(
                    Failure::new("csv-broken", format!("the CSV cannot be read: {error}")).hint("check the delimiter")
                );
            }
        }
        let line = record.position().map_or(0, csv::Position::line);
        if skip_header {
            skip_header = false;
            if columns.is_empty() {
                columns = record.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
                unique_names(&mut columns);
            }
            continue;
        }
        found.push(row(config, &columns, &record).map_err(|reason| bad(line, &reason, &record)));
    }
}

/// Two columns of one name would hide each other.
fn unique_names(columns: &mut [String]) {
    for at in 0..columns.len() {
        if columns[at].is_empty() {
            columns[at] = format!("column_{}", at + 1);
        }
        let mut number = 2;
        let name = columns[at].clone();
        while columns[..at].contains(&columns[at]) {
            columns[at] = format!("{name}_{number}");
            number += 1;
        }
    }
}

fn bad(line: u64, reason: &str, record: &csv::ByteRecord) -> Value {
    let row: Vec<String> =
        record.iter().map(|value| String::from_utf8_lossy(value).chars().take(ROW_SHOWN_MAX).collect()).collect();
    json!({ "line": line, "reason": reason, "row": row })
}

fn row(config: &Config, columns: &[String], record: &csv::ByteRecord) -> Result<Value, String> {
    if record.len() != columns.len() {
        return Err(format!("{} values where {} columns are", record.len(), columns.len()));
    }
    let mut json = Map::new();
    for (name, value) in columns.iter().zip(record) {
        let text = std::str::from_utf8(value).map_err(|_| format!("`{name}` is not UTF-8 text"))?;
        if text.is_empty() && config.required.contains(name) {
            return Err(format!("`{name}` is empty"));
        }
        let sort = config.types.get(name).copied().unwrap_or(Sort::Text);
        let value = if text.is_empty() && sort != Sort::Text { Value::Null } else { typed(sort, name, text)? };
        json.insert(name.clone(), value);
    }
    if let Some(name) = config.required.iter().find(|name| !columns.contains(name)) {
        return Err(format!("there is no column `{name}`"));
    }
    Ok(Value::Object(json))
}

fn typed(sort: Sort, name: &str, text: &str) -> Result<Value, String> {
    let wrong = |wanted: &str| format!("`{name}` is {text:?}, not {wanted}");
    Ok(match sort {
        Sort::Text => Value::String(text.to_owned()),
        Sort::Whole => Value::from(text.parse::<i64>().map_err(|_| wrong("a whole number"))?),
        Sort::Number => match text.parse::<i64>() {
            Ok(whole) => Value::from(whole),
            Err(_) => {
                let double = text.parse::<f64>().ok().filter(|_| text.contains(|letter: char| letter.is_ascii_digit()));
                double.and_then(Number::from_f64).map(Value::Number).ok_or_else(|| wrong("a number"))?
            }
        },
        Sort::Boolean => match text.to_lowercase().as_str() {
            "true" | "yes" | "1" => Value::Bool(true),
            "false" | "no" | "0" => Value::Bool(false),
            _ => return Err(wrong("true or false")),
        },
        Sort::Date => {
            let date: jiff::civil::Date = text.parse().map_err(|_| wrong("a date such as 2026-01-31"))?;
            Value::String(date.to_string())
        }
    })
}

const DOCS: &str = "The CSV is the text of field `from` (`text` unless said) or the item's file `file`. Each row becomes an item with the \
columns as fields; values are text unless `types` says otherwise, and an empty value of another type is null.

A row goes out of `bad`, with its line, the reason and its values, when it has too few or too many values, is not UTF-8, has \
a value that is not of its type, or lacks one that is `required`. The other rows go on.";
