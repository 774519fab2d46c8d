use flowork_ports::mesh::{GrantLimits, Lend, NewGrant};
use flowork_protocol::grant::Capability;
use flowork_protocol::peer::call::{Data, GrantRef};
use flowork_protocol::peer::pair::Introduction;
use flowork_protocol::receipt;
use serde_json::json;
use tokio::io::DuplexStream;

use super::*;
use crate::Seed;
use crate::testing::{CountingModel, Folder, Jobs, MemoryTable, ToldMachine, address, memory_net, offers};

mod passing;

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const ANA: u8 = 2;
const BEN: u8 = 3;
const STRANGER: u8 = 9;

fn keeper(seed: u8) -> Keeper {
    Keeper::new(&Seed::new([seed; 32]))
}

/// A node that lends `run:echo` and `run:hangs` to Ana, and is paired with Ben too.
struct Lender {
    provider: Arc<Provider>,
    table: Arc<MemoryTable>,
    jobs: Jobs,
    model: Arc<CountingModel>,
    machine: Arc<ToldMachine>,
    grant: GrantId,
    _dir: tempfile::TempDir,
}

impl Lender {
    async fn new(limits: GrantLimits) -> Self {
        let table = Arc::new(MemoryTable::default());
        let machine = Arc::new(ToldMachine::default());
        let shared: Arc<dyn MeshTable> = table.clone();
        let me = keeper(1);
        let jobs = Jobs::default();
        let contacts = Arc::new(Contacts::load(&shared).await.unwrap());
        for (seed, name) in [(ANA, "Ana"), (BEN, "Ben")] {
            let said = Introduction { name: name.to_owned(), certificates: Vec::new(), addresses: Vec::new() };
            contacts.pair(keeper(seed).node_id(), &said, None, Vec::new(), NOW, Vec::new()).await.unwrap();
        }
        let persons = Arc::new(Persons::load(me.node_id(), &shared).await.unwrap());
        let lending = Arc::new(Lending::load(&shared, machine.clone()).await.unwrap());
        lending.lend(Lend { engine: "box".to_owned(), offers: offers(), concurrent: None }, NOW).await.unwrap();
        let grants = Arc::new(Grants::load(me.node_id(), &shared).await.unwrap());
        let ask = NewGrant {
            to: "Ana".to_owned(),
            engine: "box".to_owned(),
            can: vec![Capability::run("echo"), Capability::run("hangs"), chat()],
            limits,
            until: NOW.plus_ms(60_000),
            depth: 1,
            renews: false,
            request: None,
        };
        let kept = grants.give(&me, (&contacts.named("ana").unwrap(), None), &ask, [5; 16], NOW).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let net = memory_net(&Seed::new([1; 32]), &address(), CancellationToken::new());
        let blobs = Arc::new(Folder::new(dir.path().join("blobs")));
        let files = Files::new(blobs, dir.path().join("incoming"), contacts.clone(), net).unwrap();
        let model = Arc::new(CountingModel::default());
        let provider = Arc::new(Provider {
            me: me.node_id(),
            keeper: me,
            contacts,
            persons,
            grants,
            lending,
            meter: Mutex::default(),
            served: Records::load("served", shared.clone()).await.unwrap(),
            held: Records::load("held-call", shared.clone()).await.unwrap(),
            energy: Energy::load(&shared).await.unwrap(),
            table: shared,
            inbox: Arc::new(jobs.clone()),
            reader: Arc::new(jobs.clone()),
            followers: Followers::new(Arc::new(jobs.clone()), jobs.bell.clone()),
            clock: Arc::new(|| NOW),
            files: Arc::new(files),
            models: model.clone(),
            given: Mutex::default(),
            calls: Mutex::default(),
            requests: Room::default(),
            refusals: Noted::default(),
            patience: Patience::default(),
            stop: CancellationToken::new(),
        });
        Self { provider, table, jobs, model, machine, grant: kept.id, _dir: dir }
    }

