//! What this machine tells about how it is used, for the policies of engines.
//!
//! Everything is read as any user can read it. Where the machine does not tell, the reading says why: a policy that asks for
//! it is refused by that name, and one that was set before holds its engine.

mod display;
mod graphics;
mod input;
mod power;
mod programs;
mod seat;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use flowork_ports::mesh::Policy;

use crate::lock;

pub(crate) use graphics::Graphics;
pub(crate) use programs::PROCESSES;

/// A look at the display takes milliseconds; one that takes longer hangs.
const DISPLAY_WITHIN: Duration = Duration::from_secs(1);

/// A reading, or why there is none.
pub(crate) type Told<T> = Result<T, String>;

/// What policies ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// The programs that engines wait for.
    pub(crate) programs: BTreeSet<String>,
    pub(crate) input: bool,
    pub(crate) screen: bool,
    pub(crate) memory: bool,
    pub(crate) graphics: bool,
    pub(crate) power: bool,
}

impl Needs {
    pub(crate) fn add(&mut self, policy: &Policy) {
        self.programs.extend(policy.not_while.iter().cloned());
        self.input |= policy.away_minutes.is_some();
        self.screen |= policy.not_full_screen;
        self.memory |= policy.memory_percent.is_some();
        self.graphics |= policy.gpu_percent.is_some() || policy.gpu_memory_percent.is_some();
        self.power |= policy.watts.is_some();
    }

    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// What was read. What was not asked for is not there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Of the programs that engines wait for, those that run.
    pub(crate) programs: Option<BTreeSet<String>>,
    /// For how long nobody has used the machine.
    pub(crate) idle: Option<Told<Duration>>,
    /// Whether a program fills the screen.
    pub(crate) full_screen: Option<Told<bool>>,
    /// How much of the memory is in use, in percent.
    pub(crate) memory_percent: Option<Told<u8>>,
    pub(crate) graphics: Option<Told<Graphics>>,
    /// What the machine draws by its own meters.
    pub(crate) watts: Option<Told<u32>>,
}

impl Seen {
    /// With newer readings in place of older ones of the same kind.
    pub(crate) fn take_over(&mut self, newer: Self) {
        fn put<T>(old: &mut Option<T>, new: Option<T>) {
            if new.is_some() {
                *old = new;
            }
        }
        put(&mut self.programs, newer.programs);
        put(&mut self.idle, newer.idle);
        put(&mut self.full_screen, newer.full_screen);
        put(&mut self.memory_percent, newer.memory_percent);
        put(&mut self.graphics, newer.graphics);
        put(&mut self.watts, newer.watts);
    }
}

/// Something that can be looked at.
#[async_trait]
pub(crate) trait Machine: Send + Sync {
    /// Reads what is asked for, within a few seconds at the most and much faster as a rule.
    async fn look(&self, needs: &Needs) -> Seen;
}

/// The desktop that this node was started in, if any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Desktop {
    /// None: it was started by the system, or from elsewhere.
    #[default]
    None,
    /// One of an X server of this machine, by its name, such as `:0`.
    X11(String),
    /// One of Wayland.
    Wayland,
}

/// The machine that this node runs on.
#[derive(Default)]
pub(crate) struct ThisMachine {
    desktop: Desktop,
    display: Arc<Mutex<Option<display::Display>>>,
    graphics: Arc<graphics::Cards>,
    power: Arc<Mutex<power::Meter>>,
}

#[async_trait]
impl Machine for ThisMachine {
    async fn look(&self, needs: &Needs) -> Seen {
        let quick = {
            let (needs, power) = (needs.clone(), self.power.clone());
            blocking(move || Quick {
                programs: (!needs.programs.is_empty()).then(|| programs::running(&needs.programs)),
                terminals: needs.input.then(input::terminals),
                memory: needs.memory.then(memory_percent),
                power: needs.power.then(|| lock(&power).read()),
            })
        };
        let (quick, (at_display, full_screen)) = tokio::join!(quick, self.shown(needs));
        let Some(quick) = quick else { return Seen::default() };
        let asks_cards = matches!(&quick.power, Some(Ok(power)) if !power.is_all);
        let graphics = if needs.graphics || asks_cards { Some(self.graphics.read().await) } else { None };
        // The graphics cards have meters of their own beside the processors'; a battery's is for everything.
        let cards = graphics.as_ref().and_then(|read| read.as_ref().ok()?.watts).unwrap_or(0);
        let all = |power: power::Power| if power.is_all { power.watts } else { power.watts.saturating_add(cards) };
        Seen {
            programs: quick.programs,
            idle: quick.terminals.map(|terminals| input::newest(terminals, at_display)),
            full_screen,
            memory_percent: quick.memory,
            graphics: graphics.filter(|_| needs.graphics),
            watts: quick.power.map(|power| power.map(all)),
        }
    }
}

