//! Many nodes in one process, over memory: each the whole mesh room with its own keys, grants and calls, only its store and
//! its jobs are in memory too. Who is whose friend follows from a seed, which is printed.
//!
//! No node knows where its friends are: it knows who they are, and one public host. Everybody finds everybody through the
//! directory that the hosts keep, is given a grant, calls an engine by its name, and is refused once the grant was taken back.
//!
//! `FLOWORK_SIM_NODES`, `FLOWORK_SIM_PER_HOST` and `FLOWORK_SIM_SEED` make it larger, or the same again: docs/benchmarks.md has the report.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flowork_ports::engines::{EngineCall, Where};
use flowork_ports::mesh::{Ask, Gave, GrantLimits, Lend, NewGrant, Offer};
use flowork_ports::{Engines as _, Mesh as _, MeshTable};
use flowork_protocol::grant::Capability;
use flowork_protocol::invitation::Secret;
use flowork_protocol::peer::pair::Introduction;
use flowork_protocol::{NodeId, PresetId, Timestamp, VersionId};
use futures::StreamExt as _;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::contacts::Contacts;
use crate::net::{self, Budgets, memory};
use crate::testing::{CountingModel, Folder, Jobs, MemoryTable, address};
use crate::{Handle, Options, Seed, host, run};

/// Friends that each node makes; as many make it theirs.
const FRIENDS: usize = 4;
/// How many nodes are asked at once.
const AT_ONCE: usize = 32;
/// The longest that everybody may take for one thing.
const PATIENCE: Duration = Duration::from_secs(300);

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Numbers that follow from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % below as u64).unwrap_or(0)
    }

    fn key(&mut self) -> [u8; 32] {
        std::array::from_fn(|_| u8::try_from(self.roll(256)).unwrap_or(0))
    }
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(0))
}

/// Everybody may be reached.
struct All(BTreeSet<NodeId>);

impl host::Members for All {
    fn all(&self) -> BTreeSet<NodeId> {
        self.0.clone()
    }

    fn admit(&self, _: &Secret, _: NodeId, _: &str) -> Result<(), (&'static str, String)> {
        Err(("invitation-unknown", "nobody is invited here".to_owned()))
    }

    fn remove(&self, _: NodeId) {}
}

struct Node {
    id: NodeId,
    name: String,
    /// By number.
    friends: BTreeSet<usize>,
    handle: Handle,
    jobs: Jobs,
}

/// Everybody.
struct World {
    nodes: Vec<Node>,
    hosts: Vec<(NodeId, host::Host)>,
    _files: tempfile::TempDir,
    _stop: tokio_util::sync::DropGuard,
}

