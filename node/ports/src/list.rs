//! Reading lists of items that events hold by reference.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use flowork_protocol::id::ChunkId;
use flowork_protocol::item::{Chunked, List};
use flowork_protocol::{Item, JobId};

use crate::store::{self, Reader};

/// How many chunks are read at once.
const CHUNKS_PAGE: usize = 16;

/// Why the items of a list cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store says no.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A chunk is not what was written.
    #[error("chunk {} of job {job} cannot be read: {why}", .chunk.short())]
    Damaged {
        /// Whose.
        job: JobId,
        /// Which.
        chunk: ChunkId,
        /// What is wrong.
        why: String,
    },
    /// They are more than the caller can hold.
    #[error("these items are larger than {0} bytes")]
    TooLarge(usize),
}

/// Items `offset .. offset + limit` of a list of `job`; their chunks may have `bytes_max` together.
///
/// # Errors
/// When they cannot be read, or are larger than that.
pub async fn slice(
    reader: &dyn Reader, job: JobId, list: &List, offset: u64, limit: usize, bytes_max: usize,
) -> Result<Vec<Arc<Item>>, Error> {
    let chunked = match list {
        List::Inline(items) => {
            let skip = usize::try_from(offset).unwrap_or(usize::MAX);
            return Ok(items.iter().skip(skip).take(limit).cloned().collect());
        }
        List::Chunked(chunked) => chunked,
    };
    let wanted = wanted(chunked, offset, limit as u64);
    let mut ids: Vec<ChunkId> = Vec::new();
    let mut seen = HashSet::new();
    ids.extend(wanted.iter().map(|(chunk, ..)| *chunk).filter(|chunk| seen.insert(*chunk)));
    let mut read: HashMap<ChunkId, Vec<Arc<Item>>> = HashMap::with_capacity(ids.len());
    let mut bytes = 0;
    for some in ids.chunks(CHUNKS_PAGE) {
        for (id, text) in reader.chunks(job, some.to_vec()).await? {
            bytes += text.len();
            if bytes > bytes_max {
                return Err(Error::TooLarge(bytes_max));
            }
            read.insert(id, serde_json::from_slice(&text).map_err(|error| damaged(job, id, error.to_string()))?);
        }
    }
    let mut items = Vec::new();
    for (chunk, first, count) in wanted {
        let from = read.get(&chunk).ok_or_else(|| damaged(job, chunk, "it is not there".to_owned()))?;
        let part = from.get(first..first + count).ok_or_else(|| damaged(job, chunk, "it is too short".to_owned()))?;
        items.extend_from_slice(part);
    }
    Ok(items)
}

/// Which slices of which chunks make items `offset .. offset + limit`.
fn wanted(chunked: &Chunked, mut offset: u64, mut limit: u64) -> Vec<(ChunkId, usize, usize)> {
    let mut wanted = Vec::new();
    for (chunk, first, count) in &chunked.runs {
        let count = u64::from(*count);
        if offset >= count {
            offset -= count;
            continue;
        }
        let take = (count - offset).min(limit);
        if take == 0 {
            break;
        }
        if let Some(id) = chunked.chunks.get(*chunk as usize) {
            // Both are below a u32, so they fit.
            wanted.push((*id, (u64::from(*first) + offset) as usize, take as usize));
        }
        limit -= take;
        offset = 0;
    }
    wanted
}

fn damaged(job: JobId, chunk: ChunkId, why: String) -> Error {
    Error::Damaged { job, chunk, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_a_chunked_list_reads_only_the_slices_that_it_needs() {
        let (one, two) = (ChunkId([1; 32]), ChunkId([2; 32]));
        let list = Chunked { chunks: vec![one, two], runs: vec![(0, 5, 3), (1, 0, 4), (0, 0, 2)], len: 9 };
        assert_eq!(wanted(&list, 0, 100), [(one, 5, 3), (two, 0, 4), (one, 0, 2)]);
        assert_eq!(wanted(&list, 2, 3), [(one, 7, 1), (two, 0, 2)]);
        assert_eq!(wanted(&list, 7, 1), [(one, 0, 1)]);
        assert_eq!(wanted(&list, 9, 5), []);
    }
}
