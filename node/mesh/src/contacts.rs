//! Who this node is paired with, and the invitations by which others may come.

use std::sync::Arc;

use flowork_ports::MeshTable;
use flowork_ports::mesh::{Error, Invitation as Listed};
use flowork_ports::mesh_table::{Change, Decision};
use flowork_ports::store;
use flowork_protocol::certificate::{self, is_name};
use flowork_protocol::id::Key;
use flowork_protocol::invitation::Secret;
use flowork_protocol::peer::pair::Introduction;
use flowork_protocol::signed::{self, Signed};
use flowork_protocol::{Failure, GrantId, NodeId, PersonId, Timestamp};
use libp2p::Multiaddr;
use serde::{Deserialize, Serialize};

use crate::records::Records;

/// The most peers that a node is paired with.
pub(crate) const CONTACTS_MAX: usize = 4_096;
/// The most invitations that may be open at once.
const INVITATIONS_MAX: usize = 256;
/// How long a used or late invitation is still listed.
const LISTED_FOR_MS: u64 = 7 * 24 * 3_600_000;
/// The most addresses kept of one peer.
const ADDRESSES_MAX: usize = 16;

/// A peer that this node is paired with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Contact {
    pub(crate) node: NodeId,
    /// What it is called here; no two are called the same.
    pub(crate) name: String,
    /// What it calls itself.
    pub(crate) own_name: String,
    /// The person who certified it, as checked when that was last heard.
    #[serde(default)]
    pub(crate) person: Option<PersonId>,
    /// What that person calls themselves.
    #[serde(default)]
    pub(crate) person_name: Option<String>,
    /// The bytes of that certificate.
    #[serde(default)]
    pub(crate) certificate: Option<Vec<u8>>,
    /// The first person who certified it, for ever: a new key of it is believed with that person's word alone, whatever the
    /// old key says later.
    #[serde(default)]
    pub(crate) guardian: Option<PersonId>,
    /// The grant of this node of which something was passed on to it, where that let it in.
    #[serde(default)]
    pub(crate) under: Option<GrantId>,
    pub(crate) paired_at: Timestamp,
    /// Where it was reached or said to be, the newest first.
    #[serde(default)]
    pub(crate) addresses: Vec<String>,
    /// Whether it said that it removed this node. Its grants are over, and it is not looked for.
    #[serde(default)]
    pub(crate) has_left: bool,
}

impl Contact {
    pub(crate) fn multiaddrs(&self) -> Vec<Multiaddr> {
        self.addresses.iter().filter_map(|text| text.parse().ok()).collect()
    }
}

/// An invitation that was made. Only a hash of its secret is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Open {
    /// The hash of its secret, hex.
    pub(crate) id: String,
    /// What whoever joins is to be called.
    pub(crate) name: Option<String>,
    pub(crate) made_at: Timestamp,
    pub(crate) ends_at: Timestamp,
    pub(crate) used_by: Option<NodeId>,
}

impl Open {
    fn listed(self) -> Listed {
        let Self { id, name, made_at, ends_at, used_by } = self;
        // A few digits name it; all of them would help nobody.
        Listed { id: id.chars().take(12).collect(), name, made_at, ends_at, used_by }
    }
}

/// Why somebody with a link is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotLetIn {
    #[error("this node made no such invitation")]
    Unknown,
    #[error("the invitation was used already; ask for a new one")]
    Used,
    #[error("the invitation has ended; ask for a new one")]
    Late,
    #[error("this node is paired with as many others as it takes")]
    Full,
    #[error("the joining node has no name that can be shown")]
    Name,
    #[error("this node cannot write it down now; try again")]
    Store,
}

impl NotLetIn {
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "invitation-unknown",
            Self::Used => "invitation-used",
            Self::Late => "invitation-expired",
            Self::Full => "contacts-full",
            Self::Name => "name-invalid",
            Self::Store => "try-again",
        }
    }
}

/// Whose node somebody is, by the first good certificate that it shows.
#[derive(Default)]
struct Whose {
    person: Option<PersonId>,
    name: Option<String>,
    certificate: Option<Vec<u8>>,
}

impl Whose {
    fn of(shown: &[Signed], node: NodeId, now: Timestamp) -> Self {
        let good = shown.iter().find_map(|signed| Some((signed, certificate::check(signed, node, now).ok()?)));
        good.map_or_else(Self::default, |(signed, said)| Self {
            person: Some(said.person),
            name: Some(said.person_name),
            certificate: Some(signed::encode(signed)),
        })
    }
}

