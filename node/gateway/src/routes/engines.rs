//! Engines that this node lends.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{Method, StatusCode};
use flowork_ports::mesh::{Ask, Engine, Gave, Lend, Offer, Policy};
use flowork_ports::models::{ModelAt, ModelServer};
use flowork_protocol::command::Role;
use flowork_protocol::grant::Capability;
use flowork_protocol::preset::{Preset, Step};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::peers::ask;
use crate::access::{Admin, Permit, Viewer};
use crate::api::Route;
use crate::context::Ctx;
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// What a version that is lent is called among the versions of its draft.
const LABEL: &str = "lent";
/// As many models are named where one has to be chosen.
const MODELS_SHOWN: usize = 8;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/v1/engines", Role::Viewer, "Lists the engines that this node lends.", list)
            .reply::<Vec<Engine>>(200, "The engines."),
        Route::new(
            Method::PUT,
            "/api/v1/engines/{engine}",
            Role::Admin,
            "Lends presets, single components and a model as an engine. What they do is frozen now; who may use it, grants say.",
            lend,
        )
        .body::<LendWhat>()
        .reply::<Engine>(200, "The engine."),
        Route::new(
            Method::DELETE,
            "/api/v1/engines/{engine}",
            Role::Admin,
            "Lends an engine no more, or one of its capabilities.",
            unlend,
        )
        .query::<Which>()
        .reply_as(204, "It is lent no more. Calls that run go on.", "text/plain"),
        Route::new(
            Method::PUT,
            "/api/v1/engines/{engine}/policy",
            Role::Admin,
            "Says when an engine takes calls of others. Runs that go on when it does not are paused until it does.",
            set_policy,
        )
        .body::<Policy>()
        .reply::<Engine>(200, "The engine."),
        Route::new(
            Method::GET,
            "/api/v1/model-servers",
            Role::Admin,
            "Looks for model servers that run on this machine.",
            find_models,
        )
        .query::<At>()
        .reply::<Vec<ModelServer>>(200, "Those at the usual ports, or the one at the address, with their models."),
        Route::new(Method::PUT, "/api/v1/lending", Role::Admin, "Pauses or resumes all lending.", pause_all)
            .body::<Pause>()
            .reply_as(204, "It is on disk.", "text/plain"),
        Route::new(
            Method::PUT,
            "/api/v1/engines/{engine}/lending",
            Role::Admin,
            "Pauses or resumes the lending of one engine.",
            pause,
        )
        .body::<Pause>()
        .reply_as(204, "It is on disk.", "text/plain"),
    ]
}

/// What to lend.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LendWhat {
    /// Presets, by name or id. Each may then be run by whoever holds a grant for `run:` and its name.
    #[serde(default)]
    run: Vec<String>,
    /// Single components. Each may then be called by whoever holds a grant for `tool:` and its name, with items and nothing else.
    #[serde(default)]
    tool: Vec<LendTool>,
    /// A model of a server that runs on this machine. Whoever holds a grant for `chat` may then ask it.
    #[serde(default)]
    chat: Option<LendModel>,
    /// How many calls the engine runs at once.
    #[serde(default)]
    concurrent: Option<u32>,
}

/// Which component, and how it is set.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LendTool {
    /// The component's name.
    component: String,
    /// Its config. Expressions in it see the caller's items; a caller sets nothing else.
    #[serde(default)]
    config: Map<String, Value>,
}

impl LendTool {
    /// The preset whose only step it is. Its name is the engine's own: what another engine lends has another.
    fn preset(&self, engine: &str) -> Preset {
        let engine = blake3::hash(engine.as_bytes()).to_hex();
        let mut preset = Preset::named(&format!("tool-{}-{}", self.component, &engine[..8]));
        preset.steps.insert("tool".into(), Step::of(&self.component, self.config.clone()));
        preset
    }
}

/// Which model.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct LendModel {
    /// The server's address, such as `http://127.0.0.1:11434`; the one that runs at a usual port unless said.
    server: Option<String>,
    /// The model, by the server's name for it; the only one unless said.
    model: Option<String>,
}

/// Where to look.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct At {
    /// Only at this address of this machine.
    at: Option<String>,
}

/// One capability.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Which {
    /// Only this, such as `run:summarise`.
    capability: Option<Capability>,
}

/// Whether.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PauseLending")]
struct Pause {
    /// True takes no calls; those that run go on.
    paused: bool,
}

async fn list(State(ctx): State<Ctx>, _: Permit<Viewer>) -> Result<Json<Vec<Engine>>, Problem> {
    Ok(Json(ask!(ctx, Ask::Engines, Gave::Engines(engines) => engines)))
}

