//! Getting in by key: one-time links, challenges, and how often the open endpoints may be called.
//!
//! A challenge costs no memory: its nonce carries its end and a seal that only this process can make, for one public key.
//! What is kept are the nonces that opened a session, until they would have ended anyway, so that each works once. Both are
//! this process's own: a challenge is answered at the gateway that gave it, and a gateway that starts anew knows no old ones;
//! the browser then asks for another challenge. Nothing of it is about jobs.
//!
//! Invariant: what an unknown caller sends takes no disk, and no memory but a few requests to be let in. Only a good link and a
//! good signature do.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use flowork_protocol::login::{self, Key, Link, PublicKey};
use flowork_protocol::{NodeId, Timestamp};
use subtle::ConstantTimeEq as _;

use crate::access::Grounds;
use crate::known::Known;
use crate::problem::Problem;

/// How long a challenge may be answered.
const CHALLENGE_FOR_MS: u64 = 60_000;
/// How long a request to be let in waits, and how many may.
const ASKED_FOR_MS: u64 = 10 * 60_000;
const ASKED_MAX: usize = 16;
/// The most nonces that are remembered as used.
const USED_MAX: usize = 4_096;
/// Bytes of a nonce: its end, what makes it unlike others, its seal.
const NONCE_BYTES: usize = END_BYTES + RANDOM_BYTES + SEAL_BYTES;
const END_BYTES: usize = 8;
const RANDOM_BYTES: usize = 16;
const SEAL_BYTES: usize = 16;
/// What a nonce is for.
const OF_KEY: u8 = 0;
const OF_TICKET: u8 = 1;
/// The most characters of a link's token.
const TOKEN_CHARS_MAX: usize = 256;
/// What tells people how they get in.
const NEW_LINK: &str =
    "get a new link: run `flowork login-link` on the machine of the node, or make one in a browser that is signed in";

/// The part of a nonce that is remembered.
type Used = [u8; END_BYTES + RANDOM_BYTES];

/// What the open endpoints of this process share.
pub(crate) struct Doors {
    /// How often a key may be enrolled.
    pub(crate) enrol: Pace,
    /// How often a challenge may be asked for.
    pub(crate) challenge: Pace,
    /// How often a session may be opened.
    pub(crate) session: Pace,
    /// How often somebody may ask to be let in.
    pub(crate) ask: Pace,
    seal: [u8; 32],
    used: Mutex<BTreeSet<Used>>,
    asked: Mutex<Vec<(Asked, Standing)>>,
}

impl Doors {
    /// Doors whose challenges are sealed with `seal`: random bytes of this process.
    pub(crate) fn new(seal: [u8; 32]) -> Self {
        Self {
            enrol: Pace::new(Duration::from_secs(1), 30),
            challenge: Pace::new(Duration::from_millis(20), 200),
            session: Pace::new(Duration::from_millis(50), 100),
            ask: Pace::new(Duration::from_secs(2), 10),
            seal,
            used: Mutex::new(BTreeSet::new()),
            asked: Mutex::new(Vec::new()),
        }
    }

    /// A nonce for `key`, and when it ends. The same for a key that is known and one that is not.
    pub(crate) fn challenge(&self, key: PublicKey, now: Timestamp, random: [u8; RANDOM_BYTES]) -> (String, Timestamp) {
        let (nonce, ends_at) = self.nonce(OF_KEY, key.as_bytes(), now, random);
        (login::encode(&nonce), ends_at)
    }

    /// A ticket with which `who` may open one connection to the documents, and when it ends.
    pub(crate) fn ticket(&self, who: &str, now: Timestamp, random: [u8; RANDOM_BYTES]) -> (String, Timestamp) {
        let (nonce, ends_at) = self.nonce(OF_TICKET, who.as_bytes(), now, random);
        (format!("{}.{who}", login::encode(&nonce)), ends_at)
    }

