//! Frames that other nodes send: what reads writes itself and reads as the same.
#![no_main]

use flowork_protocol::peer::call::Frame;
use flowork_protocol::peer::files::Answer;
use flowork_protocol::peer::pair::Pair;
use flowork_protocol::peer::tell::Tell;
use flowork_protocol::peer::{self, Message};
use libfuzzer_sys::fuzz_target;

fn check<M: Message + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    if let Ok(Some((message, took))) = peer::decode::<M>(bytes) {
        assert!(took <= bytes.len());
        let written = peer::encode(&message).expect("what was short enough to read is short enough to write");
        let (again, _) = peer::decode::<M>(&written).expect("it reads").expect("it is whole");
        assert_eq!(again, message);
    }
}

fuzz_target!(|bytes: &[u8]| {
    check::<Frame>(bytes);
    check::<Answer>(bytes);
    check::<Pair>(bytes);
    check::<Tell>(bytes);
    // The fuzzer need not find the length by itself.
    let framed = [&u32::try_from(bytes.len()).unwrap_or(0).to_be_bytes()[..], bytes].concat();
    check::<Frame>(&framed);
    check::<Answer>(&framed);
    check::<Pair>(&framed);
    check::<Tell>(&framed);
});
