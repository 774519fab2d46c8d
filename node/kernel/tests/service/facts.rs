//! One fact each: what the service does when a certain thing goes wrong.

use std::sync::atomic::Ordering;
use std::time::Duration;

use flowork_ports::store::Error;
use flowork_protocol::command::Signal;
use flowork_protocol::event::What;
use flowork_protocol::job::State;
use flowork_protocol::preset::Preset;
use serde_json::json;

use crate::draw::{step, wire};
use crate::memory::{Faults, failure};
use crate::world::World;

/// One step, `acts`, of that component.
fn single(name: &str, component: &str, config: serde_json::Value) -> Preset {
    let mut preset = Preset::named(name);
    preset.steps.insert("acts".into(), step(component, config));
    preset
}

fn refused() -> Error {
    Error::Other { file: "shards/00.db".to_owned(), detail: "a fault".to_owned() }
}

#[test]
fn a_stop_lets_what_acts_finish_and_writes_it_down() {
    let world = World::new(1);
    world.activate(&single("mail", "ext", json!({ "takes_ms": 3_000 })));
    let job = world.accept("mail", 1);
    world.live(|life| async move {
        life.until(|world| !world.acts_of(job, "acts").is_empty()).await;
        life.handle.stop().await;
    });
    world.finish();
    assert_eq!(world.acts_of(job, "acts").len(), 1, "the act is not repeated");
    let events = world.disk.row(job).unwrap().events();
    assert!(!events.iter().any(|event| matches!(event.what, What::StepFailed { .. })), "{events:?}");
}

#[test]
fn a_stop_does_not_wait_for_ever() {
    let world = World::new(1);
    world.activate(&single("mail", "ext", json!({ "takes_ms": 3_600_000 })));
    world.activate(&single("sum", "slow", json!({ "takes_ms": 3_600_000 })));
    let (job, pure) = (world.accept("mail", 1), world.accept("sum", 2));
    let took = world.live(|life| async move {
        life.until(|world| world.view(job).is_some_and(|it| it.runs_running == 1)).await;
        let _ = pure;
        let before = tokio::time::Instant::now();
        life.handle.stop().await;
        before.elapsed()
    });
    assert!(took < Duration::from_secs(9), "the supervisor kills after ten seconds; it took {took:?}");
}

#[test]
fn a_stop_does_not_wait_for_what_is_pure() {
    let world = World::new(1);
    world.activate(&single("sum", "slow", json!({ "takes_ms": 60_000 })));
    let job = world.accept("sum", 1);
    let took = world.live(|life| async move {
        life.until(|world| world.disk.row(job).is_some_and(|row| row.summary.state == State::Running)).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = tokio::time::Instant::now();
        life.handle.stop().await;
        before.elapsed()
    });
    assert!(took < Duration::from_secs(1), "it took {took:?}");
    world.finish();
}

#[test]
fn a_job_whose_write_is_refused_goes_on_without_a_restart() {
    let world = World::new(1);
    world.activate(&single("sum", "slow", json!({})));
    let job = world.accept("sum", 1);
    world.disk.refuse(job, refused());
    world.finish();
    assert_eq!(world.disk.row(job).unwrap().summary.state, State::Succeeded);
}

#[test]
fn a_job_that_can_never_be_written_is_left_and_stops_no_other() {
    let world = World::new(1);
    world.activate(&single("sum", "slow", json!({})));
    let (job, other) = (world.accept("sum", 1), world.accept("sum", 2));
    (0..10_000).for_each(|_| world.disk.refuse(job, refused()));
    world.live(|life| async move {
        life.until(|world| world.disk.row(other).is_some_and(|row| row.summary.state.has_ended())).await;
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(life.handle.active_jobs(), 0, "it is not tried for ever");
    });
}

#[test]
fn a_task_that_breaks_gives_its_room_back_and_its_job_goes_on() {
    let world = World::new(1);
    let mut preset = single("mail", "ext", json!({}));
    preset.settings.concurrency = Some(1);
    preset.steps.get_mut("acts").unwrap().secrets = vec!["key".to_owned()];
    world.activate(&preset);
    let jobs = [world.accept("mail", 1), world.accept("mail", 2)];
    world.vault_breaks.store(true, Ordering::Relaxed);
    world.finish();
    for job in jobs {
        assert_eq!(world.disk.row(job).unwrap().summary.state, State::Succeeded);
    }
    assert_eq!(world.disk.over_limit(), Vec::new());
}

#[test]
fn a_claim_that_fails_gives_its_room_back() {
    let world = World::new(1);
    let mut preset = single("mail", "ext", json!({}));
    preset.settings.concurrency = Some(1);
    world.activate(&preset);
    let job = world.accept("mail", 1);
    world.disk.refuse_claim_held(refused());
    world.finish();
    assert_eq!(world.disk.row(job).unwrap().summary.state, State::Succeeded);
}

