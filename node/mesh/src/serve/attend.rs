//! One stream of a call: its request comes in, what happens with it and its outcome go out.

use std::sync::Arc;

use flowork_protocol::peer::Refusal;
use flowork_protocol::peer::call::{Accept, CREDIT_BYTES, Data, End, Frame, Open, Progress};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{FrameReader, Halves, Provider, SILENT_FOR, Writer, cut};
use crate::body::{Incoming, Outgoing};
use crate::frames;
use crate::running::Running;

impl Provider {
    /// Reads the request of an admitted call.
    pub(super) async fn request<S: AsyncRead + AsyncWrite>(
        &self, open: &Open, halves: &mut Halves<S>,
    ) -> Result<Result<Vec<u8>, Refusal>, frames::Error> {
        let whole = |bytes: Vec<u8>| match *blake3::hash(&bytes).as_bytes() == open.request_hash {
            true => Ok(bytes),
            false => Err(Refusal::new("request-changed", "the request is not what was announced")),
        };
        if let Some(bytes) = &open.request {
            if bytes.len() as u64 != open.request_bytes {
                return Ok(Err(Refusal::new("protocol", "the request is not as long as was announced")));
            }
            halves.1.write(&Frame::Accept(Accept { has_request: true, credit: 0 })).await?;
            return Ok(whole(bytes.clone()));
        }
        halves.1.write(&Frame::Accept(Accept { has_request: false, credit: CREDIT_BYTES })).await?;
        let mut incoming = Incoming::new(usize::try_from(open.request_bytes).unwrap_or(usize::MAX));
        while !incoming.is_done() {
            match halves.0.next_within(SILENT_FOR).await? {
                Frame::Data(data) => match incoming.take(data) {
                    Ok(credit) if !incoming.is_done() => halves.1.write(&Frame::Credit(credit)).await?,
                    Ok(_) => {}
                    Err(error) => return Ok(Err(Refusal::new("protocol", error.to_string()))),
                },
                Frame::Ping(number) => halves.1.write(&Frame::Pong(number)).await?,
                Frame::Cancel(_) => return Ok(Err(Refusal::new("cancelled", "the caller gave up"))),
                _ => return Ok(Err(Refusal::new("protocol", "the request was not whole when something else came"))),
            }
        }
        Ok(whole(incoming.into_bytes().into()))
    }

    /// Sends what happens with a call, what it gives, and its outcome.
    pub(super) async fn attend<S: AsyncRead + AsyncWrite>(
        &self, running: &Arc<Running>, resume_from: u64, (reader, writer): &mut Halves<S>,
    ) -> Result<(), frames::Error> {
        let (mut progress, mut pieces) = (running.progress(), running.pieces());
        let (mut said, mut seq, mut credit) = (0, resume_from, CREDIT_BYTES);
        let outcome = loop {
            let lines: Vec<Progress> = progress.borrow_and_update().iter().skip(said).cloned().collect();
            for line in lines {
                said += 1;
                writer.write(&Frame::Progress(line)).await?;
            }
            pieces.borrow_and_update();
            give(running, &mut seq, &mut credit, writer).await?;
            tokio::select! {
                outcome = running.outcome() => break outcome,
                changed = progress.changed() => if changed.is_err() { break running.outcome().await },
                changed = pieces.changed() => if changed.is_err() { break running.outcome().await },
                frame = reader.next_within(SILENT_FOR) => match frame? {
                    Frame::Ping(number) => writer.write(&Frame::Pong(number)).await?,
                    Frame::Credit(bytes) => credit = credit.saturating_add(bytes),
                    Frame::Cancel(reason) => {
                        running.end(Refusal::new("cancelled", format!("the caller ended it: {}", cut(&reason))));
                    }
                    _ => return Err(frames::Error::out_of_turn()),
                },
            }
        };
        let Some(outcome) = outcome else { return Ok(()) };
        let mut outgoing = if running.served.capability.takes_items() {
            Some(Outgoing::new(outcome.output.clone(), resume_from, credit))
        } else {
            // What came in pieces is there but for its end. One that failed has none, and after a restart fewer pieces than its
            // caller has.
            while !give(running, &mut seq, &mut credit, writer).await? {
                match heard(reader, writer).await? {
                    Some(bytes) => credit = credit.saturating_add(bytes),
                    None => return Ok(()),
                }
            }
            outcome.failure.is_none().then(|| Outgoing::end(seq.min(*pieces.borrow() as u64)))
        };
        while let Some(outgoing) = outgoing.as_mut().filter(|outgoing| !outgoing.is_done()) {
            while let Some(data) = outgoing.next() {
                writer.write(&Frame::Data(data)).await?;
            }
            if outgoing.is_done() {
                break;
            }
            match heard(reader, writer).await? {
                Some(bytes) => outgoing.credit(bytes),
                None => return Ok(()),
            }
        }
        let end = End { failure: outcome.failure.clone(), receipt: outcome.receipt.clone() };
        writer.write(&Frame::End(Box::new(end))).await
    }
}

/// Sends the pieces that are there, as far as there is credit. Gives whether there is none left.
async fn give<W: AsyncWrite + Unpin>(
    running: &Running, seq: &mut u64, credit: &mut u64, writer: &mut Writer<W>,
) -> Result<bool, frames::Error> {
    while let Some(piece) = running.piece(*seq) {
        let length = piece.len() as u64;
        if length > *credit {
            return Ok(false);
        }
        writer.write(&Frame::Data(Data { seq: *seq, bytes: piece.to_vec(), is_last: false })).await?;
        (*seq, *credit) = (*seq + 1, *credit - length);
    }
    Ok(true)
}

/// Waits for credit while an output is sent. None when the caller wants no more of it.
async fn heard<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    reader: &mut FrameReader<R>, writer: &mut Writer<W>,
) -> Result<Option<u64>, frames::Error> {
    loop {
        match reader.next_within(SILENT_FOR).await? {
            Frame::Credit(bytes) => return Ok(Some(bytes)),
            Frame::Ping(number) => writer.write(&Frame::Pong(number)).await?,
            Frame::Cancel(_) => return Ok(None),
            _ => return Err(frames::Error::out_of_turn()),
        }
    }
}
