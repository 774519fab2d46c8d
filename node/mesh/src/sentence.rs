//! A grant as a sentence: *Ana may use gpu for chat and summarise · 20 calls/h · until Fri 28 Nov, 18:00 · may not pass it on*.

use flowork_protocol::Timestamp;
use flowork_protocol::grant::{Capability, Grant, UNLIMITED};

/// What `grant` says about `who` and `engine`, by the names that people know them by.
pub(crate) fn of(grant: &Grant, who: &str, engine: &str) -> String {
    let uses: Vec<String> = grant.caps.iter().map(use_of).collect();
    let mut parts = vec![format!("{who} may use {engine} for {}", listed(&uses))];
    let limits = &grant.limits;
    let counted = [
        (limits.calls_per_hour, "calls/h"),
        (limits.concurrent, "at once"),
        (limits.tokens_per_day, "tokens/day"),
        (limits.bytes_per_day, "B/day"),
        (limits.seconds_per_day, "s of work/day"),
    ];
    parts.extend(
        counted.into_iter().filter(|(limit, _)| *limit != UNLIMITED).map(|(limit, unit)| measured(limit, unit)),
    );
    parts.push(format!("until {}", moment(grant.ends_at())));
    parts.push(match grant.depth {
        0 => "may not pass it on".to_owned(),
        1 => "may pass it on".to_owned(),
        depth => format!("may pass it on {depth} times"),
    });
    parts.join(" · ")
}

/// A number with its thousands, millions or billions as a letter where nothing is lost by it: `100k tokens/day`, `50 MB/day`.
fn measured(number: u64, unit: &str) -> String {
    let rounded = [(1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")]
        .into_iter()
        .find(|(many, _)| number >= *many && number.is_multiple_of(*many));
    match rounded {
        Some((many, letter)) if unit.starts_with("B/") => format!("{} {letter}{unit}", number / many),
        Some((many, letter)) => format!("{}{letter} {unit}", number / many),
        None => format!("{number} {unit}"),
    }
}

/// A moment in the time zone of this machine.
pub(crate) fn moment(at: Timestamp) -> String {
    let zone = jiff::tz::TimeZone::system();
    jiff::Timestamp::from_millisecond(at.0)
        .map_or_else(|_| format!("{} ms", at.0), |at| at.to_zoned(zone).strftime("%a %-d %b %Y, %H:%M %Z").to_string())
}

fn use_of(capability: &Capability) -> String {
    match capability.parts() {
        ("run", Some(preset)) => preset.to_owned(),
        ("tool", Some(component)) => format!("the component {component}"),
        _ => capability.to_string(),
    }
}

fn listed(uses: &[String]) -> String {
    match uses {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use flowork_protocol::NodeId;
    use flowork_protocol::grant::Limits;
    use flowork_protocol::id::Key;

    use super::*;

    #[test]
    fn large_numbers_are_shortened_where_nothing_is_lost() {
        let shown = |number| measured(number, "B/day");
        assert_eq!(measured(100_000, "tokens/day"), "100k tokens/day");
        assert_eq!(
            [50_000_000, 1_500, 100_000, 999, 0].map(shown),
            ["50 MB/day", "1500 B/day", "100 kB/day", "999 B/day", "0 B/day"]
        );
    }

    #[test]
    fn a_grant_reads_as_a_sentence() {
        let grant = Grant {
            v: 1,
            iss: Key([1; 32]),
            aud: Key([2; 32]),
            sub: NodeId([1; 32]),
            engine: "gpu".to_owned(),
            caps: vec![Capability("chat".to_owned()), Capability::run("summarise"), Capability::tool("http-request")],
            limits: Limits { calls_per_hour: 20, concurrent: 2, ..Limits::unlimited() },
            nbf: 0,
            exp: 1_800_000_000,
            depth: 0,
            nonce: [0; 16],
            parent: None,
        };
        let said = of(&grant, "Ana", "GPU-box");
        let until = moment(Timestamp(1_800_000_000_000));
        assert_eq!(
            said,
            format!(
                "Ana may use GPU-box for chat, summarise and the component http-request · 20 calls/h · 2 at once · \
                 until {until} · may not pass it on"
            )
        );
    }
}
