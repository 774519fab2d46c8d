//! How fast a file goes to a friend with a borrowed run, beside iroh's own transport on the same machine. Two nodes, or two
//! processes of `tests/iroh-bench`, over loopback.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rand::Rng as _;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use super::{Row, Table};
use crate::pair::{LENDER, Pair};
use crate::process;

/// Our row for the transfer.
const TRANSFER: &str = "a file, the transfer alone";
/// The lent workflow, which takes the file and does nothing with it.
const TAKE: &str = "take";
/// Bytes of a file for which progress is told in lines enough.
const BYTES_MIN: u64 = 64 << 20;
/// Copies of the file that lie on the disk at once: itself, and one in each node's store.
const COPIES: u64 = 3;
/// What stays free: a node takes no file that would leave less than 1 GiB.
const LEFT_FREE_BYTES: u64 = 2 << 30;
/// How long the whole step may take, for each GiB, on a machine that is busy.
const PATIENCE_PER_GIB: Duration = Duration::from_secs(300);
/// Memory is flat when it does not grow by more, whatever the file's size.
const GROWN_MB_MAX: f64 = 64.0;

/// What is measured.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The size of each file.
    pub bytes: u64,
    /// How many files, of which the middle one counts. Each goes between nodes that have never met.
    pub runs: usize,
    /// The program of `tests/iroh-bench`, when it was built.
    pub iroh: Option<PathBuf>,
}

/// One transfer.
#[derive(Debug, Clone, Copy)]
struct Took {
    /// Of the transfer alone, in 10⁶ bytes per second.
    rate: f64,
    /// The whole step; of iroh, the transfer.
    step: Duration,
    giver: Memory,
    taker: Memory,
}

/// Memory of one process, in bytes.
#[derive(Debug, Clone, Copy)]
struct Memory {
    most: u64,
    grown: u64,
}

/// Measures files of random bytes that nobody has seen before.
///
/// # Errors
/// When the disk has no room for it, or a file does not come whole.
pub async fn files(table: &mut Table, plan: &Plan) -> Result<()> {
    ensure!(plan.runs > 0, "--files-runs is 1 at least");
    ensure!(plan.bytes >= BYTES_MIN, "a file of less than {} MiB says nothing about a rate", BYTES_MIN >> 20);
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for run in 1..=plan.runs {
        room_for(plan.bytes)?;
        let folder = tempfile::Builder::new().prefix("flowork-files-").tempdir()?;
        let file = folder.path().join("random.bin");
        write_random(&file, plan.bytes)?;
        if let Some(program) = &plan.iroh {
            // What it wrote is gone before ours begins, so that nothing of it is still on its way to the disk.
            let stores = tempfile::tempdir_in(folder.path())?;
            let took = by_iroh(program, stores.path(), &file, plan.bytes).await.context("iroh")?;
            eprintln!("  file {run}: iroh {:.0} MB/s", took.rate);
            theirs.push(took);
        }
        let took = by_flowork(&file, plan.bytes).await?;
        eprintln!("  file {run}: flowork {:.0} MB/s", took.rate);
        ours.push(took);
    }
    told(table, plan, &theirs, &ours);
    Ok(())
}

fn told(table: &mut Table, plan: &Plan, theirs: &[Took], ours: &[Took]) {
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    table.add(Row::ours("files of random bytes, each of", plan.bytes as f64 / f64::from(1 << 30), "GiB"));
    table.add(Row::ours(TRANSFER, middle(ours.iter().map(|took| took.rate)), "MB/s"));
    if theirs.is_empty() {
        table.miss("iroh's own transport beside it: its program was not built; make bench-files does both");
    } else {
        let beside = middle(theirs.iter().map(|took| took.rate));
        table.add(Row::peer("iroh", TRANSFER, beside, "MB/s").beside(TRANSFER));
        for (which, memory) in
            [("giving", most(theirs, |took| took.giver)), ("taking", most(theirs, |took| took.taker))]
        {
            table.add(Row::peer("iroh", format!("…most memory of the {which} process"), megabytes(memory.most), "MB"));
        }
        // Of the same file: what else the machine did meanwhile did it to both.
        let share = middle(ours.iter().zip(theirs).map(|(ours, theirs)| 100.0 * ours.rate / theirs.rate));
        table.add(Row::ours("…share of iroh's rate with the same file", share, "%").at_least(70.0));
    }
    let step = middle(ours.iter().map(|took| took.step.as_secs_f64()));
    table.add(Row::ours("…the whole step, hashed before and on the disk after", step, "s").stores("the file"));
    for (which, memory) in
        [("where the file was", most(ours, |took| took.giver)), ("where it went", most(ours, |took| took.taker))]
    {
        table.add(Row::ours(format!("…most memory of the mesh process {which}"), megabytes(memory.most), "MB"));
        let grown = Row::ours(format!("…grown meanwhile by, {which}"), megabytes(memory.grown), "MB");
        table.add(grown.below(GROWN_MB_MAX));
    }
}

