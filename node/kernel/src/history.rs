//! What the steps of one job gave: the items themselves while they are in memory, and how they are stored.
//!
//! An item that passes through steps unchanged is one `Arc` in memory and one place in one chunk on disk.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use flowork_ports::component::{Given, Items, View};
use flowork_protocol::Failure;
use flowork_protocol::event::{Emitted, Pairing};
use flowork_protocol::id::ChunkId;
use flowork_protocol::item::{Chunked, ITEM_JSON_BYTES_MAX, Item, List, PORT_BYTES_MAX};
use flowork_protocol::plan::Plan;
use serde_json::Value;

use crate::machine::Key;
use crate::program::Program;

/// Lists up to this estimated size stay inside their event.
const INLINE_BYTES_MAX: usize = 2 << 10;
/// A chunk is closed when it has this many bytes…
const CHUNK_BYTES: usize = 48 << 10;
/// …or this many items.
const CHUNK_ITEMS: usize = 512;

/// What one run gave.
#[derive(Debug)]
pub(crate) struct RunData {
    pub(crate) ports: Vec<PortData>,
}

/// What one port of a run gave.
#[derive(Debug)]
pub(crate) struct PortData {
    pub(crate) name: String,
    pub(crate) items: Held,
    pub(crate) pairs: Pairing,
}

/// Items in memory, or where they are.
#[derive(Debug, Clone)]
pub(crate) enum Held {
    Here(Items),
    Stored(List),
}

/// What all runs of one job gave.
pub(crate) struct History {
    pub(crate) program: Arc<Program>,
    runs: RwLock<HashMap<Key, Arc<RunData>>>,
    /// What the job itself was given.
    pub(crate) input: Items,
}

impl History {
    pub(crate) fn new(program: Arc<Program>, input: Items) -> Self {
        Self { program, runs: RwLock::default(), input }
    }

