//! What the node can be asked about other nodes: who they are, what they may use here, what may be used there.

use std::collections::BTreeMap;

use async_trait::async_trait;
use flowork_protocol::grant::{Capability, Limits};
use flowork_protocol::receipt::Exported;
use flowork_protocol::{Failure, GrantId, NodeId, PersonId, PresetId, Timestamp, VersionId};
use serde::{Deserialize, Serialize};

use crate::mesh_table::{Decision, ReceiptQuery, StoredReceipt, Total};
use crate::models::{ModelAt, ModelServer};
use crate::people::{NewRequest, PassOn, Person, Renew, Request};
pub use crate::policy::{Hours, Policy};

/// Why it is not done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Error {
    /// There is none by that name or id.
    #[error("{0}")]
    Missing(Failure),
    /// It cannot be done as asked.
    #[error("{0}")]
    Invalid(Failure),
    /// The other node did not do its part.
    #[error("{0}")]
    Peer(Failure),
    /// The disk said no.
    #[error("{0}")]
    Store(String),
    /// The mesh role is not there now.
    #[error("the mesh cannot be asked right now ({0}); the node restarts it, try again")]
    Away(String),
}

impl From<crate::store::Error> for Error {
    fn from(error: crate::store::Error) -> Self {
        Self::Store(error.to_string())
    }
}

/// This node in the mesh.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Status {
    /// Which node.
    pub node: NodeId,
    /// What others see as its name.
    pub name: String,
    /// Where it listens: multiaddresses.
    pub listens: Vec<String>,
    /// Where others reached it: multiaddresses, those through relays among them.
    pub external: Vec<String>,
    /// From where it can be reached, in words.
    pub reachable: String,
    /// Whether it passes on for its peers, so that they can be reached.
    pub is_relay: bool,
    /// Why it does not listen, when it should and cannot.
    pub problem: Option<String>,
    /// Whether all lending is paused.
    pub is_lending_paused: bool,
    /// How many peers it is connected to.
    pub connected: usize,
}

/// How a peer is reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Reach {
    /// Connected, without anybody in between.
    Direct {
        /// By which address.
        address: String,
        /// The last round trip, in milliseconds.
        latency_ms: Option<f64>,
    },
    /// Connected through a relay, which sees that something is sent and not what.
    Relayed {
        /// By which address.
        address: String,
        /// The last round trip, in milliseconds.
        latency_ms: Option<f64>,
        /// The relay, by name.
        through: Option<String>,
        /// Why there is no direct connection; not said while one is tried.
        why: Option<String>,
    },
    /// Not connected.
    Away {
        /// Why the last try failed.
        why: Option<String>,
    },
}

/// Whether this node can be reached through a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Relaying {
    /// It is being asked.
    Asked,
    /// It can.
    Reserved,
    /// Not now.
    Refused {
        /// Why.
        why: String,
    },
}

/// Another node that this node is paired with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Peer {
    /// Which.
    pub node: NodeId,
    /// What it is called here.
    pub name: String,
    /// What it calls itself.
    pub own_name: String,
    /// The person whose node it is, when it showed a certificate.
    pub person: Option<PersonId>,
    /// What that person calls themselves.
    #[serde(default)]
    pub person_name: Option<String>,
    /// Whether it is a further node of this node's own person.
    #[serde(default)]
    pub is_mine: bool,
    /// Since when.
    pub paired_at: Timestamp,
    /// When it was last connected.
    pub seen_at: Option<Timestamp>,
    /// How it is reached now.
    pub reach: Reach,
    /// Whether this node is reached through it, when it offers that.
    pub relay: Option<Relaying>,
}

/// A node that announces itself on this network and is not paired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Neighbour {
    /// Which.
    pub node: NodeId,
    /// Where.
    pub addresses: Vec<String>,
}

/// Asks for an invitation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// What whoever joins with it is to be called here; their own name when it is not said.
    #[serde(default)]
    pub name: Option<String>,
    /// How many minutes it holds: 1 to 10080, 60 unless said.
    #[serde(default = "Invite::minutes_default")]
    pub minutes: u32,
}

impl Invite {
    const fn minutes_default() -> u32 {
        60
    }
}

/// An invitation that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Invited {
    /// The link. It is not kept here, only a hash of its secret.
    pub link: String,
    /// When it ends.
    pub ends_at: Timestamp,
    /// The addresses in it.
    pub addresses: Vec<String>,
    /// From where these can be reached, in words.
    pub reach: String,
}

