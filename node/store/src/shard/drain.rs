//! From the inboxes into the shard, exactly once: what is moved and the cursor behind it share a transaction.

use std::collections::{BTreeMap, BTreeSet};

use flowork_protocol::JobId;
use flowork_protocol::command::Command;
use flowork_protocol::id::PresetId;
use flowork_protocol::job::State;
use rusqlite::params;

use super::jobs::{Kept, RawClaim};
use super::tables::ShardTables;
use crate::codec::{self, Head};
use crate::error::Failed;
use crate::inboxes::{self, Cursors, Entry};
use crate::job_row::unsigned;

/// Queued jobs in the order they are claimed. An index is named wherever a wrong choice would read all jobs.
pub(super) const QUEUED: &str =
    "SELECT no, id, preset, last_seq FROM job INDEXED BY job_queue WHERE state = 0 ORDER BY priority DESC, no LIMIT ?1";
/// Held jobs of a preset in the order they are claimed.
pub(super) const HELD: &str = "SELECT no, id, preset, last_seq FROM job INDEXED BY job_held WHERE state = 1 AND preset = ?1 ORDER BY priority DESC, no LIMIT ?2";
/// Jobs with signals told of at once.
const SIGNALLED_MAX: usize = 1_024;
/// Presets with held jobs told of at once.
const HELD_MAX: i64 = 1_024;

/// `flowork_ports::store::Drained`, the claimed jobs still as stored.
#[derive(Debug, Default)]
pub(super) struct RawDrained {
    pub(super) claimed: Vec<RawClaim>,
    pub(super) signalled: Vec<JobId>,
    pub(super) held: Vec<(PresetId, u32, u64)>,
    pub(super) more: bool,
}

/// What a drain does with one entry.
enum Step {
    /// It is carried out, or dropped for good.
    Done,
    /// It must wait for an entry of another inbox.
    Later,
}

impl ShardTables {
    /// Moves up to `max` entries in and claims up to `room` jobs.
    pub(super) fn drain(&mut self, max: usize, room: usize) -> Result<RawDrained, Failed> {
        self.leased()?;
        // Half a drain must not be committed: nobody was told of what it claimed.
        self.drain_leased(max, room).map_err(Failed::undone)
    }

    fn drain_leased(&mut self, max: usize, room: usize) -> Result<RawDrained, Failed> {
        let mut drained = RawDrained::default();
        let mut cursors = inboxes::cursors(&self.db)?;
        let mut waiting = BTreeSet::new();
        let mut more = self.move_entries(max, room, &mut cursors, &mut waiting, &mut drained)?;
        if !waiting.is_empty() {
            // What an inbox waits for is in another one, perhaps behind everything that was just read.
            self.move_entries(max, room, &mut cursors, &mut waiting, &mut drained)?;
            more = true;
        }
        let room_left = room.saturating_sub(drained.claimed.len());
        if room_left > 0 && self.count(State::Queued) > 0 {
            let claimed = self.claim(QUEUED, params![i64::try_from(room_left).unwrap_or(i64::MAX)], State::Queued)?;
            drained.claimed.extend(claimed);
        }
        while drained.signalled.len() < SIGNALLED_MAX
            && let Some(job) = self.announce.pop_first()
        {
            drained.signalled.push(job);
        }
        if self.count(State::Held) > 0 {
            drained.held = self.held()?;
        }
        self.told.extend(drained.claimed.iter().map(|claim| claim.no));
        drained.more = more || self.count(State::Queued) > 0 || !self.announce.is_empty();
        Ok(drained)
    }

    /// Moves up to `max` entries of those inboxes that do not wait for another; tells whether there is more.
    fn move_entries(
        &mut self, max: usize, room: usize, cursors: &mut Cursors, waiting: &mut BTreeSet<String>,
        drained: &mut RawDrained,
    ) -> Result<bool, Failed> {
        let (entries, more) = self.inboxes.read(cursors, max, waiting);
        let heads = read_heads(&entries);
        // With nobody waiting and equal priorities, the order of arrival is the order of claiming: a job need not be
        // written as queued first. Not so when a signal is among them, which may be to pause one of them.
        let direct = self.count(State::Queued) == 0
            && entries.iter().all(|entry| entry.kind == inboxes::SUBMISSION)
            && all_equal(heads.iter().flatten().map(|head| head.priority));
        let mut moved = BTreeMap::new();
        for (entry, head) in entries.into_iter().zip(heads) {
            if waiting.contains(&entry.inbox) {
                continue;
            }
            let at = (entry.incarnation, entry.seq);
            let inbox = entry.inbox.clone();
            let step = match head {
                Some(head) => {
                    let direct = direct && drained.claimed.len() < room;
                    self.move_in(entry, &head, direct, drained)?;
                    Step::Done
                }
                None => self.carry_out(&entry, cursors)?,
            };
            if matches!(step, Step::Later) {
                waiting.insert(inbox);
                continue;
            }
            cursors.insert(inbox.clone(), at);
            moved.insert(inbox, at);
        }
        // Inboxes that all wait for each other cannot come from work that was accepted in some order: they name jobs that
        // do not exist, and the next look drops what they wait with.
        self.stuck = moved.is_empty() && !waiting.is_empty();
        for (inbox, at) in moved {
            inboxes::keep_cursor(&self.db, &inbox, at)?;
            self.wrote();
        }
        Ok(more)
    }

