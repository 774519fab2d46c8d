//! Invitations that somebody pasted.
#![no_main]

use flowork_protocol::Timestamp;
use flowork_protocol::invitation::{Invitation, SCHEME};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let now = Timestamp(1_800_000_000_000);
    if let Ok(invitation) = Invitation::read(text, now) {
        assert_eq!(Invitation::read(&invitation.to_text(), now).expect("it reads"), invitation);
    }
    let _ = Invitation::read(&format!("{SCHEME}{text}"), now);
});
