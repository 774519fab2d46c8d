//! The X server of the desktop in which this node was started: when it was used last, and whether a program fills it.

use std::time::Duration;

use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::ReplyError;
use x11rb::protocol::screensaver::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{Atom, AtomEnum, ConnectionExt as _, GetPropertyReply, Window};
use x11rb::rust_connection::RustConnection;

use super::Told;

/// The most windows, and states of a window, that are looked at.
const LIST_MAX: u32 = 4_096;

x11rb::atom_manager! {
    /// What window managers write down: Extended Window Manager Hints.
    Atoms: AtomsCookie {
        _NET_SUPPORTED,
        _NET_CLIENT_LIST,
        _NET_ACTIVE_WINDOW,
        _NET_WM_STATE,
        _NET_WM_STATE_FULLSCREEN,
        _NET_WM_STATE_HIDDEN,
    }
}

/// What the display shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    /// For how long no key and no mouse was touched.
    pub(super) idle: Told<Duration>,
    /// Whether a program fills the screen.
    pub(super) full_screen: Told<bool>,
}

/// A connection to an X server.
pub(super) struct Display {
    connection: RustConnection,
    root: Window,
    atoms: Atoms,
    tells_idle: bool,
}

impl Display {
    fn open(name: &str) -> Told<Self> {
        let unreached = |error: &dyn std::error::Error| format!("the X server at {name} cannot be reached: {error}");
        let (connection, screen) = x11rb::connect(Some(name)).map_err(|error| unreached(&error))?;
        let root = connection.setup().roots.get(screen).ok_or_else(|| format!("{name} has no screen {screen}"))?.root;
        let atoms = Atoms::new(&connection).map_err(|error| unreached(&error))?;
        let atoms = atoms.reply().map_err(|error| unreached(&error))?;
        let extension = connection.extension_information(screensaver::X11_EXTENSION_NAME);
        let tells_idle = extension.is_ok_and(|extension| extension.is_some());
        Ok(Self { connection, root, atoms, tells_idle })
    }

    /// Looks at the display called `name`, by the connection that is kept or by a new one.
    pub(super) fn look(kept: &mut Option<Self>, name: &str) -> Told<Shown> {
        if let Some(Ok(shown)) = kept.as_ref().map(Self::shown) {
            return Ok(shown);
        }
        // A server that was started anew knows the old connection no more.
        *kept = None;
        let display = Self::open(name)?;
        let shown = display.shown().map_err(|error| format!("the X server at {name} does not answer: {error}"))?;
        *kept = Some(display);
        Ok(shown)
    }

    fn shown(&self) -> Result<Shown, ReplyError> {
        let idle = match self.tells_idle {
            true => {
                let told = self.connection.screensaver_query_info(self.root)?.reply()?;
                Ok(Duration::from_millis(told.ms_since_user_input.into()))
            }
            false => Err("the X server does not tell when it was used last".to_owned()),
        };
        Ok(Shown { idle, full_screen: self.full_screen()? })
    }

    fn full_screen(&self) -> Result<Told<bool>, ReplyError> {
        let atoms = &self.atoms;
        if !self.list(self.root, atoms._NET_SUPPORTED)?.contains(&atoms._NET_WM_STATE_FULLSCREEN) {
            return Ok(Err("its window manager does not tell which program fills the screen".to_owned()));
        }
        let mut windows = self.list(self.root, atoms._NET_CLIENT_LIST)?;
        windows.extend(self.list(self.root, atoms._NET_ACTIVE_WINDOW)?);
        // All questions first, then all answers: one way to the server and back.
        let asked: Vec<_> = windows
            .iter()
            .filter(|window| **window != 0)
            .map(|window| self.property(*window, atoms._NET_WM_STATE))
            .collect::<Result<_, _>>()?;
        let mut fills = false;
        for cookie in asked {
            // A window that was closed meanwhile has no states.
            let Ok(states) = cookie.reply().map(|reply| values(&reply)) else { continue };
            let is_hidden = states.contains(&atoms._NET_WM_STATE_HIDDEN);
            fills |= states.contains(&atoms._NET_WM_STATE_FULLSCREEN) && !is_hidden;
        }
        Ok(Ok(fills))
    }

    fn property(
        &self, window: Window, property: Atom,
    ) -> Result<x11rb::cookie::Cookie<'_, RustConnection, GetPropertyReply>, ReplyError> {
        Ok(self.connection.get_property(false, window, property, AtomEnum::ANY, 0, LIST_MAX)?)
    }

    fn list(&self, window: Window, property: Atom) -> Result<Vec<u32>, ReplyError> {
        Ok(values(&self.property(window, property)?.reply()?))
    }
}

fn values(reply: &GetPropertyReply) -> Vec<u32> {
    reply.value32().into_iter().flatten().collect()
}

#[cfg(test)]
#[path = "display_tests.rs"]
mod tests;
