//! `flowork secret …`: secrets that steps are given by name.

use std::io::{IsTerminal as _, Read as _};

use clap::Subcommand;
use serde_json::json;
use zeroize::Zeroizing;

use super::client::escape;
use super::fail::Fail;
use super::show::{table, text_of, time_of};
use super::{Context, print_remark};

/// The longest secret, in bytes.
const SECRET_BYTES_MAX: u64 = 64 << 10;

/// Secrets that steps are given by name
#[derive(Debug, Subcommand)]
pub(crate) enum Secret {
    /// Keep a secret; its value is read from standard input, or from a file
    Set {
        /// Its name
        name: String,
        /// Read the value from this file
        #[arg(long, value_name = "FILE")]
        file: Option<String>,
    },
    /// List the names of secrets
    #[command(visible_alias = "list")]
    Ls,
    /// Forget a secret
    Rm {
        /// Its name
        name: String,
    },
}

impl Secret {
    /// Carries it out.
    pub(crate) async fn run(self, context: &Context) -> Result<(), Fail> {
        let client = context.client()?;
        match self {
            Self::Set { name, file } => {
                let value = value(&name, file.as_deref())?;
                client.put(&format!("/api/v1/secrets/{}", escape(&name)), &json!({ "value": *value })).await?;
                context.print(&json!({ "set": name }), |_| {
                    format!("`{name}` is kept, sealed; a step gets it when its `secrets` name it\n")
                });
            }
            Self::Ls => {
                let list = client.get("/api/v1/secrets").await?;
                context.print(&list, |list| {
                    let rows: Vec<Vec<String>> = list
                        .as_array()
                        .into_iter()
                        .flatten()
                        .map(|secret| vec![text_of(&secret["name"]), time_of(&secret["set_at"])])
                        .collect();
                    table(&["NAME", "SET"], &rows)
                });
            }
            Self::Rm { name } => {
                client.delete(&format!("/api/v1/secrets/{}", escape(&name))).await?;
                context.print(&json!({ "removed": name }), |_| format!("`{name}` is forgotten\n"));
            }
        }
        Ok(())
    }
}

/// The value, without the line end that editors and `echo` leave.
fn value(name: &str, file: Option<&str>) -> Result<Zeroizing<String>, Fail> {
    let mut text = Zeroizing::new(String::new());
    let read = match file {
        Some(path) => {
            std::fs::File::open(path).and_then(|file| file.take(SECRET_BYTES_MAX + 1).read_to_string(&mut text))
        }
        None => {
            if std::io::stdin().is_terminal() {
                print_remark(&format!(
                    "type the value of `{name}`, then Enter and Ctrl-D (it is shown as you type; `--file` or a pipe does not show it):"
                ));
            }
            std::io::stdin().lock().take(SECRET_BYTES_MAX + 1).read_to_string(&mut text)
        }
    };
    read.map_err(|error| Fail::usage(format!("cannot read the value of `{name}`: {error}")))?;
    if text.len() as u64 > SECRET_BYTES_MAX {
        return Err(Fail::usage(format!("the value of `{name}` is larger than {SECRET_BYTES_MAX} bytes")));
    }
    let trimmed = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    if trimmed.is_empty() {
        return Err(Fail::usage(format!("the value of `{name}` is empty"))
            .hint(format!("pipe it in: printf %s VALUE | flowork secret set {name}")));
    }
    Ok(Zeroizing::new(trimmed.to_owned()))
}
