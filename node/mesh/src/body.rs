//! Requests and outputs in pieces. Pure.

use bytes::Bytes;
use flowork_protocol::peer::call::{BODY_BYTES_MAX, DATA_BYTES_MAX, Data};

/// A body on its way out, as fast as the other end gives credit.
pub(crate) struct Outgoing {
    bytes: Bytes,
    at: usize,
    seq: u64,
    credit: u64,
    is_done: bool,
}

impl Outgoing {
    /// All of `bytes`, from piece `from` on.
    pub(crate) fn new(bytes: Bytes, from: u64, credit: u64) -> Self {
        let at = usize::try_from(from).unwrap_or(usize::MAX).saturating_mul(DATA_BYTES_MAX).min(bytes.len());
        let pieces = pieces(bytes.len());
        Self { bytes, at, seq: from.min(pieces), credit, is_done: from >= pieces }
    }

    /// Only the end of a body whose pieces before `seq` were sent.
    pub(crate) fn end(seq: u64) -> Self {
        Self { bytes: Bytes::new(), at: 0, seq, credit: 0, is_done: false }
    }

    pub(crate) fn credit(&mut self, bytes: u64) {
        self.credit = self.credit.saturating_add(bytes);
    }

    /// The next piece, when there is credit for it.
    pub(crate) fn next(&mut self) -> Option<Data> {
        if self.is_done {
            return None;
        }
        let end = self.bytes.len().min(self.at + DATA_BYTES_MAX);
        let length = (end - self.at) as u64;
        if length > self.credit {
            return None;
        }
        let is_last = end == self.bytes.len();
        let data = Data { seq: self.seq, bytes: self.bytes[self.at..end].to_vec(), is_last };
        (self.at, self.seq, self.credit, self.is_done) = (end, self.seq + 1, self.credit - length, is_last);
        Some(data)
    }

    pub(crate) fn is_done(&self) -> bool {
        self.is_done
    }
}

/// How many pieces a body has: an empty one is one empty piece.
fn pieces(bytes: usize) -> u64 {
    bytes.div_ceil(DATA_BYTES_MAX).max(1) as u64
}

/// Why a body is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    #[error("a piece is missing: {expected} was expected, {came} came")]
    Gap { expected: u64, came: u64 },
    #[error("more came than the {0} bytes that were said")]
    TooLong(usize),
    #[error("a piece is longer than {DATA_BYTES_MAX} bytes")]
    Piece,
    #[error("something came after the end")]
    AfterEnd,
}

/// A body on its way in.
pub(crate) struct Incoming {
    bytes: Vec<u8>,
    limit: usize,
    is_done: bool,
    next: u64,
}

impl Incoming {
    /// A body of at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit: limit.min(BODY_BYTES_MAX), is_done: false, next: 0 }
    }

    /// The first piece that is not here yet.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Takes a piece; gives the credit to send for it: it is in memory and within its limit, so there is room for as much again.
    pub(crate) fn take(&mut self, data: Data) -> Result<u64, Error> {
        if self.is_done {
            return Err(Error::AfterEnd);
        }
        if data.seq != self.next {
            return Err(Error::Gap { expected: self.next, came: data.seq });
        }
        if data.bytes.len() > DATA_BYTES_MAX {
            return Err(Error::Piece);
        }
        let length = data.bytes.len() as u64;
        if self.bytes.len() + data.bytes.len() > self.limit {
            return Err(Error::TooLong(self.limit));
        }
        self.bytes.extend_from_slice(&data.bytes);
        self.next += 1;
        self.is_done = data.is_last;
        Ok(length)
    }

    pub(crate) fn is_done(&self) -> bool {
        self.is_done
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes.into()
    }
}

#[cfg(test)]
mod tests {
    use flowork_protocol::peer::call::CREDIT_BYTES;

    use super::*;

    fn carry(body: &[u8], from: u64) -> Vec<u8> {
        let mut outgoing = Outgoing::new(Bytes::copy_from_slice(body), from, CREDIT_BYTES);
        let mut incoming = Incoming::new(BODY_BYTES_MAX);
        incoming.next = from;
        while !outgoing.is_done() {
            let data = outgoing.next().expect("there is always credit again");
            outgoing.credit(incoming.take(data).unwrap());
        }
        assert!(incoming.is_done());
        incoming.bytes
    }

    #[test]
    fn a_body_arrives_whole_however_long_it_is() {
        for length in [0, 1, DATA_BYTES_MAX, DATA_BYTES_MAX + 1, 9 * DATA_BYTES_MAX + 7] {
            let body: Vec<u8> = (0..length).map(|byte| byte as u8).collect();
            assert_eq!(carry(&body, 0), body);
        }
    }

    #[test]
    fn a_body_is_taken_up_again_where_it_broke_off() {
        let body: Vec<u8> = (0..3 * DATA_BYTES_MAX + 5).map(|byte| (byte / 7) as u8).collect();
        assert_eq!(carry(&body, 2), body[2 * DATA_BYTES_MAX..]);
        assert!(Outgoing::new(body.into(), 4, 0).is_done());
    }

    #[test]
    fn without_credit_nothing_is_sent() {
        let mut outgoing = Outgoing::new(vec![0; 10].into(), 0, 9);
        assert_eq!(outgoing.next(), None);
        outgoing.credit(1);
        assert!(outgoing.next().is_some_and(|data| data.is_last));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let piece = |seq, length| Data { seq, bytes: vec![0; length], is_last: false };
        assert_eq!(Incoming::new(10).take(piece(0, 11)), Err(Error::TooLong(10)));
        assert_eq!(Incoming::new(10).take(piece(1, 1)), Err(Error::Gap { expected: 0, came: 1 }));
        assert_eq!(Incoming::new(usize::MAX).take(piece(0, DATA_BYTES_MAX + 1)), Err(Error::Piece));
        let mut whole = Incoming::new(10);
        whole.take(Data { seq: 0, bytes: vec![1], is_last: true }).unwrap();
        assert_eq!(whole.take(piece(1, 1)), Err(Error::AfterEnd));
    }
}