    fn plan(&self) -> &Plan {
        self.program.plan()
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Arc<RunData>> {
        self.runs.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub(crate) fn put(&self, key: Key, data: RunData) {
        self.runs.write().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::new(data));
    }

    /// Forgets what was given inside earlier rounds of this loop run, the way back excepted.
    pub(crate) fn forget_rounds(&self, head: &Key, before: u32) {
        let plan = self.plan();
        let depth = head.rounds.len();
        let backs: HashSet<usize> = back_sources(plan, head.vertex).map(|it| it.0).collect();
        self.runs.write().unwrap_or_else(PoisonError::into_inner).retain(|key, _| {
            !is_inside(plan, key, head)
                || key.rounds[depth] >= before
                || (backs.contains(&key.vertex) && key.rounds.len() == depth + 1)
        });
    }

    /// Whether [`Self::forget_rounds`] would keep what `key` gave.
    pub(crate) fn keeps(&self, key: &Key, head: &Key, before: u32) -> bool {
        let plan = self.plan();
        !is_inside(plan, key, head)
            || key.rounds[head.rounds.len()] >= before
            || back_sources(plan, head.vertex).any(|(vertex, _)| vertex == key.vertex)
    }

    /// Where the items of one input port come from, in order.
    pub(crate) fn sources(&self, key: &Key, port: usize) -> Vec<(Key, usize)> {
        let vertex = &self.plan().vertices[key.vertex];
        vertex.inputs[port]
            .from
            .iter()
            .map(|(source, out)| {
                // The loop around a step gives it the batch of the step's own round.
                let source_key = if vertex.scope.last() == Some(source) {
                    Key { vertex: *source, rounds: key.rounds.clone() }
                } else {
                    key.sees(*source, self.plan())
                };
                (source_key, *out)
            })
            .collect()
    }

    /// Where the items come from that a loop was given back in one round.
    pub(crate) fn back_sources(&self, head: &Key, round: u32) -> Vec<(Key, usize)> {
        let batch = head.batch(round);
        back_sources(self.plan(), head.vertex)
            .map(|(vertex, out)| (Key { vertex, rounds: batch.rounds.clone() }, out))
            .collect()
    }

    /// What a port of a run gave, if that is in memory or nothing was given.
    pub(crate) fn port(&self, key: &Key, out: usize) -> Held {
        let plan = self.plan();
        let is_batch = key.rounds.len() > plan.vertices[key.vertex].scope.len();
        let found = self.get(key).and_then(|data| {
            let name = &plan.vertices[key.vertex].outputs.get(out)?.name;
            let port = if is_batch { data.ports.first() } else { data.ports.iter().find(|port| port.name == *name) };
            port.map(|port| port.items.clone())
        });
        found.unwrap_or_else(|| Held::Here(Items::default()))
    }

    /// Everything that a run is given, by input port. All of it must be in memory.
    pub(crate) fn inputs(&self, key: &Key) -> Vec<(String, Items)> {
        let vertex = &self.plan().vertices[key.vertex];
        let gets_job_input = vertex.wires_in() == 0 && !self.plan().vertices.iter().any(|it| it.is_trigger);
        let mut inputs = Vec::with_capacity(vertex.inputs.len());
        for (number, port) in vertex.inputs.iter().enumerate() {
            let items = if gets_job_input && number == 0 {
                self.input.clone()
            } else {
                let parts = self.sources(key, number).into_iter().map(|(source, out)| self.port(&source, out));
                join(parts)
            };
            inputs.push((port.name.clone(), items));
        }
        inputs
    }

    /// The runs that must be in memory before `key` can be called: what feeds it, and the steps that it mentions with all
    /// that lies between.
    pub(crate) fn stored_runs(&self) -> Vec<Key> {
        let runs = self.runs.read().unwrap_or_else(PoisonError::into_inner);
        let is_stored = |data: &Arc<RunData>| data.ports.iter().any(|port| matches!(port.items, Held::Stored(_)));
        runs.iter().filter(|(_, data)| is_stored(data)).map(|(key, _)| key.clone()).collect()
    }

    fn pairs(&self, key: &Key, out: usize) -> Option<Pairing> {
        let data = self.get(key)?;
        let name = &self.plan().vertices[key.vertex].outputs.get(out)?.name;
        data.ports.iter().find(|port| port.name == *name).map(|port| port.pairs.clone())
    }

    /// The source of input item `index` of a run, counted through its input ports: `(run, output port, index there)`.
    fn source_item(&self, key: &Key, mut index: usize) -> Option<(Key, usize, usize)> {
        let ports = self.plan().vertices[key.vertex].inputs.len();
        for (source, out) in (0..ports).flat_map(|port| self.sources(key, port)) {
            let Held::Here(items) = self.port(&source, out) else { return None };
            if index < items.len() {
                return Some((source, out, index));
            }
            index -= items.len();
        }
        None
    }
}

/// Whether a run lies inside a round of the loop run `head`.
fn is_inside(plan: &Plan, key: &Key, head: &Key) -> bool {
    let depth = head.rounds.len();
    key.rounds.len() > depth
        && key.rounds[..depth] == head.rounds[..]
        && plan.vertices[key.vertex].scope.get(depth) == Some(&head.vertex)
}

fn back_sources(plan: &Plan, head: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
    plan.vertices[head]
        .inputs
        .iter()
        .filter(|port| port.name == flowork_protocol::plan::LOOP_BACK)
        .flat_map(|port| port.from.iter().copied())
}

/// Lists one after the other; a single one is not copied.
pub(crate) fn join(parts: impl Iterator<Item = Held>) -> Items {
    let mut lists = parts.filter_map(|part| match part {
        Held::Here(items) if !items.is_empty() => Some(items),
        _ => None,
    });
    let Some(first) = lists.next() else { return Items::default() };
    let Some(second) = lists.next() else { return first };
    let mut all: Vec<Arc<Item>> = first.iter().chain(second.iter()).cloned().collect();
    lists.for_each(|items| all.extend(items.iter().cloned()));
    Arc::new(all)
}

/// What one run sees of the others.
pub(crate) struct Seen {
    pub(crate) history: Arc<History>,
    pub(crate) key: Key,
}

impl View for Seen {
    fn given(&self, name: &str, port: Option<&str>) -> Option<Items> {
        let plan = self.history.plan();
        let vertex = plan.named(name)?;
        let key = self.key.sees(vertex, plan);
        let out = match port {
            Some(port) => plan.vertices[vertex].output(port)?,
            None => 0,
        };
        self.history.get(&key)?;
        match self.history.port(&key, out) {
            Held::Here(items) => Some(items),
            Held::Stored(_) => None,
        }
    }

    fn paired(&self, name: &str, index: usize) -> Option<Arc<Item>> {
        let plan = self.history.plan();
        let wanted = plan.named(name)?;
        let (mut key, mut index) = (self.key.clone(), index);
        // A path through the graph is no longer than the graph.
        for _ in 0..=plan.vertices.len() {
            let (source, out, at) = self.history.source_item(&key, index)?;
            if source.vertex == wanted {
                let Held::Here(items) = self.history.port(&source, out) else { return None };
                return items.get(at).cloned();
            }
            index = self.history.pairs(&source, out)?.source_of(at)?;
            key = source;
        }
        None
    }
}

/// Nothing to see: for bodies that mention no other step.
pub(crate) struct Blind;

impl View for Blind {
    fn given(&self, _: &str, _: Option<&str>) -> Option<Items> {
        None
    }

