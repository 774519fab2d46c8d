//! Chains of grants: what reads has one spelling.
#![no_main]

use flowork_protocol::grant::Chain;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(chain) = Chain::from_bytes(bytes) {
        assert_eq!(Chain::from_bytes(&chain.to_bytes()).expect("it reads").to_bytes(), chain.to_bytes());
    }
});