    /// Who a ticket was given to. It is used up.
    ///
    /// # Errors
    /// 403 when it is none of this process, or late, or used.
    pub(crate) fn redeem<'a>(&self, ticket: &'a str, now: Timestamp) -> Result<&'a str, Problem> {
        let (nonce, who) = ticket.split_once('.').ok_or_else(bad_ticket)?;
        let nonce: [u8; NONCE_BYTES] = login::decode(nonce).ok_or_else(bad_ticket)?;
        let used_up = self.opened(&nonce, OF_TICKET, who.as_bytes(), now).ok_or_else(bad_ticket)?;
        if !self.use_up(used_up, now)? {
            return Err(bad_ticket());
        }
        Ok(who)
    }

    /// Keeps that a browser asks to be let in. A browser that asks again has one request, the newer.
    ///
    /// # Errors
    /// 429 when many wait already.
    pub(crate) fn keep_asked(
        &self, key: PublicKey, label: String, now: Timestamp, random: [u8; RANDOM_BYTES],
    ) -> Result<Asked, Problem> {
        let expires_at = now.plus_ms(ASKED_FOR_MS);
        let asked = Asked { id: login::encode(&random), key, label, asked_at: now, expires_at };
        let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(other, _)| now < other.expires_at && other.key != key);
        if all.len() >= ASKED_MAX {
            return Err(Problem::flooded("requests to be let in", ASKED_MAX));
        }
        all.push((asked.clone(), Standing::Waits));
        Ok(asked)
    }

    /// Who waits to be let in, oldest first.
    pub(crate) fn asked(&self, now: Timestamp) -> Vec<Asked> {
        let all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = all.iter().filter(|(asked, standing)| *standing == Standing::Waits && now < asked.expires_at);
        waits.map(|(asked, _)| asked.clone()).collect()
    }

    /// Where a request stands.
    pub(crate) fn standing(&self, id: &str, now: Timestamp) -> Standing {
        let all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.iter().find(|(asked, _)| asked.id == id && now < asked.expires_at);
        found.map_or(Standing::Over, |(_, standing)| *standing)
    }

    /// Says what became of a request.
    pub(crate) fn settle(&self, id: &str, to: Standing) {
        let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, standing)) = all.iter_mut().find(|(asked, _)| asked.id == id) {
            *standing = to;
        }
    }

    fn nonce(
        &self, of: u8, about: &[u8], now: Timestamp, random: [u8; RANDOM_BYTES],
    ) -> ([u8; NONCE_BYTES], Timestamp) {
        let ends_at = now.plus_ms(CHALLENGE_FOR_MS);
        let mut nonce = [0; NONCE_BYTES];
        nonce[..END_BYTES].copy_from_slice(&ends_at.0.to_be_bytes());
        nonce[END_BYTES..END_BYTES + RANDOM_BYTES].copy_from_slice(&random);
        let seal = self.seal_of(&nonce, of, about);
        nonce[END_BYTES + RANDOM_BYTES..].copy_from_slice(&seal);
        (nonce, ends_at)
    }

    /// What of a nonce is remembered when it is used; none when it was not made here for this, or is late.
    fn opened(&self, nonce: &[u8; NONCE_BYTES], of: u8, about: &[u8], now: Timestamp) -> Option<Used> {
        let sealed = bool::from(self.seal_of(nonce, of, about).ct_eq(&nonce[END_BYTES + RANDOM_BYTES..]));
        let mut ends_at = [0; END_BYTES];
        ends_at.copy_from_slice(&nonce[..END_BYTES]);
        if !sealed || now.0 >= i64::from_be_bytes(ends_at) {
            return None;
        }
        let mut used = [0; END_BYTES + RANDOM_BYTES];
        used.copy_from_slice(&nonce[..END_BYTES + RANDOM_BYTES]);
        Some(used)
    }

    fn seal_of(&self, nonce: &[u8; NONCE_BYTES], of: u8, about: &[u8]) -> [u8; SEAL_BYTES] {
        let mut hasher = blake3::Hasher::new_keyed(&self.seal);
        // The parts before `about` have fixed lengths, so nothing can be taken for another kind or split elsewhere.
        hasher.update(&nonce[..END_BYTES + RANDOM_BYTES]).update(&[of]).update(about);
        let mut seal = [0; SEAL_BYTES];
        hasher.finalize_xof().fill(&mut seal);
        seal
    }

    /// Who holds the private half of `key`, as its signature over a challenge of this process shows. The nonce is used up.
    ///
    /// # Errors
    /// 403 with what is wrong; what a stranger learns does not depend on whether the key is known.
    pub(crate) fn prove(
        &self, known: &Known, node: NodeId, answer: &Answer, now: Timestamp,
    ) -> Result<Proven, Problem> {
        let Answer { key, nonce: text, signature } = answer;
        let nonce: [u8; NONCE_BYTES] = login::decode(text).ok_or_else(bad_nonce)?;
        let used_up = self.opened(&nonce, OF_KEY, key.as_bytes(), now).ok_or_else(bad_nonce)?;
        if !key.verifies(&login::session_message(node, *key, text), signature) {
            let detail = "the signature is not by this key over this challenge";
            return Err(Problem::new(StatusCode::FORBIDDEN, "wrong-signature", detail).hint(format!(
                "sign the four lines `{}`, node, public key and nonce, and ask for a fresh challenge",
                login::SESSION_DOMAIN
            )));
        }
        // From here on the caller is who it says, and may be told more.
        let found = known.logins.keys.iter().find(|known| known.public_key == *key).ok_or_else(not_in)?;
        if !self.use_up(used_up, now)? {
            return Err(bad_nonce());
        }
        Ok(Proven { key: found.clone() })
    }

    /// Remembers that a nonce was used; false when it was already.
    fn use_up(&self, nonce: Used, now: Timestamp) -> Result<bool, Problem> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        // Nonces begin with their end, so those that are over come first. Times are positive, so bytes sort as they do.
        let mut over = [0; END_BYTES + RANDOM_BYTES];
        over[..END_BYTES].copy_from_slice(&now.0.to_be_bytes());
        *used = used.split_off(&over);
        if used.contains(&nonce) {
            return Ok(false);
        }
        if used.len() >= USED_MAX {
            return Err(Problem::flooded("logins", USED_MAX));
        }
        Ok(used.insert(nonce))
    }
}