#[test]
fn a_limit_holds_over_a_kill() {
    let world = World::new(1);
    let mut preset = single("mail", "ext", json!({ "takes_ms": 500 }));
    preset.settings.concurrency = Some(2);
    world.activate(&preset);
    for n in 0..8 {
        world.accept("mail", n);
    }
    for _ in 0..4 {
        world.live(|life| async move {
            life.until(|world| world.disk.rows().iter().filter(|row| row.summary.state == State::Running).count() == 2)
                .await;
        });
    }
    world.finish();
    assert_eq!(world.disk.over_limit(), Vec::new());
}

#[test]
fn signals_of_a_turn_that_fails_are_not_forgotten() {
    let world = World::new(3);
    world.activate(&single("asks", "ask", json!({})));
    let jobs: Vec<_> = (0..12).map(|n| world.accept("asks", n)).collect();
    world.disk.set_faults(Faults { commits: 250, reads: 100, open_ms_max: 2 });
    world.live(|life| async move {
        life.until(|world| world.disk.rows().iter().filter(|row| row.summary.state == State::Waiting).count() == 12)
            .await;
        let decide =
            || Signal::Decide { run: "acts".to_owned(), approved: true, by: "me".to_owned(), note: String::new() };
        jobs.iter().for_each(|job| life.world.signal(*job, decide()));
        life.until(World::is_done).await;
    });
}

#[test]
fn the_children_of_a_cancelled_job_are_cancelled_with_it() {
    let world = World::new(1);
    world.activate(&single("grandchild", "ask", json!({})));
    world.activate(&single("child", "sub-preset", json!({ "preset": "grandchild" })));
    world.activate(&single("parent", "sub-preset", json!({ "preset": "child" })));
    let job = world.accept("parent", 1);
    world.live(|life| async move {
        let asks = |world: &World| {
            world.disk.rows().iter().any(|row| row.submission.depth == 2 && row.summary.state == State::Waiting)
        };
        life.until(asks).await;
        life.world.signal(job, Signal::Cancel { reason: "enough".to_owned() });
        life.until(World::is_done).await;
    });
    let rows = world.disk.rows();
    assert_eq!(rows.len(), 3);
    for row in rows {
        assert_eq!(row.summary.state, State::Cancelled, "{}", row.summary.name);
    }
}

#[test]
fn the_children_of_a_failed_job_are_cancelled_with_it() {
    let world = World::new(1);
    world.activate(&single("child", "ask", json!({})));
    let mut parent = single("parent", "sub-preset", json!({ "preset": "child" }));
    parent.steps.insert("later".into(), step("slow", json!({ "takes_ms": 3_000 })));
    parent.steps.insert("fails".into(), step("pure", json!({ "fails": "always" })));
    wire(&mut parent, "later", "fails");
    world.activate(&parent);
    let job = world.accept("parent", 1);
    world.finish();
    let rows = world.disk.rows();
    let state = |row: &crate::memory::Row| row.summary.state;
    assert_eq!(
        rows.iter().filter(|row| row.summary.id == job).map(|row| state(row)).collect::<Vec<_>>(),
        [State::Failed]
    );
    assert_eq!(
        rows.iter().filter(|row| row.summary.id != job).map(|row| state(row)).collect::<Vec<_>>(),
        [State::Cancelled]
    );
}

#[test]
fn a_job_that_fails_before_it_starts_runs_its_error_preset() {
    let world = World::new(1);
    world.activate(&single("rescue", "pure", json!({})));
    let mut preset = single("sum", "pure", json!({}));
    preset.settings.error_preset = Some("rescue".to_owned());
    let version = world.activate(&preset);
    world.lose(version);
    let job = world.accept("sum", 1);
    world.finish();
    let row = world.disk.row(job).unwrap();
    assert_eq!(failure(&row).map(|it| it.code.as_str()), Some("version-missing"));
    let rows = world.disk.rows();
    let rescue = rows.iter().find(|row| row.summary.name == "rescue").expect("the error preset ran");
    assert_eq!(rescue.submission.input[0].json["error"]["code"], "version-missing");
}

#[test]
fn a_job_whose_component_changed_its_version_is_parked_by_name() {
    let world = World::new(1);
    world.activate(&single("mail", "ext", json!({ "takes_ms": 500 })));
    let begun = world.accept("mail", 1);
    world.live(|life| async move {
        life.until(|world| !world.acts_of(begun, "acts").is_empty()).await;
    });
    world.component_versions.lock().unwrap().insert("ext".to_owned(), 2);
    let fresh = world.accept("mail", 2);
    world.live(|life| async move {
        life.until(|world| world.disk.rows().iter().filter(|row| row.summary.state == State::Parked).count() == 2)
            .await;
    });
    for job in [begun, fresh] {
        let reason = world.view(job).unwrap().parked_reason.unwrap();
        assert!(reason.contains("`ext`") && reason.contains("version 1"), "{reason}");
    }
    // The Flowork that has it comes back.
    world.component_versions.lock().unwrap().clear();
    [begun, fresh].into_iter().for_each(|job| world.signal(job, Signal::Resume));
    world.finish();
}
