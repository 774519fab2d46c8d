//! Grants: who may use which engine of this node, and what this node may use of others.

use axum::extract::State;
use axum::http::{Method, StatusCode};
use flowork_ports::mesh::{Ask, Gave, Grant, NewGrant, TestGrant, Tested};
use flowork_ports::people::{NewRequest, PassOn, Renew, Request};
use flowork_protocol::command::Role;

use super::peers::ask;
use crate::access::{Admin, Permit, Viewer};
use crate::api::Route;
use crate::context::Ctx;
use crate::extract::{Json, Path};
use crate::problem::Problem;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/v1/grants", Role::Viewer, "Lists grants, given and held.", list)
            .reply::<Vec<Grant>>(200, "The grants: those that this node gave first."),
        Route::new(Method::POST, "/api/v1/grants", Role::Admin, "Lets a peer use an engine of this node.", create)
            .body::<NewGrant>()
            .reply::<Grant>(201, "The grant. The peer is told of it as soon as it can be reached."),
        Route::new(
            Method::DELETE,
            "/api/v1/grants/{grant}",
            Role::Admin,
            "Takes a grant back. Calls that run under it end.",
            revoke,
        )
        .reply::<Grant>(200, "The grant that was taken back."),
        Route::new(
            Method::POST,
            "/api/v1/grants/{grant}/renew",
            Role::Admin,
            "Lets a grant hold for longer: a new one takes its place.",
            renew,
        )
        .body::<Renew>()
        .reply::<Grant>(201, "The new grant. Calls that began under the one before end under it."),
        Route::new(
            Method::POST,
            "/api/v1/grants/{grant}/pass-on",
            Role::Admin,
            "Passes on a grant that this node holds, within what it allows.",
            pass_on,
        )
        .body::<PassOn>()
        .reply::<Grant>(201, "What was passed on. Its holder is told as soon as it can be reached."),
        Route::new(Method::GET, "/api/v1/requests", Role::Viewer, "Lists what peers would like to use.", requests)
            .reply::<Vec<Request>>(200, "The requests, the newest first."),
        Route::new(Method::DELETE, "/api/v1/requests/{request}", Role::Admin, "Puts a request away.", drop_request)
            .reply_as(204, "It is put away. The peer is not told.", "text/plain"),
        Route::new(
            Method::POST,
            "/api/v1/peers/{peer}/requests",
            Role::Admin,
            "Asks a peer to be let use something of theirs.",
            request_access,
        )
        .body::<NewRequest>()
        .reply_as(204, "The peer has it.", "text/plain"),
        Route::new(
            Method::POST,
            "/api/v1/grants/test",
            Role::Viewer,
            "Says whether a peer may do something, and why.",
            test,
        )
        .body::<TestGrant>()
        .reply::<Tested>(200, "Whether, and the reasons."),
    ]
}

async fn list(State(ctx): State<Ctx>, _: Permit<Viewer>) -> Result<Json<Vec<Grant>>, Problem> {
    Ok(Json(ask!(ctx, Ask::Grants, Gave::Grants(grants) => grants)))
}

async fn create(
    State(ctx): State<Ctx>, _: Permit<Admin>, Json(grant): Json<NewGrant>,
) -> Result<(StatusCode, Json<Grant>), Problem> {
    Ok((StatusCode::CREATED, Json(ask!(ctx, Ask::Grant(grant), Gave::Grant(grant) => *grant))))
}

async fn revoke(State(ctx): State<Ctx>, _: Permit<Admin>, Path(id): Path<String>) -> Result<Json<Grant>, Problem> {
    Ok(Json(ask!(ctx, Ask::Revoke(id), Gave::Grant(grant) => *grant)))
}

async fn test(State(ctx): State<Ctx>, _: Permit<Viewer>, Json(test): Json<TestGrant>) -> Result<Json<Tested>, Problem> {
    Ok(Json(ask!(ctx, Ask::Test(test), Gave::Tested(tested) => tested)))
}

async fn renew(
    State(ctx): State<Ctx>, _: Permit<Admin>, Path(grant): Path<String>, Json(renew): Json<Renew>,
) -> Result<(StatusCode, Json<Grant>), Problem> {
    Ok((StatusCode::CREATED, Json(ask!(ctx, Ask::Renew { grant, renew }, Gave::Grant(grant) => *grant))))
}

async fn pass_on(
    State(ctx): State<Ctx>, _: Permit<Admin>, Path(grant): Path<String>, Json(pass_on): Json<PassOn>,
) -> Result<(StatusCode, Json<Grant>), Problem> {
    Ok((StatusCode::CREATED, Json(ask!(ctx, Ask::PassOn { grant, pass_on }, Gave::Grant(grant) => *grant))))
}

async fn requests(State(ctx): State<Ctx>, _: Permit<Viewer>) -> Result<Json<Vec<Request>>, Problem> {
    Ok(Json(ask!(ctx, Ask::Requests, Gave::Requests(requests) => requests)))
}

async fn drop_request(
    State(ctx): State<Ctx>, _: Permit<Admin>, Path(request): Path<String>,
) -> Result<StatusCode, Problem> {
    ask!(ctx, Ask::DropRequest(request), Gave::Done => ());
    Ok(StatusCode::NO_CONTENT)
}

async fn request_access(
    State(ctx): State<Ctx>, _: Permit<Admin>, Path(peer): Path<String>, Json(request): Json<NewRequest>,
) -> Result<StatusCode, Problem> {
    ask!(ctx, Ask::RequestAccess { peer, request }, Gave::Done => ());
    Ok(StatusCode::NO_CONTENT)
}
