//! Calling one step's body: what it is given, and what its answer means.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flowork_ports::component::{Body, Call, Given, Log, Output, Resumed, Yield};
use flowork_protocol::event::{Level, LogLine, Pairing, Resume, Run, Source, StepResult};
use flowork_protocol::preset::Step;
use flowork_protocol::{Failure, Item, Timestamp};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::history::{Packer, emitted};
use crate::machine::Key;
use crate::redact::Secrets;
use crate::{Clock, task::Context};

/// What became of one try.
pub(crate) struct Finished {
    pub(crate) key: Key,
    pub(crate) attempt: u32,
    pub(crate) result: Result<Yield, Failure>,
    pub(crate) meta: Meta,
}

/// What is recorded about a try beside its output.
#[derive(Clone)]
pub(crate) struct Meta {
    pub(crate) items_in: u64,
    pub(crate) now: Timestamp,
    pub(crate) seed: u64,
    pub(crate) took: Duration,
    pub(crate) secrets: Arc<Secrets>,
}

impl Meta {
    pub(crate) fn took_us(&self) -> u64 {
        u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX)
    }
}

/// Runs a body that computes, here and now.
pub(crate) fn run_now(body: &dyn flowork_ports::component::RunNow, call: &Call) -> (Result<Yield, Failure>, Duration) {
    let began = Instant::now();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| body.run(call)));
    (result.unwrap_or_else(|panic| Err(panicked(&panic))), began.elapsed())
}

/// Runs a body that may take long. Dropping the future stops a body that waits.
pub(crate) async fn run_long(body: Body, call: Call, key: Key, mut meta: Meta, timeout: Option<Duration>) -> Finished {
    let attempt = call.attempt;
    let began = Instant::now();
    let running = async {
        match body {
            Body::Now(body) | Body::Busy(body) => {
                tokio::task::spawn_blocking(move || run_now(body.as_ref(), &call).0).await.unwrap_or_else(|error| {
                    Err(Failure::new("step-lost", format!("the step ended without an answer: {error}")))
                })
            }
            Body::Later(body) => {
                // A task of its own, so that a panic is this step's failure; ended when the future is dropped.
                let task = AbortOnDrop(tokio::spawn(async move { body.run(call).await }));
                task.join().await
            }
        }
    };
    let result = match timeout {
        None => running.await,
        Some(limit) => tokio::time::timeout(limit, running).await.unwrap_or_else(|_| {
            Err(Failure::new("step-timeout", format!("the step took longer than {} ms", limit.as_millis()))
                .hint("raise its timeout, or find out what it waits for")
                .retryable())
        }),
    };
    meta.took = began.elapsed();
    Finished { key, attempt, result, meta }
}

struct AbortOnDrop(tokio::task::JoinHandle<Result<Yield, Failure>>);

impl AbortOnDrop {
    async fn join(mut self) -> Result<Yield, Failure> {
        match (&mut self.0).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => Err(panicked(error.into_panic().as_ref())),
            Err(_) => Err(Failure::new("step-lost", "the step was stopped").retryable()),
        }
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Failure {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it gave no reason".to_owned());
    Failure::new("component-bug", format!("the component broke: {text}"))
        .hint("this is a bug in the component, not in the workflow; please report it with this step's input")
}

/// Sends log lines to the job's task; what does not fit is counted and said.
pub(crate) struct LineSender {
    pub(crate) run: Run,
    pub(crate) lines: mpsc::Sender<(Run, LogLine)>,
    pub(crate) lost: Arc<Lost>,
    pub(crate) clock: Clock,
    pub(crate) secrets: Arc<Secrets>,
}

impl Log for LineSender {
    fn line(&self, level: Level, text: &str) {
        let line = LogLine { at: (self.clock)(), level, text: self.secrets.out_of(text) };
        // A step that writes faster than the store can keep loses lines, never the job.
        if self.lines.try_send((self.run.clone(), line)).is_err() {
            self.lost.one(&self.run);
        }
    }
}

/// How many lines of each run found no room since it was last told.
#[derive(Default)]
pub(crate) struct Lost(Mutex<BTreeMap<Run, u64>>);

impl Lost {
    fn one(&self, run: &Run) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(run.clone()).or_default() += 1;
    }

    /// A line for each run that lost some, to stand where they are missing.
    pub(crate) fn told(&self, at: Timestamp) -> Vec<(Run, LogLine)> {
        let lost = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let text = |count: u64| match count {
            1 => "1 line is missing here: the step wrote faster than lines are kept".to_owned(),
            _ => format!("{count} lines are missing here: the step wrote faster than lines are kept"),
        };
        lost.into_iter().map(|(run, count)| (run, LogLine { at, level: Level::Warn, text: text(count) })).collect()
    }
}

/// What came for a step, as its body sees it.
pub(crate) fn resumed(resume: Resume) -> Option<Resumed> {
    match resume {
        Resume::Time => Some(Resumed::Time),
        Resume::Decision { approved, by, note } => Some(Resumed::Decision { approved, by, note }),
        Resume::Child(outcome) => Some(Resumed::Child(outcome)),
        Resume::RoundsDone => None,
    }
}

