//! When an engine is lent, as its owner says it.

use serde::{Deserialize, Serialize};

/// When an engine takes calls of others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Only within these hours; at any time when it is not said.
    pub hours: Option<Hours>,
    /// Not while one of these programs runs, by the name of its file, such as `blender`.
    pub not_while: Vec<String>,
    /// Not while a program fills the screen.
    pub not_full_screen: bool,
    /// Only after nobody has used the machine for so many minutes: 1 to 1440.
    pub away_minutes: Option<u32>,
    /// Only while less than so much of the machine's memory is in use, in percent: 1 to 99. Loans count too.
    pub memory_percent: Option<u8>,
    /// Only while its graphics card is less busy than this with anything but loans, in percent: 1 to 99. Looked at while no
    /// call of others runs.
    pub gpu_percent: Option<u8>,
    /// Only while less than so much of the graphics card's memory is in use, in percent: 1 to 99. Loans count too.
    pub gpu_memory_percent: Option<u8>,
    /// Only while the machine draws less than so many watts by its own meters: 1 to 10000. Loans count too.
    pub watts: Option<u32>,
    /// What the machine draws more while this engine works, in watts, as its owner says it: 1 to 10000. No condition; the
    /// energy in the sums of receipts is reckoned with it.
    pub power_watts: Option<u32>,
}

/// Only the conditions, in words.
impl std::fmt::Display for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hours = self.hours.as_ref().map(|hours| format!("from {} to {}", hours.from, hours.to));
        let away = self.away_minutes.map(|minutes| format!("after nobody has used the machine for {minutes} min"));
        let programs = self.not_while.iter().map(|program| format!("not while {program} runs"));
        let screen = self.not_full_screen.then(|| "not while a program fills the screen".to_owned());
        let caps = [
            self.memory_percent.map(|cap| format!("while less than {cap} % of the memory is in use")),
            self.gpu_percent.map(|cap| format!("while the graphics card is less than {cap} % busy")),
            self.gpu_memory_percent.map(|cap| format!("while less than {cap} % of the graphics memory is in use")),
            self.watts.map(|cap| format!("while the machine draws less than {cap} W")),
        ];
        let caps = caps.into_iter().flatten();
        let parts: Vec<String> = hours.into_iter().chain(away).chain(programs).chain(screen).chain(caps).collect();
        f.write_str(&if parts.is_empty() { "at any time".to_owned() } else { parts.join(", ") })
    }
}

/// Hours of each day, in the time zone of the machine. They may go over midnight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// From when: `22:00`.
    pub from: String,
    /// Until when: `07:00`.
    pub to: String,
}
