//! Nodes on networks as they are: behind routers, through relays, over lines that lose and break.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use flowork_tests::pair::{BORROWER, LENDER, Pair};
use flowork_tests::town::{Hut, Router, Town, peer};
use serde_json::{Value, json};

use crate::history::check_history;
use crate::lending::{borrow, slow, why};

/// Two homes and a public host, and the two nodes know each other through it.
struct Homes {
    town: Town,
    hut: Hut,
    pair: Pair,
}

impl Homes {
    async fn behind(router: Router) -> Result<Option<Self>> {
        let Some(mut town) = Town::build()? else { return Ok(None) };
        town.house("hut", 10)?;
        town.home("ana", 20, router)?;
        town.home("ben", 30, router)?;
        let hut = town.hut("hut")?;
        let (borrower, lender) = (town.node("ana").await?, town.node("ben").await?);
        hut.join(&borrower).await?;
        hut.join(&lender).await?;
        let pair = Pair { lender, borrower, folder: tempfile::tempdir()? };
        let invited = pair.invite().await?;
        ensure!(invited["reach"] == "anywhere, through Hut", "{invited}");
        let joined = pair.borrower.make("/api/v1/peers", &json!({ "link": invited["link"], "name": LENDER })).await?;
        let state = &joined["reach"]["state"];
        ensure!(state == "relayed" || state == "direct", "{joined}");
        Ok(Some(Self { town, hut, pair }))
    }

    /// Waits until both sides reach each other in this way.
    async fn reached(&self, state: &str) -> Result<()> {
        for (node, name) in [(&self.pair.borrower, LENDER), (&self.pair.lender, BORROWER)] {
            let what = format!("{name} is reached: {state}");
            node.until(&what, async || Ok(peer(node, name).await?["reach"]["state"] == state)).await?;
        }
        Ok(())
    }

    /// Begins a borrowed run that naps at the lender, and waits until it does.
    async fn nap(&self, n: u32) -> Result<String> {
        let job = self.pair.borrower.run(&borrow("nap"), &[json!({ "n": n })]).await?;
        self.pair
            .lender
            .until("the run waits at the lender", async || {
                let all = self.pair.lender.read("/api/v1/jobs?preset=nap").await?;
                Ok(all["jobs"].as_array().is_some_and(|all| all.iter().any(|one| one["state"] == "waiting")))
            })
            .await?;
        Ok(job)
    }

    /// Waits for the end of a nap, which ran once.
    async fn woke(&self, job: &str, n: u32, before: usize) -> Result<()> {
        let row = self.pair.borrower.ended(job).await?;
        ensure!(row["state"] == "succeeded", "{}", why(&row));
        let given = self.pair.borrower.given(job, "there", "out").await?;
        ensure!(given.len() == 1 && given[0]["n"] == n, "{given:?}");
        ensure!(self.pair.ran() == before + 1, "it ran once: {} after {before}", self.pair.ran());
        check_history(job, &self.pair.borrower.history(job).await?)
    }

    async fn stop(self) -> Result<()> {
        self.pair.stop().await?;
        drop(self.hut);
        drop(self.town);
        Ok(())
    }
}

#[tokio::test]
async fn two_homes_behind_routers_meet_through_a_relay_and_then_directly() -> Result<()> {
    let Some(homes) = Homes::behind(Router::Keeps).await? else { return Ok(()) };
    homes.pair.lend(&slow("nap", "4s"), &json!({})).await?;
    let job = homes.nap(1).await?;
    homes.reached("direct").await?;
    homes.woke(&job, 1, 0).await?;
    let address = peer(&homes.pair.borrower, LENDER).await?["reach"]["address"].clone();
    ensure!(address.as_str().is_some_and(|text| text.contains("/5.5.0.30/") && !text.contains("circuit")), "{address}");
    homes.hut.kill()?;
    let job = homes.pair.borrower.run(&borrow("nap"), &[json!({ "n": 2 })]).await?;
    let row = homes.pair.borrower.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "without the relay: {}", why(&row));
    homes.pair.stop().await
}

#[tokio::test]
async fn behind_routers_that_nobody_gets_through_a_relay_stays_in_between_and_it_is_said_why() -> Result<()> {
    let Some(homes) = Homes::behind(Router::Changes).await? else { return Ok(()) };
    homes.pair.lend(&slow("nap", "4s"), &json!({})).await?;
    let job = homes.nap(1).await?;
    homes.woke(&job, 1, 0).await?;
    homes
        .pair
        .lender
        .until("it is said why there is no direct way", async || {
            let reach = peer(&homes.pair.lender, BORROWER).await?["reach"].clone();
            Ok(reach["state"] == "relayed" && reach["through"] == "Hut" && reach["why"].is_string())
        })
        .await?;
    homes.stop().await
}

#[tokio::test]
async fn a_relay_that_dies_in_the_middle_of_a_call_is_waited_for_and_the_call_runs_once() -> Result<()> {
    let Some(mut homes) = Homes::behind(Router::Changes).await? else { return Ok(()) };
    homes.pair.lend(&slow("nap", "4s"), &json!({})).await?;
    let job = homes.nap(7).await?;
    homes.hut.kill()?;
    homes.hut = homes.town.hut("hut")?;
    homes.woke(&job, 7, 0).await?;
    homes.stop().await
}

