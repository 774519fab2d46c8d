//! Frames on a link between two roles of one node: a length (u32, big-endian), then one [`Frame`] in CBOR (RFC 8949).
//!
//! A link joins a role to the supervisor, which forwards calls between roles. The pipe authenticates the role; what a role
//! may ask of whom is the table in [`Verb::allowed`], and both the supervisor and the receiver look it up.
//!
//! Non-goals: sockets, waiting, what the bodies mean. Bodies are bytes here.
//!
//! Invariant: nothing is allocated for a frame before its length has been checked.

use serde::{Deserialize, Serialize};

/// The version of this form. Both ends of a link are the same program, so another version is an error.
pub const VERSION: u32 = 1;
/// The longest frame, in bytes after the length.
pub const FRAME_BYTES_MAX: usize = 1 << 20;
/// The most body bytes in one frame; longer bodies travel in several.
pub const PART_BYTES_MAX: usize = 256 << 10;
/// The longest body of a call or a reply, over all its parts.
pub const BODY_BYTES_MAX: usize = 64 << 20;

const LENGTH_BYTES: usize = 4;

/// Who is at an end of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// Starts the others and forwards their calls.
    Supervisor,
    /// Speaks HTTP.
    Gateway,
    /// Runs jobs.
    Kernel,
    /// Keeps drafts.
    Docs,
    /// Keeps the node key.
    Mesh,
}

impl Party {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Supervisor => "supervisor",
            Self::Gateway => "gateway",
            Self::Kernel => "kernel",
            Self::Docs => "docs",
            Self::Mesh => "mesh",
        }
    }
}

impl std::fmt::Display for Party {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// What may be asked or told over a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Here is what you need; begin.
    Start,
    /// I do my work now.
    Ready,
    /// These are the files that give me trouble now.
    Troubles,
    /// End in good order.
    Stop,
    /// Something was committed: a hint.
    Ring,
    /// Whole jobs were forgotten: a hint for who removes what only they named.
    Forgotten,
    /// How the roles are now.
    Roles,
    /// This role is gone: what was asked of it will not be answered.
    Down,
    /// A call of the documents' own interface.
    Documents,
    /// About a visitor's connection to the documents.
    Visit,
    /// What is the node's id?
    NodeId,
    /// Sign these bytes under a domain string.
    Sign,
    /// A question about other nodes.
    Mesh,
    /// About a step's call of an engine.
    Engine,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 14] = [
        Self::Start,
        Self::Ready,
        Self::Troubles,
        Self::Stop,
        Self::Ring,
        Self::Forgotten,
        Self::Roles,
        Self::Down,
        Self::Documents,
        Self::Visit,
        Self::NodeId,
        Self::Sign,
        Self::Mesh,
        Self::Engine,
    ];

    /// Whether `from` may say this to `to`.
    #[must_use]
    pub fn allowed(self, from: Party, to: Party) -> bool {
        use Party::{Docs, Gateway, Kernel, Mesh, Supervisor};
        match self {
            Self::Start | Self::Stop | Self::Down => from == Supervisor && to != Supervisor,
            Self::Ready | Self::Troubles => from != Supervisor && to == Supervisor,
            Self::Roles => from == Supervisor && to == Gateway,
            // Rings go to the supervisor, which knows who listens, and from it to the listeners.
            Self::Ring => match from {
                Supervisor => matches!(to, Gateway | Kernel | Mesh),
                Gateway | Kernel | Docs | Mesh => to == Supervisor,
            },
            Self::Forgotten => matches!((from, to), (Kernel, Supervisor) | (Supervisor, Docs)),
            Self::Documents => from == Gateway && to == Docs,
            Self::Visit => matches!((from, to), (Gateway, Docs) | (Docs, Gateway)),
            Self::NodeId => matches!(from, Gateway | Kernel | Supervisor) && to == Mesh,
            // Receipts and the audit head are signed on the kernel's and the supervisor's word; whoever speaks HTTP may not ask.
            Self::Sign => matches!(from, Kernel | Supervisor) && to == Mesh,
            Self::Mesh => from == Gateway && to == Mesh,
            Self::Engine => matches!((from, to), (Kernel | Gateway, Mesh) | (Mesh, Kernel | Gateway)),
        }
    }
}

/// Why a call was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The receiver is not running now.
    #[error("the {0} role is not running right now; the node restarts it, try again")]
    Away(Party),
    /// The caller may not say that to the receiver.
    #[error("the {from} role may not ask {verb:?} of the {to} role")]
    NotAllowed {
        /// Who asked.
        from: Party,
        /// Whom.
        to: Party,
        /// What.
        verb: Verb,
    },
    /// The receiver has as many calls as it takes.
    #[error("the {0} role has as many calls as it takes; try again in a moment")]
    Busy(Party),
    /// The body is longer than a body may be.
    #[error("a body is longer than {BODY_BYTES_MAX} bytes")]
    TooLong,
    /// The receiver cannot read the body.
    #[error("the {0} role cannot read what it was sent")]
    Unreadable(Party),
}

