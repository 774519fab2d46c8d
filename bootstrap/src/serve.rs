//! Running the host.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use flowork_mesh::host::{self, Host};
use flowork_protocol::NodeId;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config::{self, Config};
use crate::members::Folder;
use crate::{host_key, metrics};

/// How often another host is looked for.
const MEET_EVERY: Duration = Duration::from_secs(60);
/// Where the running host says where it can be reached, for `invite`.
const ADDRESSES: &str = "addresses.json";

/// Runs until told to end.
///
/// # Errors
/// When it cannot begin.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    let seed = host_key::open(&config.data)?;
    let peers: Vec<_> = config.peers.iter().filter_map(|text| config::peer_of(text)).collect();
    let mut members = Folder::open(&config.data)?;
    members.peers = peers.iter().map(|(node, _)| *node).collect();
    let stop = CancellationToken::new();
    let _end = stop.clone().drop_guard();
    let options = host::Options {
        seed: flowork_mesh::Seed::new(*seed),
        name: config.name.clone(),
        version: env!("CARGO_PKG_VERSION"),
        listen: config::multiaddrs(&config.listen),
        external: config::multiaddrs(&config.external),
        budgets: config.budgets(),
        members: Arc::new(members),
        clock: Arc::new(crate::now),
    };
    let host = host::run(options, stop.clone()).await.map_err(|error| anyhow!(error))?;
    if let Some(address) = config.metrics {
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .with_context(|| format!("`metrics`: cannot listen at {address}"))?;
        let server = axum::serve(listener, metrics::router(host.clone()));
        tokio::spawn(stop.clone().run_until_cancelled_owned(server.into_future()));
    }
    tokio::spawn(stop.clone().run_until_cancelled_owned(keep_up_with(host.clone(), peers)));
    crate::say(&format!("{} is node {}", config.name, host.node_id()));
    let told = say_addresses(&host, config.data.join(ADDRESSES));
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        error = told => return error,
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("the host ends");
    Ok(())
}

/// Keeps a connection to the other hosts.
async fn keep_up_with(host: Host, peers: Vec<(NodeId, String)>) {
    loop {
        for (node, address) in &peers {
            if let Err(why) = host.meet(*node, vec![address.clone()]).await {
                tracing::info!(%node, why, "another host is not reached");
            }
        }
        tokio::time::sleep(MEET_EVERY).await;
    }
}

/// Says where the host can be reached, whenever that changes.
async fn say_addresses(host: &Host, path: PathBuf) -> anyhow::Result<()> {
    let (mut said, mut problem) = (Vec::new(), None);
    let mut changes = host.changes();
    loop {
        let addresses = host.addresses();
        if addresses != said && !addresses.is_empty() {
            let text = serde_json::to_vec_pretty(&addresses)?;
            tokio::fs::write(&path, text).await.with_context(|| format!("{} cannot be written", path.display()))?;
            let new: Vec<_> = addresses.iter().filter(|address| !said.contains(*address)).collect();
            for address in new {
                crate::say(&format!("  at {address}/p2p/{}", host.node_id()));
            }
            said = addresses;
        }
        if host.problem() != problem {
            problem = host.problem();
            if let Some(problem) = &problem {
                eprintln!("✘ {problem}");
            }
        }
        changes.next().await;
    }
}

/// Where the host can be reached: as its operator says, or as the running host found.
///
/// # Errors
/// When neither says anything.
pub(crate) fn addresses(config: &Config) -> anyhow::Result<Vec<String>> {
    let said = config::multiaddrs(&config.external);
    if !said.is_empty() {
        return Ok(said);
    }
    let path = config.data.join(ADDRESSES);
    let text = std::fs::read(&path).with_context(
        || "it is not known where this host can be reached: start it once, or say `external` in its configuration",
    )?;
    let found: Vec<String> = serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))?;
    ensure!(!found.is_empty(), "the host listens nowhere");
    Ok(found)
}
