//! How busy graphics cards are: NVIDIA's by the program of their driver, AMD's by files of the kernel.
//!
//! By its program and not by its library, although that would be quicker: a closed library does not belong into the process
//! that holds the node key.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{Told, number_in, percent, since};
use crate::lock;

/// Where the kernel shows graphics cards.
const CARDS: &str = "/sys/class/drm";
/// A reading is taken anew when it is older. The program takes some hundredths of a second of a processor.
const EVERY: Duration = Duration::from_secs(2);
/// A reading that is older is none.
const FRESH: Duration = Duration::from_secs(10);
/// Where the driver is not kept loaded, the program takes a second or two.
const WITHIN: Duration = Duration::from_secs(5);
const QUESTION: [&str; 2] =
    ["--query-gpu=utilization.gpu,memory.used,memory.total,power.draw", "--format=csv,noheader,nounits"];

/// All cards together. What no card tells is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Graphics {
    /// How busy the busiest card is, averaged by itself over up to a second, in percent.
    pub(crate) busy_percent: Option<u8>,
    /// How much of the memory of the fullest card is in use, in percent.
    pub(crate) memory_percent: Option<u8>,
    /// What they draw together.
    pub(crate) watts: Option<u32>,
    /// When that was asked.
    pub(crate) at: Instant,
}

/// The cards of this machine.
#[derive(Default)]
pub(super) struct Cards {
    last: Mutex<Option<(Instant, Told<Graphics>)>>,
    asking: Arc<tokio::sync::Mutex<()>>,
}

impl Cards {
    /// The newest reading. A new one is begun when that is due, and waited for only when there is no other.
    pub(super) async fn read(self: &Arc<Self>) -> Told<Graphics> {
        let last = || lock(&self.last).clone();
        let age = last().map(|(at, _)| since(at));
        if age.is_none_or(|age| age >= EVERY)
            && let Ok(asking) = self.asking.clone().try_lock_owned()
        {
            let cards = self.clone();
            tokio::spawn(async move {
                let _asking = asking;
                let read = read(Instant::now()).await;
                *lock(&cards.last) = Some((Instant::now(), read));
            });
        }
        if age.is_none_or(|age| age >= FRESH) {
            let _asked = self.asking.lock().await;
        }
        match last().filter(|(at, _)| since(*at) < FRESH) {
            Some((_, read)) => read,
            None => Err("its graphics cards do not answer".to_owned()),
        }
    }
}

async fn read(at: Instant) -> Told<Graphics> {
    let mut cards = amd(Path::new(CARDS));
    let mut smi = tokio::process::Command::new("nvidia-smi");
    let asked = smi.args(QUESTION).stdin(Stdio::null()).kill_on_drop(true).output();
    match tokio::time::timeout(WITHIN, asked).await {
        Ok(Ok(output)) if output.status.success() => cards.extend(nvidia(&String::from_utf8_lossy(&output.stdout))),
        // Without the program there is no such card, or nobody to ask about it.
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {}
        Ok(Ok(output)) if !cards.is_empty() => tracing::debug!(status = %output.status, "nvidia-smi gave nothing"),
        Ok(Ok(output)) => {
            let said = String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().trim().to_owned();
            return Err(format!("nvidia-smi failed ({}): {said}", output.status));
        }
        Ok(Err(error)) => return Err(format!("nvidia-smi cannot be run: {error}")),
        Err(_) => return Err("nvidia-smi does not answer".to_owned()),
    }
    if cards.is_empty() {
        return Err("no graphics card here tells how busy it is (nvidia-smi, or AMD's files in /sys)".to_owned());
    }
    Ok(together(&cards, at))
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Card {
    busy_percent: Option<u8>,
    memory_percent: Option<u8>,
    watts: Option<f64>,
}

fn together(cards: &[Card], at: Instant) -> Graphics {
    let watts: Vec<f64> = cards.iter().filter_map(|card| card.watts).collect();
    Graphics {
        busy_percent: cards.iter().filter_map(|card| card.busy_percent).max(),
        memory_percent: cards.iter().filter_map(|card| card.memory_percent).max(),
        watts: (!watts.is_empty()).then(|| watts.iter().sum::<f64>().round() as u32),
        at,
    }
}

/// A line a card. What a card does not tell stands in brackets, such as `[N/A]`.
fn nvidia(text: &str) -> Vec<Card> {
    let card = |line: &str| {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let [busy, used, total, watts] = fields.as_slice() else { return None };
        let memory = used.parse().ok().zip(total.parse().ok());
        Some(Card {
            busy_percent: busy.parse().ok().filter(|busy| *busy <= 100),
            memory_percent: memory.and_then(|(used, total)| percent(used, total)),
            watts: watts.parse().ok().filter(|watts: &f64| watts.is_finite() && *watts >= 0.0),
        })
    };
    text.lines().filter_map(card).collect()
}

/// Cards whose driver tells how busy they are in files.
fn amd(folder: &Path) -> Vec<Card> {
    let is_card = |name: &str| name.strip_prefix("card").is_some_and(|no| no.bytes().all(|byte| byte.is_ascii_digit()));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let cards = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_card));
    cards.filter_map(|entry| amd_card(&entry.path().join("device"))).collect()
}

