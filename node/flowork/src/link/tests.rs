use std::sync::atomic::AtomicUsize;

use futures::StreamExt as _;
use tokio::sync::Notify;

use super::*;

/// Answers with the body it was sent; waits first where it is told to.
#[derive(Default)]
struct Echo {
    waits: Option<Arc<Notify>>,
    served: AtomicUsize,
    notices: Mutex<Vec<(Verb, Vec<u8>)>>,
}

#[async_trait]
impl Serve for Echo {
    async fn call(&self, _: Party, _: Verb, body: Vec<u8>) -> Result<Vec<u8>, Refusal> {
        self.served.fetch_add(1, Ordering::Relaxed);
        if let Some(waits) = &self.waits {
            waits.notified().await;
        }
        Ok(body)
    }

    fn notice(&self, verb: Verb, body: Vec<u8>) {
        lock(&self.notices).push((verb, body));
    }
}

/// A link of the gateway whose other end is docs, with the two names exchanged as the supervisor would.
fn pair(docs: Arc<Echo>) -> (Link, Link, JoinHandle<Result<(), Error>>) {
    let (ours, to_ours) = UnixStream::pair().unwrap();
    let (theirs, to_theirs) = UnixStream::pair().unwrap();
    let (gateway, ended) = open(ours, Party::Gateway, 7, Arc::new(Echo::default()));
    let (docs, _) = open(theirs, Party::Docs, 7, docs);
    tokio::spawn(carry(to_ours, Party::Gateway, to_theirs, Party::Docs));
    (gateway, docs, ended)
}

/// What the supervisor does between two roles.
async fn carry(one: UnixStream, one_is: Party, two: UnixStream, two_is: Party) {
    let ((one_reads, one_writes), (two_reads, two_writes)) = (one.into_split(), two.into_split());
    let way = |reader, writer, from: Party, to: Party| async move {
        let (out, frames) = mpsc::channel(FRAMES_WAITING_MAX);
        let writing = tokio::spawn(write_frames(writer, frames));
        let mut frames = Frames::of(reader);
        while let Ok(Some(mut frame)) = frames.next().await {
            if let Frame::Call { peer, .. } | Frame::Reply { peer, .. } | Frame::Refused { peer, .. } = &mut frame {
                assert_eq!(*peer, to);
                *peer = from;
            }
            out.send(frame).await.unwrap();
        }
        writing.abort();
    };
    tokio::join!(way(one_reads, two_writes, one_is, two_is), way(two_reads, one_writes, two_is, one_is));
}

#[tokio::test]
async fn bodies_of_any_length_come_back_whole() {
    let (gateway, _docs, _) = pair(Arc::default());
    for length in [0, 1, PART_BYTES_MAX, PART_BYTES_MAX + 1, 5 << 20] {
        let body: Vec<u8> = (0..length).map(|at| at as u8).collect();
        let answer = gateway.call(Party::Docs, Verb::Documents, body.clone()).await.unwrap();
        assert!(answer == body, "{length} bytes");
    }
}

#[tokio::test]
async fn many_calls_at_once_each_get_their_own_answer() {
    let (gateway, _docs, _) = pair(Arc::default());
    let calls = (0..40_u32).map(|number| {
        let gateway = gateway.clone();
        async move {
            let body = number.to_le_bytes().repeat(100_000);
            assert!(gateway.call(Party::Docs, Verb::Documents, body.clone()).await.unwrap() == body);
        }
    });
    futures::future::join_all(calls).await;
}

#[tokio::test]
async fn two_parties_that_both_send_much_do_not_stop_each_other() {
    let (one, other) = UnixStream::pair().unwrap();
    // Both ends are the same party here: what counts is that neither reader waits for its writer.
    let (kernel, _) = open(one, Party::Mesh, 1, Arc::new(Echo::default()));
    let (mesh, _) = open(other, Party::Mesh, 1, Arc::new(Echo::default()));
    let much = vec![7; 20 << 20];
    let send = |link: Link, body: Vec<u8>| async move {
        // Not allowed: what comes back is a refusal, after all the parts have gone over.
        link.call(Party::Mesh, Verb::Documents, body).await
    };
    let (first, second) = tokio::join!(send(kernel, much.clone()), send(mesh, much));
    assert!(matches!(first, Err(Error::Refused(Refusal::NotAllowed { .. }))));
    assert!(matches!(second, Err(Error::Refused(Refusal::NotAllowed { .. }))));
}