/// The event of a try that gave an output, and what the items of each port weigh.
///
/// # Errors
/// When the output is larger than steps may give.
pub(crate) fn step_result(
    run: Run, attempt: u32, output: &Output, meta: &Meta, packer: &mut Packer,
) -> Result<(StepResult, Vec<usize>), Failure> {
    let mut ports = BTreeMap::new();
    let mut weights = Vec::with_capacity(output.ports.len());
    for (name, given) in &output.ports {
        let (emitted, bytes) = emitted(packer, given)?;
        ports.insert(name.clone(), emitted);
        weights.push(bytes);
    }
    let counts: Vec<(&str, usize)> = output.ports.iter().map(|(name, it)| (name.as_str(), it.items.len())).collect();
    let result = StepResult {
        run,
        attempt,
        ports,
        items_in: meta.items_in,
        note: note(meta.items_in, &counts, output.note.as_deref()),
        took_us: meta.took_us(),
        now: meta.now,
        seed: meta.seed,
        secrets: meta.secrets.names(),
        dry: false,
        from: None,
        response: output.response.clone(),
    };
    Ok((result, weights))
}

/// `12 in → 9 out`, and what the step says itself.
fn note(items_in: u64, counts: &[(&str, usize)], own: Option<&str>) -> String {
    use std::fmt::Write as _;
    let mut text = format!("{items_in} in → ");
    if counts.is_empty() {
        text.push_str("nothing out");
    }
    for (place, (name, count)) in counts.iter().enumerate() {
        let _ = write!(text, "{}{count} {name}", if place > 0 { ", " } else { "" });
    }
    if let Some(own) = own {
        text.push_str(" · ");
        text.push_str(own);
    }
    text
}

/// The input of a step passed through: what a disabled step gives, and a dry one.
pub(crate) fn passed_through(call_inputs: &[(String, flowork_ports::component::Items)], port: &str) -> Output {
    let items: Vec<Arc<Item>> = call_inputs.iter().flat_map(|(_, items)| items.iter().cloned()).collect();
    Output::port(port, items, Pairing::Same)
}

/// What a pinned step gives.
pub(crate) fn pinned(step: &Step) -> Option<Output> {
    let pin = step.pin.as_ref()?;
    let ports = pin.iter().map(|(port, items)| {
        (port.clone(), Given { items: items.iter().cloned().map(Arc::new).collect(), pairs: Pairing::None })
    });
    Some(Output { ports: ports.collect(), note: Some("pinned".to_owned()), response: None })
}

/// The items that a failed step gives on its error port: its input, each with the error beside it.
pub(crate) fn error_items(inputs: &[(String, flowork_ports::component::Items)], error: &Failure) -> Vec<Arc<Item>> {
    let value = serde_json::to_value(error).unwrap_or(Value::Null);
    let with_error = |item: &Arc<Item>| {
        let mut item = item.as_ref().clone();
        match &mut item.json {
            Value::Object(map) => {
                map.insert("error".to_owned(), value.clone());
            }
            other => *other = serde_json::json!({ "value": other.take(), "error": value }),
        }
        Arc::new(item)
    };
    inputs.iter().flat_map(|(_, items)| items.iter().map(with_error)).collect()
}

/// Opens the secrets that a step is given.
pub(crate) async fn open_secrets(context: &Context, names: &[String]) -> Result<Secrets, Failure> {
    let mut opened = BTreeMap::new();
    for name in names {
        let unreadable =
            |why| Failure::new("secret-unreadable", format!("the secret `{name}` cannot be opened: {why}"));
        let mut secret = context.vault.open(name).await.map_err(unreadable)?;
        // It may have been accepted just before this job and still be in an inbox.
        if secret.is_none() && context.node.drain().await.is_ok() {
            secret = context.vault.open(name).await.map_err(unreadable)?;
        }
        let secret = secret.ok_or_else(|| {
            Failure::new("secret-missing", format!("there is no secret `{name}`"))
                .hint(format!("set it with `flowork secret set {name}`"))
        })?;
        opened.insert(name.clone(), secret);
    }
    Ok(Secrets::new(opened))
}

/// Marks a result that was not computed.
pub(crate) fn marked(mut result: StepResult, from: Source) -> StepResult {
    result.from = Some(from);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_find_no_room_are_counted_and_told_once() {
        let (lines, mut kept) = mpsc::channel(2);
        let lost = Arc::new(Lost::default());
        let run = Run::once("a".into());
        let log = LineSender {
            run: run.clone(),
            lines,
            lost: Arc::clone(&lost),
            clock: Arc::new(|| Timestamp(7)),
            secrets: Arc::default(),
        };
        for number in 0..5 {
            log.line(Level::Info, &number.to_string());
        }
        let told = lost.told(Timestamp(9));
        assert_eq!(told.len(), 1);
        assert_eq!((&told[0].0, told[0].1.level), (&run, Level::Warn));
        assert!(told[0].1.text.starts_with("3 lines are missing here"), "{}", told[0].1.text);
        assert!(lost.told(Timestamp(9)).is_empty());
        assert!(kept.try_recv().is_ok_and(|(_, line)| line.text == "0"));
    }
}
