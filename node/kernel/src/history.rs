//! What the steps of one job gave: the items themselves while they are in memory, and how they are stored.
//!
//! An item that passes through steps unchanged is one `Arc` in memory and one place in one chunk on disk.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use flowork_ports::component::{Given, Items, Mentions, View};
use flowork_protocol::Failure;
use flowork_protocol::event::{Emitted, Pairing};
use flowork_protocol::id::ChunkId;
use flowork_protocol::item::{Chunked, ITEM_JSON_BYTES_MAX, Item, List, PORT_BYTES_MAX};
use flowork_protocol::plan::{ERROR_PORT, Plan};
use serde_json::Value;

use crate::machine::Key;
use crate::memory::Gauge;
use crate::program::Program;

/// Lists up to this estimated size stay inside their event.
const INLINE_BYTES_MAX: usize = 2 << 10;
/// A chunk is closed when it has this many bytes…
const CHUNK_BYTES: usize = 48 << 10;
/// …or this many items.
const CHUNK_ITEMS: usize = 512;

/// What one run gave.
#[derive(Debug, Clone)]
pub(crate) struct RunData {
    pub(crate) ports: Vec<PortData>,
}

impl RunData {
    /// Of one port.
    pub(crate) fn of(port: PortData) -> Self {
        Self { ports: vec![port] }
    }

    /// Whether some of its items are not in memory.
    pub(crate) fn is_away(&self) -> bool {
        self.ports.iter().any(PortData::is_away)
    }

    /// The bytes in memory that can be let go of, and those of small lists.
    pub(crate) fn bytes(&self) -> (usize, usize) {
        let sum = |small: bool| self.ports.iter().filter(|port| port.is_inline() == small).map(|port| port.bytes).sum();
        (sum(false), sum(true))
    }
}

/// What one port of a run gave.
#[derive(Debug, Clone)]
pub(crate) struct PortData {
    pub(crate) name: String,
    pub(crate) pairs: Pairing,
    pub(crate) origin: Origin,
    /// The number of items.
    len: usize,
    /// The items, when they are in memory.
    items: Option<Items>,
    /// What letting go of them gives back, about.
    bytes: usize,
}

/// Where items can be had from again when they are not in memory.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// From the store.
    List(List),
    /// The input of the run, each item with this error beside it.
    Failed(Box<Failure>),
}

impl PortData {
    /// Items that are in memory, and where else they are or will be with the next commit; `bytes` are those that only this
    /// port holds.
    pub(crate) fn here(name: String, items: Items, list: List, pairs: Pairing, bytes: usize) -> Self {
        Self { name, pairs, origin: Origin::List(list), len: items.len(), items: Some(items), bytes }
    }

    /// Items that are in the store. Small lists are in memory all the same: they are part of their event.
    pub(crate) fn stored(name: String, list: List, pairs: Pairing) -> Self {
        let len = usize::try_from(list.len()).unwrap_or(usize::MAX);
        let items = match &list {
            List::Inline(items) => Some(Arc::new(items.clone())),
            List::Chunked(_) => None,
        };
        let bytes = items.as_ref().map_or(0, |items| weight(items));
        Self { name, pairs, origin: Origin::List(list), len, items, bytes }
    }

    /// What leaves an error port.
    pub(crate) fn failed(error: Failure, len: usize) -> Self {
        let origin = Origin::Failed(Box::new(error));
        Self { name: ERROR_PORT.to_owned(), pairs: Pairing::None, origin, len, items: None, bytes: 0 }
    }

    /// The number of items.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether the items are not in memory.
    pub(crate) fn is_away(&self) -> bool {
        self.items.is_none() && self.len > 0
    }

    fn is_inline(&self) -> bool {
        matches!(self.origin, Origin::List(List::Inline(_)))
    }
}

/// What all runs of one job gave.
pub(crate) struct History {
    pub(crate) program: Arc<Program>,
    runs: RwLock<BTreeMap<Key, Arc<RunData>>>,
    /// What the job itself was given.
    pub(crate) input: Items,
    pub(crate) gauge: Gauge,
}

impl History {
    pub(crate) fn new(program: Arc<Program>, input: Items, gauge: Gauge) -> Self {
        Self { program, runs: RwLock::default(), input, gauge }
    }

