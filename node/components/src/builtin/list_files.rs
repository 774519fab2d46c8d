//! Lists files of this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flowork_ports::component::{Call, Yield};
use flowork_protocol::Failure;
use flowork_protocol::check::ConfigProblem;
use flowork_protocol::manifest::{Effect, Permissions};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::Options;
use crate::config::Field;
use crate::expression::Session;
use crate::files;
use crate::kind::{Made, kind};
use crate::pairs::Paired;

/// How many files are listed unless the config says otherwise.
const FILES_DEFAULT: u64 = 10_000;
/// How many files may be listed.
const FILES_MAX: u64 = 1_000_000;
/// How deep folders are followed.
const DEPTH_MAX: usize = 128;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Which folder: an absolute path, `~/…`, or a path in the node's files folder; `.` is that folder itself.
    folder: Field<String>,
    /// Names to list, as `*.csv` or `2026/**/*.log`; a name without `/` counts in every folder.
    #[serde(default = "all")]
    #[schemars(length(min = 1, max = 100))]
    patterns: Vec<String>,
    /// Whether folders in it are searched too.
    #[serde(default)]
    recursive: bool,
    /// What is listed.
    #[serde(default)]
    kind: Sort,
    /// How many there may be; more is an error.
    #[serde(default = "most")]
    #[schemars(range(min = 1, max = 1_000_000))]
    max: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Sort {
    /// Files.
    #[default]
    Files,
    /// Folders.
    Folders,
    /// Both.
    Both,
}

fn all() -> Vec<String> {
    vec!["*".to_owned()]
}

const fn most() -> u64 {
    FILES_DEFAULT
}

pub(super) fn component(options: &Arc<Options>) -> Made {
    let options = Arc::clone(options);
    kind::<Config>(
        "list-files",
        "List files",
        "Lists the files of a folder of this machine.",
        "Files and formats",
        DOCS,
    )
    .effect(Effect::Idempotent)
    .permissions(Permissions { paths_from_config: true, ..Permissions::default() })
    .check_by(check)
    .example("All logs", json!({ "folder": "/var/log", "patterns": ["*.log"] }), json!({ "in": [{}] }), json!({}))
    .later(move |config, call| {
        let options = Arc::clone(&options);
        async move { run(&config, &call, &options).await }
    })
}

fn check(config: &Config) -> Vec<ConfigProblem> {
    match globs(&config.patterns) {
        Ok(_) => Vec::new(),
        Err(failure) => {
            vec![ConfigProblem { place: "/patterns".to_owned(), message: failure.message, suggestion: failure.hint }]
        }
    }
}

fn globs(patterns: &[String]) -> Result<GlobSet, Failure> {
    let wrong = |error: &globset::Error| {
        Failure::new("list-pattern", format!("a pattern is none: {error}"))
            .place("config.patterns")
            .hint("write such as `*.csv`, `data-?.json` or `**/*.log`")
    };
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        // A name without a folder counts everywhere.
        let pattern = if pattern.contains('/') { pattern.clone() } else { format!("**/{pattern}") };
        set.add(GlobBuilder::new(&pattern).literal_separator(true).build().map_err(|error| wrong(&error))?);
    }
    set.build().map_err(|error| wrong(&error))
}

async fn run(config: &Arc<Config>, call: &Call, options: &Arc<Options>) -> Result<Yield, Failure> {
    let folders = folders(config, call, options)?;
    let mut done = Paired::default();
    let mut denied = 0;
    for (index, folder) in folders.into_iter().enumerate() {
        let (config, cancel, options) = (Arc::clone(config), call.cancel.clone(), Arc::clone(options));
        let listed = files::blocking(move || list(&config, folder, &options, &cancel)).await;
        let (found, skipped) = listed.map_err(|failure| failure.item(index))?;
        denied += skipped;
        found.into_iter().for_each(|json| done.push_json(json, index));
    }
    let output = done.out();
    Ok(Yield::Output(if denied > 0 { output.note(format!("{denied} folders could not be read")) } else { output }))
}

fn folders(config: &Config, call: &Call, options: &Options) -> Result<Vec<PathBuf>, Failure> {
    let session = Session::new(call);
    (0..call.input("in").len())
        .map(|index| {
            let folder = config.folder.get(&session.at(index))?;
            files::resolve(&folder, options).map_err(|failure| failure.item(index))
        })
        .collect()
}

/// Files in the order of their paths, and how many folders could not be read. Symbolic links are listed as what they
/// lead to but never followed into.
fn list(
    config: &Config, folder: PathBuf, options: &Options, cancel: &CancellationToken,
) -> Result<(Vec<Value>, usize), Failure> {
    files::real("list", &folder, options)?;
    let globs = globs(&config.patterns)?;
    let mut found = Vec::new();
    let mut denied = 0;
    let mut left = vec![(folder.clone(), 0)];
    while let Some((at, depth)) = left.pop() {
        if cancel.is_cancelled() {
            return Err(Failure::new("cancelled", "listing was stopped"));
        }
        let entries = match fs::read_dir(&at) {
            Ok(entries) => entries,
            Err(error) if depth == 0 => return Err(files::failed("list", &at, &error)),
            Err(_) => {
                denied += 1;
                continue;
            }
        };
        for entry in entries.flatten() {
            let Ok(sort) = entry.file_type() else { continue };
            let path = entry.path();
            if (sort.is_dir() || sort.is_symlink())
                && fs::canonicalize(&path).is_ok_and(|real| options.own_folder.holds(&real))
            {
                // The node's own folder is not there for steps.
                continue;
            }
            if sort.is_dir() && config.recursive && depth < DEPTH_MAX {
                left.push((path.clone(), depth + 1));
            }
            let wanted = match config.kind {
                Sort::Files => !sort.is_dir(),
                Sort::Folders => sort.is_dir(),
                Sort::Both => true,
            };
            let inside = path.strip_prefix(&folder).unwrap_or(&path);
            if wanted && globs.is_match(inside) {
                found.extend(described(&path, inside));
            }
            if found.len() as u64 > config.max.min(FILES_MAX) {
                return Err(Failure::new(
                    "list-too-many",
                    format!("there are more than {} such files in {}", config.max, folder.display()),
                )
                .place("config.max")
                .hint("narrow `patterns`, or raise `max`"));
            }
        }
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok((found.into_iter().map(|(_, json)| json).collect(), denied))
}

fn described(path: &Path, inside: &Path) -> Option<(String, Value)> {
    let meta = fs::metadata(path).ok()?;
    let modified =
        meta.modified().ok().and_then(|time| jiff::Timestamp::try_from(time).ok()).map(|time| format!("{time:.3}"));
    let shown = path.display().to_string();
    let json = json!({
        "path": shown,
        "name": path.file_name().map(|name| name.to_string_lossy().into_owned()),
        "inside": inside.display().to_string(),
        "kind": if meta.is_dir() { "folder" } else { "file" },
        "size": meta.len(),
        "modified": modified,
    });
    Some((shown, json))
}

const DOCS: &str = "One item per file: `path`, `name`, `inside` (the path inside the folder), `kind`, `size` in bytes and `modified` (ISO \
time), in the order of paths. Put a **read-file** with `{{ $json.path }}` behind it to read them.

Symbolic links are listed, and never followed into. Folders that the node may not read are counted in the note. The node's own data directory is left out, apart from its \
files folder.";
