//! One worker: a cage with a warm interpreter in it, one call at a time.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::Stdio;
use std::time::Duration;

use bytes::BytesMut;
use flowork_protocol::Failure;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};

use crate::Launcher;
use crate::cage::{
    self,
    spec::{Closed, Spec},
};
use crate::folder::Folder;
use crate::frame::{self, Said, Way, tag};
use crate::watch;

/// How long a cage may take until it is ready for its first call.
const START_MAX: Duration = Duration::from_secs(20);
/// How long a worker may take to be ready again after a call.
const RESET_MAX: Duration = Duration::from_secs(5);
/// How long the door may take to end everything inside.
const END_MAX: Duration = Duration::from_secs(5);
/// How much is read at once.
const READ_BYTES: usize = 64 << 10;
/// How often the data channel is read before what the harness said is told: more than the system keeps for a socket.
const PULLS_MAX: usize = 256;
/// How much of a failed start is kept to be shown.
const START_OUTPUT_BYTES_MAX: usize = 8 << 10;

/// A worker that is there.
#[derive(Debug)]
pub(crate) struct Worker {
    door: Child,
    /// The cage and the harness speak here, and calls go this way.
    control: UnixStream,
    control_buffer: BytesMut,
    /// What the process of a call gives.
    data: UnixStream,
    data_buffer: BytesMut,
    /// What came on control, while what was written to data before it is still to be told.
    held: Option<Came>,
    stdout: pipe::Receiver,
    stderr: pipe::Receiver,
    stdout_open: bool,
    stderr_open: bool,
    data_open: bool,
    /// Its folder.
    pub(crate) folder: Folder,
    /// What its cage lacks.
    pub(crate) closed: Closed,
    /// How many calls it was given.
    pub(crate) calls: u32,
    /// Whether it can take another call after this one.
    reusable: bool,
}

/// What came from a worker.
#[derive(Debug)]
pub(crate) enum Came {
    /// A frame.
    Said(Said),
    /// Bytes on stdout.
    Stdout(BytesMut),
    /// Bytes on stderr.
    Stderr(BytesMut),
    /// The beginning of a frame that is larger than a frame may be; nothing else can be read after it.
    TooLarge,
    /// It is gone.
    Gone,
}

/// Why a worker did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The system refused something.
    #[error("the worker cannot be started: {doing}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The cage could not be closed.
    #[error("the sandbox cannot be made: {0}")]
    Refused(String),
    /// It ended before it was ready.
    #[error("the worker ended before it was ready: {0}")]
    Ended(String),
    /// It took too long.
    #[error("the worker was not ready after {} s", START_MAX.as_secs())]
    Slow,
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::new("script-worker", error.to_string())
            .hint("run `flowork doctor` to see what this machine lacks")
            .retryable()
    }
}

fn doing(doing: &'static str) -> impl Fn(io::Error) -> StartError {
    move |source| StartError::Io { doing, source }
}

impl Worker {
    /// Starts a cage and waits until its interpreter is ready.
    pub(crate) async fn start(launcher: &Launcher, spec: &Spec, folder: Folder) -> Result<Self, StartError> {
        let mut worker = Self::launch(launcher, folder)?;
        match tokio::time::timeout(START_MAX, worker.until_ready(spec)).await {
            Ok(ready) => ready.map(|()| worker),
            Err(_) => Err(StartError::Slow),
        }
    }

