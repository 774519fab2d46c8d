//! Secrets: sealed by the gateway to the vault key's public half, opened by the kernel at the moment of use. Both with age.

use std::str::FromStr as _;
use std::sync::Arc;

use age::x25519::{Identity, Recipient};
use async_trait::async_trait;
use flowork_ports::store::NodeTables;
use flowork_ports::vault::{Seal, Vault};

/// Seals; cannot open.
pub(crate) struct AgeSeal(Recipient);

impl AgeSeal {
    /// Seals to this recipient, as text.
    pub(crate) fn new(recipient: &str) -> Result<Self, String> {
        Ok(Self(Recipient::from_str(recipient).map_err(str::to_owned)?))
    }
}

impl Seal for AgeSeal {
    fn seal(&self, plain: &str) -> Result<Vec<u8>, String> {
        age::encrypt(&self.0, plain.as_bytes()).map_err(|error| format!("the secret cannot be sealed: {error}"))
    }
}

/// Opens what the store keeps sealed.
pub(crate) struct AgeVault {
    identity: Identity,
    tables: Arc<dyn NodeTables>,
}

impl AgeVault {
    /// Opens with this identity, as text.
    pub(crate) fn new(identity: &str, tables: Arc<dyn NodeTables>) -> Result<Self, String> {
        Ok(Self { identity: Identity::from_str(identity.trim()).map_err(str::to_owned)?, tables })
    }
}

#[async_trait]
impl Vault for AgeVault {
    async fn open(&self, name: &str) -> Result<Option<String>, String> {
        let Some(sealed) = self.tables.sealed_secret(name).await.map_err(|error| error.to_string())? else {
            return Ok(None);
        };
        let plain = age::decrypt(&self.identity, &sealed).map_err(|_| {
            format!(
                "the secret `{name}` was sealed to another vault key; set it again with `flowork secret set {name}`"
            )
        })?;
        String::from_utf8(plain).map(Some).map_err(|_| format!("the secret `{name}` is not text; set it again"))
    }
}

#[cfg(test)]
mod tests {
    use age::secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn only_the_vault_key_opens_what_was_sealed_to_it() {
        let (owner, other) = (Identity::generate(), Identity::generate());
        let sealed = AgeSeal::new(&owner.to_public().to_string()).unwrap().seal("s3cret").unwrap();
        assert!(!sealed.windows(6).any(|bytes| bytes == b"s3cret"));
        let owner = Identity::from_str(owner.to_string().expose_secret()).unwrap();
        assert_eq!(age::decrypt(&owner, &sealed).unwrap(), b"s3cret");
        assert!(age::decrypt(&other, &sealed).is_err());
    }
}
