//! `flowork preset …`: drafts and versions on the node, and preset files.

use clap::Subcommand;
use serde_json::{Value, json};

use super::client::{Client, escape, with_query};
use super::fail::{FAILED, Fail};
use super::preset_file::PresetFile;
use super::show::{clip, table, text_of, time_of};
use super::{Context, preset_check, print_json, print_text};

/// How many characters of a hash tell it from others.
const HASH_CHARS: usize = 12;
/// The longest cell.
const CELL_CHARS_MAX: usize = 60;

/// Presets: drafts, versions, files
#[derive(Debug, Subcommand)]
pub(crate) enum Preset {
    /// List drafts, by name
    List,
    /// Show a draft: its steps, wires and triggers
    Show {
        /// Its name or id
        preset: String,
        /// As it was at these changes (hashes from `history`, separated by commas)
        #[arg(long, value_name = "HEADS")]
        at: Option<String>,
    },
    /// Make or update drafts from files
    Import {
        /// Preset files
        #[arg(required = true)]
        files: Vec<String>,
        /// What the edit is for
        #[arg(long, short)]
        message: Option<String>,
    },
    /// Write a draft or a version as a preset file
    Export {
        /// Its name or id
        preset: String,
        /// The file; standard output unless said
        #[arg(long, short, value_name = "FILE")]
        output: Option<String>,
        /// This frozen version instead of the draft
        #[arg(long, value_name = "HASH")]
        version_id: Option<String>,
    },
    /// Report every problem of preset files at once; needs no node
    Check {
        /// Preset files
        #[arg(required = true)]
        files: Vec<String>,
    },
    /// Freeze a draft into a version
    Freeze {
        /// Its name or id
        preset: String,
        /// What people call the version
        #[arg(long)]
        label: Option<String>,
    },
    /// Fire the triggers of a version from now on
    Activate {
        /// Its name or id
        preset: String,
        /// The version; the draft as it is now is frozen unless said
        #[arg(long, value_name = "HASH")]
        version_id: Option<String>,
    },
    /// Fire no trigger of this preset any more
    Deactivate {
        /// Its name or id
        preset: String,
    },
    /// List the frozen versions of a draft
    Versions {
        /// Its name or id
        preset: String,
    },
    /// List the changes of a draft, newest first
    History {
        /// Its name or id
        preset: String,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        max: u32,
    },
    /// Show what is not the same in two presets: files, drafts, or versions
    Diff {
        /// A file, a name or id, or a version's hash
        one: String,
        /// Another
        other: String,
    },
    /// Take a draft away; its versions and jobs stay
    Delete {
        /// Its name or id
        preset: String,
    },
}

impl Preset {
    /// Carries it out.
    pub(crate) async fn run(self, context: Context) -> Result<(), Fail> {
        if let Self::Check { files } = &self {
            return preset_check::run(&context, files);
        }
        if let Self::Diff { one, other } = &self {
            return diff(&context, one, other).await;
        }
        let client = context.client()?;
        let of = |which: &str, rest: &str| format!("/api/v1/presets/{}{rest}", escape(which));
        match self {
            Self::List => context.print(&client.get("/api/v1/presets").await?, list),
            Self::Show { preset, at } => {
                let path = match at {
                    Some(heads) => with_query(&of(&preset, "/at"), &[("heads", Some(heads))]),
                    None => of(&preset, ""),
                };
                context.print(&client.get(&path).await?, draft);
            }
            Self::Import { files, message } => import(&client, &context, &files, message.as_deref()).await?,
            Self::Export { preset, output, version_id } => {
                let path = match version_id {
                    Some(version) => format!("/api/v1/versions/{}", escape(&version)),
                    None => of(&preset, ""),
                };
                let mut text = serde_json::to_string_pretty(&client.get(&path).await?["preset"]).unwrap_or_default();
                text.push('\n');
                match output {
                    Some(file) => std::fs::write(&file, text)
                        .map_err(|error| Fail::because(format!("cannot write {file}"), &error))?,
                    None => print_text(&text),
                }
            }
            Self::Freeze { preset, label } => {
                let version = client.post(&of(&preset, "/freeze"), &json!({ "label": label })).await?;
                context.print(&version, |version| format!("{}\n", text_of(&version["id"])));
            }
            Self::Activate { preset, version_id } => {
                let active = client.post(&of(&preset, "/activate"), &json!({ "version": version_id })).await?;
                context.print(&active, activated);
            }
            Self::Deactivate { preset } => {
                let off = client.post(&of(&preset, "/deactivate"), &json!({})).await?;
                context.print(&off, |_| format!("no trigger of `{preset}` fires any more\n"));
            }
            Self::Versions { preset } => context.print(&client.get(&of(&preset, "/versions")).await?, versions),
            Self::History { preset, max } => {
                let path = with_query(&of(&preset, "/history"), &[("max", Some(max.to_string()))]);
                context.print(&client.get(&path).await?, history);
            }
            Self::Delete { preset } => {
                client.delete(&of(&preset, "")).await?;
                context.print(&json!({ "deleted": preset }), |_| {
                    format!("the draft `{preset}` is gone; its versions and jobs stay\n")
                });
            }
            Self::Check { .. } | Self::Diff { .. } => {}
        }
        Ok(())
    }
}

