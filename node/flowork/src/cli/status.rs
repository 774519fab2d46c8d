//! `flowork status`: how the node is.

use serde_json::Value;

use super::fail::Fail;
use super::show::{self, bytes, table, text_of, time_of};
use super::{Context, print_text};

/// With less free than this, a disk is called nearly full.
pub(crate) const FREE_BYTES_MIN: u64 = 1 << 30;

/// Shows the node's roles, jobs, files and disk.
pub(crate) async fn run(context: &Context) -> Result<(), Fail> {
    let client = context.client()?;
    let mut about = client.get("/api/v1/node").await?;
    about["address"] = Value::String(client.address().to_string());
    // A mesh that is away shows among the roles.
    about["mesh"] = client.get("/api/v1/mesh").await.unwrap_or_default();
    context.print(&about, text);
    Ok(())
}

fn text(about: &Value) -> String {
    let mut out = format!(
        "Flowork {} at http://{}\n  node {}\n  data {}\n  up   {}\n\n",
        text_of(&about["version"]),
        text_of(&about["address"]),
        text_of(&about["id"]),
        text_of(&about["data_dir"]),
        show::micros(about["uptime_ms"].as_u64().unwrap_or(0).saturating_mul(1_000)),
    );
    let roles: Vec<Vec<String>> = about["roles"].as_array().into_iter().flatten().map(role).collect();
    out.push_str(&table(&["ROLE", "PID", "STATE", "SINCE", "RESTARTS", "LAST END"], &roles));
    let stats = &about["stats"];
    if let Some(jobs) = stats["jobs"].as_object() {
        let counts: Vec<String> = jobs
            .iter()
            .filter(|(_, count)| count.as_u64() != Some(0))
            .map(|(state, count)| format!("{count} {state}"))
            .collect();
        let counts = if counts.is_empty() { "none yet".to_owned() } else { counts.join(", ") };
        out.push_str(&format!("\njobs  {counts}\n"));
        let files = stats["files"].as_array().map(Vec::as_slice).unwrap_or_default();
        let store: u64 = files.iter().filter_map(|file| file["bytes"].as_u64()).sum();
        let blobs = stats["blob_bytes"].as_u64().unwrap_or(0);
        let used = store.saturating_add(blobs);
        let free = stats["free_bytes"].as_u64().unwrap_or(0);
        let budget = stats["budget_bytes"].as_u64();
        let of = budget.map_or_else(String::new, |max| format!(" of {} allowed", bytes(max)));
        out.push_str(&format!(
            "disk  {} used{of} ({} store, {} files); {} free\n",
            bytes(used),
            bytes(store),
            bytes(blobs),
            bytes(free)
        ));
        if budget.is_some_and(|max| used > max) {
            out.push_str(
                "✘ more than the setting `disk.budget_bytes` allows; lower `retention.days` or `retention.bytes`, or \
                 raise it\n",
            );
        }
        if free < FREE_BYTES_MIN {
            out.push_str(&format!("✘ disk: {}\n", nearly_full(free)));
        }
        for file in files.iter().filter(|file| !file["problem"].is_null()) {
            let (name, problem) = (text_of(&file["file"]), text_of(&file["problem"]));
            let named = if problem.contains(&name) { problem } else { format!("{name}: {problem}") };
            out.push_str(&format!("✘ {named}\n"));
        }
    }
    out.push_str(&mesh(&about["mesh"]));
    if let Some(problem) = about["problem"].as_str() {
        out.push_str(&format!("\n✘ {problem}\n"));
    }
    out
}

/// This node among others.
fn mesh(mesh: &Value) -> String {
    if mesh.is_null() {
        return String::new();
    }
    let mut out = format!(
        "mesh  {}, connected to {}; can be reached from {}\n",
        text_of(&mesh["name"]),
        text_of(&mesh["connected"]),
        text_of(&mesh["reachable"])
    );
    if mesh["is_relay"] == true {
        out.push_str("      its peers are reached through it where they cannot be reached themselves\n");
    }
    if mesh["is_lending_paused"] == true {
        out.push_str("      all lending is paused\n");
    }
    if let Some(problem) = mesh["problem"].as_str() {
        out.push_str(&format!("✘ mesh: {problem}\n"));
    }
    out
}

/// What a disk with too little room means, and what to do.
pub(crate) fn nearly_full(free: u64) -> String {
    format!(
        "only {} free; on a full disk new jobs are refused and running ones wait. Free some space, or let old jobs go: \
         flowork job rm, or the setting retention.days",
        bytes(free)
    )
}

fn role(role: &Value) -> Vec<String> {
    let state = match (role["pid"].is_null(), role["ready"].as_bool() == Some(true)) {
        (true, _) if role["again_at"].is_null() => "down".to_owned(),
        (true, _) => format!("down, starts again at {}", time_of(&role["again_at"])),
        (false, true) => "ready".to_owned(),
        (false, false) => "starting".to_owned(),
    };
    vec![
        text_of(&role["role"]),
        text_of(&role["pid"]),
        state,
        time_of(&role["since"]),
        text_of(&role["restarts"]),
        text_of(&role["last_end"]),
    ]
}

/// Prints the table of roles alone; what `doctor` ends with when a node runs.
pub(crate) fn print_roles(about: &Value) {
    let roles: Vec<Vec<String>> = about["roles"].as_array().into_iter().flatten().map(role).collect();
    print_text(&table(&["ROLE", "PID", "STATE", "SINCE", "RESTARTS", "LAST END"], &roles));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_role_that_is_down_says_when_it_starts_again() {
        let state = |status: Value| role(&status)[2].clone();
        let down = state(json!({ "role": "kernel", "pid": null, "ready": false, "again_at": 1_790_000_000_000_i64 }));
        assert!(down.starts_with("down, starts again at 2026-"), "{down}");
        assert_eq!(state(json!({ "role": "kernel", "pid": null, "ready": false, "again_at": null })), "down");
        assert_eq!(state(json!({ "role": "kernel", "pid": 7, "ready": false, "again_at": null })), "starting");
        assert_eq!(state(json!({ "role": "kernel", "pid": 7, "ready": true })), "ready");
    }
}