/// What a link says, read without asking anybody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Preview {
    /// Who invites.
    pub node: NodeId,
    /// What they call themselves: only their word.
    pub name: String,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Where they are.
    pub addresses: Vec<String>,
    /// The name under which that node is known here already.
    pub known_as: Option<String>,
}

/// An invitation as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Invitation {
    /// Names it, not its secret.
    pub id: String,
    /// What whoever joins is to be called.
    pub name: Option<String>,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Who joined with it.
    pub used_by: Option<NodeId>,
}

/// What can be done with an engine, and what does it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Offer {
    /// Runs one version of a preset with the items that the caller sends. Also a single component, as a preset of one step.
    Run {
        /// The draft it was frozen from.
        preset: PresetId,
        /// The preset's name.
        name: String,
        /// What is run.
        version: VersionId,
        /// How many of its jobs may run at once.
        #[serde(default)]
        concurrency: Option<u32>,
    },
    /// Asks one model of a server that runs on this machine.
    Chat(ModelAt),
}

/// Asks to lend something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Lend {
    /// The engine's name. An engine of that name gets these offers too.
    pub engine: String,
    /// What it can do. An offer of the same capability takes the place of the one before.
    pub offers: BTreeMap<Capability, Offer>,
    /// How many calls it runs at once.
    #[serde(default)]
    pub concurrent: Option<u32>,
}

/// An engine of this node that may be lent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Engine {
    /// Its name.
    pub name: String,
    /// What it can do.
    pub offers: BTreeMap<Capability, Offer>,
    /// How many calls it runs at once.
    pub concurrent: u32,
    /// Whether it takes no calls now.
    pub is_paused: bool,
    /// Since when it is lent.
    pub made_at: Timestamp,
    /// How many calls run now.
    #[serde(default)]
    pub running: u32,
    /// When it takes calls of others.
    #[serde(default)]
    pub policy: Policy,
    /// Why its policy lets it take none now: `until 22:00`, `while blender runs`, `while 82 % of its memory is in use`.
    #[serde(default)]
    pub held: Option<String>,
}

/// Asks to let somebody use an engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGrant {
    /// Whom: a peer's name here, or its node id.
    pub to: String,
    /// Which engine of this node.
    pub engine: String,
    /// What for.
    pub can: Vec<Capability>,
    /// How much. What is not said is not limited.
    #[serde(default)]
    pub limits: GrantLimits,
    /// Until when.
    pub until: Timestamp,
    /// How many times it may be passed on; 0 unless said.
    #[serde(default)]
    pub depth: u8,
    /// Whether it is renewed by itself, for as long again, until it is taken back.
    #[serde(default)]
    pub renews: bool,
    /// The request that this answers, by its id.
    #[serde(default)]
    pub request: Option<String>,
}

/// Limits as people say them: what is left out is not limited.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GrantLimits {
    /// Calls that may begin within any hour.
    pub calls_per_hour: Option<u64>,
    /// Calls that may run at once.
    pub concurrent: Option<u64>,
    /// Tokens of models within a day.
    pub tokens_per_day: Option<u64>,
    /// Bytes either way within a day.
    pub bytes_per_day: Option<u64>,
    /// Seconds of work within a day.
    pub seconds_per_day: Option<u64>,
}

/// How much of a grant is used up now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Used {
    /// Calls that run now.
    pub running: u64,
    /// Calls that began within the last hour.
    pub calls_this_hour: u64,
    /// Tokens within the last day.
    pub tokens_today: u64,
    /// Bytes within the last day.
    pub bytes_today: u64,
    /// Seconds of work within the last day.
    pub seconds_today: u64,
}

/// A grant, given or held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Grant {
    /// Its name.
    pub id: GrantId,
    /// Whether this node gave it; else it holds it.
    pub is_given: bool,
    /// The engine's owner.
    pub owner: NodeId,
    /// What the owner is called here; none when this node is it.
    pub owner_name: Option<String>,
    /// To whom, by name where one is known.
    pub to: String,
    /// The engine's name at its owner.
    pub engine: String,
    /// What for.
    pub can: Vec<Capability>,
    /// How much. A number that limits nothing is left out.
    pub limits: GrantLimits,
    /// From when.
    pub begins_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// How many times it may be passed on.
    pub depth: u8,
    /// The links it hangs on, the owner's first, each as a sentence.
    pub links: Vec<String>,
    /// Whether it is renewed by itself.
    #[serde(default)]
    pub renews: bool,
    /// The grant that took its place when it was renewed: calls that began under it end under it.
    #[serde(default)]
    pub renewed_as: Option<GrantId>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
    /// All of this as a sentence.
    pub sentence: String,
    /// How much is used, as far as this node counts it.
    pub used: Used,
    /// For a grant that this node holds: how calls under it went of late.
    #[serde(default)]
    pub experience: Option<Experience>,
}

