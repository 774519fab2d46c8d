//! What can only be seen where rooms meet.
#![allow(clippy::unwrap_used, clippy::panic)]

mod activations;
mod documents;
mod jobs;

use async_trait::async_trait;
use flowork_ports::vault::Vault;
use flowork_protocol::preset::Preset;
use serde_json::Value;

struct NoSecrets;

#[async_trait]
impl Vault for NoSecrets {
    async fn open(&self, _: &str) -> Result<Option<String>, String> {
        Ok(None)
    }
}

fn preset(value: Value) -> Preset {
    serde_json::from_value(value).unwrap()
}