/// A browser that asks to be let in.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// What its request is called.
    pub(crate) id: String,
    /// Its key.
    pub(crate) key: PublicKey,
    /// What it calls itself.
    pub(crate) label: String,
    /// When it asked.
    pub(crate) asked_at: Timestamp,
    /// Until when it waits.
    pub(crate) expires_at: Timestamp,
}

impl Asked {
    /// Six digits for people to compare.
    pub(crate) fn code(&self) -> String {
        let hash = blake3::derive_key("flowork login request v1", self.key.as_bytes());
        let number = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) % 1_000_000;
        format!("{:03} {:03}", number / 1_000, number % 1_000)
    }
}

/// Where a request to be let in stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "LoginRequestStanding")]
pub(crate) enum Standing {
    /// Nobody has answered yet.
    Waits,
    /// The key is in.
    LetIn,
    /// Somebody said no.
    Refused,
    /// Its time is over, or nobody knows of it.
    Over,
}

/// What a browser answers to a challenge.
pub(crate) struct Answer {
    /// Its key.
    pub(crate) key: PublicKey,
    /// The nonce, as the challenge had it.
    pub(crate) nonce: String,
    /// Its signature.
    pub(crate) signature: [u8; 64],
}

/// Somebody showed that they hold a key that is in. Only [`Doors::prove`] makes one.
pub(crate) struct Proven {
    key: Key,
}

impl Proven {
    /// The key.
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }
}

impl Grounds for Proven {}

/// Somebody came with a link that is still good. Only [`linked`] makes one.
pub(crate) struct Linked {
    link: Link,
}

impl Linked {
    /// The link.
    pub(crate) fn link(&self) -> &Link {
        &self.link
    }
}

impl Grounds for Linked {}

/// What a link's token opens for `key`.
pub(crate) enum Opens {
    /// It has let nobody in yet.
    Fresh(Linked),
    /// It has let this very key in.
    Done(Key),
}

/// Looks a link's token up.
///
/// # Errors
/// 403 when there is no such link, or it is late, or it let another key in.
pub(crate) fn linked(known: &Known, token: &str, key: PublicKey, now: Timestamp) -> Result<Opens, Problem> {
    let refuse = |code, detail: &str| Err(Problem::new(StatusCode::FORBIDDEN, code, detail).hint(NEW_LINK));
    let mut found = None;
    if token.len() <= TOKEN_CHARS_MAX {
        let hash = blake3::hash(token.as_bytes()).to_hex();
        for link in &known.logins.links {
            if bool::from(link.secret_hash.as_bytes().ct_eq(hash.as_bytes())) {
                found = Some(link);
            }
        }
    }
    let Some(link) = found else {
        return refuse("unknown-link", "this login link is not known here; links work for 15 minutes");
    };
    if now >= link.expires_at {
        return refuse("late-link", "this login link has expired; links work for 15 minutes");
    }
    match link.used_by {
        None => Ok(Opens::Fresh(Linked { link: link.clone() })),
        Some(by) if by == key => match known.logins.keys.iter().find(|known| known.public_key == key) {
            Some(key) => Ok(Opens::Done(key.clone())),
            None => refuse("removed-key", "the key of this browser was removed from the node"),
        },
        Some(_) => refuse("used-link", "this login link was used already, by another browser"),
    }
}

fn bad_ticket() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "bad-ticket", "this ticket is not one of this node's, or is late, or was used")
        .hint("each works once, for a minute; ask for another: POST /api/v1/sync/tickets")
}

fn bad_nonce() -> Problem {
    let detail = "this challenge is not one of this node for this key, or it is over, or it was answered already";
    Problem::new(StatusCode::FORBIDDEN, "bad-challenge", detail)
        .hint("ask for a fresh one: POST /api/v1/login/challenge; each works once, for a minute")
}

fn not_in() -> Problem {
    let detail = "the key of this browser is not known to the node, or it was removed";
    Problem::new(StatusCode::FORBIDDEN, "unknown-key", detail).hint(NEW_LINK)
}

/// How often something may happen: `burst` times at once, then once per `every` (GCRA, ITU-T I.371). Counts for the whole
/// process, because on loopback all callers look the same.
pub(crate) struct Pace {
    every: Duration,
    burst: u32,
    /// When everything that was let through so far would have come at an even pace.
    due: Mutex<Option<Instant>>,
}