    fn plan(&self) -> &Plan {
        self.program.plan()
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Arc<RunData>> {
        self.runs.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn change<T>(&self, with: impl FnOnce(&mut BTreeMap<Key, Arc<RunData>>) -> T) -> T {
        with(&mut self.runs.write().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn put(&self, key: Key, data: RunData) {
        self.gauge.add(&data);
        if let Some(old) = self.change(|runs| runs.insert(key, Arc::new(data))) {
            self.gauge.take(&old);
        }
    }

    /// Puts items into memory that were away.
    pub(crate) fn fill(&self, key: &Key, port: usize, items: Items, bytes: usize) {
        let Some(data) = self.get(key) else { return };
        let mut data = RunData::clone(&data);
        if let Some(port) = data.ports.get_mut(port) {
            (port.items, port.bytes) = (Some(items), bytes);
        }
        self.put(key.clone(), data);
    }

    /// All runs, in order.
    pub(crate) fn all(&self) -> Vec<(Key, Arc<RunData>)> {
        let runs = self.runs.read().unwrap_or_else(PoisonError::into_inner);
        runs.iter().map(|(key, data)| (key.clone(), data.clone())).collect()
    }

    /// Forgets what was given inside the round before `before` of this loop run, the way back excepted. To be called for
    /// every round in turn.
    pub(crate) fn forget_rounds(&self, head: &Key, before: u32) {
        let Some(last) = before.checked_sub(1) else { return };
        let plan = self.plan();
        let depth = head.rounds.len();
        let gone = self.change(|runs| {
            let mut gone = Vec::new();
            for (vertex, it) in plan.vertices.iter().enumerate() {
                let is_head = vertex == head.vertex;
                if !is_head && it.scope.get(depth) != Some(&head.vertex) {
                    continue;
                }
                let from = Key { vertex, ..head.batch(last) };
                let to = Key { vertex, ..head.batch(before) };
                let old: Vec<Key> = runs
                    .range(from..to)
                    .filter(|(key, _)| is_head || !self.is_way_back(key, head))
                    .map(|(key, _)| key.clone())
                    .collect();
                gone.extend(old.iter().filter_map(|key| runs.remove(key)));
            }
            gone
        });
        gone.iter().for_each(|data| self.gauge.take(data));
    }

    /// Whether this is the run of a loop as a whole.
    pub(crate) fn is_loop(&self, key: &Key) -> bool {
        let vertex = &self.plan().vertices[key.vertex];
        vertex.is_loop() && key.rounds.len() == vertex.scope.len()
    }

    /// Forgets everything that was given inside a loop run that has given what it gives.
    pub(crate) fn forget_inside(&self, head: &Key) {
        let plan = self.plan();
        let depth = head.rounds.len();
        let gone = self.change(|runs| {
            let mut gone = Vec::new();
            for (vertex, it) in plan.vertices.iter().enumerate() {
                if vertex != head.vertex && it.scope.get(depth) != Some(&head.vertex) {
                    continue;
                }
                let inside: Vec<Key> = runs
                    .range(Key { vertex, ..head.batch(0) }..)
                    .map(|(key, _)| key)
                    .take_while(|key| key.vertex == vertex && key.rounds.starts_with(&head.rounds))
                    .cloned()
                    .collect();
                gone.extend(inside.iter().filter_map(|key| runs.remove(key)));
            }
            gone
        });
        gone.iter().for_each(|data| self.gauge.take(data));
    }

    /// Whether this run, inside the loop run `head`, gives what the loop is given back.
    fn is_way_back(&self, key: &Key, head: &Key) -> bool {
        key.rounds.len() == head.rounds.len() + 1
            && back_sources(self.plan(), head.vertex).any(|(vertex, _)| vertex == key.vertex)
    }

    /// Lets go of all items that can be had again, but those of the runs in `pinned`.
    pub(crate) fn spill(&self, pinned: &HashSet<&Key>) {
        for (key, data) in self.all() {
            let can_go = |port: &PortData| port.items.is_some() && port.len > 0 && !port.is_inline();
            if pinned.contains(&key) || !data.ports.iter().any(can_go) {
                continue;
            }
            let mut data = RunData::clone(&data);
            data.ports.iter_mut().filter(|port| can_go(port)).for_each(|port| (port.items, port.bytes) = (None, 0));
            self.put(key, data);
        }
    }

    /// Puts small lists, which lie in their events, into chunks as well, so that they can be let go of.
    ///
    /// # Errors
    /// When an item cannot be written.
    pub(crate) fn chunk_small_lists(&self, packer: &mut Packer) -> Result<(), Failure> {
        let is_small = |port: &PortData| port.is_inline() && port.len > 0;
        let small: Vec<_> = self.all().into_iter().filter(|(_, data)| data.ports.iter().any(is_small)).collect();
        for items in small.iter().flat_map(|(_, data)| &data.ports).filter(|port| is_small(port)) {
            items.items.iter().try_for_each(|items| packer.gather(items))?;
        }
        packer.close_gathered();
        for (key, data) in small {
            let mut data = RunData::clone(&data);
            for port in data.ports.iter_mut().filter(|port| is_small(port)) {
                if let Some(items) = &port.items {
                    port.origin = Origin::List(List::Chunked(packer.refer(items)));
                }
            }
            self.put(key, data);
        }
        Ok(())
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

    /// The runs that feed a run.
    pub(crate) fn feeds(&self, key: &Key) -> Vec<Key> {
        let ports = self.plan().vertices[key.vertex].inputs.len();
        (0..ports).flat_map(|port| self.sources(key, port)).map(|(source, _)| source).collect()
    }

    /// The runs whose items must be in memory while `key` runs: what feeds it, and what its body may read beside.
    pub(crate) fn needs(&self, key: &Key) -> Vec<Key> {
        let mut needs = self.feeds(key);
        let plan = self.plan();
        match self.program.bodies[key.vertex].as_ref().map(|it| &it.mentions) {
            None => {}
            Some(Mentions::Any) => needs.extend(self.all().into_iter().map(|(key, _)| key)),
            Some(Mentions::Named(names)) => {
                for vertex in names.iter().filter_map(|name| plan.named(name)) {
                    let seen = key.sees(vertex, plan);
                    // Of a loop around the step it may be the batch that is meant.
                    needs.extend(key.rounds.get(seen.rounds.len()).map(|round| seen.batch(*round)));
                    needs.push(seen);
                }
            }
        }
        needs
    }

    /// The runs that gave what a loop was given back in its first `rounds` rounds, or else what feeds it.
    pub(crate) fn needs_of_end(&self, head: &Key, rounds: u32) -> Vec<Key> {
        if back_sources(self.plan(), head.vertex).next().is_none() {
            return self.feeds(head);
        }
        (0..rounds).flat_map(|round| self.back_sources(head, round)).map(|(key, _)| key).collect()
    }

    /// Where the items come from that a loop was given back in one round.
    pub(crate) fn back_sources(&self, head: &Key, round: u32) -> Vec<(Key, usize)> {
        let batch = head.batch(round);
        back_sources(self.plan(), head.vertex)
            .map(|(vertex, out)| (Key { vertex, rounds: batch.rounds.clone() }, out))
            .collect()
    }

    fn with_port<T>(&self, key: &Key, out: usize, with: impl FnOnce(&PortData) -> T) -> Option<T> {
        let plan = self.plan();
        let is_batch = key.rounds.len() > plan.vertices[key.vertex].scope.len();
        let data = self.get(key)?;
        let name = &plan.vertices[key.vertex].outputs.get(out)?.name;
        let port = if is_batch { data.ports.first() } else { data.ports.iter().find(|port| port.name == *name) };
        port.map(with)
    }

    /// What a port of a run gave. It must be in memory: see [`Self::needs`].
    pub(crate) fn port(&self, key: &Key, out: usize) -> Items {
        let items = self.with_port(key, out, |port| {
            debug_assert!(!port.is_away(), "items of {key:?} are used and not in memory");
            port.items.clone()
        });
        items.flatten().unwrap_or_default()
    }

    /// Everything that a run is given, by input port. All of it must be in memory: see [`Self::needs`].
    pub(crate) fn inputs(&self, key: &Key) -> Vec<(String, Items)> {
        let vertex = &self.plan().vertices[key.vertex];
        let gets_job_input = vertex.wires_in() == 0 && !self.plan().vertices.iter().any(|it| it.is_trigger);
        let mut inputs = Vec::with_capacity(vertex.inputs.len());
        for (number, port) in vertex.inputs.iter().enumerate() {
            let items = if gets_job_input && number == 0 {
                self.input.clone()
            } else {
                join(self.sources(key, number).into_iter().map(|(source, out)| self.port(&source, out)))
            };
            inputs.push((port.name.clone(), items));
        }
        inputs
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
            let len = self.with_port(&source, out, |port| port.len).unwrap_or(0);
            if index < len {
                return Some((source, out, index));
            }
            index -= len;
        }
        None
    }
}

fn back_sources(plan: &Plan, head: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
    plan.vertices[head]
        .inputs
        .iter()
        .filter(|port| port.name == flowork_protocol::plan::LOOP_BACK)
        .flat_map(|port| port.from.iter().copied())
}

/// Lists one after the other; a single one is not copied.
pub(crate) fn join(parts: impl Iterator<Item = Items>) -> Items {
    let mut lists = parts.filter(|items| !items.is_empty());
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
        Some(self.history.port(&key, out))
    }

    fn paired(&self, name: &str, index: usize) -> Option<Arc<Item>> {
        let plan = self.history.plan();
        let wanted = plan.named(name)?;
        let (mut key, mut index) = (self.key.clone(), index);
        // A path through the graph is no longer than the graph.
        for _ in 0..=plan.vertices.len() {
            let (source, out, at) = self.history.source_item(&key, index)?;
            if source.vertex == wanted {
                return self.history.port(&source, out).get(at).cloned();
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
    /// Items of the chunk that [`Self::gather`] fills, and its text.
    open: Vec<Arc<Item>>,
    text: Vec<u8>,
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
        Ok(self.pack_weighed(items)?.0)
    }

    /// [`Self::pack`], and about how many bytes of items that were not packed before are among them.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn pack_weighed(&mut self, items: &[Arc<Item>]) -> Result<(List, usize), Failure> {
        let mut size = 0;
        let mut new = 0;
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
            if !self.placed.contains_key(&address(item)) {
                new += bytes;
            }
        }
        if size > PORT_BYTES_MAX {
            return Err(Failure::new(
                "output-too-large",
                format!("the step gave about {size} bytes of JSON at once; {PORT_BYTES_MAX} are allowed"),
            )
            .hint("work in batches with a `loop`, or keep large data in files"));
        }
        if size <= INLINE_BYTES_MAX {
            return Ok((List::Inline(items.to_vec()), size));
        }
        self.place_new(items)?;
        Ok((List::Chunked(self.refer(items)), new + size_of_val(items)))
    }

    /// Puts items into a chunk that many short lists share. [`Self::close_gathered`] ends it; then [`Self::refer`] knows them.
    ///
    /// # Errors
    /// When an item cannot be written.
    pub(crate) fn gather(&mut self, items: &[Arc<Item>]) -> Result<(), Failure> {
        let (mut open, mut text) = (std::mem::take(&mut self.open), std::mem::take(&mut self.text));
        let added = self.add_new(items, &mut open, &mut text);
        (self.open, self.text) = (open, text);
        added
    }

    /// Closes the chunk that was gathered last.
    pub(crate) fn close_gathered(&mut self) {
        let (mut open, mut text) = (std::mem::take(&mut self.open), std::mem::take(&mut self.text));
        self.close(&mut open, &mut text);
    }

    fn place_new(&mut self, items: &[Arc<Item>]) -> Result<(), Failure> {
        let mut open: Vec<Arc<Item>> = Vec::new();
        let mut bytes: Vec<u8> = Vec::new();
        self.add_new(items, &mut open, &mut bytes)?;
        self.close(&mut open, &mut bytes);
        Ok(())
    }

    fn add_new(&mut self, items: &[Arc<Item>], open: &mut Vec<Arc<Item>>, bytes: &mut Vec<u8>) -> Result<(), Failure> {
        for item in items {
            if self.placed.contains_key(&address(item)) || open.last().is_some_and(|last| Arc::ptr_eq(last, item)) {
                continue;
            }
            bytes.push(if open.is_empty() { b'[' } else { b',' });
            serde_json::to_writer(&mut *bytes, item.as_ref()).map_err(|error| {
                Failure::new("item-unwritable", format!("an item cannot be written as JSON: {error}"))
            })?;
            open.push(item.clone());
            if bytes.len() >= CHUNK_BYTES || open.len() >= CHUNK_ITEMS {
                self.close(open, bytes);
            }
        }
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

    /// The list of items that all were placed.
    pub(crate) fn refer(&self, items: &[Arc<Item>]) -> Chunked {
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

    /// Remembers where items that were read from the store are: in chunk `id`, from `first` on.
    pub(crate) fn placed_at(&mut self, id: ChunkId, first: u32, items: &[Arc<Item>]) {
        self.known.insert(id);
        for (place, item) in (first..).zip(items) {
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

/// About how many bytes the items' JSON takes.
pub(crate) fn weight(items: &[Arc<Item>]) -> usize {
    items.iter().map(|item| estimate(item)).sum()
}

/// A port's items for an event, and what they weigh as [`Packer::pack_weighed`] says it.
///
/// # Errors
/// As [`Packer::pack`].
pub(crate) fn emitted(packer: &mut Packer, given: &Given) -> Result<(Emitted, usize), Failure> {
    let pairs = match &given.pairs {
        Pairing::Each(of)
            if of.len() == given.items.len() && of.iter().enumerate().all(|(at, from)| at == *from as usize) =>
        {
            Pairing::Same
        }
        other => other.clone(),
    };
    let (items, bytes) = packer.pack_weighed(&given.items)?;
    Ok((Emitted { items, pairs }, bytes))
}