    /// A stream that `peer` opened.
    fn stream_of(&self, peer: u8) -> Halves<DuplexStream> {
        let (one, other) = tokio::io::duplex(64 << 10);
        tokio::spawn(self.provider.clone().serve(keeper(peer).node_id(), other));
        frames::split(one)
    }

    fn open(&self, call: u8, preset: &str, request: &[u8]) -> Open {
        Open {
            call: CallId([call; 16]),
            grant: GrantRef::Known(self.grant),
            engine: "box".to_owned(),
            capability: Capability::run(preset),
            deadline_ms: 1_000,
            resume_from: 0,
            certificates: Vec::new(),
            request_bytes: request.len() as u64,
            request_hash: *blake3::hash(request).as_bytes(),
            request: None,
        }
    }

    /// Opens a call as `peer` and sends its request when that is asked for; gives what comes then.
    async fn call(&self, peer: u8, open: &Open, request: &[u8]) -> Vec<Frame> {
        let (mut reader, mut writer) = self.stream_of(peer);
        writer.write(&Frame::Open(Box::new(open.clone()))).await.unwrap();
        let mut came = Vec::new();
        while let Ok(frame) = reader.next::<Frame>().await {
            if matches!(&frame, Frame::Accept(accept) if !accept.has_request) {
                let data = Data { seq: 0, bytes: request.to_vec(), is_last: true };
                writer.write(&Frame::Data(data)).await.unwrap();
            }
            let is_over = matches!(frame, Frame::End(_) | Frame::Reject(_));
            came.push(frame);
            if is_over {
                break;
            }
        }
        came
    }
}

fn chat() -> Capability {
    Capability("chat".to_owned())
}

fn items() -> Vec<u8> {
    json!([{ "json": { "n": 1 } }]).to_string().into_bytes()
}

fn rejected(frames: &[Frame]) -> &str {
    match frames.last() {
        Some(Frame::Reject(refusal)) => &refusal.code,
        other => panic!("it was not rejected: {other:?}"),
    }
}

fn output(frames: &[Frame]) -> Vec<u8> {
    let pieces = frames.iter().filter_map(|frame| match frame {
        Frame::Data(data) => Some(data.bytes.clone()),
        _ => None,
    });
    pieces.collect::<Vec<_>>().concat()
}

#[tokio::test]
async fn a_call_gives_its_output_and_a_receipt_that_holds() {
    let lender = Lender::new(GrantLimits::default()).await;
    let open = lender.open(1, "echo", &items());
    let came = lender.call(ANA, &open, &items()).await;
    assert_eq!(output(&came), items());
    let Some(Frame::End(end)) = came.last() else { panic!("no end: {came:?}") };
    let known = receipt::Known {
        provider: keeper(1).node_id(),
        caller: keeper(ANA).node_id(),
        call: open.call,
        grant: lender.grant,
        engine: "box",
        capability: &open.capability,
        request_hash: open.request_hash,
        output_hash: Some(*blake3::hash(&items()).as_bytes()),
    };
    let receipt = receipt::check(&end.receipt, &known).unwrap();
    assert_eq!(receipt.usage.bytes_in, items().len() as u64);
    let submitted = lock(&lender.jobs.submitted).clone();
    assert!(submitted[0].keyed && submitted[0].variables.is_empty() && submitted[0].priority < 0);
}

#[tokio::test]
async fn a_short_request_goes_with_the_call_and_is_checked_as_any_other() {
    let lender = Lender::new(GrantLimits::default()).await;
    let open = |call, said: Vec<u8>| Open { request: Some(said), ..lender.open(call, "echo", &items()) };
    let came = lender.call(ANA, &open(1, items()), &[]).await;
    assert!(matches!(came.first(), Some(Frame::Accept(accept)) if accept.has_request), "{came:?}");
    assert_eq!(output(&came), items());
    let mut changed = items();
    changed[3] = b'x';
    assert_eq!(rejected(&lender.call(ANA, &open(2, changed), &[]).await), "request-changed");
    assert_eq!(rejected(&lender.call(ANA, &open(3, vec![1]), &[]).await), "protocol");
    assert_eq!(lock(&lender.jobs.submitted).len(), 1);
}