/// How calls went of late, by their receipts: at most the last 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Experience {
    /// How many there were.
    pub calls: u32,
    /// How many of them failed. Those that this node ended itself are not among them.
    pub failed: u32,
    /// How long those that went well took there, the turn that they waited for included: half of them no longer, in
    /// milliseconds.
    pub typical_ms: Option<u64>,
}

/// Asks whether somebody may do something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestGrant {
    /// Who: a peer's name here, or its node id.
    pub who: String,
    /// With which engine of this node.
    pub engine: String,
    /// What.
    pub can: Capability,
    /// When; now unless said.
    #[serde(default)]
    pub at: Option<Timestamp>,
}

/// Whether they may.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Tested {
    /// Whether.
    pub allowed: bool,
    /// Under which grant.
    pub grant: Option<GrantId>,
    /// Why, or why not, as sentences: one for each grant that was looked at.
    pub reasons: Vec<String>,
}

/// What ends with a peer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Parting {
    /// Who.
    pub name: String,
    /// Grants that they hold of this node, as sentences.
    pub given: Vec<String>,
    /// Grants of theirs that this node holds.
    pub held: Vec<String>,
    /// Calls of theirs that run now and are ended.
    pub running: u32,
    /// Workflows of this node with a step that asks them, by name. These stay, and such a step fails from then on.
    #[serde(default)]
    pub workflows: Vec<String>,
    /// What they keep whatever is done here.
    pub they_keep: String,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// This node in the mesh.
    Status,
    /// Everybody it is paired with.
    Peers,
    /// Who announces themselves nearby.
    Neighbours,
    /// Make an invitation.
    Invite(Invite),
    /// The invitations that were made.
    Invitations,
    /// Let nobody in with this invitation any more.
    Uninvite(String),
    /// What does this link say?
    Preview(String),
    /// Join whoever made this link.
    Join {
        /// The link.
        link: String,
        /// What they are to be called here.
        name: Option<String>,
    },
    /// Call a peer something else.
    Rename {
        /// Who.
        peer: String,
        /// What.
        name: String,
    },
    /// What ends when this peer is removed?
    PreviewRemove(String),
    /// Remove a peer: everything between the two nodes ends.
    Remove(String),
    /// The engines that may be lent.
    Engines,
    /// Which model servers run on this machine, at the usual ports or at this address?
    FindModels(Option<String>),
    /// Lend something.
    Lend(Lend),
    /// Take an engine, or one of its capabilities, from the list.
    Unlend {
        /// The engine.
        engine: String,
        /// Only this; all of it when it is not said.
        capability: Option<Capability>,
    },
    /// Pause or resume one engine, or all lending.
    PauseLending {
        /// Which engine; all when it is not said.
        engine: Option<String>,
        /// Whether.
        paused: bool,
    },
    /// Say when an engine takes calls of others.
    SetPolicy {
        /// Which engine.
        engine: String,
        /// When.
        policy: Policy,
    },
    /// Grants, given and held.
    Grants,
    /// Let somebody use an engine.
    Grant(NewGrant),
    /// Pass on a grant that this node holds.
    PassOn {
        /// Which.
        grant: String,
        /// To whom and how much of it.
        pass_on: PassOn,
    },
    /// Let it hold for longer.
    Renew {
        /// Which.
        grant: String,
        /// Until when.
        renew: Renew,
    },
    /// What peers would like to use.
    Requests,
    /// Put a request away.
    DropRequest(String),
    /// Ask a peer to be let use something.
    RequestAccess {
        /// Whom.
        peer: String,
        /// For what.
        request: NewRequest,
    },
    /// Whose node this is.
    Person,
    /// Keep a certificate of this node's person, as text.
    Certify(String),
    /// Be nobody's node.
    LeavePerson,
    /// Take a grant back.
    Revoke(String),
    /// May they?
    Test(TestGrant),
    /// Receipts.
    Receipts(ReceiptQuery),
    /// Receipts, as whoever has to be shown them can check them.
    ExportReceipts(ReceiptQuery),
    /// Sums of receipts.
    Totals,
    /// What was decided.
    Decisions {
        /// Only before this number.
        before: Option<u64>,
        /// At most so many.
        limit: usize,
    },
}

