//! The presets in `examples/`: all fit the catalogue, and those of built-in steps alone are run on real input.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flowork_ports::Component;
use flowork_ports::component::{Body, Items, Library as _, StepContext, Yield};
use flowork_protocol::Item;
use flowork_protocol::check::Severity;
use flowork_protocol::manifest::Manifest;
use flowork_protocol::plan::Plan;
use flowork_protocol::preset::Preset;
use serde_json::{Map, Value, json};

use crate::testing::call;
use crate::{Library, builtin};

/// The languages that `workers` brings; here they only stand in the catalogue.
const SCRIPTS: [&str; 6] = ["bash", "javascript", "perl", "php", "python", "ruby"];

struct Script(Manifest);

impl Component for Script {
    fn manifest(&self) -> &Manifest {
        &self.0
    }

    fn ports(&self, config: &Map<String, Value>) -> flowork_protocol::manifest::Ports {
        let more = config.get("outputs").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let mut outputs = self.0.outputs.clone();
        outputs.extend(more.map(|name| flowork_protocol::manifest::Port::new(name, "")));
        flowork_protocol::manifest::Ports { inputs: self.0.inputs.clone(), outputs }
    }

    fn prepare(&self, _: &StepContext<'_>) -> Result<Body, flowork_protocol::Failure> {
        Err(flowork_protocol::Failure::new("no-script", "scripts do not run in this test"))
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

fn library() -> Library {
    let mut all = builtin(crate::testing::options(&folder().join("data")));
    let model = crate::testing::component("code").manifest().clone();
    all.extend(SCRIPTS.map(|name| {
        let config = json!({ "type": "object", "required": ["code"] });
        Arc::new(Script(Manifest { name: name.to_owned(), config, ..model.clone() })) as Arc<dyn Component>
    }));
    Library::new(all)
}

fn presets() -> Vec<(String, Preset)> {
    let mut found: Vec<(String, Preset)> = std::fs::read_dir(folder())
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|ending| ending == "json"))
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            let preset = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, preset)
        })
        .collect();
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    found
}

#[test]
fn every_example_fits_the_catalogue() {
    let library = library();
    let presets = presets();
    assert_eq!(presets.len(), 5);
    for (file, preset) in presets {
        let problems = flowork_protocol::check::check(&preset, &library);
        assert!(problems.is_empty(), "{file}: {problems:#?}");
        assert!(!preset.title.is_empty() && preset.docs.len() > 100, "{file} says too little");
        assert!(preset.steps.values().all(|step| step.position.is_some()), "{file} has no layout");
        assert!(file == format!("{}.json", preset.name), "{file} is named {}", preset.name);
    }
}

/// Runs a preset of built-in steps: each step once, with what its wires give.
async fn run(preset: &Preset, variables: Value) -> BTreeMap<String, Vec<Value>> {
    let library = library();
    let (plan, problems) = Plan::build(preset, &library);
    assert!(problems.iter().all(|problem| problem.severity != Severity::Error), "{problems:?}");
    let mut values: BTreeMap<String, Value> =
        preset.variables.iter().map(|(name, variable)| (name.clone(), variable.value.clone())).collect();
    values.extend(variables.as_object().cloned().unwrap_or_default());
    let values = Arc::new(values);
    let blobs: Arc<dyn flowork_ports::Blobs> = Arc::new(crate::testing::Memory::default());
    let mut given: BTreeMap<usize, BTreeMap<String, Items>> = BTreeMap::new();
    while given.len() < plan.vertices.len() {
        let before = given.len();
        for (at, vertex) in plan.vertices.iter().enumerate() {
            let ready = vertex.inputs.iter().flat_map(|input| &input.from).all(|(from, _)| given.contains_key(from));
            if given.contains_key(&at) || !ready {
                continue;
            }
            if vertex.is_trigger {
                let empty: Items = Arc::new(vec![Arc::new(Item::json(json!({})))]);
                given.insert(at, BTreeMap::from([("out".to_owned(), empty)]));
                continue;
            }
            let mut call = call(&[]);
            call.variables = Arc::clone(&values);
            call.blobs = Arc::clone(&blobs);
            for input in &vertex.inputs {
                let mut items = Vec::new();
                for (from, port) in &input.from {
                    let port = &plan.vertices[*from].outputs[*port].name;
                    items.extend(given[from].get(port).into_iter().flat_map(|items| items.iter().cloned()));
                }
                call.inputs.push((input.name.clone(), Arc::new(items)));
            }
            let step = &preset.steps[&vertex.id];
            let component = library.component(&step.component).unwrap_or_else(|| panic!("no {}", step.component));
            let context = StepContext { version: call.version, step: &vertex.id, config: &step.config };
            let ran = match component.prepare(&context) {
                Ok(Body::Now(body) | Body::Busy(body)) => body.run(&call),
                Ok(Body::Later(body)) => body.run(call).await,
                Err(failure) => Err(failure),
            };
            let Ok(Yield::Output(output)) = ran else { panic!("{}: {ran:?}", vertex.id) };
            given.insert(at, output.ports.into_iter().map(|(name, port)| (name, Arc::new(port.items))).collect());
        }
        assert!(given.len() > before, "the preset does not go on");
    }
    given
        .into_iter()
        .map(|(at, ports)| {
            let first = ports.into_values().next().unwrap_or_default();
            (plan.vertices[at].id.to_string(), first.iter().map(|item| item.json.clone()).collect())
        })
        .collect()
}

fn preset(name: &str) -> Preset {
    let found = presets().into_iter().find(|(_, preset)| preset.name == name);
    found.map(|(_, preset)| preset).unwrap_or_else(|| panic!("no preset {name}"))
}

#[tokio::test]
async fn the_csv_example_sums_good_rows_and_reports_bad_ones() {
    let given = run(&preset("csv-clean"), json!({})).await;
    let report = &given["report"][0];
    assert_eq!((&report["title"], &report["amount"]), (&json!("12 good rows, 10 bad rows"), &json!(1190.82)));
    let text = report["report"].as_str().unwrap_or_default();
    for part in [
        "  US",
        "line 6: `date` is \"2026-02-30\", not a date such as 2026-01-31",
        "line 7: `price` is \"1,299.00\", not a number",
        "line 9: 5 values where 6 columns are",
        "line 10: `customer` is empty",
        "line 16: 7 values where 6 columns are",
        "order 1016 sells -1 at 120",
        "`order` is \"10l8\", not a whole number",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[tokio::test]
async fn the_log_example_counts_real_lines_by_day_and_kind() {
    let log = tempfile::NamedTempFile::new().unwrap_or_else(|error| panic!("{error}"));
    let lines = "2026-11-21 10:00:01 install tar:amd64\n2026-11-21 10:00:02 status unpacked\nNov 22 08:01:02 host sshd[1]: error: no\n\
                 2026-11-22T09:00:00Z WARN disk is nearly full\nnot a log line\n";
    assert!(std::fs::write(log.path(), lines).is_ok());
    let given = run(&preset("log-report"), json!({ "log": log.path() })).await;
    let report = given["report"][0].clone();
    assert_eq!(report["lines"], 4);
    assert_eq!(
        report["days"],
        json!([
            { "day": "2026-11-21", "lines": 2, "kinds": ["install", "status"] },
            { "day": "2026-11-22", "lines": 2, "kinds": ["error", "warn"] },
        ])
    );
    if Path::new("/var/log/dpkg.log").exists() {
        let given = run(&preset("log-report"), json!({})).await;
        assert!(given["report"][0]["lines"].as_u64().is_some_and(|lines| lines > 0));
    }
}
