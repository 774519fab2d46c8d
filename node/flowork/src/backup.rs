//! Backups while the node runs: the gateway starts a process of its own for each, so that the process that speaks HTTP never
//! opens a key file, and hands on what that process writes.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{ExitCode, Stdio};
use std::task::{Context, Poll};

use async_trait::async_trait;
use flowork_gateway::{Backup, BackupAsk};
use flowork_ports::blobs::ByteStream;
use flowork_store::{Layout, Secret};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt as _, ReadBuf};
use tokio::process::{Child, ChildStdout, Command};
use zeroize::Zeroizing;

use crate::cli::fail::{FAILED, USAGE};

/// The longest passphrase, in bytes.
const PASSPHRASE_BYTES_MAX: u64 = 4_096;
/// The longest complaint of the process that is passed on, in bytes.
const COMPLAINT_BYTES_MAX: u64 = 4_096;

/// Starts a process for each backup.
pub(crate) struct ChildBackup {
    data: PathBuf,
}

impl ChildBackup {
    /// Of this data directory.
    pub(crate) fn new(data: &Path) -> Self {
        Self { data: data.to_owned() }
    }
}

#[async_trait]
impl Backup for ChildBackup {
    async fn begin(&self, ask: BackupAsk) -> Result<ByteStream, String> {
        let passphrase = ask.passphrase.map(Zeroizing::new).filter(|text| !text.is_empty());
        let passphrase = passphrase.ok_or("a backup holds the node's keys and needs a passphrase")?;
        let io = |error: std::io::Error| format!("the process that writes backups does not work: {error}");
        let mut child = Command::new("/proc/self/exe")
            .arg(crate::BACKUP)
            .arg(&self.data)
            .env_remove("FLOWORK_PASSPHRASE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(io)?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(passphrase.as_bytes()).await.map_err(io)?;
        }
        let mut stdout = child.stdout.take().ok_or("the process that writes backups has no output")?;
        // Everything is written and checked before the first byte comes: what fails until then is told in words.
        let mut first = vec![0; 64 << 10];
        let read = stdout.read(&mut first).await.map_err(io)?;
        if read == 0 {
            let mut complaint = Vec::new();
            if let Some(stderr) = child.stderr.take() {
                let _ = stderr.take(COMPLAINT_BYTES_MAX).read_to_end(&mut complaint).await;
            }
            let complaint = String::from_utf8_lossy(&complaint).trim().to_owned();
            return Err(if complaint.is_empty() {
                "the process that writes backups died".to_owned()
            } else {
                complaint
            });
        }
        first.truncate(read);
        let rest = Whole { stdout, child, status: None };
        Ok(Box::pin(AsyncReadExt::chain(std::io::Cursor::new(first), rest)))
    }
}

/// What the process writes, with an error in the place of the end when it did not end well.
struct Whole {
    stdout: ChildStdout,
    child: Child,
    status: Option<bool>,
}

impl AsyncRead for Whole {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        std::task::ready!(Pin::new(&mut self.stdout).poll_read(cx, buf))?;
        if buf.filled().len() > before || buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        if self.status.is_none() {
            let status = {
                let waiting = std::pin::pin!(self.child.wait());
                std::task::ready!(waiting.poll(cx))?
            };
            self.status = Some(status.success());
        }
        match self.status {
            Some(true) => Poll::Ready(Ok(())),
            _ => Poll::Ready(Err(std::io::Error::other("the process that writes backups ended early"))),
        }
    }
}

/// The entry of `flowork __backup DIR`: the passphrase comes on standard input, the backup goes to standard output.
pub(crate) fn main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(data) = args.next() else {
        eprintln!("this is how the gateway starts a backup; run `flowork backup FILE`");
        return ExitCode::from(USAGE);
    };
    // A backup that nobody waits for any more is not finished.
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    match write(Path::new(&data)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(FAILED)
        }
    }
}

fn write(data: &Path) -> anyhow::Result<()> {
    use std::io::Read as _;

    use anyhow::Context as _;
    let mut passphrase = Zeroizing::new(String::new());
    std::io::Read::take(std::io::stdin(), PASSPHRASE_BYTES_MAX)
        .read_to_string(&mut passphrase)
        .context("cannot read the passphrase")?;
    let layout = Layout::open(data)?;
    let target = data.join("run").join(format!("backup-{}", std::process::id()));
    // What a killed process left there.
    let _ = std::fs::remove_file(&target);
    let written = layout.backup(&target, &Secret::passphrase(passphrase.as_str().to_owned()));
    let file = written.map_err(anyhow::Error::from).and_then(|_| Ok(std::fs::File::open(&target)?));
    let _ = std::fs::remove_file(&target);
    let mut out = std::io::stdout().lock();
    std::io::copy(&mut file?, &mut out).context("cannot hand the backup on")?;
    out.flush().context("cannot hand the backup on")
}
