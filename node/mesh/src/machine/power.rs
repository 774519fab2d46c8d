//! What the machine draws: by its processors' own meters, or by its battery's while that gives the current.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Told, number_in};

const ZONES: &str = "/sys/class/powercap";
const SUPPLIES: &str = "/sys/class/power_supply";
/// Over how long the first reading is taken.
const FIRST: Duration = Duration::from_millis(250);
/// Readings closer than this are one.
const APART_MIN: Duration = Duration::from_millis(100);
/// A reading over longer than this tells nothing of now.
const APART_MAX: Duration = Duration::from_secs(10);

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Power {
    pub(super) watts: u32,
    /// Whether that is the whole machine and not only its processors and memory.
    pub(super) is_all: bool,
}

/// Meters that count energy: power is what they moved on by since the last look.
pub(super) struct Meter {
    zones: PathBuf,
    supplies: PathBuf,
    last: Option<(Instant, BTreeMap<PathBuf, u64>)>,
    watts: Option<u32>,
}

impl Default for Meter {
    fn default() -> Self {
        Self { zones: ZONES.into(), supplies: SUPPLIES.into(), last: None, watts: None }
    }
}

impl Meter {
    /// What the machine draws. The first reading takes a quarter of a second; blocks that long.
    pub(super) fn read(&mut self) -> Told<Power> {
        match self.read_at(Instant::now())? {
            Some(power) => Ok(power),
            None => {
                std::thread::sleep(FIRST);
                self.read_at(Instant::now())?.ok_or_else(|| "its power meter does not move on".to_owned())
            }
        }
    }

    /// None when this was the first look in a while.
    fn read_at(&mut self, now: Instant) -> Told<Option<Power>> {
        if let Some(watts) = discharging(&self.supplies) {
            self.last = None;
            return Ok(Some(Power { watts, is_all: true }));
        }
        let processors = |watts: Option<u32>| watts.map(|watts| Power { watts, is_all: false });
        if let Some((at, _)) = &self.last
            && now.saturating_duration_since(*at) < APART_MIN
            && self.watts.is_some()
        {
            return Ok(processors(self.watts));
        }
        let energy = energy(&self.zones)?;
        let last = self.last.replace((now, energy.clone()));
        self.watts = last.and_then(|(at, before)| {
            let apart = now.saturating_duration_since(at);
            let is_telling = apart <= APART_MAX && !apart.is_zero() && before.keys().eq(energy.keys());
            is_telling.then(|| watts(&before, &energy, apart))
        });
        Ok(processors(self.watts))
    }
}

fn watts(before: &BTreeMap<PathBuf, u64>, after: &BTreeMap<PathBuf, u64>, apart: Duration) -> u32 {
    let moved = after.iter().zip(before.values()).map(|((zone, after), before)| {
        after.checked_sub(*before).unwrap_or_else(|| {
            // It went around.
            let range = number_in(&zone.join("max_energy_range_uj")).unwrap_or(*before);
            after.saturating_add(range.saturating_sub(*before))
        })
    });
    let microwatts = moved.sum::<u64>() as f64 / apart.as_secs_f64();
    (microwatts / 1e6).round() as u32
}

/// What the meters of processors and their memory count, in millionths of a watt second, by zone.
fn energy(zones: &Path) -> Told<BTreeMap<PathBuf, u64>> {
    let folders = std::fs::read_dir(zones).into_iter().flatten().flatten().map(|entry| entry.path());
    let meant: Vec<PathBuf> = folders.filter(|zone| is_meant(zone)).collect();
    if meant.is_empty() {
        return Err("this machine has no power meter that its system tells of (RAPL, or a battery in use)".to_owned());
    }
    let counted: BTreeMap<PathBuf, u64> =
        meant.iter().filter_map(|zone| Some((zone.clone(), number_in(&zone.join("energy_uj"))?))).collect();
    if counted.len() < meant.len() {
        return Err("the power meter of its processors is not for this user to read: allow it with \
                    `chmod a+r /sys/class/powercap/intel-rapl*/energy_uj`, at each start of the machine"
            .to_owned());
    }
    Ok(counted)
}

/// Packages count their cores and graphics too; memory counts by itself.
fn is_meant(zone: &Path) -> bool {
    let is_rapl = zone.file_name().is_some_and(|name| name.to_string_lossy().starts_with("intel-rapl:"));
    let name = std::fs::read_to_string(zone.join("name")).unwrap_or_default();
    is_rapl && (name.starts_with("package") || name.trim() == "dram")
}

