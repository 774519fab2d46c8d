//! What the system's login manager says of the desktop at this machine, where this node cannot ask the desktop itself.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Told;

/// Both questions together take a few hundredths of a second.
const WITHIN: Duration = Duration::from_secs(1);

/// For how long nobody has used the desktop that is shown now, as it reports that itself; none when no desktop is shown.
///
/// A desktop reports it some minutes after it was used last, and some never do: these count as in use. `is_certain` says that
/// there is a desktop.
pub(super) async fn idle(is_certain: bool) -> Told<Option<Duration>> {
    let unknown = || match is_certain {
        true => Err("Wayland tells no program when it was used last, and `loginctl` does not either here".to_owned()),
        false => Ok(None),
    };
    let Some(seat) = ask(&["show-seat", "seat0", "--property=ActiveSession"]).await else { return unknown() };
    let Some(session) = seat.get("ActiveSession").filter(|session| !session.is_empty()) else { return Ok(None) };
    let properties = ["--property=Type", "--property=Class", "--property=IdleHint", "--property=IdleSinceHint"];
    let Some(session) = ask(&[&["show-session", session.as_str()], properties.as_slice()].concat()).await else {
        return unknown();
    };
    Ok(idle_in(&session, SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()))
}

async fn ask(question: &[&str]) -> Option<BTreeMap<String, String>> {
    let mut loginctl = tokio::process::Command::new("loginctl");
    let output = loginctl.args(question).stdin(std::process::Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(WITHIN, output).await.ok()?.ok()?;
    output.status.success().then(|| properties(&String::from_utf8_lossy(&output.stdout)))
}

fn properties(text: &str) -> BTreeMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn idle_in(session: &BTreeMap<String, String>, now: Duration) -> Option<Duration> {
    let of = |name: &str| session.get(name).map(String::as_str).unwrap_or_default();
    // What is typed at a console its terminal tells, and nobody works at a screen that asks who they are.
    if !matches!(of("Type"), "x11" | "wayland" | "mir") || of("Class") != "user" {
        return None;
    }
    let since = of("IdleSinceHint").parse().ok().map(Duration::from_micros);
    Some(match (of("IdleHint"), since) {
        ("yes", Some(since)) => now.saturating_sub(since),
        _ => Duration::ZERO,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle_of(text: &str) -> Option<u64> {
        idle_in(&properties(text), Duration::from_secs(1_800_000_600)).map(|idle| idle.as_secs())
    }

    #[test]
    fn a_desktop_is_idle_from_when_it_says_so() {
        let said = "Type=wayland\nClass=user\nIdleHint=yes\nIdleSinceHint=1800000000000000\n";
        assert_eq!(idle_of(said), Some(600));
        assert_eq!(idle_of(&said.replace("yes", "no")), Some(0));
        assert_eq!(idle_of("Type=x11\nClass=user\nIdleHint=yes\nIdleSinceHint=\n"), Some(0));
    }

    #[test]
    fn a_console_and_a_greeting_screen_are_no_desktop() {
        assert_eq!(idle_of("Type=tty\nClass=user\nIdleHint=no\nIdleSinceHint=0\n"), None);
        assert_eq!(idle_of("Type=wayland\nClass=greeter\nIdleHint=no\nIdleSinceHint=0\n"), None);
        assert_eq!(idle_of(""), None);
    }
}
