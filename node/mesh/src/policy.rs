//! When an engine takes calls: its owner's hours, and not while its owner needs the machine. Pure: what the machine tells is
//! read in `machine.rs`.

mod caps;
mod looks;

use std::path::Path;

use flowork_ports::mesh::{Hours, Policy};
use flowork_protocol::peer::Refusal;
use flowork_protocol::{Failure, Timestamp};
use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::machine::{PROCESSES, Seen};
use caps::Cap;
pub(crate) use looks::Looks;

/// The most programs that one engine waits for.
const PROGRAMS_MAX: usize = 32;
/// The longest name of a program.
const NAME_BYTES_MAX: usize = 64;
/// The longest time for which nobody has to have used the machine: a day.
const AWAY_MINUTES_MAX: u32 = 1_440;
/// The most that a machine draws.
const WATTS_MAX: u32 = 10_000;
/// When a caller should ask again while its owner needs the machine.
const BUSY_MS: u64 = 30_000;
const MINUTE_MS: u64 = 60_000;
/// What its owner is told before the first look.
const NOT_LOOKED: &str = "until the machine has been looked at";

/// Why an engine takes no calls now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    /// For its owner.
    pub(crate) why: String,
    /// For callers, who are not told what runs on the machine.
    pub(crate) refusal: Refusal,
}

fn invalid(text: String) -> Failure {
    Failure::new("policy-invalid", text)
}