async fn import(client: &Client, context: &Context, files: &[String], message: Option<&str>) -> Result<(), Fail> {
    let mut made = Vec::new();
    for path in files {
        let file = PresetFile::read(path)?;
        let body =
            serde_json::to_value(&file.preset).map_err(|error| Fail::because("the preset cannot be sent", &error))?;
        let known = client.get("/api/v1/presets").await?;
        let name = file.preset.name.as_str();
        let exists = known.as_array().into_iter().flatten().any(|draft| draft["name"] == name);
        let sent = if exists {
            let message = message.map_or_else(|| format!("imported from {path}"), str::to_owned);
            let path = with_query(&format!("/api/v1/presets/{}", escape(name)), &[("message", Some(message))]);
            client.put(&path, &body).await
        } else {
            client.post("/api/v1/presets", &body).await
        };
        let draft = sent.map_err(|fail| file.locate(fail))?;
        let did = if exists { "updated" } else { "made" };
        if !context.json {
            print_text(&format!("{did} `{name}` ({})\n", text_of(&draft["id"])));
        }
        made.push(json!({ "file": path, "id": draft["id"], "name": name, "did": did }));
    }
    if context.json {
        print_json(&Value::Array(made));
    }
    Ok(())
}

fn list(drafts: &Value) -> String {
    let rows: Vec<Vec<String>> = drafts
        .as_array()
        .into_iter()
        .flatten()
        .map(|draft| {
            vec![
                text_of(&draft["name"]),
                clip(&text_of(&draft["title"]), CELL_CHARS_MAX),
                text_of(&draft["steps"]),
                time_of(&draft["changed_at"]),
                draft["latest_version"].as_str().map_or_else(|| "–".to_owned(), short),
            ]
        })
        .collect();
    if rows.is_empty() {
        return "no drafts; make one with `flowork preset import FILE`\n".to_owned();
    }
    table(&["NAME", "TITLE", "STEPS", "CHANGED", "LAST VERSION"], &rows)
}

fn draft(draft: &Value) -> String {
    let preset = &draft["preset"];
    let mut out = format!(
        "{}  {}\n  id {}\n",
        text_of(&preset["name"]),
        preset["title"].as_str().unwrap_or_default(),
        text_of(&draft["id"])
    );
    if let Some(docs) = preset["docs"].as_str() {
        out.push_str(&format!("\n{}\n", docs.trim_end()));
    }
    for (head, key) in [("TRIGGER", "triggers"), ("STEP", "steps")] {
        let rows: Vec<Vec<String>> = preset[key]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(id, step)| {
                let config = clip(&step.get("config").map(Value::to_string).unwrap_or_default(), CELL_CHARS_MAX);
                vec![
                    id.clone(),
                    text_of(&step["component"]),
                    step["name"].as_str().unwrap_or_default().to_owned(),
                    config,
                ]
            })
            .collect();
        if !rows.is_empty() {
            out.push_str(&format!("\n{}", table(&[head, "COMPONENT", "NAME", "CONFIG"], &rows)));
        }
    }
    let wires: Vec<String> =
        preset["wires"].as_object().into_iter().flatten().map(|(_, wire)| wire_text(wire)).collect();
    if !wires.is_empty() {
        out.push_str(&format!("\nwires\n  {}\n", wires.join("\n  ")));
    }
    for repair in draft["repairs"].as_array().into_iter().flatten() {
        out.push_str(&format!("repaired: {}\n", text_of(repair)));
    }
    out
}

