//! When an engine takes calls: its owner's hours, and not while its owner needs the machine. Pure but for [`running`].

use std::collections::BTreeSet;
use std::path::Path;

use flowork_ports::mesh::{Hours, Policy};
use flowork_protocol::peer::Refusal;
use flowork_protocol::{Failure, Timestamp};
use jiff::civil::Time;
use jiff::tz::TimeZone;

/// The most programs that one engine waits for.
const PROGRAMS_MAX: usize = 32;
/// The longest name of a program.
const NAME_BYTES_MAX: usize = 64;
/// When a caller should ask again while its owner needs the machine.
const BUSY_MS: u64 = 30_000;
const MINUTE_MS: u64 = 60_000;
/// Where Linux tells which programs run.
const PROCESSES: &str = "/proc";

/// Why an engine takes no calls now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    /// For its owner.
    pub(crate) why: String,
    /// For callers, who are not told what runs on the machine.
    pub(crate) refusal: Refusal,
}

/// The policy as it is kept.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn checked(policy: Policy) -> Result<Policy, Failure> {
    let invalid = |text: String| Failure::new("policy-invalid", text);
    if let Some(hours) = &policy.hours {
        let (from, to) = (time(&hours.from)?, time(&hours.to)?);
        if from == to {
            return Err(invalid(format!("from {} to {} is no time at all", hours.from, hours.to))
                .hint("leave the hours out to lend it at any time"));
        }
    }
    let mut names: Vec<String> = policy.not_while.iter().map(|name| name.trim().to_owned()).collect();
    names.sort();
    names.dedup();
    if names.len() > PROGRAMS_MAX {
        return Err(invalid(format!("an engine waits for at most {PROGRAMS_MAX} programs")));
    }
    if !names.is_empty() && !Path::new(PROCESSES).join("self").exists() {
        return Err(invalid("this system does not tell which programs run".to_owned()).hint("use hours instead"));
    }
    if let Some(odd) = names.iter().find(|name| name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains('/')) {
        return Err(invalid(format!("`{odd}` is no program's name"))
            .hint("write the name of its file without the folder, such as `blender`"));
    }
    Ok(Policy { not_while: names, ..policy })
}

fn time(text: &str) -> Result<Time, Failure> {
    let read = text.split_once(':').filter(|(hours, minutes)| hours.len() <= 2 && minutes.len() == 2);
    let parts = read.and_then(|(hours, minutes)| Some((hours.parse().ok()?, minutes.parse().ok()?)));
    parts.and_then(|(hours, minutes)| Time::new(hours, minutes, 0, 0).ok()).ok_or_else(|| {
        Failure::new("policy-invalid", format!("`{text}` is no time of day")).hint("write it as in `22:00`")
    })
}

/// Why an engine with this policy takes no calls at `now`, in the time zone of this machine, while `programs` run.
pub(crate) fn held(policy: &Policy, now: Timestamp, zone: &TimeZone, programs: &BTreeSet<String>) -> Option<Held> {
    if let Some(name) = policy.not_while.iter().find(|name| programs.contains(*name)) {
        let refusal = Refusal::new("lending-paused", "its owner needs the machine now").retry_after_ms(BUSY_MS);
        return Some(Held { why: format!("while {name} runs"), refusal });
    }
    let hours = policy.hours.as_ref()?;
    let opens_in_ms = opens_in_ms(hours, now, zone)?;
    let Hours { from, to } = hours;
    let refusal = Refusal::new(
        "lending-paused",
        format!("it is lent from {from} to {to} at its place, again in {}", duration(opens_in_ms)),
    );
    Some(Held { why: format!("until {from}"), refusal: refusal.retry_after_ms(opens_in_ms) })
}

/// How long until the hours begin; none within them, or when they cannot be read.
fn opens_in_ms(hours: &Hours, now: Timestamp, zone: &TimeZone) -> Option<u64> {
    let (from, to) = (time(&hours.from).ok()?, time(&hours.to).ok()?);
    let now = jiff::Timestamp::from_millisecond(now.0).ok()?.to_zoned(zone.clone());
    let clock = now.time();
    let is_within = if from < to { from <= clock && clock < to } else { from <= clock || clock < to };
    if is_within {
        return None;
    }
    let today = now.date().to_datetime(from).to_zoned(zone.clone()).ok()?;
    let opens =
        if today > now { today } else { now.date().tomorrow().ok()?.to_datetime(from).to_zoned(zone.clone()).ok()? };
    u64::try_from(opens.timestamp().as_millisecond() - now.timestamp().as_millisecond()).ok()
}

