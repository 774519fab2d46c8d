//! The plain page at `/plain`, and at `/` where there is no GUI: the node's real state, readable without JavaScript.

use std::fmt::Write as _;
use std::time::Duration;

use flowork_ports::roles::{self, RoleStatus};
use flowork_ports::store::Stats;

use crate::Options;
use crate::known::Known;

/// What the page may load: its own style sheet and nothing else.
pub(crate) const POLICY: &str =
    "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// The style sheet.
pub(crate) const STYLE: &str = "\
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}\
body{max-width:48rem;margin:2rem auto;padding:0 1rem}\
h1{margin-bottom:0}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8886;overflow-wrap:anywhere}\
td.n{text-align:right;font-variant-numeric:tabular-nums}\
.bad{color:#c22;font-weight:600}.good{color:#287a28}.mute{opacity:.7}\
@media(prefers-color-scheme:dark){.bad{color:#f77}.good{color:#7c7}}code{overflow-wrap:anywhere}";

/// What the page is made from.
pub(crate) struct Facts<'a> {
    /// Whether who asks may look at everything.
    pub(crate) full: bool,
    /// The gateway's own facts.
    pub(crate) options: &'a Options,
    /// How long it has been up.
    pub(crate) uptime: Duration,
    /// The processes.
    pub(crate) roles: &'a [RoleStatus],
    /// The store in numbers, or why there are none.
    pub(crate) stats: Result<&'a Stats, String>,
    /// Tokens and webhooks as last read.
    pub(crate) known: &'a Known,
}

/// The page.
pub(crate) fn render(facts: &Facts<'_>) -> String {
    let mut html = String::with_capacity(4_096);
    html.push_str(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Flowork</title>\
         <link rel=\"stylesheet\" href=\"/page.css\"></head><body><h1>Flowork</h1>",
    );
    let version = escape(&facts.options.version);
    // Writing to a String cannot fail.
    let _ = write!(html, "<p class=\"mute\">version {version}, up for {}</p>", time(facts.uptime));
    if facts.full {
        let (id, dir) = (facts.options.node_id, escape(&facts.options.data_dir));
        let _ = write!(html, "<p>Node <code>{id}</code><br>Data in <code>{dir}</code></p>");
    }
    push_roles(&mut html, facts);
    match &facts.stats {
        Ok(stats) => {
            push_jobs(&mut html, stats);
            if facts.full {
                push_files(&mut html, stats);
            }
        }
        Err(_) if !facts.full => html.push_str("<p class=\"bad\">The store cannot be read now.</p>"),
        Err(error) => {
            let _ = write!(html, "<p class=\"bad\">The store cannot be read now: {}</p>", escape(error));
        }
    }
    if facts.full {
        let (presets, hooks) = (facts.known.activations.len(), facts.known.hooks.len());
        let _ = write!(html, "<p>{presets} activated presets, {hooks} webhooks.</p>");
    } else {
        html.push_str(
            "<p class=\"mute\">More is shown to who sends a token: \
             <code>curl -H \"Authorization: Bearer …\"</code>; <code>flowork token create</code> makes one.</p>",
        );
    }
    match facts.options.gui {
        Some(_) => html.push_str("<p>This page works without JavaScript; <a href=\"/\">the web GUI</a> shows more.</p>"),
        None => html.push_str(
            "<p>This Flowork was built without its web GUI. To get it, install Node.js 20.19 or newer with npm, then run \
             <code>touch gui/crate/build.rs</code> and <code>cargo build --release</code> in the sources.</p>",
        ),
    }
    html.push_str(
        "<h2>Go on</h2><ul><li><a href=\"/api/v1/openapi.json\">The API, as OpenAPI</a></li>\
         <li><a href=\"/api/v1/schema/preset\">The JSON Schema of presets</a></li>\
         <li><a href=\"/readyz\">Whether the node takes work</a></li>\
         <li>On the command line: <code>flowork --help</code>, <code>flowork status</code>, \
         <code>flowork job list</code></li></ul></body></html>",
    );
    html
}

fn push_roles(html: &mut String, facts: &Facts<'_>) {
    html.push_str("<h2>Processes</h2><table><tr><th>Role</th><th>State</th><th>Restarts</th><th></th></tr>");
    for status in facts.roles {
        let (class, word) = if status.ready { ("good", "ready") } else { ("bad", "not ready") };
        let last_end = status.last_end.as_deref().filter(|_| facts.full).map(escape).unwrap_or_default();
        let (name, restarts) = (role(status), status.restarts);
        let _ = write!(
            html,
            "<tr><td>{name}</td><td class=\"{class}\">{word}</td><td class=\"n\">{restarts}</td><td>{last_end}</td></tr>"
        );
    }
    html.push_str("</table>");
}

fn push_jobs(html: &mut String, stats: &Stats) {
    html.push_str("<h2>Jobs</h2><table><tr><th>State</th><th>Number</th></tr>");
    for (state, count) in &stats.jobs {
        let _ = write!(html, "<tr><td>{}</td><td class=\"n\">{count}</td></tr>", escape(state));
    }
    html.push_str("</table>");
    if stats.jobs.values().all(|count| *count == 0) {
        html.push_str("<p class=\"mute\">None yet. Start one with <code>flowork run FILE</code>.</p>");
    }
}

fn push_files(html: &mut String, stats: &Stats) {
    html.push_str("<h2>Files</h2><table><tr><th>File</th><th>Size</th><th>Health</th></tr>");
    for file in &stats.files {
        let (class, health) = match &file.problem {
            None => ("good", "fine".to_owned()),
            Some(problem) => ("bad", escape(problem)),
        };
        let (name, size) = (escape(&file.file), bytes(file.bytes));
        let _ = write!(html, "<tr><td>{name}</td><td class=\"n\">{size}</td><td class=\"{class}\">{health}</td></tr>");
    }
    let _ = write!(html, "</table><p>Blobs {}, free {}", bytes(stats.blob_bytes), bytes(stats.free_bytes));
    if let Some(budget) = stats.budget_bytes {
        let _ = write!(html, ", budget {}", bytes(budget));
    }
    html.push_str("</p>");
}

/// The name of a process.
pub(crate) fn role(status: &RoleStatus) -> &'static str {
    match status.role {
        roles::Role::Gateway => "gateway",
        roles::Role::Kernel => "kernel",
        roles::Role::Docs => "docs",
        roles::Role::Mesh => "mesh",
    }
}

fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

fn bytes(count: u64) -> String {
    match count {
        0..1_024 => format!("{count} B"),
        1_024..1_048_576 => format!("{} KiB", count >> 10),
        1_048_576..1_073_741_824 => format!("{} MiB", count >> 20),
        _ => format!("{:.1} GiB", count as f64 / f64::from(1_u32 << 30)),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
