//! Signing for what was received: a caller countersigns the receipts of its calls, and their provider forgets what they gave.
//!
//! It is said a moment after the result was handed on, when the step that waited for it has it on disk too: a kernel that
//! dies before that asks again and gets the same. What is to be said is written down with the receipt, and said until it was
//! heard.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use flowork_ports::mesh_table::{Change, StoredReceipt};
use flowork_ports::store;
use flowork_protocol::peer::call::CallId;
use flowork_protocol::peer::tell::{COUNTERSIGNED_MAX, Countersigned, PROTOCOL, Tell};
use flowork_protocol::{NodeId, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::contacts::Contacts;
use crate::net::Net;
use crate::records::Records;
use crate::running::{KEPT_MS, key};
use crate::tell;

/// How long after a result was handed on it is signed for.
const SETTLE: Duration = Duration::from_secs(2);
/// How often a provider that did not hear is told again.
const AGAIN: Duration = Duration::from_secs(15);

/// A signature that its provider has not heard of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Unsaid {
    provider: NodeId,
    call: [u8; 16],
    signature: Vec<u8>,
    at: Timestamp,
}

/// Says to providers what was signed for.
pub(crate) struct Signer {
    pub(crate) contacts: Arc<Contacts>,
    pub(crate) net: Net,
    pub(crate) unsaid: Records<Unsaid>,
    pub(crate) clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pub(crate) signed: Notify,
}

impl Signer {
    /// Keeps a receipt with its countersignature, with what else is written then. On disk when this returns.
    pub(crate) async fn keep(&self, receipt: StoredReceipt, mut also: Vec<Change>) -> Result<(), store::Error> {
        let Some(signature) = receipt.countersignature.clone() else {
            also.push(Change::Receipt(Box::new(receipt)));
            return self.unsaid.write(also).await;
        };
        let (provider, call) = (receipt.peer, receipt.call);
        let unsaid = Unsaid { provider, call: call.0, signature, at: (self.clock)() };
        also.push(Change::Receipt(Box::new(receipt)));
        self.unsaid.put_with(key(provider, call), unsaid, also).await?;
        self.signed.notify_one();
        Ok(())
    }

    /// Says what is unsaid, again and again.
    pub(crate) async fn say_all(self: Arc<Self>) {
        loop {
            if self.unsaid.find(|_| Some(())).is_none() {
                self.signed.notified().await;
            }
            tokio::time::sleep(SETTLE).await;
            if !self.say_due().await {
                tokio::time::sleep(AGAIN).await;
            }
        }
    }

    /// Says what is due; false when somebody did not hear.
    async fn say_due(&self) -> bool {
        let now = (self.clock)();
        if let Err(error) = self.unsaid.forget_where(|unsaid| unsaid.at.plus_ms(KEPT_MS) <= now).await {
            tracing::warn!(%error, "countersignatures that nobody heard could not be forgotten");
        }
        let settled = u64::try_from(SETTLE.as_millis()).unwrap_or(u64::MAX);
        let mut due: BTreeMap<NodeId, Vec<Countersigned>> = BTreeMap::new();
        for unsaid in self.unsaid.all() {
            let said = due.entry(unsaid.provider).or_default();
            if unsaid.at.plus_ms(settled) <= now
                && said.len() < COUNTERSIGNED_MAX
                && let Ok(signature) = unsaid.signature.try_into()
            {
                said.push(Countersigned { call: CallId(unsaid.call), signature });
            }
        }
        let mut deaf = BTreeSet::new();
        for (provider, said) in due.into_iter().filter(|(_, said)| !said.is_empty()) {
            let keys: Vec<String> = said.iter().map(|one| key(provider, one.call)).collect();
            if let Err(why) = self.say(provider, Tell::Countersigned(said)).await {
                tracing::debug!(%provider, why, "a provider hears later what was signed for");
                deaf.insert(provider);
            } else if let Err(error) = self.unsaid.forget(&keys, None).await {
                tracing::warn!(%error, "that a provider heard could not be written down");
                deaf.insert(provider);
            }
        }
        deaf.is_empty()
    }

    /// A refusal is an answer too: nobody who is not paired any more needs to hear more.
    async fn say(&self, provider: NodeId, what: Tell) -> Result<(), String> {
        let addresses = self.contacts.get(provider).map(|contact| contact.multiaddrs()).unwrap_or_default();
        let stream = self.net.open(provider, PROTOCOL, addresses).await.map_err(|error| error.to_string())?;
        let answer = tell::tell(stream, &what).await.map_err(|error| error.to_string())?;
        match answer {
            Err(refusal) if refusal.retry_after_ms.is_some() => Err(refusal.message),
            _ => Ok(()),
        }
    }
}