fn wire_text(wire: &Value) -> String {
    let end = |end: &Value, usual: &str| match end["port"].as_str() {
        Some(port) if port != usual => format!("{}:{port}", text_of(&end["step"])),
        _ => text_of(&end["step"]),
    };
    format!("{} -> {}", end(&wire["from"], "out"), end(&wire["to"], "in"))
}

fn activated(active: &Value) -> String {
    let mut out = format!("version {} is active\n", active["version"].as_str().map_or_else(|| "–".to_owned(), short));
    for hook in active["webhooks"].as_array().into_iter().flatten() {
        out.push_str(&format!("  webhook {}\n", text_of(hook)));
    }
    out
}

fn versions(list: &Value) -> String {
    let rows: Vec<Vec<String>> = list
        .as_array()
        .into_iter()
        .flatten()
        .map(|version| vec![text_of(&version["id"]), time_of(&version["frozen_at"]), text_of(&version["label"])])
        .collect();
    table(&["VERSION", "FROZEN", "LABEL"], &rows)
}

fn history(list: &Value) -> String {
    let rows: Vec<Vec<String>> = list
        .as_array()
        .into_iter()
        .flatten()
        .map(|change| {
            let actor = change["actor"].as_str().map_or_else(|| "–".to_owned(), short);
            vec![text_of(&change["hash"]), time_of(&change["at"]), actor, text_of(&change["message"])]
        })
        .collect();
    table(&["CHANGE", "AT", "BY", "MESSAGE"], &rows)
}

fn short(hash: &str) -> String {
    hash.chars().take(HASH_CHARS).collect()
}

/// Compares two presets member by member; ends with code 1 when they differ, as `diff` does.
async fn diff(context: &Context, one: &str, other: &str) -> Result<(), Fail> {
    let (before, after) = (load(context, one).await?, load(context, other).await?);
    let mut found = Vec::new();
    compare(String::new(), &before, &after, &mut found);
    if context.json {
        let list =
            found.iter().map(|(place, before, after)| json!({ "place": place, "before": before, "after": after }));
        print_json(&Value::Array(list.collect()));
    } else {
        for (place, before, after) in &found {
            let mut text = format!("{place}\n");
            for (mark, value) in [('-', before), ('+', after)] {
                if !value.is_null() {
                    text.push_str(&format!("  {mark} {}\n", text_of(value).replace('\n', "\n    ")));
                }
            }
            print_text(&text);
        }
        if found.is_empty() {
            print_text("the two presets are the same\n");
        }
    }
    if found.is_empty() { Ok(()) } else { Err(Fail::new(FAILED, "")) }
}

async fn load(context: &Context, which: &str) -> Result<Value, Fail> {
    if super::preset_file::is_file(which) {
        let file = PresetFile::read(which)?;
        return serde_json::to_value(&file.preset).map_err(|error| Fail::because("the preset does not read", &error));
    }
    let client = context.client()?;
    let is_version = which.len() == 64 && which.bytes().all(|byte| byte.is_ascii_hexdigit());
    let noun = if is_version { "versions" } else { "presets" };
    let mut answer = client.get(&format!("/api/v1/{noun}/{}", escape(which))).await?;
    Ok(answer["preset"].take())
}

fn compare(place: String, before: &Value, after: &Value, found: &mut Vec<(String, Value, Value)>) {
    match (before, after) {
        (Value::Object(one), Value::Object(two)) => {
            let names: std::collections::BTreeSet<&String> = one.keys().chain(two.keys()).collect();
            for name in names {
                let place = format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
                compare(place, one.get(name).unwrap_or(&Value::Null), two.get(name).unwrap_or(&Value::Null), found);
            }
        }
        _ if before == after => {}
        _ => found.push((place, before.clone(), after.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_compared_member_by_member() {
        let mut found = Vec::new();
        let one = json!({ "steps": { "a/b": { "config": { "n": 1 } }, "same": 1 } });
        let two = json!({ "steps": { "a/b": { "config": { "n": 2 } }, "same": 1, "new": {} } });
        compare(String::new(), &one, &two, &mut found);
        let places: Vec<_> = found.iter().map(|(place, ..)| place.as_str()).collect();
        assert_eq!(places, ["/steps/a~1b/config/n", "/steps/new"]);
    }

    #[test]
    fn usual_ports_are_left_out_of_wires() {
        let wire = json!({ "from": { "step": "a", "port": "true" }, "to": { "step": "b", "port": "in" } });
        assert_eq!(wire_text(&wire), "a:true -> b");
    }
}
