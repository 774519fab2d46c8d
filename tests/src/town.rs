//! Several hosts on one machine: network namespaces on a street, some of them behind routers that translate addresses.
//!
//! ```text
//! street 5.5.0.0/16 ─┬─ hut 5.5.0.10            a public host
//!                    ├─ router 5.5.0.20 ─ home  192.168.1.2, behind it
//!                    └─ router 5.5.0.30 ─ home  192.168.1.2, behind another one
//! ```
//!
//! Nothing leaves the machine: the street is a bridge without a way out. Needs root, `ip` and `nft`.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;
use tempfile::TempDir;

use crate::node::{PATIENCE, binary};
use crate::{Node, process};

/// How a router translates addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Router {
    /// One port outside for one port inside, as most at home do: two sides that call each other at once get through.
    Keeps,
    /// Another port for each address that is called, as large networks do: nobody outside can tell it.
    Changes,
}

/// A street with its houses. Dropping it ends what runs there.
#[derive(Debug)]
pub struct Town {
    name: String,
    spaces: Vec<String>,
    folder: TempDir,
}

/// A public host of the town.
#[derive(Debug)]
pub struct Hut {
    child: Child,
    space: String,
    config: PathBuf,
}

impl Town {
    /// An empty street; none where this user may not make one, which is said.
    ///
    /// # Errors
    /// When it can be made in part only.
    pub fn build() -> Result<Option<Self>> {
        static TOWNS: AtomicU32 = AtomicU32::new(0);
        let name = format!("fw{}-{}", std::process::id(), TOWNS.fetch_add(1, Ordering::Relaxed));
        let mut town =
            Self { name, spaces: Vec::new(), folder: tempfile::Builder::new().prefix("flowork-").tempdir()? };
        if let Err(error) = town.space("street") {
            eprintln!("SKIPPED: network namespaces cannot be made here ({error:#}); run as root to test networks");
            return Ok(None);
        }
        town.ip("street", &["link", "add", "bridge", "type", "bridge"])?;
        town.ip("street", &["link", "set", "bridge", "up"])?;
        Ok(Some(town))
    }

    /// Where the town keeps files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The namespace of a house.
    #[must_use]
    pub fn at(&self, house: &str) -> String {
        format!("{}-{house}", self.name)
    }

    fn space(&mut self, house: &str) -> Result<()> {
        let space = self.at(house);
        run(Command::new("ip").args(["netns", "add", &space]))?;
        self.spaces.push(space);
        self.ip(house, &["link", "set", "lo", "up"])
    }

    /// `ip …` in a house.
    ///
    /// # Errors
    /// When it fails.
    pub fn ip(&self, house: &str, arguments: &[&str]) -> Result<()> {
        run(Command::new("ip").args(["-n", &self.at(house)]).args(arguments))
    }

    /// Reads rules of a packet filter into a house.
    ///
    /// # Errors
    /// When they do not read.
    pub fn nft(&self, house: &str, rules: &str) -> Result<()> {
        run(command_in(&self.at(house), Path::new("nft")).arg(rules))
    }

