//! Frames that are none, and streams without end.

use flowork_protocol::peer::{self, files, tell};
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

/// The streams of a protocol that a stranger has, and a friend: `net/streams.rs` says so.
const STREAMS_OF_STRANGER: usize = 16;
const STREAMS_OF_FRIEND: usize = 512;
/// What a peer that is paired may say at once, and one that is not.
const FRAME_BYTES: usize = peer::FRAME_BYTES_MAX;
const STRANGERS_FRAME_BYTES: usize = 64 << 10;

fn framed(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}

/// What comes back when these bytes are said; the stream stays open at this end.
async fn say(who: &Hostile, target: &Target, protocol: &'static str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = who.open(target, protocol).await.unwrap();
    // The other end may stop listening in the middle.
    let _ = stream.write_all(bytes).await;
    let _ = stream.flush().await;
    let mut came = Vec::new();
    let _ = patiently("the stream ends", stream.read_to_end(&mut came)).await;
    came
}

async fn still_serves(target: &Target, grant: GrantId) {
    let ana = Hostile::at(ANA, target).await;
    let open = opening(200, GrantRef::Known(grant), &items("still"));
    assert_eq!(output(&ana.call(target, &open).await.unwrap()), items("still"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_claims_to_be_huge_ends_its_stream_before_it_comes() {
    let target = Target::new().await;
    let (grant, _) = target.lend().await;
    for number in [BEN, STRANGER] {
        let who = Hostile::at(number, &target).await;
        for protocol in [pair::PROTOCOL, tell::PROTOCOL, call::PROTOCOL] {
            for length in [0, u32::try_from(FRAME_BYTES).unwrap() + 1, u32::MAX] {
                // A friend may keep such a stream for ten minutes: it ends because of what it says.
                assert_eq!(say(&who, &target, protocol, &length.to_be_bytes()).await, b"", "{protocol} {length}");
            }
        }
    }
    still_serves(&target, grant).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_stranger_only_short_frames_are_read() {
    let target = Target::new().await;
    let request = vec![b' '; STRANGERS_FRAME_BYTES];
    let short = opening(1, GrantRef::Known(GrantId([0; 32])), &items("short"));
    let long = opening(1, GrantRef::Known(GrantId([0; 32])), &request);
    let stranger = Hostile::at(STRANGER, &target).await;
    assert_eq!(stranger.refused(&target, &short).await, "not-paired");
    assert!(stranger.call(&target, &long).await.is_err(), "it is not even answered");
    let ben = Hostile::at(BEN, &target).await;
    assert_eq!(ben.refused(&target, &long).await, "grant-unknown", "a friend's is read");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_nested_without_end_harm_nobody() {
    let target = Target::new().await;
    let (grant, _) = target.lend().await;
    for (number, most) in [(BEN, FRAME_BYTES), (STRANGER, STRANGERS_FRAME_BYTES)] {
        let who = Hostile::at(number, &target).await;
        for protocol in [pair::PROTOCOL, tell::PROTOCOL, call::PROTOCOL, files::PROTOCOL] {
            let length = if protocol == call::PROTOCOL { most } else { STRANGERS_FRAME_BYTES };
            // Arrays in arrays, of known and of unknown length; and such an array where a field is that nobody knows.
            let unknown_field = [&[0x82, 0x00, 0x81, 0xa1, 0x18, 0x63][..], &vec![0x81; length - 7], &[0x00]].concat();
            let tagged = [&[0x82, 0x00, 0x81, 0xa1, 0x18, 0x63][..], &vec![0xc1; length - 7], &[0x00]].concat();
            for body in [vec![0x81; length], vec![0x9f; length], vec![0xbf; length], unknown_field, tagged] {
                assert!(body.len() <= length);
                // Whatever it answers, it is a word of ours and no end of the node.
                say(&who, &target, protocol, &framed(&body)).await;
            }
        }
    }
    let ana = Hostile::at(ANA, &target).await;
    for call in 1..3 {
        let deep = "[".repeat(call::REQUEST_INLINE_BYTES_MAX - 64);
        let request = if call == 1 { deep } else { format!(r#"[{{"json":{deep}"#) };
        let open = opening(u8::try_from(call).unwrap(), GrantRef::Known(grant), request.as_bytes());
        assert_eq!(ana.refused(&target, &open).await, "request-invalid");
    }
    still_serves(&target, grant).await;
}

/// Opens streams for calls, one after the other: opened at once, most would be lost on their way to whoever serves them.
async fn open_streams(who: &Hostile, target: &Target, count: usize) -> Vec<Stream> {
    let mut opened = Vec::new();
    for _ in 0..count {
        opened.extend(who.open(target, call::PROTOCOL).await);
    }
    opened
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_a_peer_opens_without_end_are_so_many_and_others_are_served_meanwhile() {
    let target = Target::new().await;
    let (grant, _) = target.lend().await;
    let stranger = Hostile::at(STRANGER, &target).await;
    let opened = open_streams(&stranger, &target, 4 * STREAMS_OF_STRANGER).await;
    // Each of them was taken or dropped when this is answered; none has said anything yet.
    assert!(stranger.is_let_in(&target).await);
    let answered = join_all(opened.into_iter().map(async |stream| {
        let (mut reader, mut writer) = frames::split(stream);
        let open = opening(1, GrantRef::Known(grant), &items("x"));
        let said = writer.write(&Frame::Open(Box::new(open))).await;
        said.is_ok() && matches!(reader.next_within::<Frame>(PATIENCE).await, Ok(Frame::Reject(_)))
    }));
    let answered = answered.await.into_iter().filter(|is_answered| *is_answered).count();
    assert!(answered <= STREAMS_OF_STRANGER, "{answered}");
    // A friend's silent streams are kept for ten minutes. Of more than it may have, over several connections, some are dropped.
    let ben = Hostile::at(BEN, &target).await;
    for _ in 0..3 {
        ben.connect(target.id, &target.tcp).await.unwrap();
    }
    let held = open_streams(&ben, &target, STREAMS_OF_FRIEND + 100).await;
    let (opened, mut ended) = (held.len(), FuturesUnordered::new());
    assert!(opened > STREAMS_OF_FRIEND, "{opened}");
    for mut stream in held {
        ended.push(async move { drop(stream.read(&mut [0; 1]).await) });
    }
    for _ in STREAMS_OF_FRIEND..opened {
        patiently("a stream is dropped", ended.next()).await.unwrap();
    }
    still_serves(&target, grant).await;
    // As many as the multiplexer carries and more, at once: the connection may be lost over that, and nothing else.
    let flood = join_all((0..2_000).map(|_| ben.open(&target, call::PROTOCOL))).await;
    still_serves(&target, grant).await;
    drop((ended, flood));
}
