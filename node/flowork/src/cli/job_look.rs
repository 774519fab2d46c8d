//! How jobs look as text.

use flowork_protocol::event::Event;
use serde_json::Value;

use super::follow;
use super::show::{self, clip, micros, table, text_of, time, time_of};

/// The longest text in a cell.
const CELL_CHARS_MAX: usize = 60;

/// A page of jobs.
pub(crate) fn list(page: &Value) -> String {
    let jobs = page["jobs"].as_array().map(Vec::as_slice).unwrap_or_default();
    if jobs.is_empty() {
        return "no jobs; start one with `flowork run FILE`\n".to_owned();
    }
    let rows: Vec<Vec<String>> = jobs
        .iter()
        .map(|job| {
            vec![
                text_of(&job["id"]),
                text_of(&job["name"]),
                text_of(&job["state"]),
                time_of(&job["accepted_at"]),
                took(job),
                job["error"]["message"].as_str().map(|text| clip(text, CELL_CHARS_MAX)).unwrap_or_default(),
            ]
        })
        .collect();
    let mut out = table(&["JOB", "PRESET", "STATE", "ACCEPTED", "TOOK", "ERROR"], &rows);
    for missing in page["missing"].as_array().into_iter().flatten() {
        out.push_str(&format!(
            "✘ {} could not be asked: {}\n",
            text_of(&missing["file"]),
            text_of(&missing["problem"])
        ));
    }
    if let Some(lag) = page["index_lag"].as_u64().filter(|lag| *lag > 0) {
        out.push_str(&format!("the search index is {lag} events behind\n"));
    }
    if let Some(next) = page["next"].as_str() {
        out.push_str(&format!("more: --after {next}\n"));
    }
    out
}

fn took(job: &Value) -> String {
    match (job["accepted_at"].as_u64(), job["ended_at"].as_u64()) {
        (Some(begin), Some(end)) => micros(end.saturating_sub(begin).saturating_mul(1_000)),
        _ => "–".to_owned(),
    }
}

/// One job with its runs.
pub(crate) fn job(summary: &Value, view: &Value) -> String {
    let mut out = format!("job {}  {}\n", text_of(&summary["id"]), text_of(&summary["state"]));
    let facts = [
        ("preset", &summary["name"]),
        ("version", &summary["version"]),
        ("trigger", &summary["trigger"]),
        ("origin", &summary["origin"]),
        ("parent", &summary["parent"]),
    ];
    for (name, value) in facts.into_iter().filter(|(_, value)| !value.is_null()) {
        out.push_str(&format!("  {name:<9}{}\n", text_of(value)));
    }
    for (name, value) in
        [("accepted", &view["accepted_at"]), ("started", &view["started_at"]), ("ended", &view["ended_at"])]
    {
        if !value.is_null() {
            out.push_str(&format!("  {name:<9}{}\n", time_of(value)));
        }
    }
    if summary["dry_run"] == Value::Bool(true) {
        out.push_str("  dry run: no external effect was performed\n");
    }
    let mut runs: Vec<(&String, &Value)> = view["runs"].as_object().into_iter().flatten().collect();
    runs.sort_by_key(|(_, run)| run["first_seq"].as_u64().unwrap_or(u64::MAX));
    if !runs.is_empty() {
        let rows: Vec<Vec<String>> = runs.iter().map(|(name, run)| row(name, run)).collect();
        out.push('\n');
        out.push_str(&table(&["STEP", "STATE", "TOOK", "WHAT IT DID"], &rows));
    }
    if let Some(error) = summary["error"].as_object().or(view["error"].as_object()) {
        let text = |name: &str| error.get(name).and_then(Value::as_str);
        let step = text("step").map_or_else(String::new, |step| format!(" in step `{step}`"));
        out.push_str(&format!("\n✘ failed{step}: {}\n", text("message").unwrap_or_default()));
        if let Some(hint) = text("hint") {
            out.push_str(&format!("  → {hint}\n"));
        }
        if let Some(detail) = text("detail") {
            out.push_str(&format!("{}\n", detail.trim_end()));
        }
    }
    out
}

