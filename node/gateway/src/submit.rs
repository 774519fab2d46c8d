//! From what a client asks for to a submission that the inbox can keep: which version, which trigger, which items.

use std::collections::BTreeMap;

use flowork_ports::documents::{self, Version};
use flowork_protocol::command::Submission;
use flowork_protocol::event::What;
use flowork_protocol::item::ITEM_JSON_BYTES_MAX;
use flowork_protocol::part;
use flowork_protocol::plan::nearest;
use flowork_protocol::preset::Preset;
use flowork_protocol::{Item, JobId, PresetId, StepId, VersionId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::Ctx;
use crate::problem::Problem;

/// The most characters of an idempotency key.
pub(crate) const KEY_CHARS_MAX: usize = 256;
/// The most items that one submission may bring; more belong in a file.
const ITEMS_MAX: usize = 100_000;
/// The component of triggers that people pull.
const MANUAL: &str = "manual";

/// A job to start. Exactly one of `preset`, `inline` and `version` alone says what to run.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StartJob {
    /// A draft, by id or name. Frozen now unless `version` is said.
    pub(crate) preset: Option<String>,
    /// A preset that is not kept as a draft. Needs the role editor: whoever writes steps decides what the node does.
    pub(crate) inline: Option<Preset>,
    /// A frozen version.
    pub(crate) version: Option<VersionId>,
    /// Freeze the draft at these edits, hex; what is on the screen of who presses Run.
    pub(crate) heads: Vec<String>,
    /// Run only these steps and what leads to them. Of a draft or an inline preset, not of a version.
    pub(crate) until: Vec<StepId>,
    /// Outputs to give instead of running, for this job only, by step and port; for a trigger, what it starts the job with. Like
    /// `until`, not for a version. Needs the role editor.
    pub(crate) pins: BTreeMap<StepId, BTreeMap<String, Vec<Item>>>,
    /// The input: items `{ json, files }`, or plain JSON values, which become the `json` of an item.
    pub(crate) input: Vec<Value>,
    /// The trigger whose place this start takes. The manual one unless said.
    pub(crate) trigger: Option<StepId>,
    /// Variables that differ from the preset's.
    pub(crate) variables: BTreeMap<String, Value>,
    /// Higher starts first. The preset's own unless said.
    pub(crate) priority: Option<i32>,
    /// Perform no external effect; say what would have been done.
    pub(crate) dry_run: bool,
    /// The same key starts one job only, however often it is sent; with another request beside it, it is refused (409). The
    /// header `Idempotency-Key` does the same.
    pub(crate) idempotency_key: Option<String>,
}

/// A job that was accepted.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Started {
    /// Which.
    pub(crate) job: JobId,
    /// What it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<VersionId>,
}

/// What is to be run.
pub(crate) struct Chosen {
    /// The draft.
    pub(crate) preset: PresetId,
    /// The version.
    pub(crate) version: VersionId,
    /// Its text. From an activation it has no steps.
    pub(crate) text: Preset,
}

/// Finds what to run, freezing where that is asked for.
pub(crate) async fn choose(ctx: &Ctx, ask: &mut StartJob) -> Result<Chosen, Problem> {
    let documents = &ctx.options.documents;
    let is_part = !ask.until.is_empty() || !ask.pins.is_empty();
    match (ask.preset.clone(), ask.inline.take(), ask.version) {
        (None, Some(preset), None) => {
            let preset = if is_part { part_of(ask, &preset)? } else { preset };
            frozen(documents.freeze_file(preset).await?)
        }
        (_, None, Some(_)) if is_part => Err(Problem::wrong("part-of-a-version", "a frozen version runs as a whole")
            .hint("name the draft by `preset`, with `heads` for how it was, or send the preset as `inline`")),
        (which, None, Some(version)) => by_version(ctx, which.as_deref(), version).await,
        (Some(which), None, None) if is_part => {
            let draft = match ask.heads.is_empty() {
                true => documents.get(&which).await?,
                false => documents.at(&which, ask.heads.clone()).await?,
            };
            let preset = part_of(ask, &draft.preset)?;
            let (version, text) = documents.freeze_file(preset).await?;
            // A job of the draft, though no version of it: it is found among the draft's jobs.
            Ok(Chosen { preset: draft.id, version: version.id, text })
        }
        (Some(which), None, None) => {
            let which = which.as_str();
            match documents.freeze(which, ask.heads.clone(), None).await {
                // What the owner activated still runs by name while docs is away.
                Err(documents::Error::Away(_)) if ask.heads.is_empty() => activated(ctx, which),
                other => frozen(other?),
            }
        }
        (None, None, None) => Err(Problem::wrong("nothing-to-run", "the request does not say what to run")
            .hint("give `preset` (a name or id), `inline` (a preset) or `version`")),
        _ => Err(Problem::wrong("two-things-to-run", "the request names more than one thing to run")
            .hint("give only one of `preset`, `inline` and `version`; `preset` with `version` is fine")),
    }
}