    /// What `nft …` prints in a house.
    ///
    /// # Errors
    /// When it fails.
    pub fn nft_says(&self, house: &str, arguments: &[&str]) -> Result<String> {
        let output = command_in(&self.at(house), Path::new("nft")).args(arguments).output()?;
        ensure!(output.status.success(), "nft: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A house on the street at `5.5.0.<number>`.
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn house(&mut self, house: &str, number: u8) -> Result<()> {
        self.space(house)?;
        let (inside, outside) = (self.at(house), format!("to-{house}"));
        let link = ["link", "add", &outside, "type", "veth", "peer", "name", "street", "netns", &inside];
        self.ip("street", &link)?;
        self.ip("street", &["link", "set", &outside, "master", "bridge"])?;
        self.ip("street", &["link", "set", &outside, "up"])?;
        self.ip(house, &["addr", "add", &format!("5.5.0.{number}/16"), "dev", "street"])?;
        self.ip(house, &["link", "set", "street", "up"])
    }

    /// A house behind a router, which is at `5.5.0.<number>`.
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn home(&mut self, home: &str, number: u8, router: Router) -> Result<()> {
        let gate = format!("{home}-gate");
        self.house(&gate, number)?;
        self.space(home)?;
        let inside = self.at(home);
        self.ip(&gate, &["link", "add", "lan", "type", "veth", "peer", "name", "eth", "netns", &inside])?;
        self.ip(&gate, &["addr", "add", "192.168.1.1/24", "dev", "lan"])?;
        self.ip(&gate, &["link", "set", "lan", "up"])?;
        self.ip(home, &["addr", "add", "192.168.1.2/24", "dev", "eth"])?;
        self.ip(home, &["link", "set", "eth", "up"])?;
        self.ip(home, &["route", "add", "default", "via", "192.168.1.1"])?;
        run(command_in(&self.at(&gate), Path::new("sysctl")).args(["-qw", "net.ipv4.ip_forward=1"]))?;
        let how = if router == Router::Changes { "masquerade random" } else { "masquerade" };
        // What nobody inside asked for is dropped without a word, as routers do.
        self.nft(
            &gate,
            &format!(
                "add table ip gate; \
                 add chain ip gate out {{ type nat hook postrouting priority 100; }}; \
                 add rule ip gate out oifname street {how}; \
                 add chain ip gate own {{ type filter hook input priority 0; }}; \
                 add rule ip gate own iifname street ct state new drop; \
                 add chain ip gate through {{ type filter hook forward priority 0; }}; \
                 add rule ip gate through iifname street ct state new drop"
            ),
        )
    }

    /// Cuts a house, or a home's router, off the street, or lets it back.
    ///
    /// # Errors
    /// When it cannot be done.
    pub fn cut(&self, house: &str, is_cut: bool) -> Result<()> {
        self.ip("street", &["link", "set", &format!("to-{house}"), if is_cut { "down" } else { "up" }])
    }

    /// Starts a node in a house.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn node(&self, house: &str) -> Result<Node> {
        Node::start_in(&self.at(house), &self.folder().join(house)).await
    }

    /// Starts a public host in a house.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn hut(&self, house: &str) -> Result<Hut> {
        let config = self.folder().join(format!("{house}.toml"));
        let data = self.folder().join(house);
        std::fs::write(&config, format!("name = \"{house}\"\ndata = {:?}\n", data.display().to_string()))?;
        let space = self.at(house);
        let log = File::options().create(true).append(true).open(self.folder().join(format!("{house}.log")))?;
        let child = command_in(&space, &bootstrap()?)
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("the host cannot be started")?;
        Ok(Hut { child, space, config })
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        for space in &self.spaces {
            // Whatever still runs in it keeps nothing else alive.
            let _ = Command::new("ip").args(["netns", "del", space]).stderr(Stdio::null()).status();
        }
    }
}

impl Hut {
    /// An invitation, once the host listens.
    ///
    /// # Errors
    /// When it gives none.
    pub async fn invite(&self) -> Result<String> {
        let begun = std::time::Instant::now();
        loop {
            let output = command_in(&self.space, &bootstrap()?)
                .arg("--config")
                .arg(&self.config)
                .arg("invite")
                .stdin(Stdio::null())
                .output()?;
            if output.status.success() {
                let text = String::from_utf8(output.stdout)?;
                return text.lines().next().map(str::to_owned).context("an invitation has a first line");
            }
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            ensure!(begun.elapsed() < PATIENCE, "the host invites nobody: {said}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// A node joins the host, and can be reached through it.
    ///
    /// # Errors
    /// When it is not let in.
    pub async fn join(&self, node: &Node) -> Result<()> {
        node.make("/api/v1/peers", &serde_json::json!({ "link": self.invite().await?, "name": "Hut" })).await?;
        node.until("the node is reached through the host", async || {
            Ok(peer(node, "Hut").await?["relay"]["state"] == "reserved")
        })
        .await
    }

    /// Kills the host.
    ///
    /// # Errors
    /// When it has no process id.
    pub fn kill(mut self) -> Result<()> {
        process::kill_hard(self.child.id())?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Hut {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a node says of a peer.
///
/// # Errors
/// When it knows none of that name.
pub async fn peer(node: &Node, name: &str) -> Result<Value> {
    let all = node.read("/api/v1/peers").await?;
    let found = all.as_array().into_iter().flatten().find(|one| one["name"] == name);
    found.cloned().with_context(|| format!("no peer {name} in {all}"))
}

/// A command that runs in a network namespace.
#[must_use]
pub fn command_in(space: &str, program: &Path) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", space]).arg(program);
    command
}

/// A connection to an address of a network namespace.
///
/// # Errors
/// When there is no such namespace, or nobody listens there.
pub fn connect_in(space: &str, address: SocketAddr) -> Result<tokio::net::TcpStream> {
    let file = File::open(Path::new("/run/netns").join(space))?;
    // A socket belongs to the namespace of the thread that made it; this thread is used for nothing else.
    let thread = std::thread::spawn(move || -> Result<std::net::TcpStream> {
        move_into_link_name_space(std::os::fd::AsFd::as_fd(&file), Some(LinkNameSpaceType::Network))?;
        Ok(std::net::TcpStream::connect(address)?)
    });
    let stream = thread.join().map_err(|_| anyhow::anyhow!("the thread that connects broke"))??;
    stream.set_nonblocking(true)?;
    Ok(tokio::net::TcpStream::from_std(stream)?)
}

/// The program of a public host: beside the node's.
fn bootstrap() -> Result<PathBuf> {
    let program = binary()?.with_file_name("flowork-bootstrap");
    ensure!(program.exists(), "{} is not there; build it: make build", program.display());
    Ok(program)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?} cannot be started"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
