//! Webhooks: an address of an activated preset that starts a job.

use std::io::Cursor;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use flowork_protocol::command::{Command, Submission};
use flowork_protocol::event::{Outcome, Response as Answer};
use flowork_protocol::item::ITEM_JSON_BYTES_MAX;
use flowork_protocol::{BlobRef, Item, JobId, VersionId};
use futures::StreamExt as _;
use serde_json::{Map, Value, json};
use tokio::io::AsyncReadExt as _;

use crate::access::admit_hook;
use crate::body;
use crate::context::Ctx;
use crate::extract::Json;
use crate::feed::{self, Waited};
use crate::history;
use crate::hook::{Hook, Match, Respond};
use crate::problem::Problem;
use crate::routes::{files, jobs};
use crate::submit::{self, Started};

/// How many webhooks may be in acceptance at once; the next one is told to come again.
pub(crate) const IN_FLIGHT_MAX: usize = 1_024;
/// How large a webhook's body may be. Past [`ITEM_JSON_BYTES_MAX`] it becomes a file.
pub(crate) const BODY_BYTES_MAX: u64 = 512 << 20;
/// How many items the answer of a finished job holds at most.
const ANSWER_ITEMS_MAX: usize = 1_000;
/// The name of the file that holds a body which is not an item's JSON.
const BODY_FILE: &str = "body";
/// The header that names the job in every answer of a webhook.
const JOB_HEADER: HeaderName = HeaderName::from_static("flowork-job");
/// What a preset answers may run scripts, but as a stranger to this node's own pages.
const STRANGER: HeaderValue = HeaderValue::from_static("sandbox allow-forms allow-popups allow-scripts");
/// Headers that would put a caller's secrets into the job's history.
const NOT_KEPT: [HeaderName; 3] = [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE];
/// Headers that an answer may not set: they belong to the connection or to the node.
const NOT_ANSWERED: [HeaderName; 8] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_SECURITY_POLICY,
    header::SET_COOKIE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TRAILER,
    header::TE,
];

/// Starts the job that an address stands for.
pub(crate) async fn fire(
    State(ctx): State<Ctx>, Path(path): Path<String>, request: Request,
) -> Result<Response, Problem> {
    let known = ctx.known();
    let hook = find(&known.hooks, request.method(), &path)?;
    let permit = admit_hook(&ctx, request.headers(), hook.needs_token)?;
    let waits = hook.respond != Respond::Immediately;
    let _waiting = match waits {
        true => Some(ctx.wait_room.try_acquire().map_err(|_| Problem::flooded("waiting requests", feed::WAITING_MAX))?),
        false => None,
    };
    let room = ctx.hook_room.try_acquire().map_err(|_| Problem::flooded("webhooks", IN_FLIGHT_MAX))?;
    let (parts, body) = request.into_parts();
    let job = match jobs::key(&parts.headers)? {
        Some(key) => submit::keyed(&ctx, &format!("hook {} {}", hook.preset, hook.trigger), key)?,
        None => ctx.fresh_job(),
    };
    let item = item(&ctx, &path, &parts, body).await?;
    let is_keyed = parts.headers.contains_key("idempotency-key");
    // The job of a key may have ended long ago.
    let follower = waits.then(|| if is_keyed { ctx.followers.follow(job, 0) } else { ctx.followers.follow_fresh(job) });
    let before = if is_keyed { submit::earlier(&ctx, job).await } else { None };
    let version = before.as_ref().map_or(hook.version, |before| before.version);
    match before {
        // Headers differ from delivery to delivery; what is delivered must not.
        Some(before) => {
            let delivered = |item: &Item| (item.json.get("body").cloned(), item.files.clone());
            if before.input.first().map(delivered) != Some(delivered(&item)) {
                return Err(submit::other_request(job, "body"));
            }
        }
        None => {
            let submission = submission(hook, job, item, is_keyed);
            ctx.command(&permit, Command::Submit(Box::new(submission))).await?;
        }
    }
    drop(room);
    let mut response = match follower {
        None => accepted(version, job),
        Some(follower) => {
            let waited = feed::wait(&ctx, follower, hook.respond == Respond::WithStep, hook.wait).await?;
            answer(&ctx, version, job, waited).await?
        }
    };
    if let Ok(name) = HeaderValue::from_str(&job.to_string()) {
        response.headers_mut().insert(JOB_HEADER, name);
    }
    Ok(response)
}

