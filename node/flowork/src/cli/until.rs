//! Moments as people say them: `friday`, `3d`, `12h`, `2026-12-24`, `2026-12-24T18:00`.

use flowork_protocol::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan as _, Zoned};

/// The moment that `text` means, seen from `now`, in the time zone of this machine. A day means its end.
///
/// # Errors
/// In words, when it means none.
pub(crate) fn read(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let zone = TimeZone::system();
    let now = jiff::Timestamp::from_millisecond(now.0).map_err(|error| error.to_string())?.to_zoned(zone);
    let at = moment(text.trim(), &now).ok_or_else(|| {
        format!("`{text}` is no moment; write friday, tomorrow, 3d, 12h, 2026-12-24 or 2026-12-24T18:00")
    })?;
    Ok(Timestamp(at.timestamp().as_millisecond()))
}

fn moment(text: &str, now: &Zoned) -> Option<Zoned> {
    let lower = text.to_lowercase();
    let end_of = |date: Date| date.tomorrow().ok()?.to_zoned(now.time_zone().clone()).ok();
    match lower.as_str() {
        "today" => return end_of(now.date()),
        "tomorrow" => return end_of(now.date().tomorrow().ok()?),
        _ => {}
    }
    if let Some(day) = weekday(&lower) {
        return end_of(now.date().nth_weekday(1, day).ok()?);
    }
    if let Some(span) = span(&lower) {
        return now.checked_add(span).ok();
    }
    // A date with a time reads as a date, too.
    if !text.contains(['T', 't', ' '])
        && let Ok(date) = text.parse::<Date>()
    {
        return end_of(date);
    }
    text.parse::<DateTime>().ok()?.to_zoned(now.time_zone().clone()).ok()
}

fn weekday(text: &str) -> Option<Weekday> {
    const DAYS: [(&str, Weekday); 7] = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    DAYS.iter().find(|(name, _)| text.len() >= 3 && name.starts_with(text)).map(|(_, day)| *day)
}

fn span(text: &str) -> Option<Span> {
    let unit = text.chars().last()?;
    let number: i64 = text.strip_suffix(unit)?.trim().parse().ok().filter(|number| (1..100_000).contains(number))?;
    match unit {
        'm' => Some(number.minutes()),
        'h' => Some(number.hours()),
        'd' => Some(number.days()),
        'w' => Some(number.weeks()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Wednesday.
    const NOW: &str = "2026-11-25T15:30:00[Europe/Berlin]";

    fn check(text: &str, expect: &str) {
        let now: Zoned = NOW.parse().unwrap();
        let expect: Zoned = format!("{expect}[Europe/Berlin]").parse().unwrap();
        assert_eq!(moment(text, &now), Some(expect), "{text}");
    }

    #[test]
    fn a_day_means_its_end_and_a_span_counts_from_now() {
        check("friday", "2026-11-28T00:00");
        check("fri", "2026-11-28T00:00");
        check("wednesday", "2026-12-03T00:00");
        check("today", "2026-11-26T00:00");
        check("tomorrow", "2026-11-27T00:00");
        check("2026-12-24", "2026-12-25T00:00");
        check("2026-12-24T18:00", "2026-12-24T18:00");
        check("12h", "2026-11-26T03:30");
        check("3d", "2026-11-28T15:30");
        check("1w", "2026-12-02T15:30");
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        let now: Zoned = NOW.parse().unwrap();
        for text in ["", "soon", "0d", "-3d", "3", "fr", "2026-13-01"] {
            assert_eq!(moment(text, &now), None, "{text}");
        }
    }
}
