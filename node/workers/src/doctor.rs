//! What this machine offers to scripts, in words.

use std::process::Command;

use serde::Serialize;

use crate::cage::{self, Walls, spec::Layer};
use crate::interpreter;
use crate::language::Language;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    pub about: About,
    /// Its name for people.
    pub name: String,
    /// Whether it is there.
    pub ok: bool,
    /// What was found, or what its absence means and what to do.
    pub text: String,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// The interpreter of a language.
    Interpreter(#[serde(serialize_with = "name")] Language),
    /// A layer of the sandbox.
    Layer(Layer),
    /// The least that a machine must give for scripts to run.
    Floor,
    /// Memory of a whole script, kept by the system.
    MemoryGroup,
}

fn name<S: serde::Serializer>(language: &Language, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(language.name())
}

/// Looks at every interpreter and every layer. Starts each interpreter once, for its version; blocks meanwhile.
#[must_use]
pub fn doctor() -> Vec<Finding> {
    let path = std::env::var_os("PATH");
    let mut findings: Vec<Finding> =
        Language::ALL.iter().map(|language| interpreter(*language, path.as_deref())).collect();
    findings.extend(namespaces());
    findings.push(landlock());
    findings.push(floor(&findings));
    findings.push(seccomp());
    for layer in [Layer::NoNewPrivileges, Layer::Limits] {
        findings.push(layer_finding(layer, Ok(()), "", "every Linux that Flowork runs on has it"));
    }
    findings.push(memory_group());
    findings
}

fn interpreter(language: Language, path: Option<&std::ffi::OsStr>) -> Finding {
    let found = interpreter::find(language, path);
    let text = match &found {
        None => interpreter::how_to_install(language),
        Some(found) => {
            let version = Command::new(&found.program).arg("--version").env_clear().output().ok();
            let version =
                version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
            let line =
                version.lines().find(|line| !line.trim().is_empty()).unwrap_or("its version is not known").trim();
            format!("{line} ({})", found.program.display())
        }
    };
    Finding { about: About::Interpreter(language), name: language.title().to_owned(), ok: found.is_some(), text }
}

fn namespaces() -> Vec<Finding> {
    let here = cage::probe_namespaces(false).map_err(|error| error.to_string());
    let network = cage::probe_namespaces(true).map_err(|error| error.to_string());
    let allow = "allow user namespaces: sysctl user.max_user_namespaces=15000, on Ubuntu also \
                 kernel.apparmor_restrict_unprivileged_userns=0; in a container, start it with them";
    vec![
        layer_finding(
            Layer::Namespaces,
            here.clone(),
            &format!("scripts see other processes, and a worker serves one call only; {allow}"),
            "scripts have users, processes, messages and a host name of their own",
        ),
        layer_finding(
            Layer::Mounts,
            here,
            "scripts see the file system, and Landlock alone says which parts they may open",
            "scripts see the system's programs and their own folder, nothing of the node's data or a home",
        ),
        layer_finding(
            Layer::Network,
            network,
            "scripts can connect anywhere, hosts declared or not",
            "scripts have no network unless their step declares hosts; then they share the machine's whole network",
        ),
    ]
}

fn landlock() -> Finding {
    let found = cage::probe_landlock().map_err(|error| error.to_string()).and_then(Walls::whole);
    layer_finding(
        Layer::Landlock,
        found,
        "what it does not hold back, the mount view holds alone; use Linux 6.12 or newer with landlock in the `lsm=` list",
        "files and sockets are closed a second time",
    )
}

/// Whether anything keeps a script from the node's files. Without that, scripts are refused.
fn floor(findings: &[Finding]) -> Finding {
    let has = |layer| findings.iter().any(|finding| finding.about == About::Layer(layer) && finding.ok);
    let ok = has(Layer::Mounts) || cage::probe_landlock().is_ok();
    let text = if ok {
        "a mount view or Landlock keeps scripts from the node's files; without both they would be refused"
    } else {
        "missing: neither a mount view nor Landlock; scripts are refused, for they could open whatever the node's user can"
    };
    Finding { about: About::Floor, name: "floor for scripts".to_owned(), ok, text: text.to_owned() }
}

fn seccomp() -> Finding {
    let actions = std::fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_default();
    let found = if actions.contains("errno") { Ok(()) } else { Err("the kernel was built without it".to_owned()) };
    layer_finding(
        Layer::Seccomp,
        found,
        "dangerous system calls are not refused; use a kernel with CONFIG_SECCOMP_FILTER",
        "mount, ptrace, bpf, keyctl, new namespaces and 60 other system calls are refused",
    )
}

fn memory_group() -> Finding {
    let text = "the memory of a script is bounded for each of its processes by the system, and for all together by looking \
                every 100 ms; cgroups are not used";
    Finding { about: About::MemoryGroup, name: "memory of a whole script".to_owned(), ok: true, text: text.to_owned() }
}

fn layer_finding(layer: Layer, found: Result<(), String>, without: &str, with: &str) -> Finding {
    let ok = found.is_ok();
    let text = match found {
        Ok(()) => with.to_owned(),
        Err(why) => format!("missing ({why}): {without}"),
    };
    Finding { about: About::Layer(layer), name: layer.name().to_owned(), ok, text }
}