/// What of a preset is to be run. A pinned trigger is where the job starts, with what it is pinned to.
fn part_of(ask: &mut StartJob, preset: &Preset) -> Result<Preset, Problem> {
    let mut pins = std::mem::take(&mut ask.pins);
    let triggers: Vec<StepId> = pins.keys().filter(|id| preset.triggers.contains_key(*id)).cloned().collect();
    match triggers.as_slice() {
        [] => {}
        [one] if ask.input.is_empty() && ask.trigger.as_ref().is_none_or(|asked| asked == one) => {
            let items = pins.remove(one).unwrap_or_default().into_values().flatten();
            let items = items.map(|item| serde_json::to_value(item).unwrap_or_default());
            ask.input = items.collect();
            ask.trigger = Some(one.clone());
        }
        _ => {
            return Err(Problem::wrong("two-starts", "a job starts at one trigger, with one input")
                .hint("pin one trigger at most, and leave `input` and `trigger` out then"));
        }
    }
    part::part(preset, &ask.until, pins).map_err(|(id, near)| {
        let problem = Problem::wrong("unknown-step", format!("the preset `{}` has no step `{id}`", preset.name));
        problem.hint(near.map_or_else(|| "look at its steps".to_owned(), |near| format!("did you mean `{near}`?")))
    })
}

fn frozen((version, text): (Version, Preset)) -> Result<Chosen, Problem> {
    Ok(Chosen { preset: version.preset, version: version.id, text })
}

async fn by_version(ctx: &Ctx, which: Option<&str>, version: VersionId) -> Result<Chosen, Problem> {
    let known = ctx.known();
    if let Some(activation) = known.activations.iter().find(|activation| activation.version == version) {
        let text = ctx.frozen(version).await?.preset;
        return Ok(Chosen { preset: activation.preset.clone(), version, text });
    }
    let (version, frozen) = ctx.options.documents.version(version).await?;
    if which.is_some_and(|which| which != version.preset.as_str() && which != frozen.preset.name) {
        let detail = format!("version {} was not frozen from `{}`", version.id.short(), which.unwrap_or_default());
        return Err(Problem::conflict("other-preset", detail).hint("leave `preset` out: a version says what it is"));
    }
    Ok(Chosen { preset: version.preset, version: version.id, text: frozen.preset })
}

fn activated(ctx: &Ctx, which: &str) -> Result<Chosen, Problem> {
    let known = ctx.known();
    let found = known.activations.iter().find(|it| it.preset.as_str() == which || it.header.name == which);
    let activation = found
        .ok_or_else(|| Problem::from(documents::Error::Away(format!("and no version of `{which}` is activated"))))?;
    let text = activation.header.clone();
    Ok(Chosen { preset: activation.preset.clone(), version: activation.version, text })
}

