//! Other systems, driven with the same load on the same machine in the same run.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::bench::presets::INPUT;
use crate::bench::{Row, Table};
use crate::http::request;
use crate::load::{self, Load};
use crate::node::repository;
use crate::process;

/// One way to run one peer.
struct Peer {
    /// The name that `tests/bench/peers/start` knows.
    name: &'static str,
    /// What its load does.
    work: &'static str,
    stores: &'static str,
    /// Our row that its rate is compared with.
    rate_beside: &'static str,
}

const PURE: &str = super::measure::PURE_RATE;
const EXTERNAL: &str = super::measure::EXTERNAL_RATE;

const PEERS: &[Peer] = &[
    Peer { name: "nodered", work: "HTTP, 10 JSONata changes", stores: "nothing", rate_beside: PURE },
    Peer { name: "restate", work: "handler with 10 ctx.run", stores: "every step", rate_beside: EXTERNAL },
    Peer { name: "restate-empty", work: "empty handler", stores: "the call", rate_beside: PURE },
    Peer { name: "n8n-legacy", work: "webhook, 10 Set nodes", stores: "the run, at its end", rate_beside: PURE },
    Peer { name: "n8n", work: "webhook, 10 Set nodes", stores: "the run, at its end", rate_beside: PURE },
];

/// Measures every peer that is installed.
///
/// # Errors
/// When the load generator itself fails.
pub async fn all(table: &mut Table, lasts: Duration, connections: usize, only: Option<&str>) -> Result<()> {
    for (number, peer) in PEERS.iter().enumerate() {
        if only.is_some_and(|only| !only.split(',').any(|name| name == peer.name)) {
            continue;
        }
        let port = 4_850 + u16::try_from(number).unwrap_or(0) * 10;
        if let Err(error) = one(table, peer, port, lasts, connections).await {
            table.miss(format!("{}: {error:#}", peer.name));
        }
    }
    Ok(())
}

async fn one(table: &mut Table, peer: &Peer, port: u16, lasts: Duration, connections: usize) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("flowork-peer-").tempdir()?;
    let begun = Instant::now();
    let mut running = Running::start(peer.name, folder.path(), port)?;
    table.add(
        Row::peer(peer.name, "from start to taking requests", begun.elapsed().as_secs_f64() * 1e3, "ms")
            .beside("cold start to ready"),
    );
    let url = running.url.clone();
    let path = url.splitn(4, '/').nth(3).context("a URL has a path")?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let post = request(
        "POST",
        &format!("/{path}"),
        &address.to_string(),
        &[("Content-Type", "application/json")],
        INPUT.as_bytes(),
    );
    let mut wanted =
        Load { address, request: Arc::new(post), connections: 1, lasts: lasts / 4, requests_max: u64::MAX };
    // What is compiled on the way is compiled before it counts.
    wanted.connections = connections;
    load::run(&wanted).await?;
    wanted.connections = 1;
    let alone = load::run(&wanted).await?;
    (wanted.connections, wanted.lasts) = (connections, lasts);
    let loaded = load::run(&wanted).await?;
    if loaded.done == 0 {
        bail!("it answered none of {} requests ({:?})", loaded.failed, loaded.first_failure);
    }
    let alone_row = Row::peer(peer.name, format!("{}, one at a time, p50", peer.work), alone.ms(0.5), "ms");
    table.add(alone_row.stores(peer.stores).beside(super::measure::ALONE));
    let rate_row = Row::peer(peer.name, format!("{}, {connections} at a time", peer.work), loaded.rate(), "jobs/s");
    table.add(rate_row.stores(peer.stores).beside(peer.rate_beside));
    let memory = process::memory_bytes(running.child.id()) as f64 / 1e6;
    table.add(Row::peer(peer.name, "memory after the load", memory, "MB").beside(super::measure::MEMORY_LOADED));
    if loaded.failed > 0 {
        table.miss(format!("{}: {} of its answers were errors", peer.name, loaded.failed));
    }
    running.end();
    Ok(())
}

/// A peer that takes requests.
struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(name: &str, folder: &Path, port: u16) -> Result<Self> {
        let script = repository().join("tests/bench/peers/start");
        let child = Command::new(script)
            .arg(name)
            .arg(folder)
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("it cannot be started")?;
        let mut running = Self { child, url: String::new() };
        let out = running.child.stdout.take().context("its output is piped")?;
        let said = BufReader::new(out)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("ready ").map(str::to_owned));
        let Some(url) = said else {
            let mut why = String::new();
            if let Some(mut err) = running.child.stderr.take() {
                std::io::Read::read_to_string(&mut err, &mut why)?;
            }
            bail!("{}; tests/bench/peers/install installs it", why.trim().trim_end_matches('.'));
        };
        running.url = url;
        Ok(running)
    }

    fn end(&mut self) {
        // Its own group holds everything that it started; asked first, so that it can put its files in order.
        let _ = process::ask_to_end(self.child.id());
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = process::kill_group(self.child.id());
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
