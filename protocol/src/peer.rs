//! What nodes say to each other: messages of [`pair`], [`tell`] and [`call`] in frames.
//!
//! A frame is a length (u32, big-endian), then one message in CBOR (RFC 8949) with integer keys. The version of a protocol is
//! part of its name, which both ends agree on before the first frame.
//!
//! Non-goals: streams, waiting, who may. Messages are written over anything that carries bytes in order.
//!
//! Invariant: nothing is allocated for a frame before its length has been checked.

use minicbor::{Decode, Encode};

use crate::signed;

pub mod call;
pub mod files;
pub mod pair;
pub mod tell;

/// The longest frame of any protocol, in bytes after the length.
pub const FRAME_BYTES_MAX: usize = 1 << 20;
const LENGTH_BYTES: usize = 4;

/// A protocol between nodes.
pub trait Message: Encode<()> + for<'b> Decode<'b, ()> {
    /// The longest frame that it needs, at most [`FRAME_BYTES_MAX`].
    const BYTES_MAX: usize;
}

/// Why bytes are not frames. The stream ends with it: after a wrong length nothing behind it can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A length beyond the limit, or none at all.
    #[error("a frame says that it is {bytes} bytes long; 1 to {limit} are allowed")]
    Length {
        /// What it says.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// The bytes are no message.
    #[error("a message does not read: {0}")]
    Form(String),
}

/// The message as it travels, length first.
///
/// # Errors
/// [`Error::Length`] when it is longer than the protocol allows.
pub fn encode<M: Message>(message: &M) -> Result<Vec<u8>, Error> {
    let body = signed::encode(message);
    if body.len() > M::BYTES_MAX {
        return Err(Error::Length { bytes: body.len(), limit: M::BYTES_MAX });
    }
    let mut bytes = Vec::with_capacity(LENGTH_BYTES + body.len());
    bytes.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// Looks for a whole frame at the start of `bytes`. Gives its message with the number of bytes it took, or none when more
/// must come; then `bytes` never needs to grow beyond `M::BYTES_MAX + 4`.
///
/// # Errors
/// When what is there can never become a frame.
pub fn decode<M: Message>(bytes: &[u8]) -> Result<Option<(M, usize)>, Error> {
    let Some((said, rest)) = bytes.split_first_chunk::<LENGTH_BYTES>() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes(*said) as usize;
    if length == 0 || length > M::BYTES_MAX {
        return Err(Error::Length { bytes: length, limit: M::BYTES_MAX });
    }
    let Some(body) = rest.get(..length) else {
        return Ok(None);
    };
    let mut decoder = minicbor::Decoder::new(body);
    let message = decoder.decode().map_err(|error| Error::Form(error.to_string()))?;
    if decoder.position() != length {
        return Err(Error::Form(format!("{} bytes follow its end", length - decoder.position())));
    }
    Ok(Some((message, LENGTH_BYTES + length)))
}

/// Why the other end does not do it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Refusal {
    /// A stable kebab-case word for programs.
    #[n(0)]
    pub code: String,
    /// A sentence for people. It comes from the other end: shown as its words, never as ours.
    #[n(1)]
    pub message: String,
    /// When it may be tried again, in milliseconds from now; none when that does not help.
    #[n(2)]
    pub retry_after_ms: Option<u64>,
}

impl Refusal {
    /// A refusal that trying again will not change.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), retry_after_ms: None }
    }

    /// Says when it may be tried again.
    #[must_use]
    pub fn retry_after_ms(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }
}

#[cfg(test)]
mod tests;