impl Pace {
    const fn new(every: Duration, burst: u32) -> Self {
        Self { every, burst, due: Mutex::new(None) }
    }

    /// Lets one more through.
    ///
    /// # Errors
    /// 429 with when to try again.
    pub(crate) fn admit(&self, now: Instant) -> Result<(), Problem> {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let next = due.map_or(now, |due| due.max(now)) + self.every;
        let over = next.saturating_duration_since(now).saturating_sub(self.every * self.burst);
        if over.is_zero() {
            *due = Some(next);
            return Ok(());
        }
        let seconds = u32::try_from(over.as_secs() + 1).unwrap_or(u32::MAX);
        Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-logins", "there were too many logins just now")
            .hint("try again after the time in Retry-After; who is signed in already is not held up")
            .retry_after(seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn key() -> PublicKey {
        "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w".parse().unwrap()
    }

    #[test]
    fn a_pace_lets_a_burst_through_and_then_one_at_a_time() {
        let pace = Pace::new(Duration::from_secs(1), 3);
        let begin = Instant::now();
        let at = |ms| pace.admit(begin + Duration::from_millis(ms)).is_ok();
        assert_eq!([at(0), at(0), at(0), at(0)], [true, true, true, false]);
        assert_eq!([at(999), at(1_000), at(1_000), at(2_500)], [false, true, false, true]);
    }

    #[test]
    fn a_nonce_is_used_up_once_and_forgotten_when_it_is_over() {
        let doors = Doors::new([1; 32]);
        let fresh = |nonce, now| doors.use_up(nonce, now).is_ok_and(|fresh| fresh);
        let nonce = |ends_at: Timestamp, n: u8| {
            let mut nonce = [n; END_BYTES + RANDOM_BYTES];
            nonce[..END_BYTES].copy_from_slice(&ends_at.0.to_be_bytes());
            nonce
        };
        let one = nonce(NOW.plus_ms(CHALLENGE_FOR_MS), 1);
        assert!(fresh(one, NOW));
        assert!(!fresh(one, NOW));
        assert!(fresh(nonce(NOW.plus_ms(CHALLENGE_FOR_MS), 2), NOW.plus_ms(1)));
        assert_eq!(doors.used.lock().unwrap().len(), 2);
        let later = NOW.plus_ms(CHALLENGE_FOR_MS + 1);
        assert!(fresh(nonce(later.plus_ms(9), 3), later));
        assert_eq!(doors.used.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_ticket_is_for_one_name_and_no_challenge_stands_for_it() {
        let doors = Doors::new([1; 32]);
        let (ticket, _) = doors.ticket("abc", NOW, [7; 16]);
        let (nonce, _) = ticket.split_once('.').unwrap();
        for other in [format!("{nonce}.abd"), format!("{nonce}."), nonce.to_owned(), "..".to_owned(), String::new()] {
            assert!(doors.redeem(&other, NOW).is_err(), "{other}");
        }
        let (challenge, _) = doors.challenge(key(), NOW, [7; 16]);
        assert!(doors.redeem(&format!("{challenge}.abc"), NOW).is_err());
        assert!(doors.redeem(&ticket, NOW.plus_ms(CHALLENGE_FOR_MS)).is_err(), "late");
        assert_eq!(doors.redeem(&ticket, NOW).ok(), Some("abc"));
        assert!(doors.redeem(&ticket, NOW).is_err(), "used");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let doors = Doors::new([1; 32]);
        for n in 0..USED_MAX {
            let mut nonce = [0; END_BYTES + RANDOM_BYTES];
            nonce[..END_BYTES].copy_from_slice(&NOW.plus_ms(5).0.to_be_bytes());
            nonce[END_BYTES..END_BYTES + 8].copy_from_slice(&n.to_be_bytes());
            assert!(doors.use_up(nonce, NOW).is_ok());
        }
        assert!(doors.use_up([0x70; END_BYTES + RANDOM_BYTES], NOW).is_err());
        assert_eq!(doors.used.lock().unwrap().len(), USED_MAX);
    }

    #[test]
    fn a_challenge_is_for_one_key_of_one_process() {
        let doors = Doors::new([1; 32]);
        let (text, ends_at) = doors.challenge(key(), NOW, [5; 16]);
        assert_eq!(ends_at, NOW.plus_ms(CHALLENGE_FOR_MS));
        assert_ne!(text, Doors::new([2; 32]).challenge(key(), NOW, [5; 16]).0);
        let other = "gTl3Dqh9F19Wo1Rmw0x-zMuNipG07jeiXfYPW4_Js5Q".parse().unwrap();
        assert_ne!(text, doors.challenge(other, NOW, [5; 16]).0);
    }
}
