//! Signed statements of others: receipts, certificates, grants, presences. Nothing that was made up holds.
#![no_main]

use flowork_protocol::certificate::Certificate;
use flowork_protocol::grant::Grant;
use flowork_protocol::presence::{self, Presence};
use flowork_protocol::receipt::Receipt;
use flowork_protocol::signed::Signed;
use flowork_protocol::{NodeId, Timestamp, certificate};
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fuzz_target!(|bytes: &[u8]| {
    let _ = Presence::read(bytes, &presence::key(NodeId([1; 32])), NOW);
    if let Ok(signed) = minicbor::decode::<Signed>(bytes) {
        let _ = signed.peek::<Receipt>();
        let _ = signed.peek::<Grant>();
        let _ = signed.peek::<Certificate>();
        let _ = certificate::check(&signed, NodeId([1; 32]), NOW);
    }
});
