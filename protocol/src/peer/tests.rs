use proptest::prelude::*;

use super::call::{Accept, CallId, Data, End, Frame, GrantRef, Open, Progress};
use super::files::Answer;
use super::pair::{Introduction, Join, Known, Pair};
use super::tell::{AccessRequest, Countersigned, PassedOn, Tell};
use super::*;
use crate::grant::Capability;
use crate::id::GrantId;
use crate::invitation::Secret;
use crate::signed::Signed;

fn signed() -> Signed {
    let certificate = crate::certificate::Certificate {
        v: 1,
        person: crate::PersonId([1; 32]),
        person_name: "Ana".to_owned(),
        node: crate::NodeId([2; 32]),
        node_name: "desk".to_owned(),
        at: 1,
        exp: 2,
        is_revocation: false,
    };
    Signed::with_seed(&certificate, &[9; 32]).unwrap()
}

fn frames() -> Vec<Frame> {
    let refusal = Refusal::new("busy", "as many calls as it takes").retry_after_ms(250);
    vec![
        Frame::Open(Box::new(Open {
            call: CallId([1; 16]),
            grant: GrantRef::Chain(vec![0x80]),
            engine: "gpu".to_owned(),
            capability: Capability::run("summarise"),
            deadline_ms: 30_000,
            resume_from: 3,
            certificates: vec![signed()],
            request_bytes: 9,
            request_hash: [7; 32],
            request: Some(vec![5; 9]),
        })),
        Frame::Open(Box::new(Open {
            call: CallId([1; 16]),
            grant: GrantRef::Known(GrantId([4; 32])),
            engine: "gpu".to_owned(),
            capability: Capability("chat".to_owned()),
            deadline_ms: 0,
            resume_from: 0,
            certificates: Vec::new(),
            request_bytes: 0,
            request_hash: [0; 32],
            request: None,
        })),
        Frame::Accept(Accept { has_request: true, credit: 1 << 20 }),
        Frame::Reject(refusal.clone()),
        Frame::Data(Data { seq: 5, bytes: vec![1, 2, 3], is_last: true }),
        Frame::Progress(Progress { kind: "step".to_owned(), text: "summarise: 12 in".to_owned() }),
        Frame::Credit(4096),
        Frame::Ping(1),
        Frame::Pong(1),
        Frame::Cancel("the step timed out".to_owned()),
        Frame::End(Box::new(End { failure: Some(refusal), receipt: signed() })),
    ]
}

fn pairs() -> Vec<Pair> {
    let introduction = Introduction {
        name: "Ana's desk".to_owned(),
        certificates: vec![signed()],
        addresses: vec!["/ip4/10.0.0.1/tcp/1".to_owned()],
    };
    vec![
        Pair::Join(Join { secret: Secret([3; 16]), introduction: introduction.clone() }),
        Pair::Welcome(introduction.clone()),
        Pair::Refused(Refusal::new("invitation-used", "it was used already")),
        Pair::Known(Known { introduction: introduction.clone(), chain: None, succession: Some(signed()) }),
        Pair::Known(Known { introduction, chain: Some(vec![0x80]), succession: None }),
    ]
}

