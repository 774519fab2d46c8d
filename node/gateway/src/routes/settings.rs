//! Settings of the node.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{Method, StatusCode};
use flowork_protocol::command::{Command, Role};
use serde_json::Value;

use crate::access::{Admin, Permit, Viewer};
use crate::api::Route;
use crate::context::Ctx;
use crate::extract::Json;
use crate::origins;
use crate::problem::Problem;

/// How many settings one request may change.
const CHANGES_MAX: usize = 100;
/// How large a setting may be, as JSON.
const VALUE_BYTES_MAX: usize = 64 << 10;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/v1/settings", Role::Viewer, "Settings that differ from the default.", list)
            .reply::<BTreeMap<String, Value>>(200, "The settings by name."),
        Route::new(Method::PUT, "/api/v1/settings", Role::Admin, "Changes settings; null takes one back.", set)
            .body::<BTreeMap<String, Value>>()
            .reply_as(202, "They are on disk and count in a moment.", "text/plain"),
    ]
}

async fn list(State(ctx): State<Ctx>, _: Permit<Viewer>) -> Result<Json<BTreeMap<String, Value>>, Problem> {
    Ok(Json(ctx.options.reader.settings().await?))
}

async fn set(
    State(ctx): State<Ctx>, permit: Permit<Admin>, Json(changes): Json<BTreeMap<String, Value>>,
) -> Result<StatusCode, Problem> {
    if changes.len() > CHANGES_MAX {
        return Err(Problem::wrong("too-many-settings", format!("more than {CHANGES_MAX} settings at once")));
    }
    for (name, value) in &changes {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
        if name.is_empty() || name.len() > 128 || !name.chars().all(good) {
            return Err(Problem::wrong("bad-name", format!("`{name}` is not the name of a setting"))
                .hint("names have 1 to 128 characters of a-z, A-Z, 0-9, _, -, . and /"));
        }
        if serde_json::to_vec(value).map_or(usize::MAX, |text| text.len()) > VALUE_BYTES_MAX {
            return Err(Problem::too_large(&format!("the setting `{name}`"), VALUE_BYTES_MAX as u64)
                .hint("settings are small; keep data in files"));
        }
        if let Some(why) = wrong_for_the_mesh(name, value) {
            return Err(Problem::wrong("bad-setting", format!("the setting `{name}`: {why}")));
        }
        if name == origins::SETTING && !value.is_null() {
            let read = origins::read(value);
            read.map_err(|why| {
                Problem::wrong("bad-origins", format!("the setting `{name}`: {why}"))
                    .hint("write an origin as browsers do: scheme, name and port, and nothing behind them")
            })?;
        }
    }
    for (name, value) in changes {
        ctx.command(&permit, Command::Set { name, value }).await?;
    }
    Ok(StatusCode::ACCEPTED)
}

/// What is wrong with a setting of the mesh, which starts anew by it: null takes one back.
fn wrong_for_the_mesh(name: &str, value: &Value) -> Option<&'static str> {
    let is_address = |value: &Value| {
        value.as_str().is_some_and(|text| text.parse::<std::net::SocketAddr>().is_ok() || text.starts_with('/'))
    };
    let is_good = value.is_null()
        || match name {
            "node.name" => value.as_str().is_some_and(flowork_protocol::certificate::is_name),
            "mesh.enabled" | "mesh.lan" | "mesh.relay" | "mesh.upnp" => value.is_boolean(),
            "mesh.listen" | "mesh.external" => value.as_array().is_some_and(|all| all.iter().all(is_address)),
            _ => true,
        };
    let what = match name {
        "node.name" => "a name has 1 to 64 bytes and nothing invisible",
        "mesh.listen" | "mesh.external" => {
            "a list of addresses: `192.0.2.7:4142`, or multiaddresses such as `/dns4/n.example/tcp/4142`"
        }
        _ => "true or false",
    };
    (!is_good).then_some(what)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_of_the_mesh_have_their_form() {
        for (name, good, bad) in [
            ("node.name", json!("Ana's desk"), json!("")),
            ("mesh.relay", json!(true), json!("yes")),
            ("mesh.external", json!(["192.0.2.7:4142", "/dns4/n.example/tcp/1"]), json!(["bogus"])),
            ("mesh.listen", json!([]), json!("192.0.2.7:4142")),
        ] {
            assert_eq!(wrong_for_the_mesh(name, &good), None, "{name}");
            assert_eq!(wrong_for_the_mesh(name, &Value::Null), None, "{name}");
            assert!(wrong_for_the_mesh(name, &bad).is_some(), "{name}");
        }
        assert_eq!(wrong_for_the_mesh("retention.days", &json!("anything")), None);
    }
}
