//! How bodies lie in the files: as they are, or compressed when that pays.
//!
//! Compression is done by the caller, never by the thread that writes.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;

use flowork_ports::store::Error;
use flowork_protocol::command::Submission;
use flowork_protocol::event::{self, Event, What};
use flowork_protocol::id::{ChunkId, JobId, PresetId, StepId, VersionId};
use flowork_protocol::{BlobId, Timestamp};
use serde::{Deserialize, Serialize};

/// Bodies from this size on are compressed.
const COMPRESS_FROM_BYTES: usize = 4 << 10;
/// Fast rather than small: bodies are JSON, which shrinks well at any level.
const LEVEL: i32 = 1;
const ZSTD: i64 = 1;
/// The body is the submission of event 1 and not a batch of events.
pub(crate) const SUBMISSION: i64 = 2;

/// A body as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    pub(crate) codec: i64,
    pub(crate) bytes: Vec<u8>,
}

/// Bodies up to this size are decompressed in one go; larger ones by pieces, so that a damaged header cannot ask for all
/// memory.
const UNPACK_AT_ONCE_MAX: u64 = 16 << 20;

thread_local! {
    // Making one costs as much as compressing a few kilobytes.
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Runs `with` on this thread's own `kept`, made when it is first needed.
fn kept<T, R>(
    slot: &RefCell<Option<T>>, make: impl FnOnce() -> io::Result<T>, with: impl FnOnce(&mut T) -> io::Result<R>,
) -> io::Result<R> {
    let mut slot = slot.borrow_mut();
    let it = match slot.take() {
        Some(it) => it,
        None => make()?,
    };
    with(slot.insert(it))
}

/// Compresses `bytes` when they are large and become smaller.
pub(crate) fn pack(bytes: Vec<u8>) -> Packed {
    if bytes.len() >= COMPRESS_FROM_BYTES
        && let Ok(small) =
            COMPRESSOR.with(|slot| kept(slot, || zstd::bulk::Compressor::new(LEVEL), |it| it.compress(&bytes)))
        && small.len() < bytes.len()
    {
        return Packed { codec: ZSTD, bytes: small };
    }
    Packed { codec: 0, bytes }
}

/// What was packed.
pub(crate) fn unpack(codec: i64, bytes: &[u8]) -> io::Result<Cow<'_, [u8]>> {
    if codec & ZSTD == 0 {
        return Ok(Cow::Borrowed(bytes));
    }
    let whole = match zstd::zstd_safe::get_frame_content_size(bytes) {
        Ok(Some(len)) if len <= UNPACK_AT_ONCE_MAX => {
            let len = usize::try_from(len).unwrap_or(0);
            DECOMPRESSOR.with(|slot| kept(slot, zstd::bulk::Decompressor::new, |it| it.decompress(bytes, len)))
        }
        _ => zstd::stream::decode_all(bytes),
    };
    whole.map(Cow::Owned)
}

/// What a job's row needs of its submission. Reads from the JSON of a whole submission too.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) job: JobId,
    #[serde(default)]
    pub(crate) keyed: bool,
    pub(crate) preset: PresetId,
    pub(crate) name: String,
    pub(crate) version: VersionId,
    #[serde(default)]
    pub(crate) trigger: Option<StepId>,
    #[serde(default)]
    pub(crate) priority: i32,
    #[serde(default)]
    pub(crate) concurrency: Option<u32>,
    #[serde(default)]
    pub(crate) dry_run: bool,
    #[serde(default)]
    pub(crate) replay: Option<Origin>,
    #[serde(default)]
    pub(crate) parent: Option<(JobId, String)>,
    #[serde(default)]
    pub(crate) blobs: Vec<BlobId>,
}

/// What a job's row needs of a replay.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) origin: JobId,
}

