//! A node under test: `flowork up` on a data directory of its own, driven from outside as its users drive it.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::{Answer, Connection, request};
use crate::{process, town};

/// The longest that anything a test waits for may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// The pause between two looks at something that rings no bell (a process that comes up).
const LOOK: Duration = Duration::from_millis(5);

/// The binary under test: `FLOWORK_BIN`, or what cargo builds, once per process.
///
/// # Errors
/// When it cannot be built.
pub fn binary() -> Result<PathBuf> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = BINARY.get_or_init(|| find_binary().map_err(|error| format!("{error:#}")));
    found.clone().map_err(anyhow::Error::msg)
}

fn find_binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("FLOWORK_BIN") {
        return Ok(path.into());
    }
    // …/target/<profile>/deps/journeys-… or …/target/<profile>/flowork-bench
    let own = std::env::current_exe()?;
    let folder = own.parent().context("a program lies in a folder")?;
    let in_deps = folder.ends_with("deps");
    let folder = if in_deps { folder.parent().context("deps lies in a folder")? } else { folder };
    if in_deps {
        let profile = if folder.ends_with("release") { "release" } else { "dev" };
        // The whole workspace is named so that features, and with them what is built already, stay the same.
        let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--quiet", "--workspace", "--bin", "flowork", "--bin", "flowork-bootstrap"])
            .args(["--profile", profile])
            .current_dir(repository())
            .status()
            .context("cargo cannot be started")?;
        ensure!(built.success(), "the node does not build");
    }
    let binary = folder.join("flowork");
    ensure!(binary.exists(), "{} is not there; build it, or set FLOWORK_BIN", binary.display());
    Ok(binary)
}

/// The top of the repository.
#[must_use]
pub fn repository() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The command line on a data directory, ready to be started.
///
/// # Errors
/// When the binary cannot be built.
pub fn command(data: &Path, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(binary()?);
    command.args(arguments).arg("--data").arg(data).stdin(Stdio::null()).current_dir(repository());
    for name in ["FLOWORK_DATA", "FLOWORK_LISTEN", "FLOWORK_PASSPHRASE", "FLOWORK_BACKUP_PASSPHRASE"] {
        command.env_remove(name);
    }
    command.env("FLOWORK_MESH", "off");
    Ok(command)
}

/// Runs the command line once and waits for its end.
///
/// # Errors
/// When it cannot be started.
pub fn flowork(data: &Path, arguments: &[&str]) -> Result<Output> {
    command(data, arguments)?.output().with_context(|| format!("flowork {} cannot be started", arguments.join(" ")))
}

/// A running node. Dropping it ends all its processes.
#[derive(Debug)]
pub struct Node {
    child: Child,
    data: PathBuf,
    /// Where its gateway listens.
    pub address: SocketAddr,
    /// An admin token.
    pub token: String,
    /// From the start of the process until it was ready.
    pub ready_after: Duration,
    /// The network namespace that it runs in, when that is another than ours.
    space: Option<String>,
    owned: Option<TempDir>,
}

