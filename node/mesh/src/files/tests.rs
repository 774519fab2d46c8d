//! Two nodes whose files reach each other over memory.

use std::sync::atomic::{AtomicU64, Ordering};

use bao_tree::ChunkRanges;
use flowork_ports::MeshTable;
use flowork_protocol::Timestamp;
use flowork_protocol::peer::pair::Introduction;
use tokio_util::sync::CancellationToken;

use super::partial::Partial;
use super::*;
use crate::Seed;
use crate::testing::{Folder, MemoryTable, address, memory_net};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

struct Node {
    id: NodeId,
    blobs: Arc<Folder>,
    files: Arc<Files>,
    dir: tempfile::TempDir,
    _stop: tokio_util::sync::DropGuard,
}

impl Node {
    /// Paired with `peers`, each with where it is.
    async fn new(seed: u8, at: &str, peers: &[(u8, &String)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Arc::new(Folder::new(dir.path().join("blobs")));
        let table: Arc<dyn MeshTable> = Arc::new(MemoryTable::default());
        let contacts = Arc::new(Contacts::load(&table).await.unwrap());
        for (peer, place) in peers {
            let said = Introduction { name: format!("n{peer}"), certificates: Vec::new(), addresses: Vec::new() };
            let id = Seed::new([*peer; 32]).node_id();
            contacts.pair(id, &said, None, vec![(*place).clone()], NOW, Vec::new()).await.unwrap();
        }
        let stop = CancellationToken::new();
        let net = memory_net(&Seed::new([seed; 32]), at, stop.clone());
        let files = Files::new(blobs.clone(), dir.path().join("incoming"), contacts, net.clone()).unwrap();
        let files = Arc::new(files);
        let incoming = net.accept(flowork_protocol::peer::files::PROTOCOL).unwrap();
        let serving = files.clone();
        tokio::spawn(net::serve(incoming, move |peer, stream| serving.clone().serve(peer, stream)));
        Self { id: Seed::new([seed; 32]).node_id(), blobs, files, dir, _stop: stop.drop_guard() }
    }

    async fn keep(&self, bytes: &[u8]) -> Wanted {
        let blob = self.blobs.put_bytes(bytes.to_vec().into()).await.unwrap();
        Wanted { blob, size: bytes.len() as u64 }
    }

    async fn fetch(&self, file: Wanted, from: &[&Node]) -> Result<(), Error> {
        let sources: Vec<NodeId> = from.iter().map(|node| node.id).collect();
        self.files.fetch_all(&[file], &sources, &|_| {}).await
    }
}

fn bytes(length: usize) -> Vec<u8> {
    let mut reader = blake3::Hasher::new().finalize_xof();
    let mut bytes = vec![0; length];
    reader.fill(&mut bytes);
    bytes
}

#[tokio::test]
async fn a_file_of_any_length_comes_whole() {
    let (at, there) = (address(), address());
    let ana = Node::new(1, &at, &[(2, &there)]).await;
    let ben = Node::new(2, &there, &[(1, &at)]).await;
    for length in [0, 1, 1_023, 1_024, 1_025, 16_384, 16_385, 100_000, 3 << 20, (3 << 20) + 17] {
        let bytes = bytes(length);
        let file = ana.keep(&bytes).await;
        let _share = ana.files.share(ben.id, &[file]);
        let came = AtomicU64::new(0);
        let count = |bytes| {
            came.fetch_add(bytes, Ordering::Relaxed);
        };
        ben.files.fetch_all(&[file], &[ana.id], &count).await.unwrap();
        assert_eq!(ben.blobs.get(file.blob).await.unwrap(), bytes, "{length}");
        assert_eq!(came.into_inner(), length as u64);
        assert!(!partial::is_begun(&ben.dir.path().join("incoming"), file.blob));
    }
    assert_eq!(std::fs::read_dir(ben.dir.path().join("incoming")).unwrap().count(), 0, "nothing is left over");
    assert!(lock(&ben.files.coming).is_empty());
    // Also when nobody waits for it any more.
    let file = ana.keep(&bytes(9 << 20)).await;
    let _share = ana.files.share(ben.id, &[file]);
    assert!(futures::FutureExt::now_or_never(ben.fetch(file, &[&ana])).is_none());
    assert!(lock(&ben.files.coming).is_empty());
}

#[tokio::test]
async fn a_hash_is_no_permission() {
    let (at, there) = (address(), address());
    let ana = Node::new(3, &at, &[(4, &there)]).await;
    let ben = Node::new(4, &there, &[(3, &at)]).await;
    let eve = Node::new(5, &address(), &[(3, &at)]).await;
    let file = ana.keep(&bytes(50_000)).await;
    let refused = async |who: &Node, file| match who.fetch(file, &[&ana]).await {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    let unknown = Wanted { blob: BlobId::of(b"nobody has this"), size: 15 };
    let (there, not_there) = (refused(&ben, file).await, refused(&ben, unknown).await);
    assert_eq!(there.code, "file-not-shared");
    assert_eq!(there, not_there, "whether it is there is not told");
    let share = ana.files.share(eve.id, &[file]);
    assert_eq!(refused(&eve, file).await.code, "file-not-shared", "she is not paired");
    assert_eq!(refused(&ben, file).await.code, "file-not-shared", "it is for another");
    drop(share);
    let (first, second) = (ana.files.share(ben.id, &[file]), ana.files.share(ben.id, &[file]));
    drop(first);
    ben.fetch(file, &[&ana]).await.unwrap();
    drop(second);
    let other = Wanted { blob: file.blob, size: file.size };
    std::fs::remove_file(ben.blobs.path(file.blob).await.unwrap()).unwrap();
    assert_eq!(refused(&ben, other).await.code, "file-not-shared", "both calls are over");
}

#[tokio::test]
async fn what_came_before_it_broke_off_is_not_sent_again() {
    let (at, there) = (address(), address());
    let ana = Node::new(6, &at, &[(7, &there)]).await;
    let ben = Node::new(7, &there, &[(6, &at)]).await;
    let whole = bytes(5 << 20);
    let file = ana.keep(&whole).await;
    let _share = ana.files.share(ben.id, &[file]);
    let incoming = ben.dir.path().join("incoming");
    {
        let (partial, missing) = Partial::open(&incoming, file).unwrap();
        assert_eq!(missing, ChunkRanges::from(..bao_tree::ChunkNum(5 << 10)));
        let partial = Arc::new(partial);
        let net = ben.files.net.clone();
        let stream = net.open(ana.id, flowork_protocol::peer::files::PROTOCOL, vec![at.parse().unwrap()]);
        let mut left = 0..(2 << 10);
        fetch::read_piece(stream.await.unwrap(), file, &mut left, &partial, &|_| {}).await.unwrap();
        assert_eq!(left, 2_048..2_048);
    }
    // As after a crash: a part of what came was never written.
    let place = incoming.join(file.blob.to_string());
    let begun = std::fs::OpenOptions::new().write(true).open(&place).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&begun, &[0; 40_000], 100_000).unwrap();
    let came = AtomicU64::new(0);
    let count = |bytes| {
        came.fetch_add(bytes, Ordering::Relaxed);
    };
    ben.files.fetch_all(&[file], &[ana.id], &count).await.unwrap();
    assert_eq!(ben.blobs.get(file.blob).await.unwrap(), whole);
    let came = came.into_inner();
    assert!((3 << 20..(3 << 20) + 100_000).contains(&came), "{came}");
}

#[tokio::test]
async fn a_file_comes_from_several_at_once_and_goes_on_without_one_that_has_it_no_more() {
    let at = [address(), address(), address()];
    let ana = Node::new(8, &at[0], &[(10, &at[2])]).await;
    let ben = Node::new(9, &at[1], &[(10, &at[2])]).await;
    let eve = Node::new(10, &at[2], &[(8, &at[0]), (9, &at[1])]).await;
    let whole = bytes(70 << 20);
    let file = ana.keep(&whole).await;
    ben.keep(&whole).await;
    // Ben says no at first; Ana brings it all.
    let share = ana.files.share(eve.id, &[file]);
    eve.fetch(file, &[&ben, &ana]).await.unwrap();
    assert_eq!(eve.blobs.get(file.blob).await.unwrap().len(), whole.len());
    drop(share);
    std::fs::remove_file(eve.blobs.path(file.blob).await.unwrap()).unwrap();
    let _shares = [ana.files.share(eve.id, &[file]), ben.files.share(eve.id, &[file])];
    eve.fetch(file, &[&ben, &ana]).await.unwrap();
    assert_eq!(eve.blobs.get(file.blob).await.unwrap(), whole);
}

#[tokio::test]
async fn what_is_not_the_file_is_not_kept() {
    let (at, there) = (address(), address());
    let ana = Node::new(11, &at, &[(12, &there)]).await;
    let ben = Node::new(12, &there, &[(11, &at)]).await;
    let file = ana.keep(&bytes(200_000)).await;
    let _share = ana.files.share(ben.id, &[file]);
    let longer = Wanted { size: 200_001, ..file };
    assert!(matches!(ben.fetch(longer, &[&ana]).await, Err(Error::Wrong(_))), "another size than was said");
    // The disk of who gives it changed a byte, after its hashes were made.
    ben.fetch(file, &[&ana]).await.unwrap();
    std::fs::remove_file(ben.blobs.path(file.blob).await.unwrap()).unwrap();
    let place = ana.blobs.path(file.blob).await.unwrap();
    let mut changed = std::fs::read(&place).unwrap();
    changed[150_000] ^= 1;
    std::fs::write(&place, changed).unwrap();
    let error = ben.fetch(file, &[&ana]).await.unwrap_err();
    assert!(matches!(error, Error::Broke(_)), "{error:?}");
    assert!(!ben.blobs.has(file.blob).await.unwrap());
}

#[test]
fn the_files_of_items_are_found_once_each() {
    let blob = BlobId::of(b"x");
    let item = format!(r#"{{"json":{{"files":{{"a":1}}}},"files":{{"one":{{"blob":"{blob}","size":1,"name":"x"}}}}}}"#);
    let named = named_in(format!("[{item},{item},{{\"json\":3}}]").as_bytes()).unwrap();
    assert_eq!(named, [Wanted { blob, size: 1 }]);
    let other = item.replace("\"size\":1", "\"size\":2");
    assert!(named_in(format!("[{item},{other}]").as_bytes()).unwrap_err().contains("two sizes"));
    assert!(named_in(b"{}").is_err());
}