#[tokio::test]
async fn whoever_is_not_paired_is_refused() {
    let lender = Lender::new(GrantLimits::default()).await;
    let came = lender.call(STRANGER, &lender.open(1, "echo", &items()), &items()).await;
    assert_eq!(rejected(&came), "not-paired");
    assert!(lock(&lender.table.decisions).iter().all(|one| one.kind != "call-refused"), "strangers fill no disk");
}

#[tokio::test]
async fn a_friend_with_the_grant_of_another_friend_is_refused_and_that_is_written_down() {
    let lender = Lender::new(GrantLimits::default()).await;
    let came = lender.call(BEN, &lender.open(1, "echo", &items()), &items()).await;
    assert_eq!(rejected(&came), "grant-not-yours");
    let decisions = lock(&lender.table.decisions);
    assert!(decisions.last().unwrap().text.starts_with("Ben was refused run:echo of the engine box"), "{decisions:?}");
}

#[tokio::test]
async fn a_grant_that_this_node_did_not_write_down_is_refused_although_its_key_signed_it() {
    let lender = Lender::new(GrantLimits::default()).await;
    let chain = lender.provider.grants.given_chain(lender.grant).unwrap();
    let mut grant: flowork_protocol::grant::Grant =
        flowork_protocol::grant::Chain::from_bytes(&chain).unwrap().links()[0].peek().unwrap();
    grant.nonce = [6; 16];
    let stolen = flowork_protocol::grant::Chain::of(keeper(1).state(&grant).unwrap());
    let open = Open { grant: GrantRef::Chain(stolen.to_bytes()), ..lender.open(1, "echo", &items()) };
    assert_eq!(rejected(&lender.call(ANA, &open, &items()).await), "grant-unknown");
}

#[tokio::test]
async fn what_is_not_granted_or_not_lent_is_refused() {
    let lender = Lender::new(GrantLimits::default()).await;
    let other = lender.open(1, "other", &items());
    assert_eq!(rejected(&lender.call(ANA, &other, &items()).await), "grant-not-allowed");
    lender.provider.lending.unlend("box", Some(&Capability::run("echo")), NOW).await.unwrap();
    let gone = lender.open(2, "echo", &items());
    assert_eq!(rejected(&lender.call(ANA, &gone, &items()).await), "engine-gone");
}

#[tokio::test]
async fn a_request_that_is_not_what_was_announced_is_refused_and_takes_no_place() {
    let limits = GrantLimits { concurrent: Some(1), ..GrantLimits::default() };
    let lender = Lender::new(limits).await;
    let open = lender.open(1, "echo", &items());
    let other = json!([{ "json": { "n": 2 } }]).to_string().into_bytes();
    assert_eq!(rejected(&lender.call(ANA, &open, &other).await), "request-changed");
    let longer = json!([{ "json": { "n": 1, "more": true } }]).to_string().into_bytes();
    assert_eq!(rejected(&lender.call(ANA, &open, &longer).await), "protocol");
    assert!(lock(&lender.jobs.submitted).is_empty());
    assert_eq!(output(&lender.call(ANA, &open, &items()).await), items());
}

#[tokio::test]
async fn what_is_no_list_of_items_is_refused() {
    let lender = Lender::new(GrantLimits::default()).await;
    let open = lender.open(1, "echo", b"{");
    assert_eq!(rejected(&lender.call(ANA, &open, b"{").await), "request-invalid");
}

fn with_file(size: u64) -> Vec<u8> {
    let file = json!({ "blob": "ab".repeat(32), "size": size, "name": "../../etc/passwd" });
    json!([{ "json": {}, "files": { "a": file } }]).to_string().into_bytes()
}