#[tokio::test]
async fn what_a_role_may_not_ask_is_refused_by_the_receiver_too() {
    let docs = Arc::new(Echo::default());
    let (gateway, _docs, _) = pair(docs.clone());
    let told = gateway.call(Party::Docs, Verb::Sign, vec![1]).await;
    assert!(matches!(told, Err(Error::Refused(Refusal::NotAllowed { verb: Verb::Sign, .. }))), "{told:?}");
    assert_eq!(docs.served.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_role_that_goes_ends_the_calls_to_it() {
    let docs = Arc::new(Echo { waits: Some(Arc::new(Notify::new())), ..Echo::default() });
    let (ours, supervisor) = UnixStream::pair().unwrap();
    let (gateway, _) = open(ours, Party::Gateway, 7, docs);
    let (reader, mut writer) = supervisor.into_split();
    let call = tokio::spawn({
        let gateway = gateway.clone();
        async move { gateway.call(Party::Docs, Verb::Documents, vec![1]).await }
    });
    let mut frames = Frames::of(reader);
    assert!(matches!(frames.next().await, Ok(Some(Frame::Call { .. }))));
    let body = wire::to_body(&Party::Docs).unwrap();
    writer.write_all(&wire::encode(&Frame::Notice { verb: Verb::Down, body }).unwrap()).await.unwrap();
    let ended = call.await.unwrap();
    assert!(matches!(ended, Err(Error::Refused(Refusal::Away(Party::Docs)))), "{ended:?}");
}

#[tokio::test]
async fn a_closed_link_ends_every_call() {
    let (ours, supervisor) = UnixStream::pair().unwrap();
    let (gateway, linked) = open(ours, Party::Gateway, 7, Arc::new(Echo::default()));
    let call = tokio::spawn(async move { gateway.call(Party::Docs, Verb::Documents, vec![1]).await });
    let mut frames = Frames::of(supervisor);
    assert!(matches!(frames.next().await, Ok(Some(Frame::Call { .. }))));
    drop(frames);
    assert!(linked.await.unwrap().is_ok());
    assert!(matches!(call.await.unwrap(), Err(Error::Closed)));
}

#[tokio::test]
async fn an_oversized_length_or_garbage_ends_the_link_and_nothing_else() {
    for bytes in [u32::MAX.to_be_bytes().to_vec(), vec![0; 8], b"\0\0\0\x04junkjunk".to_vec()] {
        let (ours, mut supervisor) = UnixStream::pair().unwrap();
        let (_gateway, linked) = open(ours, Party::Gateway, 7, Arc::new(Echo::default()));
        supervisor.write_all(&bytes).await.unwrap();
        assert!(matches!(linked.await.unwrap(), Err(Error::Wire(_))), "{bytes:?}");
    }
}

#[tokio::test]
async fn more_calls_than_a_role_serves_are_refused_and_not_kept() {
    let waits = Arc::new(Notify::new());
    let docs = Arc::new(Echo { waits: Some(waits.clone()), ..Echo::default() });
    let (gateway, _docs, _) = pair(docs.clone());
    let mut calls: futures::stream::FuturesUnordered<_> =
        (0..CALLS_SERVED_MAX + 1).map(|_| gateway.call(Party::Docs, Verb::Documents, vec![1])).collect();
    // The others wait, so the first that ends is the one that found no place.
    let first = calls.next().await.unwrap();
    assert!(matches!(first, Err(Error::Refused(Refusal::Busy(Party::Docs)))), "{first:?}");
    while docs.served.load(Ordering::Relaxed) < CALLS_SERVED_MAX {
        tokio::task::yield_now().await;
    }
    waits.notify_waiters();
    while let Some(answer) = calls.next().await {
        assert!(answer.is_ok(), "{answer:?}");
    }
}

proptest::proptest! {
    #[test]
    fn whatever_comes_over_a_link_it_ends_or_goes_on_and_never_panics(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..2_000),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (ours, mut supervisor) = UnixStream::pair().unwrap();
            let (_gateway, linked) = open(ours, Party::Gateway, 7, Arc::new(Echo::default()));
            // A link that has ended takes no more bytes, which is fine.
            let _ = supervisor.write_all(&bytes).await;
            drop(supervisor);
            // Whatever was said of it, it ends without a panic.
            let _ = linked.await.unwrap();
        });
    }
}