    fn launch(launcher: &Launcher, folder: Folder) -> Result<Self, StartError> {
        let channel = || -> io::Result<_> {
            let (mine, theirs) = std::os::unix::net::UnixStream::pair()?;
            mine.set_nonblocking(true)?;
            Ok((mine, theirs))
        };
        let (control, control_end) = channel().map_err(doing("making a channel"))?;
        let (data, data_end) = channel().map_err(doing("making a channel"))?;
        cage::hand_over(control.as_fd(), data_end.as_fd()).map_err(doing("handing a channel over"))?;
        let control = UnixStream::from_std(control).map_err(doing("making a channel"))?;
        let data = UnixStream::from_std(data).map_err(doing("making a channel"))?;
        let stream = || -> io::Result<(OwnedFd, pipe::Receiver)> {
            let (sender, receiver) = pipe::pipe()?;
            Ok((sender.into_blocking_fd()?, receiver))
        };
        let (stdout_end, stdout) = stream().map_err(doing("making a pipe"))?;
        let (stderr_end, stderr) = stream().map_err(doing("making a pipe"))?;
        let door = Command::new(&launcher.program)
            .args(&launcher.args)
            .env_clear()
            .current_dir("/")
            // A Ctrl-C at the terminal is for the node, which lets scripts finish; in one group with it they would be hit too.
            .process_group(0)
            .stdin(Stdio::from(OwnedFd::from(control_end)))
            .stdout(stdout_end)
            .stderr(stderr_end)
            .spawn()
            .map_err(doing("starting the sandbox"))?;
        Ok(Self {
            door,
            control,
            control_buffer: BytesMut::new(),
            data,
            data_buffer: BytesMut::with_capacity(READ_BYTES),
            held: None,
            stdout,
            stderr,
            stdout_open: true,
            stderr_open: true,
            data_open: true,
            folder,
            closed: Closed::default(),
            calls: 0,
            reusable: true,
        })
    }

    async fn until_ready(&mut self, spec: &Spec) -> Result<(), StartError> {
        let spec = serde_json::to_vec(spec).map_err(|error| StartError::Refused(error.to_string()))?;
        // The cage reads the bare JSON of its spec: what kind of frame it is, is known.
        let mut bytes = u32::try_from(spec.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
        bytes.extend_from_slice(&spec);
        self.control.write_all(&bytes).await.map_err(doing("telling the sandbox what to hold"))?;
        let mut output = Vec::new();
        loop {
            match self.came().await.map_err(doing("reading from the sandbox"))? {
                Came::Said(Said::Closed(closed)) => {
                    if closed.mounts {
                        let keeper = self.door.id().and_then(watch::first_child);
                        self.folder.shown_inside(keeper).map_err(doing("looking into the sandbox"))?;
                    }
                    self.closed = closed;
                }
                Came::Said(Said::Refused(why)) => return Err(StartError::Refused(why)),
                Came::Said(Said::Ready(again)) => {
                    // Without process ids of its own, what a call left running could not be found.
                    self.reusable = again && self.closed.pids;
                    return Ok(());
                }
                Came::Said(Said::Exit(ended)) => {
                    self.drain(|bytes, _| output.extend_from_slice(bytes));
                    let said = String::from_utf8_lossy(&output);
                    return Err(StartError::Ended(format!("{ended:?} {}", said.trim())));
                }
                Came::Said(_) => {}
                Came::Stdout(bytes) | Came::Stderr(bytes) => {
                    let room = START_OUTPUT_BYTES_MAX.saturating_sub(output.len()).min(bytes.len());
                    output.extend_from_slice(bytes.get(..room).unwrap_or_default());
                }
                Came::Gone | Came::TooLarge => {
                    return Err(StartError::Ended(String::from_utf8_lossy(&output).trim().to_owned()));
                }
            }
        }
    }

    /// The door's process id, below which everything of this worker is.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.door.id()
    }

    /// Whether it is still there.
    pub(crate) fn alive(&mut self) -> bool {
        matches!(self.door.try_wait(), Ok(None))
    }

