//! Other nodes: who is paired, who is near, and the invitations by which others come.

use axum::extract::State;
use axum::http::{Method, StatusCode};
use flowork_ports::mesh::{Ask, Error, Gave, Invitation, Invite, Invited, Neighbour, Parting, Peer, Preview, Status};
use flowork_protocol::command::Role;
use flowork_protocol::preset::Step;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::access::{Admin, Permit, Viewer};
use crate::api::Route;
use crate::context::Ctx;
use crate::extract::{Json, Path};
use crate::problem::Problem;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/v1/mesh", Role::Viewer, "This node as others see it.", status)
            .reply::<Status>(200, "Its name and where it listens."),
        Route::new(Method::GET, "/api/v1/peers", Role::Viewer, "Lists the nodes that this one is paired with.", list)
            .reply::<Vec<Peer>>(200, "The peers, and how each is reached now."),
        Route::new(
            Method::GET,
            "/api/v1/peers/nearby",
            Role::Viewer,
            "Lists nodes on the local network that are not paired.",
            nearby,
        )
        .reply::<Vec<Neighbour>>(200, "The nodes."),
        Route::new(
            Method::POST,
            "/api/v1/peers/invitations",
            Role::Admin,
            "Makes an invitation, to be used once.",
            invite,
        )
        .body::<Invite>()
        .reply::<Invited>(201, "The link. It is not shown again."),
        Route::new(Method::GET, "/api/v1/peers/invitations", Role::Admin, "Lists invitations.", invitations)
            .reply::<Vec<Invitation>>(200, "The invitations, without their secrets."),
        Route::new(
            Method::DELETE,
            "/api/v1/peers/invitations/{invitation}",
            Role::Admin,
            "Takes an invitation back.",
            uninvite,
        )
        .reply_as(204, "Nobody comes in by it any more.", "text/plain"),
        Route::new(
            Method::POST,
            "/api/v1/peers/preview",
            Role::Admin,
            "Reads an invitation without sending anything to anybody.",
            preview,
        )
        .body::<Link>()
        .reply::<Preview>(200, "What it says."),
        Route::new(Method::POST, "/api/v1/peers", Role::Admin, "Joins the node that made an invitation.", join)
            .body::<Join>()
            .reply::<Peer>(201, "The two nodes are paired."),
        Route::new(Method::PATCH, "/api/v1/peers/{peer}", Role::Admin, "Calls a peer something else.", rename)
            .body::<Rename>()
            .reply::<Peer>(200, "The peer."),
        Route::new(Method::GET, "/api/v1/peers/{peer}/parting", Role::Admin, "What would end with a peer.", parting)
            .reply::<Parting>(200, "What ends, and what they keep."),
        Route::new(
            Method::DELETE,
            "/api/v1/peers/{peer}",
            Role::Admin,
            "Removes a peer; grants and calls between the two end.",
            remove,
        )
        .reply::<Parting>(200, "What ended."),
    ]
}

/// An invitation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Link {
    /// `flowork://join/…`
    link: String,
}

/// An invitation, and what its maker is to be called.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "JoinPeer")]
struct Join {
    /// `flowork://join/…`
    link: String,
    /// What they are to be called here; what they call themselves unless said.
    #[serde(default)]
    name: Option<String>,
}

/// A new name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RenamePeer")]
struct Rename {
    /// What they are to be called here.
    name: String,
}

/// An answer to another question: the mesh is of another version, or broken.
pub(super) fn unexpected() -> Problem {
    Error::Away("it answered another question".to_owned()).into()
}

/// Asks the mesh and takes the one answer that fits.
macro_rules! ask {
    ($ctx:expr, $ask:expr, $pattern:pat => $value:expr) => {
        match $ctx.options.mesh.ask($ask).await? {
            $pattern => $value,
            _ => return Err($crate::routes::peers::unexpected()),
        }
    };
}
pub(super) use ask;

async fn status(State(ctx): State<Ctx>, _: Permit<Viewer>) -> Result<Json<Status>, Problem> {
    Ok(Json(ask!(ctx, Ask::Status, Gave::Status(status) => status)))
}

async fn list(State(ctx): State<Ctx>, _: Permit<Viewer>) -> Result<Json<Vec<Peer>>, Problem> {
    Ok(Json(ask!(ctx, Ask::Peers, Gave::Peers(peers) => peers)))
}

async fn nearby(State(ctx): State<Ctx>, _: Permit<Viewer>) -> Result<Json<Vec<Neighbour>>, Problem> {
    Ok(Json(ask!(ctx, Ask::Neighbours, Gave::Neighbours(all) => all)))
}

async fn invite(
    State(ctx): State<Ctx>, _: Permit<Admin>, Json(ask): Json<Invite>,
) -> Result<(StatusCode, Json<Invited>), Problem> {
    Ok((StatusCode::CREATED, Json(ask!(ctx, Ask::Invite(ask), Gave::Invited(invited) => invited))))
}

async fn invitations(State(ctx): State<Ctx>, _: Permit<Admin>) -> Result<Json<Vec<Invitation>>, Problem> {
    Ok(Json(ask!(ctx, Ask::Invitations, Gave::Invitations(all) => all)))
}

async fn uninvite(State(ctx): State<Ctx>, _: Permit<Admin>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    ask!(ctx, Ask::Uninvite(id), Gave::Done => ());
    Ok(StatusCode::NO_CONTENT)
}

async fn preview(State(ctx): State<Ctx>, _: Permit<Admin>, Json(link): Json<Link>) -> Result<Json<Preview>, Problem> {
    Ok(Json(ask!(ctx, Ask::Preview(link.link), Gave::Preview(preview) => preview)))
}

async fn join(
    State(ctx): State<Ctx>, _: Permit<Admin>, Json(Join { link, name }): Json<Join>,
) -> Result<(StatusCode, Json<Peer>), Problem> {
    Ok((StatusCode::CREATED, Json(ask!(ctx, Ask::Join { link, name }, Gave::Peer(peer) => *peer))))
}

async fn rename(
    State(ctx): State<Ctx>, _: Permit<Admin>, Path(peer): Path<String>, Json(Rename { name }): Json<Rename>,
) -> Result<Json<Peer>, Problem> {
    Ok(Json(ask!(ctx, Ask::Rename { peer, name }, Gave::Peer(peer) => *peer)))
}

async fn parting(State(ctx): State<Ctx>, _: Permit<Admin>, Path(peer): Path<String>) -> Result<Json<Parting>, Problem> {
    let parting = ask!(ctx, Ask::PreviewRemove(peer.clone()), Gave::Parting(parting) => parting);
    let names = [peer.to_lowercase(), parting.name.to_lowercase()];
    let mut workflows = Vec::new();
    for draft in ctx.options.documents.list().await? {
        // One that cannot be read says nothing here; its own page says why.
        let Ok(draft) = ctx.options.documents.get(draft.id.as_str()).await else { continue };
        let asks = |step: &Step| {
            let peer = step.config.get("peer").and_then(Value::as_str);
            matches!(step.component.as_str(), "borrow" | "chat")
                && peer.is_some_and(|peer| names.contains(&peer.to_lowercase()))
        };
        if draft.preset.steps.values().any(asks) {
            workflows.push(draft.preset.name);
        }
    }
    Ok(Json(Parting { workflows, ..parting }))
}

async fn remove(State(ctx): State<Ctx>, _: Permit<Admin>, Path(peer): Path<String>) -> Result<Json<Parting>, Problem> {
    Ok(Json(ask!(ctx, Ask::Remove(peer), Gave::Parting(parting) => parting)))
}
