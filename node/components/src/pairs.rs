//! Lists of items that remember which input item each came from.

use std::sync::Arc;

use flowork_ports::component::Output;
use flowork_protocol::Item;
use flowork_protocol::event::Pairing;
use serde_json::Value;

/// Items for one port, each with the index of the input item it came from.
#[derive(Debug, Default)]
pub(crate) struct Paired {
    items: Vec<Arc<Item>>,
    from: Vec<u32>,
}

impl Paired {
    /// Passes an input item on.
    pub(crate) fn pass(&mut self, item: &Arc<Item>, from: usize) {
        self.push(Arc::clone(item), from);
    }

    /// Adds an item made from input item `from`.
    pub(crate) fn push(&mut self, item: Arc<Item>, from: usize) {
        self.items.push(item);
        self.from.push(u32::try_from(from).unwrap_or(u32::MAX));
    }

    /// Adds an item without files made from input item `from`.
    pub(crate) fn push_json(&mut self, json: Value, from: usize) {
        self.push(Arc::new(Item::json(json)), from);
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Puts the items on a port of an output.
    pub(crate) fn on(self, output: Output, port: &str) -> Output {
        let same = self.from.iter().enumerate().all(|(at, from)| *from as usize == at);
        output.and(port, self.items, if same { Pairing::Same } else { Pairing::Each(self.from) })
    }

    /// The items on port `out` alone.
    pub(crate) fn out(self) -> Output {
        self.on(Output::default(), "out")
    }
}
