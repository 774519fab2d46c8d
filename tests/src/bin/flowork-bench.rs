//! `make bench`: measures a node, and the peers that are installed, with the same load on the same machine in one run.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use flowork_tests::bench::measure::{self, Extent};
use flowork_tests::bench::{Table, chat, files, lending, peers};
use flowork_tests::node::{binary, repository};

const HELP: &str = "\
Measures a node and its peers. Everything runs on loopback in temporary folders.

  flowork-bench [OPTIONS]

  --only WHAT,…        start, alone, throughput, scripts, items, run, grants, lending, chat, files, backlog, peers
                       (default: all but files and backlog)
  --peers NAME,…       only these: nodered, restate, restate-empty, n8n-legacy, n8n
  --seconds N          how long each load lasts (default 8)
  --connections N      how many connections send at once (default 32)
  --singles N          how many single jobs a latency is taken from (default 300)
  --backlog N          how many jobs `backlog` queues (default 1000000)
  --files-gib N        the size of each file of `files` (default 1)
  --files-runs N       how many files go, one after the other; the middle one counts (default 3)
  --iroh FILE          the program of tests/iroh-bench, to measure beside `files`; make bench-files builds it
  --json FILE          also write the figures as JSON
  --markdown FILE      also write the table to a file

Set FLOWORK_BIN to measure another binary. Peers are installed by tests/bench/peers/install.
";

const GIB: u64 = 1 << 30;

struct Arguments {
    only: Vec<String>,
    peers: Option<String>,
    extent: Extent,
    backlog: u64,
    files: files::Plan,
    json: Option<PathBuf>,
    markdown: Option<PathBuf>,
}

fn arguments() -> Result<Option<Arguments>> {
    let mut read = Arguments {
        only: ["start", "alone", "throughput", "scripts", "items", "run", "grants", "lending", "chat", "peers"]
            .map(str::to_owned)
            .to_vec(),
        peers: None,
        extent: Extent { lasts: Duration::from_secs(8), connections: 32, singles: 300 },
        backlog: 1_000_000,
        files: files::Plan { bytes: GIB, runs: 3, iroh: None },
        json: None,
        markdown: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--help" || word == "-h" {
            return Ok(None);
        }
        let value = words.next().with_context(|| format!("{word} wants a value; --help says more"))?;
        match word.as_str() {
            "--only" => read.only = value.split(',').map(str::to_owned).collect(),
            "--peers" => read.peers = Some(value),
            "--seconds" => read.extent.lasts = Duration::from_secs_f64(value.parse()?),
            "--connections" => read.extent.connections = value.parse()?,
            "--singles" => read.extent.singles = value.parse()?,
            "--backlog" => read.backlog = value.parse()?,
            "--files-gib" => read.files.bytes = (value.parse::<f64>()? * GIB as f64) as u64,
            "--files-runs" => read.files.runs = value.parse()?,
            "--iroh" => read.files.iroh = Some(value.into()),
            "--json" => read.json = Some(value.into()),
            "--markdown" => read.markdown = Some(value.into()),
            _ => bail!("{word} is no option; --help lists them"),
        }
    }
    Ok(Some(read))
}

#[tokio::main]
async fn main() -> Result<()> {
    let Some(arguments) = arguments()? else {
        print!("{HELP}");
        return Ok(());
    };
    let mut table = Table::default();
    measured(&mut table, &arguments).await?;
    println!("{}", table.markdown());
    if let Some(file) = &arguments.json {
        std::fs::write(file, serde_json::to_string_pretty(&table.json())?)?;
    }
    if let Some(file) = &arguments.markdown {
        std::fs::write(file, table.markdown())?;
    }
    Ok(())
}

async fn measured(table: &mut Table, arguments: &Arguments) -> Result<()> {
    let wants = |what: &str| arguments.only.iter().any(|one| one == what);
    let extent = &arguments.extent;
    let ours = ["start", "alone", "throughput", "scripts", "items"];
    if ours.iter().any(|what| wants(what)) {
        eprintln!("measuring {}", binary()?.display());
        let node = measure::start(table).await?;
        if wants("alone")
            && let Err(error) = measure::alone(table, &node, extent).await
        {
            table.miss(format!("one job alone: {error:#}"));
        }
        if wants("throughput")
            && let Err(error) = measure::throughput(table, &node, extent).await
        {
            table.miss(format!("throughput: {error:#}"));
        }
        if wants("scripts") {
            measure::scripts(table, &node, extent).await?;
        }
        if wants("items")
            && let Err(error) = measure::shared_items(table, &node).await
        {
            table.miss(format!("shared items: {error:#}"));
        }
        node.stop().await?;
    }
    if wants("run")
        && let Err(error) = measure::embedded(table, &repository().join("tests/bench/one-step.json"))
    {
        table.miss(format!("flowork run: {error:#}"));
    }
    if wants("grants") {
        flowork_tests::bench::grants::grants(table)?;
    }
    if wants("lending")
        && let Err(error) = lending::lending(table, extent).await
    {
        table.miss(format!("lending: {error:#}"));
    }
    if wants("chat")
        && let Err(error) = chat::chat(table).await
    {
        table.miss(format!("chat: {error:#}"));
    }
    if wants("files")
        && let Err(error) = files::files(table, &arguments.files).await
    {
        table.miss(format!("files: {error:#}"));
    }
    if wants("backlog")
        && let Err(error) = measure::backlog(table, arguments.backlog, extent).await
    {
        table.miss(format!("backlog: {error:#}"));
    }
    if wants("peers") {
        peers::all(table, extent.lasts, extent.connections, arguments.peers.as_deref()).await?;
    }
    Ok(())
}
