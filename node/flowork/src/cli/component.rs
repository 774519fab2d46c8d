//! `flowork component …`: the kinds of steps that this program has. Needs no node.

use clap::Subcommand;
use flowork_protocol::check::Catalogue as _;
use flowork_protocol::manifest::{Manifest, Port};
use serde_json::{Value, json};

use super::fail::{Fail, NOT_FOUND};
use super::show::table;
use super::{Context, print_json, print_text};
use crate::rooms::{self, Folders};

/// The kinds of steps that this node has
#[derive(Debug, Subcommand)]
pub(crate) enum Component {
    /// List them, by category
    List,
    /// Show one: its ports, config and example
    Show {
        /// Its name
        name: String,
    },
}

impl Component {
    /// Carries it out.
    #[expect(clippy::unused_async, reason = "commands share one form")]
    pub(crate) async fn run(self, context: &Context) -> Result<(), Fail> {
        let data = context.data().unwrap_or_else(|_| std::env::temp_dir());
        let (library, _workers) = rooms::library(
            &Folders { data, home: context.environment.home.clone() },
            std::sync::Arc::new(crate::mesh_link::NoMesh),
        );
        let manifests: Vec<Manifest> = library.names().iter().filter_map(|name| library.manifest(name)).collect();
        match self {
            Self::List if context.json => print_json(&json!(manifests)),
            Self::List => print_text(&list(&manifests)),
            Self::Show { name } => {
                let Some(manifest) = manifests.iter().find(|manifest| manifest.name == name) else {
                    let names = manifests.iter().map(|manifest| manifest.name.as_str());
                    let fail = Fail::new(NOT_FOUND, format!("there is no component `{name}`"));
                    return Err(match flowork_protocol::plan::nearest(&name, names) {
                        Some(near) => fail.hint(format!("did you mean `{near}`?")),
                        None => fail.hint("`flowork component list` shows what there is"),
                    });
                };
                if context.json {
                    print_json(&json!(manifest));
                } else {
                    print_text(&page(manifest));
                }
            }
        }
        Ok(())
    }
}

fn list(manifests: &[Manifest]) -> String {
    let mut sorted: Vec<&Manifest> = manifests.iter().collect();
    sorted.sort_by(|one, other| (&one.category, &one.name).cmp(&(&other.category, &other.name)));
    let rows: Vec<Vec<String>> = sorted
        .iter()
        .map(|manifest| vec![manifest.category.clone(), manifest.name.clone(), manifest.summary.clone()])
        .collect();
    table(&["CATEGORY", "COMPONENT", "WHAT IT DOES"], &rows)
}

fn page(manifest: &Manifest) -> String {
    let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
    let kind = word(serde_json::to_value(manifest.kind).unwrap_or_default());
    let effect = word(serde_json::to_value(manifest.effect).unwrap_or_default());
    let mut out = format!(
        "{} (`{}`, version {})\n{}\n\n{kind}, effect {effect}\n",
        manifest.title, manifest.name, manifest.version, manifest.summary
    );
    for (head, ports) in [("IN", &manifest.inputs), ("OUT", &manifest.outputs)] {
        if !ports.is_empty() {
            let rows: Vec<Vec<String>> =
                ports.iter().map(|Port { name, docs }| vec![name.clone(), docs.clone()]).collect();
            out.push_str(&format!("\n{}", table(&[head, ""], &rows)));
        }
    }
    out.push_str(&format!("\n{}\n", manifest.docs.trim_end()));
    let config = serde_json::to_string_pretty(&manifest.config).unwrap_or_default();
    let example = serde_json::to_string_pretty(&manifest.example).unwrap_or_default();
    out.push_str(&format!("\nconfig (JSON Schema)\n{config}\n\nexample\n{example}\n"));
    out
}
