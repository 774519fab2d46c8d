//! Secrets at the moment of use.

use async_trait::async_trait;

/// Opens secrets for steps. Only the kernel holds one.
#[async_trait]
pub trait Vault: Send + Sync {
    /// The secret called `name` in plain text; none when there is no such secret.
    ///
    /// # Errors
    /// Why it cannot be opened, for people.
    async fn open(&self, name: &str) -> Result<Option<String>, String>;
}

/// Seals secrets to the vault key's public half. Whoever holds it cannot read them again.
pub trait Seal: Send + Sync {
    /// The sealed form of `plain`.
    ///
    /// # Errors
    /// Why it cannot be sealed, for people.
    fn seal(&self, plain: &str) -> Result<Vec<u8>, String>;
}