/// One message on a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame {
    /// A part of a question. `peer` is the receiver on the way to the supervisor, the sender on the way from it.
    Call {
        /// Chosen by the caller, not used again by it.
        id: u64,
        /// The other end.
        peer: Party,
        /// What is asked.
        verb: Verb,
        /// Whether more parts follow.
        more: bool,
        /// A part of the body, at most [`PART_BYTES_MAX`].
        #[serde(with = "byte_string")]
        part: Vec<u8>,
    },
    /// A part of an answer.
    Reply {
        /// The call's.
        id: u64,
        /// The other end.
        peer: Party,
        /// Whether more parts follow.
        more: bool,
        /// A part of the body, at most [`PART_BYTES_MAX`].
        #[serde(with = "byte_string")]
        part: Vec<u8>,
    },
    /// There will be no answer.
    Refused {
        /// The call's.
        id: u64,
        /// The other end.
        peer: Party,
        /// Why.
        why: Refusal,
    },
    /// Nobody waits for this one.
    Notice {
        /// What is told.
        verb: Verb,
        /// The body, at most [`PART_BYTES_MAX`].
        #[serde(with = "byte_string")]
        body: Vec<u8>,
    },
}

/// Why bytes are not frames. The link ends with it: after a wrong length nothing behind it can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A length beyond the limit, or none at all.
    #[error("a frame says that it is {0} bytes long; 1 to {FRAME_BYTES_MAX} are allowed")]
    Length(usize),
    /// A part beyond the limit.
    #[error("a part is {0} bytes long; at most {PART_BYTES_MAX} are allowed")]
    Part(usize),
    /// The bytes are no frame.
    #[error("a frame does not read: {0}")]
    Form(String),
}

/// The frame as it goes over a link, length first.
///
/// # Errors
/// [`Error::Part`] when its body is longer than one frame takes.
pub fn encode(frame: &Frame) -> Result<Vec<u8>, Error> {
    let part = match frame {
        Frame::Call { part, .. } | Frame::Reply { part, .. } | Frame::Notice { body: part, .. } => part.len(),
        Frame::Refused { .. } => 0,
    };
    if part > PART_BYTES_MAX {
        return Err(Error::Part(part));
    }
    let mut bytes = Vec::with_capacity(part + 64);
    bytes.extend_from_slice(&[0; LENGTH_BYTES]);
    ciborium::into_writer(frame, &mut bytes).map_err(|error| Error::Form(error.to_string()))?;
    let length = bytes.len() - LENGTH_BYTES;
    match u32::try_from(length) {
        Ok(said) if length <= FRAME_BYTES_MAX => bytes[..LENGTH_BYTES].copy_from_slice(&said.to_be_bytes()),
        _ => return Err(Error::Length(length)),
    }
    Ok(bytes)
}

/// Looks for a whole frame at the start of `bytes`. Gives it with the number of bytes it took, or none when more must come;
/// then `bytes` never needs to grow beyond `FRAME_BYTES_MAX + 4`.
///
/// # Errors
/// When what is there can never become a frame.
pub fn decode(bytes: &[u8]) -> Result<Option<(Frame, usize)>, Error> {
    let Some((said, rest)) = bytes.split_first_chunk::<LENGTH_BYTES>() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes(*said) as usize;
    if length == 0 || length > FRAME_BYTES_MAX {
        return Err(Error::Length(length));
    }
    let Some(mut body) = rest.get(..length) else {
        return Ok(None);
    };
    let frame: Frame = from_cbor(&mut body)?;
    if !body.is_empty() {
        return Err(Error::Form(format!("{} bytes follow its end", body.len())));
    }
    let part = match &frame {
        Frame::Call { part, .. } | Frame::Reply { part, .. } | Frame::Notice { body: part, .. } => part.len(),
        Frame::Refused { .. } => 0,
    };
    if part > PART_BYTES_MAX {
        return Err(Error::Part(part));
    }
    Ok(Some((frame, LENGTH_BYTES + length)))
}

/// The body of a call, reply or notice.
///
/// # Errors
/// When `value` has a form that CBOR has not.
pub fn to_body<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).map_err(|error| Error::Form(error.to_string()))?;
    Ok(bytes)
}

/// Reads what [`to_body`] wrote.
///
/// # Errors
/// When the bytes are something else.
pub fn from_body<T: for<'de> Deserialize<'de>>(mut bytes: &[u8]) -> Result<T, Error> {
    from_cbor(&mut bytes)
}

/// How deep a body may nest: presets hold JSON, which serde_json reads 128 deep.
const DEPTH_MAX: usize = 512;

fn from_cbor<T: for<'de> Deserialize<'de>>(bytes: &mut &[u8]) -> Result<T, Error> {
    ciborium::de::from_reader_with_recursion_limit(bytes, DEPTH_MAX).map_err(|error| Error::Form(error.to_string()))
}

