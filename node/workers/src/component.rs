//! The six components.

use std::sync::Arc;

use async_trait::async_trait;
use flowork_ports::component::{Body, Call, Output, RunLater, StepContext, Yield};
use flowork_ports::{Component, OwnFolder};
use flowork_protocol::Failure;
use flowork_protocol::check::ConfigProblem;
use flowork_protocol::event::Pairing;
use flowork_protocol::manifest::{Effect, Example, Kind, Manifest, Permissions, Port, Ports};
use serde_json::{Map, Value};

use crate::cage::spec::{Bounds, Granted, Spec};
use crate::call::{self, Done};
use crate::config::{self, Config, Mode};
use crate::given::{Collector, parse_stdout};
use crate::language::{INTERPRETER_MB, Language};
use crate::pool::{Key, Pool, Recipe};

/// A script in one language as a kind of step.
pub(crate) struct Script {
    language: Language,
    manifest: Manifest,
    pool: Arc<Pool>,
}

impl Script {
    pub(crate) fn new(language: Language, pool: Arc<Pool>) -> Self {
        Self { language, manifest: manifest(language), pool }
    }
}

fn manifest(language: Language) -> Manifest {
    let (config, input, output) = language.example();
    Manifest {
        name: language.name().to_owned(),
        version: 1,
        title: language.title().to_owned(),
        summary: format!("Runs {} code over items, in a sandbox of its own.", language.title()),
        docs: language.docs().to_owned(),
        category: "Code".to_owned(),
        kind: Kind::Module,
        inputs: vec![Port::new("in", "The items that the script sees.")],
        outputs: vec![Port::new("out", "What the script returns, as items.")],
        config: config::schema(language),
        effect: Effect::External,
        permissions: Permissions { paths_from_config: true, ..Permissions::default() },
        example: Example {
            title: "Add up the prices of all items".to_owned(),
            config,
            input: [("in".to_owned(), input)].into(),
            output: [("out".to_owned(), output)].into(),
        },
    }
}

impl Component for Script {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn ports(&self, config: &Map<String, Value>) -> Ports {
        let named = config.get("outputs").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let mut outputs = self.manifest.outputs.clone();
        outputs.extend(named.map(|name| Port::new(name, "Items that the script gives with `set_output`.")));
        Ports { inputs: self.manifest.inputs.clone(), outputs }
    }

    fn effect(&self, config: &Map<String, Value>) -> Effect {
        match config.get("effect").and_then(Value::as_str) {
            Some("pure") => Effect::Pure,
            Some("idempotent") => Effect::Idempotent,
            _ => Effect::External,
        }
    }

    fn check(&self, config: &Map<String, Value>) -> Vec<ConfigProblem> {
        match Config::read(config) {
            Ok(config) => config.problems(),
            Err(error) => vec![ConfigProblem { place: String::new(), message: error.to_string(), suggestion: None }],
        }
    }

    fn prepare(&self, step: &StepContext<'_>) -> Result<Body, Failure> {
        let wrong = |message: String| Failure::new("config", message).place("config");
        let config = Config::read(step.config).map_err(|error| wrong(format!("the config does not read: {error}")))?;
        if let Some(problem) = config.problems().into_iter().next() {
            return Err(
                wrong(format!("{}: {}", problem.place, problem.message)).hint(problem.suggestion.unwrap_or_default())
            );
        }
        let code: Arc<str> = config.code.as_str().into();
        let digest = *flowork_protocol::BlobId::of(code.as_bytes()).0.first_chunk::<32>().unwrap_or(&[0; 32]);
        Ok(Body::Later(Arc::new(Prepared {
            language: self.language,
            config,
            code,
            digest,
            pool: Arc::clone(&self.pool),
        })))
    }
}

/// A script that is ready to be called.
struct Prepared {
    language: Language,
    config: Config,
    code: Arc<str>,
    digest: [u8; 32],
    pool: Arc<Pool>,
}

#[async_trait]
impl RunLater for Prepared {
    async fn run(&self, call: Call) -> Result<Yield, Failure> {
        if call.dry_run && self.config.effect != Effect::Pure {
            let note =
                format!("dry run: would have run {} code over {} items", self.language.title(), call.input("in").len());
            // What comes after is tried out with what came in, as after any step that a dry run passes over.
            return Ok(Yield::Output(Output::out(call.input("in").to_vec(), Pairing::Same).note(note)));
        }
        let recipe = Arc::new(self.recipe(&call)?);
        // Bash has no notion of a function over values: each item is a call of its own.
        let output = if self.language == Language::Bash && self.config.mode == Mode::Each {
            self.one_by_one(&recipe, &call).await?
        } else {
            let items = call.input("in");
            let done = call::run(&self.pool, &recipe, &self.config, &call, items).await?;
            self.collect(done, &call, self.config.mode, items.len()).await?
        };
        Ok(Yield::Output(output))
    }
}

