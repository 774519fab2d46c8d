//! Whether a chain of grants allows something. The numbers in comments are those of the list in `docs/security.md`.

use super::{CAPABILITIES_MAX, Capability, Chain, Grant, GrantId, Key, LINKS_MAX, NodeId, PersonId, WORD_BYTES_MAX};
use crate::signed;
use crate::time::Timestamp;

/// Why a grant does not allow it. Said to whoever asked: it holds nothing that they did not send.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It is no chain of grants.
    #[error("this is no grant: {0}")]
    Form(String),
    /// Too many links, or none.
    #[error("a grant hangs on 1 to {LINKS_MAX} links, this one on {0}")]
    Links(usize),
    /// A link is no grant, or its signature does not hold.
    #[error("link {link} of the grant does not hold")]
    Signed {
        /// Which, from 1.
        link: usize,
        /// Why.
        #[source]
        why: signed::Error,
    },
    /// It is for an engine of another node.
    #[error("the grant is for an engine of {0}")]
    OtherNode(NodeId),
    /// The first link is not by the engine's owner.
    #[error("the grant was not given by the owner of the engine")]
    NotOwner,
    /// A link is not by whom the link before was given to, or does not hang on it.
    #[error("link {link} of the grant was not passed on by whoever held the link before it")]
    NotHeld {
        /// Which, from 1.
        link: usize,
    },
    /// A link was passed on that may not be.
    #[error("link {link} of the grant passes on what may not be passed on")]
    NotToPassOn {
        /// Which, from 1.
        link: usize,
    },
    /// A link allows more than the one it hangs on.
    #[error("link {link} of the grant allows more than the link before it: {what}")]
    Wider {
        /// Which, from 1.
        link: usize,
        /// What.
        what: &'static str,
    },
    /// Its time has not come.
    #[error("the grant begins later")]
    Early {
        /// When.
        begins_at: Timestamp,
    },
    /// Its time is over.
    #[error("the grant has ended; ask its owner to renew it")]
    Late {
        /// When it ended.
        ended_at: Timestamp,
    },
    /// It was given to somebody else.
    #[error("the grant was given to somebody else")]
    NotYours,
    /// Its owner, or somebody it was passed on by, took it back.
    #[error("the grant was taken back by its owner")]
    Revoked,
    /// It is for another engine.
    #[error("the grant is for the engine `{0}`")]
    OtherEngine(String),
    /// It does not allow that.
    #[error("the grant does not allow `{0}`")]
    NotAllowed(Capability),
}

impl Denied {
    /// A stable kebab-case word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Form(_) | Self::Links(_) | Self::Signed { .. } => "grant-invalid",
            Self::OtherNode(_) | Self::NotOwner => "grant-not-ours",
            Self::NotHeld { .. } | Self::NotToPassOn { .. } | Self::Wider { .. } => "grant-overreaching",
            Self::Early { .. } => "grant-early",
            Self::Late { .. } => "grant-expired",
            Self::NotYours => "grant-not-yours",
            Self::Revoked => "grant-revoked",
            Self::OtherEngine(_) | Self::NotAllowed(_) => "grant-not-allowed",
        }
    }
}

/// One link that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its name.
    pub id: GrantId,
    /// What it says.
    pub grant: Grant,
}

/// A chain whose links hang together, down from the owner of its engine. This never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    links: Vec<Link>,
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Whom the channel authenticated.
    pub peer: NodeId,
    /// The persons who certified that node, as far as they were checked.
    pub persons: &'a [PersonId],
    /// With which engine.
    pub engine: &'a str,
    /// What.
    pub capability: &'a Capability,
    /// When.
    pub now: Timestamp,
}

/// A chain that allows what was asked, as far as it can be told without counting. There is no other way to one than
/// [`Verified::admit`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    links: Vec<Link>,
    capability: Capability,
}

impl Admitted {
    /// Every link, the owner's first. A call is charged to each of them.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// What was allowed.
    #[must_use]
    pub fn capability(&self) -> &Capability {
        &self.capability
    }

    /// When the first of its links ends.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        self.links.iter().map(|link| link.grant.ends_at()).min().unwrap_or_default()
    }
}

