//! One end of a transfer by iroh and iroh-blobs as they are: their endpoint, their protocol, their store on disk. Loopback
//! only: no relay, no discovery, no port mapping.
//!
//! Each end says one line of words on stdout when it has done its part, and stays until its stdin is closed, so that whoever
//! started it can look at it and it never outlives them.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use iroh::endpoint::presets;
use iroh::protocol::Router;
use iroh::{Endpoint, EndpointAddr, RelayMode};
use iroh_blobs::api::blobs::{AddPathOptions, ImportMode};
use iroh_blobs::store::fs::FsStore;
use iroh_blobs::{BlobFormat, BlobsProtocol, Hash};
use tokio::io::AsyncReadExt as _;

const HELP: &str = "\
One end of a transfer by iroh, over loopback. `make bench-files` runs both.

  iroh-bench send DIR FILE            keeps a store in DIR and gives FILE; says: ID ADDRESS HASH
  iroh-bench recv DIR ID ADDRESS HASH gets it into a store in DIR; says: BYTES MICROSECONDS

Both stay until their stdin is closed.
";

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["send", folder, file] => send(Path::new(folder), Path::new(file)).await,
        ["recv", folder, id, address, hash] => receive(Path::new(folder), id, address, hash).await,
        ["--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => bail!("this takes other words\n\n{HELP}"),
    }
}

async fn send(folder: &Path, file: &Path) -> Result<()> {
    let store = FsStore::load(folder).await?;
    let path: PathBuf = file.canonicalize().with_context(|| format!("{} is not there", file.display()))?;
    let import = AddPathOptions { path, format: BlobFormat::Raw, mode: ImportMode::TryReference };
    let tag = store.blobs().add_path_with_opts(import).await?;
    let endpoint = endpoint().await?;
    let address = endpoint.bound_sockets().into_iter().find(|address| address.is_ipv4()).context("no IPv4 socket")?;
    let id = endpoint.id();
    let router = Router::builder(endpoint).accept(iroh_blobs::ALPN, BlobsProtocol::new(&store, None)).spawn();
    println!("{id} {address} {}", tag.hash);
    until_stdin_is_closed().await;
    router.shutdown().await?;
    Ok(())
}

async fn receive(folder: &Path, id: &str, address: &str, hash: &str) -> Result<()> {
    let store = FsStore::load(folder).await?;
    let from = EndpointAddr::new(id.parse()?).with_ip_addr(address.parse()?);
    let hash: Hash = hash.parse()?;
    let endpoint = endpoint().await?;
    let connection = endpoint.connect(from, iroh_blobs::ALPN).await?;
    // The transfer alone: the connection is there, and nothing has to be on the disk at its end.
    let begun = Instant::now();
    let came = store.remote().fetch(connection, hash).await?;
    println!("{} {}", came.payload_bytes_read, begun.elapsed().as_micros());
    until_stdin_is_closed().await;
    store.shutdown().await?;
    endpoint.close().await;
    Ok(())
}

async fn endpoint() -> Result<Endpoint> {
    let builder = Endpoint::builder(presets::Minimal).relay_mode(RelayMode::Disabled).bind_addr("127.0.0.1:0")?;
    Ok(builder.bind().await?)
}

async fn until_stdin_is_closed() {
    let mut stdin = tokio::io::stdin();
    // A stdin that breaks is closed too.
    while stdin.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
}