/// Everybody this node is paired with, and open invitations.
pub(crate) struct Contacts {
    contacts: Records<Contact>,
    invitations: Records<Open>,
    /// Who was removed, and when: they come back by invitation alone.
    shut_out: Records<Timestamp>,
}

impl Contacts {
    pub(crate) async fn load(table: &Arc<dyn MeshTable>) -> Result<Self, store::Error> {
        Ok(Self {
            contacts: Records::load("contact", table.clone()).await?,
            invitations: Records::load("invitation", table.clone()).await?,
            shut_out: Records::load("shut-out", table.clone()).await?,
        })
    }

    pub(crate) fn all(&self) -> Vec<Contact> {
        self.contacts.all()
    }

    pub(crate) fn get(&self, node: NodeId) -> Option<Contact> {
        self.contacts.get(&node.to_string())
    }

    /// The peer that a person means: by its name here, whatever the case, or its node id.
    pub(crate) fn named(&self, who: &str) -> Result<Contact, Error> {
        let by_name = |contact: &Contact| (contact.name.to_lowercase() == who.to_lowercase()).then(|| contact.clone());
        self.contacts.get(who).or_else(|| self.contacts.find(by_name)).ok_or_else(|| {
            let known: Vec<String> = self.all().into_iter().map(|contact| contact.name).take(8).collect();
            let hint = if known.is_empty() {
                "`flowork peer invite` makes a link by which somebody can join".to_owned()
            } else {
                format!("paired are: {}", known.join(", "))
            };
            Error::Missing(Failure::new("no-peer", format!("there is no peer `{who}`")).hint(hint))
        })
    }

    /// What `node` is called here; its id where it is nobody.
    pub(crate) fn name_of(&self, node: NodeId) -> String {
        self.get(node).map_or_else(|| short(node), |contact| contact.name)
    }

    /// Who a key is, by the names that this node knows.
    pub(crate) fn whom(&self, key: Key, me: NodeId) -> String {
        if key == Key::from(me) {
            return "this node".to_owned();
        }
        let by_person = |contact: &Contact| {
            contact.person.filter(|person| Key::from(*person) == key).and(contact.person_name.clone())
        };
        self.contacts.find(by_person).unwrap_or_else(|| self.name_of(NodeId(key.0)))
    }

    /// A name that nobody else has, as near to `wanted` as can be.
    fn free_name(&self, wanted: &str, node: NodeId) -> String {
        let is_taken = |name: &str| {
            let name = name.to_lowercase();
            self.contacts
                .find(|other| (other.node != node && other.name.to_lowercase() == name).then_some(()))
                .is_some()
        };
        let mut name = wanted.to_owned();
        for number in 2.. {
            if !is_taken(&name) {
                break;
            }
            name = format!("{wanted} {number}");
        }
        name
    }

    /// Pairs with `node`, or takes what it says of itself now when it is paired already.
    pub(crate) async fn pair(
        &self, node: NodeId, said: &Introduction, name: Option<&str>, addresses: Vec<String>, now: Timestamp,
        also: Vec<Change>,
    ) -> Result<Contact, Error> {
        if self.get(node).is_none() && self.contacts.all().len() >= CONTACTS_MAX {
            return Err(Error::Invalid(Failure::new("contacts-full", NotLetIn::Full.to_string())));
        }
        let before = self.get(node);
        let wanted = name
            .map(str::to_owned)
            .or_else(|| before.as_ref().map(|contact| contact.name.clone()))
            .unwrap_or_else(|| said.name.clone());
        if !is_name(&wanted) || !is_name(&said.name) {
            return Err(Error::Invalid(Failure::new("name-invalid", "a name has 1 to 64 bytes and nothing invisible")));
        }
        let whose = Whose::of(&said.certificates, node, now);
        let mut all = addresses;
        all.extend(said.addresses.iter().filter(|text| text.parse::<Multiaddr>().is_ok()).cloned());
        all.extend(before.iter().flat_map(|contact| contact.addresses.clone()));
        let contact = Contact {
            node,
            name: self.free_name(&wanted, node),
            own_name: said.name.clone(),
            guardian: before.as_ref().and_then(|contact| contact.guardian).or(whose.person),
            under: before.as_ref().and_then(|contact| contact.under),
            person: whose.person,
            person_name: whose.name,
            certificate: whose.certificate,
            paired_at: before.map_or(now, |contact| contact.paired_at),
            addresses: bounded(all),
            has_left: false,
        };
        let mut changes = also;
        let text = format!("{} ({node}) is paired", contact.name);
        changes.push(Change::Decision(Decision::new(now, "paired", Some(node), text)));
        self.contacts.put_with(node.to_string(), contact.clone(), changes).await?;
        Ok(contact)
    }

