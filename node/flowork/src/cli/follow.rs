//! Follows a job on its live feed: steps as they happen, then how it ended.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::time::Duration;

use flowork_protocol::event::{AfterFailure, Event, Outcome, Run, Wait, What};
use flowork_protocol::job::State;
use flowork_protocol::view::JobView;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::Value;

use super::client::Client;
use super::fail::{FAILED, Fail, NO_NODE, UNAVAILABLE};
use super::{print_remark, print_text, show};

/// How often a feed that broke is opened again, with a pause that grows to a second.
const RECONNECTS_MAX: u32 = 60;
/// The most spinners at once; further running steps are only counted.
const SPINNERS_MAX: usize = 12;
/// The longest line of a step's log that is shown.
const LOG_CHARS_MAX: usize = 400;

/// How much is shown while a job runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    /// Every step.
    Steps,
    /// Each event as a line of JSON.
    Json,
    /// Nothing.
    Nothing,
}

/// Waits for the end of `job` and gives all that its events say.
pub(crate) async fn follow(client: &Client, job: &str, show: Show) -> Result<JobView, Fail> {
    let mut view = JobView::default();
    let mut screen = Screen::new(show);
    let mut broken = 0;
    while !view.state().has_ended() {
        let before = view.last_seq;
        match read_feed(client, job, &mut view, &mut screen).await {
            Ok(()) => broken = if view.last_seq > before { 0 } else { broken + 1 },
            // A restarted gateway is back in a moment, and the feed goes on where it stopped.
            Err(fail) if matches!(fail.code, NO_NODE | UNAVAILABLE) && broken < RECONNECTS_MAX => broken += 1,
            Err(fail) => return Err(fail),
        }
        if !view.state().has_ended() && broken > 0 {
            if broken >= RECONNECTS_MAX {
                return Err(Fail::new(UNAVAILABLE, format!("the feed of job {job} keeps ending"))
                    .hint("`flowork status` shows how the node is"));
            }
            tokio::time::sleep(Duration::from_millis(u64::from(50 * broken).min(1_000))).await;
        }
    }
    screen.clear();
    Ok(view)
}

async fn read_feed(client: &Client, job: &str, view: &mut JobView, screen: &mut Screen) -> Result<(), Fail> {
    let mut feed = client.feed(&format!("/api/v1/jobs/{job}/events?after={}", view.last_seq)).await?;
    while let Some(data) = feed.next().await? {
        let Ok(event) = serde_json::from_str::<Event>(&data) else {
            continue; // A message of the feed itself.
        };
        if event.seq <= view.last_seq {
            continue;
        }
        view.apply(&event);
        screen.event(&event, &data);
        if view.state().has_ended() {
            break;
        }
    }
    Ok(())
}

/// What an ended job's state makes of the command: nothing, or a failure with the job's own words.
pub(crate) fn verdict(job: &str, view: &JobView) -> Result<(), Fail> {
    match (&view.outcome, view.state()) {
        (Some(Outcome::Failed(error)), _) => {
            let step = error.step.as_ref().map_or_else(String::new, |step| format!(" in step `{step}`"));
            let item = error.item.map_or_else(String::new, |item| format!(", item {item}"));
            let place = error.place.as_ref().map_or_else(String::new, |place| format!(", {place}"));
            let mut message = format!("job {job} failed{step}{item}{place}: {}", error.message);
            if let Some(detail) = &error.detail {
                message.push('\n');
                message.push_str(detail.trim_end());
            }
            let mut fail = Fail::new(FAILED, message);
            fail.hint = error.hint.clone();
            Err(fail)
        }
        (Some(Outcome::Cancelled { reason }), _) => {
            let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            Err(Fail::new(FAILED, format!("job {job} was cancelled{why}")))
        }
        (_, State::Succeeded) => Ok(()),
        (_, state) => Err(Fail::new(FAILED, format!("job {job} is {}", state.word()))),
    }
}

/// Where steps are shown.
struct Screen {
    show: Show,
    /// On a terminal: the lines that move.
    bars: Option<MultiProgress>,
    running: BTreeMap<Run, ProgressBar>,
}

impl Screen {
    fn new(show: Show) -> Self {
        let moving = show == Show::Steps && std::io::stderr().is_terminal();
        Self { show, bars: moving.then(MultiProgress::new), running: BTreeMap::new() }
    }

    fn event(&mut self, event: &Event, data: &str) {
        match self.show {
            Show::Nothing => {}
            Show::Json => print_text(&format!("{data}\n")),
            Show::Steps => {
                self.spin(&event.what);
                for line in lines(&event.what) {
                    self.line(&line);
                }
            }
        }
    }

    fn line(&self, text: &str) {
        match &self.bars {
            // A terminal that is gone shows nothing more; the job goes on.
            Some(bars) => drop(bars.println(text)),
            None => print_remark(text),
        }
    }

    fn spin(&mut self, what: &What) {
        let Some(bars) = &self.bars else { return };
        match what {
            What::StepStarted { run, .. } if self.running.len() < SPINNERS_MAX => {
                let style = ProgressStyle::with_template("  {spinner} {msg} {elapsed}")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner());
                let bar = bars.add(ProgressBar::new_spinner().with_style(style).with_message(run.to_string()));
                bar.enable_steady_tick(Duration::from_millis(120));
                self.running.insert(run.clone(), bar);
            }
            What::StepSucceeded(result) => self.still(&result.run),
            What::StepFailed { run, .. } | What::StepSkipped { run, .. } | What::StepSuspended { run, .. } => {
                self.still(run)
            }
            What::Ended { .. } => self.clear(),
            _ => {}
        }
    }

    fn still(&mut self, run: &Run) {
        if let Some(bar) = self.running.remove(run) {
            bar.finish_and_clear();
        }
    }

    fn clear(&mut self) {
        for (_, bar) in std::mem::take(&mut self.running) {
            bar.finish_and_clear();
        }
    }
}

