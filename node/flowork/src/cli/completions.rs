//! `flowork completions SHELL`.

use clap::Args;
use clap_complete::Shell;

use super::fail::Fail;

/// Print completions for a shell
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Prints them.
    #[expect(clippy::unnecessary_wraps, reason = "commands share one form")]
    pub(crate) fn run(self, command: &mut clap::Command) -> Result<(), Fail> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, command, "flowork", &mut text);
        super::print_text(&String::from_utf8_lossy(&text));
        Ok(())
    }
}
