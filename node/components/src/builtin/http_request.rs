//! Sends HTTP requests.

mod body;
mod redirect;
mod send;

use std::sync::Arc;

use flowork_ports::component::{Call, Yield};
use flowork_protocol::Failure;
use flowork_protocol::check::ConfigProblem;
use flowork_protocol::manifest::{Effect, Permissions};
use futures::StreamExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::config::Field;
use crate::kind::{Made, kind};
use crate::pairs::Paired;

/// How many requests of one step are under way at once unless its config says otherwise.
const AT_ONCE_DEFAULT: usize = 8;
/// How many requests of one step may be under way at once.
const AT_ONCE_MAX: usize = 64;
/// How long one request may take unless the config says otherwise.
const TIMEOUT_MS_DEFAULT: u64 = 30_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// The method.
    #[serde(default)]
    method: Method,
    /// The address, with `http://` or `https://`.
    url: Field<String>,
    /// Query parameters by name; a list gives a parameter several times, null leaves it out.
    #[serde(default)]
    query: Field<Map<String, Value>>,
    /// Headers by name.
    #[serde(default)]
    headers: Field<Map<String, Value>>,
    /// How to log in, by secrets that the step is given.
    #[serde(default)]
    auth: Option<Auth>,
    /// What is sent.
    #[serde(default)]
    body: Option<body::Body>,
    /// What becomes of the answer.
    #[serde(default)]
    response: Form,
    /// How long one request may take, in milliseconds.
    #[serde(default = "timeout")]
    #[schemars(range(min = 1, max = 3_600_000))]
    timeout_ms: u64,
    /// Which answers are good.
    #[serde(default)]
    accept: Accept,
    /// How many redirects are followed.
    #[serde(default = "redirects")]
    #[schemars(range(max = 20))]
    max_redirects: usize,
    /// How many requests are under way at once.
    #[serde(default = "at_once")]
    #[schemars(range(min = 1, max = 64))]
    at_once: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
enum Method {
    #[default]
    #[serde(rename = "GET")]
    Get,
    #[serde(rename = "HEAD")]
    Head,
    #[serde(rename = "POST")]
    Post,
    #[serde(rename = "PUT")]
    Put,
    #[serde(rename = "PATCH")]
    Patch,
    #[serde(rename = "DELETE")]
    Delete,
    #[serde(rename = "OPTIONS")]
    Options,
}

impl Method {
    const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }

    const fn only_reads(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options)
    }
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Auth {
    /// The name of the secret that is sent as `Authorization: Bearer …`.
    Bearer(String),
    /// User and password.
    Basic(Basic),
    /// A header whose value is a secret.
    Header(Header),
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Basic {
    /// The user's name.
    user: String,
    /// The name of the secret that holds the password.
    password: String,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Header {
    /// The header's name, such as `X-Api-Key`.
    name: String,
    /// The name of the secret.
    secret: String,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Form {
    /// JSON where the answer says that it is, otherwise text.
    #[default]
    Auto,
    /// The values of its JSON.
    Json,
    /// Its text.
    Text,
    /// A file that travels with the item under the name `data`.
    File,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Accept {
    /// Those with a status from 200 to 299; others fail the step.
    #[default]
    Success,
    /// All; look at `status`.
    Any,
}

const fn timeout() -> u64 {
    TIMEOUT_MS_DEFAULT
}

const fn redirects() -> usize {
    10
}

const fn at_once() -> usize {
    AT_ONCE_DEFAULT
}

pub(super) fn component() -> Made {
    kind::<Config>(
        "http-request",
        "HTTP request",
        "Sends an HTTP request for each item and gives the answers.",
        "Network",
        DOCS,
    )
    .effect(Effect::External)
    .effect_by(|config| if config.method.only_reads() { Effect::Idempotent } else { Effect::External })
    .knows_dry_run()
    .permissions(Permissions { hosts: vec!["*".to_owned()], ..Permissions::default() })
    .check_by(check)
    .example(
        "An order to a shop",
        json!({
            "method": "POST",
            "url": "https://shop.example/orders/{{ $json.id }}",
            "auth": { "bearer": "shop-token" },
            "body": { "json": { "amount": "{{ $json.amount }}" } },
        }),
        json!({ "in": [{ "id": 7, "amount": 12 }] }),
        json!({}),
    )
    .later(|config, call| async move { run(config, call).await })
}

fn check(config: &Config) -> Vec<ConfigProblem> {
    let mut found = Vec::new();
    if let Some(url) = config.url.fixed()
        && let Err(failure) = send::address(url)
    {
        found.push(ConfigProblem { place: "/url".to_owned(), message: failure.message, suggestion: failure.hint });
    }
    if config.body.is_some() && matches!(config.method, Method::Get | Method::Head) {
        found.push(ConfigProblem {
            place: "/body".to_owned(),
            message: format!("a {} request carries no body", config.method.word()),
            suggestion: Some("choose `POST`, `PUT` or `PATCH`, or remove `body`".to_owned()),
        });
    }
    found
}

async fn run(config: Arc<Config>, call: Call) -> Result<Yield, Failure> {
    // Everything is computed before anything is sent: a wrong expression for the last item sends nothing.
    let requests = body::requests(&config, &call)?;
    if call.dry_run && !config.method.only_reads() {
        return Ok(Yield::Output(said(&config, &call, &requests)));
    }
    let client = send::client()?;
    let at_once = config.at_once.clamp(1, AT_ONCE_MAX);
    let sending = requests.into_iter().enumerate().map(|(index, request)| {
        let (client, config, call) = (&client, &config, &call);
        async move { send::send(client, config, call, index, request).await.map_err(|failure| failure.item(index)) }
    });
    // Answers keep the order of the items; dropping the stream ends what is under way.
    let mut answers = futures::stream::iter(sending).buffered(at_once);
    let mut done = Paired::default();
    let mut index = 0;
    while let Some(answer) = answers.next().await {
        done.push(Arc::new(answer?), index);
        index += 1;
    }
    drop(answers);
    Ok(Yield::Output(done.out()))
}

/// What a dry run gives: an item per request that says what would have been sent.
fn said(config: &Config, call: &Call, requests: &[body::Request]) -> flowork_ports::component::Output {
    let mut done = Paired::default();
    for (index, request) in requests.iter().enumerate() {
        done.push_json(json!({ "dry_run": true, "method": config.method.word(), "url": request.url.as_str() }), index);
    }
    let first = requests.first().map(|request| request.url.as_str().to_owned()).unwrap_or_default();
    let more =
        if call.input("in").len() > 1 { format!(" and {} more", call.input("in").len() - 1) } else { String::new() };
    done.out().note(format!("dry run: would have sent {} {first}{more}", config.method.word()))
}

const DOCS: &str = "Each item becomes an item with `status`, `headers` and `body`. JSON answers are values, other texts are text; with \
`response: \"file\"` the answer is streamed into a file of any size.

A status that is not 2xx fails the step with the start of the answer, unless `accept: \"any\"`. Errors of the connection, \
status 429 and 5xx can be retried by the step's `retry`. `GET`, `HEAD` and `OPTIONS` may be repeated after a crash; other \
methods carry an `Idempotency-Key` that is the same for every try, so that servers that know it act once.

Redirects are followed up to `max_redirects`. To another scheme, host or port go no `auth`, no cookies and no headers that \
hold a secret of the step; a body that holds one is not sent there either, and the step fails.

Secrets are named, never written: `\"auth\": { \"bearer\": \"shop-token\" }` with `shop-token` among the step's `secrets`. A dry \
run sends only requests that read.";
