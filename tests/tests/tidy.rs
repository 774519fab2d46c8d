//! The house rules that a machine can check: import arrows, the "only" crates, no stub words, readable files, and a
//! reason for every dependency. Reads files, runs nothing.

#![allow(clippy::panic, reason = "a test ends by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Crates that never depend on each other; they meet in `flowork`.
const ROOMS: &[&str] = &["store", "documents", "components", "engines", "workers", "kernel", "mesh", "gateway"];

/// Who alone may depend on a crate. What is not here, anyone may.
const ONLY: &[(&str, &[&str])] = &[
    ("rusqlite", &["flowork-store"]),
    ("samod", &["flowork-documents"]),
    ("automerge", &["flowork-documents"]),
    ("rquickjs", &["flowork-components"]),
    ("axum", &["flowork-gateway", "flowork-bootstrap"]),
    ("hickory-resolver", &["flowork-mesh"]),
    ("bao-tree", &["flowork-mesh"]),
    ("iroh", &["flowork-mesh"]),
    ("iroh-blobs", &["flowork-mesh"]),
    ("libp2p", &["flowork-mesh"]),
    ("libp2p-stream", &["flowork-mesh"]),
    ("x11rb", &["flowork-mesh"]),
    ("utoipa", &["flowork-gateway"]),
    ("hyper", &["flowork-gateway"]),
    ("landlock", &["flowork-workers"]),
    ("seccompiler", &["flowork-workers"]),
    ("ed25519-dalek", &["flowork-protocol", "flowork-mesh", "flowork", "flowork-tests"]),
    ("age", &["flowork-store", "flowork"]),
    ("clap", &["flowork", "flowork-bootstrap"]),
    ("indicatif", &["flowork"]),
    ("anyhow", &["flowork", "flowork-bootstrap", "flowork-tests"]),
    ("toml", &["flowork-bootstrap"]),
];

/// What would give `protocol` a runtime, an input or a clock.
const NOT_IN_PROTOCOL: &[&str] = &[
    "tokio",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant::now",
    "rand::",
    "getrandom",
];

/// Words that stand where work should.
const STUB_WORDS: &[&str] = &["todo!", "unimplemented!", "fixme", "not implemented", "placeholder"];

/// The longest file that still is readable in one sitting.
const LINES_MAX: usize = 700;

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("the tests crate lies in the repository").to_path_buf()
}

/// One crate of the workspace, as far as its manifest says.
struct Package {
    name: String,
    folder: PathBuf,
    dependencies: BTreeSet<String>,
    manifest: String,
}

fn packages() -> Vec<Package> {
    let root = root();
    let workspace = read(&root.join("Cargo.toml"));
    let members = workspace
        .split_once("members = [")
        .and_then(|(_, rest)| rest.split_once(']'))
        .map(|(list, _)| list.to_owned())
        .expect("the workspace lists its members");
    let packages: Vec<_> = members
        .split(',')
        .map(|member| member.trim().trim_matches('"'))
        .filter(|member| !member.is_empty())
        .map(|member| package(&root.join(member)))
        .collect();
    assert!(packages.len() > 3, "the list of members was not understood: {members}");
    packages
}

fn package(folder: &Path) -> Package {
    let manifest = read(&folder.join("Cargo.toml"));
    let mut section = String::new();
    let mut name = String::new();
    let mut dependencies = BTreeSet::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']').to_owned();
        } else if line.starts_with('#') || line.is_empty() {
            continue;
        } else if section == "package" && line.starts_with("name") {
            name = line.split('"').nth(1).unwrap_or_default().to_owned();
        } else if section.ends_with("dependencies") {
            let dependency = line.split(['.', ' ', '=']).next().unwrap_or_default();
            dependencies.insert(dependency.trim_matches('"').to_owned());
        }
    }
    assert!(!name.is_empty(), "{} names no package", folder.display());
    Package { name, folder: folder.to_path_buf(), dependencies, manifest }
}

