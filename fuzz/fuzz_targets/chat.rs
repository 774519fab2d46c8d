//! Questions to a model, what models said, and exported receipts: what reads writes itself and reads as the same.
#![no_main]

use flowork_protocol::chat::{Answer, Chat, Piece};
use flowork_protocol::receipt::Exported;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(chat) = Chat::read(bytes) {
        let _ = chat.tokens_in_max();
        let written = serde_json::to_vec(&chat).expect("what was read can be written");
        assert_eq!(Chat::read(&written).expect("it reads"), chat);
    }
    let _ = Answer::of_output(bytes);
    if let Ok(piece) = Piece::of_line(bytes) {
        let line = piece.line();
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1, "a piece is one line");
        assert_eq!(Piece::of_line(&line).expect("it reads"), piece);
    }
    if let Ok(exported) = serde_json::from_slice::<Exported>(bytes) {
        let _ = exported.verify();
    }
});
