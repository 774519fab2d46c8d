//! Writes a file of this machine.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flowork_ports::component::{Call, Output, Yield};
use flowork_protocol::event::Pairing;
use flowork_protocol::manifest::{Effect, Permissions};
use flowork_protocol::{Failure, Item};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

use super::Options;
use crate::config::Field;
use crate::expression::{Session, text_of};
use crate::files;
use crate::kind::{Made, kind};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Which file: an absolute path, `~/…`, or a path in the node's files folder.
    path: Field<String>,
    /// What is written.
    #[serde(default)]
    what: What,
    /// Text and lines: the text of each item.
    #[serde(default = "text_field")]
    text: Field<Value>,
    /// File: the name of the file that travels with the item.
    #[serde(default = "data")]
    name: String,
    /// What happens when the file is there already.
    #[serde(default)]
    mode: Mode,
    /// Whether folders on the way are made.
    #[serde(default)]
    create_folders: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum What {
    /// The text of each item, one file per path.
    #[default]
    Text,
    /// All items as one JSON list.
    Json,
    /// A line for each item, all in one file.
    Lines,
    /// The file that travels with each item.
    File,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    /// It is replaced, all at once.
    #[default]
    Overwrite,
    /// What is new goes to its end.
    Append,
    /// That is an error.
    Create,
}

fn text_field() -> Field<Value> {
    Field::expression("$json.text")
}

fn data() -> String {
    "data".to_owned()
}

pub(super) fn component(options: &Arc<Options>) -> Made {
    let options = Arc::clone(options);
    kind::<Config>("write-file", "Write file", "Writes a file on this machine.", "Files and formats", DOCS)
        .effect(Effect::External)
        .knows_dry_run()
        .permissions(Permissions { paths_from_config: true, ..Permissions::default() })
        .example(
            "A report",
            json!({ "path": "report.md", "text": "# {{ $json.title }}\n" }),
            json!({ "in": [{ "title": "Week 7" }] }),
            json!({}),
        )
        .later(move |config, call| {
            let options = Arc::clone(&options);
            async move { run(&config, &call, &options).await }
        })
}

/// One file to write: where, what, and for which item.
struct Job {
    path: PathBuf,
    content: Content,
    item: usize,
}

enum Content {
    Bytes(Vec<u8>),
    Blob(flowork_protocol::BlobRef),
}

async fn run(config: &Config, call: &Call, options: &Arc<Options>) -> Result<Yield, Failure> {
    let jobs = jobs(config, call, options)?;
    let items = call.input("in");
    let mut done: Vec<Arc<Item>> = items.to_vec();
    let mut notes = Vec::new();
    for job in jobs {
        let shown = job.path.display().to_string();
        let size = match &job.content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Blob(file) => file.size,
        };
        notes.push(format!("{size} bytes to {shown}"));
        if !call.dry_run {
            let index = job.item;
            write(config, call, job, options).await.map_err(|failure| failure.item(index))?;
            note_path(&mut done, index, &shown, size);
        }
    }
    const SHOWN_MAX: usize = 3;
    let more = notes.len().saturating_sub(SHOWN_MAX);
    notes.truncate(SHOWN_MAX);
    let mut note = notes.join(", ");
    if more > 0 {
        note.push_str(&format!(" and {more} more"));
    }
    let said = if call.dry_run { format!("dry run: would have written {note}") } else { format!("wrote {note}") };
    Ok(Yield::Output(Output::out(done, Pairing::Same).note(said)))
}

/// Items that are objects learn where they were written.
fn note_path(items: &mut [Arc<Item>], index: usize, path: &str, size: u64) {
    if let Some(slot) = items.get_mut(index) {
        let mut item = Item::clone(slot);
        if let Value::Object(map) = &mut item.json {
            map.insert("path".to_owned(), Value::String(path.to_owned()));
            map.insert("size".to_owned(), Value::from(size));
            *slot = Arc::new(item);
        }
    }
}

fn jobs(config: &Config, call: &Call, options: &Options) -> Result<Vec<Job>, Failure> {
    let session = Session::new(call);
    let items = call.input("in");
    let path = |index: usize| {
        let path = config.path.get(&session.at(index))?;
        files::resolve(&path, options).map_err(|failure| failure.item(index))
    };
    let text = |index: usize| {
        let value = config.text.value(&session.at(index))?;
        value.as_ref().map(text_of).ok_or_else(|| {
            Failure::new("write-nothing", "the item has no text to write")
                .place("config.text")
                .item(index)
                .hint("say what to write with `text`, such as \"{{ $json.message }}\"")
        })
    };
    let mut jobs: Vec<Job> = Vec::new();
    match config.what {
        What::Text => {
            for index in 0..items.len() {
                jobs.push(Job { path: path(index)?, content: Content::Bytes(text(index)?.into_bytes()), item: index });
            }
        }
        What::Json => {
            let values: Vec<&Value> = items.iter().map(|item| &item.json).collect();
            let mut bytes =
                serde_json::to_vec_pretty(&values).map_err(|error| Failure::new("json-write", error.to_string()))?;
            bytes.push(b'\n');
            jobs.push(Job { path: path(0)?, content: Content::Bytes(bytes), item: 0 });
        }
        What::Lines => {
            let mut bytes = Vec::new();
            for index in 0..items.len() {
                bytes.extend_from_slice(text(index)?.as_bytes());
                bytes.push(b'\n');
            }
            jobs.push(Job { path: path(0)?, content: Content::Bytes(bytes), item: 0 });
        }
        What::File => {
            for (index, item) in items.iter().enumerate() {
                let Some(file) = item.files.get(&config.name) else {
                    return Err(Failure::new("file-not-there", format!("the item has no file `{}`", config.name))
                        .place("config.name")
                        .item(index)
                        .hint("name a file that the item carries"));
                };
                jobs.push(Job { path: path(index)?, content: Content::Blob(file.clone()), item: index });
            }
        }
    }
    Ok(jobs)
}

