//! All components of a node, and how a config is checked against them.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use flowork_ports::Component;
use flowork_ports::component;
use flowork_protocol::check::{Catalogue, ConfigProblem};
use flowork_protocol::manifest::{Effect, Manifest, Ports};
use flowork_protocol::{VersionId, canonical};
use jsonschema::Validator;
use serde_json::{Map, Value};

use crate::problems;

/// All components of a node. A later component replaces an earlier one of the same name.
pub struct Library {
    entries: BTreeMap<String, Entry>,
}

struct Entry {
    component: Arc<dyn Component>,
    /// Compiled at first use; none when the manifest's schema is not one.
    validator: OnceLock<Result<Validator, String>>,
    digest: OnceLock<Option<String>>,
}

impl Library {
    /// The library of these components.
    #[must_use]
    pub fn new(components: Vec<Arc<dyn Component>>) -> Self {
        let entries = components.into_iter().map(|component| {
            let name = component.manifest().name.clone();
            (name, Entry { component, validator: OnceLock::new(), digest: OnceLock::new() })
        });
        Self { entries: entries.collect() }
    }
}

impl Entry {
    fn validator(&self) -> Result<&Validator, &str> {
        let compiled = self.validator.get_or_init(|| {
            jsonschema::options().build(&self.component.manifest().config).map_err(|error| error.to_string())
        });
        compiled.as_ref().map_err(String::as_str)
    }
}

impl Catalogue for Library {
    fn names(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }

    fn manifest(&self, name: &str) -> Option<Manifest> {
        self.entries.get(name).map(|entry| entry.component.manifest().clone())
    }

    fn ports(&self, name: &str, config: &Map<String, Value>) -> Option<Ports> {
        self.entries.get(name).map(|entry| entry.component.ports(config))
    }

    fn effect(&self, name: &str, config: &Map<String, Value>) -> Option<Effect> {
        self.entries.get(name).map(|entry| entry.component.effect(config))
    }

    fn check_config(&self, name: &str, config: &Map<String, Value>) -> Vec<ConfigProblem> {
        let Some(entry) = self.entries.get(name) else {
            return vec![ConfigProblem {
                place: String::new(),
                message: format!("there is no component `{name}`"),
                suggestion: problems::nearest(name, self.entries.keys().map(String::as_str)),
            }];
        };
        let validator = match entry.validator() {
            Ok(validator) => validator,
            Err(error) => {
                return vec![ConfigProblem {
                    place: String::new(),
                    message: format!("the config schema of `{name}` is not a JSON Schema: {error}"),
                    suggestion: Some("report this to the component's author".to_owned()),
                }];
            }
        };
        let mut found = problems::by_schema(validator, &entry.component.manifest().config, config);
        // A config that does not fit its schema is only told about that: the rest would say it again in other words.
        if found.is_empty() {
            found = entry.component.check(config);
        }
        found
    }

    fn digest(&self, name: &str) -> Option<String> {
        let entry = self.entries.get(name)?;
        entry
            .digest
            .get_or_init(|| {
                canonical::to_vec(entry.component.manifest()).ok().map(|text| VersionId::of(&text).to_string())
            })
            .clone()
    }
}

impl component::Library for Library {
    fn component(&self, name: &str) -> Option<Arc<dyn Component>> {
        self.entries.get(name).map(|entry| Arc::clone(&entry.component))
    }
}
