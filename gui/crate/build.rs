//! Builds the GUI with npm where that is possible and needed, and lays its files into a table.
//!
//! Invariant: nothing that goes wrong here stops the node from being built. It is a warning, and the node says how to get the
//! GUI.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

/// What the build of the GUI is made from, inside of `gui/`.
const SOURCES: &[&str] =
    &["src", "public", "scripts", "index.html", "package.json", "package-lock.json", "vite.config.ts", "tsconfig.json"];
/// A file that gzip makes smaller than this part of it is kept gzipped too, in percent.
const WORTH_PERCENT: usize = 90;
/// The last lines of npm's output that a warning shows.
const LINES_SHOWN: usize = 6;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() {
    println!("cargo:rerun-if-env-changed=FLOWORK_NO_GUI");
    println!("cargo:rerun-if-changed=build.rs");
    let table = table().unwrap_or_else(|error| {
        warn(&format!("the node is built without its web GUI: {error}"));
        Vec::new()
    });
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    if let Err(error) = write(&out, &table) {
        warn(&format!("the node is built without its web GUI: {error}"));
        // Only a full or read-only disk gets here; rustc will say so as well.
        let _ = write(&out, &[]);
    }
}

fn warn(text: &str) {
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        println!("cargo:warning={line}");
    }
}

/// The files to lay in, as (path, where it is), sorted.
fn table() -> Result<Vec<(String, PathBuf)>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let gui = here.parent().ok_or("the crate does not lie in gui/")?;
    if env::var("FLOWORK_NO_GUI").is_ok_and(|value| !value.is_empty() && value != "0") {
        return Ok(Vec::new());
    }
    for source in SOURCES.iter().map(|source| gui.join(source)).filter(|source| source.exists()) {
        println!("cargo:rerun-if-changed={}", source.display());
    }
    let dist = gui.join("dist");
    match bring_up_to_date(gui, &dist) {
        // A build of ours is newer than cargo's own mark and would make the next `cargo build` run this again.
        Ok(true) => {}
        Ok(false) if dist.exists() => println!("cargo:rerun-if-changed={}", dist.display()),
        Ok(false) => {}
        Err(error) if dist.join("index.html").exists() => warn(&format!("gui/dist is older than its sources: {error}")),
        Err(error) => return Err(error),
    }
    let mut files = Vec::new();
    collect(&dist, "", &mut files)?;
    files.sort();
    if !files.iter().any(|(path, _)| path == "index.html") {
        return Err("gui/dist has no index.html; run `npm run build` in gui/, then touch gui/crate/build.rs".into());
    }
    Ok(files)
}

/// Runs npm if that is needed; gives whether it built.
fn bring_up_to_date(gui: &Path, dist: &Path) -> Result<bool> {
    let is_fresh = || {
        let built = fs::metadata(dist.join("index.html")).and_then(|file| file.modified());
        built.is_ok_and(|built| SOURCES.iter().filter_map(|source| newest(&gui.join(source))).all(|at| at <= built))
    };
    if is_fresh() {
        return Ok(false);
    }
    if npm(gui, &["--version"]).is_err() {
        return Err("npm is not there. For the GUI install Node.js 20.19 or newer, then touch gui/crate/build.rs and build again".into());
    }
    // Builds of other profiles may run at the same time.
    let lock = fs::File::options().create(true).truncate(false).write(true).open(gui.join(".build.lock"))?;
    lock.lock()?;
    if is_fresh() {
        return Ok(false);
    }
    if !has_its_packages(gui) {
        npm(gui, &["ci", "--prefer-offline", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=30000"])?;
    }
    npm(gui, &["run", "build"])?;
    Ok(true)
}

fn npm(gui: &Path, arguments: &[&str]) -> Result<()> {
    let done = Command::new("npm")
        .args(arguments)
        .current_dir(gui)
        // The form for tokens is for development only.
        .env_remove("VITE_TOKEN_LOGIN")
        .stdin(Stdio::null())
        .output()?;
    if done.status.success() {
        return Ok(());
    }
    let said = [done.stdout, done.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    let lines: Vec<_> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let end = lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n");
    Err(format!("`npm {}` in gui/ ended with {}:\n{end}", arguments.join(" "), done.status).into())
}

/// Whether `node_modules` holds what the lock file says. Times say nothing about that: a checkout is newer than both.
fn has_its_packages(gui: &Path) -> bool {
    let read = |path: &str| serde_json::from_slice::<Value>(&fs::read(gui.join(path)).ok()?).ok();
    let (Some(wanted), Some(there)) = (read("package-lock.json"), read("node_modules/.package-lock.json")) else {
        return false;
    };
    let packages = wanted["packages"].as_object().into_iter().flatten();
    // Optional ones are for other systems.
    let mut needed = packages.filter(|(path, package)| !path.is_empty() && package["optional"] != true);
    needed.all(|(path, package)| there["packages"][path]["version"] == package["version"])
}

/// When anything in a folder, or a file, was changed last.
fn newest(path: &Path) -> Option<SystemTime> {
    let mut at = fs::metadata(path).and_then(|found| found.modified()).ok()?;
    for inside in fs::read_dir(path).into_iter().flatten().flatten() {
        at = newest(&inside.path()).map_or(at, |inside| at.max(inside));
    }
    Some(at)
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|name| format!("gui/dist holds {name:?}"))?;
        // Vite's own notes and the maps of debuggers are not part of the page.
        if name.starts_with('.') || name.ends_with(".map") {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else {
            files.push((path, entry.path()));
        }
    }
    Ok(())
}

/// Copies the files, so that a build that runs meanwhile changes nothing, and writes the table.
fn write(out: &Path, files: &[(String, PathBuf)]) -> Result<()> {
    let copies = out.join("files");
    fs::create_dir_all(&copies)?;
    let mut text = String::from("/// Sorted by path.\nstatic FILES: &[File] = &[\n");
    for (number, (path, from)) in files.iter().enumerate() {
        let bytes = fs::read(from)?;
        let plain = copies.join(number.to_string());
        fs::write(&plain, &bytes)?;
        let zipped = copies.join(format!("{number}.gz"));
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&bytes)?;
        let small = gzip.finish()?;
        let mut gzip = "None".to_owned();
        if small.len() * 100 < bytes.len() * WORTH_PERCENT {
            fs::write(&zipped, &small)?;
            gzip = format!("Some(include_bytes!({zipped:?}))");
        }
        let media_type = media_type(path);
        writeln!(
            text,
            "    File {{ path: {path:?}, media_type: {media_type:?}, bytes: include_bytes!({plain:?}), gzip: {gzip} }},"
        )?;
    }
    text.push_str("];\n");
    fs::write(out.join("files.rs"), text)?;
    Ok(())
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
