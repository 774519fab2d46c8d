//! Visitors' connections over a link. A connection has a number, and every message on it is a call that the other end answers
//! when it has taken it: so messages keep their order, and who reads slowly is sent to slowly.
//!
//! A body is a tag, the connection's number (u64, big-endian) and what belongs to it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flowork_ports::Documents;
use flowork_ports::documents::{Connection, Error, MESSAGES_WAITING_MAX, Visitor};
use flowork_protocol::wire::{self, Party, Refusal, Verb};
use tokio::sync::mpsc::{self, error::TrySendError};

use crate::link::{self, Link};

/// The pause before a message is offered again that the other end had no room for.
const OFFER_AGAIN: Duration = Duration::from_millis(20);
/// How often a message is offered before its connection is ended.
const OFFERS_MAX: u32 = 1_500;

/// What is said about a connection.
enum Said<'a> {
    Open(u64, &'a [u8]),
    Message(u64, &'a [u8]),
    End(u64),
}

const OPEN: u8 = 0;
const MESSAGE: u8 = 1;
const END: u8 = 2;
const HEAD_BYTES: usize = 9;

impl<'a> Said<'a> {
    fn write(&self) -> Vec<u8> {
        let (tag, number, rest): (u8, u64, &[u8]) = match self {
            Said::Open(number, visitor) => (OPEN, *number, visitor),
            Said::Message(number, message) => (MESSAGE, *number, message),
            Said::End(number) => (END, *number, &[]),
        };
        let mut body = Vec::with_capacity(HEAD_BYTES + rest.len());
        body.push(tag);
        body.extend_from_slice(&number.to_be_bytes());
        body.extend_from_slice(rest);
        body
    }

    fn read(body: &'a [u8]) -> Option<Self> {
        let (tag, rest) = body.split_first()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let number = u64::from_be_bytes(*number);
        match *tag {
            OPEN => Some(Said::Open(number, rest)),
            MESSAGE => Some(Said::Message(number, rest)),
            END => Some(Said::End(number)),
            _ => None,
        }
    }
}

/// What an end answers, in one byte.
const TAKEN: u8 = 0;
const FULL: u8 = 1;
const GONE: u8 = 2;

/// One end's connections: where what comes over the link goes.
#[derive(Clone, Default)]
pub(crate) struct Board {
    ends: Arc<Mutex<HashMap<u64, mpsc::Sender<Vec<u8>>>>>,
    next: Arc<AtomicU64>,
}

impl Board {
    fn ends<T>(&self, with: impl FnOnce(&mut HashMap<u64, mpsc::Sender<Vec<u8>>>) -> T) -> T {
        with(&mut self.ends.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends every connection: the other end is gone.
    pub(crate) fn clear(&self) {
        self.ends(HashMap::clear);
    }

    /// Takes what the other end says. `documents` is who visitors come to, on the end that keeps them.
    pub(crate) async fn hear(
        &self, me: Party, link: &Link, documents: Option<&dyn Documents>, body: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let unreadable = || Refusal::Unreadable(me);
        match (Said::read(body).ok_or_else(unreadable)?, documents) {
            (Said::Open(number, visitor), Some(documents)) => {
                let visitor: Visitor = wire::from_body(visitor).map_err(|_| unreadable())?;
                let connected = documents.connect(visitor).await.map(|connection| {
                    let Connection { to_docs, from_docs } = connection;
                    self.ends(|ends| drop(ends.insert(number, to_docs)));
                    tokio::spawn(self.clone().pass(number, from_docs, link.clone(), Party::Gateway));
                });
                wire::to_body(&connected).map_err(|_| unreadable())
            }
            (Said::Open(..), None) => Err(unreadable()),
            (Said::Message(number, message), _) => Ok(vec![self.take(number, message)]),
            (Said::End(number), _) => {
                self.ends(|ends| drop(ends.remove(&number)));
                Ok(vec![TAKEN])
            }
        }
    }

    fn take(&self, number: u64, message: &[u8]) -> u8 {
        let Some(end) = self.ends(|ends| ends.get(&number).cloned()) else { return GONE };
        match end.try_reserve() {
            Ok(place) => {
                place.send(message.to_vec());
                TAKEN
            }
            Err(TrySendError::Full(())) => FULL,
            Err(TrySendError::Closed(())) => {
                self.ends(|ends| drop(ends.remove(&number)));
                GONE
            }
        }
    }

    /// Passes messages on until there are no more or the other end takes no more.
    async fn pass(self, number: u64, mut messages: mpsc::Receiver<Vec<u8>>, link: Link, to: Party) {
        while let Some(message) = messages.recv().await {
            let body = Said::Message(number, &message).write();
            if let Err(why) = offer(&link, to, body).await {
                tracing::debug!(number, why, "a visitor's connection ends");
                break;
            }
        }
        self.ends(|ends| drop(ends.remove(&number)));
        // Who is gone already has nothing left to end.
        let _ = link.call(to, Verb::Visit, Said::End(number).write()).await;
    }

    /// Opens a connection to the docs role.
    pub(crate) async fn connect(&self, link: &Link, visitor: &Visitor) -> Result<Connection, Error> {
        let away = |error: String| Error::Away(error);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (to_docs, mine) = mpsc::channel(MESSAGES_WAITING_MAX);
        let (theirs, from_docs) = mpsc::channel(MESSAGES_WAITING_MAX);
        self.ends(|ends| drop(ends.insert(number, theirs)));
        let opened: Result<(), Error> = async {
            let visitor = wire::to_body(visitor).map_err(|error| away(error.to_string()))?;
            let answer = link.call(Party::Docs, Verb::Visit, Said::Open(number, &visitor).write()).await;
            let answer = answer.map_err(|error| away(error.to_string()))?;
            wire::from_body::<Result<(), Error>>(&answer).map_err(|error| away(error.to_string()))?
        }
        .await;
        if let Err(error) = opened {
            self.ends(|ends| drop(ends.remove(&number)));
            return Err(error);
        }
        tokio::spawn(self.clone().pass(number, mine, link.clone(), Party::Docs));
        Ok(Connection { to_docs, from_docs })
    }
}

/// Offers a message until it is taken.
async fn offer(link: &Link, to: Party, body: Vec<u8>) -> Result<(), String> {
    for _ in 0..OFFERS_MAX {
        match link.call(to, Verb::Visit, body.clone()).await {
            Ok(answer) if answer == [TAKEN] => return Ok(()),
            Ok(answer) if answer == [FULL] => {}
            Err(link::Error::Refused(Refusal::Busy(_))) => {}
            Ok(_) => return Err("the other end has let go of it".to_owned()),
            Err(error) => return Err(error.to_string()),
        }
        tokio::time::sleep(OFFER_AGAIN).await;
    }
    Err("the other end took nothing for too long".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_about_a_connection_reads_back_and_other_bytes_do_not() {
        let body = Said::Message(7, b"hello").write();
        assert!(matches!(Said::read(&body), Some(Said::Message(7, b"hello"))));
        assert!(matches!(Said::read(&Said::End(u64::MAX).write()), Some(Said::End(u64::MAX))));
        assert!(matches!(Said::read(&Said::Open(1, b"x").write()), Some(Said::Open(1, b"x"))));
        for bytes in [&b""[..], &[MESSAGE, 0, 0], &[9; 12]] {
            assert!(Said::read(bytes).is_none());
        }
    }

    #[test]
    fn a_full_end_is_told_so_and_one_that_is_gone_too() {
        let board = Board::default();
        let (end, mut comes) = mpsc::channel(1);
        board.ends(|ends| drop(ends.insert(3, end)));
        assert_eq!(board.take(3, b"one"), TAKEN);
        assert_eq!(board.take(3, b"two"), FULL);
        assert_eq!(comes.try_recv().ok().as_deref(), Some(&b"one"[..]));
        assert_eq!(board.take(3, b"two"), TAKEN);
        drop(comes);
        assert_eq!(board.take(3, b"three"), GONE);
        assert_eq!(board.take(4, b"nobody"), GONE);
    }
}
