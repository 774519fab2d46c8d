//! One call of a script, from its items to what it gave.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use flowork_ports::component::{Call, Log};
use flowork_protocol::event::Level;
use flowork_protocol::{Failure, Item};
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use crate::config::{Config, Mode, Stdout};
use crate::failure;
use crate::folder::{Given, place};
use crate::frame::{Ended, FRAME_BYTES_MAX, Gave, PortValues, Said};
use crate::language::{INTERPRETER_MB, Language};
use crate::lines::Lines;
use crate::pool::{Lease, Pool, Recipe};
use crate::watch;
use crate::worker::{self, Came};

/// How often the memory and the number of processes are looked at while a call runs.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The end of stderr that a failure shows.
const STDERR_KEPT_BYTES: usize = failure::DETAIL_BYTES_MAX;
/// Variables larger than this are set in Bash and not passed on to programs: the system bounds one at 128 KiB.
const EXPORT_BYTES_MAX: usize = 100_000;

/// What one call gave, with the worker that still holds its files.
pub(crate) struct Done {
    /// The worker; [`Lease::finish`] it when the files are taken.
    pub(crate) lease: Lease,
    /// What the script gave.
    pub(crate) gave: Gave,
    /// stdout, when it is output.
    pub(crate) stdout: Vec<u8>,
    /// The files that came in.
    pub(crate) given: Given,
}

/// Runs the script once over `items`. Dropped, it ends the script and everything it started.
pub(crate) async fn run(
    pool: &Arc<Pool>, recipe: &Arc<Recipe>, config: &Config, call: &Call, items: &[Arc<Item>],
) -> Result<Done, Failure> {
    let language = recipe.key.language;
    // However long the line for workers is: the time limit is about the script.
    let mut lease = tokio::select! {
        lease = pool.lease(recipe) => lease?,
        () = call.cancel.cancelled() => return Err(failure::cancelled()),
    };
    let deadline = Instant::now() + Duration::from_millis(config.timeout_ms);
    let (items, given) = place(items, &lease.worker().folder, call.blobs.as_ref()).await?;
    let bytes = if language == Language::Bash {
        bash_call(&mut lease, config, call, &items)?
    } else {
        frame_call(&mut lease, recipe, config, call, &items)?
    };
    drop(items);
    let mut run = Running::new(pool, recipe, config, call);
    let ended = tokio::select! {
        ended = run.until_done(&mut lease, &bytes) => ended,
        () = sleep_until(deadline) => Err(failure::timeout(language, config.timeout_ms)),
        () = call.cancel.cancelled() => Err(failure::cancelled()),
    };
    // Whatever was written before the end is told, also when that end is a failure.
    lease.worker().drain(|bytes, error| run.take(bytes, error));
    run.finish_lines();
    let scratch_bytes = pool.options.limits.scratch_bytes;
    if lease.worker().folder.is_full(scratch_bytes) {
        // Whatever it made of that, some of what it wrote is not there.
        let why = ended.err().map(|failure| failure.message);
        return Err(failure::scratch(language, scratch_bytes, why));
    }
    match ended.and_then(|gave| if run.output_left == 0 { Err(run.too_much()) } else { Ok(gave) }) {
        Ok(gave) => Ok(Done { lease, gave, stdout: run.stdout, given }),
        Err(failure) if run.clean => {
            // The script failed and the worker did not: it can take the next call.
            lease.finish();
            Err(failure)
        }
        Err(failure) => Err(failure),
    }
}

fn frame_call(
    lease: &mut Lease, recipe: &Recipe, config: &Config, call: &Call, items: &[Value],
) -> Result<Vec<u8>, Failure> {
    let code = (recipe.key.script.is_none()).then_some(config.code.as_str());
    let body = json!({
        "items": items,
        "mode": if config.mode == Mode::Each { "each" } else { "all" },
        "vars": *call.variables,
        "secrets": *call.secrets,
        "dir": lease.worker().folder.seen(),
        "seed": call.seed >> 33,
        "code": code,
        "context": {
            "job": call.job, "preset": call.preset, "step": call.step, "run": call.run, "attempt": call.attempt,
            "key": call.key, "now": call.now, "round": call.round,
        },
    });
    let body = serde_json::to_vec(&body).map_err(|error| Failure::new("script-worker", error.to_string()))?;
    worker::call(&body).map_err(|_| failure::input_too_large())
}