#[tokio::test]
async fn a_call_whose_files_never_come_does_not_begin() {
    let lender = Lender::new(GrantLimits::default()).await;
    let request = with_file(1);
    let open = lender.open(1, "echo", &request);
    let came = lender.call(ANA, &open, &request).await;
    let Some(Frame::End(end)) = came.last() else { panic!("{came:?}") };
    assert_eq!(end.failure.as_ref().map(|refusal| refusal.code.as_str()), Some("late"));
    assert!(lock(&lender.jobs.submitted).is_empty());
}

#[tokio::test]
async fn the_bytes_of_files_count() {
    let lender = Lender::new(GrantLimits { bytes_per_day: Some(1_000), ..GrantLimits::default() }).await;
    let request = with_file(1_000);
    let open = lender.open(1, "echo", &request);
    assert_eq!(rejected(&lender.call(ANA, &open, &request).await), "limit-reached");
    let open = lender.open(2, "echo", &items());
    assert_eq!(output(&lender.call(ANA, &open, &items()).await), items(), "nothing was charged for it");
}

#[tokio::test]
async fn the_same_call_opened_again_runs_once_and_gives_the_same() {
    let lender = Lender::new(GrantLimits { calls_per_hour: Some(1), ..GrantLimits::default() }).await;
    let open = lender.open(1, "echo", &items());
    for _ in 0..3 {
        assert_eq!(output(&lender.call(ANA, &open, &items()).await), items());
    }
    // As after a restart: it is in memory no more.
    lock(&lender.provider.calls).clear();
    let came = lender.call(ANA, &open, &items()).await;
    assert_eq!(output(&came), items(), "{came:?}");
    assert_eq!(lock(&lender.jobs.submitted).len(), 1);
    let other = json!([]).to_string().into_bytes();
    assert_eq!(rejected(&lender.call(ANA, &lender.open(1, "echo", &other), &other).await), "call-reused");
}

#[tokio::test]
async fn a_call_that_was_signed_for_is_forgotten_and_never_runs_again() {
    let lender = Lender::new(GrantLimits::default()).await;
    let open = lender.open(1, "echo", &items());
    let came = lender.call(ANA, &open, &items()).await;
    let Some(Frame::End(end)) = came.last() else { panic!("no end: {came:?}") };
    let signature = keeper(ANA).sign(COUNTERSIGN_DOMAIN, end.receipt.bytes()).unwrap();
    let ana = keeper(ANA).node_id();
    let forged = vec![Countersigned { call: open.call, signature: [7; 64] }];
    lender.provider.countersigned(ana, forged).await.unwrap();
    assert!(lender.provider.served.get(&key(ana, open.call)).is_some(), "a forged signature ends nothing");
    let said = vec![Countersigned { call: open.call, signature }];
    lender.provider.countersigned(keeper(BEN).node_id(), said.clone()).await.unwrap();
    assert!(lender.provider.served.get(&key(ana, open.call)).is_some(), "nobody signs for another");
    lender.provider.countersigned(ana, said).await.unwrap();
    assert!(lender.provider.served.get(&key(keeper(ANA).node_id(), open.call)).is_none());
    let stored = lender.table.receipt(true, keeper(ANA).node_id(), open.call).await.unwrap().unwrap();
    assert_eq!(stored.countersignature, Some(signature.to_vec()));
    lock(&lender.provider.calls).clear();
    assert_eq!(rejected(&lender.call(ANA, &open, &items()).await), "call-over");
    assert_eq!(lock(&lender.jobs.submitted).len(), 1);
}

#[tokio::test]
async fn a_grant_that_is_taken_back_ends_the_call_that_runs_under_it() {
    let lender = Lender::new(GrantLimits::default()).await;
    let open = lender.open(1, "hangs", &items());
    let (mut reader, mut writer) = lender.stream_of(ANA);
    writer.write(&Frame::Open(Box::new(open))).await.unwrap();
    let mut end = None;
    while end.is_none() {
        match reader.next::<Frame>().await.unwrap() {
            Frame::Accept(_) => {
                let data = Data { seq: 0, bytes: items(), is_last: true };
                writer.write(&Frame::Data(data)).await.unwrap();
            }
            Frame::Progress(progress) if progress.kind == "begun" => {
                let why = Refusal::new("grant-revoked", "the grant was taken back by its owner");
                assert_eq!(lender.provider.end_under(lender.grant, &why), 1);
            }
            Frame::End(done) => end = done.failure,
            _ => {}
        }
    }
    assert_eq!(end.unwrap().code, "grant-revoked");
}