impl Chain {
    /// Whether the links hang together from `owner` on: signatures, audiences, parents, and that no link allows more than the
    /// one before it.
    ///
    /// # Errors
    /// Why they do not.
    pub fn verify(&self, owner: NodeId) -> Result<Verified, Denied> {
        // (1)
        if self.0.is_empty() || self.0.len() > LINKS_MAX {
            return Err(Denied::Links(self.0.len()));
        }
        let mut links: Vec<Link> = Vec::with_capacity(self.0.len());
        for (at, signed) in self.0.iter().enumerate() {
            let link = at + 1;
            let of_link = |why| Denied::Signed { link, why };
            let said = signed.peek::<Grant>().map_err(of_link)?;
            if said.sub != owner {
                return Err(Denied::OtherNode(said.sub));
            }
            bounds(&said)?;
            match links.last() {
                None if said.iss != Key::from(owner) || said.parent.is_some() => return Err(Denied::NotOwner),
                None => {}
                Some(outer) => hangs_on(&said, outer, link)?,
            }
            // (2) Last, because it costs the most.
            let grant = signed.open::<Grant>(said.iss).map_err(of_link)?;
            links.push(Link { id: GrantId(signed.hash().0), grant });
        }
        Ok(Verified { links })
    }
}

/// (3) and (4) for one link and the one it hangs on.
fn hangs_on(inner: &Grant, outer: &Link, link: usize) -> Result<(), Denied> {
    if inner.iss != outer.grant.aud || inner.parent != Some(outer.id) {
        return Err(Denied::NotHeld { link });
    }
    if inner.depth >= outer.grant.depth {
        return Err(Denied::NotToPassOn { link });
    }
    let outer = &outer.grant;
    let what = if inner.engine != outer.engine {
        Some("another engine")
    } else if !inner.caps.iter().all(|cap| outer.caps.contains(cap)) {
        Some("another use of the engine")
    } else if inner.nbf < outer.nbf {
        Some("an earlier begin")
    } else if inner.exp > outer.exp {
        Some("a later end")
    } else {
        inner.limits.wider_than(&outer.limits)
    };
    what.map_or(Ok(()), |what| Err(Denied::Wider { link, what }))
}

fn bounds(grant: &Grant) -> Result<(), Denied> {
    let words = grant.caps.iter().map(|cap| &cap.0).chain(&grant.limits.artifact_types).chain([&grant.engine]);
    if words.clone().any(|word| word.is_empty() || word.len() > WORD_BYTES_MAX) {
        return Err(Denied::Form(format!("a word in it is empty or longer than {WORD_BYTES_MAX} bytes")));
    }
    if grant.caps.len() > CAPABILITIES_MAX || grant.limits.artifact_types.len() > CAPABILITIES_MAX {
        return Err(Denied::Form(format!("it lists more than {CAPABILITIES_MAX} uses")));
    }
    if !grant.caps.is_sorted_by(|one, next| one < next) {
        return Err(Denied::Form("its uses are not in order".to_owned()));
    }
    Ok(())
}

impl Verified {
    /// Every link, the owner's first.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The last link.
    ///
    /// # Panics
    /// Never: only [`Chain::verify`] makes one, and with at least one link.
    #[must_use]
    pub fn leaf(&self) -> &Link {
        self.links.last().expect("a verified chain has a link")
    }

    /// Whether it allows what is asked. `is_revoked` is asked about every link and everybody who passed one on.
    ///
    /// # Errors
    /// Why it does not.
    pub fn admit(&self, asked: &Asked<'_>, is_revoked: impl Fn(&GrantId, &Key) -> bool) -> Result<Admitted, Denied> {
        // (7) First: who was shut out learns that, and not what else their grant would have said.
        if self.links.iter().any(|link| is_revoked(&link.id, &link.grant.iss)) {
            return Err(Denied::Revoked);
        }
        let leaf = &self.leaf().grant;
        // (6)
        let is_theirs =
            leaf.aud == Key::from(asked.peer) || asked.persons.iter().any(|person| Key::from(*person) == leaf.aud);
        if !is_theirs {
            return Err(Denied::NotYours);
        }
        // (5)
        for Link { grant, .. } in &self.links {
            if asked.now < grant.begins_at() {
                return Err(Denied::Early { begins_at: grant.begins_at() });
            }
            if asked.now >= grant.ends_at() {
                return Err(Denied::Late { ended_at: grant.ends_at() });
            }
        }
        // (8) The uses of every link: those of the leaf are among those of the links before it.
        if leaf.engine != asked.engine {
            return Err(Denied::OtherEngine(leaf.engine.clone()));
        }
        if !leaf.caps.contains(asked.capability) {
            return Err(Denied::NotAllowed(asked.capability.clone()));
        }
        Ok(Admitted { links: self.links.clone(), capability: asked.capability.clone() })
    }
}
