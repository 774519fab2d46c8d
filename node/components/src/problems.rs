//! What is wrong with a config, for people: the errors of its JSON Schema in plain words, with places and suggestions,
//! and expressions that do not parse.

use flowork_protocol::check::ConfigProblem;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value};

use crate::config::{TAKES_EXPRESSION, shown};
use crate::expression::{Template, has_expression};

/// How many problems of one config are told.
const PROBLEMS_MAX: usize = 50;

/// Checks a config against its compiled schema. Where the schema marks a place with `x-expression`, a text with `{{ … }}`
/// fits whatever the schema wants there, as long as the expression parses.
pub(crate) fn by_schema(validator: &Validator, schema: &Value, config: &Map<String, Value>) -> Vec<ConfigProblem> {
    let whole = Value::Object(config.clone());
    let mut found = Vec::new();
    expressions(schema, &whole, "", false, &mut found);
    for error in validator.iter_errors(&whole) {
        tell(&error, schema, &whole, &mut found);
        if found.len() >= PROBLEMS_MAX {
            break;
        }
    }
    found.truncate(PROBLEMS_MAX);
    drop_echoes(&mut found);
    found
}

/// A misspelt field is missing as well; telling it once is enough.
fn drop_echoes(found: &mut Vec<ConfigProblem>) {
    let meant: Vec<(String, String)> = found
        .iter()
        .filter_map(|problem| {
            let name = problem.suggestion.as_deref()?.strip_prefix("did you mean `")?.strip_suffix("`?")?;
            Some((problem.place.rsplit_once('/')?.0.to_owned(), format!("the field `{name}` is missing")))
        })
        .collect();
    found
        .retain(|problem| !meant.iter().any(|(place, message)| *place == problem.place && *message == problem.message));
}

/// Expressions that do not parse, wherever expressions are taken.
fn expressions(schema: &Value, value: &Value, place: &str, taken: bool, found: &mut Vec<ConfigProblem>) {
    let taken = taken || takes_expression(schema);
    match value {
        Value::String(text) if taken && has_expression(text) => {
            if let Err(failure) = Template::compile(value, place) {
                found.push(ConfigProblem {
                    place: place.to_owned(),
                    message: failure.message,
                    suggestion: failure.hint,
                });
            }
        }
        Value::Array(values) => {
            for (at, value) in values.iter().enumerate() {
                let under = children(schema, None);
                under_each(&under, value, &format!("{place}/{at}"), taken, found);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                let under = children(schema, Some(key));
                under_each(&under, value, &format!("{place}/{}", escape(key)), taken, found);
            }
        }
        _ => {}
    }
}

fn under_each(schemas: &[&Value], value: &Value, place: &str, taken: bool, found: &mut Vec<ConfigProblem>) {
    let taken = taken || schemas.iter().any(|schema| takes_expression(schema));
    // With alternatives (`anyOf`) the one that goes deepest into the value is as good as any: marks are what is looked for.
    let merged = Value::Array(schemas.iter().map(|schema| (*schema).clone()).collect());
    let schema = if schemas.len() == 1 { schemas[0].clone() } else { serde_json::json!({ "anyOf": merged }) };
    expressions(&schema, value, place, taken, found);
}

fn takes_expression(schema: &Value) -> bool {
    if schema.get(TAKES_EXPRESSION) == Some(&Value::Bool(true)) {
        return true;
    }
    alternatives(schema).into_iter().any(takes_expression)
}

fn alternatives(schema: &Value) -> Vec<&Value> {
    ["anyOf", "oneOf", "allOf"].iter().filter_map(|word| schema.get(word).and_then(Value::as_array)).flatten().collect()
}