    fn move_in(&mut self, entry: Entry, head: &Head, direct: bool, drained: &mut RawDrained) -> Result<(), Failed> {
        let state = match head.concurrency {
            Some(_) => State::Held,
            None if direct => State::Running,
            None => State::Queued,
        };
        let new = head.job.shard() == self.shard && self.accept(head, entry.codec, &entry.body, entry.at, state)?;
        if new && state == State::Running {
            let codec = entry.codec | codec::SUBMISSION;
            let claim = RawClaim { id: head.job, no: self.jobs, last_seq: 1, at: entry.at, codec, body: entry.body };
            drained.claimed.push(claim);
        }
        Ok(())
    }

    /// An entry that is no submission.
    fn carry_out(&mut self, entry: &Entry, cursors: &Cursors) -> Result<Step, Failed> {
        let command = codec::unpack(entry.codec, &entry.body)
            .map_err(|error| error.to_string())
            .and_then(|bytes| serde_json::from_slice::<Command>(&bytes).map_err(|error| error.to_string()));
        match command {
            Ok(Command::Signal(job, signal)) => {
                if self.steer_before_begin(job, &signal, entry.at)? {
                    return Ok(Step::Done);
                }
                let body = serde_json::to_string(&signal).unwrap_or_default();
                match self.signal(job, &body)? {
                    Kept::Yes => {}
                    // Another gateway accepted the job a moment before this one accepted the signal.
                    Kept::Unknown if !self.stuck && self.inboxes.holds(job, cursors, &entry.inbox) => {
                        return Ok(Step::Later);
                    }
                    Kept::Unknown => tracing::warn!(%job, "a signal for a job that is not here was dropped"),
                    Kept::Ended => tracing::debug!(%job, "a signal for an ended job was dropped"),
                }
            }
            Ok(Command::DeleteJob(job)) => {
                if !self.delete(job)? {
                    tracing::warn!(%job, "a job that has not ended or is not here was not deleted");
                }
            }
            Ok(_) => {
                tracing::error!(inbox = %entry.inbox, seq = entry.seq, "an inbox entry is not for a shard; it was dropped")
            }
            // Kept in the inbox it would only stop what comes after it.
            Err(error) => {
                tracing::error!(inbox = %entry.inbox, seq = entry.seq, %error, "an inbox entry does not read; it was dropped")
            }
        }
        Ok(Step::Done)
    }

    fn held(&mut self) -> Result<Vec<(PresetId, u32, u64)>, Failed> {
        self.flush_presets()?;
        let mut query = self.db.prepare_cached("SELECT id, concurrency, held FROM preset WHERE held > 0 LIMIT ?1")?;
        let rows = query.query_map([HELD_MAX], |row| {
            let limit: Option<u32> = row.get(1)?;
            // Held under a limit that its newest job has no more: nothing holds it any longer.
            Ok((PresetId(row.get(0)?), limit.unwrap_or(u32::MAX), unsigned(row.get(2)?)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Claims held jobs of one preset.
    pub(super) fn claim_held(&mut self, preset: &PresetId, room: i64) -> Result<Vec<RawClaim>, Failed> {
        self.leased()?;
        let Some(no) = self.find_preset(preset)? else { return Ok(Vec::new()) };
        self.claim(HELD, params![no, room], State::Held).map_err(Failed::undone)
    }
}

/// The heads of those entries that are submissions.
fn read_heads(entries: &[Entry]) -> Vec<Option<Head>> {
    entries
        .iter()
        .map(|entry| {
            (entry.kind == inboxes::SUBMISSION).then(|| Head::read(entry.head.as_deref(), &entry.body)).and_then(
                |head| {
                    head.inspect_err(|error| {
                        tracing::error!(inbox = %entry.inbox, seq = entry.seq, %error, "a submission does not read");
                    })
                    .ok()
                },
            )
        })
        .collect()
}

fn all_equal(mut values: impl Iterator<Item = i32>) -> bool {
    let first = values.next();
    values.all(|value| Some(value) == first)
}
