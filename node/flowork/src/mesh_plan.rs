//! How this node takes part in the mesh: what the command line says, then what is set, then the default.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::supervisor::start::MeshStart;

/// The port on which nodes listen for each other unless told otherwise.
pub(crate) const PORT: u16 = 4142;
/// The settings.
const NAME: &str = "node.name";
const LISTEN: &str = "mesh.listen";
const LAN: &str = "mesh.lan";
const ENABLED: &str = "mesh.enabled";
const RELAY: &str = "mesh.relay";
const UPNP: &str = "mesh.upnp";
const EXTERNAL: &str = "mesh.external";

/// How.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MeshPlan {
    /// What others see as this node's name.
    pub(crate) name: String,
    /// Multiaddresses to listen at.
    pub(crate) listen: Vec<String>,
    /// Whether to announce the node on the local network.
    pub(crate) lan: bool,
    /// Whether to ask the router to forward the ports.
    pub(crate) upnp: bool,
    /// Whether peers may be reached through this node.
    pub(crate) relay: bool,
    /// Where others reach this node, as its owner says.
    pub(crate) external: Vec<String>,
}

impl MeshPlan {
    /// From what the role is told and what is set.
    pub(crate) fn of(start: &MeshStart, settings: &BTreeMap<String, Value>) -> Self {
        let name = settings.get(NAME).and_then(Value::as_str).map_or_else(|| start.host_name.clone(), str::to_owned);
        let is_off = start.is_off || settings.get(ENABLED) == Some(&Value::Bool(false));
        if is_off {
            return Self { name, listen: Vec::new(), lan: false, upnp: false, relay: false, external: Vec::new() };
        }
        let is_set = |setting: &str| settings.get(setting) == Some(&Value::Bool(true));
        let texts = |setting: &str| -> Option<Vec<String>> {
            let all = settings.get(setting)?.as_array()?;
            Some(all.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        };
        let set = texts(LISTEN);
        let said = if start.listen.is_empty() { set } else { Some(start.listen.clone()) };
        let listen = said.unwrap_or_else(|| vec![format!("0.0.0.0:{PORT}"), format!("[::]:{PORT}")]);
        let lan = settings.get(LAN) != Some(&Value::Bool(false)) && start.listen.is_empty();
        Self {
            name,
            listen: listen.iter().flat_map(|text| flowork_mesh::multiaddrs(text)).collect(),
            lan,
            upnp: is_set(UPNP),
            relay: is_set(RELAY),
            external: texts(EXTERNAL)
                .unwrap_or_default()
                .iter()
                .flat_map(|text| flowork_mesh::multiaddrs(text))
                .collect(),
        }
    }
}

/// The machine's name, without its domain.
pub(crate) fn host_name() -> String {
    let uname = rustix::system::uname();
    let full = uname.nodename().to_string_lossy();
    let name: String =
        full.split('.').next().unwrap_or_default().chars().filter(|letter| !letter.is_control()).take(32).collect();
    if name.is_empty() { "flowork".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan(start: &MeshStart, settings: Value) -> MeshPlan {
        MeshPlan::of(start, &serde_json::from_value(settings).unwrap())
    }

    fn start() -> MeshStart {
        MeshStart { is_off: false, listen: Vec::new(), host_name: "desk".to_owned() }
    }

    #[test]
    fn unless_told_otherwise_a_node_listens_everywhere_and_says_so_on_its_network() {
        let plan = plan(&start(), json!({}));
        assert_eq!(plan.name, "desk");
        assert!(plan.lan);
        assert!(!plan.upnp && !plan.relay, "nothing is opened or done for others unless its owner says so");
        assert_eq!(plan.listen[..2], ["/ip4/0.0.0.0/tcp/4142", "/ip4/0.0.0.0/udp/4142/quic-v1"]);
    }

    #[test]
    fn the_command_line_goes_before_what_is_set() {
        let settings = json!({ "mesh.listen": ["10.0.0.1:1"], "node.name": "Ana's desk" });
        let said = MeshStart { listen: vec!["127.0.0.1:0".to_owned()], ..start() };
        assert_eq!(plan(&said, settings.clone()).listen, ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"]);
        assert!(!plan(&said, settings.clone()).lan, "who names one address means that one");
        let set = plan(&start(), settings);
        assert_eq!((set.listen[0].as_str(), set.name.as_str()), ("/ip4/10.0.0.1/tcp/1", "Ana's desk"));
    }

    #[test]
    fn an_owner_says_where_a_node_is_reached_and_what_it_does_for_others() {
        let settings = json!({ "mesh.relay": true, "mesh.upnp": true, "mesh.external": ["5.5.0.1:4142", "/dns4/n.example/tcp/1"] });
        let plan = plan(&start(), settings);
        assert!(plan.relay && plan.upnp);
        assert_eq!(plan.external, ["/ip4/5.5.0.1/tcp/4142", "/ip4/5.5.0.1/udp/4142/quic-v1", "/dns4/n.example/tcp/1"]);
    }

    #[test]
    fn a_mesh_that_is_off_listens_nowhere() {
        let off = plan(&start(), json!({ "mesh.enabled": false }));
        assert!(off.listen.is_empty() && !off.lan);
        assert!(plan(&MeshStart { is_off: true, ..start() }, json!({})).listen.is_empty());
    }
}