/// The submission for `chosen`.
pub(crate) async fn submission(
    ctx: &Ctx, ask: StartJob, key: Option<&str>, chosen: &Chosen,
) -> Result<Submission, Problem> {
    check_variables(&chosen.text, &ask.variables)?;
    let trigger = trigger(&chosen.text, ask.trigger)?;
    let input = items(ask.input)?;
    check_files(ctx, &input).await?;
    let key = key.map(str::to_owned).or(ask.idempotency_key);
    let job = match &key {
        Some(key) => keyed(ctx, &format!("api {}", chosen.preset), key)?,
        None => ctx.fresh_job(),
    };
    Ok(Submission {
        job,
        keyed: key.is_some(),
        preset: chosen.preset.clone(),
        name: chosen.text.name.clone(),
        version: chosen.version,
        trigger,
        input,
        variables: ask.variables,
        priority: ask.priority.unwrap_or(chosen.text.settings.priority),
        concurrency: chosen.text.settings.concurrency,
        dry_run: ask.dry_run,
        replay: None,
        parent: None,
        depth: 0,
    })
}

/// The job that `key` names in `domain`.
pub(crate) fn keyed(ctx: &Ctx, domain: &str, key: &str) -> Result<JobId, Problem> {
    if key.is_empty() || key.chars().count() > KEY_CHARS_MAX {
        return Err(Problem::wrong("bad-key", format!("an idempotency key has 1 to {KEY_CHARS_MAX} characters"))
            .hint("a random UUID is a good one"));
    }
    let job = JobId::keyed(domain, key.as_bytes(), ctx.options.inbox.shards());
    ctx.check_shard(job)?;
    Ok(job)
}

/// What was accepted as `job` before; none when nothing was, or nobody can tell now: accepting it again changes nothing.
///
/// Of two requests that come at the same moment neither may see the other; one of them starts the job.
pub(crate) async fn earlier(ctx: &Ctx, job: JobId) -> Option<Submission> {
    let first = ctx.options.reader.events(job, 0, 1).await.ok()?.into_iter().next()?;
    match first.what {
        What::Accepted(submission) => Some(*submission),
        _ => None,
    }
}

/// Refuses a key that came before with something else (draft-ietf-httpapi-idempotency-key-header, section 2.7).
pub(crate) fn other_request(job: JobId, what: &str) -> Problem {
    Problem::conflict("key-reused", format!("this idempotency key started job {job} with another {what}"))
        .hint("send another key for another job; GET the job to see what it was given")
        .job(job)
}

/// What a request says itself; the rest follows from the draft, which may have changed since the key came first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Says {
    version: bool,
    trigger: bool,
    priority: bool,
}

impl Says {
    pub(crate) fn of(ask: &StartJob) -> Self {
        Self {
            version: ask.version.is_some() || ask.inline.is_some() || !ask.until.is_empty() || !ask.pins.is_empty(),
            trigger: ask.trigger.is_some(),
            priority: ask.priority.is_some(),
        }
    }

    /// What it asks for that differs from what came before under the same key.
    pub(crate) fn difference(self, before: &Submission, now: &Submission) -> Option<&'static str> {
        let differs = [
            (self.version && before.version != now.version, "version"),
            (self.trigger && before.trigger != now.trigger, "trigger"),
            (before.input != now.input, "input"),
            (before.variables != now.variables, "set of variables"),
            (self.priority && before.priority != now.priority, "priority"),
            (before.dry_run != now.dry_run, "kind of run (dry or not)"),
        ];
        differs.into_iter().find_map(|(differs, what)| differs.then_some(what))
    }
}

/// Refuses variables that the preset does not have.
pub(crate) fn check_variables(preset: &Preset, given: &BTreeMap<String, Value>) -> Result<(), Problem> {
    let Some(name) = given.keys().find(|name| !preset.variables.contains_key(*name)) else { return Ok(()) };
    let known: Vec<&str> = preset.variables.keys().map(String::as_str).collect();
    let hint = match (nearest(name, known.iter().copied()), known.is_empty()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, true) => "the preset has no variables".to_owned(),
        (None, false) => format!("its variables are {}", known.join(", ")),
    };
    Err(Problem::wrong("unknown-variable", format!("the preset `{}` has no variable `{name}`", preset.name)).hint(hint))
}

