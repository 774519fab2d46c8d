//! `flowork id`: which node this is. Works with and without a running node.

use serde_json::json;

use super::Context;
use super::fail::{Fail, NO_NODE, NOT_FOUND};
use super::show::text_of;
use crate::keystore;

/// Prints the node id.
pub(crate) async fn run(context: &Context) -> Result<(), Fail> {
    let id = match context.client() {
        Ok(client) => text_of(&client.get("/api/v1/node").await?["id"]),
        Err(fail) if fail.code == NO_NODE => {
            let dir = context.data()?.join("keys");
            if !keystore::exists(&dir) {
                return Err(Fail::new(NOT_FOUND, format!("there are no keys in {}", dir.display()))
                    .hint("`flowork up` makes them"));
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