impl Head {
    fn of(submission: &Submission, json: &[u8]) -> Self {
        Self {
            blobs: blobs_in(json),
            job: submission.job,
            keyed: submission.keyed,
            preset: submission.preset.clone(),
            name: submission.name.clone(),
            version: submission.version,
            trigger: submission.trigger.clone(),
            priority: submission.priority,
            concurrency: submission.concurrency,
            dry_run: submission.dry_run,
            replay: submission.replay.as_ref().map(|replay| Origin { origin: replay.origin }),
            parent: submission.parent.clone(),
        }
    }
}

impl Head {
    /// From what an inbox entry holds: the head beside a compressed body, or the plain body itself.
    pub(crate) fn read(head: Option<&[u8]>, body: &[u8]) -> Result<Self, serde_json::Error> {
        match head {
            Some(head) => serde_json::from_slice(head),
            None => serde_json::from_slice(body).map(|head| Self { blobs: blobs_in(body), ..head }),
        }
    }
}

/// A submission as it travels from a gateway's inbox into a shard's journal, without being written anew.
#[derive(Debug, Clone)]
pub(crate) struct PackedSubmission {
    pub(crate) head: Head,
    pub(crate) body: Packed,
}

impl PackedSubmission {
    pub(crate) fn of(submission: &Submission) -> Result<Self, serde_json::Error> {
        let bytes = serde_json::to_vec(submission)?;
        Ok(Self { head: Head::of(submission, &bytes), body: pack(bytes) })
    }
}

/// The events of one journal row.
pub(crate) fn events(file: &str, codec: i64, at: Timestamp, body: &[u8]) -> Result<Vec<Event>, Error> {
    if codec & SUBMISSION != 0 {
        let submission = submission(file, codec, body)?;
        return Ok(vec![Event { seq: 1, at, what: What::Accepted(Box::new(submission)) }]);
    }
    let bytes = unpack(codec, body).map_err(|error| crate::error::unreadable(file, "a batch of events", error))?;
    event::decode(&bytes).map_err(|error| match error {
        event::DecodeError::Version(_) => Error::Other { file: file.to_owned(), detail: error.to_string() },
        event::DecodeError::Form(why) => crate::error::unreadable(file, "a batch of events", why),
    })
}

/// The submission in a stored body.
pub(crate) fn submission(file: &str, codec: i64, body: &[u8]) -> Result<Submission, Error> {
    let bytes = unpack(codec, body).map_err(|error| crate::error::unreadable(file, "a submission", error))?;
    serde_json::from_slice(&bytes).map_err(|error| crate::error::unreadable(file, "a submission", error))
}

/// A journal row as a batch that `flowork_protocol::event::decode` reads.
pub(crate) fn batch(file: &str, codec: i64, at: Timestamp, body: &[u8]) -> Result<Vec<u8>, Error> {
    if codec & SUBMISSION != 0 {
        let events = events(file, codec, at, body)?;
        return event::encode(&events).map_err(|error| crate::error::unreadable(file, "a submission", error));
    }
    let bytes = unpack(codec, body).map_err(|error| crate::error::unreadable(file, "a batch of events", error))?;
    Ok(bytes.into_owned())
}

/// A chunk as it was stored, checked to be there whole.
pub(crate) fn chunk(file: &str, id: ChunkId, codec: i64, body: &[u8]) -> Result<Vec<u8>, Error> {
    let bytes = unpack(codec, body).map_err(|error| crate::error::unreadable(file, &format!("chunk {id}"), error))?;
    Ok(bytes.into_owned())
}

const BLOB_MARK: &[u8] = b"\"blob\":\"";
const HASH_HEX_LEN: usize = 64;

/// The blobs that a JSON text names (as `"blob":"<hash>"`, the form of `BlobRef`), each once.
///
/// A text that only looks like one keeps a blob too long, which does no harm.
pub(crate) fn blobs_in(json: &[u8]) -> Vec<BlobId> {
    let mut found = Vec::new();
    let mut rest = json;
    while let Some(at) = find(rest, BLOB_MARK) {
        rest = &rest[at + BLOB_MARK.len()..];
        let id =
            rest.get(..HASH_HEX_LEN).and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| hex.parse().ok());
        if let Some(id) = id
            && !found.contains(&id)
        {
            found.push(id);
        }
    }
    found
}