    /// [`Self::pair`] with somebody who may come, or come back, because of an invitation.
    pub(crate) async fn pair_by_invitation(
        &self, node: NodeId, said: &Introduction, name: Option<&str>, addresses: Vec<String>, now: Timestamp,
    ) -> Result<Contact, Error> {
        let also = vec![self.shut_out.forgetting(&node.to_string())];
        let contact = self.pair(node, said, name, addresses, now, also).await?;
        self.shut_out.let_go(&node.to_string());
        Ok(contact)
    }

    /// How many contacts are meant.
    pub(crate) fn count(&self, is_meant: impl Fn(&Contact) -> bool) -> usize {
        self.contacts.all().into_iter().filter(is_meant).count()
    }

    /// Under which grant a contact was let in that nobody invited.
    pub(crate) async fn came_under(&self, contact: Contact, root: GrantId) -> Result<Contact, Error> {
        let contact = Contact { under: Some(root), ..contact };
        self.contacts.put(contact.node.to_string(), contact.clone(), None).await?;
        Ok(contact)
    }

    /// Calls a peer something else.
    pub(crate) async fn rename(&self, who: &str, name: &str) -> Result<Contact, Error> {
        let contact = self.named(who)?;
        if !is_name(name) {
            return Err(Error::Invalid(Failure::new("name-invalid", "a name has 1 to 64 bytes and nothing invisible")));
        }
        if self.free_name(name, contact.node) != name {
            return Err(Error::Invalid(Failure::new("name-taken", format!("another peer is called `{name}`"))));
        }
        let contact = Contact { name: name.to_owned(), ..contact };
        self.contacts.put(contact.node.to_string(), contact.clone(), None).await?;
        Ok(contact)
    }

    /// Keeps where a peer says it is, when that is news.
    pub(crate) async fn learn_addresses(&self, node: NodeId, addresses: Vec<String>) -> Result<(), store::Error> {
        let Some(contact) = self.get(node) else { return Ok(()) };
        let addresses = bounded(addresses.into_iter().chain(contact.addresses.clone()).collect());
        if addresses == contact.addresses {
            return Ok(());
        }
        self.contacts.put(node.to_string(), Contact { addresses, ..contact }, None).await
    }

    /// Writes down that a peer removed this node, with what else goes with that.
    pub(crate) async fn left(&self, contact: Contact, now: Timestamp) -> Result<(), store::Error> {
        let text = format!("{} removed this node", contact.name);
        let decided = Decision::new(now, "removed-by-peer", Some(contact.node), text);
        let contact = Contact { has_left: true, ..contact };
        self.contacts.put(contact.node.to_string(), contact, Some(decided)).await
    }

    pub(crate) async fn remove(&self, contact: &Contact, now: Timestamp) -> Result<(), store::Error> {
        let text = format!("{} ({}) was removed", contact.name, contact.node);
        let key = contact.node.to_string();
        let changes = vec![
            self.contacts.forgetting(&key),
            Change::Decision(Decision::new(now, "removed", Some(contact.node), text)),
        ];
        self.shut_out.put_with(key.clone(), now, changes).await?;
        self.contacts.let_go(&key);
        Ok(())
    }

    /// Whether it was removed, and may come back by invitation alone.
    pub(crate) fn is_shut_out(&self, node: NodeId) -> bool {
        self.shut_out.get(&node.to_string()).is_some()
    }

    /// Keeps whose node a peer is, by what it showed.
    pub(crate) async fn learn_person(
        &self, node: NodeId, shown: &[Signed], is_noted: bool, now: Timestamp,
    ) -> Result<Option<Contact>, store::Error> {
        let Some(contact) = self.get(node) else { return Ok(None) };
        let Whose { person, name, certificate } = Whose::of(shown, node, now);
        if (person, &name, &certificate) == (contact.person, &contact.person_name, &contact.certificate) {
            return Ok(None);
        }
        let text = match (&name, person) {
            (Some(name), Some(_)) => format!("{} is a node of {name}", contact.name),
            _ => format!("{} is no person's node any more", contact.name),
        };
        let decided = is_noted.then(|| Decision::new(now, "person-learned", Some(node), text));
        let guardian = contact.guardian.or(person);
        let contact = Contact { person, person_name: name, certificate, guardian, ..contact };
        self.contacts.put(node.to_string(), contact.clone(), decided).await?;
        Ok(Some(contact))
    }

