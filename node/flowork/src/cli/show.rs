//! How things look on a terminal and in a pipe: tables, times, sizes, durations. Plain text, no colours.

use flowork_protocol::Timestamp;
use serde_json::Value;

/// The widest cell of a table of items.
const CELL_CHARS_MAX: usize = 48;
/// The most columns of a table of items.
const COLUMNS_MAX: usize = 8;

/// A table with a head. Columns are as wide as their widest cell; nothing pads the last one.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let columns = head.len();
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (at, cell) in cells.enumerate() {
            text.push_str(cell);
            if at + 1 < columns {
                let pad = widths.get(at).copied().unwrap_or(0).saturating_sub(cell.chars().count()) + 2;
                text.extend(std::iter::repeat_n(' ', pad));
            }
        }
        format!("{}\n", text.trim_end())
    };
    let mut out = line(&mut head.iter().copied());
    for row in rows {
        out.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    out
}

/// Items for people: one text as it is, otherwise a table of their members. Past `rows_max` items the rest is only counted.
pub(crate) fn items(list: &[Value], total: u64, rows_max: usize) -> String {
    if let [only] = list
        && let Some(text) = lone_text(only)
    {
        return format!("{}\n", text.trim_end());
    }
    let mut columns: Vec<String> = Vec::new();
    let mut has_others = false;
    for item in list.iter().take(rows_max) {
        match item.get("json") {
            Some(Value::Object(members)) => {
                for name in members.keys().filter(|name| !columns.contains(name)).cloned().collect::<Vec<_>>() {
                    columns.push(name);
                }
            }
            Some(Value::Null) | None => {}
            Some(_) => has_others = true,
        }
    }
    let left_out = columns.len().saturating_sub(COLUMNS_MAX);
    columns.truncate(COLUMNS_MAX);
    let with_files = list.iter().any(|item| item.get("files").is_some());
    let mut head: Vec<&str> = columns.iter().map(String::as_str).collect();
    if has_others || head.is_empty() && !with_files {
        head.push("value");
    }
    if with_files {
        head.push("files");
    }
    let rows: Vec<Vec<String>> = list.iter().take(rows_max).map(|item| row(item, &columns, &head)).collect();
    let mut out = table(&head, &rows);
    if left_out > 0 {
        out.push_str(&format!("({left_out} more columns; --json shows everything)\n"));
    }
    let shown = rows.len() as u64;
    if total > shown {
        out.push_str(&format!("… and {} more items\n", total - shown));
    }
    out
}

/// The text of an item that holds nothing but one text of several lines: a report.
fn lone_text(item: &Value) -> Option<&str> {
    if item.get("files").is_some() {
        return None;
    }
    match item.get("json")? {
        Value::String(text) => Some(text),
        Value::Object(members) if members.len() == 1 => {
            members.values().next()?.as_str().filter(|text| text.contains('\n'))
        }
        Value::Object(members) => members.get("report")?.as_str().filter(|text| text.contains('\n')),
        _ => None,
    }
}

fn row(item: &Value, columns: &[String], head: &[&str]) -> Vec<String> {
    let json = item.get("json").unwrap_or(&Value::Null);
    let mut cells: Vec<String> = columns.iter().map(|name| json.get(name).map(cell).unwrap_or_default()).collect();
    if head.get(columns.len()) == Some(&"value") {
        cells.push(if json.is_object() || json.is_null() { String::new() } else { cell(json) });
    }
    if head.last() == Some(&"files") {
        let files = item.get("files").and_then(Value::as_object);
        let named = files.into_iter().flatten().map(|(name, file)| {
            let size = file["size"].as_u64().unwrap_or(0);
            format!("{name}: {} ({})", file["name"].as_str().unwrap_or("?"), bytes(size))
        });
        cells.push(named.collect::<Vec<_>>().join(", "));
    }
    cells
}

fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    clip(&text, CELL_CHARS_MAX)
}

/// One line of at most `chars_max` characters, control characters shown as spaces.
pub(crate) fn clip(text: &str, chars_max: usize) -> String {
    let mut line: String =
        text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(chars_max + 1).collect();
    if line.chars().count() > chars_max {
        line.pop();
        line.pop();
        line.push('…');
    }
    line
}

/// A number of bytes for people.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut size = count as f64;
    let mut unit = 0;
    while size >= 1_024.0 && unit + 1 < UNITS.len() {
        size /= 1_024.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{size:.1} {}", UNITS[unit]) }
}

/// A duration for people.
pub(crate) fn micros(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{:.1} ms", us as f64 / 1e3),
        1_000_000..60_000_000 => format!("{:.1} s", us as f64 / 1e6),
        _ => {
            let seconds = us / 1_000_000;
            let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
            if hours > 0 { format!("{hours} h {minutes} min") } else { format!("{minutes} min {seconds} s") }
        }
    }
}

/// A point in time, UTC, to the second.
///
/// Source of the calendar: Howard Hinnant, `civil_from_days`.
pub(crate) fn time(at: Timestamp) -> String {
    let seconds = at.0.div_euclid(1_000);
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}Z", rest / 3_600, rest / 60 % 60, rest % 60)
}

/// A point in time from JSON; a dash when there is none.
pub(crate) fn time_of(value: &Value) -> String {
    value.as_i64().map_or_else(|| "–".to_owned(), |at| time(Timestamp(at)))
}

/// A text from JSON; a dash when there is none.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_line_up_and_nothing_trails() {
        let text =
            table(&["name", "n"], &[vec!["ä".to_owned(), "1".to_owned()], vec!["longer".to_owned(), String::new()]]);
        assert_eq!(text, "name    n\nä       1\nlonger\n");
    }

    #[test]
    fn a_report_is_shown_as_it_is_and_items_as_a_table() {
        let report = json!({ "json": { "report": "one\ntwo\n" } });
        assert_eq!(items(&[report], 1, 10), "one\ntwo\n");
        let list = [json!({ "json": { "a": 1, "b": "x\ny" } }), json!({ "json": { "a": 2 } })];
        assert_eq!(items(&list, 12, 10), "a  b\n1  x y\n2\n… and 10 more items\n");
    }

    #[test]
    fn plain_values_and_files_have_columns_of_their_own() {
        let list = [json!({ "json": 7 }), json!({ "json": null, "files": { "f": { "name": "a.txt", "size": 2048 } } })];
        assert_eq!(items(&list, 2, 10), "value  files\n7\n       f: a.txt (2.0 KiB)\n");
    }

    #[test]
    fn times_and_sizes_read_well() {
        assert_eq!(time(Timestamp(1_709_210_096_789)), "2024-02-29 12:34:56Z");
        assert_eq!(time(Timestamp(-1)), "1969-12-31 23:59:59Z");
        assert_eq!((bytes(1_023).as_str(), bytes(1_536).as_str()), ("1023 B", "1.5 KiB"));
        assert_eq!((micros(12).as_str(), micros(1_234_567).as_str()), ("12 µs", "1.2 s"));
    }
}
