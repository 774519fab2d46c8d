//! Engines whose owner needs the machine, with a machine that tells what the test says.

use std::time::Duration;

use flowork_ports::mesh::Policy;

use super::*;
use crate::machine::Seen;

impl Lender {
    fn sees(&self, seen: Seen) {
        *lock(&self.machine.0) = seen;
    }

    async fn lends(&self, policy: Policy) {
        self.provider.lending.set_policy("box", policy, NOW).await.unwrap();
    }
}

fn idle(seconds: u64) -> Seen {
    Seen { idle: Some(Ok(Duration::from_secs(seconds))), ..Seen::default() }
}

fn away() -> Policy {
    Policy { away_minutes: Some(10), ..Policy::default() }
}

/// Waits for a line of progress of this kind, and gives what it says.
async fn line(reader: &mut FrameReader<ReadHalf<DuplexStream>>, kind: &str) -> String {
    loop {
        match reader.next::<Frame>().await.unwrap() {
            Frame::Progress(line) if line.kind == kind => return line.text,
            Frame::End(end) => panic!("it ended: {end:?}"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_run_is_paused_by_the_next_look_and_goes_on_by_itself() {
    let lender = Lender::new(GrantLimits::default()).await;
    lender.sees(idle(600));
    lender.lends(away()).await;
    let (mut reader, mut writer) = lender.stream_of(ANA);
    let open = Open { deadline_ms: 10_000, request: Some(items()), ..lender.open(1, "hangs", &items()) };
    writer.write(&Frame::Open(Box::new(open))).await.unwrap();
    while lock(&lender.jobs.submitted).is_empty() {
        tokio::task::yield_now().await;
    }
    lender.provider.keep_policies_once().await;
    let held = || lender.provider.lending.list(NOW)[0].held.clone();
    assert_eq!(held(), None);
    lender.sees(idle(0));
    lender.provider.keep_policies_once().await;
    assert_eq!(line(&mut reader, "paused").await, "its owner needs the machine now");
    assert_eq!(held().unwrap(), "while the machine is in use");
    lender.sees(idle(600));
    lender.provider.keep_policies_once().await;
    line(&mut reader, "resumed").await;
    assert_eq!(held(), None);
}

#[tokio::test]
async fn an_answer_is_cut_off_and_the_next_question_is_refused_with_when_to_come_back() {
    let lender = Lender::new(GrantLimits::default()).await;
    lender.sees(idle(600));
    lender.lends(away()).await;
    let request = json!({ "messages": [{ "role": "user", "content": "1 and hangs" }] }).to_string().into_bytes();
    let ask = |call| Open { capability: chat(), request: Some(request.clone()), ..lender.open(call, "echo", &request) };
    let (mut reader, mut writer) = lender.stream_of(ANA);
    writer.write(&Frame::Open(Box::new(ask(1)))).await.unwrap();
    while !matches!(reader.next::<Frame>().await.unwrap(), Frame::Data(data) if !data.bytes.is_empty()) {}
    lender.sees(idle(5));
    lender.provider.keep_policies_once().await;
    let ended = loop {
        if let Frame::End(end) = reader.next::<Frame>().await.unwrap() {
            break end.failure.unwrap();
        }
    };
    assert_eq!((ended.code.as_str(), ended.message.as_str()), ("lending-paused", "its owner needs the machine now"));
    let came = lender.call(ANA, &ask(2), &request).await;
    let Some(Frame::Reject(refusal)) = came.last() else { panic!("it was let in: {came:?}") };
    assert_eq!((refusal.code.as_str(), refusal.retry_after_ms), ("lending-paused", Some(30_000)));
    assert!(!refusal.message.contains("use"), "{refusal:?}");
}

#[tokio::test]
async fn what_the_machine_does_not_tell_is_refused_by_name_and_nothing_changes() {
    let lender = Lender::new(GrantLimits::default()).await;
    lender.sees(Seen { full_screen: Some(Err("Wayland tells nobody".to_owned())), ..idle(600) });
    lender.lends(away()).await;
    let policy = Policy { not_full_screen: true, ..away() };
    let refused = lender.provider.lending.set_policy("box", policy, NOW).await.unwrap_err().to_string();
    assert!(refused.contains("`not_full_screen`") && refused.contains("Wayland tells nobody"), "{refused}");
    let listed = lender.provider.lending.list(NOW).remove(0);
    assert_eq!((listed.policy, listed.held), (away(), None));
}

#[tokio::test]
async fn the_card_has_to_be_seen_before_the_first_call() {
    let lender = Lender::new(GrantLimits::default()).await;
    let graphics = |busy| crate::machine::Graphics {
        busy_percent: Some(busy),
        memory_percent: Some(10),
        watts: None,
        at: std::time::Instant::now(),
    };
    lender.sees(Seen { graphics: Some(Ok(graphics(5))), ..Seen::default() });
    // A call of others has just left: what the card tells may be that one.
    drop(lender.provider.lending.gate(&lender.provider.lending.get("box").unwrap()).enter(lender.grant).await.unwrap());
    lender.lends(Policy { gpu_percent: Some(30), ..Policy::default() }).await;
    let came = lender.call(ANA, &lender.open(1, "echo", &items()), &items()).await;
    let Some(Frame::Reject(refusal)) = came.last() else { panic!("it was let in: {came:?}") };
    assert_eq!((refusal.code.as_str(), refusal.retry_after_ms), ("lending-paused", Some(3_000)));
    let later = crate::machine::Graphics { at: std::time::Instant::now() + Duration::from_secs(3), ..graphics(5) };
    lender.sees(Seen { graphics: Some(Ok(later)), ..Seen::default() });
    lender.provider.keep_policies_once().await;
    assert_eq!(output(&lender.call(ANA, &lender.open(2, "echo", &items()), &items()).await), items());
}

#[tokio::test]
async fn what_a_call_draws_is_told_in_the_sums() {
    let lender = Lender::new(GrantLimits::default()).await;
    lender.lends(Policy { power_watts: Some(180), ..Policy::default() }).await;
    let (_reader, mut writer) = lender.stream_of(ANA);
    let open = Open { deadline_ms: 10_000, request: Some(items()), ..lender.open(1, "hangs", &items()) };
    writer.write(&Frame::Open(Box::new(open))).await.unwrap();
    while lock(&lender.jobs.submitted).is_empty() {
        tokio::task::yield_now().await;
    }
    lender.provider.keep_policies_once().await;
    lender.provider.keep_policies_once().await;
    let total = flowork_ports::mesh_table::Total {
        month: "2027-01".to_owned(),
        is_given: true,
        peer: keeper(ANA).node_id(),
        grant: lender.grant,
        calls: 1,
        failed: 0,
        usage: Usage::default(),
        watt_hours: None,
    };
    let told = lender.provider.energy.tell(vec![total])[0].watt_hours;
    assert!(told.is_some_and(|told| told > 0.0), "{told:?}");
}