    /// Sends a call.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.control.write_all(bytes).await
    }

    /// What comes next. Cancel-safe: nothing is lost when this is dropped. What a script gave comes before what the harness
    /// says about its end.
    pub(crate) async fn came(&mut self) -> io::Result<Came> {
        loop {
            match frame::decode(&mut self.data_buffer, Way::Data) {
                Ok(Some(said)) => return Ok(Came::Said(said)),
                Ok(None) => {}
                Err(frame::Broken::Large(_)) => return Ok(Came::TooLarge),
                // A script that wrote nonsense itself, or something that only the harness says.
                Err(_) => return Ok(Came::Gone),
            }
            if let Some(held) = self.held.take() {
                return Ok(held);
            }
            let control = match frame::decode(&mut self.control_buffer, Way::Control) {
                Ok(Some(said)) => Some(Came::Said(said)),
                Ok(None) => None,
                // Half a frame of a process that was ended.
                Err(_) => Some(Came::Gone),
            };
            if control.is_some() {
                self.held = control;
                self.pull_data();
            } else if let Some(came) = self.read().await? {
                return Ok(came);
            }
        }
    }

    /// Reads once from whatever has something: a stream's bytes are given, a channel's kept.
    async fn read(&mut self) -> io::Result<Option<Came>> {
        let Self {
            control,
            control_buffer,
            data,
            data_buffer,
            stdout,
            stderr,
            stdout_open,
            stderr_open,
            data_open,
            ..
        } = self;
        let (mut out, mut err) = (BytesMut::with_capacity(READ_BYTES), BytesMut::with_capacity(READ_BYTES));
        loop {
            tokio::select! {
                biased;
                // The end of a stream is not the end of the worker: how that ended comes over control.
                count = stdout.read_buf(&mut out), if *stdout_open => {
                    if count? > 0 { return Ok(Some(Came::Stdout(out))) }
                    *stdout_open = false;
                }
                count = stderr.read_buf(&mut err), if *stderr_open => {
                    if count? > 0 { return Ok(Some(Came::Stderr(err))) }
                    *stderr_open = false;
                }
                count = data.read_buf(data_buffer), if *data_open => {
                    if count.unwrap_or(0) > 0 { return Ok(None) }
                    *data_open = false;
                }
                count = control.read_buf(control_buffer) => {
                    match count {
                        Ok(0) => break,
                        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break,
                        other => other?,
                    };
                    return Ok(None);
                }
            }
        }
        self.held = Some(Came::Gone);
        self.pull_data();
        Ok(None)
    }

    /// Takes what lies in the data channel now, past the runtime, which may not have heard yet that there is something.
    fn pull_data(&mut self) {
        let mut bytes = vec![0; READ_BYTES];
        for _ in 0..PULLS_MAX {
            match rustix::io::read(self.data.as_fd(), bytes.as_mut_slice()) {
                Ok(count @ 1..) => self.data_buffer.extend_from_slice(bytes.get(..count).unwrap_or_default()),
                _ => return,
            }
        }
    }

    /// Takes what lies in the pipes now, without waiting: a script writes before it gives its result. `true` is stderr.
    pub(crate) fn drain(&self, mut take: impl FnMut(&[u8], bool)) {
        let mut bytes = [0; 4096];
        // Read past the runtime, which may not have heard yet that there is something to read.
        for (end, error) in [(self.stdout.as_fd(), false), (self.stderr.as_fd(), true)] {
            while let Ok(count @ 1..) = rustix::io::read(end, &mut bytes) {
                take(bytes.get(..count).unwrap_or_default(), error);
            }
        }
    }

    /// Waits until the worker is ready for another call, with nothing left of the last one. False when it will not be.
    pub(crate) async fn reset(&mut self) -> bool {
        if !self.reusable {
            return false;
        }
        let ready = async {
            loop {
                match self.came().await {
                    Ok(Came::Said(Said::Ready(again))) => return again,
                    Ok(Came::Gone | Came::TooLarge | Came::Said(Said::Exit(_))) | Err(_) => return false,
                    // What comes after the result belongs to nobody.
                    Ok(_) => {}
                }
            }
        };
        let again = tokio::time::timeout(RESET_MAX, ready).await.unwrap_or(false);
        // Whoever could write is dead, so this is all there is.
        self.pull_data();
        self.data_buffer.clear();
        self.drain(|_, _| {});
        again && self.folder.renew().is_ok()
    }

    /// Ends everything in it, and waits for that.
    pub(crate) async fn end(self) {
        let Self { mut door, control, folder, .. } = self;
        // The door ends what is inside when the channel closes, which it can do more thoroughly than a kill from here.
        drop(control);
        if tokio::time::timeout(END_MAX, door.wait()).await.is_err() {
            let _ = door.kill().await;
        }
        // Removing a folder that a script filled may take a while.
        let _ = tokio::task::spawn_blocking(move || drop(folder)).await;
    }
}

/// The bytes of a call.
pub(crate) fn call(body: &[u8]) -> Result<Vec<u8>, frame::TooLarge> {
    frame::encode(tag::CALL, body)
}
