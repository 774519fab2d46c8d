//! What becomes of a kernel when a part of it breaks.

use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use flowork_ports::blobs::{self, ByteStream};
use flowork_ports::component::Component;
use flowork_ports::store::{Claimed, Committed, Drained, JobWrite, RetentionRules, Stored};
use flowork_protocol::check::{Catalogue, ConfigProblem};
use flowork_protocol::command::Activation;
use flowork_protocol::id::ChunkId;
use flowork_protocol::manifest::{Effect, Manifest, Ports};
use flowork_protocol::{BlobId, JobId, PresetId, Timestamp};
use serde_json::{Map, Value};

use super::*;

/// How a shard takes its first call.
#[derive(Clone, Copy)]
enum Taken {
    Well,
    ByPanic,
    ByWriterGone,
}

/// A shard without jobs, and everything else that a kernel asks for and these tests never use.
struct Nothing(Taken);

#[async_trait]
impl Shard for Nothing {
    fn no(&self) -> ShardNo {
        ShardNo(0)
    }

    async fn take(&self) -> Result<Vec<JobId>, Error> {
        match self.0 {
            Taken::Well => Ok(Vec::new()),
            Taken::ByPanic => panic!("a fault"),
            Taken::ByWriterGone => Err(Error::Ended { file: "shards/00.db".to_owned() }),
        }
    }

    async fn limited(&self) -> Result<Vec<(JobId, PresetId)>, Error> {
        Ok(Vec::new())
    }

    async fn drain_ahead(&self, _: usize, _: usize) -> Result<(Drained, Committed), Error> {
        Ok((Drained::default(), Box::pin(std::future::ready(Ok(())))))
    }

    async fn claim_held(&self, _: &PresetId, _: usize) -> Result<Vec<Claimed>, Error> {
        Ok(Vec::new())
    }

    async fn append(&self, _: JobWrite) -> Result<u64, Error> {
        Ok(0)
    }

    async fn load(&self, job: JobId) -> Result<Stored, Error> {
        Err(Error::NoJob(job))
    }

    async fn history(&self, _: JobId) -> Result<Vec<Vec<u8>>, Error> {
        Ok(Vec::new())
    }

    async fn chunks(&self, _: JobId, _: Vec<ChunkId>) -> Result<Vec<(ChunkId, Vec<u8>)>, Error> {
        Ok(Vec::new())
    }

    async fn claim_due(&self, _: Timestamp, _: usize) -> Result<Vec<JobId>, Error> {
        Ok(Vec::new())
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(None)
    }

    async fn wake(&self, _: JobId) -> Result<bool, Error> {
        Ok(false)
    }

    async fn forget(&self, _: &RetentionRules, _: Timestamp, _: usize) -> Result<u64, Error> {
        Ok(0)
    }

    async fn delete(&self, _: JobId) -> Result<bool, Error> {
        Ok(false)
    }
}

#[async_trait]
impl NodeTables for Nothing {
    async fn drain(&self) -> Result<usize, Error> {
        Ok(0)
    }

    async fn sealed_secret(&self, _: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(None)
    }

    async fn activation_by_name(&self, _: &str) -> Result<Option<Activation>, Error> {
        Ok(None)
    }

    async fn setting(&self, _: &str) -> Result<Option<Value>, Error> {
        Ok(None)
    }

    async fn retention(&self) -> Result<RetentionRules, Error> {
        Ok(RetentionRules::default())
    }
}

#[async_trait]
impl Vault for Nothing {
    async fn open(&self, _: &str) -> Result<Option<String>, String> {
        Ok(None)
    }
}

#[async_trait]
impl Blobs for Nothing {
    async fn put(&self, _: ByteStream, limit_bytes: u64) -> Result<(BlobId, u64), blobs::Error> {
        Err(blobs::Error::TooLarge { limit_bytes })
    }

    async fn put_bytes(&self, bytes: Bytes) -> Result<BlobId, blobs::Error> {
        Ok(BlobId::of(&bytes))
    }

    async fn get(&self, id: BlobId) -> Result<Bytes, blobs::Error> {
        Err(blobs::Error::Missing(id))
    }

    async fn open(&self, id: BlobId) -> Result<(ByteStream, u64), blobs::Error> {
        Err(blobs::Error::Missing(id))
    }

    async fn path(&self, id: BlobId) -> Result<PathBuf, blobs::Error> {
        Err(blobs::Error::Missing(id))
    }

    async fn has(&self, _: BlobId) -> Result<bool, blobs::Error> {
        Ok(false)
    }
}

impl Catalogue for Nothing {
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn manifest(&self, _: &str) -> Option<Manifest> {
        None
    }

    fn ports(&self, _: &str, _: &Map<String, Value>) -> Option<Ports> {
        None
    }

    fn effect(&self, _: &str, _: &Map<String, Value>) -> Option<Effect> {
        None
    }

    fn check_config(&self, _: &str, _: &Map<String, Value>) -> Vec<ConfigProblem> {
        Vec::new()
    }

    fn digest(&self, _: &str) -> Option<String> {
        None
    }
}

impl Library for Nothing {
    fn component(&self, _: &str) -> Option<Arc<dyn Component>> {
        None
    }
}

fn kernel(taken: Taken) -> (Handle, CancellationToken) {
    let nothing = || Arc::new(Nothing(taken));
    let stop = CancellationToken::new();
    let options = Options {
        shards: vec![nothing()],
        node: nothing(),
        library: nothing(),
        blobs: nothing(),
        vault: nothing(),
        bell: Bell::default(),
        clock: Arc::new(|| Timestamp(0)),
        jobs_per_shard_max: 1,
        troubles: watch::Sender::default(),
    };
    (run(options, &stop), stop)
}

#[tokio::test]
async fn a_kernel_whose_loop_panics_ends_without_being_told_to() {
    let (kernel, stop) = kernel(Taken::ByPanic);
    kernel.ended().await;
    assert!(!stop.is_cancelled(), "it ended by itself");
}

#[tokio::test]
async fn a_kernel_that_cannot_write_any_more_ends_without_being_told_to() {
    let (kernel, stop) = kernel(Taken::ByWriterGone);
    kernel.ended().await;
    assert!(!stop.is_cancelled(), "it ended by itself");
}

#[tokio::test]
async fn a_sound_kernel_ends_when_it_is_told_to_and_not_before() {
    let (kernel, stop) = kernel(Taken::Well);
    let ended = kernel.ended();
    tokio::pin!(ended);
    assert!(futures::poll!(&mut ended).is_pending());
    stop.cancel();
    ended.await;
}