/// For Bash: eight digits of length, then text for `eval`. Secrets go this way and never through a file.
fn bash_call(lease: &mut Lease, config: &Config, call: &Call, items: &[Value]) -> Result<Vec<u8>, Failure> {
    let mut lines = String::new();
    for item in items {
        // Plain objects, unless files came with them.
        let plain = item.get("files").and_then(Value::as_object).is_none_or(serde_json::Map::is_empty);
        let shown = if plain { item.get("json").unwrap_or(item) } else { item };
        let _ = writeln!(lines, "{shown}");
    }
    if lines.len() > FRAME_BYTES_MAX {
        return Err(failure::input_too_large());
    }
    let folder = &lease.worker().folder;
    let file = folder.put("items.jsonl", lines.as_bytes()).map_err(|error| {
        Failure::new("script-files", format!("the items cannot be written for the script: {error}"))
            .hint("free some disk space, or look at the rights of the scratch folder")
    })?;
    let mut text = String::new();
    let mut set = |name: &str, value: &str| {
        let export = if value.len() <= EXPORT_BYTES_MAX { "export " } else { "" };
        let _ = writeln!(text, "{export}{}={}", plain_name(name), quoted(value));
    };
    set("FLOWORK_DIR", &folder.seen());
    set("FLOWORK_ITEMS", &file.to_string_lossy());
    set("FLOWORK_JOB", &call.job.to_string());
    set("FLOWORK_STEP", call.step.as_str());
    set("FLOWORK_KEY", &call.key);
    set("FLOWORK_ATTEMPT", &call.attempt.to_string());
    set("FLOWORK_SEED", &(call.seed >> 33).to_string());
    if config.mode == Mode::Each {
        set("FLOWORK_ITEM", lines.trim_end());
    }
    for (name, value) in call.variables.iter() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        set(&format!("VAR_{name}"), &text);
    }
    for (name, value) in call.secrets.iter() {
        set(&format!("SECRET_{name}"), value);
    }
    Ok(format!("{:08}{text}", text.len()).into_bytes())
}

/// A name that Bash takes: letters, digits and `_`.
fn plain_name(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}

/// A text in single quotes; Bash cannot hold a NUL.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', "'\\''"))
}

/// A call while it runs.
struct Running<'a> {
    recipe: &'a Recipe,
    log: &'a dyn Log,
    memory_mb: u64,
    processes_max: u64,
    output_max: u64,
    output_left: u64,
    keep_stdout: bool,
    stdout: Vec<u8>,
    out_lines: Lines,
    err_lines: Lines,
    stderr_end: String,
    /// Where the script was when it failed, as far as it said.
    line: Option<u32>,
    scratch_bytes: u64,
    /// Whether the worker is as it should be, whatever the script did.
    clean: bool,
}

impl<'a> Running<'a> {
    fn new(pool: &Pool, recipe: &'a Recipe, config: &Config, call: &'a Call) -> Self {
        Self {
            recipe,
            log: call.log.as_ref(),
            memory_mb: config.memory_mb,
            processes_max: pool.options.limits.processes,
            output_max: pool.options.limits.output_bytes,
            output_left: pool.options.limits.output_bytes,
            keep_stdout: config.stdout(recipe.key.language) == Stdout::Output,
            stdout: Vec::new(),
            out_lines: Lines::default(),
            err_lines: Lines::default(),
            stderr_end: String::new(),
            line: None,
            scratch_bytes: pool.options.limits.scratch_bytes,
            clean: false,
        }
    }

    fn language(&self) -> Language {
        self.recipe.key.language
    }

    fn too_much(&self) -> Failure {
        failure::output(self.language(), self.output_max)
    }

    async fn until_done(&mut self, lease: &mut Lease, bytes: &[u8]) -> Result<Gave, Failure> {
        if lease.worker().send(bytes).await.is_err() {
            return Err(self.gone(lease, None));
        }
        let mut look = interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = None;
        let mut pending = None;
        loop {
            let came = tokio::select! {
                came = lease.worker().came() => came.unwrap_or(Came::Gone),
                _ = look.tick() => {
                    self.look(lease)?;
                    continue;
                }
            };
            match came {
                Came::Stdout(bytes) => self.take(&bytes, false),
                Came::Stderr(bytes) => self.take(&bytes, true),
                Came::Gone => {
                    return match (pending, last) {
                        (Some(gave), Some(Ended { code: Some(0), .. })) => Ok(gave),
                        _ => Err(self.gone(lease, last)),
                    };
                }
                Came::TooLarge => return Err(failure::result_too_large()),
                Came::Said(Said::Pending(gave)) => pending = Some(gave),
                Came::Said(Said::Log(level, text)) => {
                    self.spend(text.len());
                    self.log.line(level_of(&level), &text);
                }
                Came::Said(Said::Result(gave)) => {
                    self.clean = true;
                    return Ok(gave);
                }
                Came::Said(Said::Error(raised)) => {
                    self.clean = true;
                    lease.worker().drain(|bytes, error| self.take(bytes, error));
                    return Err(failure::raised(self.language(), raised, &self.stderr_end, self.memory_mb));
                }
                Came::Said(Said::Ended(Ended { code: Some(0), .. })) if pending.is_some() => {
                    self.clean = true;
                    return Ok(pending.unwrap_or_default());
                }
                Came::Said(Said::Ended(ended)) => return self.ended(lease, ended),
                Came::Said(Said::Line(line)) => self.line = Some(line).filter(|line| *line > 0),
                Came::Said(Said::Exit(ended)) => last = Some(ended),
                Came::Said(_) => {}
            }
            if self.output_left == 0 {
                return Err(self.too_much());
            }
        }
    }