fn amd_card(device: &Path) -> Option<Card> {
    let number = |name: &str| number_in(&device.join(name));
    let busy = number("gpu_busy_percent")?;
    let memory = number("mem_info_vram_used").zip(number("mem_info_vram_total"));
    let sensors = std::fs::read_dir(device.join("hwmon")).into_iter().flatten().flatten().map(|entry| entry.path());
    let drawn =
        |sensor: PathBuf| number_in(&sensor.join("power1_average")).or_else(|| number_in(&sensor.join("power1_input")));
    Some(Card {
        busy_percent: u8::try_from(busy.min(100)).ok(),
        memory_percent: memory.and_then(|(used, total)| percent(used, total)),
        watts: sensors.filter_map(drawn).next().map(|microwatts| microwatts as f64 / 1e6),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nvidias_program_says_is_read_card_by_card() {
        let cards = nvidia("0, 4, 81559, 69.85\n97, 20391, 24564, 412.07\n");
        assert_eq!(
            cards,
            [
                Card { busy_percent: Some(0), memory_percent: Some(0), watts: Some(69.85) },
                Card { busy_percent: Some(97), memory_percent: Some(83), watts: Some(412.07) },
            ]
        );
        let all = together(&cards, Instant::now());
        assert_eq!((all.busy_percent, all.memory_percent, all.watts), (Some(97), Some(83), Some(482)));
    }

    #[test]
    fn what_a_card_does_not_tell_is_not_made_up() {
        let unknown = Card { memory_percent: Some(50), ..Card::default() };
        assert_eq!(nvidia("[N/A], 512, 1024, [Not Supported]\n"), [unknown]);
        assert_eq!(nvidia("[N/A], [N/A], [N/A], [N/A]\n"), [Card::default()]);
        assert_eq!(nvidia("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n\n"), []);
        let all = together(&[Card::default()], Instant::now());
        assert_eq!((all.busy_percent, all.memory_percent, all.watts), (None, None, None));
    }

    #[test]
    fn amds_files_are_read_where_a_card_has_them() {
        let dir = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let file = dir.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        write("card0/device/gpu_busy_percent", "37\n");
        write("card0/device/mem_info_vram_used", "4294967296\n");
        write("card0/device/mem_info_vram_total", "17179869184\n");
        write("card0/device/hwmon/hwmon3/power1_average", "88000000\n");
        write("card0-DP-1/device/gpu_busy_percent", "99\n");
        write("card1/device/vendor", "0x8086\n");
        let card = Card { busy_percent: Some(37), memory_percent: Some(25), watts: Some(88.0) };
        assert_eq!(amd(dir.path()), [card]);
    }
}
