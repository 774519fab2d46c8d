//! `flowork id`: which node this is, and a new key for it. Works with and without a running node.

use clap::Subcommand;
use flowork_protocol::NodeId;
use flowork_protocol::signed::{self, Signed};
use flowork_protocol::succession::Succession;
use serde_json::json;

use super::Context;
use super::fail::{Fail, NO_NODE, NOT_FOUND, REFUSED};
use super::show::text_of;
use crate::keystore;
use crate::lock::Lock;
use crate::rooms::SUCCESSION;

/// What to do with it
#[derive(Debug, Subcommand)]
pub(crate) enum Id {
    /// Give the node a new key, while it is stopped; peers are told by the old one
    Rotate {
        /// Do it
        #[arg(long)]
        yes: bool,
    },
}

/// Prints the node id, or changes it.
pub(crate) async fn run(what: Option<Id>, context: &Context) -> Result<(), Fail> {
    match what {
        Some(Id::Rotate { yes }) => return rotate(yes, context),
        None => {}
    }
    let id = match context.client() {
        Ok(client) => text_of(&client.get("/api/v1/node").await?["id"]),
        Err(fail) if fail.code == NO_NODE => {
            let dir = context.data()?.join("keys");
            if !keystore::exists(&dir) {
                return Err(no_keys(&dir));
            }
            let keys = keystore::open(&dir, context.environment.passphrase.as_ref())
                .map_err(|error| Fail::because("the node's key cannot be read", &error))?;
            keys.node_id().to_string()
        }
        Err(fail) => return Err(fail),
    };
    context.print(&json!({ "node": id }), |_| format!("{id}\n"));
    Ok(())
}

fn no_keys(dir: &std::path::Path) -> Fail {
    Fail::new(NOT_FOUND, format!("there are no keys in {}", dir.display())).hint("`flowork up` makes them")
}

fn rotate(yes: bool, context: &Context) -> Result<(), Fail> {
    let data = context.data()?;
    let dir = data.join("keys");
    if !keystore::exists(&dir) {
        return Err(no_keys(&dir));
    }
    let _lock = Lock::take(&data)
        .map_err(|error| Fail::new(REFUSED, error.to_string()).hint("a node is given a new key while it is stopped"))?;
    if !yes {
        let text = "a new key makes this another node for everybody: nothing was done";
        return Err(Fail::new(REFUSED, text).hint(
            "peers hear of it from the old key for a month; runs at friends' that go on are lost. To do it, say --yes",
        ));
    }
    let mut was = None;
    let say = |old: &[u8; 32], new: &[u8; 32]| {
        let id = |seed: &[u8; 32]| NodeId(ed25519_dalek::SigningKey::from_bytes(seed).verifying_key().to_bytes());
        was = Some(id(old));
        let said = Succession { v: 1, old: id(old), new: id(new), at: crate::now().seconds() };
        let signed = Signed::with_seed(&said, old).map_err(|error| keystore::Error::Encrypt(error.to_string()))?;
        keystore::write(&data.join(SUCCESSION), &signed::encode(&signed))
    };
    let id = keystore::replace_node_key(&dir, context.environment.passphrase.as_ref(), say)
        .map_err(|error| Fail::because("the node keeps its old key", &error))?;
    let was = was.map(|was| was.to_string());
    context.print(&json!({ "node": id, "was": was }), |_| {
        format!("{id}\nfrom the next start on. Peers are told then. Is it a person's node? flowork person certify\n")
    });
    Ok(())
}
