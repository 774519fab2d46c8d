//! Two nodes on one machine that know each other: one lends, the other borrows.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Node;

/// What makes a node reachable for others on this machine alone.
pub const LOOPBACK: [&str; 2] = ["--mesh-listen", "127.0.0.1:0"];
/// What the lender is called by the borrower, and the borrower by the lender.
pub const LENDER: &str = "Ben";
/// See [`LENDER`].
pub const BORROWER: &str = "Ana";
/// The engine that is lent.
pub const ENGINE: &str = "box";

/// Two nodes that can reach each other over loopback.
#[derive(Debug)]
pub struct Pair {
    /// Lends.
    pub lender: Node,
    /// Borrows.
    pub borrower: Node,
    /// Holds both data directories.
    pub folder: TempDir,
}

impl Pair {
    /// Two nodes that have never met.
    ///
    /// # Errors
    /// When a node does not do its part.
    pub async fn strangers() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let lender = Node::start_with(&folder.path().join("lender"), &LOOPBACK).await?;
        let borrower = Node::start_with(&folder.path().join("borrower"), &LOOPBACK).await?;
        Ok(Self { lender, borrower, folder })
    }

    /// The lender invited, the borrower joined.
    ///
    /// # Errors
    /// When a node does not do its part.
    pub async fn friends() -> Result<Self> {
        let pair = Self::strangers().await?;
        let invited = pair.invite().await?;
        let peer = pair.borrower.make("/api/v1/peers", &json!({ "link": invited["link"], "name": LENDER })).await?;
        ensure!(peer["name"] == LENDER && peer["reach"]["state"] == "direct", "{peer}");
        Ok(pair)
    }

    /// An invitation by the lender that says where it can be reached.
    ///
    /// # Errors
    /// When a node does not do its part.
    pub async fn invite(&self) -> Result<Value> {
        self.lender
            .until("the lender listens", async || {
                Ok(self.lender.read("/api/v1/mesh").await?["listens"].as_array().is_some_and(|all| all.len() >= 2))
            })
            .await?;
        self.lender.make("/api/v1/peers/invitations", &json!({ "name": BORROWER })).await
    }

    /// Lends `preset` as engine `box` and lets the borrower run it; gives the grant once the borrower has it.
    ///
    /// # Errors
    /// When a node does not do its part.
    pub async fn lend(&self, preset: &Value, limits: &Value) -> Result<Value> {
        self.lender.make("/api/v1/presets", preset).await?;
        let name = preset["name"].as_str().context("the preset has a name")?;
        let lent = self.lender.request(
            "PUT",
            &format!("/api/v1/engines/{ENGINE}"),
            json!({ "run": [name] }).to_string().as_bytes(),
        );
        self.lender.insist(&lent).await?;
        self.grant(&format!("run:{name}"), limits).await
    }

    /// Lends the model of a server of this machine as engine `box` and lets the borrower chat with it; gives the grant once
    /// the borrower has it.
    ///
    /// # Errors
    /// When a node does not do its part.
    pub async fn lend_model(&self, server: &str, limits: &Value) -> Result<Value> {
        let body = json!({ "chat": { "server": server } }).to_string();
        let lent = self.lender.request("PUT", &format!("/api/v1/engines/{ENGINE}"), body.as_bytes());
        self.lender.insist(&lent).await?;
        self.grant("chat", limits).await
    }

    /// Lends a single component as engine `box` and lets the borrower call it; gives the grant once the borrower has it.
    ///
    /// # Errors
    /// When a node does not do its part.
    pub async fn lend_tool(&self, component: &str, config: &Value) -> Result<Value> {
        let body = json!({ "tool": [{ "component": component, "config": config }] }).to_string();
        let lent = self.lender.request("PUT", &format!("/api/v1/engines/{ENGINE}"), body.as_bytes());
        self.lender.insist(&lent).await?;
        self.grant(&format!("tool:{component}"), &json!({})).await
    }

    async fn grant(&self, capability: &str, limits: &Value) -> Result<Value> {
        let until = in_an_hour();
        let ask = json!({ "to": BORROWER, "engine": ENGINE, "can": [capability], "until": until, "limits": limits });
        let grant = self.lender.make("/api/v1/grants", &ask).await?;
        self.borrower
            .until("the grant arrives", async || {
                let held = self.borrower.read("/api/v1/grants").await?;
                Ok(held.as_array().is_some_and(|all| all.iter().any(|one| one["id"] == grant["id"])))
            })
            .await?;
        Ok(grant)
    }

    /// Takes a grant back.
    ///
    /// # Errors
    /// When a node does not do its part.
    pub async fn revoke(&self, grant: &Value) -> Result<()> {
        let path = format!("/api/v1/grants/{}", grant["id"].as_str().context("a grant has an id")?);
        let answer = self.lender.send(&self.lender.request("DELETE", &path, b"")).await?;
        ensure!(answer.status == 200, "{}", answer.text());
        Ok(())
    }

    /// How many times a lent preset began that writes a line to `ran` in its node's files folder.
    #[must_use]
    pub fn ran(&self) -> usize {
        let text = std::fs::read_to_string(self.lender.data().join("files/ran")).unwrap_or_default();
        text.lines().count()
    }

    /// Stops both in order.
    ///
    /// # Errors
    /// When a node does not do its part.
    pub async fn stop(self) -> Result<()> {
        self.borrower.stop().await?;
        self.lender.stop().await
    }
}

fn in_an_hour() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(0) + 3_600_000
}