async fn write(config: &Config, call: &Call, job: Job, options: &Arc<Options>) -> Result<(), Failure> {
    let options = Arc::clone(options);
    let how = How { mode: config.mode, folders: config.create_folders };
    let path = job.path.clone();
    match job.content {
        Content::Bytes(bytes) => files::blocking(move || put(&path, how, &options, &mut bytes.as_slice())).await,
        Content::Blob(file) => {
            // The blob's own file is read where it may block; its bytes never pass through memory as a whole.
            let source = call.blobs.path(file.blob).await.map_err(|error| files::blob_failed(&error));
            match source {
                Ok(source) => {
                    files::blocking(move || {
                        let mut from = File::open(&source).map_err(|error| files::failed("read", &source, &error))?;
                        put(&path, how, &options, &mut from)
                    })
                    .await
                }
                Err(_) => {
                    let (mut stream, size) =
                        call.blobs.open(file.blob).await.map_err(|error| files::blob_failed(&error))?;
                    let mut bytes = Vec::with_capacity(usize::try_from(size.min(1 << 20)).unwrap_or(0));
                    stream
                        .read_to_end(&mut bytes)
                        .await
                        .map_err(|error| Failure::new("blob-failed", format!("the file cannot be read: {error}")))?;
                    files::blocking(move || put(&path, how, &options, &mut bytes.as_slice())).await
                }
            }
        }
    }
}

/// How a file is written.
#[derive(Clone, Copy)]
struct How {
    mode: Mode,
    folders: bool,
}

fn put(
    path: &Path, How { mode, folders }: How, options: &Options, from: &mut dyn std::io::Read,
) -> Result<(), Failure> {
    let shown = path.to_owned();
    let failed = |error: &std::io::Error| files::failed("write", &shown, error);
    if folders {
        files::make_folders(path.parent().unwrap_or_else(|| Path::new("/")), options)?;
    }
    let path = files::real_to_write(path, options)?;
    let path = path.as_path();
    let folder = path.parent().unwrap_or_else(|| Path::new("/"));
    if mode == Mode::Append {
        let mut file = OpenOptions::new().append(true).create(true).open(path).map_err(|error| failed(&error))?;
        std::io::copy(from, &mut file).map_err(|error| failed(&error))?;
        return file.sync_all().map_err(|error| failed(&error));
    }
    if path.is_dir() {
        return Err(failed(&std::io::ErrorKind::IsADirectory.into()));
    }
    // A file beside it, then one rename: a reader sees the old content or the new one, never half of it.
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = folder.join(format!(".{name}.{:016x}.part", rand::random::<u64>()));
    let result = write_beside(&beside, path, mode, from);
    if result.is_err() {
        // Nothing to say when the half-written file was never there.
        let _ = fs::remove_file(&beside);
    }
    result.map_err(|error| failed(&error))
}

fn write_beside(beside: &Path, path: &Path, mode: Mode, from: &mut dyn std::io::Read) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(beside)?;
    std::io::copy(from, &mut file)?;
    file.flush()?;
    file.sync_all()?;
    if mode == Mode::Create {
        // A hard link, unlike a rename, never replaces what is there.
        fs::hard_link(beside, path)?;
        fs::remove_file(beside)?;
    } else {
        if let Ok(old) = fs::metadata(path) {
            fs::set_permissions(beside, old.permissions())?;
        }
        fs::rename(beside, path)?;
    }
    File::open(path.parent().unwrap_or_else(|| Path::new("/")))?.sync_all()
}

const DOCS: &str = "- `text`: writes `text` (unless said, field `text`) of each item to its `path`.
- `lines`: a line for each item, all in the file that `path` gives for the first item.
- `json`: all items as one JSON list.
- `file`: the file that travels with each item under `name`.

`overwrite` and `create` write beside the file and then rename, so nobody ever sees half a file. Items pass on, with \
`path` and `size` of what was written. A dry run writes nothing and says what it would have written. The node's own data \
directory cannot be written, apart from its files folder.";
