//! Reads a file of this machine.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flowork_ports::component::{Call, Yield};
use flowork_protocol::item::ITEM_JSON_BYTES_MAX;
use flowork_protocol::manifest::{Effect, Permissions};
use flowork_protocol::{BlobRef, Failure, Item};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Options;
use crate::config::Field;
use crate::expression::Session;
use crate::files;
use crate::kind::{Made, kind};
use crate::pairs::Paired;

/// The largest file that becomes a blob unless the config says otherwise.
const FILE_BYTES_DEFAULT: u64 = 4 << 30;
/// The largest text that may become one item: what remains is for the other fields.
const TEXT_BYTES_MAX: u64 = (ITEM_JSON_BYTES_MAX - 8_192) as u64;
/// The largest file that is read as JSON with a list in it.
const JSON_BYTES_MAX: u64 = 64 << 20;
/// How many lines become items unless the config says otherwise.
const LINES_DEFAULT: u64 = 100_000;
/// How many lines may become items.
const LINES_MAX: u64 = 1_000_000;
/// How many bytes of lines may become items.
const LINES_BYTES_MAX: usize = 128 << 20;
/// The longest line that is read whole.
const LINE_BYTES_MAX: u64 = 256 << 10;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Which file: an absolute path, `~/…`, or a path in the node's files folder.
    path: Field<String>,
    /// What becomes of it.
    #[serde(default, rename = "as")]
    form: Form,
    /// The name under which the file travels with the item, when it is read as a file.
    #[serde(default = "data")]
    name: String,
    /// Lines: how many to read at most.
    #[serde(default = "lines")]
    #[schemars(range(min = 1, max = 1_000_000))]
    max_lines: u64,
    /// Lines: which ones, when the file has more.
    #[serde(default)]
    keep: Keep,
    /// The largest file that is accepted, in bytes.
    #[serde(default)]
    max_bytes: Option<u64>,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Form {
    /// A text in field `text`, up to 1 MB.
    #[default]
    Text,
    /// One item per line, with `line` and `number`.
    Lines,
    /// The values of a JSON file; a list gives one item each.
    Json,
    /// A file that travels with the item, of any size.
    File,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Keep {
    /// The first ones.
    #[default]
    First,
    /// The last ones.
    Last,
}

fn data() -> String {
    "data".to_owned()
}

const fn lines() -> u64 {
    LINES_DEFAULT
}

pub(super) fn component(options: &Arc<Options>) -> Made {
    let options = Arc::clone(options);
    kind::<Config>("read-file", "Read file", "Reads a file of this machine.", "Files and formats", DOCS)
        .effect(Effect::Idempotent)
        .permissions(Permissions { paths_from_config: true, ..Permissions::default() })
        .example(
            "A log, line by line",
            json!({ "path": "/var/log/dpkg.log", "as": "lines" }),
            json!({ "in": [{}] }),
            json!({}),
        )
        .later(move |config, call| {
            let options = Arc::clone(&options);
            async move { run(&config, &call, &options).await }
        })
}

async fn run(config: &Arc<Config>, call: &Call, options: &Arc<Options>) -> Result<Yield, Failure> {
    let paths = paths(config, call, options)?;
    let mut done = Paired::default();
    for (index, path) in paths.into_iter().enumerate() {
        let read = match config.form {
            Form::File => as_file(config, call, index, &path, options).await.map(|item| vec![item]),
            _ => {
                let (config, options) = (Arc::clone(config), Arc::clone(options));
                files::blocking(move || as_items(&config, &path, &options))
                    .await
                    .map(|items| items.into_iter().map(Arc::new).collect())
            }
        };
        for item in read.map_err(|failure| failure.item(index))? {
            done.push(item, index);
        }
    }
    Ok(Yield::Output(done.out()))
}

fn paths(config: &Config, call: &Call, options: &Options) -> Result<Vec<PathBuf>, Failure> {
    let session = Session::new(call);
    (0..call.input("in").len())
        .map(|index| {
            let path = config.path.get(&session.at(index))?;
            files::resolve(&path, options).map_err(|failure| failure.item(index))
        })
        .collect()
}

fn too_large(path: &Path, size: u64, limit: u64, hint: &str) -> Failure {
    Failure::new("file-too-large", format!("{} has {size} bytes; {limit} are allowed here", path.display()))
        .place("config.path")
        .hint(hint.to_owned())
}

/// Opens a regular file; the size is checked by who reads it.
fn open(path: &Path, options: &Options) -> Result<(File, u64), Failure> {
    // From here on the path without links, so that what is opened is what was looked at.
    let real = files::real("read", path, options)?;
    let meta = std::fs::metadata(&real).map_err(|error| files::failed("read", path, &error))?;
    if meta.is_dir() {
        return Err(files::failed("read", path, &std::io::ErrorKind::IsADirectory.into()));
    }
    if !meta.is_file() {
        return Err(Failure::new("file-special", format!("{} is not a plain file", path.display()))
            .place("config.path")
            .hint("pipes, sockets and devices cannot be read here"));
    }
    let file = File::open(&real).map_err(|error| files::failed("read", path, &error))?;
    Ok((file, meta.len()))
}

async fn as_file(
    config: &Config, call: &Call, index: usize, path: &Path, options: &Arc<Options>,
) -> Result<Arc<Item>, Failure> {
    let limit = config.max_bytes.unwrap_or(FILE_BYTES_DEFAULT);
    let (opened, options) = (path.to_owned(), Arc::clone(options));
    let (file, size) = files::blocking(move || open(&opened, &options)).await?;
    if size > limit {
        return Err(too_large(path, size, limit, "raise `max_bytes`, or choose a smaller file"));
    }
    let stream = Box::pin(tokio::fs::File::from_std(file));
    let (blob, size) = call.blobs.put(stream, limit).await.map_err(|error| files::blob_failed(&error))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let media_type = files::media_type(&name).map(str::to_owned);
    let mut item = call.input("in").get(index).map(|item| Item::clone(item)).unwrap_or_default();
    if let Value::Object(map) = &mut item.json {
        map.insert("path".to_owned(), Value::String(path.display().to_string()));
        map.insert("size".to_owned(), Value::from(size));
    } else {
        item.json = json!({ "path": path.display().to_string(), "size": size });
    }
    item.files.insert(config.name.clone(), BlobRef { blob, size, name, media_type });
    Ok(Arc::new(item))
}

fn as_items(config: &Config, path: &Path, options: &Options) -> Result<Vec<Item>, Failure> {
    let (mut file, size) = open(path, options)?;
    match config.form {
        Form::Lines => as_lines(config, path, file),
        Form::Json => {
            let text =
                read_text(&mut file, path, size, config.max_bytes.unwrap_or(JSON_BYTES_MAX).min(JSON_BYTES_MAX))?;
            let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
                let (line, column) = (error.line(), error.column());
                Failure::new("json-invalid", format!("{} is not JSON at line {line} column {column}", path.display()))
                    .detail(error.to_string())
                    .hint("look at the file there, or read it as text")
            })?;
            Ok(match value {
                Value::Array(values) => values.into_iter().map(Item::json).collect(),
                one => vec![Item::json(one)],
            })
        }
        _ => {
            let text =
                read_text(&mut file, path, size, config.max_bytes.unwrap_or(TEXT_BYTES_MAX).min(TEXT_BYTES_MAX))?;
            Ok(vec![Item::json(json!({ "path": path.display().to_string(), "size": text.len(), "text": text }))])
        }
    }
}