impl Ask {
    /// Whether asking it changes nothing, so that it may be asked twice.
    #[must_use]
    pub const fn only_reads(&self) -> bool {
        matches!(
            self,
            Self::Status
                | Self::Peers
                | Self::Neighbours
                | Self::Invitations
                | Self::Preview(_)
                | Self::PreviewRemove(_)
                | Self::Engines
                | Self::FindModels(_)
                | Self::Grants
                | Self::Requests
                | Self::Person
                | Self::Test(_)
                | Self::Receipts(_)
                | Self::ExportReceipts(_)
                | Self::Totals
                | Self::Decisions { .. }
        )
    }
}

/// One answer, by the question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gave {
    /// To [`Ask::Status`].
    Status(Status),
    /// To [`Ask::Peers`].
    Peers(Vec<Peer>),
    /// To [`Ask::Neighbours`].
    Neighbours(Vec<Neighbour>),
    /// To [`Ask::Invite`].
    Invited(Invited),
    /// To [`Ask::Invitations`].
    Invitations(Vec<Invitation>),
    /// To [`Ask::Preview`].
    Preview(Preview),
    /// To [`Ask::Join`] and [`Ask::Rename`].
    Peer(Box<Peer>),
    /// To [`Ask::PreviewRemove`] and [`Ask::Remove`].
    Parting(Parting),
    /// To [`Ask::Engines`].
    Engines(Vec<Engine>),
    /// To [`Ask::FindModels`].
    ModelServers(Vec<ModelServer>),
    /// To [`Ask::Lend`] and [`Ask::SetPolicy`].
    Engine(Engine),
    /// To [`Ask::Grants`].
    Grants(Vec<Grant>),
    /// To [`Ask::Grant`], [`Ask::PassOn`], [`Ask::Renew`] and [`Ask::Revoke`].
    Grant(Box<Grant>),
    /// To [`Ask::Requests`].
    Requests(Vec<Request>),
    /// To [`Ask::Person`] and [`Ask::Certify`].
    Person(Person),
    /// To [`Ask::Test`].
    Tested(Tested),
    /// To [`Ask::Receipts`].
    Receipts(Vec<StoredReceipt>),
    /// To [`Ask::ExportReceipts`].
    Exported(Vec<(Timestamp, Exported)>),
    /// To [`Ask::Totals`].
    Totals(Vec<Total>),
    /// To [`Ask::Decisions`].
    Decisions(Vec<(u64, Decision)>),
    /// It is done.
    Done,
}

/// Who can be asked about other nodes.
#[async_trait]
pub trait Mesh: Send + Sync {
    /// The answer has the form that belongs to the question.
    async fn ask(&self, ask: Ask) -> Result<Gave, Error>;
}

impl GrantLimits {
    /// As a grant says it.
    #[must_use]
    pub fn to_limits(&self) -> Limits {
        let all = Limits::unlimited();
        Limits {
            calls_per_hour: self.calls_per_hour.unwrap_or(all.calls_per_hour),
            concurrent: self.concurrent.unwrap_or(all.concurrent),
            tokens_per_day: self.tokens_per_day.unwrap_or(all.tokens_per_day),
            bytes_per_day: self.bytes_per_day.unwrap_or(all.bytes_per_day),
            seconds_per_day: self.seconds_per_day.unwrap_or(all.seconds_per_day),
            artifact_types: all.artifact_types,
        }
    }

    /// As a grant says it that is passed on: what is not said is as in the one before.
    #[must_use]
    pub fn within(&self, outer: &Limits) -> Limits {
        Limits {
            calls_per_hour: self.calls_per_hour.unwrap_or(outer.calls_per_hour),
            concurrent: self.concurrent.unwrap_or(outer.concurrent),
            tokens_per_day: self.tokens_per_day.unwrap_or(outer.tokens_per_day),
            bytes_per_day: self.bytes_per_day.unwrap_or(outer.bytes_per_day),
            seconds_per_day: self.seconds_per_day.unwrap_or(outer.seconds_per_day),
            artifact_types: outer.artifact_types.clone(),
        }
    }

    /// As people say it.
    #[must_use]
    pub fn of(limits: &Limits) -> Self {
        let said = |value: u64| (value != flowork_protocol::grant::UNLIMITED).then_some(value);
        Self {
            calls_per_hour: said(limits.calls_per_hour),
            concurrent: said(limits.concurrent),
            tokens_per_day: said(limits.tokens_per_day),
            bytes_per_day: said(limits.bytes_per_day),
            seconds_per_day: said(limits.seconds_per_day),
        }
    }
}