fn find<'a>(hooks: &'a crate::hook::Hooks, method: &Method, path: &str) -> Result<&'a Hook, Problem> {
    let shown: String = path.chars().take(200).collect();
    match hooks.find(method, path) {
        Match::Hook(hook) => Ok(hook),
        Match::WrongMethod(methods) => {
            let words: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
            let detail = format!("the webhook /hooks/{shown} does not take {method}");
            Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "hook-method", detail)
                .hint(format!("send {}", words.join(" or ")))
                .allow(words.join(", ")))
        }
        Match::Disabled(hook) => {
            let detail = format!("the webhook /hooks/{shown} of the preset `{}` is switched off", hook.name);
            Err(Problem::missing("hook-disabled", detail)
                .hint(format!("enable the trigger `{}` and activate the preset again", hook.trigger)))
        }
        Match::Unknown => Err(Problem::missing("no-hook", format!("no activated preset has a webhook /hooks/{shown}"))
            .hint("add a `webhook` trigger with this path, then `flowork preset activate NAME`; `flowork preset list` shows what is active")),
    }
}

fn submission(hook: &Hook, job: JobId, item: Item, keyed: bool) -> Submission {
    Submission {
        job,
        keyed,
        preset: hook.preset.clone(),
        name: hook.name.clone(),
        version: hook.version,
        trigger: Some(hook.trigger.clone()),
        input: vec![item],
        variables: Default::default(),
        priority: hook.priority,
        concurrency: hook.concurrency,
        dry_run: false,
        replay: None,
        parent: None,
        depth: 0,
    }
}

/// The item that a request becomes: JSON where the body is text, a file where it is not or is too large.
async fn item(ctx: &Ctx, path: &str, parts: &Parts, body: Body) -> Result<Item, Problem> {
    let mut map = Map::with_capacity(5);
    map.insert("method".to_owned(), json!(parts.method.as_str()));
    map.insert("path".to_owned(), json!(path.trim_matches('/')));
    map.insert("headers".to_owned(), headers(&parts.headers));
    map.insert("query".to_owned(), query(&parts.uri));
    let (start, rest) = start_of(body).await?;
    if rest.is_none() {
        match read(&parts.headers, &start) {
            Some(value) => {
                map.insert("body".to_owned(), value);
                let item = Item::json(Value::Object(map));
                // A text can be longer as JSON than it came: only its JSON can tell whether it fits.
                if start.len() < ITEM_JSON_BYTES_MAX / 8
                    || serde_json::to_vec(&item.json).is_ok_and(|text| text.len() <= ITEM_JSON_BYTES_MAX)
                {
                    return Ok(item);
                }
                let Value::Object(mut map) = item.json else { return Ok(item) };
                map.insert("body".to_owned(), Value::Null);
                return with_file(ctx, map, parts, start, None).await;
            }
            None => return with_file(ctx, map, parts, start, None).await,
        }
    }
    with_file(ctx, map, parts, start, rest).await
}

async fn with_file(
    ctx: &Ctx, mut map: Map<String, Value>, parts: &Parts, start: Bytes, rest: Option<Body>,
) -> Result<Item, Problem> {
    map.insert("body".to_owned(), Value::Null);
    let (blob, size) = match rest {
        None => (ctx.options.blobs.put_bytes(start.clone()).await?, start.len() as u64),
        Some(rest) => {
            let whole = Cursor::new(start).chain(files::reader(rest));
            ctx.options.blobs.put(Box::pin(whole), BODY_BYTES_MAX).await?
        }
    };
    let media_type = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
    let mut item = Item::json(Value::Object(map));
    item.files.insert(BODY_FILE.to_owned(), BlobRef { blob, size, name: BODY_FILE.to_owned(), media_type });
    Ok(item)
}