/// Bytes that are not UTF-8 become U+FFFD: logs hold such, and a report is better than none.
fn read_text(file: &mut File, path: &Path, size: u64, limit: u64) -> Result<String, Failure> {
    let hint = "read it as `lines` or as a `file`";
    let mut bytes = Vec::new();
    // Files in /proc say that they are empty, so what counts is what comes.
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| files::failed("read", path, &error))?;
    if bytes.len() as u64 > limit {
        return Err(too_large(path, size.max(limit + 1), limit, hint));
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

fn as_lines(config: &Config, path: &Path, file: File) -> Result<Vec<Item>, Failure> {
    let most = usize::try_from(config.max_lines.min(LINES_MAX)).unwrap_or(usize::MAX);
    let mut reader = BufReader::new(file);
    let mut lines: VecDeque<(u64, String)> = VecDeque::new();
    let (mut number, mut kept_bytes, mut read_bytes) = (0_u64, 0_usize, 0_u64);
    loop {
        let mut bytes = Vec::new();
        let read = (&mut reader)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut bytes)
            .map_err(|error| files::failed("read", path, &error))?;
        if read == 0 {
            break;
        }
        number += 1;
        read_bytes += read as u64;
        if let Some(limit) = config.max_bytes.filter(|limit| read_bytes > *limit) {
            return Err(too_large(path, read_bytes, limit, "raise `max_bytes`, or choose a smaller file"));
        }
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        } else if read as u64 == LINE_BYTES_MAX {
            return Err(Failure::new(
                "file-line-too-long",
                format!("line {number} of {} is longer than {LINE_BYTES_MAX} bytes", path.display()),
            )
            .place("config.as")
            .hint("this is hardly a text of lines; read it as a `file`"));
        }
        let line = String::from_utf8_lossy(&bytes).into_owned();
        if lines.len() >= most {
            if config.keep == Keep::First {
                break;
            }
            kept_bytes -= lines.pop_front().map_or(0, |(_, line)| line.len());
        }
        kept_bytes += line.len();
        lines.push_back((number, line));
        if kept_bytes > LINES_BYTES_MAX {
            return Err(too_large(
                path,
                read_bytes,
                LINES_BYTES_MAX as u64,
                "lower `max_lines`, or read it as a `file`",
            ));
        }
    }
    Ok(lines.into_iter().map(|(number, line)| Item::json(json!({ "line": line, "number": number }))).collect())
}

const DOCS: &str = "Reads one file per item that comes in; `path` may be an expression, such as `{{ $json.path }}`.

- `text`: one item with `text`, `path`, `size`; up to 1 MB.
- `lines`: one item per line with `line` and `number`; the first or last `max_lines`.
- `json`: the values; a list gives one item each; up to 64 MB.
- `file`: the file travels with the item under `name`, of any size.

The node's own data directory cannot be read, apart from its files folder. Bytes that are not UTF-8 show as `\u{fffd}`.";