impl Node {
    /// Starts a node on a fresh data directory and waits until it is ready.
    ///
    /// # Errors
    /// When it does not come up; the text holds the end of its log.
    pub async fn fresh() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("flowork-").tempdir()?;
        let mut node = Self::start(&folder.path().join("data")).await?;
        node.owned = Some(folder);
        Ok(node)
    }

    /// Starts a node on a data directory and waits until it is ready.
    ///
    /// # Errors
    /// When it does not come up; the text holds the end of its log.
    pub async fn start(data: &Path) -> Result<Self> {
        Self::start_with(data, &[]).await
    }

    /// As [`Self::start`], with further arguments for `flowork up`.
    ///
    /// # Errors
    /// When it does not come up; the text holds the end of its log.
    pub async fn start_with(data: &Path, arguments: &[&str]) -> Result<Self> {
        Self::begin(data, arguments, None)?.come_up().await
    }

    /// As [`Self::start`], in a network namespace ([`crate::town`]), with the mesh as it is by default.
    ///
    /// # Errors
    /// When it does not come up; the text holds the end of its log.
    pub async fn start_in(space: &str, data: &Path) -> Result<Self> {
        Self::begin(data, &[], Some(space))?.come_up().await
    }

    async fn come_up(mut self) -> Result<Self> {
        let begun = Instant::now();
        while !self.look().await {
            self.still_coming_up(begun).await?;
        }
        self.ready_after = begun.elapsed();
        Ok(self)
    }

    /// As [`Self::start`], for a data directory with something wrong in it: waits for these roles only.
    ///
    /// # Errors
    /// When they do not come up; the text holds the end of its log.
    pub async fn start_despite(data: &Path, roles: &[&str]) -> Result<Self> {
        let mut node = Self::begin(data, &[], None)?;
        let begun = Instant::now();
        while !(node.finds_itself() && node.has(roles).await) {
            node.still_coming_up(begun).await?;
        }
        Ok(node)
    }

    fn begin(data: &Path, arguments: &[&str], space: Option<&str>) -> Result<Self> {
        fs::create_dir_all(data)?;
        let binary = binary()?;
        let log = File::options().create(true).append(true).open(log_path(data))?;
        // What an earlier node left there would be taken for this one's.
        let _ = fs::remove_file(data.join("run/address"));
        let mut command = space.map_or_else(|| Command::new(&binary), |space| town::command_in(space, &binary));
        // Unless a test names an address or a network: other nodes are nobody's business then.
        if space.is_none() {
            command.env("FLOWORK_MESH", "off");
        }
        let child = command
            .args(["up", "--listen", "127.0.0.1:0", "--no-welcome", "--data"])
            .arg(data)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .env_remove("FLOWORK_DATA")
            .process_group(0)
            .spawn()
            .context("the node cannot be started")?;
        Ok(Self {
            child,
            data: data.to_path_buf(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: String::new(),
            ready_after: Duration::ZERO,
            space: space.map(str::to_owned),
            owned: None,
        })
    }

    async fn still_coming_up(&mut self, begun: Instant) -> Result<()> {
        let ended = self.child.try_wait()?;
        if ended.is_some() || begun.elapsed() > PATIENCE {
            bail!("the node did not come up ({ended:?}); the end of its log:\n{}", self.log_end());
        }
        tokio::time::sleep(LOOK).await;
        Ok(())
    }

    /// Takes down where it listens, and its token; false when it has not said yet.
    fn finds_itself(&mut self) -> bool {
        let read = |name: &str| fs::read_to_string(self.data.join("run").join(name)).ok();
        let Some(address) = read("address").and_then(|text| text.trim().trim_start_matches("http://").parse().ok())
        else {
            return false;
        };
        let Some(token) = read("token") else { return false };
        (self.address, self.token) = (address, token.trim().to_owned());
        true
    }

    async fn has(&self, roles: &[&str]) -> bool {
        let about = self.read("/api/v1/node").await.unwrap_or_default();
        let is_ready = |name: &&str| {
            about["roles"].as_array().into_iter().flatten().any(|role| role["role"] == **name && role["ready"] == true)
        };
        roles.iter().all(is_ready)
    }

    /// Whether it is ready; takes down where it listens.
    async fn look(&mut self) -> bool {
        if !self.finds_itself() {
            return false;
        }
        let ready = self.get("/readyz").await;
        // Taking work is one thing; here every role has to be there.
        ready
            .is_ok_and(|answer| answer.status == 200 && answer.json()["problems"].as_array().is_some_and(Vec::is_empty))
    }

    /// Its data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The process id of its supervisor.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The end of what it wrote to stdout and stderr.
    #[must_use]
    pub fn log_end(&self) -> String {
        let path = log_path(&self.data);
        // A device in its place has no end.
        let log = if path.is_file() { fs::read(path).unwrap_or_default() } else { Vec::new() };
        String::from_utf8_lossy(&log[log.len().saturating_sub(6_000)..]).into_owned()
    }

    /// The bytes of a request with the admin token.
    #[must_use]
    pub fn request(&self, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
        let bearer = format!("Bearer {}", self.token);
        let host = self.address.to_string();
        request(method, path, &host, &[("Authorization", &bearer), ("Content-Type", "application/json")], body)
    }

    async fn connect(&self) -> Result<Connection> {
        Ok(match &self.space {
            Some(space) => Connection::over(town::connect_in(space, self.address)?)?,
            None => Connection::open(self.address).await?,
        })
    }

    /// Sends one request on a connection of its own.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn send(&self, request: &[u8]) -> Result<Answer> {
        let mut connection = self.connect().await?;
        let answer = tokio::time::timeout(PATIENCE, connection.send(request)).await;
        Ok(answer.context("no answer came")??)
    }

    /// `GET`.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.send(&self.request("GET", path, b"")).await
    }

    /// `GET` of JSON.
    ///
    /// # Errors
    /// When the answer is not 2xx.
    pub async fn read(&self, path: &str) -> Result<Value> {
        expect_2xx(path, self.get(path).await?)
    }

    /// `POST` of JSON.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(&self.request("POST", path, body.to_string().as_bytes())).await
    }

    /// `POST` of JSON that must be taken.
    ///
    /// # Errors
    /// When the answer is not 2xx.
    pub async fn make(&self, path: &str, body: &Value) -> Result<Value> {
        expect_2xx(path, self.post(path, body).await?)
    }

    /// Sends a request again until the node answers with 2xx: what a client does while a role is away.
    ///
    /// # Errors
    /// When that takes longer than [`PATIENCE`], or the answer blames the request.
    pub async fn insist(&self, request: &[u8]) -> Result<Value> {
        let begun = Instant::now();
        loop {
            match self.send(request).await {
                Ok(answer) if (200..300).contains(&answer.status) => return Ok(answer.json()),
                Ok(answer) if answer.status < 500 && answer.status != 429 => {
                    bail!("the node refused: {} {}", answer.status, answer.text())
                }
                _ if begun.elapsed() > PATIENCE => bail!("no answer in {PATIENCE:?}; log:\n{}", self.log_end()),
                _ => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// Submits a preset that is given in full, with an input; gives the job's id.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn run(&self, preset: &Value, input: &[Value]) -> Result<String> {
        let answer = self.make("/api/v1/jobs", &json!({ "inline": preset, "input": items(input) })).await?;
        job_of(&answer)
    }

    /// Makes a draft and activates it, so that its triggers fire; gives the preset's id.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn activate(&self, preset: &Value) -> Result<String> {
        let draft = self.make("/api/v1/presets", preset).await?;
        let id = draft["id"].as_str().with_context(|| format!("no id in {draft}"))?.to_owned();
        self.make(&format!("/api/v1/presets/{id}/activate"), &json!({})).await?;
        Ok(id)
    }

    /// Waits for the end of a job, on its live feed; reconnects when the gateway goes away. Gives its row.
    ///
    /// # Errors
    /// When it does not end within [`PATIENCE`].
    pub async fn ended(&self, job: &str) -> Result<Value> {
        self.ended_within(job, PATIENCE).await
    }

    /// As [`Self::ended`], for a job that takes longer than anything in a test.
    ///
    /// # Errors
    /// When it does not end within `patience`.
    pub async fn ended_within(&self, job: &str, patience: Duration) -> Result<Value> {
        let waits = async {
            let mut after = 0;
            while !self.follow(job, &mut after).await.unwrap_or(false) {
                tokio::time::sleep(LOOK).await;
            }
        };
        if tokio::time::timeout(patience, waits).await.is_err() {
            let row = self.get(&format!("/api/v1/jobs/{job}")).await.map(|answer| answer.text());
            bail!("job {job} did not end: {row:?}; log:\n{}", self.log_end());
        }
        let row = self.insist(&self.request("GET", &format!("/api/v1/jobs/{job}"), b"")).await?;
        Ok(row)
    }

    /// Reads the live feed of a job after `after` until the job's end (true) or the feed's (false).
    async fn follow(&self, job: &str, after: &mut u64) -> Result<bool> {
        let mut feed = self.feed(&format!("/api/v1/jobs/{job}/events?after={after}")).await?;
        while let Some(event) = feed.next().await? {
            if let Some(seq) = event["seq"].as_u64() {
                *after = seq;
            }
            if event["what"].get("ended").is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Opens a live feed.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn feed(&self, path: &str) -> Result<Feed> {
        let mut connection = self.connect().await?;
        let bearer = format!("Bearer {}", self.token);
        let host = self.address.to_string();
        let headers = [("Authorization", bearer.as_str()), ("Accept", "text/event-stream")];
        connection.subscribe(&request("GET", path, &host, &headers, b"")).await?;
        Ok(Feed { connection, text: String::new() })
    }

    /// The whole history of a job.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn history(&self, job: &str) -> Result<Vec<Value>> {
        let mut events = Vec::new();
        loop {
            let after = events.last().and_then(|event: &Value| event["seq"].as_u64()).unwrap_or(0);
            let page =
                self.insist(&self.request("GET", &format!("/api/v1/jobs/{job}/events?after={after}"), b"")).await?;
            let list = page.as_array().with_context(|| format!("no events in {page}"))?;
            if list.is_empty() {
                return Ok(events);
            }
            events.extend(list.iter().cloned());
        }
    }

    /// The items that a step gave on a port.
    ///
    /// # Errors
    /// When it gave none.
    pub async fn given(&self, job: &str, run: &str, port: &str) -> Result<Vec<Value>> {
        let page = self.read(&format!("/api/v1/jobs/{job}/items?run={run}&port={port}&side=out&limit=1000")).await?;
        let list = page["items"].as_array().with_context(|| format!("no items in {page}"))?;
        Ok(list.iter().map(|item| item["json"].clone()).collect())
    }

    /// Waits until something holds.
    ///
    /// # Errors
    /// When that takes longer than [`PATIENCE`]; `what` says what did not come true.
    pub async fn until(&self, what: &str, holds: impl AsyncFn() -> Result<bool>) -> Result<()> {
        let begun = Instant::now();
        while !holds().await.unwrap_or(false) {
            ensure!(begun.elapsed() < PATIENCE, "{what} did not come true; log:\n{}", self.log_end());
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// The process id of a role, when it runs.
    ///
    /// # Errors
    /// When the node cannot be asked.
    pub async fn role(&self, role: &str) -> Result<Option<u32>> {
        let node = self.read("/api/v1/node").await?;
        let roles = node["roles"].as_array().with_context(|| format!("no roles in {node}"))?;
        let pid = roles.iter().find(|one| one["role"] == role).and_then(|one| one["pid"].as_u64());
        Ok(pid.and_then(|pid| u32::try_from(pid).ok()))
    }

    /// Kills a role with SIGKILL; gives its process id.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn kill(&self, role: &str) -> Result<u32> {
        let pid = self.role(role).await?.with_context(|| format!("{role} does not run"))?;
        process::kill_hard(pid)?;
        Ok(pid)
    }

    /// Waits until a role runs, is ready and is not the process `before`.
    ///
    /// # Errors
    /// When that takes longer than [`PATIENCE`].
    pub async fn back(&self, role: &str, before: u32) -> Result<u32> {
        let begun = Instant::now();
        loop {
            if let Ok(Some(pid)) = self.role(role).await
                && pid != before
            {
                return Ok(pid);
            }
            if begun.elapsed() > PATIENCE {
                bail!("{role} did not come back; log:\n{}", self.log_end());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Asks the node to end, and waits for it. The data directory stays.
    ///
    /// # Errors
    /// When it does not end within [`PATIENCE`] or ends with an error.
    pub async fn stop(mut self) -> Result<()> {
        process::ask_to_end(self.child.id())?;
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "the node ended with {status}; log:\n{}", self.log_end());
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE, "the node does not end; log:\n{}", self.log_end());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Kills everything at once, as a power cut would, and gives the data directory back for another start.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn cut_power(mut self) -> Result<Option<TempDir>> {
        end_all(&mut self.child);
        Ok(self.owned.take())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        end_all(&mut self.child);
    }
}

fn end_all(child: &mut Child) {
    if matches!(child.try_wait(), Ok(Some(_))) {
        return;
    }
    // Roles may lead groups of their own, so the tree is read before its root goes.
    let tree = process::tree(child.id());
    let _ = process::kill_group(child.id());
    for pid in tree {
        let _ = process::kill_hard(pid);
    }
    let _ = child.wait();
}

fn log_path(data: &Path) -> PathBuf {
    data.with_extension("log")
}

/// JSON values as items.
#[must_use]
pub fn items(values: &[Value]) -> Value {
    values.iter().map(|value| json!({ "json": value })).collect()
}

/// The job's id in the answer to a submission.
///
/// # Errors
/// When there is none.
pub fn job_of(answer: &Value) -> Result<String> {
    let job = answer["job"].as_str().with_context(|| format!("no job in {answer}"))?;
    Ok(job.to_owned())
}

fn expect_2xx(path: &str, answer: Answer) -> Result<Value> {
    ensure!((200..300).contains(&answer.status), "{path} answered {}: {}", answer.status, answer.text());
    Ok(answer.json())
}

/// Server-sent events as they come.
#[derive(Debug)]
pub struct Feed {
    connection: Connection,
    /// What was read and not yet given.
    text: String,
}

impl Feed {
    /// The data of the next event; none at the feed's end.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn next(&mut self) -> Result<Option<Value>> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let data: String = block.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim).collect();
                self.text = rest.to_owned();
                if !data.is_empty() {
                    return Ok(Some(serde_json::from_str(&data)?));
                }
            }
            match self.connection.chunk().await? {
                Some(chunk) => self.text.push_str(&String::from_utf8_lossy(&chunk)),
                None => return Ok(None),
            }
        }
    }
}
