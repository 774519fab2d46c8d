//! Drafts as they are edited: a WebSocket in automerge-repo's protocol, for browsers that hold the documents themselves.
//!
//! A browser can send no token with a WebSocket, so it first asks for a ticket, which works once. What a connection may do is
//! settled when it is opened; when the session ends or its role changes, the connection ends too.

use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use flowork_ports::documents::{Connection, MESSAGE_BYTES_MAX, Present, Visitor};
use flowork_protocol::Timestamp;
use flowork_protocol::command::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;

use crate::access::{self, Permit, Viewer};
use crate::api::Route;
use crate::context::{Ctx, now};
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// Where connections are opened.
pub(crate) const PATH: &str = "/sync";
/// How many connections may be open at once.
pub(crate) const VISITS_MAX: usize = 256;
/// How often a quiet connection is asked whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// A connection from which nothing comes for so long is gone.
const SILENT_MAX: Duration = Duration::from_secs(60);
/// Why a connection was closed (RFC 6455, section 7.4; 4000 and above are ours).
const GOING_AWAY: u16 = 1001;
const NO_TEXT: u16 = 1003;
const TRY_AGAIN: u16 = 1013;
const SESSION_OVER: u16 = 4401;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::POST,
            "/api/v1/sync/tickets",
            Role::Viewer,
            "Gives a ticket that opens one connection to the drafts.",
            ticket,
        )
        .reply::<Ticket>(201, "The ticket: `GET /sync?ticket=…`, once, within a minute."),
        Route::new(
            Method::GET,
            PATH,
            None,
            "Opens a WebSocket in automerge-repo's protocol. A draft's id is its document's id.",
            open,
        )
        .query::<Ask>()
        .reply_as(101, "The connection. Closed with 4401 when the session ends or changes.", "text/plain"),
        Route::new(Method::GET, "/api/v1/presets/{which}/present", Role::Viewer, "Who has a draft open now.", present)
            .reply::<Vec<Present>>(200, "The open connections."),
    ]
}

/// A ticket.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SyncTicket")]
struct Ticket {
    /// Works once.
    ticket: String,
    /// Until when.
    expires_at: Timestamp,
}

/// How somebody comes in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ask {
    /// The ticket. Programs may send `Authorization: Bearer …` instead.
    ticket: Option<String>,
}

async fn ticket(State(ctx): State<Ctx>, permit: Permit<Viewer>) -> (StatusCode, Json<Ticket>) {
    let (ticket, expires_at) = ctx.doors.ticket(permit.name(), now(), rand::random());
    (StatusCode::CREATED, Json(Ticket { ticket, expires_at }))
}

async fn present(
    State(ctx): State<Ctx>, _: Permit<Viewer>, Path(which): Path<String>,
) -> Result<Json<Vec<Present>>, Problem> {
    Ok(Json(ctx.options.documents.present(&which).await?))
}

async fn open(
    State(ctx): State<Ctx>, Query(ask): Query<Ask>, headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let name = match ask.ticket.as_deref() {
        Some(ticket) => ctx.doors.redeem(ticket, now())?.to_owned(),
        None => access::admit::<Viewer>(&ctx, &headers)?.name().to_owned(),
    };
    let known = access::by_name(&ctx.known().tokens, &name, now()).filter(|known| known.role >= Role::Viewer);
    let known = known.ok_or_else(|| {
        Problem::new(StatusCode::UNAUTHORIZED, "unknown-token", "the session of this ticket is over")
            .hint("sign in again")
    })?;
    let upgrade = upgrade.map_err(|error| {
        Problem::new(StatusCode::UPGRADE_REQUIRED, "no-websocket", format!("this is no WebSocket: {error}"))
            .hint("open it with a WebSocket client; automerge-repo's WebSocketClientAdapter is one")
    })?;
    let room = ctx.visit_room.clone().try_acquire_owned();
    let room = room.map_err(|_| Problem::flooded("connections to the drafts", VISITS_MAX))?;
    let visitor = Visitor { session: name.clone(), name: known.who.clone(), may_edit: known.role >= Role::Editor };
    let connection = ctx.options.documents.connect(visitor).await?;
    let visit = Visit { ctx: ctx.clone(), name, known, connection, _room: room };
    Ok(upgrade
        .max_message_size(MESSAGE_BYTES_MAX)
        .max_frame_size(MESSAGE_BYTES_MAX)
        .on_upgrade(|socket| async move { visit.run(socket).await }))
}

/// One open connection.
struct Visit {
    ctx: Ctx,
    name: String,
    known: access::Known,
    connection: Connection,
    _room: OwnedSemaphorePermit,
}

impl Visit {
    async fn run(mut self, mut socket: WebSocket) {
        let (code, reason) = self.pump(&mut socket).await;
        tracing::debug!(who = self.known.who, code, reason, "a connection to the drafts ends");
        // Who is gone needs no reason.
        send(&mut socket, Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
    }

    /// Passes messages both ways until the connection is to be closed; gives the code and the reason.
    async fn pump(&mut self, socket: &mut WebSocket) -> (u16, &'static str) {
        let mut known = self.ctx.watch_known();
        let cancel = self.ctx.cancel.clone();
        let mut ping = tokio::time::interval(PING_EVERY);
        let mut heard = tokio::time::Instant::now();
        loop {
            tokio::select! {
                () = cancel.cancelled() => return (GOING_AWAY, "the node is stopping"),
                _ = known.changed() => {}
                _ = ping.tick() => {
                    if heard.elapsed() > SILENT_MAX || !send(socket, Message::Ping(Vec::new().into())).await {
                        return (GOING_AWAY, "nobody is there any more");
                    }
                }
                message = socket.recv() => {
                    heard = tokio::time::Instant::now();
                    match message {
                        Some(Ok(Message::Binary(bytes))) => {
                            if self.connection.to_docs.send(bytes.into()).await.is_err() {
                                return (TRY_AGAIN, "the documents are away; connect again");
                            }
                        }
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Text(_))) => return (NO_TEXT, "messages are binary"),
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return (GOING_AWAY, "closed"),
                    }
                }
                message = self.connection.from_docs.recv() => match message {
                    Some(message) => {
                        if !send(socket, Message::Binary(message.into())).await {
                            return (GOING_AWAY, "closed");
                        }
                    }
                    None => return (TRY_AGAIN, "the documents are away; connect again"),
                },
            }
            // Looked at after whatever happened: a session that expires makes no change of its own.
            let now_known = access::by_name(&known.borrow_and_update().tokens, &self.name, now());
            if now_known.as_ref() != Some(&self.known) {
                return (SESSION_OVER, "the session is over or has changed; sign in again");
            }
        }
    }
}

/// Whether a message could be sent. Who reads nothing for long is gone.
async fn send(socket: &mut WebSocket, message: Message) -> bool {
    tokio::time::timeout(SILENT_MAX, socket.send(message)).await.is_ok_and(|sent| sent.is_ok())
}
