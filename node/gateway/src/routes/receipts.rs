//! What was done for others and by others, and what was decided about them.

use axum::extract::State;
use axum::http::Method;
use flowork_ports::mesh::{Ask, Gave};
use flowork_ports::mesh_table::{Decision, ReceiptQuery, StoredReceipt, Total};
use flowork_protocol::command::Role;
use flowork_protocol::{GrantId, NodeId, Timestamp, receipt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::peers::ask;
use crate::access::{Permit, Viewer};
use crate::api::Route;
use crate::context::Ctx;
use crate::extract::{Json, Query};
use crate::problem::Problem;

/// How many entries a list holds unless it is said.
const LIMIT_DEFAULT: usize = 50;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/v1/receipts", Role::Viewer, "Lists receipts of calls, newest first.", list)
            .query::<Which>()
            .reply::<Vec<StoredReceipt>>(200, "The receipts."),
        Route::new(
            Method::GET,
            "/api/v1/receipts/export",
            Role::Viewer,
            "Receipts with their signatures, newest first: whoever is shown them can check them without a node.",
            export,
        )
        .query::<Which>()
        .reply::<Vec<Exported>>(200, "The receipts, each with when it ended."),
        Route::new(
            Method::GET,
            "/api/v1/receipts/totals",
            Role::Viewer,
            "Sums of receipts per month, peer and grant.",
            totals,
        )
        .reply::<Vec<Total>>(200, "The sums, newest month first."),
        Route::new(
            Method::GET,
            "/api/v1/mesh/decisions",
            Role::Viewer,
            "Who was let in, refused, given or denied something, newest first.",
            decisions,
        )
        .query::<Before>()
        .reply::<Vec<Numbered>>(200, "The decisions."),
    ]
}

/// Which receipts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "WhichReceipts")]
struct Which {
    /// Only with this node.
    peer: Option<NodeId>,
    /// Only under this grant.
    grant: Option<GrantId>,
    /// Only those that ended at or after, in milliseconds since 1970.
    since: Option<i64>,
    /// Only those that ended before, in milliseconds since 1970.
    before: Option<i64>,
    /// At most so many, 1 to 1000; 50 unless said.
    limit: Option<usize>,
}

impl Which {
    fn query(self) -> ReceiptQuery {
        ReceiptQuery {
            peer: self.peer,
            grant: self.grant,
            since: self.since.map(Timestamp),
            before: self.before.map(Timestamp),
            limit: self.limit.unwrap_or(LIMIT_DEFAULT),
        }
    }
}

/// Where a page of decisions starts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Before {
    /// Only those before this number.
    before: Option<u64>,
    /// At most so many, 1 to 1000; 50 unless said.
    limit: Option<usize>,
}

/// A receipt with its signatures, and when it ended.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ExportedReceipt")]
struct Exported {
    /// When, by the provider's clock.
    ended_at: Timestamp,
    /// What can be checked: one line of a file.
    receipt: receipt::Exported,
}

/// A decision with its number.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NumberedDecision")]
struct Numbered {
    /// Its number.
    no: u64,
    /// What was decided.
    #[serde(flatten)]
    decision: Decision,
}

async fn list(
    State(ctx): State<Ctx>, _: Permit<Viewer>, Query(which): Query<Which>,
) -> Result<Json<Vec<StoredReceipt>>, Problem> {
    Ok(Json(ask!(ctx, Ask::Receipts(which.query()), Gave::Receipts(receipts) => receipts)))
}

async fn export(
    State(ctx): State<Ctx>, _: Permit<Viewer>, Query(which): Query<Which>,
) -> Result<Json<Vec<Exported>>, Problem> {
    let found = ask!(ctx, Ask::ExportReceipts(which.query()), Gave::Exported(found) => found);
    Ok(Json(found.into_iter().map(|(ended_at, receipt)| Exported { ended_at, receipt }).collect()))
}

async fn totals(State(ctx): State<Ctx>, _: Permit<Viewer>) -> Result<Json<Vec<Total>>, Problem> {
    Ok(Json(ask!(ctx, Ask::Totals, Gave::Totals(totals) => totals)))
}

async fn decisions(
    State(ctx): State<Ctx>, _: Permit<Viewer>, Query(Before { before, limit }): Query<Before>,
) -> Result<Json<Vec<Numbered>>, Problem> {
    let ask = Ask::Decisions { before, limit: limit.unwrap_or(LIMIT_DEFAULT) };
    let found = ask!(ctx, ask, Gave::Decisions(found) => found);
    Ok(Json(found.into_iter().map(|(no, decision)| Numbered { no, decision }).collect()))
}