/// An event as lines for people; most starts and all bookkeeping say nothing.
pub(crate) fn lines(what: &What) -> Vec<String> {
    let name = |run: &Run| format!("{:<20}", run.to_string());
    match what {
        What::Accepted(submission) => vec![format!("{} {} accepted", submission.name, submission.version.short())],
        What::StepSucceeded(result) => {
            let dry = if result.dry { "  (dry run)" } else { "" };
            vec![format!("  ✔ {} {}  {}{dry}", name(&result.run), result.note, show::micros(result.took_us))]
        }
        What::StepFailed { run, attempt, error, then, .. } => {
            let then = match then {
                AfterFailure::Retry { at } => format!("; tried again at {}", show::time(*at)),
                AfterFailure::ErrorPort => "; its items go out of the error port".to_owned(),
                AfterFailure::Continue => "; the job goes on".to_owned(),
                AfterFailure::Ask => {
                    format!("; run it again? (`flowork job approve JOB --run {run}`, or `reject`)")
                }
                AfterFailure::FailJob => String::new(),
            };
            vec![format!("  ✘ {} try {attempt}: {}{then}", name(run), error.message)]
        }
        What::StepSkipped { run, reason } => vec![format!("  – {} skipped: {reason}", name(run))],
        What::StepSuspended { run, wait, .. } => vec![format!("  … {} {}", name(run), waiting(run, wait))],
        What::LoopRound { run, round, items } => {
            vec![format!("  ↻ {} round {round}: {} items", name(run), items.len())]
        }
        What::StepLog { run, lines } => {
            lines.iter().map(|line| format!("    {} │ {}", name(run), show::clip(&line.text, LOG_CHARS_MAX))).collect()
        }
        What::Paused => vec!["paused".to_owned()],
        What::Resumed => vec!["resumed".to_owned()],
        What::CancelRequested { .. } => vec!["cancelling".to_owned()],
        What::Parked { reason } => vec![format!("parked: {reason}")],
        What::Ended { outcome, .. } => vec![match outcome {
            Outcome::Succeeded => "succeeded".to_owned(),
            Outcome::Failed(_) => "failed".to_owned(),
            Outcome::Cancelled { .. } => "cancelled".to_owned(),
        }],
        _ => Vec::new(),
    }
}

fn waiting(run: &Run, wait: &Wait) -> String {
    match wait {
        Wait::Until(at) => format!("waits until {}", show::time(*at)),
        Wait::Approval { title, .. } => {
            format!("waits for approval: {title} (`flowork job approve JOB --run {run}`)")
        }
        Wait::Rerun { attempt } => format!("waits for your word whether to run it again after try {attempt}"),
        Wait::Child { job, preset } => format!("waits for job {job} of `{preset}`"),
        Wait::Rounds { rounds } => format!("{rounds} rounds"),
    }
}

/// How many items of an output are fetched and shown.
const OUTPUT_ITEMS_MAX: u64 = 50;

/// What a job gave: by step that nothing follows, its items as JSON.
pub(crate) async fn output(client: &Client, job: &str, view: &JobView) -> Result<Vec<(String, Vec<Value>, u64)>, Fail> {
    let mut out = Vec::new();
    for (step, list) in &view.output {
        let total = list.len();
        let items = match list {
            flowork_protocol::item::List::Inline(items) => {
                items.iter().map(|item| serde_json::to_value(&**item).unwrap_or_default()).collect()
            }
            flowork_protocol::item::List::Chunked(_) => chunked(client, job, view, step.as_str()).await?,
        };
        out.push((step.to_string(), items, total));
    }
    Ok(out)
}

async fn chunked(client: &Client, job: &str, view: &JobView, step: &str) -> Result<Vec<Value>, Fail> {
    let ports: Vec<String> = view
        .runs
        .iter()
        .filter(|(run, _)| run.step.as_str() == step && run.rounds.is_empty())
        .flat_map(|(_, run)| run.ports.keys().cloned())
        .collect();
    let mut items = Vec::new();
    for port in ports {
        let path = super::client::with_query(
            &format!("/api/v1/jobs/{job}/items"),
            &[("run", Some(step.to_owned())), ("port", Some(port)), ("limit", Some(OUTPUT_ITEMS_MAX.to_string()))],
        );
        if let Some(list) = client.get(&path).await?["items"].as_array() {
            items.extend(list.iter().cloned());
        }
    }
    Ok(items)
}

/// Prints what a job gave, for people.
pub(crate) async fn print_output(client: &Client, job: &str, view: &JobView) -> Result<(), Fail> {
    let output = output(client, job, view).await?;
    let several = output.len() > 1;
    for (step, items, total) in output {
        if several {
            print_text(&format!("── {step}: {total} items\n"));
        }
        if total > 0 {
            print_text(&show::items(&items, total, OUTPUT_ITEMS_MAX as usize));
        }
    }
    Ok(())
}
