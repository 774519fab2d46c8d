//! The configuration file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use flowork_mesh::Budgets;
use flowork_protocol::NodeId;
use serde::Deserialize;

/// Read unless another is named.
const DEFAULT: &str = "/etc/flowork/bootstrap.toml";
/// The port that a host listens at unless told otherwise: not a node's, so that both fit one machine.
const PORT: u16 = 4143;

/// What the operator says. Each field may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// What members see as its name.
    pub(crate) name: String,
    /// Where its key and its members are kept.
    pub(crate) data: PathBuf,
    /// Where to listen: `ADDRESS:PORT` (TCP and QUIC), or multiaddresses.
    pub(crate) listen: Vec<String>,
    /// Where others reach it, when that is elsewhere than it listens: `ADDRESS:PORT`, or multiaddresses such as
    /// `/dns4/relay.example.org/tcp/4143`.
    pub(crate) external: Vec<String>,
    /// Other hosts, with which this one keeps one directory: multiaddresses that end with `/p2p/<node id>`.
    pub(crate) peers: Vec<String>,
    /// Where to serve `/metrics` and `/healthz` over HTTP. Nowhere unless said.
    pub(crate) metrics: Option<SocketAddr>,
    /// What it does for its members at most.
    pub(crate) limits: Limits,
}

/// See [`Config::limits`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// How many nodes may be reached through it at once.
    pub(crate) reservations: usize,
    /// How many connections it passes on at once.
    pub(crate) circuits: usize,
    /// And for one node.
    pub(crate) circuits_per_node: usize,
    /// How many bytes one of them may carry each way; 0 limits nothing.
    pub(crate) circuit_bytes: u64,
    /// How many seconds one of them may last.
    pub(crate) circuit_seconds: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: host_name(),
            data: data_folder(),
            listen: vec![format!("0.0.0.0:{PORT}"), format!("[::]:{PORT}")],
            external: Vec::new(),
            peers: Vec::new(),
            metrics: None,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let Budgets { reservations, circuits, circuits_per_peer, circuit_bytes, circuit_time } = Budgets::default();
        let circuit_seconds = u32::try_from(circuit_time.as_secs()).unwrap_or(u32::MAX);
        Self { reservations, circuits, circuits_per_node: circuits_per_peer, circuit_bytes, circuit_seconds }
    }
}

impl Config {
    /// Reads a file; the usual one when none is named, and the defaults when that is not there.
    ///
    /// # Errors
    /// When a file that was named cannot be read, or says what cannot be.
    pub(crate) fn read(path: Option<&Path>) -> anyhow::Result<Self> {
        let default = Path::new(DEFAULT);
        let Some(path) = path.or_else(|| default.exists().then_some(default)) else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is no configuration of a host", path.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let config: Self = toml::from_str(text)?;
        ensure!(flowork_protocol::certificate::is_name(&config.name), "`name` has 1 to 64 bytes and nothing invisible");
        ensure!(!config.listen.is_empty(), "`listen` names no address");
        for peer in &config.peers {
            ensure!(peer_of(peer).is_some(), "`peers`: `{peer}` does not end with /p2p/ and a node id");
        }
        ensure!(config.limits.circuit_seconds > 0, "`limits.circuit_seconds` is at least 1");
        Ok(config)
    }

    /// As the mesh takes it.
    pub(crate) fn budgets(&self) -> Budgets {
        Budgets {
            reservations: self.limits.reservations,
            circuits: self.limits.circuits,
            circuits_per_peer: self.limits.circuits_per_node,
            circuit_bytes: self.limits.circuit_bytes,
            circuit_time: Duration::from_secs(u64::from(self.limits.circuit_seconds)),
        }
    }
}

/// Who is meant by an address that ends with a node's id, and the address without it.
pub(crate) fn peer_of(text: &str) -> Option<(NodeId, String)> {
    let (address, id) = text.rsplit_once("/p2p/")?;
    Some((id.parse().ok()?, address.to_owned()))
}

/// `1.2.3.4:4143` means TCP and QUIC; anything else is taken for a multiaddress.
pub(crate) fn multiaddrs(texts: &[String]) -> Vec<String> {
    texts.iter().flat_map(|text| flowork_mesh::multiaddrs(text)).collect()
}

fn host_name() -> String {
    let full = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let name: String = full.chars().filter(|letter| !letter.is_control()).take(32).collect();
    if name.is_empty() { "bootstrap".to_owned() } else { name }
}

fn data_folder() -> PathBuf {
    let folder = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    // systemd says where a service keeps what it keeps.
    folder("STATE_DIRECTORY")
        .or_else(|| folder("XDG_DATA_HOME").map(|home| home.join("flowork-bootstrap")))
        .or_else(|| folder("HOME").map(|home| home.join(".local/share/flowork-bootstrap")))
        .unwrap_or_else(|| PathBuf::from("flowork-bootstrap"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_a_configuration_and_says_the_defaults() {
        let mut example = Config::parse(include_str!("../bootstrap.example.toml")).unwrap();
        let defaults = Config::default();
        assert_eq!((example.name.as_str(), example.data.to_str()), ("relay", Some("/var/lib/flowork-bootstrap")));
        example.name.clone_from(&defaults.name);
        example.data.clone_from(&defaults.data);
        example.external.clear();
        assert_eq!(example.peers.len(), 1);
        example.peers.clear();
        example.metrics = None;
        assert_eq!(example, defaults);
    }

    #[test]
    fn what_nobody_knows_and_what_cannot_be_is_refused_by_name() {
        let check = |text: &str, expect: &str| {
            let error = format!("{:#}", Config::parse(text).unwrap_err());
            assert!(error.contains(expect), "{text}: {error}");
        };
        check("listne = []", "listne");
        check("listen = []", "names no address");
        check("name = \"\"", "`name`");
        check("peers = [\"/ip4/5.5.0.1/tcp/4143\"]", "/p2p/");
        check("[limits]\ncircuit_seconds = 0", "circuit_seconds");
        check("metrics = \"here\"", "metrics");
    }
}
