//! What the command line and the environment say, read once. This is the only file that reads environment variables.

use std::path::PathBuf;

use flowork_mesh::Desktop;
use zeroize::Zeroizing;

/// Where the node listens unless told otherwise.
pub(crate) const LISTEN: &str = "127.0.0.1:4141";
/// What is logged unless `FLOWORK_LOG` says otherwise.
const LOG: &str = "warn,flowork=info";
/// What one-shot commands log unless `FLOWORK_LOG` says otherwise.
const LOG_OF_COMMANDS: &str = "error";

/// The environment.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    /// `FLOWORK_DATA`, or the platform's place for data.
    pub(crate) data: Option<PathBuf>,
    /// `FLOWORK_LOG`: a filter such as `warn,flowork=debug`.
    log: Option<String>,
    /// `FLOWORK_LISTEN`.
    pub(crate) listen: Option<String>,
    /// `FLOWORK_MESH` is `off`: this node neither listens for other nodes nor looks for any on the local network.
    pub(crate) is_mesh_off: bool,
    /// `FLOWORK_PASSPHRASE`.
    pub(crate) passphrase: Option<Zeroizing<String>>,
    /// `FLOWORK_BACKUP_PASSPHRASE`.
    pub(crate) backup_passphrase: Option<Zeroizing<String>>,
    /// `HOME`.
    pub(crate) home: PathBuf,
    /// `NO_COLOR` is set.
    pub(crate) no_color: bool,
    /// `DISPLAY` or `WAYLAND_DISPLAY` is set: somebody sits there who can be shown a browser.
    pub(crate) has_display: bool,
}

/// The desktop that this process was started in: `WAYLAND_DISPLAY`, `XDG_SESSION_TYPE` and `DISPLAY`.
pub(crate) fn desktop() -> Desktop {
    let text = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let is_wayland = text("WAYLAND_DISPLAY").is_some() || text("XDG_SESSION_TYPE").as_deref() == Some("wayland");
    // One with a host's name is somebody's elsewhere, who came by `ssh -X`.
    let display = text("DISPLAY").filter(|name| name.starts_with(':') || name.starts_with("unix:"));
    match display {
        // What runs there by X alone says nothing of the rest.
        _ if is_wayland => Desktop::Wayland,
        Some(name) => Desktop::X11(name),
        None => Desktop::None,
    }
}

impl Environment {
    /// Reads it.
    pub(crate) fn read() -> Self {
        let text = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let data = text("FLOWORK_DATA").map(PathBuf::from).or_else(|| {
            let base = text("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
            base.or_else(|| Some(PathBuf::from(text("HOME")?).join(".local/share"))).map(|base| base.join("flowork"))
        });
        Self {
            data,
            log: text("FLOWORK_LOG"),
            listen: text("FLOWORK_LISTEN"),
            is_mesh_off: text("FLOWORK_MESH").as_deref() == Some("off"),
            passphrase: text("FLOWORK_PASSPHRASE").map(Zeroizing::new),
            backup_passphrase: text("FLOWORK_BACKUP_PASSPHRASE").map(Zeroizing::new),
            home: text("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from),
            no_color: text("NO_COLOR").is_some(),
            has_display: text("DISPLAY").or_else(|| text("WAYLAND_DISPLAY")).is_some(),
        }
    }

    /// What is logged by the node, or by a command that ends.
    pub(crate) fn log_filter(&self, of_the_node: bool) -> &str {
        self.log.as_deref().unwrap_or(if of_the_node { LOG } else { LOG_OF_COMMANDS })
    }
}
