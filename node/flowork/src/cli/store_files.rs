//! `flowork backup` and `flowork restore`: a whole node as one encrypted file, and back.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use flowork_store::{Layout, Mode, Secret};
use serde_json::json;
use zeroize::Zeroizing;

use super::fail::{FAILED, Fail, NO_NODE, REFUSED};
use super::show::bytes;
use super::{Context, print_remark};
use crate::lock::Lock;

/// Write one encrypted file with everything, while the node runs
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The file to write; it must not exist
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A file whose first line is the passphrase [default: $FLOWORK_BACKUP_PASSPHRASE, or a new one that is printed]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Make a data directory from a backup
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The new data directory; it must be empty or not exist
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Whether the old node is gone (move: same identity) or lives on (copy: a new identity)
    #[arg(long = "as", value_enum, value_name = "WHAT")]
    how: Option<How>,
    /// A file whose first line is the passphrase [default: $FLOWORK_BACKUP_PASSPHRASE]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// What becomes of the node's identity.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum How {
    /// The old node is gone; this one goes on as it
    Move,
    /// The old node lives on; this one gets a key of its own
    Copy,
}

impl Backup {
    /// Writes the backup and reads it back.
    pub(crate) async fn run(self, context: &Context) -> Result<(), Fail> {
        let file = std::path::absolute(&self.file).map_err(|error| Fail::because("cannot use that path", &error))?;
        if file.exists() {
            return Err(Fail::new(REFUSED, format!("{} exists already", file.display()))
                .hint("choose another name; a backup never replaces one"));
        }
        let (passphrase, is_new) = match passphrase(context, self.passphrase_file.as_deref())? {
            Some(given) => (given, false),
            None => (fresh_passphrase()?, true),
        };
        let secret = Secret::passphrase(passphrase.as_str().to_owned());
        match context.client() {
            Ok(client) => {
                let unfinished = beside(&file);
                let done = download(&client, &unfinished, &passphrase).await;
                let checked = match done {
                    Ok(()) => verify(unfinished.clone(), secret).await,
                    Err(fail) => Err(fail),
                };
                let named = checked.and_then(|()| {
                    std::fs::rename(&unfinished, &file)
                        .map_err(|error| Fail::because(format!("cannot name {}", file.display()), &error))
                });
                if named.is_err() {
                    let _ = std::fs::remove_file(&unfinished);
                }
                named?;
            }
            Err(fail) if fail.code == NO_NODE => {
                let data = context.data()?;
                let _lock = Lock::take(&data)
                    .map_err(|error| Fail::because("no node runs, and the data cannot be locked", &error))?;
                let layout = Layout::open(&data).map_err(|error| Fail::because("cannot back up", &error))?;
                let target = file.clone();
                blocking(move || layout.backup(&target, &secret))
                    .await?
                    .map_err(|error| Fail::because("cannot back up", &error))?;
            }
            Err(fail) => return Err(fail),
        }
        let size = std::fs::metadata(&file).map_or(0, |about| about.len());
        if is_new && !context.json {
            print_remark(&format!(
                "the passphrase of this backup, shown only now (without it nobody opens the backup, you included):\n  {}",
                *passphrase
            ));
        }
        let told = json!({ "file": file.display().to_string(), "bytes": size, "passphrase": is_new.then(|| passphrase.to_string()) });
        context.print(&told, |_| {
            format!("{} holds everything, {}, encrypted and read back\n", file.display(), bytes(size))
        });
        Ok(())
    }
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".unfinished");
    PathBuf::from(name)
}

async fn download(client: &super::client::Client, to: &Path, passphrase: &str) -> Result<(), Fail> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = std::fs::File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(to)
        .map_err(|error| Fail::because(format!("cannot make {}", to.display()), &error))?;
    let mut file = tokio::fs::File::from_std(file);
    client.download("/api/v1/backup", &json!({ "passphrase": passphrase }), &mut file).await?;
    Ok(())
}