/// For `#[serde(with = …)]`: a CBOR byte string, which serde would write as a list of numbers.
pub mod byte_string {
    use std::fmt;

    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    /// Writes bytes as one byte string.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    /// Reads one byte string.
    ///
    /// # Errors
    /// When something else is there.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a byte string")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(body: Vec<u8>) -> Frame {
        Frame::Notice { verb: Verb::Ring, body }
    }

    #[test]
    fn a_frame_reads_back_however_its_bytes_arrive() {
        let frames = [
            Frame::Call { id: 7, peer: Party::Docs, verb: Verb::Documents, more: true, part: vec![0xa5; 70_000] },
            Frame::Reply { id: u64::MAX, peer: Party::Gateway, more: false, part: Vec::new() },
            Frame::Refused { id: 1, peer: Party::Docs, why: Refusal::Away(Party::Docs) },
            notice(vec![1, 2, 3]),
        ];
        let bytes: Vec<u8> = frames.iter().flat_map(|frame| encode(frame).unwrap()).collect();
        let (mut buffer, mut read) = (Vec::new(), Vec::new());
        for piece in bytes.chunks(613) {
            buffer.extend_from_slice(piece);
            while let Some((frame, took)) = decode(&buffer).unwrap() {
                buffer.drain(..took);
                read.push(frame);
            }
        }
        assert_eq!(read, frames);
        assert!(buffer.is_empty());
    }

    #[test]
    fn an_oversized_length_is_refused_from_its_four_bytes_alone() {
        for length in [0, FRAME_BYTES_MAX as u32 + 1, u32::MAX] {
            assert!(matches!(decode(&length.to_be_bytes()), Err(Error::Length(said)) if said == length as usize));
        }
        assert!(matches!(decode(&(FRAME_BYTES_MAX as u32).to_be_bytes()), Ok(None)));
    }

    #[test]
    fn a_byte_string_that_claims_to_be_huge_is_refused_without_being_allocated() {
        // { "notice": { "verb": "ring", "body": <2^63 bytes> } } in a frame of its true length.
        let mut body = vec![0xa1, 0x66];
        body.extend_from_slice(b"notice");
        body.extend_from_slice(&[0xa2, 0x64]);
        body.extend_from_slice(b"verb");
        body.push(0x64);
        body.extend_from_slice(b"ring");
        body.push(0x64);
        body.extend_from_slice(b"body");
        body.extend_from_slice(&[0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        let mut bytes = (body.len() as u32).to_be_bytes().to_vec();
        bytes.extend_from_slice(&body);
        assert!(matches!(decode(&bytes), Err(Error::Form(_))));
    }

    #[test]
    fn a_part_beyond_the_limit_is_neither_written_nor_read() {
        let long = notice(vec![0; PART_BYTES_MAX + 1]);
        assert!(matches!(encode(&long), Err(Error::Part(_))));
        let mut bytes = vec![0; 4];
        ciborium::into_writer(&long, &mut bytes).unwrap();
        let length = (bytes.len() - 4) as u32;
        bytes[..4].copy_from_slice(&length.to_be_bytes());
        assert!(matches!(decode(&bytes), Err(Error::Part(_))));
    }

    #[test]
    fn bytes_behind_a_frame_inside_its_length_are_refused() {
        let mut bytes = encode(&notice(Vec::new())).unwrap();
        bytes.push(0);
        let length = (bytes.len() - 4) as u32;
        bytes[..4].copy_from_slice(&length.to_be_bytes());
        assert!(matches!(decode(&bytes), Err(Error::Form(_))));
    }

    #[test]
    fn only_the_gateway_reaches_documents_and_nobody_who_speaks_http_has_anything_signed() {
        assert!(Verb::Documents.allowed(Party::Gateway, Party::Docs));
        assert!(!Verb::Documents.allowed(Party::Kernel, Party::Docs));
        assert!(!Verb::Sign.allowed(Party::Gateway, Party::Mesh));
        for verb in Verb::ALL {
            assert!(!verb.allowed(Party::Mesh, Party::Docs), "{verb:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn garbage_never_panics_and_never_reads_past_its_end(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600)) {
            if let Ok(Some((_, took))) = decode(&bytes) {
                proptest::prop_assert!(took <= bytes.len());
            }
            let mut framed = (bytes.len() as u32).to_be_bytes().to_vec();
            framed.extend_from_slice(&bytes);
            if let Ok(Some((frame, took))) = decode(&framed) {
                proptest::prop_assert_eq!(took, framed.len());
                proptest::prop_assert_eq!(decode(&encode(&frame).unwrap()).unwrap().unwrap().0, frame);
            }
        }

        #[test]
        fn a_flipped_byte_gives_an_error_or_a_frame_but_never_a_panic(at in 4_usize..60, flip in 1_u8..=255) {
            let frame = Frame::Call { id: 9, peer: Party::Mesh, verb: Verb::Sign, more: false, part: vec![7; 40] };
            let mut bytes = encode(&frame).unwrap();
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= flip;
            }
            let _ = decode(&bytes);
        }
    }
}