async fn lend(
    State(ctx): State<Ctx>, _: Permit<Admin>, Path(engine): Path<String>, Json(lend): Json<LendWhat>,
) -> Result<Json<Engine>, Problem> {
    let mut offers = BTreeMap::new();
    for which in &lend.run {
        let (version, preset) = ctx.options.documents.freeze(which, Vec::new(), Some(LABEL.to_owned())).await?;
        let offer = Offer::Run {
            preset: version.preset,
            name: preset.name.clone(),
            version: version.id,
            concurrency: preset.settings.concurrency,
        };
        offers.insert(Capability::run(&preset.name), offer);
    }
    for tool in &lend.tool {
        let (version, preset) = ctx.options.documents.freeze_file(tool.preset(&engine)).await?;
        let offer = Offer::Run { preset: version.preset, name: preset.name, version: version.id, concurrency: None };
        offers.insert(Capability::tool(&tool.component), offer);
    }
    if let Some(which) = lend.chat {
        offers.insert(Capability("chat".to_owned()), Offer::Chat(model(&ctx, which).await?));
    }
    let lend = Lend { engine, offers, concurrent: lend.concurrent };
    Ok(Json(ask!(ctx, Ask::Lend(lend), Gave::Engine(engine) => engine)))
}

async fn set_policy(
    State(ctx): State<Ctx>, _: Permit<Admin>, Path(engine): Path<String>, Json(policy): Json<Policy>,
) -> Result<Json<Engine>, Problem> {
    Ok(Json(ask!(ctx, Ask::SetPolicy { engine, policy }, Gave::Engine(engine) => engine)))
}

async fn find_models(
    State(ctx): State<Ctx>, _: Permit<Admin>, Query(At { at }): Query<At>,
) -> Result<Json<Vec<ModelServer>>, Problem> {
    Ok(Json(ask!(ctx, Ask::FindModels(at), Gave::ModelServers(servers) => servers)))
}

/// The one model that is meant.
async fn model(ctx: &Ctx, which: LendModel) -> Result<ModelAt, Problem> {
    let servers = ask!(ctx, Ask::FindModels(which.server), Gave::ModelServers(servers) => servers);
    let all: Vec<ModelAt> = servers
        .into_iter()
        .flat_map(|server| {
            let ModelServer { url, models, .. } = server;
            models.into_iter().map(move |model| ModelAt { server: url.clone(), model })
        })
        .collect();
    let is_meant = |at: &&ModelAt| which.model.as_ref().is_none_or(|model| *model == at.model);
    let meant: Vec<&ModelAt> = all.iter().filter(is_meant).collect();
    let listed = |all: &[&ModelAt]| {
        let shown = all.iter().take(MODELS_SHOWN).map(|at| format!("`{}` at {}", at.model, at.server));
        shown.collect::<Vec<_>>().join(", ")
    };
    match (meant.as_slice(), which.model) {
        ([at], _) => Ok((*at).clone()),
        ([], Some(model)) if !all.is_empty() => {
            let text = format!("no model server of this machine has a model `{model}`");
            Err(Problem::missing("no-model", text)
                .hint(format!("there are {}", listed(&all.iter().collect::<Vec<_>>()))))
        }
        ([], _) => Err(Problem::missing("no-model-server", "no model server runs at a usual port of this machine")
            .hint("start Ollama, llama.cpp, LM Studio or another one, or name the address at which it listens")),
        (several, _) => {
            Err(Problem::wrong("which-model", format!("there are {} models to choose from", several.len()))
                .hint(format!("name one of {}", listed(several))))
        }
    }
}

async fn unlend(
    State(ctx): State<Ctx>, _: Permit<Admin>, Path(engine): Path<String>, Query(which): Query<Which>,
) -> Result<StatusCode, Problem> {
    ask!(ctx, Ask::Unlend { engine, capability: which.capability }, Gave::Done => ());
    Ok(StatusCode::NO_CONTENT)
}

async fn pause_all(
    State(ctx): State<Ctx>, _: Permit<Admin>, Json(Pause { paused }): Json<Pause>,
) -> Result<StatusCode, Problem> {
    ask!(ctx, Ask::PauseLending { engine: None, paused }, Gave::Done => ());
    Ok(StatusCode::NO_CONTENT)
}

async fn pause(
    State(ctx): State<Ctx>, _: Permit<Admin>, Path(engine): Path<String>, Json(Pause { paused }): Json<Pause>,
) -> Result<StatusCode, Problem> {
    ask!(ctx, Ask::PauseLending { engine: Some(engine), paused }, Gave::Done => ());
    Ok(StatusCode::NO_CONTENT)
}