impl World {
    async fn of(count: usize, seed: u64) -> Self {
        let mut dice = Dice(seed);
        let seeds: Vec<[u8; 32]> = (0..count).map(|_| dice.key()).collect();
        let ids: Vec<NodeId> = seeds.iter().map(|seed| Seed::new(*seed).node_id()).collect();
        let mut friends: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); count];
        for one in 0..count {
            for _ in 0..FRIENDS {
                let other = dice.roll(count);
                if other != one {
                    friends[one].insert(other);
                    friends[other].insert(one);
                }
            }
        }
        let stop = CancellationToken::new();
        // At least two, so that the directory is spread.
        let host_count = count.div_ceil(usize::try_from(number("FLOWORK_SIM_PER_HOST", 250)).unwrap_or(250)).max(2);
        let host_keys: Vec<([u8; 32], String)> = (0..host_count).map(|_| (dice.key(), address())).collect();
        let mut hosts = Vec::new();
        let host_ids: Vec<NodeId> = host_keys.iter().map(|(seed, _)| Seed::new(*seed).node_id()).collect();
        let everybody: BTreeSet<NodeId> = ids.iter().chain(&host_ids).copied().collect();
        for (seed, address) in &host_keys {
            let options = host::Options {
                seed: Seed::new(*seed),
                name: "host".to_owned(),
                version: "0",
                listen: vec![address.clone()],
                external: Vec::new(),
                budgets: Budgets::default(),
                members: Arc::new(All(everybody.clone())),
                clock: Arc::new(now),
            };
            let host = host::run(options, stop.clone()).await.unwrap();
            hosts.push((host.node_id(), host));
        }
        // Hosts know each other, or the directory would fall apart into one for each.
        for (_, host) in &hosts {
            for (other, address) in host_ids.iter().zip(host_keys.iter().map(|(_, address)| address)) {
                if *other != host.node_id() {
                    while host.meet(*other, vec![address.clone()]).await.is_err() {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                }
            }
        }
        let files = tempfile::tempdir().unwrap();
        let mut nodes = Vec::new();
        for (one, seed) in seeds.iter().enumerate() {
            let table: Arc<dyn MeshTable> = Arc::new(MemoryTable::default());
            let contacts = Contacts::load(&table).await.unwrap();
            let introduction = |name: String| Introduction { name, certificates: Vec::new(), addresses: Vec::new() };
            for friend in &friends[one] {
                // Who they are, not where.
                let said = introduction(format!("n{friend}"));
                contacts.pair(ids[*friend], &said, None, Vec::new(), now(), Vec::new()).await.unwrap();
            }
            let at = one % host_count;
            let said = introduction("host".to_owned());
            let where_it_is = vec![host_keys[at].1.clone()];
            contacts.pair(host_ids[at], &said, None, where_it_is, now(), Vec::new()).await.unwrap();
            let jobs = Jobs::default();
            let here = address();
            let options = Options {
                seed: Seed::new(*seed),
                succession: None,
                name: format!("n{one}"),
                version: "0",
                listen: vec![here.clone()],
                lan: false,
                upnp: false,
                relay: None,
                // Nobody is behind a router here: that is what the journeys in network namespaces are for.
                external: vec![here],
                table,
                inbox: Arc::new(jobs.clone()),
                models: Arc::new(CountingModel::default()),
                blobs: Arc::new(Folder::new(files.path().join(format!("{one}")))),
                incoming: files.path().join(format!("{one}.incoming")),
                reader: Arc::new(jobs.clone()),
                bell: jobs.bell.clone(),
                clock: Arc::new(now),
                desktop: crate::Desktop::None,
            };
            let handle = run(options, stop.clone()).await.unwrap();
            nodes.push(Node { id: ids[one], name: format!("n{one}"), friends: friends[one].clone(), handle, jobs });
        }
        Self { nodes, hosts, _files: files, _stop: stop.drop_guard() }
    }

    /// Every node lends an engine of its own name to its friends.
    async fn lend(&self) {
        for node in &self.nodes {
            let offer = Offer::Run {
                preset: PresetId::from("echo"),
                name: "echo".to_owned(),
                version: VersionId([7; 32]),
                concurrency: None,
            };
            let offers = BTreeMap::from([(Capability::run("echo"), offer)]);
            let lend = Lend { engine: format!("engine-of-{}", node.name), offers, concurrent: None };
            node.handle.ask(Ask::Lend(lend)).await.unwrap();
            for friend in &node.friends {
                let grant = NewGrant {
                    to: format!("n{friend}"),
                    engine: format!("engine-of-{}", node.name),
                    can: vec![Capability::run("echo")],
                    limits: GrantLimits::default(),
                    until: now().plus_ms(3_600_000),
                    depth: 0,
                    renews: false,
                    request: None,
                };
                node.handle.ask(Ask::Grant(grant)).await.unwrap();
            }
        }
    }

    /// Waits until it holds for every node.
    async fn until(&self, what: &str, holds: impl AsyncFn(&Node) -> bool) {
        let begun = Instant::now();
        for node in &self.nodes {
            while !holds(node).await {
                assert!(begun.elapsed() < PATIENCE, "{what}: not at {}", node.name);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// The bytes of each node so far.
    fn traffic(&self) -> Vec<u64> {
        let of = |id: NodeId| memory::traffic(&net::peer_id(id).unwrap());
        self.nodes.iter().map(|node| of(node.id)).collect()
    }
}

impl Node {
    async fn held(&self) -> usize {
        let Gave::Grants(grants) = self.handle.ask(Ask::Grants).await.unwrap() else { panic!("no grants") };
        grants.iter().filter(|grant| !grant.is_given && grant.revoked_at.is_none()).count()
    }

    /// Calls the engine of that name at its owner.
    async fn call(&self, owner: &str, key: &str) -> Result<(), String> {
        let items = json!([{ "json": { "from": self.name } }]).to_string().into_bytes();
        let call = EngineCall {
            key: format!("{}/{owner}/{key}", self.name),
            at: vec![Where::Peer { peer: owner.to_owned(), engine: Some(format!("engine-of-{owner}")) }],
            capability: Capability::run("echo"),
            request: items.clone(),
            deadline_ms: 60_000,
            wait_ms: 30_000,
            leaves: false,
            streams: false,
        };
        let (news, _heard) = mpsc::channel(64);
        match self.handle.call(call, news, CancellationToken::new()).await {
            Ok(given) if given.output == items => Ok(()),
            Ok(given) => Err(format!("another output: {}", String::from_utf8_lossy(&given.output))),
            Err(not) => Err(not.failure.code),
        }
    }
}

/// The mean and the greatest.
fn spread(all: &[u64]) -> (u64, u64) {
    (all.iter().sum::<u64>() / all.len().max(1) as u64, all.iter().copied().max().unwrap_or(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_finds_an_engine_by_its_name_and_a_revocation_ends_its_use_everywhere() {
    let count = usize::try_from(number("FLOWORK_SIM_NODES", 40)).unwrap_or(40);
    let seed = number("FLOWORK_SIM_SEED", 7);
    println!("{count} nodes, seed {seed}");
    let begun = Instant::now();
    let world = World::of(count, seed).await;
    let friendships: usize = world.nodes.iter().map(|node| node.friends.len()).sum();
    println!("{} hosts, {friendships} friendships; up after {:.1?}", world.hosts.len(), begun.elapsed());

    let begun = Instant::now();
    world.lend().await;
    world.until("every grant has arrived", async |node| node.held().await == node.friends.len()).await;
    println!("every node found its friends and has their grants after {:.1?}", begun.elapsed());
    let (mean, most) = spread(&world.traffic());
    println!("  bytes of a node: {mean} on average, {most} at most");

    let (begun, before) = (Instant::now(), world.traffic());
    let calls: Vec<(&Node, usize)> =
        world.nodes.iter().flat_map(|node| node.friends.iter().map(move |friend| (node, *friend))).collect();
    let failed: Vec<String> = futures::stream::iter(&calls)
        .map(async |(node, friend)| {
            let owner = &world.nodes[*friend].name;
            node.call(owner, "first").await.map_err(|code| format!("{} at {owner}: {code}", node.name)).err()
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(async |failed| failed)
        .collect()
        .await;
    assert_eq!(failed, Vec::<String>::new());
    let took = begun.elapsed();
    let during: Vec<u64> = world.traffic().iter().zip(before).map(|(after, before)| after - before).collect();
    let (mean, most) = spread(&during);
    println!("{} calls by name in {took:.1?}, {:.0} a second", calls.len(), calls.len() as f64 / took.as_secs_f64());
    println!("  bytes of a node: {mean} on average, {most} at most");
    let ran: usize = world.nodes.iter().map(|node| crate::lock(&node.jobs.submitted).len()).sum();
    assert_eq!(ran, calls.len(), "each ran once");

    let begun = Instant::now();
    let revoking = &world.nodes[..count.div_ceil(10)];
    for node in revoking {
        let Gave::Grants(grants) = node.handle.ask(Ask::Grants).await.unwrap() else { panic!("no grants") };
        for grant in grants.iter().filter(|grant| grant.is_given) {
            node.handle.ask(Ask::Revoke(grant.id.to_string())).await.unwrap();
        }
    }
    let mut refused = 0;
    for node in revoking {
        for friend in &node.friends {
            let code = world.nodes[*friend].call(&node.name, "again").await.unwrap_err();
            assert!(["grant-revoked", "no-grant"].contains(&code.as_str()), "{code}");
            refused += 1;
        }
    }
    println!(
        "{} nodes took their grants back: {refused} of {refused} calls refused after {:.1?}",
        revoking.len(),
        begun.elapsed()
    );
    let ran_then: usize = world.nodes.iter().map(|node| crate::lock(&node.jobs.submitted).len()).sum();
    assert_eq!(ran_then, ran, "nothing ran for them");
    // Nobody else is touched.
    let untouched =
        world.nodes.iter().skip(revoking.len()).find(|node| node.friends.iter().any(|one| *one >= revoking.len()));
    if let Some(node) = untouched {
        let owner = node.friends.iter().find(|one| **one >= revoking.len()).unwrap();
        node.call(&world.nodes[*owner].name, "again").await.unwrap();
    }
}