/// The body's first [`ITEM_JSON_BYTES_MAX`] bytes, and the rest if there is one.
async fn start_of(body: Body) -> Result<(Bytes, Option<Body>), Problem> {
    let cut = |error: axum::Error| body::ended(&error);
    let mut pieces = body.into_data_stream();
    let Some(first) = pieces.next().await.transpose().map_err(cut)? else { return Ok((Bytes::new(), None)) };
    let mut next = pieces.next().await.transpose().map_err(cut)?;
    if next.is_none() && first.len() <= ITEM_JSON_BYTES_MAX {
        return Ok((first, None));
    }
    let mut start = BytesMut::from(first.as_ref());
    while let Some(piece) = next {
        start.extend_from_slice(&piece);
        if start.len() > ITEM_JSON_BYTES_MAX {
            return Ok((start.freeze(), Some(Body::from_stream(pieces))));
        }
        next = pieces.next().await.transpose().map_err(cut)?;
    }
    Ok((start.freeze(), None))
}

/// JSON where it reads as such, text otherwise; none for bytes that are not UTF-8.
fn read(headers: &HeaderMap, body: &[u8]) -> Option<Value> {
    if body.is_empty() {
        return Some(Value::Null);
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if (kind.is_empty() || kind.ends_with("json"))
        && let Ok(value) = serde_json::from_slice(body)
    {
        return Some(value);
    }
    if kind == "application/x-www-form-urlencoded" {
        return Some(pairs(body));
    }
    std::str::from_utf8(body).ok().map(|text| Value::String(text.to_owned()))
}

fn headers(headers: &HeaderMap) -> Value {
    let mut map = Map::with_capacity(headers.len());
    for name in headers.keys().filter(|name| !NOT_KEPT.contains(name)) {
        let mut values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        let first = values.next().unwrap_or_default().into_owned();
        let joined = values.fold(first, |all, value| all + ", " + &value);
        map.insert(name.as_str().to_owned(), Value::String(joined));
    }
    Value::Object(map)
}

fn query(uri: &Uri) -> Value {
    uri.query().map_or_else(|| Value::Object(Map::new()), |query| pairs(query.as_bytes()))
}

/// A name that comes twice becomes a list.
fn pairs(text: &[u8]) -> Value {
    let mut map = Map::new();
    for (name, value) in url::form_urlencoded::parse(text) {
        let value = Value::String(value.into_owned());
        match map.get_mut(name.as_ref()) {
            None => {
                map.insert(name.into_owned(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(map)
}

fn accepted(version: VersionId, job: JobId) -> Response {
    (StatusCode::ACCEPTED, Json(Started { job, version: Some(version) })).into_response()
}

async fn answer(ctx: &Ctx, version: VersionId, job: JobId, waited: Waited) -> Result<Response, Problem> {
    let (outcome, output) = match waited {
        Waited::TimedOut => return Ok(accepted(version, job)),
        Waited::Answered(answer) => return Ok(given(*answer)),
        Waited::Ended(end) => *end,
    };
    match outcome {
        Outcome::Succeeded => {
            let lists: Vec<_> = output.into_values().collect();
            let items = history::page(ctx, job, &lists, 0, ANSWER_ITEMS_MAX).await?;
            let values: Vec<&Value> = items.iter().map(|item| &item.json).collect();
            Ok((StatusCode::OK, Json(values)).into_response())
        }
        Outcome::Failed(failure) => {
            let step = failure.step.as_ref().map(|step| format!(" in `{step}`")).unwrap_or_default();
            let detail = format!("the job failed{step}: {}", failure.message);
            let problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "job-failed", detail).job(job);
            Ok(failure.hint.into_iter().fold(problem, Problem::hint).into_response())
        }
        Outcome::Cancelled { reason } => {
            let detail = format!("the job was cancelled: {reason}");
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "job-cancelled", detail).job(job))
        }
    }
}

/// The answer that a step gave.
fn given(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let (body, kind) = match answer.body {
        Value::String(text) => (text.into_bytes(), "text/plain; charset=utf-8"),
        Value::Null => (Vec::new(), "text/plain; charset=utf-8"),
        value => (value.to_string().into_bytes(), "application/json"),
    };
    let mut response = (status, [(header::CONTENT_TYPE, kind)], body).into_response();
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
            && !NOT_ANSWERED.contains(&name)
        {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, STRANGER);
    response
}