    fn paired(&self, _: &str, _: usize) -> Option<Arc<Item>> {
        None
    }
}

/// Turns items into lists for events, writing each item once.
#[derive(Default)]
pub(crate) struct Packer {
    /// Where items are that were written: by address, which is theirs as long as the item is kept here.
    placed: HashMap<usize, (Arc<Item>, ChunkId, u32)>,
    /// Chunks to store with the next write.
    pub(crate) chunks: Vec<(ChunkId, Vec<u8>)>,
    known: HashSet<ChunkId>,
}

impl Packer {
    /// `items` as an event holds them.
    ///
    /// # Errors
    /// When an item or the whole list is larger than steps may give.
    pub(crate) fn pack(&mut self, items: &[Arc<Item>]) -> Result<List, Failure> {
        let mut size = 0;
        for (index, item) in items.iter().enumerate() {
            let bytes = estimate(item);
            if bytes > ITEM_JSON_BYTES_MAX {
                return Err(Failure::new(
                    "item-too-large",
                    format!("item {index} has about {bytes} bytes of JSON; {ITEM_JSON_BYTES_MAX} are allowed"),
                )
                .item(index)
                .hint("keep large data in a file: files may be as large as the disk allows"));
            }
            size += bytes;
        }
        if size > PORT_BYTES_MAX {
            return Err(Failure::new(
                "output-too-large",
                format!("the step gave about {size} bytes of JSON at once; {PORT_BYTES_MAX} are allowed"),
            )
            .hint("work in batches with a `loop`, or keep large data in files"));
        }
        if size <= INLINE_BYTES_MAX {
            return Ok(List::Inline(items.to_vec()));
        }
        self.place_new(items)?;
        Ok(List::Chunked(self.refer(items)))
    }

    fn place_new(&mut self, items: &[Arc<Item>]) -> Result<(), Failure> {
        let mut open: Vec<Arc<Item>> = Vec::new();
        let mut bytes: Vec<u8> = Vec::new();
        for item in items {
            if self.placed.contains_key(&address(item)) || open.last().is_some_and(|last| Arc::ptr_eq(last, item)) {
                continue;
            }
            bytes.push(if open.is_empty() { b'[' } else { b',' });
            serde_json::to_writer(&mut bytes, item.as_ref()).map_err(|error| {
                Failure::new("item-unwritable", format!("an item cannot be written as JSON: {error}"))
            })?;
            open.push(item.clone());
            if bytes.len() >= CHUNK_BYTES || open.len() >= CHUNK_ITEMS {
                self.close(&mut open, &mut bytes);
            }
        }
        self.close(&mut open, &mut bytes);
        Ok(())
    }

    fn close(&mut self, open: &mut Vec<Arc<Item>>, bytes: &mut Vec<u8>) {
        if open.is_empty() {
            return;
        }
        bytes.push(b']');
        let id = ChunkId::of(bytes);
        for (place, item) in (0_u32..).zip(open.drain(..)) {
            self.placed.insert(address(&item), (item, id, place));
        }
        let bytes = std::mem::take(bytes);
        if self.known.insert(id) {
            self.chunks.push((id, bytes));
        }
    }

    fn refer(&self, items: &[Arc<Item>]) -> Chunked {
        let mut list = Chunked { chunks: Vec::new(), runs: Vec::new(), len: items.len() as u64 };
        let mut numbers: HashMap<ChunkId, u32> = HashMap::new();
        for (_, id, place) in items.iter().filter_map(|item| self.placed.get(&address(item))) {
            let chunk = *numbers.entry(*id).or_insert_with(|| {
                list.chunks.push(*id);
                u32::try_from(list.chunks.len() - 1).unwrap_or(u32::MAX)
            });
            match list.runs.last_mut() {
                Some((last, first, len)) if *last == chunk && *first + *len == *place => *len += 1,
                _ => list.runs.push((chunk, *place, 1)),
            }
        }
        list
    }

    /// Remembers where items that were read from the store are.
    pub(crate) fn placed_at(&mut self, id: ChunkId, items: &[Arc<Item>]) {
        self.known.insert(id);
        for (place, item) in (0_u32..).zip(items) {
            self.placed.insert(address(item), (item.clone(), id, place));
        }
    }

    /// Lets go of items that nothing else holds.
    pub(crate) fn trim(&mut self) {
        self.placed.retain(|_, (item, ..)| Arc::strong_count(item) > 1);
    }
}

fn address(item: &Arc<Item>) -> usize {
    Arc::as_ptr(item) as usize
}

/// About how many bytes the item's JSON takes. Never less than the texts in it.
fn estimate(item: &Item) -> usize {
    fn value(json: &Value) -> usize {
        match json {
            Value::Null | Value::Bool(_) => 5,
            Value::Number(_) => 8,
            Value::String(text) => text.len() + 2,
            Value::Array(values) => 2 + values.iter().map(|it| value(it) + 1).sum::<usize>(),
            Value::Object(map) => 2 + map.iter().map(|(name, it)| name.len() + 4 + value(it)).sum::<usize>(),
        }
    }
    value(&item.json) + 10 + item.files.iter().map(|(name, file)| name.len() + file.name.len() + 160).sum::<usize>()
}

/// A port's items for an event.
///
/// # Errors
/// As [`Packer::pack`].
pub(crate) fn emitted(packer: &mut Packer, given: &Given) -> Result<Emitted, Failure> {
    let pairs = match &given.pairs {
        Pairing::Each(of)
            if of.len() == given.items.len() && of.iter().enumerate().all(|(at, from)| at == *from as usize) =>
        {
            Pairing::Same
        }
        other => other.clone(),
    };
    Ok(Emitted { items: packer.pack(&given.items)?, pairs })
}