const VERSION_MARK: &[u8] = b"\"version\":\"";
const PRESETS_MARK: &[u8] = b"\"presets\":{";

/// The versions, as the blobs that they are, that the JSON of a command or of events names: what a submission or an
/// activation is of, and what a job that began will start its sub-presets with.
///
/// As with [`blobs_in`], a text that only looks like one does no harm.
pub(crate) fn versions_in(json: &[u8]) -> Vec<BlobId> {
    let hash = |text: &[u8]| std::str::from_utf8(text.get(..HASH_HEX_LEN)?).ok()?.parse::<BlobId>().ok();
    let mut found = Vec::new();
    for mark in [VERSION_MARK, PRESETS_MARK] {
        let mut rest = json;
        while let Some(at) = find(rest, mark) {
            rest = &rest[at + mark.len()..];
            if mark == VERSION_MARK {
                found.extend(hash(rest));
                continue;
            }
            // From the brace on it is one JSON value, whatever follows.
            let map = &json[json.len() - rest.len() - 1..];
            let read = serde_json::Deserializer::from_slice(map).into_iter::<BTreeMap<String, VersionId>>().next();
            found.extend(read.into_iter().flatten().flat_map(BTreeMap::into_values).map(|id| BlobId(id.0)));
        }
    }
    found
}

fn find(text: &[u8], mark: &[u8]) -> Option<usize> {
    // The first byte of the mark is frequent in JSON, so the rarer `b` at its second place is looked for.
    let mut from = 0;
    while let Some(at) = text.get(from + 1..)?.iter().position(|byte| *byte == mark[1]) {
        let start = from + at;
        if text[start..].starts_with(mark) {
            return Some(start);
        }
        from = start + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_body_is_stored_smaller_and_reads_back() -> io::Result<()> {
        let body = b"{\"name\":\"flowork\"}".repeat(1_000);
        let packed = pack(body.clone());
        assert!(packed.bytes.len() < body.len() / 4);
        assert_eq!(unpack(packed.codec, &packed.bytes)?.as_ref(), body);
        let small = pack(b"[]".to_vec());
        assert_eq!((small.codec, small.bytes.as_slice()), (0, b"[]".as_slice()));
        Ok(())
    }

    #[test]
    fn blobs_are_found_where_items_name_them() {
        let one = BlobId::of(b"one");
        let two = BlobId::of(b"two");
        let json = format!(
            r#"{{"b":{{"blob":"{one}","size":3}},"x":"bb","y":{{"blob":"{two}"}},"z":{{"blob":"{one}"}},"blob":"no"}}"#
        );
        assert_eq!(blobs_in(json.as_bytes()), [one, two]);
        assert!(blobs_in(b"\"blo").is_empty() && blobs_in(b"").is_empty());
    }

    #[test]
    fn versions_are_found_where_commands_and_events_name_them() -> Result<(), serde_json::Error> {
        let (one, two) = (VersionId::of(b"one"), VersionId::of(b"two"));
        let started = What::Started { presets: BTreeMap::from([("a".to_owned(), one), ("b".to_owned(), two)]) };
        let events = event::encode(&[Event { seq: 2, at: Timestamp(0), what: started }])?;
        let both = [BlobId(one.0), BlobId(two.0)];
        assert_eq!(versions_in(&events), both);
        let json = format!(
            r#"{{"submit":{{"version":"{one}","presets":{{}},"x":{{"version":"{two}","y":{{"version":3}}}}}}}}"#
        );
        assert_eq!(versions_in(json.as_bytes()), both);
        assert!(versions_in(br#"{"presets":{"a":1}} "presets":{"#).is_empty());
        Ok(())
    }
}