fn middle(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn most(all: &[Took], whose: impl Fn(&Took) -> Memory) -> Memory {
    let over = |of: fn(Memory) -> u64| all.iter().map(|took| of(whose(took))).max().unwrap_or(0);
    Memory { most: over(|memory| memory.most), grown: over(|memory| memory.grown) }
}

fn room_for(bytes: u64) -> Result<()> {
    let folder = std::env::temp_dir();
    let disk = rustix::fs::statvfs(&folder).with_context(|| format!("{} cannot be looked at", folder.display()))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let needed = bytes.saturating_mul(COPIES).saturating_add(LEFT_FREE_BYTES);
    let gigabytes = |bytes: u64| bytes as f64 / 1e9;
    ensure!(
        free >= needed,
        "{:.1} GB are free in {} and {:.1} GB are needed: the file, a copy at each node, and 2 GiB that stay free; free \
         some, set TMPDIR to a folder on a larger disk, or measure a smaller file by --files-gib",
        gigabytes(free),
        folder.display(),
        gigabytes(needed)
    );
    Ok(())
}

/// Writes a file that is on the disk when this returns, so that its writing is no part of what is measured.
fn write_random(path: &Path, bytes: u64) -> Result<()> {
    let mut file = File::create(path)?;
    let (mut random, mut piece) = (rand::rng(), vec![0; 1 << 20]);
    let mut left = bytes;
    while left > 0 {
        random.fill_bytes(&mut piece);
        let length = usize::try_from(left.min(piece.len() as u64))?;
        file.write_all(&piece[..length])?;
        left -= length as u64;
    }
    file.sync_all()?;
    Ok(())
}

async fn by_flowork(file: &Path, bytes: u64) -> Result<Took> {
    let pair = Pair::friends().await?;
    let take = json!({
        "flowork": "preset/1", "name": TAKE,
        "steps": { "take": { "component": "no-op" } }, "wires": []
    });
    pair.lend(&take, &json!({})).await?;
    let preset = json!({
        "flowork": "preset/1", "name": "give",
        "steps": {
            "read": { "component": "read-file", "config": { "path": file, "as": "file", "max_bytes": bytes } },
            "there": { "component": "borrow", "config": { "preset": TAKE, "peer": LENDER } }
        },
        "wires": ["read -> there"]
    });
    let (giver, taker) = (Watched::of_mesh(&pair.borrower).await?, Watched::of_mesh(&pair.lender).await?);
    let job = pair.borrower.run(&preset, &[json!({})]).await?;
    let gib = u32::try_from(bytes.div_ceil(1 << 30))?;
    let row = pair.borrower.ended_within(&job, PATIENCE_PER_GIB * gib).await?;
    ensure!(row["state"] == "succeeded", "the job failed: {}", row["error"]);
    let history = pair.borrower.history(&job).await?;
    let took = Took { rate: rate(&history)?, step: step(&history)?, giver: giver.memory()?, taker: taker.memory()? };
    pair.stop().await?;
    Ok(took)
}

/// A process whose memory is of interest from now on.
struct Watched {
    pid: u32,
    before: u64,
}

impl Watched {
    async fn of_mesh(node: &crate::Node) -> Result<Self> {
        let pid = node.role("mesh").await?.context("the mesh runs")?;
        process::forget_most_memory(pid);
        Ok(Self { pid, before: process::resident_bytes_of(pid) })
    }

    fn memory(&self) -> Result<Memory> {
        let most = process::most_memory_bytes_of(self.pid);
        ensure!(self.before > 0 && most > 0, "the process {} ended meanwhile", self.pid);
        Ok(Memory { most, grown: most.saturating_sub(self.before) })
    }
}

/// 10⁶ bytes per second between the first and the last line of progress, each with a time of its own.
fn rate(history: &[Value]) -> Result<f64> {
    let lines = history.iter().filter_map(|event| event["what"]["step_log"]["lines"].as_array()).flatten();
    let came: Vec<(u64, f64)> =
        lines.filter_map(|line| Some((line["at"].as_u64()?, came(line["text"].as_str()?)?))).collect();
    let (first, last) = came.first().zip(came.last()).context("the history does not say how the file came")?;
    let took_ms = last.0.saturating_sub(first.0);
    ensure!(took_ms > 0 && last.1 > first.1, "too few lines say how the file came: {came:?}");
    Ok((last.1 - first.1) * 1e3 / took_ms as f64)
}

/// The megabytes of a line that says how many came.
fn came(text: &str) -> Option<f64> {
    let (amounts, _) = text.split_once(" MB of files came")?;
    let mut words = amounts.rsplit(' ');
    let (_all, _of) = (words.next()?, words.next()?);
    words.next()?.parse().ok()
}

fn step(history: &[Value]) -> Result<Duration> {
    let done = history.iter().map(|event| &event["what"]["step_succeeded"]);
    let took_us = done.filter(|done| done["run"] == "there").find_map(|done| done["took_us"].as_u64());
    Ok(Duration::from_micros(took_us.context("the history does not say how long the step took")?))
}

async fn by_iroh(program: &Path, folder: &Path, file: &Path, bytes: u64) -> Result<Took> {
    let path = |name: &str| folder.join(name).display().to_string();
    let giver = End::start(program, &["send", &path("giver"), &file.display().to_string()]).await?;
    let [id, address, hash] = giver.words()?;
    let taker = End::start(program, &["recv", &path("taker"), id, address, hash]).await?;
    let [came, took_us] = taker.words()?;
    ensure!(came.parse::<u64>()? == bytes, "{came} of {bytes} bytes came");
    let took = Duration::from_micros(took_us.parse()?);
    let rate = bytes as f64 / 1e6 / took.as_secs_f64();
    let took = Took { rate, step: took, giver: giver.memory(), taker: taker.memory() };
    taker.end().await?;
    giver.end().await?;
    Ok(took)
}

/// One process of `tests/iroh-bench` that has said its line.
struct End {
    child: Child,
    stdin: ChildStdin,
    said: String,
}

impl End {
    async fn start(program: &Path, words: &[&str]) -> Result<Self> {
        let mut child = Command::new(program)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        let stdin = child.stdin.take().context("its stdin is ours")?;
        let mut said = String::new();
        BufReader::new(child.stdout.take().context("its stdout is ours")?).read_line(&mut said).await?;
        Ok(Self { child, stdin, said })
    }

    fn words<const N: usize>(&self) -> Result<[&str; N]> {
        let words: Vec<&str> = self.said.split_whitespace().collect();
        words.try_into().ok().with_context(|| format!("an end did not do its part; it said: {:?}", self.said.trim()))
    }

    /// Its whole memory: it was started for this alone.
    fn memory(&self) -> Memory {
        let most = self.child.id().map_or(0, process::most_memory_bytes_of);
        Memory { most, grown: most }
    }

    async fn end(mut self) -> Result<()> {
        drop(self.stdin);
        let status = self.child.wait().await?;
        ensure!(status.success(), "it ended with {status}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at: u64, text: &str) -> Value {
        json!({ "at": at, "level": "info", "text": text })
    }

    #[test]
    fn a_rate_is_taken_between_the_first_and_the_last_line_of_progress() {
        let history = [
            json!({ "what": { "started": {} } }),
            json!({ "at": 9_000, "what": { "step_log": { "run": "there", "lines": [line(900, "Ben: it waits")] } } }),
            json!({ "at": 9_000, "what": { "step_log": { "run": "there", "lines": [
                line(1_000, "Ben: 100.0 of 1000.0 MB of files came"), line(2_000, "Ben: 400.5 of 1000.0 MB of files came")
            ] } } }),
            json!({ "at": 9_001, "what": { "step_log": { "run": "there", "lines": [
                line(5_000, "1000.0 of 1000.0 MB of files came")
            ] } } }),
        ];
        assert_eq!(rate(&history).unwrap(), 225.0);
        let few = rate(&history[..2]).unwrap_err().to_string();
        assert_eq!(few, "the history does not say how the file came");
    }

    #[test]
    fn a_disk_that_has_no_room_is_said_in_words() {
        let why = room_for(u64::MAX / 4).unwrap_err().to_string();
        assert!(why.contains("are needed: the file, a copy at each node") && why.contains("TMPDIR"), "{why}");
    }
}