impl Prepared {
    async fn one_by_one(&self, recipe: &Arc<Recipe>, call: &Call) -> Result<Output, Failure> {
        let mut whole = Output::default();
        for (index, item) in call.input("in").iter().enumerate() {
            let one = std::slice::from_ref(item);
            let at = |failure: Failure| failure.item(index);
            let done = call::run(&self.pool, recipe, &self.config, call, one).await.map_err(at)?;
            let output = self.collect(done, call, Mode::All, 1).await.map_err(at)?;
            for (name, given) in output.ports {
                let place = whole.ports.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
                    whole.ports.push((name, flowork_ports::component::Given::default()));
                    whole.ports.len() - 1
                });
                let Some((_, port)) = whole.ports.get_mut(place) else { continue };
                let mut from = match std::mem::take(&mut port.pairs) {
                    Pairing::Each(from) => from,
                    _ => Vec::new(),
                };
                from.extend(given.items.iter().map(|_| u32::try_from(index).unwrap_or(u32::MAX)));
                port.items.extend(given.items);
                port.pairs = Pairing::Each(from);
            }
        }
        Ok(whole)
    }

    async fn collect(&self, done: Done, call: &Call, mode: Mode, items_in: usize) -> Result<Output, Failure> {
        let Done { mut lease, gave, stdout, given } = done;
        let collector = Collector {
            folder: &lease.worker().folder,
            given: &given,
            blobs: call.blobs.as_ref(),
            file_bytes_max: self.pool.options.limits.file_bytes,
            outputs: &self.config.outputs,
            empty_list_is_object: self.language == Language::Php,
        };
        let output = match parse_stdout(&stdout, self.config.parse) {
            Ok(stdout) => collector.collect(gave, stdout, mode, items_in).await,
            Err(failure) => Err(failure),
        };
        // Only now: the files of this call are taken.
        lease.finish();
        output
    }

    fn recipe(&self, call: &Call) -> Result<Recipe, Failure> {
        let config = &self.config;
        let shared = self.language == Language::Javascript && !needs_process(&config.code);
        let limits = &self.pool.options.limits;
        let permissions = &config.permissions;
        let open = !permissions.hosts.is_empty();
        let own_folder = &self.pool.options.own_folder;
        let granted = |kind: &str, paths: &[String]| -> Result<Vec<Granted>, Failure> {
            paths.iter().enumerate().map(|(at, path)| given(kind, at, path, own_folder)).collect()
        };
        let (read, write) = (granted("read", &permissions.read)?, granted("write", &permissions.write)?);
        // Where a path leads is part of the key: a worker holds what it led to when it was started.
        let rights = format!("{open} {read:?} {write:?} {} {shared}", config.memory_mb);
        let run_as = if read.is_empty() && write.is_empty() { self.pool.options.run_as } else { None };
        let spec = Spec {
            interpreter: std::path::PathBuf::new(),
            args: self.language.args(config.memory_mb, shared),
            env: environment(),
            folder: std::path::PathBuf::new(),
            prefixes: Vec::new(),
            read,
            write,
            network: open,
            // Files that the owner named are read with the node's own rights, and so by its own user.
            run_as,
            limits: Bounds {
                data_bytes: self.language.data_bytes(config.memory_mb),
                processes: limits.processes,
                file_bytes: limits.file_bytes,
                open_files: limits.open_files,
                cpu_s: limits.cpu_s,
                scratch_bytes: limits.scratch_bytes,
            },
            unconfined: self.pool.options.unconfined,
            without: self.pool.options.without.clone(),
        };
        Ok(Recipe {
            key: Key {
                language: self.language,
                script: (!shared).then_some(self.digest),
                rights,
                domain: Arc::clone(&call.domain),
            },
            code: Arc::clone(&self.code),
            spec,
            calls_max: if shared { limits.calls_shared } else { limits.calls },
            memory_bytes: (config.memory_mb + INTERPRETER_MB) << 20,
        })
    }
}

/// What a path in the permissions leads to, every link followed. The node's own folder is never given, also not inside of
/// another one: there it is hidden. Not where the script may write: it could move it to where it is not hidden from others.
fn given(kind: &str, at: usize, path: &str, own_folder: &OwnFolder) -> Result<Granted, Failure> {
    let place = format!("config.permissions.{kind}/{at}");
    let real = std::fs::canonicalize(path).map_err(|error| {
        Failure::new("script-permission", format!("`{path}` cannot be given to the script: {error}"))
            .place(&place)
            .hint("check the path, and that the node's user may go there")
    })?;
    let refused = |why: &str| {
        Failure::new("file-of-node", format!("`{path}` cannot be given to the script: {why}"))
            .place(&place)
            .hint("a script may be given the `files` folder of the node's data directory, and folders outside of it")
    };
    if own_folder.holds(&real) {
        return Err(refused("it is in the node's own data directory"));
    }
    let hide = own_folder.place_in(&real);
    if hide.is_some() && kind == "write" {
        return Err(refused("the node's own data directory lies in it"));
    }
    Ok(Granted { real, at: path.into(), hide })
}

fn environment() -> Vec<(String, String)> {
    let fixed = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("HOME", "{work}"),
        ("LANG", "C.UTF-8"),
        ("USER", "script"),
        ("FLOWORK", "1"),
    ];
    fixed.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

/// Words that only a process of its own can serve: what Node.js shares between contexts, one script could change for the
/// next one.
const OF_PROCESS: [&str; 34] = [
    "require",
    "import",
    "process",
    "module",
    "exports",
    "Buffer",
    "fetch",
    "WebSocket",
    "crypto",
    "Worker",
    "WebAssembly",
    "structuredClone",
    "performance",
    "AbortController",
    "AbortSignal",
    "Blob",
    "File",
    "FormData",
    "Request",
    "Response",
    "Headers",
    "EventTarget",
    "Event",
    "MessageChannel",
    "MessagePort",
    "BroadcastChannel",
    "ReadableStream",
    "WritableStream",
    "TransformStream",
    "CompressionStream",
    "DecompressionStream",
    "global",
    "navigator",
    "__dirname",
];

/// Whether JavaScript code needs a process of its own.
fn needs_process(code: &str) -> bool {
    let in_word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '$';
    code.split(|letter| !in_word(letter)).any(|word| OF_PROCESS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn javascript_shares_a_process_only_when_it_uses_nothing_of_node() {
        assert!(!needs_process("return items.map(item => ({ ...item.json, important: true, processed: 1 }))"));
        assert!(needs_process("const fs = require('fs')"));
        assert!(needs_process("return Buffer.from('x')"));
        assert!(needs_process("await import('node:fs')"));
    }
}
