//! Frames between host and worker: four bytes of length (big-endian, of what follows), one byte of kind, then JSON.
//!
//! There are two ways. *Control* carries calls to the worker and what the cage and the harness say about themselves. *Data*
//! carries what a script gives. The process of a call closes control before the first line of the script, so that nothing a
//! script does can look like word from the harness, or read the next call.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::cage::spec::Closed;

/// The largest frame a worker may send, and the largest call it is sent.
pub(crate) const FRAME_BYTES_MAX: usize = 64 << 20;

/// The kinds of frames.
pub(crate) mod tag {
    /// Host → worker: a call.
    pub(crate) const CALL: u8 = b'C';
    /// Cage → host: it is closed, the interpreter starts.
    pub(crate) const CLOSED: u8 = b'c';
    /// Cage → host: it cannot be closed; nothing was started.
    pub(crate) const REFUSED: u8 = b'x';
    /// Worker → host: ready for a call.
    pub(crate) const READY: u8 = b'y';
    /// Worker → host: a log line, `level text`.
    pub(crate) const LOG: u8 = b'l';
    /// Worker → host: what the script gave.
    pub(crate) const RESULT: u8 = b'r';
    /// Worker → host: what the script gave, should its process end with status 0.
    pub(crate) const PENDING: u8 = b'p';
    /// Worker → host: why it did not.
    pub(crate) const ERROR: u8 = b'e';
    /// Worker → host: the line that a script which fails was at.
    pub(crate) const LINE: u8 = b'n';
    /// Worker → host: the process of this call has ended, `code signal`.
    pub(crate) const ENDED: u8 = b'd';
    /// Cage → host: the interpreter itself has ended.
    pub(crate) const EXIT: u8 = b'q';
}

/// The way on which a frame came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the cage or the harness.
    Control,
    /// From the process of a call.
    Data,
}

impl Way {
    const fn carries(self, tag: u8) -> bool {
        match self {
            Self::Control => matches!(tag, tag::CLOSED | tag::REFUSED | tag::READY | tag::ENDED | tag::EXIT),
            Self::Data => matches!(tag, tag::LOG | tag::RESULT | tag::PENDING | tag::ERROR | tag::LINE),
        }
    }
}

/// A frame that is too large to send.
#[derive(Debug, thiserror::Error)]
#[error("{bytes} bytes are more than the {FRAME_BYTES_MAX} that fit into one frame")]
pub(crate) struct TooLarge {
    /// Its size.
    pub(crate) bytes: usize,
}

/// The bytes of one frame.
pub(crate) fn encode(tag: u8, body: &[u8]) -> Result<Vec<u8>, TooLarge> {
    let size = body.len() + 1;
    let prefix = u32::try_from(size).ok().filter(|_| size <= FRAME_BYTES_MAX).ok_or(TooLarge { bytes: size })?;
    let mut bytes = Vec::with_capacity(size + 4);
    bytes.extend_from_slice(&prefix.to_be_bytes());
    bytes.push(tag);
    bytes.extend_from_slice(body);
    Ok(bytes)
}

/// What a worker says.
#[derive(Debug)]
pub(crate) enum Said {
    /// The cage is closed.
    Closed(Closed),
    /// The cage cannot be closed.
    Refused(String),
    /// Ready for a call; whether it will be again after it.
    Ready(bool),
    /// A line for the log.
    Log(String, String),
    /// What the script gave.
    Result(Gave),
    /// What the script gave, should its process end with status 0.
    Pending(Gave),
    /// Why it failed.
    Error(Raised),
    /// The line that the script was at when it failed.
    Line(u32),
    /// The call's own process has ended.
    Ended(Ended),
    /// The interpreter has ended.
    Exit(Ended),
}

/// Values by port, each with the item that the script was at.
pub(crate) type PortValues = BTreeMap<String, Vec<(Option<u32>, Value)>>;

/// What a script gave.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Gave {
    /// What it returned: one value in mode all, one for each item in mode each.
    pub(crate) values: Vec<Value>,
    /// What it gave to `set_output`, with the item it was at.
    pub(crate) ports: PortValues,
}

/// An exception as the harness tells it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Raised {
    /// `error`, `syntax`, `memory`, `result` or `exit`.
    pub(crate) kind: String,
    /// What it says.
    pub(crate) message: String,
    /// The line in the user's code, from 1.
    pub(crate) line: Option<u32>,
    /// The item it was at in mode each.
    pub(crate) item: Option<u32>,
    /// The traceback.
    pub(crate) detail: Option<String>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Ended {
    /// Its exit status.
    pub(crate) code: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
    /// The line it was at, when the worker knows.
    pub(crate) line: Option<u32>,
}

