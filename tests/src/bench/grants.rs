//! What it costs to check a grant.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use ed25519_dalek::SigningKey;
use flowork_protocol::grant::{Asked, Capability, Chain, Grant, Limits};
use flowork_protocol::id::Key;
use flowork_protocol::signed::Signed;
use flowork_protocol::{NodeId, Timestamp};

use super::{Row, Table};

const NOW_S: u64 = 1_800_000_000;
const LINKS: u8 = 4;
const ROUNDS: u32 = 2_000;

fn public(seed: u8) -> [u8; 32] {
    SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes()
}

/// Node 1 gives to node 2, which passes it on to node 3, and so on.
fn chain() -> Result<Chain> {
    let mut grant = Grant {
        v: 1,
        iss: Key(public(1)),
        aud: Key(public(2)),
        sub: NodeId(public(1)),
        engine: "box".to_owned(),
        caps: vec![Capability::run("nothing")],
        limits: Limits::unlimited(),
        nbf: NOW_S - 60,
        exp: NOW_S + 60,
        depth: LINKS - 1,
        nonce: [7; 16],
        parent: None,
    };
    let mut chain = Chain::of(Signed::with_seed(&grant, &[1; 32])?);
    for link in 2..=LINKS {
        grant = Grant {
            iss: Key(public(link)),
            aud: Key(public(link + 1)),
            depth: grant.depth - 1,
            parent: chain.id(),
            ..grant
        };
        chain = chain.and(Signed::with_seed(&grant, &[link; 32])?);
    }
    Ok(chain)
}

/// Measures a chain of four links that was never seen, and one that is known.
///
/// # Errors
/// When the chain does not hold.
pub fn grants(table: &mut Table) -> Result<()> {
    let (owner, bytes) = (NodeId(public(1)), chain()?.to_bytes());
    let capability = Capability::run("nothing");
    let now = Timestamp(i64::try_from(NOW_S * 1_000)?);
    let asked = Asked { peer: NodeId(public(LINKS + 1)), persons: &[], engine: "box", capability: &capability, now };
    let known = Chain::from_bytes(&bytes)?.verify(owner)?;
    ensure!(known.links().len() == usize::from(LINKS));
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        let read = Chain::from_bytes(black_box(&bytes))?.verify(owner)?;
        black_box(read.admit(&asked, |_, _| false).context("the grant holds")?);
    }
    let cold = begun.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS);
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        black_box(black_box(&known).admit(&asked, |_, _| false).context("the grant holds")?);
    }
    let cached = begun.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS);
    table.add(Row::ours(format!("a grant of {LINKS} links that was never seen, checked"), cold / 1e3, "ms").below(0.5));
    table.add(Row::ours(format!("a grant of {LINKS} links that is known, checked"), cached, "µs").below(20.0));
    Ok(())
}