/// The schemas of a property, or of the elements of a list.
fn children<'s>(schema: &'s Value, key: Option<&str>) -> Vec<&'s Value> {
    let mut found: Vec<&Value> = Vec::new();
    match key {
        Some(key) => match schema.get("properties").and_then(|properties| properties.get(key)) {
            Some(property) => found.push(property),
            None => found.extend(schema.get("additionalProperties").filter(|under| under.is_object())),
        },
        None => found.extend(schema.get("items").filter(|under| under.is_object())),
    }
    for alternative in alternatives(schema) {
        found.extend(children(alternative, key));
    }
    found
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Whether the instance at `place` is a text with an expression where one is taken.
fn is_expression_at(schema: &Value, whole: &Value, place: &str) -> bool {
    let is_text = whole.pointer(place).and_then(Value::as_str).is_some_and(has_expression);
    if !is_text {
        return false;
    }
    let mut schemas = vec![schema];
    let mut taken = false;
    for part in place.split('/').skip(1) {
        let key = part.replace("~1", "/").replace("~0", "~");
        let next: Vec<&Value> = schemas
            .iter()
            .flat_map(|schema| {
                let mut under = children(schema, Some(&key));
                if key.parse::<usize>().is_ok() {
                    under.extend(children(schema, None));
                }
                under
            })
            .collect();
        taken = taken || next.iter().any(|schema| takes_expression(schema));
        schemas = next;
    }
    taken
}

fn tell(error: &ValidationError<'_>, schema: &Value, whole: &Value, found: &mut Vec<ConfigProblem>) {
    let place = error.instance_path().as_str().to_owned();
    if is_expression_at(schema, whole, &place) {
        return;
    }
    let at = error.instance();
    let fixed_here = at.as_str().is_some_and(has_expression);
    let say = |message: String, suggestion: Option<String>| {
        let suggestion = if fixed_here {
            Some("expressions are not evaluated in this field; write the value itself".to_owned())
        } else {
            suggestion
        };
        ConfigProblem { place: place.clone(), message, suggestion }
    };
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let known = known_keys(schema, error);
            for key in unexpected {
                found.push(ConfigProblem {
                    place: format!("{place}/{}", escape(key)),
                    message: format!("there is no field `{key}` here"),
                    suggestion: nearest(key, known.iter().map(String::as_str))
                        .or_else(|| (!known.is_empty()).then(|| format!("the fields here are {}", listed(&known)))),
                });
            }
        }
        Kind::OneOfNotValid { context } | Kind::AnyOf { context } => {
            alternatives_failed(error, schema, whole, context, found);
        }
        kind => {
            let (message, suggestion) = describe(kind, at, error);
            found.push(say(message, suggestion));
        }
    }
}

/// None of several forms fits. When the forms are plain words, the words are told; when one form comes closest (its own
/// errors are deeper inside), its errors are told.
fn alternatives_failed(
    error: &ValidationError<'_>, schema: &Value, whole: &Value, context: &[Vec<ValidationError<'static>>],
    found: &mut Vec<ConfigProblem>,
) {
    let place = error.instance_path().as_str();
    let forms = schema.pointer(error.schema_path().as_str()).and_then(Value::as_array).cloned().unwrap_or_default();
    let words = words_of(&forms);
    if !words.is_empty() && !error.instance().is_object() && !error.instance().is_array() {
        let at = error.instance();
        found.push(ConfigProblem {
            place: place.to_owned(),
            message: format!("{} is not one of {}", shown(at), listed(&words)),
            suggestion: at.as_str().and_then(|text| nearest(text, words.iter().map(String::as_str))),
        });
        return;
    }
    // An expression inside an alternative makes every alternative fail on its type: then that is all there is.
    let open = |errors: &&Vec<ValidationError<'static>>| {
        errors.iter().any(|error| !is_expression_at(schema, whole, error.instance_path().as_str()))
    };
    if !context.iter().all(|errors| open(&errors)) {
        return;
    }
    let depth = |errors: &Vec<ValidationError<'static>>| {
        errors.iter().map(|error| error.instance_path().as_str().matches('/').count()).max().unwrap_or(0)
    };
    let base = place.matches('/').count();
    let closest = context
        .iter()
        .filter(|errors| depth(errors) > base || errors.iter().all(|error| !matches!(error.kind(), Kind::Type { .. })))
        .min_by_key(|errors| errors.len());
    match closest {
        Some(errors) => errors.iter().for_each(|error| tell(error, schema, whole, found)),
        None => {
            let titles: Vec<String> = forms.iter().filter_map(form_in_words).collect();
            found.push(ConfigProblem {
                place: place.to_owned(),
                message: format!("{} does not fit here", shown(error.instance())),
                suggestion: (!titles.is_empty()).then(|| format!("give {}", titles.join(", or "))),
            });
        }
    }
}