/// What the page is made of and with, types of others' packages excepted.
fn of_the_page() -> Vec<String> {
    let manifest: serde_json::Value =
        serde_json::from_str(&read(&root().join("gui/package.json"))).expect("gui/package.json is JSON");
    let names = |section: &str| manifest[section].as_object().into_iter().flatten().map(|(name, _)| name.clone());
    names("dependencies").chain(names("devDependencies")).filter(|name| !name.starts_with("@types/")).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()))
}

/// Every file under `folder` with one of the endings, in a stable order.
fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["target", "node_modules", ".git", "dist"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The lines of a Rust file that are part of the program: test modules and doc comments are left out.
///
/// A test module is `#[cfg(test)]` before `mod name { … }` at the left edge; it ends with a `}` at the left edge.
fn program_lines(text: &str) -> Vec<(usize, &str)> {
    let mut lines = Vec::new();
    let mut in_tests = false;
    let mut after_cfg_test = false;
    for (index, line) in text.lines().enumerate() {
        let bare = line.trim_start();
        if in_tests {
            in_tests = line != "}";
        } else if bare.starts_with("#[cfg(test)]") || bare.starts_with("#[cfg(all(test") {
            after_cfg_test = true;
        } else if after_cfg_test && bare.starts_with("#[") {
        } else if after_cfg_test {
            after_cfg_test = false;
            in_tests = line.starts_with("mod ") && line.ends_with('{');
        } else if !bare.starts_with("//") {
            lines.push((index + 1, line));
        }
    }
    lines
}

/// Rust files of the program: sources that are not test modules in files of their own.
fn sources(package: &Package) -> Vec<PathBuf> {
    let is_test = |path: &Path| {
        let inside = path.strip_prefix(&package.folder).unwrap_or(path);
        inside.iter().any(|part| part.to_string_lossy().trim_end_matches(".rs").ends_with("tests"))
    };
    files(&package.folder.join("src"), &[".rs"]).into_iter().filter(|path| !is_test(path)).collect()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

#[track_caller]
fn none(problems: &[String]) {
    let mut text = String::new();
    for problem in problems {
        let _ = writeln!(text, "  {problem}");
    }
    assert!(problems.is_empty(), "\n{text}");
}

#[test]
fn imports_point_from_flowork_over_rooms_and_ports_to_protocol() {
    let mut problems = Vec::new();
    for package in packages() {
        let ours = package.dependencies.iter().filter(|name| name.starts_with("flowork"));
        let allowed: Vec<String> = match package.name.as_str() {
            "flowork-protocol" => Vec::new(),
            "flowork-ports" => vec!["flowork-protocol".to_owned()],
            // The binary wires all rooms together; the tests drive the binary from outside.
            "flowork" => {
                packages().into_iter().map(|other| other.name).filter(|name| name != "flowork-tests").collect()
            }
            "flowork-tests" => vec!["flowork-protocol".to_owned()],
            // A node of which others only want that they can be reached.
            "flowork-bootstrap" => vec!["flowork-protocol".to_owned(), "flowork-mesh".to_owned()],
            _ => vec!["flowork-protocol".to_owned(), "flowork-ports".to_owned()],
        };
        for name in ours.filter(|name| !allowed.contains(name)) {
            problems.push(format!("{} depends on {name}; it may only depend on: {}", package.name, allowed.join(", ")));
        }
    }
    none(&problems);
}

#[test]
fn every_room_is_a_folder_of_node_with_the_prefix_in_its_name() {
    let packages = packages();
    let mut problems = Vec::new();
    for room in ROOMS {
        let folder = root().join("node").join(room);
        if !packages.iter().any(|package| package.folder == folder && package.name == format!("flowork-{room}")) {
            problems.push(format!("node/{room} should hold the crate flowork-{room}"));
        }
    }
    none(&problems);
}

#[test]
fn a_crate_that_belongs_to_one_room_is_used_there_alone() {
    let mut problems = Vec::new();
    for package in packages() {
        for (name, owners) in ONLY {
            if package.dependencies.contains(*name) && !owners.contains(&package.name.as_str()) {
                problems.push(format!("{} depends on {name}, which belongs to {}", package.name, owners.join(", ")));
            }
        }
    }
    none(&problems);
}

#[test]
fn sql_is_written_in_the_store_only() {
    let mut problems = Vec::new();
    for package in
        packages().iter().filter(|package| !["flowork-store", "flowork-tests"].contains(&package.name.as_str()))
    {
        for path in sources(package) {
            let text = read(&path);
            for (line, words) in program_lines(&text) {
                if ["\"SELECT ", "\"INSERT INTO ", "\"CREATE TABLE ", "\"PRAGMA "].iter().any(|sql| words.contains(sql))
                {
                    problems.push(format!("{}:{line} writes SQL; only flowork-store does", shown(&path)));
                }
            }
        }
    }
    none(&problems);
}

#[test]
fn protocol_has_no_runtime_no_input_and_no_clock() {
    let packages = packages();
    let protocol =
        packages.iter().find(|package| package.name == "flowork-protocol").expect("there is a protocol crate");
    let mut problems = Vec::new();
    for name in ["tokio", "tokio-util", "futures", "rand", "getrandom", "reqwest"] {
        if protocol.dependencies.contains(name) {
            problems.push(format!("flowork-protocol depends on {name}"));
        }
    }
    for path in sources(protocol) {
        let text = read(&path);
        for (line, words) in program_lines(&text) {
            for word in NOT_IN_PROTOCOL.iter().filter(|word| words.contains(**word)) {
                problems.push(format!("{}:{line} uses {word}", shown(&path)));
            }
        }
    }
    none(&problems);
}

#[test]
fn nothing_stands_where_work_should() {
    let mut problems = Vec::new();
    for package in packages() {
        for path in files(&package.folder.join("src"), &[".rs"]) {
            let text = read(&path).to_lowercase();
            for (index, line) in text.lines().enumerate() {
                for word in STUB_WORDS.iter().filter(|word| line.contains(**word)) {
                    problems.push(format!("{}:{} says `{word}`", shown(&path), index + 1));
                }
            }
        }
    }
    none(&problems);
}

#[test]
fn every_file_is_readable_in_one_sitting() {
    let endings = [".rs", ".sql", ".py", ".js", ".mjs", ".rb", ".php", ".pl", ".sh", ".ts", ".tsx"];
    let mut problems = Vec::new();
    // Made by a program from the API's description.
    let written = |path: &PathBuf| !path.to_string_lossy().ends_with(".d.ts");
    for path in files(&root(), &endings).into_iter().filter(written) {
        let lines = read(&path).lines().count();
        if lines > LINES_MAX {
            problems.push(format!("{} has {lines} lines; {LINES_MAX} are the most", shown(&path)));
        }
    }
    none(&problems);
}

#[test]
fn the_tests_that_the_page_on_security_names_are_there() {
    let page = read(&root().join("docs/security.md"));
    let (_, list) = page.split_once("## Attacks, and the tests that perform them").expect("the page lists attacks");
    let list = list.split("\n## ").next().unwrap_or_default();
    let mut code = String::new();
    for folder in ["node", "protocol", "tests", "bootstrap"] {
        files(&root().join(folder), &[".rs"]).iter().for_each(|path| code.push_str(&read(path)));
    }
    // The third column of the table.
    let rows = list.lines().filter(|line| line.starts_with('|')).filter_map(|line| line.split('|').nth(3));
    let named: Vec<&str> = rows.flat_map(|column| column.split('`').skip(1).step_by(2)).collect();
    assert!(named.len() > 30, "the page names tests");
    let is_there = |name: &str| code.contains(&format!("fn {name}("));
    let missing = named.into_iter().filter(|name| !is_there(name));
    none(
        &missing.map(|name| format!("docs/security.md names the test {name}, which is not there")).collect::<Vec<_>>(),
    );
}

#[test]
fn the_node_never_unwraps() {
    let mut problems = Vec::new();
    for package in packages().iter().filter(|package| package.folder.starts_with(root().join("node"))) {
        for path in sources(package) {
            let text = read(&path);
            for (line, words) in program_lines(&text) {
                if words.contains(".unwrap()") || words.contains(".unwrap_err()") {
                    problems
                        .push(format!("{}:{line} unwraps; return an error, or `expect` with the proof", shown(&path)));
                }
            }
        }
    }
    none(&problems);
}

#[test]
fn no_module_is_called_after_nothing() {
    let mut problems = Vec::new();
    for package in packages() {
        for path in files(&package.folder, &[".rs"]) {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if ["utils", "util", "common", "helpers", "helper", "misc", "manager"].contains(&name.as_str()) {
                problems.push(format!("{} is called after nothing; name what it is for", shown(&path)));
            }
        }
    }
    none(&problems);
}

#[test]
fn every_dependency_has_its_reason_in_the_docs() {
    let reasons = read(&root().join("docs/dependencies.md"));
    let mut wanted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages() {
        for name in package.dependencies.iter().filter(|name| !name.starts_with("flowork")) {
            wanted.entry(name.clone()).or_default().push(package.name.clone());
        }
    }
    for name in of_the_page() {
        wanted.entry(name).or_default().push("gui".to_owned());
    }
    // A row may explain several that belong together.
    let rows: Vec<&str> = reasons.lines().filter(|line| line.starts_with("| `")).collect();
    let explained: BTreeSet<String> = rows
        .iter()
        .filter_map(|row| row.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    let has_line = |name: &str| explained.contains(name);
    let mut problems: Vec<_> = wanted
        .iter()
        .filter(|(name, _)| !has_line(name))
        .map(|(name, users)| format!("docs/dependencies.md has no line for `{name}` (used by {})", users.join(", ")))
        .collect();
    problems.extend(
        explained
            .iter()
            .filter(|name| !wanted.contains_key(*name))
            .map(|name| format!("docs/dependencies.md explains `{name}`, which nobody uses")),
    );
    none(&problems);
}

#[test]
fn every_crate_has_the_lints_of_the_workspace_and_says_what_it_is() {
    let mut problems = Vec::new();
    for package in packages() {
        let compact: String = package.manifest.split_whitespace().collect();
        if !compact.contains("[lints]workspace=true") {
            problems.push(format!("{} does not take the lints of the workspace", package.name));
        }
        if compact.contains("description=\"\"") || !compact.contains("description=") {
            problems.push(format!("{} has no description in its Cargo.toml", package.name));
        }
        let main =
            ["src/lib.rs", "src/main.rs"].iter().map(|file| package.folder.join(file)).find(|file| file.exists());
        let doc = main.map(|file| read(&file)).unwrap_or_default();
        if !doc.trim_start().starts_with("//!") {
            problems.push(format!("{} has no module doc: what it is for, what it is not for", package.name));
        }
    }
    none(&problems);
}

#[test]
fn versions_of_dependencies_are_said_once_in_the_workspace() {
    let mut problems = Vec::new();
    for package in packages() {
        let mut in_dependencies = false;
        for line in package.manifest.lines().map(str::trim) {
            if line.starts_with('[') {
                in_dependencies = line.ends_with("dependencies]");
            } else if in_dependencies && !line.is_empty() && !line.starts_with('#') && !line.contains("workspace") {
                problems.push(format!("{}: `{line}` should be `workspace = true`", package.name));
            }
        }
    }
    none(&problems);
}

#[test]
fn the_iroh_that_is_measured_beside_is_the_one_that_is_linked_in() {
    let version = |lock: &str, name: &str| {
        let text = read(&root().join(lock));
        let (_, rest) = text.split_once(&format!("name = \"{name}\"\nversion = \"")).expect("the lock file names it");
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    let mut problems = Vec::new();
    for name in ["iroh", "iroh-blobs", "bao-tree", "blake3"] {
        let (ours, beside) = (version("Cargo.lock", name), version("tests/iroh-bench/Cargo.lock", name));
        if ours != beside {
            problems.push(format!("{name} is {ours} in Flowork and {beside} in tests/iroh-bench"));
        }
    }
    none(&problems);
}