/// The policy as it is kept.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn checked(policy: Policy) -> Result<Policy, Failure> {
    if let Some(hours) = &policy.hours {
        let (from, to) = (time(&hours.from)?, time(&hours.to)?);
        if from == to {
            return Err(invalid(format!("from {} to {} is no time at all", hours.from, hours.to))
                .hint("leave the hours out to lend it at any time"));
        }
    }
    let numbers = [
        ("away_minutes", policy.away_minutes, AWAY_MINUTES_MAX),
        ("memory_percent", policy.memory_percent.map(u32::from), 99),
        ("gpu_percent", policy.gpu_percent.map(u32::from), 99),
        ("gpu_memory_percent", policy.gpu_memory_percent.map(u32::from), 99),
        ("watts", policy.watts, WATTS_MAX),
        ("power_watts", policy.power_watts, WATTS_MAX),
    ];
    for (name, number, most) in numbers {
        if number.is_some_and(|number| number == 0 || number > most) {
            return Err(invalid(format!("`{name}` is a number from 1 to {most}")).hint("leave it out to limit nothing"));
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

/// Whether this machine tells all that the policy asks for.
///
/// # Errors
/// What it does not tell, by the name of the field, and why.
pub(crate) fn can_be_kept(policy: &Policy, seen: &Seen) -> Result<(), Failure> {
    let untold = |name: &str, why: &str| invalid(format!("`{name}` cannot be kept on this machine: {why}"));
    if policy.away_minutes.is_some() {
        told(seen.idle.as_ref()).map_err(|why| untold("away_minutes", why))?;
    }
    if policy.not_full_screen {
        told(seen.full_screen.as_ref()).map_err(|why| untold("not_full_screen", why))?;
    }
    for cap in Cap::ALL.into_iter().filter(|cap| cap.of(policy).is_some()) {
        cap.reading(seen).map_err(|why| untold(cap.field(), why))?;
    }
    Ok(())
}

fn told<T>(reading: Option<&Result<T, String>>) -> Result<&T, &str> {
    reading.map_or(Err("it could not be looked at"), |told| told.as_ref().map_err(String::as_str))
}

fn time(text: &str) -> Result<Time, Failure> {
    let read = text.split_once(':').filter(|(hours, minutes)| hours.len() <= 2 && minutes.len() == 2);
    let parts = read.and_then(|(hours, minutes)| Some((hours.parse().ok()?, minutes.parse().ok()?)));
    parts.and_then(|(hours, minutes)| Time::new(hours, minutes, 0, 0).ok()).ok_or_else(|| {
        Failure::new("policy-invalid", format!("`{text}` is no time of day")).hint("write it as in `22:00`")
    })
}

/// Why the engine called `name` with this policy takes no calls at `now`, in the time zone of this machine, after these looks
/// at it.
pub(crate) fn held(name: &str, policy: &Policy, now: Timestamp, zone: &TimeZone, looks: &Looks) -> Option<Held> {
    if let Some(why) = needed(name, policy, looks) {
        // All reasons read alike, so that nobody learns which it is.
        let refusal = Refusal::new("lending-paused", "its owner needs the machine now").retry_after_ms(BUSY_MS);
        return Some(Held { why, refusal });
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

/// Why its owner needs the machine.
fn needed(name: &str, policy: &Policy, looks: &Looks) -> Option<String> {
    let seen = looks.seen();
    if !policy.not_while.is_empty() && seen.programs.is_none() {
        return Some(NOT_LOOKED.to_owned());
    }
    let runs = |program: &&String| seen.programs.as_ref().is_some_and(|programs| programs.contains(*program));
    if let Some(program) = policy.not_while.iter().find(runs) {
        return Some(format!("while {program} runs"));
    }
    if policy.not_full_screen {
        match &seen.full_screen {
            None => return Some(NOT_LOOKED.to_owned()),
            Some(Err(why)) => return Some(format!("because it is not known what fills the screen: {why}")),
            Some(Ok(true)) => return Some("while a program fills the screen".to_owned()),
            Some(Ok(false)) => {}
        }
    }
    if let Some(minutes) = policy.away_minutes {
        match &seen.idle {
            None => return Some(NOT_LOOKED.to_owned()),
            Some(Err(why)) => return Some(format!("because it is not known whether the machine is in use: {why}")),
            Some(Ok(idle)) if idle.as_secs() < 60 => return Some("while the machine is in use".to_owned()),
            Some(Ok(idle)) if idle.as_secs() < u64::from(minutes) * 60 => {
                return Some(format!("until nobody has used the machine for {minutes} min"));
            }
            Some(Ok(_)) => {}
        }
    }
    looks.capped(name, policy)
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::{Duration, Instant};

    use super::*;

    fn at(hours: i64, minutes: i64) -> Timestamp {
        // 2027-01-15 00:00 UTC.
        Timestamp(1_799_971_200_000 + (hours * 60 + minutes) * 60_000)
    }

    fn of(from: &str, to: &str, not_while: &[&str]) -> Policy {
        let not_while = not_while.iter().map(|&name| name.to_owned()).collect();
        Policy { hours: Some(Hours { from: from.to_owned(), to: to.to_owned() }), not_while, ..Policy::default() }
    }

    fn held_at(policy: &Policy, hours: i64, minutes: i64) -> Option<Held> {
        held("box", policy, at(hours, minutes), &TimeZone::UTC, &Looks::default())
    }

    /// Why a policy holds after a look that saw this.
    fn held_by(policy: &Policy, seen: Seen) -> Option<Held> {
        let mut looks = Looks::default();
        looks.see(seen, Instant::now(), |each| each("box", policy));
        held("box", policy, at(0, 0), &TimeZone::UTC, &looks)
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
        let held = held("box", &of("04:00", "05:00", &[]), one, &berlin, &Looks::default()).unwrap();
        assert_eq!(held.refusal.retry_after_ms, Some(2 * 3_600_000));
    }

    #[test]
    fn callers_are_told_alike_whatever_holds_and_not_what_runs() {
        let (all, idle) = (Policy::default(), Duration::from_secs);
        let blender = Some(BTreeSet::from(["blender".to_owned()]));
        for (policy, seen, why) in [
            (
                Policy { not_while: vec!["blender".to_owned()], ..all.clone() },
                Seen { programs: blender, ..Seen::default() },
                "while blender runs",
            ),
            (
                Policy { not_full_screen: true, ..all.clone() },
                Seen { full_screen: Some(Ok(true)), ..Seen::default() },
                "while a program fills the screen",
            ),
            (
                Policy { away_minutes: Some(10), ..all.clone() },
                Seen { idle: Some(Ok(idle(59))), ..Seen::default() },
                "while the machine is in use",
            ),
            (
                Policy { away_minutes: Some(10), ..all.clone() },
                Seen { idle: Some(Ok(idle(599))), ..Seen::default() },
                "until nobody has used the machine for 10 min",
            ),
            (
                Policy { memory_percent: Some(80), ..all.clone() },
                Seen { memory_percent: Some(Ok(82)), ..Seen::default() },
                "while 82 % of its memory is in use",
            ),
            (
                Policy { watts: Some(150), ..all.clone() },
                Seen { watts: Some(Ok(212)), ..Seen::default() },
                "while it draws 212 W",
            ),
        ] {
            let held = held_by(&policy, seen).unwrap();
            assert_eq!(held.why, why);
            let told = Refusal::new("lending-paused", "its owner needs the machine now").retry_after_ms(BUSY_MS);
            assert_eq!(held.refusal, told);
        }
    }

    #[test]
    fn an_engine_is_lent_while_its_owner_needs_nothing() {
        let policy = Policy {
            not_while: vec!["blender".to_owned()],
            not_full_screen: true,
            away_minutes: Some(10),
            memory_percent: Some(80),
            watts: Some(150),
            ..Policy::default()
        };
        let seen = Seen {
            programs: Some(BTreeSet::new()),
            full_screen: Some(Ok(false)),
            idle: Some(Ok(Duration::from_secs(600))),
            memory_percent: Some(Ok(79)),
            watts: Some(Ok(149)),
            graphics: None,
        };
        assert_eq!(held_by(&policy, seen), None);
    }

    #[test]
    fn what_the_machine_tells_no_more_holds_its_engine() {
        for policy in [
            Policy { away_minutes: Some(10), ..Policy::default() },
            Policy { not_full_screen: true, ..Policy::default() },
            Policy { memory_percent: Some(80), ..Policy::default() },
            Policy { gpu_percent: Some(80), ..Policy::default() },
            Policy { gpu_memory_percent: Some(80), ..Policy::default() },
            Policy { watts: Some(80), ..Policy::default() },
        ] {
            let gone = || "gone".to_owned();
            let seen = Seen {
                programs: None,
                idle: Some(Err(gone())),
                full_screen: Some(Err(gone())),
                memory_percent: Some(Err(gone())),
                graphics: Some(Err(gone())),
                watts: Some(Err(gone())),
            };
            let refused = can_be_kept(&policy, &seen).unwrap_err();
            assert!(refused.message.contains("cannot be kept on this machine: gone"), "{refused:?}");
            assert!(held_by(&policy, seen).unwrap().why.contains("gone"), "{policy:?}");
            // Before the first look nothing is lent either.
            let held = held("box", &policy, at(0, 0), &TimeZone::UTC, &Looks::default());
            assert!(held.is_some(), "{policy:?}");
        }
        assert_eq!(can_be_kept(&Policy { power_watts: Some(180), ..Policy::default() }, &Seen::default()), Ok(()));
    }

    #[test]
    fn a_card_that_does_not_tell_how_busy_it_is_is_named() {
        let graphics =
            crate::machine::Graphics { busy_percent: None, memory_percent: Some(9), watts: None, at: Instant::now() };
        let seen = Seen { graphics: Some(Ok(graphics)), ..Seen::default() };
        let busy = Policy { gpu_percent: Some(30), ..Policy::default() };
        assert!(can_be_kept(&busy, &seen).unwrap_err().message.contains("`gpu_percent`"));
        let full = Policy { gpu_memory_percent: Some(30), ..Policy::default() };
        assert_eq!(can_be_kept(&full, &seen), Ok(()));
    }

    #[test]
    fn a_number_out_of_bounds_is_refused_by_name() {
        let of = |name: &str, number: u32| {
            serde_json::from_value::<Policy>(serde_json::json!({ name: number })).map(checked)
        };
        for (name, most) in [("away_minutes", 1_440), ("memory_percent", 99), ("gpu_percent", 99), ("watts", 10_000)] {
            assert!(of(name, 1).unwrap().is_ok() && of(name, most).unwrap().is_ok());
            for number in [0, most + 1] {
                assert!(of(name, number).unwrap().unwrap_err().message.contains(name), "{name} {number}");
            }
        }
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
}
