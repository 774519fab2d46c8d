//! Whose node this is. The person's key is never here: certificates are made in a terminal, and brought.

use axum::extract::State;
use axum::http::{Method, StatusCode};
use flowork_ports::mesh::{Ask, Gave};
use flowork_ports::people::{CertificateText, Person};
use flowork_protocol::command::Role;

use super::peers::ask;
use crate::access::{Admin, Permit, Viewer};
use crate::api::Route;
use crate::context::Ctx;
use crate::extract::Json;
use crate::problem::Problem;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/v1/person", Role::Viewer, "Says whose node this is, and which others are.", show)
            .reply::<Person>(200, "The person and their nodes."),
        Route::new(
            Method::POST,
            "/api/v1/person/certificates",
            Role::Admin,
            "Keeps a certificate by this node's person: for this node, for another of theirs, or that takes one back.",
            certify,
        )
        .body::<CertificateText>()
        .reply::<Person>(200, "The person and their nodes. Peers are told."),
        Route::new(Method::DELETE, "/api/v1/person", Role::Admin, "Makes this node nobody's.", leave).reply_as(
            204,
            "It is nobody's. Peers are told.",
            "text/plain",
        ),
    ]
}

async fn show(State(ctx): State<Ctx>, _: Permit<Viewer>) -> Result<Json<Person>, Problem> {
    Ok(Json(ask!(ctx, Ask::Person, Gave::Person(person) => person)))
}

async fn certify(
    State(ctx): State<Ctx>, _: Permit<Admin>, Json(CertificateText { certificate }): Json<CertificateText>,
) -> Result<Json<Person>, Problem> {
    Ok(Json(ask!(ctx, Ask::Certify(certificate), Gave::Person(person) => person)))
}

async fn leave(State(ctx): State<Ctx>, _: Permit<Admin>) -> Result<StatusCode, Problem> {
    ask!(ctx, Ask::LeavePerson, Gave::Done => ());
    Ok(StatusCode::NO_CONTENT)
}