#[tokio::test]
async fn limits_are_refused_with_when_to_come_back() {
    let lender = Lender::new(GrantLimits { calls_per_hour: Some(1), ..GrantLimits::default() }).await;
    lender.call(ANA, &lender.open(1, "echo", &items()), &items()).await;
    let came = lender.call(ANA, &lender.open(2, "echo", &items()), &items()).await;
    let Some(Frame::Reject(refusal)) = came.last() else { panic!("it was let in: {came:?}") };
    assert_eq!(refusal.message, "the grant allows 1 call per hour");
    assert!(refusal.retry_after_ms.is_some_and(|ms| ms > 3_000_000), "{refusal:?}");
}

#[tokio::test]
async fn a_call_that_takes_longer_than_its_caller_waits_is_ended() {
    let lender = Lender::new(GrantLimits::default()).await;
    let open = Open { deadline_ms: 30, ..lender.open(1, "hangs", &items()) };
    let came = lender.call(ANA, &open, &items()).await;
    let Some(Frame::End(end)) = came.last() else { panic!("no end: {came:?}") };
    assert_eq!(end.failure.as_ref().unwrap().code, "late");
}

#[test]
fn refusals_of_one_kind_are_written_down_once_a_minute() {
    let (noted, ana) = (Noted::default(), keeper(ANA).node_id());
    assert!(noted.is_news(ana, "limit-reached", NOW));
    assert!(!noted.is_news(ana, "limit-reached", NOW.plus_ms(59_000)));
    assert!(noted.is_news(ana, "grant-revoked", NOW.plus_ms(59_000)));
    assert!(noted.is_news(keeper(BEN).node_id(), "limit-reached", NOW));
    assert!(noted.is_news(ana, "limit-reached", NOW.plus_ms(120_000)));
}

#[test]
fn requests_have_so_much_room_together() {
    let room = Room::default();
    let held: Vec<_> = (0..4).map(|_| room.take(64 << 20).unwrap()).collect();
    assert!(room.take(1).is_none());
    drop(held);
    assert!(room.take(1).is_some());
}

#[tokio::test]
async fn garbage_and_frames_out_of_turn_end_the_stream_and_nothing_else() {
    use tokio::io::AsyncWriteExt as _;
    let lender = Lender::new(GrantLimits::default()).await;
    for bytes in [vec![0xff; 64], vec![0, 0, 0, 0], vec![0, 0, 0, 3, 0x82, 0x18, 0x63]] {
        let (mut one, other) = tokio::io::duplex(64 << 10);
        let serving = tokio::spawn(lender.provider.clone().serve(keeper(ANA).node_id(), other));
        one.write_all(&bytes).await.unwrap();
        serving.await.unwrap();
    }
    let (mut reader, mut writer) = lender.stream_of(ANA);
    writer.write(&Frame::Pong(0)).await.unwrap();
    assert!(matches!(reader.next::<Frame>().await, Ok(Frame::Reject(_))));
}

#[path = "hold_tests.rs"]
mod policies;

mod models {
    use flowork_protocol::chat::Answer;

    use super::*;

    /// A question, whose answer is taken from piece `resume_from` on.
    fn open(lender: &Lender, call: u8, asked: &str, resume_from: u64) -> (Open, Vec<u8>) {
        let request = json!({ "messages": [{ "role": "user", "content": asked }] }).to_string().into_bytes();
        let open = lender.open(call, "echo", &request);
        (Open { capability: chat(), resume_from, request: Some(request.clone()), ..open }, request)
    }

