//! Makes one item of many: lists, counts, sums, by group.

use std::borrow::Cow;
use std::collections::HashMap;

use flowork_ports::component::{Call, Yield};
use flowork_protocol::Failure;
use flowork_protocol::check::ConfigProblem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value, json};

use crate::config::shown;
use crate::dotted::Pick;
use crate::expression::Session;
use crate::kind::{Made, kind};
use crate::pairs::Paired;
use crate::rules::{compare, number_of};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Fields or expressions: items that are the same in all of them form a group. Without any, all items are one group.
    #[serde(default)]
    #[schemars(length(max = 16))]
    group_by: Vec<Group>,
    /// What is computed for each group.
    #[schemars(length(min = 1, max = 64))]
    compute: Vec<Compute>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Group {
    /// A field or an expression.
    Plain(Pick),
    /// The same with a name of its own.
    Named(Named),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Named {
    /// A field or an expression.
    by: Pick,
    /// The field of the result.
    #[serde(rename = "as")]
    name: String,
}

impl Group {
    fn pick(&self) -> &Pick {
        match self {
            Self::Plain(pick) => pick,
            Self::Named(named) => &named.by,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Plain(pick) => pick.name(),
            Self::Named(named) => &named.name,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Compute {
    /// What is done with the values of the group.
    op: Op,
    /// The field or expression that gives the values; `list` and `count` may do without and take whole items.
    #[serde(default)]
    of: Option<Pick>,
    /// The field of the result; otherwise the operation and the field's name, such as `sum_amount`.
    #[serde(default, rename = "as")]
    name: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Op {
    /// All values in a list.
    List,
    /// The different values in a list.
    Unique,
    /// How many there are.
    Count,
    /// How many different ones there are.
    CountUnique,
    /// Their sum.
    Sum,
    /// Their average.
    Avg,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The first.
    First,
    /// The last.
    Last,
}

impl Op {
    const fn word(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Unique => "unique",
            Self::Count => "count",
            Self::CountUnique => "count_unique",
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
            Self::First => "first",
            Self::Last => "last",
        }
    }
}

pub(super) fn component() -> Made {
    kind::<Config>("aggregate", "Aggregate", "Counts, sums and collects items, by group.", "Items", DOCS)
        .check_by(check)
        .example(
            "Orders per customer",
            json!({ "group_by": ["customer"], "compute": [{ "op": "count", "as": "orders" }, { "op": "sum", "of": "amount" }] }),
            json!({ "in": [{ "customer": "a", "amount": 5 }, { "customer": "b", "amount": 1.5 }, { "customer": "a", "amount": 2 }] }),
            json!({ "out": [
                { "customer": "a", "orders": 2, "sum_amount": 7 },
                { "customer": "b", "orders": 1, "sum_amount": 1.5 },
            ] }),
        )
        .now(run)
}

fn check(config: &Config) -> Vec<ConfigProblem> {
    let needs = |compute: &&Compute| compute.of.is_none() && !matches!(compute.op, Op::List | Op::Count);
    config
        .compute
        .iter()
        .enumerate()
        .filter(|(_, compute)| needs(compute))
        .map(|(at, compute)| ConfigProblem {
            place: format!("/compute/{at}"),
            message: format!("`{}` needs a field", compute.op.word()),
            suggestion: Some("add `of`, such as \"amount\"".to_owned()),
        })
        .collect()
}

/// One group on the way: where it started, its key, its items.
struct Members {
    first: usize,
    key: Vec<Option<Value>>,
    members: Vec<usize>,
}

fn run(config: &Config, call: &Call) -> Result<Yield, Failure> {
    let session = Session::new(call);
    let items = call.input("in");
    let mut groups: Vec<Members> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        let scope = session.at(index);
        let mut key = Vec::with_capacity(config.group_by.len());
        for group in &config.group_by {
            key.push(group.pick().of(item, &scope)?.map(Cow::into_owned));
        }
        let text = serde_json::to_string(&key).unwrap_or_default();
        let at = *known.entry(text).or_insert_with(|| {
            groups.push(Members { first: index, key, members: Vec::new() });
            groups.len() - 1
        });
        groups[at].members.push(index);
    }
    let mut done = Paired::default();
    for group in groups {
        let mut json = Map::new();
        for (by, value) in config.group_by.iter().zip(group.key) {
            json.insert(by.name().to_owned(), value.unwrap_or_default());
        }
        for compute in &config.compute {
            let mut values = Vec::with_capacity(group.members.len());
            for index in &group.members {
                let value = match &compute.of {
                    None => Some(Cow::Borrowed(&items[*index].json)),
                    Some(pick) => pick.of(&items[*index], &session.at(*index))?,
                };
                // A missing value takes no part; null neither.
                values.extend(
                    value.filter(|value| compute.of.is_none() || !value.is_null()).map(|value| (*index, value)),
                );
            }
            json.insert(compute.name(), compute.of_values(&values)?);
        }
        done.push_json(Value::Object(json), group.first);
    }
    Ok(Yield::Output(done.out()))
}

type Values<'a> = [(usize, Cow<'a, Value>)];

impl Compute {
    fn name(&self) -> String {
        match (&self.name, &self.of) {
            (Some(name), _) => name.clone(),
            (None, Some(pick)) => format!("{}_{}", self.op.word(), pick.name()),
            (None, None) => {
                if self.op == Op::List {
                    "items".to_owned()
                } else {
                    self.op.word().to_owned()
                }
            }
        }
    }

    fn of_values(&self, values: &Values<'_>) -> Result<Value, Failure> {
        Ok(match self.op {
            Op::List => values.iter().map(|(_, value)| value.clone().into_owned()).collect(),
            Op::Unique => Value::Array(unique(values)),
            Op::Count => Value::from(values.len()),
            Op::CountUnique => Value::from(unique(values).len()),
            Op::Sum => self.sum(values)?,
            Op::Avg if values.is_empty() => Value::Null,
            #[allow(clippy::cast_precision_loss, reason = "no list has 2^53 items")]
            Op::Avg => number(self.sum(values)?.as_f64().unwrap_or_default() / values.len() as f64),
            Op::Min => extreme(values, std::cmp::Ordering::Less),
            Op::Max => extreme(values, std::cmp::Ordering::Greater),
            Op::First => values.first().map_or(Value::Null, |(_, value)| value.clone().into_owned()),
            Op::Last => values.last().map_or(Value::Null, |(_, value)| value.clone().into_owned()),
        })
    }

    /// Whole numbers add up exactly; anything else as doubles.
    fn sum(&self, values: &Values<'_>) -> Result<Value, Failure> {
        let mut whole: Option<i64> = Some(0);
        let mut double = 0.0;
        for (index, value) in values {
            let Some(number) = number_of(value) else {
                return Err(Failure::new(
                    "aggregate-not-a-number",
                    format!("{} in `{}` is not a number", shown(value), self.of.as_ref().map_or("value", Pick::name)),
                )
                .item(*index)
                .hint("filter such items out first, or convert them with a set step"));
            };
            double += number;
            let exact = value.as_i64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
            whole = whole.zip(exact).and_then(|(sum, number)| sum.checked_add(number));
        }
        Ok(whole.map_or_else(|| number(double), Value::from))
    }
}

fn number(double: f64) -> Value {
    Number::from_f64(double).map_or(Value::Null, Value::Number)
}

fn unique(values: &Values<'_>) -> Vec<Value> {
    let mut seen = std::collections::HashSet::new();
    values
        .iter()
        .filter(|(_, value)| seen.insert(value.to_string()))
        .map(|(_, value)| value.clone().into_owned())
        .collect()
}

fn extreme(values: &Values<'_>, wanted: std::cmp::Ordering) -> Value {
    let best = values.iter().reduce(|best, next| if compare(&next.1, &best.1) == Some(wanted) { next } else { best });
    best.map_or(Value::Null, |(_, value)| value.clone().into_owned())
}

const DOCS: &str =
    "Gives one item per group (one in all without `group_by`), in the order in which groups first appear. \
`{ \"by\": \"{{ $json.date.slice(0, 7) }}\", \"as\": \"month\" }` groups by an expression.

`sum`, `avg`, `min` and `max` take numbers that arrive as text as numbers; missing values take no part.";
