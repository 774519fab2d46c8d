//! Grants and calls that are somebody else's, and requests that reach for what is not theirs.

use flowork_ports::Blobs as _;
use flowork_ports::Engines as _;
use flowork_ports::engines::{EngineCall, Where};
use flowork_protocol::BlobId;
use flowork_protocol::grant::{Chain, Grant};

use super::*;
use crate::files::Wanted;

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_worth_nothing_in_the_hands_of_another() {
    let target = Target::new().await;
    let (grant, chain) = target.lend().await;
    let (ben, stranger) = (Hostile::at(BEN, &target).await, Hostile::at(STRANGER, &target).await);
    for grant in [GrantRef::Chain(chain.clone()), GrantRef::Known(grant)] {
        let open = opening(1, grant, &items("x"));
        assert_eq!(ben.refused(&target, &open).await, "grant-not-yours");
        assert_eq!(stranger.refused(&target, &open).await, "not-paired");
    }
    // By a key that was stolen: the node has written down what it gave.
    let mut forged: Grant = Chain::from_bytes(&chain).unwrap().links()[0].peek().unwrap();
    forged.aud = id_of(BEN).into();
    let forged = Chain::of(keeper(1).state(&forged).unwrap());
    let open = opening(2, GrantRef::Chain(forged.to_bytes()), &items("x"));
    assert_eq!(ben.refused(&target, &open).await, "grant-unknown");
    assert_eq!(target.ran(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_opened_again_runs_once_and_gives_nothing_to_another() {
    let target = Target::new().await;
    let (grant, _) = target.lend().await;
    let (bens, _) = target.grant("Ben", BEN).await;
    let (ana, ben) = (Hostile::at(ANA, &target).await, Hostile::at(BEN, &target).await);
    let open = opening(1, GrantRef::Known(grant), &items("Ana's secret"));
    for _ in 0..3 {
        assert_eq!(output(&ana.call(&target, &open).await.unwrap()), items("Ana's secret"));
    }
    // Over a connection of its own, as a thief of the machine's memory would.
    let again = Hostile::at(ANA, &target).await;
    assert_eq!(output(&again.call(&target, &open).await.unwrap()), items("Ana's secret"));
    assert_eq!(target.ran(), 1);
    let other = opening(1, GrantRef::Known(grant), &items("another request"));
    assert_eq!(ana.refused(&target, &other).await, "call-reused");
    // The same words of another: it is another call, and needs another grant.
    assert_eq!(ben.refused(&target, &open).await, "grant-not-yours");
    let own = Open { grant: GrantRef::Known(bens), ..opening(1, GrantRef::Known(bens), &items("Ben's")) };
    assert_eq!(output(&ben.call(&target, &own).await.unwrap()), items("Ben's"));
    assert_eq!(target.ran(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_friend_that_floods_with_refused_calls_is_told_to_wait_and_nobody_else_is() {
    let target = Target::new().await;
    let (grant, _) = target.lend().await;
    let (bens, _) = target.grant("Ben", BEN).await;
    let (ana, ben) = (Hostile::at(ANA, &target).await, Hostile::at(BEN, &target).await);
    let hangs = Open { capability: Capability::run("hangs"), ..opening(1, GrantRef::Known(bens), &items("x")) };
    let is_taken_in = async |who: &Hostile| {
        let (mut reader, mut writer) = frames::split(who.open(&target, call::PROTOCOL).await.unwrap());
        writer.write(&Frame::Open(Box::new(hangs.clone()))).await.unwrap();
        matches!(reader.next_within::<Frame>(PATIENCE).await, Ok(Frame::Accept(_)))
    };
    assert!(is_taken_in(&ben).await);
    let stolen = opening(2, GrantRef::Known(grant), &items("x"));
    let mut refusals = 0;
    let told = loop {
        match ben.call(&target, &stolen).await.unwrap().pop() {
            Some(Frame::Reject(refusal)) if refusal.code == "grant-not-yours" && refusals < 200 => refusals += 1,
            Some(Frame::Reject(refusal)) => break refusal,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((told.code.as_str(), refusals), ("refused-too-often", 120));
    let good = opening(3, GrantRef::Known(bens), &items("good"));
    assert_eq!(ben.refused(&target, &good).await, "refused-too-often", "nothing of it is read");
    assert!(is_taken_in(&ben).await, "what runs already is taken up again");
    let anas = opening(1, GrantRef::Known(grant), &items("Ana's"));
    assert_eq!(output(&ana.call(&target, &anas).await.unwrap()), items("Ana's"));
    target.pass(Duration::from_millis(told.retry_after_ms.unwrap()));
    assert_eq!(output(&ben.call(&target, &good).await.unwrap()), items("good"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_chooses_no_variable_no_version_no_model_and_has_nothing_fetched() {
    let target = Target::new().await;
    let (grant, _) = target.lend().await;
    let ana = Hostile::at(ANA, &target).await;
    let wish = json!({ "variables": { "url": "http://169.254.169.254/" }, "path": "../../secrets", "preset": "other" });
    let request = json!([{ "json": wish }]).to_string().into_bytes();
    let open = opening(1, GrantRef::Known(grant), &request);
    assert_eq!(output(&ana.call(&target, &open).await.unwrap()), request, "they are words in an item");
    let submitted = lock(&target.jobs.submitted).clone();
    assert!(submitted[0].variables.is_empty() && submitted[0].name == "echo", "{submitted:?}");
    let items_with_more = json!({ "items": [{ "json": {} }], "variables": { "a": 1 } }).to_string();
    let open = opening(2, GrantRef::Known(grant), items_with_more.as_bytes());
    assert_eq!(ana.refused(&target, &open).await, "request-invalid");
    let picture = json!({ "type": "image_url", "image_url": { "url": "http://169.254.169.254/latest/meta-data" } });
    let user = |content: serde_json::Value| json!([{ "role": "user", "content": content }]);
    for (call, chat) in [
        (3, json!({ "messages": user(json!("1")), "model": "another" })),
        (4, json!({ "messages": user(json!("1")), "server": "http://10.0.0.1:11434" })),
        (5, json!({ "messages": user(json!([picture])) })),
        (
            6,
            json!({ "messages": user(json!([{ "type": "image_url", "image_url": { "url": "file:///etc/passwd" } }])) }),
        ),
    ] {
        let asked = opening(call, GrantRef::Known(grant), chat.to_string().as_bytes());
        let open = Open { capability: Capability("chat".to_owned()), ..asked };
        assert_eq!(ana.refused(&target, &open).await, "request-invalid", "{chat}");
    }
    assert!(lock(&target.model.asked).is_empty());
}

/// Whether `who` gets a file of `target`; the code of the refusal when not.
async fn fetch(who: &Target, target: &Target, file: Wanted) -> Result<(), String> {
    let (wanted, from) = ([file], [target.id]);
    let fetching = who.handle.desk.provider.files.fetch_all(&wanted, &from, &|_| {});
    match patiently("a file", fetching).await {
        Ok(()) => Ok(()),
        Err(crate::files::Error::Refused(refusal)) => Err(refusal.code),
        Err(other) => Err(other.to_string()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_to_whom_a_call_names_it_and_to_nobody_who_knows_its_hash() {
    let target = Target::new().await;
    let at_target = |number: u8| (number, target.tcp.clone());
    let mut nodes = Vec::new();
    for (number, tcp) in [at_target(ANA), at_target(BEN), at_target(STRANGER)] {
        nodes.push(Target::start(number, &[(1, "target", Some(tcp))], None).await);
    }
    let [ana, ben, stranger] = nodes.as_slice() else { panic!() };
    let secret = b"what Ana may read".to_vec();
    let size = secret.len() as u64;
    let file = Wanted { blob: target.blobs.put_bytes(secret.into()).await.unwrap(), size };
    let _share = target.handle.desk.provider.files.share(ana.id, &[file]);
    let nowhere = Wanted { blob: BlobId::of(b"no such file"), size };
    for who in [ben, stranger] {
        for file in [file, nowhere] {
            assert_eq!(fetch(who, &target, file).await, Err("file-not-shared".to_owned()));
        }
    }
    assert_eq!(fetch(ana, &target, file).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_a_file_that_comes_is_nowhere_a_path() {
    let target = Target::new().await;
    let (_, chain) = target.lend().await;
    let ana = Target::start(ANA, &[(1, "target", Some(target.tcp.clone()))], None).await;
    let now = Timestamp(ana.now.load(Ordering::Relaxed)).plus_ms(2_000);
    ana.handle.desk.grants.hold(chain, (target.id, target.id), None, now).await.unwrap();
    let bytes = b"not where it says".to_vec();
    let (size, blob) = (bytes.len(), ana.blobs.put_bytes(bytes.into()).await.unwrap());
    let files: serde_json::Map<_, _> = ["../../x", "/tmp/x", "..", "a/../../../x\0"]
        .into_iter()
        .enumerate()
        .map(|(number, name)| (format!("f{number}"), json!({ "blob": blob, "size": size, "name": name })))
        .collect();
    let request = json!([{ "json": {}, "files": files }]).to_string().into_bytes();
    let call = EngineCall {
        key: "traversal".to_owned(),
        at: vec![Where::Peer { peer: "target".to_owned(), engine: Some("box".to_owned()) }],
        capability: Capability::run("echo"),
        request,
        deadline_ms: 600_000,
        wait_ms: 60_000,
        leaves: false,
        streams: false,
    };
    let (news, mut heard) = mpsc::channel(64);
    tokio::spawn(async move { while heard.recv().await.is_some() {} });
    let calling = ana.handle.call(call, news, CancellationToken::new());
    patiently("a call with a file", calling).await.unwrap();
    assert_eq!(target.ran(), 1);
    assert_eq!(files_below(target.dir.path()), BTreeSet::from([blob.to_string()]), "by its hash and nothing else");
}