    fn ended(came: &[Frame]) -> (Option<&str>, Usage) {
        let Some(Frame::End(end)) = came.last() else { panic!("no end: {came:?}") };
        let receipt: Receipt = end.receipt.open(keeper(1).node_id()).unwrap();
        (end.failure.as_ref().map(|refusal| refusal.code.as_str()), receipt.usage)
    }

    #[tokio::test]
    async fn an_answer_comes_in_its_pieces_with_a_receipt_that_counts_tokens() {
        let lender = Lender::new(GrantLimits::default()).await;
        let (open, request) = open(&lender, 1, "3", 0);
        let came = lender.call(ANA, &open, &request).await;
        let pieces = came.iter().filter(|frame| matches!(frame, Frame::Data(data) if !data.bytes.is_empty())).count();
        let answer = Answer::of_output(&output(&came)).unwrap();
        assert_eq!((pieces, answer.text.as_str()), (4, "w0 w1 w2 "));
        let (failure, usage) = ended(&came);
        assert_eq!((failure, usage.tokens_in, usage.tokens_out), (None, 5, 3));
        assert_eq!(usage.bytes_out, output(&came).len() as u64);
        let used = lock(&lender.provider.meter).used(lender.grant, NOW);
        assert_eq!((used.tokens_today, used.running), (8, 0));
    }

