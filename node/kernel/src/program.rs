//! A version made ready to run: its rules for the machine and a prepared body for every step.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use flowork_ports::component::{Body, Library, Mentions, StepContext};
use flowork_ports::documents::FrozenPreset;
use flowork_ports::{Blobs, blobs};
use flowork_protocol::check::{Catalogue, Severity};
use flowork_protocol::plan::{Plan, SUB_PRESET};
use flowork_protocol::preset::Preset;
use flowork_protocol::{BlobId, Failure, VersionId};
use serde_json::Value;

use crate::machine::{Policy, Rules};

/// How many versions stay prepared.
const PROGRAMS_MAX: usize = 256;
/// The code of a failure that another Flowork would not have: the job is parked and not failed.
pub(crate) const COMPONENT_GONE: &str = "component-version-missing";

/// A version made ready to run.
pub(crate) struct Program {
    pub(crate) version: VersionId,
    pub(crate) preset: Preset,
    pub(crate) name: Arc<str>,
    pub(crate) rules: Arc<Rules>,
    /// By vertex number; triggers have none.
    pub(crate) bodies: Vec<Option<Prepared>>,
    /// The preset's variables.
    pub(crate) variables: BTreeMap<String, Value>,
    /// Names of presets that its steps start, where config says them in so many words.
    pub(crate) sub_presets: Vec<String>,
}

/// A prepared step.
pub(crate) struct Prepared {
    pub(crate) body: Body,
    pub(crate) mentions: Mentions,
    pub(crate) knows_dry_run: bool,
}

impl Program {
    pub(crate) fn plan(&self) -> &Plan {
        &self.rules.plan
    }

    fn compile(version: VersionId, frozen: FrozenPreset, library: &dyn Library) -> Result<Self, Failure> {
        let preset = frozen.preset;
        for (name, digest) in &frozen.lock {
            has_component(name, digest, library)?;
        }
        let (plan, problems) = Plan::build(&preset, as_catalogue(library));
        if let Some(problem) = problems.into_iter().find(|problem| problem.severity == Severity::Error) {
            let hint = problem.suggestion.unwrap_or_else(|| "open the preset and mend it".to_owned());
            return Err(Failure::new("bad-preset", problem.message).place(problem.place).hint(hint));
        }
        let mut bodies = Vec::with_capacity(plan.vertices.len());
        let mut policies = Vec::with_capacity(plan.vertices.len());
        let mut sub_presets = Vec::new();
        for vertex in &plan.vertices {
            let Some(step) = preset.steps.get(&vertex.id) else {
                bodies.push(None);
                policies.push(Policy::default());
                continue;
            };
            let component = library.component(&step.component).ok_or_else(|| {
                Failure::new("unknown-component", format!("this node has no component `{}`", step.component))
                    .hint("`flowork component list` shows what it has")
            })?;
            let context = StepContext { version, step: &vertex.id, config: &step.config };
            let body = component.prepare(&context).map_err(|mut failure| {
                failure.step = Some(vertex.id.clone());
                failure
            })?;
            bodies.push(Some(Prepared { mentions: body.mentions(), body, knows_dry_run: component.knows_dry_run() }));
            policies.push(Policy { retry: step.retry.clone(), on_error: step.on_error, on_crash: step.on_crash });
            if step.component == SUB_PRESET {
                sub_presets.extend(step.config.get("preset").and_then(Value::as_str).map(str::to_owned));
            }
        }
        Ok(Self {
            version,
            name: preset.name.as_str().into(),
            rules: Arc::new(Rules { plan, policies }),
            bodies,
            variables: preset.variables.iter().map(|(name, it)| (name.clone(), it.value.clone())).collect(),
            sub_presets,
            preset,
        })
    }
}

/// A job keeps the versions of the components that it was frozen with.
fn has_component(locked: &str, digest: &str, library: &dyn Library) -> Result<(), Failure> {
    let (component, version) = locked.split_once('@').unwrap_or((locked, ""));
    let here = library.manifest(component).map(|manifest| manifest.version);
    if here.is_none_or(|here| version.parse() != Ok(here)) {
        let has = here.map_or_else(|| "does not have it".to_owned(), |here| format!("has version {here}"));
        let message = format!("it was frozen with version {version} of `{component}`, this node {has}");
        return Err(Failure::new(COMPONENT_GONE, message).hint("start the Flowork that has it"));
    }
    if library.digest(component).as_deref() != Some(digest) {
        tracing::warn!(component = %locked, "the component says something else about itself than when a version was frozen");
    }
    Ok(())
}

fn as_catalogue(library: &dyn Library) -> &dyn Catalogue {
    library
}

/// Prepared versions, the most recently used ones.
pub(crate) struct Programs {
    library: Arc<dyn Library>,
    blobs: Arc<dyn Blobs>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    programs: HashMap<VersionId, (u64, Arc<Program>)>,
    used: u64,
}

impl Programs {
    pub(crate) fn new(library: Arc<dyn Library>, blobs: Arc<dyn Blobs>) -> Self {
        Self { library, blobs, kept: Mutex::default() }
    }

    /// The prepared version; reads and compiles it when it is not at hand.
    pub(crate) async fn get(&self, version: VersionId) -> Result<Arc<Program>, Failure> {
        if let Some(program) = self.lookup(version) {
            return Ok(program);
        }
        let frozen = self.frozen(version).await?;
        let program = Arc::new(Program::compile(version, frozen, self.library.as_ref())?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.used += 1;
        let stamp = kept.used;
        kept.programs.insert(version, (stamp, program.clone()));
        if kept.programs.len() > PROGRAMS_MAX {
            let oldest = kept.programs.iter().min_by_key(|(_, it)| it.0).map(|it| *it.0);
            oldest.and_then(|version| kept.programs.remove(&version));
        }
        Ok(program)
    }

    /// The version's text.
    pub(crate) async fn frozen(&self, version: VersionId) -> Result<FrozenPreset, Failure> {
        let bytes = self.blobs.get(BlobId(version.0)).await.map_err(|error| {
            let failure =
                Failure::new("version-missing", format!("version {} cannot be read: {error}", version.short()));
            match error {
                blobs::Error::Io { .. } => failure.retryable(),
                _ => failure.hint("freeze the preset again, or restore the node from a backup"),
            }
        })?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Failure::new("version-unreadable", format!("version {} does not read: {error}", version.short()))
                .hint("a newer Flowork may have written it")
        })
    }

    fn lookup(&self, version: VersionId) -> Option<Arc<Program>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.used += 1;
        let stamp = kept.used;
        let (used, program) = kept.programs.get_mut(&version)?;
        *used = stamp;
        Some(program.clone())
    }
}
