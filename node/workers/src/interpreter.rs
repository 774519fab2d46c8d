//! Finds interpreters on this machine.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use flowork_protocol::Failure;

use crate::language::Language;

/// Where programs are looked for when nothing else is said.
const SYSTEM_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// An interpreter that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interpreter {
    /// The program itself, through all links.
    pub(crate) program: PathBuf,
    /// The folder that it and its library lie in, when that is not one of the system's.
    pub(crate) prefix: Option<PathBuf>,
}

/// The interpreter for `language`, looked for in `path` (as in the environment variable) and in the system's folders.
///
/// Programs that are scripts themselves are passed over: version switchers look for the real one in a home folder, which
/// no cage shows.
pub(crate) fn find(language: Language, path: Option<&OsStr>) -> Option<Interpreter> {
    let folders: Vec<PathBuf> = path
        .into_iter()
        .flat_map(std::env::split_paths)
        .chain(std::env::split_paths(SYSTEM_PATH))
        .filter(|folder| folder.is_absolute())
        .collect();
    language
        .programs()
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find_map(|candidate| interpreter(&candidate))
}

fn interpreter(candidate: &Path) -> Option<Interpreter> {
    let program = std::fs::canonicalize(candidate).ok()?;
    let meta = std::fs::metadata(&program).ok()?;
    let mut magic = [0; 4];
    std::fs::File::open(&program).ok()?.read_exact(&mut magic).ok()?;
    if !meta.is_file() || meta.permissions().mode() & 0o111 == 0 || &magic != b"\x7fELF" {
        return None;
    }
    let of_system = ["/usr", "/bin", "/nix/store"].iter().any(|folder| program.starts_with(folder));
    // …/bin/python3 needs …/lib beside it.
    let prefix = if of_system { None } else { Some(program.parent()?.parent()?.to_owned()) };
    Some(Interpreter { program, prefix })
}

/// The failure of a step whose interpreter is not there.
pub(crate) fn missing(language: Language) -> Failure {
    let (title, programs) = (language.title(), language.programs().join("` or `"));
    Failure::new("script-interpreter-missing", format!("{title} is not installed: no program `{programs}` was found"))
        .hint(how_to_install(language))
        .retryable()
}

/// How to get it.
pub(crate) fn how_to_install(language: Language) -> String {
    format!("install the package `{0}` (Debian, Ubuntu: apt install {0}) and run the job again", language.package())
}
