//! `flowork doctor`: what this machine offers, what is missing, and what to do about it. Works with and without a node.

use std::net::TcpListener;
use std::path::Path;

use flowork_store::Layout;
use serde_json::{Value, json};

use super::fail::{FAILED, Fail};
use super::show::bytes;
use super::{Context, print_json, print_text, status};
use crate::config::LISTEN;
use crate::lock::Lock;
use crate::rooms::ALLOW_UNCONFINED;

/// A clock before this moment (2025-01-01) is wrong.
const CLOCK_MS_MIN: i64 = 1_735_689_600_000;

/// One thing that was looked at.
struct Finding {
    area: &'static str,
    name: String,
    /// Fine, or to be looked at; `Broken` makes the command fail.
    how: How,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Fine,
    Missing,
    Broken,
}

impl How {
    const fn mark(self) -> &'static str {
        match self {
            Self::Fine => "✔",
            Self::Missing => "–",
            Self::Broken => "✘",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Missing => "missing",
            Self::Broken => "broken",
        }
    }
}

/// Looks at everything.
pub(crate) async fn run(context: &Context) -> Result<(), Fail> {
    let data = context.data()?;
    let mut findings = vec![clock(), node(&data), directory(&data), disk(&data), port()];
    let scripts = tokio::task::spawn_blocking(flowork_workers::doctor)
        .await
        .map_err(|error| Fail::because("looking at the interpreters stopped with a fault", &error))?;
    for found in scripts {
        let area = match found.about {
            flowork_workers::About::Interpreter(_) => "language",
            _ => "isolation",
        };
        let how = if found.ok { How::Fine } else { How::Missing };
        let is_floor = found.about == flowork_workers::About::Floor;
        findings.push(Finding { area, name: found.name, how, text: found.text });
        if is_floor {
            findings.push(unconfined(&data, found.ok));
        }
    }
    let about = match context.client() {
        Ok(client) => client.get("/api/v1/node").await.ok(),
        Err(_) => None,
    };
    findings.extend(about.as_ref().map(files).unwrap_or_default());
    show(context, &findings, about.as_ref());
    let broken = findings.iter().filter(|finding| finding.how == How::Broken).count();
    if broken > 0 { Err(Fail::new(FAILED, format!("{broken} things are broken"))) } else { Ok(()) }
}

fn show(context: &Context, findings: &[Finding], about: Option<&Value>) {
    if context.json {
        let list: Vec<Value> = findings
            .iter()
            .map(|it| json!({ "area": it.area, "name": it.name, "state": it.how.word(), "text": it.text }))
            .collect();
        print_json(&json!({ "findings": list, "node": about }));
        return;
    }
    let width = findings.iter().map(|it| it.name.chars().count()).max().unwrap_or(0);
    let mut area = "";
    for it in findings {
        if it.area != area {
            area = it.area;
            print_text(&format!("{}{area}\n", if area == "machine" { "" } else { "\n" }));
        }
        let pad = " ".repeat(width - it.name.chars().count());
        print_text(&format!("  {} {}{pad}  {}\n", it.how.mark(), it.name, it.text));
    }
    if let Some(about) = about {
        print_text("\n");
        status::print_roles(about);
    }
}

fn machine(name: &str, how: How, text: impl Into<String>) -> Finding {
    Finding { area: "machine", name: name.to_owned(), how, text: text.into() }
}

fn clock() -> Finding {
    let now = crate::now();
    let text = super::show::time(now);
    if now.0 < CLOCK_MS_MIN {
        return machine("clock", How::Broken, format!("{text}: the clock is wrong; set it, or jobs get wrong times"));
    }
    machine("clock", How::Fine, text)
}

fn node(data: &Path) -> Finding {
    match Lock::holder(data) {
        Some(pid) => machine("node", How::Fine, format!("runs as process {pid}")),
        None => machine("node", How::Missing, "does not run on this data directory; `flowork up` starts it"),
    }
}

fn directory(data: &Path) -> Finding {
    let shown = data.display();
    if !data.exists() {
        return machine("data directory", How::Missing, format!("{shown} is not there; `flowork up` makes it"));
    }
    match Layout::open(data) {
        Ok(layout) => {
            let plan = layout.plan();
            let text = format!(
                "{shown}, format {}, {} shards, written by Flowork {}",
                plan.format, plan.shards, plan.written_by
            );
            machine("data directory", How::Fine, text)
        }
        Err(flowork_store::layout::Error::Empty(_)) => {
            machine("data directory", How::Missing, format!("{shown} holds no data yet; `flowork up` makes it"))
        }
        Err(error) => machine("data directory", How::Broken, crate::chain(&error)),
    }
}

fn disk(data: &Path) -> Finding {
    // The nearest folder that is there says which disk it will be.
    let there = data.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    match rustix::fs::statvfs(there) {
        Ok(about) => {
            let free = about.f_bavail.saturating_mul(about.f_frsize);
            if free < status::FREE_BYTES_MIN {
                return machine("disk", How::Broken, status::nearly_full(free));
            }
            machine("disk", How::Fine, format!("{} free", bytes(free)))
        }
        Err(error) => machine("disk", How::Broken, format!("{} cannot be looked at: {error}", there.display())),
    }
}

/// Whether the owner lets scripts run without the floor of their sandbox.
fn unconfined(data: &Path, has_floor: bool) -> Finding {
    let file = data.join(ALLOW_UNCONFINED);
    let shown = file.display();
    let (how, text) = match (file.exists(), has_floor) {
        (false, true) => (How::Fine, "not allowed, and not needed here".to_owned()),
        (false, false) => {
            (How::Missing, format!("not allowed; to allow them anyway, make the file {shown} and start the node again"))
        }
        (true, true) => (How::Missing, format!("allowed by {shown}, which this machine does not need: remove it")),
        (true, false) => (
            How::Missing,
            format!("ALLOWED by {shown}: scripts can open whatever the node's user can, its keys among it"),
        ),
    };
    Finding { area: "isolation", name: "scripts without floor".to_owned(), how, text }
}

fn port() -> Finding {
    match TcpListener::bind(LISTEN) {
        Ok(_) => machine("port", How::Fine, format!("{LISTEN} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => machine(
            "port",
            How::Missing,
            format!("{LISTEN} is in use (by this node, or by another program: then pass --listen 127.0.0.1:0)"),
        ),
        Err(error) => machine("port", How::Broken, format!("{LISTEN} cannot be had: {error}")),
    }
}

fn files(about: &Value) -> Vec<Finding> {
    let files = about["stats"]["files"].as_array().map(Vec::as_slice).unwrap_or_default();
    files
        .iter()
        .map(|file| {
            let size = bytes(file["bytes"].as_u64().unwrap_or(0));
            let (how, text) = match file["problem"].as_str() {
                Some(problem) => (How::Broken, problem.to_owned()),
                None => (How::Fine, size),
            };
            Finding { area: "store", name: super::show::text_of(&file["file"]), how, text }
        })
        .collect()
}