    /// Keeps a new invitation.
    pub(crate) async fn invite(
        &self, secret: &Secret, name: Option<String>, now: Timestamp, ends_at: Timestamp,
    ) -> Result<(), Error> {
        self.forget_old_invitations(now).await?;
        let open = self.invitations.all().iter().filter(|one| one.used_by.is_none() && one.ends_at > now).count();
        if open >= INVITATIONS_MAX {
            let failure = Failure::new("invitations-full", format!("{INVITATIONS_MAX} invitations are open"));
            return Err(Error::Invalid(failure.hint("take some back with `flowork peer uninvite`")));
        }
        let id = secret.name();
        let text =
            format!("an invitation was made{}", name.as_ref().map(|name| format!(" for {name}")).unwrap_or_default());
        let invitation = Open { id: id.clone(), name, made_at: now, ends_at, used_by: None };
        self.invitations.put(id, invitation, Some(Decision::new(now, "invited", None, text))).await?;
        Ok(())
    }

    /// The invitations, newest first.
    pub(crate) fn invitations(&self) -> Vec<Listed> {
        let mut all = self.invitations.all();
        all.sort_by_key(|invitation| std::cmp::Reverse(invitation.made_at));
        all.into_iter().map(Open::listed).collect()
    }

    /// Lets nobody in with an invitation any more. `id` is the beginning of its name.
    pub(crate) async fn uninvite(&self, id: &str) -> Result<(), Error> {
        let found = self.invitations.find(|one| (id.len() >= 4 && one.id.starts_with(id)).then(|| one.id.clone()));
        let id = found.ok_or_else(|| {
            let failure = Failure::new("no-invitation", format!("there is no invitation `{id}`"));
            Error::Missing(failure.hint("`flowork peer invitations` lists them"))
        })?;
        self.invitations.forget(&[id], None).await?;
        Ok(())
    }

    /// Lets `node` in when its secret is of an open invitation, which is used up with it. The same node may use it again, so
    /// that a lost answer does no harm.
    pub(crate) async fn admit(
        &self, node: NodeId, secret: &Secret, said: &Introduction, addresses: Vec<String>, now: Timestamp,
    ) -> Result<Contact, NotLetIn> {
        let invitation = self.invitations.get(&secret.name()).ok_or(NotLetIn::Unknown)?;
        match invitation.used_by {
            Some(by) if by != node => return Err(NotLetIn::Used),
            Some(_) => {}
            None if invitation.ends_at <= now => return Err(NotLetIn::Late),
            None => {}
        }
        if !is_name(&said.name) {
            return Err(NotLetIn::Name);
        }
        let used = Open { used_by: Some(node), ..invitation.clone() };
        let change = self.invitations.putting(&used.id, &used).map_err(|_| NotLetIn::Store)?;
        let also = vec![change, self.shut_out.forgetting(&node.to_string())];
        let paired = self.pair(node, said, invitation.name.as_deref(), addresses, now, also).await;
        let contact = paired.map_err(|error| match error {
            Error::Invalid(failure) if failure.code == "contacts-full" => NotLetIn::Full,
            Error::Invalid(_) => NotLetIn::Name,
            error => {
                tracing::error!(%error, "a node that was invited could not be written down");
                NotLetIn::Store
            }
        })?;
        self.invitations.hold(used.id.clone(), used);
        self.shut_out.let_go(&node.to_string());
        Ok(contact)
    }

    async fn forget_old_invitations(&self, now: Timestamp) -> Result<(), store::Error> {
        self.invitations.forget_where(|one| one.ends_at.plus_ms(LISTED_FOR_MS) <= now).await.map(drop)
    }
}

fn bounded(addresses: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for address in addresses {
        if !kept.contains(&address) && kept.len() < ADDRESSES_MAX {
            kept.push(address);
        }
    }
    kept
}

/// The end of a node's id: where two ids differ.
pub(crate) fn short(node: NodeId) -> String {
    let text = node.to_string();
    format!("…{}", &text[text.len().saturating_sub(8)..])
}