/// Bytes that are no frame.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// The frame is larger than allowed.
    #[error("a frame of {0} bytes")]
    Large(usize),
    /// It has no kind that comes this way.
    #[error("a frame of kind {0}, which does not come this way")]
    Kind(u8),
    /// Its content does not read.
    #[error("a frame that does not read: {0}")]
    Form(#[from] serde_json::Error),
}

/// Takes the first whole frame off `buffer`; none when more bytes are needed.
pub(crate) fn decode(buffer: &mut bytes::BytesMut, way: Way) -> Result<Option<Said>, Broken> {
    let Some(prefix) = buffer.first_chunk::<4>() else { return Ok(None) };
    let size = u32::from_be_bytes(*prefix) as usize;
    if size == 0 || size > FRAME_BYTES_MAX {
        return Err(Broken::Large(size));
    }
    if buffer.len() < 4 + size {
        // Known now, so that a large frame does not grow the buffer step by step.
        buffer.reserve(4 + size - buffer.len());
        return Ok(None);
    }
    let frame = buffer.split_to(4 + size);
    let (tag, body) = (frame.get(4).copied().unwrap_or_default(), frame.get(5..).unwrap_or_default());
    if !way.carries(tag) {
        return Err(Broken::Kind(tag));
    }
    said(tag, body).map(Some)
}

fn said(tag: u8, body: &[u8]) -> Result<Said, Broken> {
    let text = || String::from_utf8_lossy(body).into_owned();
    Ok(match tag {
        tag::CLOSED => Said::Closed(serde_json::from_slice(body)?),
        tag::REFUSED => {
            let value: Value = serde_json::from_slice(body)?;
            Said::Refused(value.get("why").and_then(Value::as_str).unwrap_or_default().to_owned())
        }
        tag::READY => Said::Ready(body != b"once"),
        tag::LOG => {
            let text = text();
            let (level, line) = text.split_once(' ').unwrap_or(("info", &text));
            Said::Log(level.to_owned(), line.to_owned())
        }
        tag::RESULT => Said::Result(serde_json::from_slice(body)?),
        tag::PENDING => Said::Pending(serde_json::from_slice(body)?),
        tag::ERROR => Said::Error(serde_json::from_slice(body)?),
        tag::ENDED => {
            let text = text();
            let mut parts = text.split(' ').map(|part| part.parse::<i32>().ok().filter(|number| *number > 0));
            let (code, signal) = (parts.next().flatten(), parts.next().flatten());
            let code = if signal.is_some() { None } else { Some(code.unwrap_or(0)) };
            Said::Ended(Ended { code, signal, line: None })
        }
        tag::LINE => Said::Line(text().trim().parse().unwrap_or_default()),
        tag::EXIT => Said::Exit(serde_json::from_slice(body)?),
        other => return Err(Broken::Kind(other)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_taken_only_when_it_is_whole() -> Result<(), Box<dyn std::error::Error>> {
        let bytes = encode(tag::LOG, "warn zu heiß".as_bytes())?;
        let mut buffer = bytes::BytesMut::new();
        for byte in &bytes {
            assert!(decode(&mut buffer, Way::Data)?.is_none());
            buffer.extend_from_slice(&[*byte]);
        }
        assert!(
            matches!(decode(&mut buffer, Way::Data)?, Some(Said::Log(level, text)) if level == "warn" && text == "zu heiß")
        );
        assert!(buffer.is_empty());
        Ok(())
    }

    #[test]
    fn a_script_cannot_speak_for_the_harness() -> Result<(), Box<dyn std::error::Error>> {
        for tag in [tag::READY, tag::ENDED, tag::EXIT, tag::CLOSED, tag::REFUSED] {
            let mut buffer = bytes::BytesMut::from(encode(tag, b"{}")?.as_slice());
            assert!(matches!(decode(&mut buffer, Way::Data), Err(Broken::Kind(known)) if known == tag));
        }
        Ok(())
    }

    #[test]
    fn a_length_beyond_the_bound_is_refused_before_anything_is_read() {
        let mut buffer = bytes::BytesMut::from(&[0xff, 0xff, 0xff, 0xff, b'r'][..]);
        assert!(matches!(decode(&mut buffer, Way::Data), Err(Broken::Large(_))));
    }
}