fn duration(ms: u64) -> String {
    let minutes = ms.div_ceil(MINUTE_MS);
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// Which of the programs `names` run on this machine now: by the name of their file, or the one that they gave themselves.
pub(crate) fn running(names: &BTreeSet<String>) -> BTreeSet<String> {
    let Ok(processes) = std::fs::read_dir(PROCESSES) else { return BTreeSet::new() };
    let mut found = BTreeSet::new();
    for process in processes.flatten() {
        if !process.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        // People write `Blender` where the file is called `blender`.
        let called = names_of(&process.path());
        let is_meant = |name: &&String| called.iter().any(|other| other.eq_ignore_ascii_case(name));
        found.extend(names.iter().filter(is_meant).cloned());
    }
    found
}

fn names_of(process: &Path) -> Vec<String> {
    let file_name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    // A process that has just ended, or is another user's, tells less.
    let own = std::fs::read_to_string(process.join("comm")).unwrap_or_default().trim_end().to_owned();
    let called = std::fs::read(process.join("cmdline")).unwrap_or_default();
    let first = called.split(|byte| *byte == 0).next().map(String::from_utf8_lossy).unwrap_or_default();
    let program = std::fs::read_link(process.join("exe")).map(|path| path.to_string_lossy().into_owned());
    [own, file_name(&first), file_name(&program.unwrap_or_default())]
        .into_iter()
        .filter(|name| !name.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64, minutes: i64) -> Timestamp {
        // 2027-01-15 00:00 UTC.
        Timestamp(1_799_971_200_000 + (hours * 60 + minutes) * 60_000)
    }

    fn of(from: &str, to: &str, not_while: &[&str]) -> Policy {
        let not_while = not_while.iter().map(|&name| name.to_owned()).collect();
        Policy { hours: Some(Hours { from: from.to_owned(), to: to.to_owned() }), not_while }
    }

    fn held_at(policy: &Policy, hours: i64, minutes: i64) -> Option<Held> {
        held(policy, at(hours, minutes), &TimeZone::UTC, &BTreeSet::new())
    }

    #[test]
    fn hours_hold_within_a_day_and_over_midnight() {
        let (day, night) = (of("08:00", "18:30", &[]), of("22:00", "7:00", &[]));
        for (policy, open, shut) in
            [(&day, [(8, 0), (18, 29)], [(7, 59), (18, 30)]), (&night, [(22, 0), (6, 59)], [(7, 0), (21, 59)])]
        {
            assert!(open.iter().all(|(hours, minutes)| held_at(policy, *hours, *minutes).is_none()));
            assert!(shut.iter().all(|(hours, minutes)| held_at(policy, *hours, *minutes).is_some()));
        }
    }

    #[test]
    fn it_is_said_when_it_opens_again() {
        let held = held_at(&of("22:00", "07:00", &[]), 12, 30).unwrap();
        assert_eq!(held.refusal.message, "it is lent from 22:00 to 07:00 at its place, again in 9 h 30 min");
        assert_eq!((held.why.as_str(), held.refusal.retry_after_ms), ("until 22:00", Some(34_200_000)));
        let tomorrow = held_at(&of("08:00", "09:00", &[]), 9, 0).unwrap();
        assert_eq!(tomorrow.refusal.retry_after_ms, Some(23 * 3_600_000));
    }

    #[test]
    fn a_clock_that_is_put_forward_is_reckoned_with() {
        // In Berlin, 28 March 2027 has no 02:30: the clock goes from 02:00 to 03:00.
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let one = Timestamp("2027-03-28T01:00:00+01:00".parse::<jiff::Timestamp>().unwrap().as_millisecond());
        let held = held(&of("04:00", "05:00", &[]), one, &berlin, &BTreeSet::new()).unwrap();
        assert_eq!(held.refusal.retry_after_ms, Some(2 * 3_600_000));
    }

    #[test]
    fn callers_are_not_told_what_runs_on_the_machine() {
        let policy = Policy { hours: None, not_while: vec!["blender".to_owned()] };
        let busy = BTreeSet::from(["blender".to_owned()]);
        let held = held(&policy, at(0, 0), &TimeZone::UTC, &busy).unwrap();
        assert_eq!(held.why, "while blender runs");
        assert!(!held.refusal.message.contains("blender"));
        assert_eq!(super::held(&policy, at(0, 0), &TimeZone::UTC, &BTreeSet::new()), None);
    }

    #[test]
    fn what_is_no_policy_is_refused_by_name() {
        for (policy, word) in [
            (of("25:00", "07:00", &[]), "25:00"),
            (of("8", "9", &[]), "`8`"),
            (of("08:00", "08:00", &[]), "no time at all"),
            (of("08:00", "09:00", &["/usr/bin/x"]), "/usr/bin/x"),
            (of("08:00", "09:00", &[" "]), "``"),
        ] {
            assert!(checked(policy).unwrap_err().message.contains(word), "{word}");
        }
        assert_eq!(checked(of("8:00", "09:00", &["b", "a ", "b"])).unwrap().not_while, ["a", "b"]);
    }

    #[test]
    fn this_very_program_is_seen_to_run() {
        let own = std::env::current_exe().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let (own, loud) = (own.clone(), own.to_uppercase());
        let names = BTreeSet::from([own.clone(), loud.clone(), "nothing-is-called-so".to_owned()]);
        assert_eq!(running(&names), BTreeSet::from([own, loud]));
    }
}
