//! Jobs that jobs start: sub-presets and error presets; and how a job ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use flowork_ports::component::Items;
use flowork_ports::store::Error;
use flowork_protocol::command::{Activation, ChildOutcome, DEPTH_MAX, Signal, Submission};
use flowork_protocol::event::Wait;
use flowork_protocol::item::List;
use flowork_protocol::job::State;
use flowork_protocol::{Failure, Item, JobId, StepId};

use crate::history::join;
use crate::machine::{Input, Key, Verdict};
use crate::task::{ChildCall, Context, Task};

/// The run name that error presets are started under.
const ERROR_RUN: &str = "on-error";

/// Starts a child job for a step and lets the step wait for it.
pub(crate) async fn start(task: &mut Task, child: ChildCall) -> Result<(), Error> {
    let ChildCall { preset, items, variables, key, attempt, took_us } = child;
    let fail = |task: &mut Task, error: Failure| task.failed(key.clone(), attempt, error, took_us);
    if task.submission.depth >= DEPTH_MAX {
        let error = Failure::new("too-deep", format!("presets start each other more than {DEPTH_MAX} deep"))
            .hint("does a preset start itself? Use a `loop` to repeat");
        fail(task, error);
        return Ok(());
    }
    let known = if task.presets.contains_key(&preset) {
        task.context.node.activation_by_name(&preset).await?
    } else {
        task.context.activation(&preset).await?
    };
    let Some(activation) = known else {
        let error = Failure::new("preset-not-active", format!("there is no activated preset `{preset}`"))
            .hint(format!("activate it with `flowork preset activate {preset}`"));
        fail(task, error);
        return Ok(());
    };
    let run = task.machine.run(&key).to_string();
    let job = JobId::child(task.job, &run, attempt);
    let version = task.presets.get(&preset).copied().unwrap_or(activation.version);
    let submission = Submission {
        version,
        variables,
        input: items.iter().map(|item| item.as_ref().clone()).collect(),
        parent: Some((task.job, run)),
        ..below(&task.submission, job, &activation)
    };
    task.journal.extra.submissions.push(submission);
    task.decide(Input::Suspended(key, attempt, Wait::Child { job, preset }));
    Ok(())
}

/// A submission of another preset, one deeper than `above`.
fn below(above: &Submission, job: JobId, activation: &Activation) -> Submission {
    Submission {
        job,
        keyed: false,
        preset: activation.preset.clone(),
        name: activation.header.name.clone(),
        version: activation.version,
        trigger: None,
        input: Vec::new(),
        variables: BTreeMap::new(),
        priority: above.priority,
        // A child runs within its parent's turn: holding it for a turn of its own could hold both for ever.
        concurrency: None,
        dry_run: above.dry_run,
        replay: None,
        parent: None,
        depth: above.depth + 1,
    }
}

/// Records the end of a job: its output, its parent's signal, the end of its children, its error preset.
pub(crate) async fn end(task: &mut Task, verdict: Verdict) -> Result<(), Error> {
    let outputs = outputs(task).await?;
    let mut lists: BTreeMap<StepId, List> = BTreeMap::new();
    for (step, items) in &outputs {
        // What was packed as a step's output fits again; a refusal here would have failed that step.
        if let Ok(list) = task.packer.pack(items) {
            lists.insert(step.clone(), list);
        }
    }
    let state = match &verdict {
        Verdict::Succeeded => State::Succeeded,
        Verdict::Failed(_) => State::Failed,
        Verdict::Cancelled(_) => State::Cancelled,
    };
    if let Verdict::Failed(failure) = &verdict {
        task.journal.row().error = Some(failure.clone());
        if let Some(name) = task.program.preset.settings.error_preset.clone() {
            let error_preset = error_preset(&task.context, &task.submission, &name, failure).await?;
            task.journal.extra.submissions.extend(error_preset);
        }
    }
    // Nobody waits for them any more.
    for child in task.machine.children() {
        let reason = format!("job {}, which started it, has ended", task.job);
        task.journal.extra.signals.push((child, Signal::Cancel { reason }));
    }
    if let Some((parent, run)) = task.submission.parent.clone() {
        let outcome = match &verdict {
            Verdict::Succeeded => ChildOutcome::Gave(
                outputs.values().flat_map(|items| items.iter()).map(|item| item.as_ref().clone()).collect(),
            ),
            Verdict::Failed(failure) => ChildOutcome::Failed(failure.clone()),
            Verdict::Cancelled(_) => ChildOutcome::Cancelled,
        };
        let signal = Signal::ChildEnded { run, child: task.job, outcome: Box::new(outcome) };
        task.journal.extra.signals.push((parent, signal));
    }
    task.decide(Input::Ended(verdict, lists));
    let now = task.now();
    let row = task.journal.row();
    row.state = Some(state);
    row.ended_at = Some(now);
    row.due_at = Some(None);
    task.journal.flush(&mut task.packer).await
}

/// What the steps gave that nothing follows, outside loops.
async fn outputs(task: &mut Task) -> Result<BTreeMap<StepId, Items>, Error> {
    let program = task.program.clone();
    let plan = program.plan();
    let last = plan.vertices.iter().enumerate().filter(|(_, vertex)| {
        !vertex.is_trigger && vertex.scope.is_empty() && vertex.outputs.iter().all(|port| port.to.is_empty())
    });
    let last: Vec<_> = last.map(|(number, vertex)| (Key::once(number), vertex)).collect();
    let keys: Vec<Key> = last.iter().map(|(key, _)| key.clone()).collect();
    task.bring(&keys).await?;
    let given = last.into_iter().filter_map(|(key, vertex)| {
        let items = join((0..vertex.outputs.len()).map(|out| task.history.port(&key, out)));
        (!items.is_empty()).then(|| (vertex.id.clone(), items))
    });
    Ok(given.collect())
}

/// The error preset of a job that failed before it began, when its settings can be read: those of its version or, where that
/// is lost, those of the activated one.
pub(crate) async fn after_failed_start(
    context: &Context, job: &Submission, failure: &Failure,
) -> Result<Option<Submission>, Error> {
    let settings = match context.programs.frozen(job.version).await {
        Ok(frozen) => Some(frozen.preset.settings),
        Err(_) => context.activation(&job.name).await?.map(|activation| activation.header.settings),
    };
    match settings.and_then(|settings| settings.error_preset) {
        Some(name) => error_preset(context, job, &name, failure).await,
        None => Ok(None),
    }
}

/// The job of the error preset `name` for the failed `job`.
async fn error_preset(
    context: &Context, job: &Submission, name: &str, failure: &Failure,
) -> Result<Option<Submission>, Error> {
    if name == job.name || job.depth >= DEPTH_MAX {
        return Ok(None);
    }
    let Some(activation) = context.activation(name).await? else {
        tracing::warn!(job = %job.job, preset = %name, "the error preset is not activated");
        return Ok(None);
    };
    let input = Item::json(serde_json::json!({
        "job": job.job,
        "preset": job.preset,
        "name": job.name,
        "version": job.version,
        "error": failure,
    }));
    let id = JobId::child(job.job, ERROR_RUN, 1);
    Ok(Some(Submission { input: vec![input], ..below(job, id, &activation) }))
}

/// For tests and replay: items as a shared list.
pub(crate) fn shared(items: Vec<Item>) -> Items {
    Arc::new(items.into_iter().map(Arc::new).collect())
}
