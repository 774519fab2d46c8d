//! Frames on the links between the processes of one node.
#![no_main]

use flowork_protocol::wire;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Some((frame, took))) = wire::decode(bytes) {
        assert!(took <= bytes.len());
        let written = wire::encode(&frame).expect("what was short enough to read is short enough to write");
        assert_eq!(wire::decode(&written).expect("it reads").expect("it is whole").0, frame);
    }
});
