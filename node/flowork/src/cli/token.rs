//! `flowork token …`: tokens that let programs use the HTTP API.

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::client::escape;
use super::fail::Fail;
use super::show::{table, text_of, time_of};
use super::{Context, print_remark};

const DAY_MS: u64 = 86_400_000;

/// Tokens that let programs use the HTTP API
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token; its secret is shown only now
    Create {
        /// Who or what will use it
        #[arg(long, default_value = "command line")]
        label: String,
        /// What it may do
        #[arg(long, value_enum, default_value_t = Role::Runner)]
        role: Role,
        /// How many days it works; for ever unless said
        #[arg(long)]
        days: Option<u32>,
    },
    /// List tokens, without their secrets
    #[command(visible_alias = "list")]
    Ls,
    /// Let a token in no more
    Rm {
        /// Its id, from `flowork token ls`
        token: String,
    },
}

/// What a token may do; from viewer on, each may do what the ones before it may.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Role {
    /// Call webhooks that ask for a token, and nothing else
    Hook,
    /// Look
    Viewer,
    /// Start, stop and approve jobs
    Runner,
    /// Change presets and secrets
    Editor,
    /// Make tokens, back up, change settings
    Admin,
}

impl Role {
    const fn word(self) -> &'static str {
        match self {
            Self::Hook => "hook",
            Self::Viewer => "viewer",
            Self::Runner => "runner",
            Self::Editor => "editor",
            Self::Admin => "admin",
        }
    }
}

impl Token {
    /// Carries it out.
    pub(crate) async fn run(self, context: &Context) -> Result<(), Fail> {
        let client = context.client()?;
        match self {
            Self::Create { label, role, days } => {
                let lasts = days.map(|days| u64::from(days) * DAY_MS);
                let ask = json!({ "label": label, "role": role.word(), "expires_in_ms": lasts });
                let made = client.post("/api/v1/tokens", &ask).await?;
                if !context.json {
                    print_remark(&format!(
                        "token {} has the role {}; this is its secret, shown only now:",
                        text_of(&made["id"]),
                        role.word()
                    ));
                }
                context.print(&made, |made| format!("{}\n", text_of(&made["secret"])));
            }
            Self::Ls => {
                let list = client.get("/api/v1/tokens").await?;
                context.print(&list, |list| {
                    let rows: Vec<Vec<String>> = list
                        .as_array()
                        .into_iter()
                        .flatten()
                        .map(|token| {
                            vec![
                                text_of(&token["id"]),
                                text_of(&token["label"]),
                                text_of(&token["role"]),
                                time_of(&token["created_at"]),
                                time_of(&token["expires_at"]),
                            ]
                        })
                        .collect();
                    table(&["TOKEN", "LABEL", "ROLE", "MADE", "EXPIRES"], &rows)
                });
            }
            Self::Rm { token } => {
                client.delete(&format!("/api/v1/tokens/{}", escape(&token))).await?;
                context.print(&json!({ "removed": token }), |_| format!("token {token} lets nobody in any more\n"));
            }
        }
        Ok(())
    }
}
