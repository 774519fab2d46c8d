//! `flowork up`: one process per role, each restarted alone.
//!
//! Every role has one link, to the supervisor, which passes calls on between them: when a role dies, no other link is touched.
//! It runs on one thread, which also starts the roles: a role asks the kernel to be ended with the thread that started it.

mod backoff;
pub(crate) mod exchange;
pub(crate) mod handover;
pub(crate) mod start;

use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use flowork_ports::roles::{Role, RoleStatus};
use flowork_protocol::wire::{self, Frame, Verb};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::backoff::{Backoff, Life};
use self::exchange::Exchange;
use self::start::{ROLES, Start, party};
use crate::link::{FRAMES_WAITING_MAX, Frames, write_frames};

/// How long a role whose link is closed may take to end.
const UNLINKED_END_WITHIN: Duration = Duration::from_secs(2);
/// How long a role may take to end in good order.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Why roles cannot be started at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The system refuses something basic.
    #[error("cannot {0}")]
    Io(&'static str, #[source] std::io::Error),
}

/// What the supervisor needs.
pub(crate) struct Options {
    /// What every role is told.
    pub(crate) start: Start,
    /// The lock on the data directory; every role holds it too.
    pub(crate) lock: OwnedFd,
    /// The socket that the gateway serves. It stays open while gateways come and go.
    pub(crate) listener: OwnedFd,
    /// The node key in sealed memory, for mesh.
    pub(crate) node_key: OwnedFd,
    /// The vault key in sealed memory, for the kernel.
    pub(crate) vault_key: OwnedFd,
}

/// Running roles.
pub(crate) struct Handle {
    /// How they are.
    pub(crate) roles: watch::Receiver<Vec<RoleStatus>>,
    done: JoinHandle<()>,
}

impl Handle {
    /// Waits until every role has ended after the cancellation.
    pub(crate) async fn ended(self) {
        let _ = self.done.await;
    }

    /// Waits until every role says that it is ready.
    pub(crate) async fn ready(&self) {
        let mut roles = self.roles.clone();
        let _ = roles.wait_for(|roles| roles.iter().all(|status| status.ready)).await;
    }
}

/// Starts every role and keeps them running until `cancel`.
pub(crate) fn run(options: Options, cancel: CancellationToken) -> Handle {
    let exchange = Exchange::new(crate::now());
    let roles = exchange.roles();
    let options = Arc::new(options);
    let kept: Vec<_> = ROLES
        .into_iter()
        .map(|role| {
            let stop = CancellationToken::new();
            let keeper = Keeper { role, options: options.clone(), exchange: exchange.clone(), stop: stop.clone() };
            (stop, tokio::spawn(keeper.keep()))
        })
        .collect();
    let done = tokio::spawn(async move {
        cancel.cancelled().await;
        // One after the other: what the gateway has accepted is on disk before the kernel stops.
        for (stop, keeper) in kept {
            stop.cancel();
            if let Err(error) = keeper.await {
                tracing::error!(%error, "the keeper of a role ended badly");
            }
        }
    });
    Handle { roles, done }
}

/// Keeps one role running.
struct Keeper {
    role: Role,
    options: Arc<Options>,
    exchange: Exchange,
    stop: CancellationToken,
}

