//! Against a real X server without a screen, where one is installed. Its window manager is the test.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use x11rb::protocol::xproto::{CreateWindowAux, PropMode, WindowClass};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::wrapper::ConnectionExt as _;

use super::*;

/// A server of its own, and whoever speaks with it.
struct Server {
    program: Child,
    name: String,
    manager: Display,
}

impl Server {
    /// None, with a notice, where there is no X server to be tried.
    fn start() -> Option<Self> {
        let started = Command::new("Xvfb")
            .args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0", "320x200x24"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut program) = started else {
            eprintln!("skipped: there is no Xvfb here (Debian: apt-get install xvfb)");
            return None;
        };
        // It says its number when it can be reached.
        let mut number = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut number).unwrap();
        let name = format!(":{}", number.trim());
        let manager = Display::open(&name).unwrap();
        Some(Self { program, name, manager })
    }

    fn supports(&self, states: &[Atom]) {
        let Display { connection, root, atoms, .. } = &self.manager;
        connection.change_property32(PropMode::REPLACE, *root, atoms._NET_SUPPORTED, AtomEnum::ATOM, states).unwrap();
        connection.sync().unwrap();
    }

    fn window(&self) -> Window {
        let Display { connection, root, atoms, .. } = &self.manager;
        let window = connection.generate_id().unwrap();
        let (depth, visual) = (x11rb::COPY_DEPTH_FROM_PARENT, x11rb::COPY_FROM_PARENT);
        let aux = CreateWindowAux::new();
        connection
            .create_window(depth, window, *root, 0, 0, 320, 200, 0, WindowClass::INPUT_OUTPUT, visual, &aux)
            .unwrap();
        let list = [window];
        connection
            .change_property32(PropMode::REPLACE, *root, atoms._NET_CLIENT_LIST, AtomEnum::WINDOW, &list)
            .unwrap();
        connection.sync().unwrap();
        window
    }

    fn set(&self, window: Window, states: &[Atom]) {
        let Display { connection, atoms, .. } = &self.manager;
        connection.change_property32(PropMode::REPLACE, window, atoms._NET_WM_STATE, AtomEnum::ATOM, states).unwrap();
        connection.sync().unwrap();
    }

    fn looked(&self, kept: &mut Option<Display>) -> Shown {
        Display::look(kept, &self.name).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[test]
fn a_window_that_fills_the_screen_is_seen_until_it_is_hidden_or_closed() {
    let Some(server) = Server::start() else { return };
    let Atoms { _NET_WM_STATE_FULLSCREEN: full, _NET_WM_STATE_HIDDEN: hidden, .. } = server.manager.atoms;
    let mut kept = None;
    assert!(server.looked(&mut kept).full_screen.unwrap_err().contains("window manager"));
    server.supports(&[full, hidden]);
    assert_eq!(server.looked(&mut kept).full_screen, Ok(false));
    let window = server.window();
    assert_eq!(server.looked(&mut kept).full_screen, Ok(false));
    server.set(window, &[full]);
    assert_eq!(server.looked(&mut kept).full_screen, Ok(true));
    server.set(window, &[full, hidden]);
    assert_eq!(server.looked(&mut kept).full_screen, Ok(false));
    server.set(window, &[full]);
    server.manager.connection.destroy_window(window).unwrap();
    server.manager.connection.sync().unwrap();
    // It still stands in the list: its manager has not looked yet.
    assert_eq!(server.looked(&mut kept).full_screen, Ok(false));
}

#[test]
fn a_key_ends_the_time_in_which_nobody_used_it() {
    let Some(server) = Server::start() else { return };
    let idle = |kept: &mut Option<Display>| server.looked(kept).idle.unwrap();
    let mut kept = None;
    while idle(&mut kept) < Duration::from_millis(50) {
        std::thread::yield_now();
    }
    let (press, release, any_key) = (2, 3, 38);
    for kind in [press, release] {
        server.manager.connection.xtest_fake_input(kind, any_key, 0, server.manager.root, 0, 0, 0).unwrap();
    }
    server.manager.connection.sync().unwrap();
    let pressed = std::time::Instant::now();
    // Not longer than since the key, whatever else this machine did meanwhile.
    let idle = idle(&mut kept);
    assert!(idle <= pressed.elapsed() + Duration::from_millis(20), "{idle:?}");
}

#[test]
fn a_server_that_ended_is_named_and_one_that_came_back_is_seen() {
    let Some(server) = Server::start() else { return };
    let mut kept = None;
    server.looked(&mut kept);
    let name = server.name.clone();
    drop(server);
    let why = Display::look(&mut kept, &name).unwrap_err();
    assert!(why.contains("cannot be reached"), "{why}");
    let Some(other) = Server::start() else { return };
    assert!(other.looked(&mut kept).idle.is_ok());
}