async fn verify(file: PathBuf, secret: Secret) -> Result<(), Fail> {
    let checked = blocking(move || flowork_store::backup::verify(&file, &secret)).await?;
    checked.map(drop).map_err(|error| Fail::because("the backup that came does not read back", &error))
}

impl Restore {
    /// Unpacks the backup.
    pub(crate) async fn run(self, context: &Context) -> Result<(), Fail> {
        let how = match self.how {
            Some(how) => how,
            None => ask_how()?,
        };
        let passphrase = match passphrase(context, self.passphrase_file.as_deref())? {
            Some(given) => given,
            None => ask_passphrase()?,
        };
        let secret = Secret::passphrase(passphrase.as_str().to_owned());
        let mode = match how {
            How::Move => Mode::Move,
            How::Copy => Mode::Copy,
        };
        let (from, to) = (self.file.clone(), self.to.clone());
        blocking(move || flowork_store::restore(&from, &secret, &to, mode))
            .await?
            .map_err(|error| Fail::because(format!("cannot restore {}", self.file.display()), &error))?;
        let to = self.to.display();
        let identity = match how {
            How::Move => "as the same node; never start the old one again",
            How::Copy => "as a copy, which gets a key of its own when it starts",
        };
        context.print(&json!({ "data": to.to_string(), "as": format!("{how:?}").to_lowercase() }), |_| {
            format!("restored to {to} {identity}\nstart it with: flowork up --data {to}\n")
        });
        Ok(())
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fail> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Fail::because("the work stopped with a fault", &error))
}

fn passphrase(context: &Context, file: Option<&Path>) -> Result<Option<Zeroizing<String>>, Fail> {
    match file {
        Some(file) => super::up::read_passphrase(file).map(Some),
        None => Ok(context.environment.backup_passphrase.clone()),
    }
}

/// 160 random bits in letters that are not mistaken for each other, in groups of five.
fn fresh_passphrase() -> Result<Zeroizing<String>, Fail> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = Zeroizing::new([0_u8; 32]);
    getrandom::fill(random.as_mut())
        .map_err(|error| Fail::new(FAILED, format!("the system gives no random bytes: {error}")))?;
    let mut text = Zeroizing::new(String::with_capacity(39));
    for (at, byte) in random.iter().enumerate() {
        if at > 0 && at % 5 == 0 {
            text.push('-');
        }
        text.push(char::from(LETTERS[usize::from(byte & 31)]));
    }
    Ok(text)
}

fn ask_how() -> Result<How, Fail> {
    if !std::io::stdin().is_terminal() {
        return Err(Fail::usage("it was not said whether this is a move or a copy")
            .hint("pass --as move when the old node is gone, --as copy when it lives on"));
    }
    match ask("Is the old node gone for good (move), or does it live on (copy)? [move/copy] ")?.as_str() {
        "move" => Ok(How::Move),
        "copy" => Ok(How::Copy),
        other => Err(Fail::usage(format!("`{other}` is neither move nor copy"))),
    }
}

fn ask_passphrase() -> Result<Zeroizing<String>, Fail> {
    if !std::io::stdin().is_terminal() {
        return Err(Fail::usage("the backup's passphrase was not given")
            .hint("set FLOWORK_BACKUP_PASSPHRASE, or pass --passphrase-file FILE"));
    }
    ask("The backup's passphrase (shown as you type): ").map(Zeroizing::new)
}

fn ask(question: &str) -> Result<String, Fail> {
    let fail = |error: std::io::Error| Fail::because("cannot ask", &error);
    let mut terminal = std::io::stderr();
    terminal.write_all(question.as_bytes()).and_then(|()| terminal.flush()).map_err(fail)?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(fail)?;
    Ok(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_passphrase_is_long_and_never_the_same() {
        let (one, other) = (fresh_passphrase().unwrap(), fresh_passphrase().unwrap());
        assert_ne!(*one, *other);
        assert_eq!(one.len(), 38);
    }
}