    /// The call's own process has ended without a result. For Bash this is how a call ends.
    fn ended(&mut self, lease: &mut Lease, ended: Ended) -> Result<Gave, Failure> {
        self.clean = true;
        lease.worker().drain(|bytes, error| self.take(bytes, error));
        if self.language() == Language::Bash && ended.code == Some(0) {
            return self.bash_ports(lease).map(|ports| Gave { values: Vec::new(), ports });
        }
        let line = self.line.or_else(|| bash_line(&self.stderr_end));
        if self.language() == Language::Bash && ended.code == Some(2) && self.stderr_end.contains("syntax error") {
            let message = self.stderr_end.lines().find(|line| line.contains("syntax error")).unwrap_or_default();
            let failure = Failure::new("script-syntax", format!("the Bash code does not parse: {message}"));
            let failure = failure.hint("correct the code of this step").detail(failure::cut(&self.stderr_end));
            return Err(match line {
                Some(line) => failure.place(format!("line {line}")),
                None => failure,
            });
        }
        Err(failure::ended(self.language(), Ended { line, ..ended }, &self.stderr_end, self.memory_mb))
    }

    /// What `set_output` of Bash left in the call's folder.
    fn bash_ports(&self, lease: &mut Lease) -> Result<PortValues, Failure> {
        use std::io::Read;
        let mut ports = PortValues::new();
        let folder = &lease.worker().folder;
        let mut names = String::new();
        let read = |path: &str, into: &mut String| -> std::io::Result<()> {
            let mut bytes = Vec::new();
            let file = std::fs::File::from(folder.open(std::path::Path::new(path))?);
            file.take(FRAME_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
            into.push_str(&String::from_utf8_lossy(&bytes));
            Ok(())
        };
        if read(".ports/names", &mut names).is_err() {
            return Ok(ports);
        }
        for name in names.lines().take(64) {
            let mut text = String::new();
            // A name with a slash finds nothing or stays below the folder; the collector refuses unknown names.
            let found = read(&format!(".ports/port-{name}"), &mut text);
            if text.len() > FRAME_BYTES_MAX {
                return Err(failure::result_too_large());
            }
            if found.is_ok() {
                let values = crate::given::parse_stdout(text.as_bytes(), crate::config::Parse::Auto)?;
                ports.insert(name.to_owned(), values.into_iter().map(|value| (None, value)).collect());
            }
        }
        Ok(ports)
    }

    /// The worker itself is gone.
    fn gone(&mut self, lease: &mut Lease, last: Option<Ended>) -> Failure {
        lease.worker().drain(|bytes, error| self.take(bytes, error));
        let ended = last.unwrap_or_else(|| Ended { signal: Some(libc::SIGKILL), ..Ended::default() });
        failure::ended(self.language(), ended, &self.stderr_end, self.memory_mb)
    }

    fn look(&self, lease: &mut Lease) -> Result<(), Failure> {
        // A folder of a fixed size needs no look: the system keeps to it.
        if !lease.worker().folder.closed() && lease.worker().folder.is_full(self.scratch_bytes) {
            return Err(failure::scratch(self.language(), self.scratch_bytes, None));
        }
        let Some(pid) = lease.worker().pid() else { return Ok(()) };
        let usage = watch::below(pid);
        let most = (self.memory_mb + INTERPRETER_MB) << 20;
        // The quick sum counts pages that forked processes share once for each; the exact one is asked only then.
        if usage.memory_bytes > most && watch::exact_memory_bytes(pid) > most {
            return Err(failure::memory(self.language(), self.memory_mb));
        }
        if usage.processes > self.processes_max {
            return Err(failure::processes(self.language(), self.processes_max));
        }
        Ok(())
    }

    fn spend(&mut self, bytes: usize) {
        self.output_left = self.output_left.saturating_sub(bytes as u64 + 1);
    }

    /// Bytes of stdout or stderr: into the log, line by line, as they come.
    fn take(&mut self, bytes: &[u8], error: bool) {
        if self.output_left == 0 {
            return;
        }
        self.spend(bytes.len());
        let log = self.log;
        if error {
            let kept = &mut self.stderr_end;
            self.err_lines.push(bytes, |line| {
                log.line(Level::Warn, line);
                kept.push_str(line);
                kept.push('\n');
            });
            if kept.len() > 2 * STDERR_KEPT_BYTES {
                *kept = failure::cut(kept);
            }
        } else if self.keep_stdout {
            self.stdout.extend_from_slice(bytes);
        } else {
            self.out_lines.push(bytes, |line| log.line(Level::Info, line));
        }
    }

    fn finish_lines(&mut self) {
        let log = self.log;
        self.out_lines.finish(|line| log.line(Level::Info, line));
        self.err_lines.finish(|line| log.line(Level::Warn, line));
    }
}

/// The last line of the script that Bash names on stderr: `script: line 3: …`.
fn bash_line(stderr: &str) -> Option<u32> {
    let named = |line: &str| line.split("script: line ").nth(1)?.split(':').next()?.trim().parse().ok();
    stderr.lines().filter_map(named).next_back()
}

fn level_of(name: &str) -> Level {
    match name {
        "debug" => Level::Debug,
        "warn" | "warning" => Level::Warn,
        "error" => Level::Error,
        _ => Level::Info,
    }
}