fn words_of(forms: &[Value]) -> Vec<String> {
    forms
        .iter()
        .flat_map(|form| match (form.get("const"), form.get("enum").and_then(Value::as_array)) {
            (Some(word), _) => vec![word.clone()],
            (_, Some(words)) => words.clone(),
            _ => Vec::new(),
        })
        .filter_map(|word| word.as_str().map(str::to_owned))
        .collect()
}

fn form_in_words(form: &Value) -> Option<String> {
    match form.get("type")? {
        Value::String(name) if name == "object" => {
            let keys: Vec<String> = form.get("properties")?.as_object()?.keys().map(|key| format!("`{key}`")).collect();
            Some(format!("an object with {}", keys.join(", ")))
        }
        Value::String(name) => Some(type_in_words(name).to_owned()),
        _ => None,
    }
}

fn type_in_words(name: &str) -> &'static str {
    match name {
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "an object",
        _ => "null",
    }
}

fn describe(kind: &Kind, at: &Value, error: &ValidationError<'_>) -> (String, Option<String>) {
    let plain = |message: String| (message, None);
    match kind {
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            (format!("the field `{name}` is missing"), Some(format!("add `{name}`")))
        }
        Kind::Enum { options } => {
            let words: Vec<String> = options
                .as_array()
                .map(|words| words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect())
                .unwrap_or_default();
            let suggestion = at.as_str().and_then(|text| nearest(text, words.iter().map(String::as_str)));
            (format!("{} is not one of {}", shown(at), listed(&words)), suggestion)
        }
        Kind::Constant { expected_value } => plain(format!("{} must be {}", shown(at), shown(expected_value))),
        Kind::Type { kind } => {
            let wanted = match kind {
                TypeKind::Single(one) => type_in_words(one.as_str()).to_owned(),
                TypeKind::Multiple(set) => {
                    let words: Vec<&str> = set.iter().map(|one| type_in_words(one.as_str())).collect();
                    words.join(" or ")
                }
            };
            plain(format!("{} must be {wanted}", shown(at)))
        }
        Kind::Minimum { limit } => plain(format!("{} is too small; the least is {limit}", shown(at))),
        Kind::Maximum { limit } => plain(format!("{} is too large; the most is {limit}", shown(at))),
        Kind::MinLength { limit } => plain(format!("the text must have at least {limit} characters")),
        Kind::MaxLength { limit } => plain(format!("the text may have at most {limit} characters")),
        Kind::MinItems { limit } => plain(format!("the list must have at least {limit} entries")),
        Kind::MaxItems { limit } => plain(format!("the list may have at most {limit} entries")),
        Kind::Pattern { pattern } => {
            (format!("{} has a form that is not allowed here", shown(at)), Some(format!("it must match `{pattern}`")))
        }
        _ => plain(error.to_string()),
    }
}

fn known_keys(schema: &Value, error: &ValidationError<'_>) -> Vec<String> {
    let path = error.schema_path().as_str();
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    schema
        .pointer(parent)
        .and_then(|schema| schema.get("properties"))
        .and_then(Value::as_object)
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default()
}

fn listed(words: &[String]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// `did you mean …?`, when one of the known words is near.
pub(crate) fn nearest<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> Option<String> {
    let simple = |text: &str| text.to_lowercase().replace(['_', ' ', '.'], "-");
    let word = simple(word);
    known
        .map(|candidate| (strsim::osa_distance(&word, &simple(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= 1.max(candidate.chars().count() / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
}