    #[tokio::test]
    async fn an_answer_is_taken_up_where_it_broke_off_and_the_model_is_asked_once() {
        let lender = Lender::new(GrantLimits::default()).await;
        let (all, request) = open(&lender, 1, "5", 0);
        let whole = output(&lender.call(ANA, &all, &request).await);
        for is_in_memory in [true, false] {
            if !is_in_memory {
                lock(&lender.provider.calls).clear();
            }
            let rest = lender.call(ANA, &open(&lender, 1, "5", 2).0, &request).await;
            let skipped = whole.split_inclusive(|byte| *byte == b'\n').take(2).map(<[u8]>::len).sum::<usize>();
            assert_eq!(output(&rest), whole[skipped..], "in memory: {is_in_memory}");
            let Some(Frame::Data(first)) = rest.iter().find(|frame| matches!(frame, Frame::Data(_))) else {
                panic!("{rest:?}")
            };
            assert_eq!(first.seq, 2);
        }
        assert_eq!(lock(&lender.model.asked).len(), 1);
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_is_charged_for_what_was_said() {
        let lender = Lender::new(GrantLimits::default()).await;
        let (open, request) = open(&lender, 1, "2 and breaks", 0);
        let came = lender.call(ANA, &open, &request).await;
        assert_eq!(Answer::of_output(&output(&came)).unwrap().text, "w0 w1 ");
        let (failure, usage) = ended(&came);
        assert_eq!((failure, usage.tokens_out), (Some("model-broke"), 2));
        assert_eq!(usage.bytes_out, output(&came).len() as u64);
    }

    #[tokio::test]
    async fn a_grant_that_is_taken_back_ends_the_answer_in_the_middle() {
        let lender = Lender::new(GrantLimits::default()).await;
        let (open, _) = open(&lender, 1, "1 and hangs", 0);
        let (mut reader, mut writer) = lender.stream_of(ANA);
        writer.write(&Frame::Open(Box::new(open))).await.unwrap();
        let failure = loop {
            match reader.next::<Frame>().await.unwrap() {
                Frame::Data(data) if !data.bytes.is_empty() => {
                    let why = Refusal::new("grant-revoked", "the grant was taken back by its owner");
                    assert_eq!(lender.provider.end_under(lender.grant, &why), 1);
                }
                Frame::End(end) => break end.failure,
                _ => {}
            }
        };
        assert_eq!(failure.unwrap().code, "grant-revoked");
    }

    #[tokio::test]
    async fn the_model_writes_no_more_than_the_grant_has_left() {
        let lender = Lender::new(GrantLimits { tokens_per_day: Some(100), ..GrantLimits::default() }).await;
        let (first, request) = open(&lender, 1, "30 and hangs", 0);
        let (mut reader, mut writer) = lender.stream_of(ANA);
        writer.write(&Frame::Open(Box::new(first))).await.unwrap();
        while !matches!(reader.next::<Frame>().await.unwrap(), Frame::Data(_)) {}
        // What may be read at most is a byte a token, and a little for the template.
        assert_eq!(*lock(&lender.model.asked), [Some(100 - 28)]);
        let (second, request_two) = open(&lender, 2, "1", 0);
        let came = lender.call(ANA, &second, &request_two).await;
        let Some(Frame::Reject(refusal)) = came.last() else { panic!("it was let in: {came:?}") };
        assert!(refusal.code == "limit-reached" && refusal.message.contains("0 left"), "{refusal:?}");
        drop(request);
    }

    #[tokio::test]
    async fn a_model_that_writes_on_is_cut_off() {
        let lender = Lender::new(GrantLimits { tokens_per_day: Some(100), ..GrantLimits::default() }).await;
        let (open, request) = open(&lender, 1, "500", 0);
        let came = lender.call(ANA, &open, &request).await;
        let (failure, usage) = ended(&came);
        assert_eq!(failure, Some("limit-reached"));
        let may_write = 100 - usage.tokens_in;
        assert!((may_write..=2 * may_write + 1).contains(&usage.tokens_out), "{usage:?}");
    }

    #[tokio::test]
    async fn what_a_model_may_have_read_is_charged_although_it_said_nothing() {
        let lender = Lender::new(GrantLimits::default()).await;
        let (first, _) = open(&lender, 1, "0 and hangs", 0);
        let (mut reader, mut writer) = lender.stream_of(ANA);
        writer.write(&Frame::Open(Box::new(first))).await.unwrap();
        while !matches!(reader.next::<Frame>().await.unwrap(), Frame::Progress(line) if line.kind == "begun") {}
        // It is asked right after these words.
        while lock(&lender.model.asked).is_empty() {
            tokio::task::yield_now().await;
        }
        writer.write(&Frame::Cancel("enough".to_owned())).await.unwrap();
        while !matches!(reader.next::<Frame>().await.unwrap(), Frame::End(_)) {}
        assert_eq!(lock(&lender.provider.meter).used(lender.grant, NOW).tokens_today, 11 + 16);
    }

    #[tokio::test]
    async fn what_is_no_chat_is_refused_and_costs_nothing() {
        let lender = Lender::new(GrantLimits { calls_per_hour: Some(9), ..GrantLimits::default() }).await;
        let request = items();
        let open = Open { capability: chat(), ..lender.open(1, "echo", &request) };
        assert_eq!(rejected(&lender.call(ANA, &open, &request).await), "request-invalid");
        assert_eq!(lock(&lender.provider.meter).used(lender.grant, NOW).running, 0);
        assert!(lock(&lender.model.asked).is_empty());
    }

    #[tokio::test]
    async fn an_answer_that_a_restart_cut_off_fails_by_name_and_is_not_asked_for_again() {
        let lender = Lender::new(GrantLimits::default()).await;
        let (open, request) = open(&lender, 1, "1 and hangs", 0);
        let (mut reader, mut writer) = lender.stream_of(ANA);
        writer.write(&Frame::Open(Box::new(open.clone()))).await.unwrap();
        while !matches!(reader.next::<Frame>().await.unwrap(), Frame::Data(_)) {}
        // As after a restart.
        lock(&lender.provider.calls).clear();
        lender.provider.resume();
        // Its caller has a piece more than this process.
        let came = lender.call(ANA, &Open { resume_from: 1, ..open }, &request).await;
        assert!(came.iter().all(|frame| !matches!(frame, Frame::Data(_))), "{came:?}");
        assert_eq!(ended(&came).0, Some("engine-restarted"));
        assert_eq!(lock(&lender.model.asked).len(), 1);
    }
}