impl Keeper {
    async fn keep(self) {
        let mut backoff = Backoff::new();
        loop {
            let end = match self.life().await {
                Ok(end) => end,
                Err(error) => End {
                    why: format!("it could not be started: {}", crate::chain(&error)),
                    life: Life { ready_for: None, is_fine: false },
                },
            };
            if self.stop.is_cancelled() {
                return;
            }
            let pause = backoff.after(end.life);
            let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(
                role = party(self.role).word(),
                end = end.why,
                again_in_ms = pause_ms,
                "a role ended and is restarted"
            );
            self.exchange.note(self.role, |status| {
                status.last_end = Some(end.why);
                status.restarts += 1;
                status.again_at = Some(crate::now().plus_ms(pause_ms));
            });
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    /// One life of the role, from its start to its end; gives how it ended.
    async fn life(&self) -> Result<End, Error> {
        let me = party(self.role);
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(|error| Error::Io("make a link", error))?;
        let mut child = self.spawn(theirs)?;
        ours.set_nonblocking(true).map_err(|error| Error::Io("make a link", error))?;
        let (reader, writer) =
            UnixStream::from_std(ours).map_err(|error| Error::Io("make a link", error))?.into_split();
        let (out, frames) = mpsc::channel(FRAMES_WAITING_MAX);
        let writing = tokio::spawn(write_frames(writer, frames));
        let body = wire::to_body(&self.options.start)
            .map_err(|error| Error::Io("write down what a role needs", std::io::Error::other(error)))?;
        let _ = out.try_send(Frame::Notice { verb: Verb::Start, body });
        self.exchange.join(me, out.clone());
        self.exchange.note(self.role, |status| {
            status.pid = child.id();
            status.since = crate::now();
            status.again_at = None;
        });
        let ready = Arc::new(OnceLock::new());
        let mut passing = tokio::spawn(pass_all(self.exchange.clone(), self.role, reader, ready.clone()));
        let mut is_fine = false;
        let why = tokio::select! {
            status = child.wait() => {
                is_fine = is_kill(&status) || is_success(&status);
                describe(status)
            }
            () = self.stop.cancelled() => stop(&mut child, &out).await,
            // A role without a link ends by itself; one that does not is ended.
            _ = &mut passing => match tokio::time::timeout(UNLINKED_END_WITHIN, child.wait()).await {
                Ok(status) => {
                    is_fine = is_kill(&status) || is_success(&status);
                    describe(status)
                }
                Err(_) => {
                    let _ = child.kill().await;
                    "its link broke".to_owned()
                }
            },
        };
        self.exchange.leave(me);
        self.exchange.note(self.role, |status| {
            status.pid = None;
            status.ready = false;
            status.since = crate::now();
        });
        passing.abort();
        writing.abort();
        let ready_for = ready.get().map(Instant::elapsed);
        Ok(End { why, life: Life { ready_for, is_fine } })
    }

    fn spawn(&self, link: std::os::unix::net::UnixStream) -> Result<Child, Error> {
        let (ours, stdin) =
            std::os::unix::net::UnixStream::pair().map_err(|error| Error::Io("make a pair of sockets", error))?;
        let mut files = vec![link.as_fd(), self.options.lock.as_fd()];
        files.extend(match self.role {
            Role::Gateway => Some(self.options.listener.as_fd()),
            Role::Kernel => Some(self.options.vault_key.as_fd()),
            Role::Mesh => Some(self.options.node_key.as_fd()),
            Role::Docs => None,
        });
        handover::send(&ours, &files).map_err(|error| Error::Io("hand a role its files", error))?;
        // This very program, also when the file it was started from has been replaced meanwhile.
        let mut command = std::process::Command::new("/proc/self/exe");
        command
            .arg0("flowork")
            .arg("__role")
            .arg(party(self.role).word())
            .arg("--parent")
            .arg(std::process::id().to_string())
            .env_remove("FLOWORK_PASSPHRASE")
            .stdin(Stdio::from(OwnedFd::from(stdin)))
            // A Ctrl-C is for the supervisor, which stops the roles in order.
            .process_group(0);
        let mut command = Command::from(command);
        command.kill_on_drop(true).spawn().map_err(|error| Error::Io("start a role's process", error))
    }
}

/// How a life of a role ended.
struct End {
    /// For people.
    why: String,
    life: Life,
}

/// Passes on everything that a role says until its link ends; keeps when it said that it is ready.
async fn pass_all(exchange: Exchange, role: Role, reader: OwnedReadHalf, ready: Arc<OnceLock<Instant>>) {
    let me = party(role);
    let mut frames = Frames::of(reader);
    loop {
        match frames.next().await {
            Ok(Some(frame)) => match exchange.pass(me, frame).await {
                Some((Verb::Ready, _)) => {
                    ready.get_or_init(Instant::now);
                    exchange.note(role, |status| status.ready = true);
                }
                Some((Verb::Troubles, body)) => match wire::from_body(&body) {
                    Ok(troubles) => {
                        let mut comes_up = true;
                        exchange.note(role, |status| {
                            status.troubles = troubles;
                            comes_up = status.ready;
                        });
                        // A role that does not come up waits for this, so that its last words are heard.
                        if !comes_up {
                            exchange.hint(me, Frame::Notice { verb: Verb::Stop, body: Vec::new() });
                        }
                    }
                    Err(error) => tracing::warn!(role = me.word(), %error, "a role's troubles cannot be read"),
                },
                _ => {}
            },
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(role = me.word(), %error, "a role's link broke");
                // Nothing behind a broken frame can be trusted.
                return;
            }
        }
    }
}

/// Asks the role to end, and ends it when it takes too long.
async fn stop(child: &mut Child, out: &mpsc::Sender<Frame>) -> String {
    let _ = out.send(Frame::Notice { verb: Verb::Stop, body: Vec::new() }).await;
    match tokio::time::timeout(STOP_WITHIN, child.wait()).await {
        Ok(status) => describe(status),
        Err(_) => {
            let _ = child.kill().await;
            format!("it did not end within {} s and was killed", STOP_WITHIN.as_secs())
        }
    }
}

/// Whether somebody outside ended it: by these signals a program does not end itself.
fn is_kill(status: &std::io::Result<ExitStatus>) -> bool {
    use std::os::unix::process::ExitStatusExt;

    use rustix::process::Signal;
    let signal = status.as_ref().ok().and_then(ExitStatusExt::signal).and_then(Signal::from_named_raw);
    signal.is_some_and(|signal| [Signal::KILL, Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT].contains(&signal))
}

fn is_success(status: &std::io::Result<ExitStatus>) -> bool {
    status.as_ref().is_ok_and(ExitStatus::success)
}

fn describe(status: std::io::Result<ExitStatus>) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(0), _) => "it ended in good order, to be started anew".to_owned(),
            (Some(code), _) => format!("it ended with code {code}; its log says why"),
            (_, Some(signal)) => format!("signal {signal} ended it"),
            _ => "it ended".to_owned(),
        },
        Err(error) => format!("nobody knows how it ended: {error}"),
    }
}
