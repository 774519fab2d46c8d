//! The promises of `flowork-ports::store`, kept by the SQLite store.

#![allow(clippy::unwrap_used, clippy::panic)]

mod suite;

use flowork_ports::Bell;
use flowork_store::Layout;
use proptest::prelude::*;
use suite::{Backend, Open, facts, model};

struct Sqlite {
    dir: tempfile::TempDir,
}

impl Sqlite {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }
}

impl Backend for Sqlite {
    fn open(&self) -> Open {
        let layout = Layout::create_or_open_with(self.dir.path(), 3).unwrap();
        let bell = Bell::default();
        let inbox = layout.inbox("gateway", bell.clone()).unwrap();
        let other = layout.inbox("gateway-2", bell.clone()).unwrap();
        let kernel = layout.kernel(bell).unwrap();
        assert!(kernel.failures.is_empty(), "{:?}", kernel.failures);
        Open { inbox, other, shards: kernel.shards, node: kernel.node, reader: layout.reader() }
    }
}

macro_rules! facts {
    ($($name:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $name() {
                facts::$name(&Sqlite::new()).await;
            }
        )*
    };
}

facts!(
    jobs_are_claimed_in_the_order_they_were_accepted,
    a_higher_priority_is_claimed_first,
    an_entry_is_drained_once_across_reopening_at_any_point,
    a_second_submission_of_a_job_changes_nothing,
    a_kernel_that_lost_its_lease_is_refused,
    an_append_is_all_or_nothing,
    appends_of_one_job_are_done_in_the_order_of_the_calls,
    signals_reach_jobs_and_stay_until_they_are_carried_out,
    a_signal_through_one_gateway_waits_for_a_job_through_another,
    a_job_that_has_not_begun_can_be_cancelled_out_of_turn,
    a_job_that_is_paused_before_it_began_is_not_claimed_until_it_is_resumed,
    a_job_that_is_paused_before_it_began_can_be_cancelled,
    pause_and_resume_of_a_job_that_began_are_for_the_kernel,
    a_claimed_job_with_signals_is_told_of,
    held_jobs_wait_for_their_preset,
    due_jobs_are_claimed_when_their_time_has_come,
    retention_forgets_whole_ended_jobs_and_remembers_keys,
    accepted_jobs_are_seen_before_a_kernel_drains_them,
    pages_hold_every_job_once_newest_first,
    lists_are_filtered,
    the_nodes_tables_follow_their_commands,
    a_link_lets_one_key_in_and_sessions_end_with_their_key,
    large_bodies_read_back_as_they_were,
);

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_store_behaves_like_its_model(ops in model::ops()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(model::a_store_behaves_like_its_model(&Sqlite::new(), ops));
    }
}
