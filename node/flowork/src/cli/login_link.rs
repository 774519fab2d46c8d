//! `flowork login-link`: a one-time link that lets a browser in. `flowork up` prints one too.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::Context;
use super::client::Client;
use super::fail::{FAILED, Fail};
use super::show::text_of;

/// What opens an address in the browser of whoever sits at this machine.
const OPENER: &str = "xdg-open";
/// How long the page that leads to the link stays. A browser that has to be started first takes a while.
const PAGE_FOR: Duration = Duration::from_secs(20);

/// Make a one-time link that lets a browser in
#[derive(Debug, Args)]
pub(crate) struct LoginLink {
    /// What the browser may do
    #[arg(long, value_enum, default_value_t = Role::Admin)]
    role: Role,
    /// Open it in the browser of this machine
    #[arg(long)]
    open: bool,
}

/// What a browser may do; each may do what the ones before it may.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Role {
    /// Look
    Viewer,
    /// Start, stop and approve jobs
    Runner,
    /// Change presets and secrets
    Editor,
    /// Everything
    Admin,
}

impl Role {
    const fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Runner => "runner",
            Self::Editor => "editor",
            Self::Admin => "admin",
        }
    }
}

impl LoginLink {
    /// Carries it out.
    pub(crate) async fn run(self, context: &Context) -> Result<(), Fail> {
        let client = context.client()?;
        let made = make(&client, self.role.word()).await?;
        context.print(&made, |made| format!("{}\n", text_of(&made["link"])));
        if !context.json {
            eprintln!("It works once, in the next 15 minutes. Whoever opens it may do what {} may.", a(self.role));
        }
        if self.open {
            open(context, &context.data()?, &text_of(&made["link"])).await?;
        }
        Ok(())
    }
}

fn a(role: Role) -> String {
    let article = if matches!(role, Role::Editor | Role::Admin) { "an" } else { "a" };
    format!("{article} {}", role.word())
}

/// Makes a link: `{ link, id, role, expires_at }`.
pub(super) async fn make(client: &Client, role: &str) -> Result<Value, Fail> {
    let mut made = client.post("/api/v1/login/links", &json!({ "role": role })).await?;
    let token = text_of(&made["token"]);
    if let Some(made) = made.as_object_mut() {
        made.remove("token");
        made.insert("link".to_owned(), json!(format!("http://{}/#login={token}", client.address())));
    }
    Ok(made)
}

/// Opens a link in the browser.
///
/// The browser is given a page that leads to the link, and not the link itself: everybody on a machine can read the arguments
/// of a program.
pub(super) async fn open(context: &Context, data: &Path, link: &str) -> Result<(), Fail> {
    if !context.environment.has_display {
        return Err(Fail::new(FAILED, "there is no display here to open a browser on")
            .hint("open the printed link in a browser of this machine, or through an SSH tunnel to it"));
    }
    let page =
        Page::write(data, link).map_err(|error| Fail::because("cannot write the page that is opened", &error))?;
    let opened = tokio::process::Command::new(OPENER)
        .arg(&page.0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut opened = opened.map_err(|error| {
        Fail::because(format!("cannot start {OPENER}"), &error)
            .hint("open the printed link in a browser of this machine")
    })?;
    tokio::time::sleep(PAGE_FOR).await;
    // Some openers stay as long as the browser does; that is theirs to decide.
    drop(opened.try_wait());
    Ok(())
}

/// A page that only its owner can read. Removed again when dropped.
struct Page(PathBuf);

impl Page {
    fn write(data: &Path, link: &str) -> std::io::Result<Self> {
        let page = Self(data.join("run").join(format!("login-{}.html", std::process::id())));
        // What lies there is of a process of the same number that was killed.
        let _ = fs::remove_file(&page.0);
        let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(&page.0)?;
        // A link is made of an address and hex digits: nothing in it has a meaning in HTML.
        write!(file, "<!doctype html><title>Flowork</title><meta http-equiv=\"refresh\" content=\"0; url={link}\">")?;
        Ok(page)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_page_that_leads_to_a_link_is_for_its_owner_and_goes_away() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("run")).unwrap();
        let page = Page::write(folder.path(), "http://127.0.0.1:4141/#login=ab").unwrap();
        let path = page.0.clone();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::read_to_string(&path).unwrap().contains("url=http://127.0.0.1:4141/#login=ab\""));
        drop(page);
        assert!(!path.exists());
    }
}