/// What is read from files of the kernel.
struct Quick {
    programs: Option<BTreeSet<String>>,
    terminals: Option<Option<Duration>>,
    memory: Option<Told<u8>>,
    power: Option<Told<power::Power>>,
}

impl ThisMachine {
    pub(crate) fn new(desktop: Desktop) -> Self {
        Self { desktop, ..Self::default() }
    }

    /// For how long nobody has used the desktop, if there is one; and whether a program fills its screen.
    async fn shown(&self, needs: &Needs) -> (Told<Option<Duration>>, Option<Told<bool>>) {
        let Desktop::X11(name) = &self.desktop else {
            let is_certain = self.desktop == Desktop::Wayland;
            let idle = if needs.input { seat::idle(is_certain).await } else { Ok(None) };
            let no_screen = match is_certain {
                true => "Wayland tells no program what fills the screen",
                false => {
                    "this node was not started in a desktop of this machine, so it sees no screen (DISPLAY is not set)"
                }
            };
            return (idle, needs.screen.then(|| Err(no_screen.to_owned())));
        };
        if !needs.input && !needs.screen {
            return (Ok(None), None);
        }
        let (name, display) = (name.clone(), self.display.clone());
        let looking = blocking(move || {
            // One that hangs keeps it: nobody waits behind it.
            let mut display = display.try_lock().ok()?;
            Some(display::Display::look(&mut display, &name))
        });
        let shown = match tokio::time::timeout(DISPLAY_WITHIN, looking).await {
            Ok(Some(Some(shown))) => shown,
            _ => Err("the X server does not answer".to_owned()),
        };
        match shown {
            Ok(shown) => (shown.idle.map(Some), needs.screen.then_some(shown.full_screen)),
            Err(why) => (Err(why.clone()), needs.screen.then_some(Err(why))),
        }
    }
}

async fn blocking<T: Send + 'static>(look: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(look)
        .await
        .inspect_err(|error| tracing::warn!(%error, "the machine could not be looked at"))
        .ok()
}

/// How much of the memory is in use. What can be given back at once, such as cached files, is not.
fn memory_percent() -> Told<u8> {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    memory_in(&text).ok_or_else(|| "this system does not tell how much memory is in use (/proc/meminfo)".to_owned())
}

fn memory_in(meminfo: &str) -> Option<u8> {
    let of = |name: &str| -> Option<u64> {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse().ok()
    };
    percent(of("MemTotal")?.saturating_sub(of("MemAvailable")?), of("MemTotal")?)
}

/// `part` of `all`, in whole percent.
fn percent(part: u64, all: u64) -> Option<u8> {
    let percent = part.checked_mul(100)?.checked_div(all)?;
    u8::try_from(percent.min(100)).ok()
}

/// The one number in a file of the kernel.
fn number_in(file: &Path) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// How long ago, by the clock of this process.
fn since(at: Instant) -> Duration {
    Instant::now().saturating_duration_since(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_can_be_given_back_at_once_is_not_in_use() {
        let meminfo = "MemTotal:       16000000 kB\nMemFree:          500000 kB\nMemAvailable:    4000000 kB\n";
        assert_eq!(memory_in(meminfo), Some(75));
        assert_eq!(memory_in("MemTotal:       16000000 kB\n"), None);
        assert_eq!(memory_in("MemTotal: 0 kB\nMemAvailable: 0 kB\n"), None);
    }

    #[tokio::test]
    async fn only_what_is_asked_for_is_read() {
        let machine = ThisMachine::default();
        let nothing = machine.look(&Needs::default()).await;
        assert!(nothing.programs.is_none() && nothing.memory_percent.is_none() && nothing.idle.is_none());
        let seen = machine.look(&Needs { memory: true, ..Needs::default() }).await;
        assert!(seen.memory_percent.unwrap().is_ok_and(|percent| percent <= 100));
        assert!(seen.graphics.is_none() && seen.watts.is_none());
    }

    #[test]
    fn a_newer_look_keeps_what_it_did_not_ask_for() {
        let mut seen = Seen { memory_percent: Some(Ok(50)), ..Seen::default() };
        seen.take_over(Seen { watts: Some(Ok(7)), ..Seen::default() });
        assert_eq!((seen.memory_percent, seen.watts), (Some(Ok(50)), Some(Ok(7))));
    }
}