/// Which trigger a start by hand stands for.
fn trigger(preset: &Preset, asked: Option<StepId>) -> Result<Option<StepId>, Problem> {
    let names = || preset.triggers.keys().map(StepId::as_str).collect::<Vec<_>>().join(", ");
    if let Some(id) = asked {
        if preset.triggers.contains_key(&id) {
            return Ok(Some(id));
        }
        return Err(Problem::wrong("unknown-trigger", format!("the preset `{}` has no trigger `{id}`", preset.name))
            .hint(format!("its triggers are: {}", names())));
    }
    let mut manual = preset.triggers.iter().filter(|(_, trigger)| trigger.component == MANUAL && !trigger.disabled);
    match (manual.next(), manual.next()) {
        (Some((id, _)), None) => return Ok(Some(id.clone())),
        (None, _) if preset.triggers.is_empty() => return Ok(None),
        (None, _) if preset.triggers.len() == 1 => return Ok(preset.triggers.keys().next().cloned()),
        _ => {}
    }
    Err(Problem::wrong("which-trigger", format!("the preset `{}` has several triggers", preset.name))
        .hint(format!("name one with `trigger`: {}", names())))
}

/// Plain JSON values become items; items stay items.
pub(crate) fn items(values: Vec<Value>) -> Result<Vec<Item>, Problem> {
    if values.len() > ITEMS_MAX {
        return Err(Problem::wrong("too-many-items", format!("the input has more than {ITEMS_MAX} items"))
            .hint("upload them as one file and read it in a step"));
    }
    values.into_iter().enumerate().map(|(index, value)| item(index, value)).collect()
}

fn item(index: usize, value: Value) -> Result<Item, Problem> {
    let is_item = value.as_object().is_some_and(|map| {
        map.contains_key("json") && map.keys().all(|name| matches!(name.as_str(), "json" | "files"))
    });
    let item = match is_item {
        true => serde_json::from_value(value).map_err(|error| {
            Problem::wrong("wrong-input", format!("item {index} of the input does not read: {error}"))
                .hint("an item is { json, files: { name: { blob, size, name } } }; any other value becomes its `json`")
        })?,
        false => Item::json(value),
    };
    let bytes = serde_json::to_vec(&item.json).map_or(usize::MAX, |text| text.len());
    if bytes > ITEM_JSON_BYTES_MAX {
        return Err(Problem::too_large(&format!("item {index} of the input"), ITEM_JSON_BYTES_MAX as u64));
    }
    Ok(item)
}

/// Refuses files that are not here, before a step stumbles over them.
pub(crate) async fn check_files(ctx: &Ctx, items: &[Item]) -> Result<(), Problem> {
    for (index, item) in items.iter().enumerate() {
        for (name, file) in &item.files {
            if !ctx.options.blobs.has(file.blob).await? {
                let detail = format!("the file `{name}` of item {index} is not here: blob {}", file.blob);
                return Err(Problem::wrong("no-file", detail).hint("upload it first: POST /api/v1/files"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flowork_protocol::preset::Trigger;
    use serde_json::json;

    #[test]
    fn plain_values_become_items_and_items_stay_items() {
        let read = items(vec![json!({ "json": 1 }), json!({ "json": 1, "more": 2 }), json!("text")]);
        let read: Vec<Value> = read.unwrap_or_default().into_iter().map(|item| item.json).collect();
        assert_eq!(read, [json!(1), json!({ "json": 1, "more": 2 }), json!("text")]);
    }

    #[test]
    fn a_start_by_hand_takes_the_manual_trigger_and_asks_when_it_cannot_tell() {
        let mut preset = Preset::named("p");
        let add = |id: &str, component: &str, preset: &mut Preset| {
            let trigger = Trigger { component: component.to_owned(), ..Trigger::default() };
            preset.triggers.insert(id.into(), trigger);
        };
        assert_eq!(trigger(&preset, None).ok(), Some(None));
        add("hook", "webhook", &mut preset);
        assert_eq!(trigger(&preset, None).ok(), Some(Some("hook".into())));
        add("hand", "manual", &mut preset);
        assert_eq!(trigger(&preset, None).ok(), Some(Some("hand".into())));
        add("hand2", "manual", &mut preset);
        assert!(trigger(&preset, None).is_err());
        assert!(trigger(&preset, Some("nope".into())).is_err());
        assert_eq!(trigger(&preset, Some("hook".into())).ok(), Some(Some("hook".into())));
    }
}
