//! Results as a table for people and as JSON for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Who was measured: `flowork`, or a peer.
    pub who: String,
    /// What was measured, in words.
    pub what: String,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// What is on disk when the work counts as done.
    pub stores: &'static str,
    /// The figure that this one should be compared with, by the words of its row.
    pub beside: Option<&'static str>,
    /// The figure that the design asks for, in the same unit; `<` or `>` comes first.
    pub aim: Option<(char, f64)>,
}

impl Row {
    /// A figure of ours.
    #[must_use]
    pub fn ours(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { who: "flowork".to_owned(), what: what.into(), value, unit, stores: "", beside: None, aim: None }
    }

    /// A figure of a peer.
    #[must_use]
    pub fn peer(who: &str, what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { who: who.to_owned(), ..Self::ours(what, value, unit) }
    }

    /// Says what is on disk.
    #[must_use]
    pub fn stores(mut self, stores: &'static str) -> Self {
        self.stores = stores;
        self
    }

    /// Says which figure of ours it is compared with.
    #[must_use]
    pub fn beside(mut self, what: &'static str) -> Self {
        self.beside = Some(what);
        self
    }

    /// Says that less than `limit` is aimed at.
    #[must_use]
    pub fn below(mut self, limit: f64) -> Self {
        self.aim = Some(('<', limit));
        self
    }

    /// Says that more than `limit` is aimed at.
    #[must_use]
    pub fn at_least(mut self, limit: f64) -> Self {
        self.aim = Some(('>', limit));
        self
    }

    fn aim_shown(&self) -> String {
        self.aim.map_or_else(String::new, |(sign, limit)| {
            let met = if sign == '<' { self.value < limit } else { self.value > limit };
            format!("{sign} {} {}", shown(limit), if met { "met" } else { "missed" })
        })
    }
}

/// All figures of one run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// The figures, in the order they were taken.
    pub rows: Vec<Row>,
    /// What could not be measured, and why.
    pub missing: Vec<String>,
}

impl Table {
    /// Adds a figure and says it at once, so that a long run shows where it is.
    pub fn add(&mut self, row: Row) {
        eprintln!("  {:<14} {:<58} {:>10} {}", row.who, row.what, shown(row.value), row.unit);
        self.rows.push(row);
    }

    /// Notes what could not be measured, and why.
    pub fn miss(&mut self, what: impl Into<String>) {
        let what = what.into();
        eprintln!("  not measured: {what}");
        self.missing.push(what);
    }

    /// How many times the peer's figure ours is, so that more is better for us.
    fn ratio(&self, row: &Row) -> Option<f64> {
        let ours = self.rows.iter().find(|other| other.who == "flowork" && Some(other.what.as_str()) == row.beside)?;
        let ratio = if row.unit.ends_with("/s") { ours.value / row.value } else { row.value / ours.value };
        ratio.is_finite().then_some(ratio)
    }

    /// The table in Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text =
            String::from("| Who | What | Figure | Aim | On disk when done | Ours is |\n|---|---|---:|---|---|---:|\n");
        for row in &self.rows {
            let ratio = self.ratio(row).map_or_else(String::new, |ratio| format!("{}×", shown(ratio)));
            // Writing into a text cannot fail.
            let _ = writeln!(
                text,
                "| {} | {} | {} {} | {} | {} | {ratio} |",
                row.who,
                row.what,
                shown(row.value),
                row.unit,
                row.aim_shown(),
                row.stores
            );
        }
        for what in &self.missing {
            let _ = writeln!(text, "\nNot measured: {what}");
        }
        text
    }

    /// The table as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "who": row.who, "what": row.what, "value": row.value, "unit": row.unit, "stores": row.stores,
                    "beside": row.beside, "ratio": self.ratio(row),
                })
            })
            .collect();
        json!({ "rows": rows, "missing": self.missing })
    }
}

/// A figure with about three digits.
#[must_use]
pub fn shown(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_above_one_is_in_our_favour_for_rates_and_for_times() {
        let mut table = Table::default();
        table.rows.push(Row::ours("jobs", 100.0, "jobs/s"));
        table.rows.push(Row::ours("one", 2.0, "ms"));
        let rate = Row::peer("n8n", "jobs", 10.0, "jobs/s").beside("jobs");
        let time = Row::peer("n8n", "one", 20.0, "ms").beside("one");
        assert_eq!((table.ratio(&rate), table.ratio(&time)), (Some(10.0), Some(10.0)));
    }
}
