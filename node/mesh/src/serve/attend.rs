//! One stream of a call: its request comes in, what happens with it and its outcome go out.

use std::sync::Arc;

use flowork_protocol::peer::Refusal;
use flowork_protocol::peer::call::{Accept, CREDIT_BYTES, End, Frame, Open, Progress};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Halves, Provider, SILENT_FOR, cut};
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

    /// Sends what happens with a call, and its outcome.
    pub(super) async fn attend<S: AsyncRead + AsyncWrite>(
        &self, running: &Arc<Running>, resume_from: u64, (reader, writer): &mut Halves<S>,
    ) -> Result<(), frames::Error> {
        let mut progress = running.progress();
        let mut said = 0;
        let mut credit = CREDIT_BYTES;
        let outcome = loop {
            let lines: Vec<Progress> = progress.borrow_and_update().iter().skip(said).cloned().collect();
            for line in lines {
                said += 1;
                writer.write(&Frame::Progress(line)).await?;
            }
            tokio::select! {
                outcome = running.outcome() => break outcome,
                changed = progress.changed() => if changed.is_err() { break running.outcome().await },
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
        let mut outgoing = Outgoing::new(outcome.output.clone(), resume_from, credit);
        while !outgoing.is_done() {
            while let Some(data) = outgoing.next() {
                writer.write(&Frame::Data(data)).await?;
            }
            if outgoing.is_done() {
                break;
            }
            match reader.next_within(SILENT_FOR).await? {
                Frame::Credit(bytes) => outgoing.credit(bytes),
                Frame::Ping(number) => writer.write(&Frame::Pong(number)).await?,
                Frame::Cancel(_) => return Ok(()),
                _ => return Err(frames::Error::out_of_turn()),
            }
        }
        let end = End { failure: outcome.failure.clone(), receipt: outcome.receipt.clone() };
        writer.write(&Frame::End(Box::new(end))).await
    }
}