fn tells() -> Vec<Tell> {
    vec![
        Tell::Grant(vec![0x80]),
        Tell::Revoked(GrantId([4; 32])),
        Tell::Removed,
        Tell::Heard,
        Tell::Refused(Refusal::new("not-paired", "the two nodes are not paired")),
        Tell::Countersigned(vec![Countersigned { call: CallId([1; 16]), signature: [8; 64] }]),
        Tell::PassedOn(PassedOn {
            chain: vec![0x80],
            owner_name: "Ben".to_owned(),
            owner_addresses: vec!["/ip4/10.0.0.1/tcp/1".to_owned()],
        }),
        Tell::Certificates(vec![signed()]),
        Tell::Request(AccessRequest {
            engine: Some("gpu".to_owned()),
            can: vec![Capability("chat".to_owned())],
            note: "for my thesis".to_owned(),
        }),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn messages_read_back_however_their_bytes_arrive() {
    let bytes: Vec<u8> = frames().iter().flat_map(|frame| encode(frame).unwrap()).collect();
    let (mut buffer, mut read) = (Vec::new(), Vec::new());
    for piece in bytes.chunks(61) {
        buffer.extend_from_slice(piece);
        while let Some((frame, took)) = decode::<Frame>(&buffer).unwrap() {
            buffer.drain(..took);
            read.push(frame);
        }
    }
    assert_eq!(read, frames());
    for pair in pairs() {
        assert_eq!(decode::<Pair>(&encode(&pair).unwrap()).unwrap().unwrap().0, pair);
    }
    for answer in answers() {
        assert_eq!(decode::<Answer>(&encode(&answer).unwrap()).unwrap().unwrap().0, answer);
    }
    for tell in tells() {
        assert_eq!(decode::<Tell>(&encode(&tell).unwrap()).unwrap().unwrap().0, tell);
    }
}

fn answers() -> Vec<Answer> {
    vec![Answer::Here, Answer::No(Refusal::new("file-not-shared", "no call has this file now"))]
}

#[test]
fn the_bytes_of_version_1_stay_as_they_are() {
    let lines: Vec<String> = frames()
        .iter()
        .map(|frame| hex(&encode(frame).unwrap()))
        .chain(pairs().iter().map(|pair| hex(&encode(pair).unwrap())))
        .chain(tells().iter().map(|tell| hex(&encode(tell).unwrap())))
        .chain(answers().iter().map(|answer| hex(&encode(answer).unwrap())))
        .collect();
    assert_eq!(lines.join("\n"), include_str!("golden-v1.hex").trim());
}

#[test]
fn an_oversized_length_is_refused_from_its_four_bytes_alone() {
    for length in [0, FRAME_BYTES_MAX as u32 + 1, u32::MAX] {
        let refused = decode::<Frame>(&length.to_be_bytes());
        assert_eq!(refused, Err(Error::Length { bytes: length as usize, limit: FRAME_BYTES_MAX }));
    }
    assert_eq!(decode::<Frame>(&(FRAME_BYTES_MAX as u32).to_be_bytes()), Ok(None));
    // Whoever is not paired gets less room.
    assert!(decode::<Pair>(&(Pair::BYTES_MAX as u32 + 1).to_be_bytes()).is_err());
}

#[test]
fn a_byte_string_that_claims_to_be_huge_is_refused_without_being_allocated() {
    // Data { seq: 0, bytes: <2^63 bytes>, … } in a frame of its true length.
    let mut body = vec![0x82, 0x04, 0x81, 0xa3, 0x00, 0x00, 0x01, 0x5b];
    body.extend_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    let mut bytes = (body.len() as u32).to_be_bytes().to_vec();
    bytes.extend_from_slice(&body);
    assert!(matches!(decode::<Frame>(&bytes), Err(Error::Form(_))));
    // A list that claims 2^32 certificates.
    let mut body = vec![0x82, 0x01, 0x81, 0xa3, 0x00, 0x61, b'A', 0x01, 0x9b];
    body.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 0]);
    let mut bytes = (body.len() as u32).to_be_bytes().to_vec();
    bytes.extend_from_slice(&body);
    assert!(matches!(decode::<Pair>(&bytes), Err(Error::Form(_))));
}

#[test]
fn bytes_behind_a_message_inside_its_length_are_refused() {
    let mut bytes = encode(&Frame::Ping(1)).unwrap();
    bytes.push(0);
    let length = (bytes.len() - 4) as u32;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    assert!(matches!(decode::<Frame>(&bytes), Err(Error::Form(_))));
}

#[test]
fn what_is_too_long_is_not_sent() {
    let long = Pair::Refused(Refusal::new("x", "y".repeat(Pair::BYTES_MAX)));
    assert!(matches!(encode(&long), Err(Error::Length { .. })));
}

proptest! {
    #[test]
    fn garbage_never_panics_and_never_reads_past_its_end(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        for framed in [bytes.clone(), [(bytes.len() as u32).to_be_bytes().to_vec(), bytes].concat()] {
            if let Ok(Some((_, took))) = decode::<Frame>(&framed) {
                prop_assert!(took <= framed.len());
            }
            if let Ok(Some((_, took))) = decode::<Pair>(&framed) {
                prop_assert!(took <= framed.len());
            }
            if let Ok(Some((_, took))) = decode::<Tell>(&framed) {
                prop_assert!(took <= framed.len());
            }
        }
    }

    /// Messages with one byte changed: what still reads is a message, and writes itself.
    #[test]
    fn a_changed_byte_never_panics(which in 0_usize..11, at in 0_usize..400, to: u8) {
        let mut bytes = encode(&frames()[which]).unwrap();
        let at = at % bytes.len();
        bytes[at] = to;
        if let Ok(Some((frame, _))) = decode::<Frame>(&bytes) {
            prop_assert!(encode(&frame).is_ok());
        }
    }
}
