//! The node itself: whether it is there, what it is made of, and its plain page.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flowork_ports::roles::RoleStatus;
use flowork_ports::store::Stats;
use flowork_protocol::NodeId;
use flowork_protocol::command::Role;
use schemars::JsonSchema;
use serde::Serialize;

use crate::access::{Permit, Viewer, may_look};
use crate::api::Route;
use crate::context::Ctx;
use crate::extract::Json;
use crate::problem::Problem;
use crate::{gui, page};

/// By then a role that is not ready has trouble.
const COMES_UP_WITHIN: Duration = Duration::from_secs(2);
/// With less free than this, the disk is called full: the next commit may not fit.
const FREE_BYTES_MIN: u64 = 4 << 20;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/", None, "The web GUI, or the plain page where there is none.", home).reply_as(
            200,
            "The page.",
            "text/html",
        ),
        Route::new(Method::GET, "/plain", None, "A plain page with the node's state.", plain).reply_as(
            200,
            "The page. Without a token it shows roles and counts only.",
            "text/html",
        ),
        Route::new(Method::GET, "/page.css", None, "How the plain page looks.", style).reply_as(
            200,
            "The style sheet.",
            "text/css",
        ),
        Route::new(Method::GET, "/healthz", None, "Whether the gateway answers.", healthz).reply_as(
            200,
            "It does.",
            "text/plain",
        ),
        Route::new(Method::GET, "/readyz", None, "Whether the node takes work.", readyz)
            .reply::<Ready>(200, "It does.")
            .reply::<Ready>(503, "It does not, and why."),
        Route::new(Method::GET, "/api/v1/node", Role::Viewer, "What this node is and how it is.", about)
            .reply::<About>(200, "The node."),
    ]
}

/// Whether the node takes work.
#[derive(Debug, Serialize, JsonSchema)]
struct Ready {
    /// Whether what is accepted now is kept and will run.
    ready: bool,
    /// Why not, or what is not as it should be.
    problems: Vec<String>,
}

/// What a node is and how it is.
#[derive(Debug, Serialize, JsonSchema)]
struct About {
    /// Its name: an ed25519 public key, shown as a libp2p PeerId.
    id: NodeId,
    /// The version of Flowork.
    version: String,
    /// How long this gateway has been up, in milliseconds.
    uptime_ms: u64,
    /// Who asks.
    you: You,
    /// Its processes.
    roles: Vec<RoleStatus>,
    /// The store in numbers: jobs by state, files, disk and budget.
    stats: Option<Stats>,
    /// Why there are no numbers, if there are none.
    problem: Option<String>,
    /// Where its data is.
    data_dir: String,
    /// How many presets are activated.
    activations: usize,
    /// How many webhooks are open.
    webhooks: usize,
}

/// Who asks, and what they may do.
#[derive(Debug, Serialize, JsonSchema)]
struct You {
    /// What others call them.
    name: String,
    /// What they may do.
    role: Role,
}

async fn healthz() -> &'static str {
    "ok\n"
}

async fn readyz(State(ctx): State<Ctx>) -> Response {
    let mut problems: Vec<String> = ctx.known().problem.clone().into_iter().collect();
    let ready = problems.is_empty();
    let roles = ctx.options.roles.borrow().clone();
    // A role that is away does not stop the node from taking work; it only runs later.
    problems.extend(roles.iter().filter(|role| !role.ready).map(|role| format!("{} is not ready", page::role(role))));
    // Files are looked at when everything is up or should be, so that coming up is not slower for it.
    let looks = problems.is_empty() || ctx.up_since.elapsed() > COMES_UP_WITHIN;
    if looks && let Ok(stats) = ctx.stats().await {
        problems.extend(stats.files.iter().filter_map(|file| file.problem.clone()));
        if stats.free_bytes < FREE_BYTES_MIN {
            let free = stats.free_bytes;
            problems
                .push(format!("the disk that holds the data directory is full ({free} bytes free); free some space"));
        }
    }
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready, problems })).into_response()
}

async fn about(State(ctx): State<Ctx>, permit: Permit<Viewer>) -> Result<Json<About>, Problem> {
    let (stats, problem) = match ctx.stats().await {
        Ok(stats) => (Some((*stats).clone()), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let known = ctx.known();
    let roles = ctx.options.roles.borrow().clone();
    Ok(Json(About {
        id: ctx.options.node_id,
        version: ctx.options.version.clone(),
        uptime_ms: millis(ctx.up_since.elapsed()),
        you: You { name: permit.who().to_owned(), role: permit.role() },
        roles,
        stats,
        problem,
        data_dir: ctx.options.data_dir.clone(),
        activations: known.activations.len(),
        webhooks: known.hooks.len(),
    }))
}

async fn home(state: State<Ctx>, method: Method, headers: HeaderMap) -> Response {
    match gui::serve(state.options.gui, &method, "/", &headers) {
        Some(page) => page,
        None => plain(state, headers).await,
    }
}

async fn plain(State(ctx): State<Ctx>, headers: HeaderMap) -> Response {
    let stats = ctx.stats().await;
    let roles = ctx.options.roles.borrow().clone();
    let html = page::render(&page::Facts {
        full: may_look(&ctx, &headers),
        options: &ctx.options,
        uptime: ctx.up_since.elapsed(),
        roles: &roles,
        stats: stats.as_deref().map_err(ToString::to_string),
        known: &ctx.known(),
    });
    let mut response = html.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(page::POLICY));
    response
}

async fn style() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")];
    (kind, page::STYLE).into_response()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