fn row(name: &str, run: &Value) -> Vec<String> {
    let mut did = run["note"].as_str().unwrap_or_default().to_owned();
    if did.is_empty()
        && let Some(message) = run["error"]["message"].as_str()
    {
        did = message.to_owned();
    }
    if let Some(title) = run["wait"]["approval"]["title"].as_str() {
        did = format!("waits for approval: {title}");
    }
    if let Some(attempt) = run["wait"]["rerun"]["attempt"].as_u64() {
        did = format!("try {attempt} was cut off by a crash; waits for your word whether to run it again");
    }
    let took = run["took_us"].as_u64().map_or_else(|| "–".to_owned(), micros);
    vec![name.to_owned(), text_of(&run["status"]), took, clip(&did, 2 * CELL_CHARS_MAX)]
}

/// Events, a line each or several.
pub(crate) fn events(events: &[Value]) -> String {
    let mut out = String::new();
    for raw in events {
        let Ok(event) = serde_json::from_value::<Event>(raw.clone()) else {
            out.push_str(&format!("{raw}\n"));
            continue;
        };
        let lines = follow::lines(&event.what);
        let kind = raw["what"]
            .as_object()
            .and_then(|what| what.keys().next().cloned())
            .unwrap_or_else(|| text_of(&raw["what"]));
        let run = raw["what"][&kind]["run"].as_str().unwrap_or_default().to_owned();
        let first = lines.first().map(|line| line.trim().to_owned()).unwrap_or_else(|| format!("{kind} {run}"));
        out.push_str(&format!("{:>6}  {}  {}\n", event.seq, time(event.at), first.trim_end()));
        for line in lines.iter().skip(1) {
            out.push_str(&format!("{:>30}{}\n", "", line.trim()));
        }
    }
    out
}

/// A page of items.
pub(crate) fn items(page: &Value, limit: u32) -> String {
    let list = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let (offset, total) = (page["offset"].as_u64().unwrap_or(0), page["total"].as_u64().unwrap_or(0));
    if list.is_empty() {
        return format!("no items here ({total} in all)\n");
    }
    show::items(list, total.saturating_sub(offset), limit as usize)
}

/// What waits for an answer.
pub(crate) fn approvals(found: &Value) -> String {
    let rows: Vec<Vec<String>> = found["approvals"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|ask| {
            vec![
                text_of(&ask["job"]),
                text_of(&ask["preset"]),
                text_of(&ask["run"]),
                time_of(&ask["since"]),
                clip(&text_of(&ask["title"]), CELL_CHARS_MAX),
            ]
        })
        .collect();
    if rows.is_empty() {
        return "nothing waits for an answer\n".to_owned();
    }
    table(&["JOB", "PRESET", "RUN", "SINCE", "QUESTION"], &rows)
}

/// What is not the same in two jobs.
pub(crate) fn differences(found: &Value) -> String {
    let list = found.as_array().map(Vec::as_slice).unwrap_or_default();
    if list.is_empty() {
        return "the two jobs did the same\n".to_owned();
    }
    let rows: Vec<Vec<String>> = list
        .iter()
        .map(|difference| {
            let place = [&difference["port"], &difference["place"]];
            let place = place.into_iter().filter(|part| !part.is_null()).map(text_of).collect::<Vec<_>>().join(" ");
            vec![
                difference["run"].as_str().unwrap_or("(the job)").to_owned(),
                text_of(&difference["kind"]),
                place,
                clip(&text_of(&difference["before"]), CELL_CHARS_MAX),
                clip(&text_of(&difference["after"]), CELL_CHARS_MAX),
            ]
        })
        .collect();
    table(&["STEP", "WHAT", "PLACE", "BEFORE", "AFTER"], &rows)
}