/// What batteries of the machine give, in watts; none while none does.
fn discharging(supplies: &Path) -> Option<u32> {
    let folders = std::fs::read_dir(supplies).ok()?.flatten().map(|entry| entry.path());
    let given = folders.filter_map(|supply| {
        let says = |name: &str| std::fs::read_to_string(supply.join(name)).unwrap_or_default().trim().to_owned();
        // One of a mouse says that it is a device's.
        if says("type") != "Battery" || says("scope") == "Device" || says("status") != "Discharging" {
            return None;
        }
        let number = |name: &str| number_in(&supply.join(name));
        number("power_now").or_else(|| Some(number("current_now")?.checked_mul(number("voltage_now")?)? / 1_000_000))
    });
    let all: Vec<u64> = given.collect();
    (!all.is_empty()).then(|| u32::try_from(all.iter().sum::<u64>() / 1_000_000).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Machine {
        dir: tempfile::TempDir,
        meter: Meter,
        now: Instant,
    }

    impl Machine {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let meter =
                Meter { zones: dir.path().join("zones"), supplies: dir.path().join("supplies"), ..Meter::default() };
            Self { dir, meter, now: Instant::now() }
        }

        fn write(&self, file: &str, text: &str) {
            let file = self.dir.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }

        fn zone(&self, zone: &str, name: &str, energy: u64) {
            self.write(&format!("zones/{zone}/name"), &format!("{name}\n"));
            self.write(&format!("zones/{zone}/energy_uj"), &format!("{energy}\n"));
            self.write(&format!("zones/{zone}/max_energy_range_uj"), "100000000\n");
        }

        fn after(&mut self, ms: u64) -> Told<Option<u32>> {
            self.now += Duration::from_millis(ms);
            Ok(self.meter.read_at(self.now)?.map(|power| power.watts))
        }
    }

    #[test]
    fn power_is_what_the_meters_moved_on_by() {
        let mut machine = Machine::new();
        machine.zone("intel-rapl:0", "package-0", 10_000_000);
        machine.zone("intel-rapl:0:0", "core", 1_000_000);
        machine.zone("intel-rapl:0:1", "dram", 5_000_000);
        machine.zone("intel-rapl-mmio:0", "package-0", 1_000_000);
        assert_eq!(machine.after(0), Ok(None));
        machine.zone("intel-rapl:0", "package-0", 90_000_000);
        machine.zone("intel-rapl:0:0", "core", 70_000_000);
        machine.zone("intel-rapl:0:1", "dram", 9_000_000);
        assert_eq!(machine.after(2_000), Ok(Some(42)));
        // It goes around: 10 J up to its end and 20 J from its beginning.
        machine.zone("intel-rapl:0", "package-0", 20_000_000);
        assert_eq!(machine.after(1_000), Ok(Some(30)));
        // One look for two questions.
        machine.zone("intel-rapl:0", "package-0", 99_000_000);
        assert_eq!(machine.after(10), Ok(Some(30)));
        // Too long ago to tell of now.
        assert_eq!(machine.after(60_000), Ok(None));
    }

    #[test]
    fn a_battery_in_use_tells_of_the_whole_machine() {
        let mut machine = Machine::new();
        for (file, text) in [("type", "Battery"), ("status", "Discharging"), ("power_now", "17400000")] {
            machine.write(&format!("supplies/BAT0/{file}"), text);
        }
        for (file, text) in
            [("type", "Battery"), ("scope", "Device"), ("status", "Discharging"), ("power_now", "9000000")]
        {
            machine.write(&format!("supplies/hid/{file}"), text);
        }
        assert_eq!(machine.meter.read_at(machine.now), Ok(Some(Power { watts: 17, is_all: true })));
        machine.write("supplies/BAT0/status", "Charging");
        assert!(machine.after(1_000).unwrap_err().contains("no power meter"));
        machine.write("supplies/BAT0/status", "Discharging");
        std::fs::remove_file(machine.dir.path().join("supplies/BAT0/power_now")).unwrap();
        machine.write("supplies/BAT0/current_now", "2000000");
        machine.write("supplies/BAT0/voltage_now", "11500000");
        assert_eq!(machine.after(1_000), Ok(Some(23)));
    }

    #[test]
    fn a_meter_that_is_for_root_only_is_named() {
        let mut machine = Machine::new();
        machine.write("zones/intel-rapl:0/name", "package-0\n");
        assert!(machine.after(0).unwrap_err().contains("chmod"));
    }
}