#[tokio::test]
async fn a_call_goes_on_after_a_partition_that_heals() -> Result<()> {
    let Some(homes) = Homes::behind(Router::Keeps).await? else { return Ok(()) };
    homes.pair.lend(&slow("nap", "4s"), &json!({})).await?;
    homes.reached("direct").await?;
    let job = homes.nap(3).await?;
    homes.town.cut("ben-gate", true)?;
    homes
        .pair
        .borrower
        .until("the call knows that its way is broken", async || {
            Ok(serde_json::to_string(&homes.pair.borrower.history(&job).await?)?.contains("the way to Ben broke"))
        })
        .await?;
    homes.town.cut("ben-gate", false)?;
    homes.woke(&job, 3, 0).await?;
    homes.stop().await
}

#[tokio::test]
async fn a_call_goes_on_when_the_lenders_address_changes_in_the_middle() -> Result<()> {
    let Some(homes) = Homes::behind(Router::Keeps).await? else { return Ok(()) };
    homes.pair.lend(&slow("nap", "4s"), &json!({})).await?;
    homes.reached("direct").await?;
    let job = homes.nap(4).await?;
    homes.town.ip("ben-gate", &["addr", "del", "5.5.0.30/16", "dev", "street"])?;
    homes.town.ip("ben-gate", &["addr", "add", "5.5.0.31/16", "dev", "street"])?;
    homes.woke(&job, 4, 0).await?;
    homes.stop().await
}

#[tokio::test]
async fn calls_over_a_line_that_loses_one_packet_in_ten_all_succeed_once() -> Result<()> {
    let Some(homes) = Homes::behind(Router::Keeps).await? else { return Ok(()) };
    homes.pair.lend(&slow("count", "1ms"), &json!({})).await?;
    let lossy = "add table ip loss; add chain ip loss line { type filter hook forward priority 10; }; \
                 add rule ip loss line numgen random mod 100 < 10 drop";
    homes.town.nft("ana-gate", lossy)?;
    let mut jobs = Vec::new();
    for n in 0..20 {
        jobs.push(homes.pair.borrower.run(&borrow("count"), &[json!({ "n": n })]).await?);
    }
    for (n, job) in jobs.iter().enumerate() {
        let row = homes.pair.borrower.ended(job).await?;
        ensure!(row["state"] == "succeeded", "{n}: {}", why(&row));
        let given = homes.pair.borrower.given(job, "there", "out").await?;
        ensure!(given.len() == 1 && given[0]["n"] == n, "{n}: {given:?}");
    }
    ensure!(homes.pair.ran() == 20, "each ran once: {}", homes.pair.ran());
    homes.stop().await
}

#[tokio::test]
async fn a_fresh_node_sends_to_nobody_outside_its_network() -> Result<()> {
    let Some(mut town) = Town::build()? else { return Ok(()) };
    town.home("ana", 20, Router::Keeps)?;
    town.nft(
        "ana",
        "add table inet seen; add set inet seen four { type ipv4_addr; flags dynamic; size 4096; }; \
         add set inet seen six { type ipv6_addr; flags dynamic; size 4096; }; \
         add chain inet seen out { type filter hook output priority 0; }; \
         add rule inet seen out oifname != lo add @four { ip daddr }; \
         add rule inet seen out oifname != lo add @six { ip6 daddr }",
    )?;
    let node = town.node("ana").await?;
    // What a node does by itself it does when it comes up, or every few seconds from then on. A job beside it.
    let preset = json!({
        "flowork": "preset/1", "name": "hello",
        "steps": { "set": { "component": "set", "config": { "fields": { "hello": "world" } } } }, "wires": []
    });
    let job = node.run(&preset, &[json!({})]).await?;
    node.ended(&job).await?;
    let begun = Instant::now();
    let mut announced = false;
    while begun.elapsed() < Duration::from_secs(12) || !announced {
        ensure!(begun.elapsed() < Duration::from_secs(120), "it never announced itself");
        tokio::time::sleep(Duration::from_millis(200)).await;
        let seen = town.nft_says("ana", &["-j", "list", "set", "inet", "seen", "four"])?;
        announced = seen.contains("224.0.0.251");
    }
    let mut seen = Vec::new();
    for set in ["four", "six"] {
        let said: Value = serde_json::from_str(&town.nft_says("ana", &["-j", "list", "set", "inet", "seen", set])?)?;
        let all = said["nftables"].as_array().context("nft lists sets")?;
        let elements = all.iter().filter_map(|one| one["set"]["elem"].as_array()).flatten();
        seen.extend(elements.filter_map(|one| one.as_str().or(one["elem"]["val"].as_str()).map(str::to_owned)));
    }
    let is_near = |address: &String| {
        address.starts_with("224.0.0.") || address.starts_with("192.168.1.") || address.starts_with("ff0")
    };
    let far: Vec<_> = seen.iter().filter(|address| !is_near(address)).collect();
    ensure!(far.is_empty(), "it sent to {far:?}");
    ensure!(seen.iter().any(|address| address == "224.0.0.251"), "what is watched sees something: {seen:?}");
    node.stop().await
}
