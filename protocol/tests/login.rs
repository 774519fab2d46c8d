//! The golden form of what a browser signs: shipped browsers make these bytes, so they never change under this domain.
#![allow(clippy::unwrap_used, missing_docs)]

use ed25519_dalek::{Signer as _, SigningKey};
use flowork_protocol::NodeId;
use flowork_protocol::login::{self, PublicKey};

const GOLDEN: &str = include_str!("golden/login_session_v1.json");

#[test]
fn the_signed_message_is_as_it_was_shipped() {
    let golden: serde_json::Value = serde_json::from_str(GOLDEN).unwrap();
    let text = |name: &str| golden[name].as_str().unwrap().to_owned();
    let key = SigningKey::from_bytes(&login::decode(&text("seed")).unwrap());
    let public_key = PublicKey::new(key.verifying_key().to_bytes()).unwrap();
    assert_eq!(public_key.to_string(), text("public_key"));
    assert_eq!(NodeId([7; 32]).to_string(), text("node"));
    let message = login::session_message(NodeId([7; 32]), public_key, &text("nonce"));
    assert_eq!(String::from_utf8(message.clone()).unwrap(), text("message"));
    assert_eq!(login::encode(&key.sign(&message).to_bytes()), text("signature"));
    assert!(public_key.verifies(&message, &login::decode(&text("signature")).unwrap()));
}
