//! Engines that do `chat`, for clients that speak OpenAI's format: of this node, and of friends who granted it.

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::sse::Event as Sent;
use axum::response::{IntoResponse, Response};
use flowork_ports::engines::{EngineCall, Given, NEWS_WAITING_MAX, News, NotGiven, Where};
use flowork_ports::mesh::{Ask, Gave};
use flowork_protocol::chat::{Answer, Chat, End, Piece, ToolCallPart};
use flowork_protocol::command::Role;
use flowork_protocol::grant::Capability;
use flowork_protocol::{Failure, Timestamp};
use futures::stream;
use serde_json::{Map, Value, json};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::events::{feed, room};
use super::peers::ask;
use crate::access::{Permit, Runner, Viewer};
use crate::api::Route;
use crate::context::{Ctx, now};
use crate::extract::Json;
use crate::problem::Problem;

/// What an engine is asked for here.
const CHAT: &str = "chat";
/// How long an answer may take.
const DEADLINE_MS: u64 = 60 * 60_000;
/// How long a friend who is away is waited for.
const WAIT_MS: u64 = 10_000;
/// How long a stream waits for its first word before it begins without: until then an error still has a status of its own.
const FIRST_WITHIN: Duration = Duration::from_secs(30);
/// What clients send that says nothing to an engine.
const NOT_FOR_ENGINES: &[&str] =
    &["user", "store", "metadata", "service_tier", "safety_identifier", "prompt_cache_key", "parallel_tool_calls"];

/// What clients send back of an answer and no engine reads.
const ONLY_IN_ANSWERS: &[&str] =
    &["reasoning_content", "reasoning", "refusal", "annotations", "audio", "function_call"];
/// Where an answer that comes whole may take as long as the engine takes.
pub(crate) const CHAT_PATH: &str = "/v1/chat/completions";
/// How long that is at most.
pub(crate) const CHAT_TIMEOUT: Duration = Duration::from_millis(DEADLINE_MS + WAIT_MS);

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/v1/models", Role::Viewer, "Lists what can be chatted with, as OpenAI does.", models)
            .reply::<Value>(200, "The engines of this node by name, those of friends as `engine@friend`."),
        Route::new(
            Method::POST,
            CHAT_PATH,
            Role::Runner,
            "Chats with an engine of this node or of a friend, in OpenAI's format.",
            complete,
        )
        .body::<Value>()
        .reply::<Value>(200, "The answer; with `stream` as server-sent events, the last one `[DONE]`."),
    ]
}

/// An error as OpenAI's clients read it.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    code: String,
    message: String,
    retry_after_s: Option<u32>,
}

impl Refused {
    fn body(&self) -> Value {
        let kind = if self.status.is_client_error() { "invalid_request_error" } else { "server_error" };
        json!({ "error": { "message": self.message, "type": kind, "param": null, "code": self.code } })
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.body())).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        let code = failure.code.strip_prefix("engine-").unwrap_or(&failure.code);
        let status = match code {
            "chat-invalid" | "request-invalid" => StatusCode::BAD_REQUEST,
            "model-refused" if !failure.retryable => StatusCode::BAD_REQUEST,
            "request-too-large" => StatusCode::PAYLOAD_TOO_LARGE,
            "grant-revoked" | "grant-expired" => StatusCode::FORBIDDEN,
            "no-engine-here" | "no-grant" | "no-peer" | "gone" => StatusCode::NOT_FOUND,
            "limit-reached" => StatusCode::TOO_MANY_REQUESTS,
            _ if failure.retryable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_GATEWAY,
        };
        let hint = failure.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        let retry_after_s = failure.retryable.then_some(1);
        Self { status, message: format!("{}{hint}", failure.message), code: failure.code, retry_after_s }
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        let (status, code, message, retry_after_s) = problem.told();
        Self { status, code, message, retry_after_s }
    }
}

async fn models(State(ctx): State<Ctx>, permit: Result<Permit<Viewer>, Problem>) -> Result<Json<Value>, Refused> {
    permit?;
    Ok(Json(listed(&ctx).await?))
}

async fn listed(ctx: &Ctx) -> Result<Value, Problem> {
    let chat = Capability(CHAT.to_owned());
    let own = ask!(ctx, Ask::Engines, Gave::Engines(engines) => engines);
    let grants = ask!(ctx, Ask::Grants, Gave::Grants(grants) => grants);
    let at = now();
    let mut found: BTreeSet<(String, String)> = own
        .into_iter()
        .filter(|engine| engine.offers.contains_key(&chat))
        .map(|engine| (engine.name, "this node".to_owned()))
        .collect();
    let usable = grants.into_iter().filter(|grant| {
        !grant.is_given && grant.revoked_at.is_none() && grant.ends_at > at && grant.can.contains(&chat)
    });
    found.extend(usable.filter_map(|grant| {
        let owner = grant.owner_name?;
        Some((format!("{}@{owner}", grant.engine), owner))
    }));
    let data: Vec<Value> = found
        .into_iter()
        .map(|(id, owner)| json!({ "id": id, "object": "model", "created": 0, "owned_by": owner }))
        .collect();
    Ok(json!({ "object": "list", "data": data }))
}

/// What a client asks.
struct Asked {
    model: String,
    at: Where,
    chat: Chat,
    streams: bool,
    wants_usage: bool,
}

impl Asked {
    fn read(body: Value) -> Result<Self, Failure> {
        let invalid = |text: String| Failure::new("request-invalid", text);
        let Value::Object(mut body) = body else { return Err(invalid("the body is a JSON object".to_owned())) };
        body.retain(|_, value| !value.is_null());
        for message in body.get_mut("messages").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Value::Object(message) = message {
                message.retain(|name, value| !value.is_null() && !ONLY_IN_ANSWERS.contains(&name.as_str()));
            }
        }
        let model = match body.remove("model") {
            Some(Value::String(model)) if !model.is_empty() => model,
            _ => return Err(invalid("`model` names an engine; GET /v1/models lists them".to_owned())),
        };
        let streams = body.remove("stream").is_some_and(|stream| stream == true);
        let wants_usage =
            body.remove("stream_options").is_some_and(|options| options.get("include_usage") == Some(&json!(true)));
        if body.remove("n").is_some_and(|n| n != 1) {
            return Err(invalid("an engine gives one answer: `n` is 1".to_owned()));
        }
        for name in NOT_FOR_ENGINES {
            body.remove(*name);
        }
        if let Some(most) = body.remove("max_completion_tokens") {
            body.entry("max_tokens").or_insert(most);
        }
        if let Some(stop @ Value::String(_)) = body.get_mut("stop") {
            *stop = json!([stop.take()]);
        }
        let chat = read_chat(body).map_err(invalid)?;
        chat.check()?;
        Ok(Self { at: place(&model), model, chat, streams, wants_usage })
    }
}

fn read_chat(body: Map<String, Value>) -> Result<Chat, String> {
    serde_json::from_value(Value::Object(body)).map_err(|error| error.to_string())
}

/// `gpu` is an engine here, `gpu@Ben` one of Ben's.
fn place(model: &str) -> Where {
    match model.split_once('@') {
        Some((engine, peer)) => {
            Where::Peer { peer: peer.to_owned(), engine: (!engine.is_empty()).then(|| engine.to_owned()) }
        }
        None => Where::Here { engine: Some(model.to_owned()) },
    }
}

/// An answer on its way. Dropped, the engine is asked no more.
struct Coming {
    news: mpsc::Receiver<News>,
    next: usize,
    /// None once it is read.
    result: Option<oneshot::Receiver<Result<Given, NotGiven>>>,
    /// Lines that did not come as news.
    rest: VecDeque<Vec<u8>>,
    _stop: DropGuard,
}

impl Coming {
    fn new(ctx: &Ctx, asked: &Asked) -> Result<Self, Failure> {
        let request =
            serde_json::to_vec(&asked.chat).map_err(|error| Failure::new("request-invalid", error.to_string()))?;
        let call = EngineCall {
            key: format!("chat/{:032x}", rand::random::<u128>()),
            at: vec![asked.at.clone()],
            capability: Capability(CHAT.to_owned()),
            request,
            deadline_ms: DEADLINE_MS,
            wait_ms: WAIT_MS,
            leaves: false,
            streams: true,
        };
        let (sender, news) = mpsc::channel(NEWS_WAITING_MAX);
        let (done, result) = oneshot::channel();
        let (cancel, engines) = (CancellationToken::new(), ctx.options.engines.clone());
        let stop = cancel.clone().drop_guard();
        tokio::spawn(async move {
            // Who asked may have gone.
            let _ = done.send(engines.call(call, sender, cancel).await);
        });
        Ok(Self { news, next: 0, result: Some(result), rest: VecDeque::new(), _stop: stop })
    }

    /// The next piece; none after the last.
    async fn next(&mut self) -> Result<Option<Piece>, Failure> {
        // The sender goes with the call: what it said last is read before its result.
        while let Some(news) = self.news.recv().await {
            if let News::Piece { seq, bytes } = news
                && seq == self.next as u64
            {
                self.next += 1;
                return Piece::of_line(&bytes).map(Some);
            }
        }
        if let Some(result) = self.result.take() {
            let away = || Failure::new("mesh-away", "the engine could not be asked").retryable();
            let given = result.await.map_err(|_| away())?.map_err(|not| not.failure)?;
            // Who read too slowly has it all here.
            let lines = given.output.split_inclusive(|byte| *byte == b'\n');
            self.rest = lines.skip(self.next).map(<[u8]>::to_vec).collect();
        }
        self.rest.pop_front().map(|line| Piece::of_line(&line)).transpose()
    }
}

async fn complete(
    State(ctx): State<Ctx>, permit: Result<Permit<Runner>, Problem>, body: Result<Json<Value>, Problem>,
) -> Result<Response, Refused> {
    permit?;
    let asked = Asked::read(body?.0)?;
    let room = room(&ctx)?;
    Ok(answer(&ctx, asked, room).await?)
}

async fn answer(ctx: &Ctx, asked: Asked, room: OwnedSemaphorePermit) -> Result<Response, Failure> {
    let mut coming = Coming::new(ctx, &asked)?;
    let shape = Shape {
        id: format!("chatcmpl-{:032x}", rand::random::<u128>()),
        created: now(),
        model: asked.model,
        wants_usage: asked.wants_usage,
    };
    if !asked.streams {
        let mut answer = Answer::default();
        while let Some(piece) = coming.next().await? {
            answer.take(piece);
        }
        return Ok(axum::Json(shape.whole(answer)).into_response());
    }
    let mut waiting = VecDeque::from([shape.chunk(&json!({ "role": "assistant", "content": "" }))]);
    if let Ok(first) = tokio::time::timeout(FIRST_WITHIN, coming.next()).await {
        waiting.extend(first?.map(|piece| shape.piece(piece)).unwrap_or_default());
    }
    let state = Some((coming, waiting, room));
    let events = stream::unfold((shape, state), |(shape, state)| async move {
        let (mut coming, mut waiting, room) = state?;
        while waiting.is_empty() {
            match coming.next().await {
                Ok(Some(piece)) => waiting.extend(shape.piece(piece)),
                Ok(None) => return Some((said("[DONE]"), (shape, None))),
                Err(failure) => return Some((said(&Refused::from(failure).body().to_string()), (shape, None))),
            }
        }
        let next = waiting.pop_front()?;
        Some((said(&next.to_string()), (shape, Some((coming, waiting, room)))))
    });
    Ok(feed(ctx, events))
}

#[expect(clippy::unnecessary_wraps, reason = "the form that streams of events have")]
fn said(data: &str) -> Result<Sent, Infallible> {
    Ok(Sent::default().data(data))
}

/// How this answer is told.
struct Shape {
    id: String,
    created: Timestamp,
    model: String,
    wants_usage: bool,
}

impl Shape {
    fn head(&self, object: &str, choices: Value) -> Value {
        let created = self.created.0.div_euclid(1_000);
        json!({ "id": self.id, "object": object, "created": created, "model": self.model, "choices": choices })
    }

    fn chunk(&self, delta: &Value) -> Value {
        self.head("chat.completion.chunk", json!([{ "index": 0, "delta": delta, "finish_reason": null }]))
    }

    fn piece(&self, piece: Piece) -> Vec<Value> {
        match piece {
            Piece::Text(text) => vec![self.chunk(&json!({ "content": text }))],
            Piece::Thought(text) => vec![self.chunk(&json!({ "reasoning_content": text }))],
            Piece::ToolCalls(parts) => {
                let parts: Vec<Value> = parts.iter().map(call_part).collect();
                vec![self.chunk(&json!({ "tool_calls": parts }))]
            }
            Piece::End(end) => {
                let choices = json!([{ "index": 0, "delta": {}, "finish_reason": end.finish }]);
                let mut last = vec![self.head("chat.completion.chunk", choices)];
                if self.wants_usage {
                    let mut usage_chunk = self.head("chat.completion.chunk", json!([]));
                    usage_chunk["usage"] = usage(&end);
                    last.push(usage_chunk);
                }
                last
            }
        }
    }

    fn whole(&self, answer: Answer) -> Value {
        let end = answer.end.unwrap_or_default();
        let content = (!answer.text.is_empty() || answer.tool_calls.is_empty()).then_some(answer.text);
        let mut message = json!({ "role": "assistant", "content": content });
        if !answer.thought.is_empty() {
            message["reasoning_content"] = Value::String(answer.thought);
        }
        if !answer.tool_calls.is_empty() {
            message["tool_calls"] = json!(answer.tool_calls);
        }
        let choices = json!([{ "index": 0, "message": message, "finish_reason": end.finish }]);
        let mut whole = self.head("chat.completion", choices);
        whole["usage"] = usage(&end);
        whole
    }
}

fn usage(end: &End) -> Value {
    json!({
        "prompt_tokens": end.tokens_in,
        "completion_tokens": end.tokens_out,
        "total_tokens": end.tokens_in + end.tokens_out,
    })
}

fn call_part(part: &ToolCallPart) -> Value {
    let mut function = Map::new();
    if let Some(name) = &part.name {
        function.insert("name".to_owned(), json!(name));
    }
    function.insert("arguments".to_owned(), json!(part.arguments));
    let mut value = json!({ "index": part.index, "function": function });
    if let Some(id) = &part.id {
        value["id"] = json!(id);
        value["type"] = json!("function");
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: Value) -> Result<Asked, Failure> {
        Asked::read(body)
    }

    #[test]
    fn what_openai_s_clients_send_is_understood() {
        let asked = read(json!({
            "model": "gpu@Ben", "stream": true, "stream_options": { "include_usage": true }, "n": 1, "user": "u",
            "max_completion_tokens": 7, "stop": "END", "temperature": null,
            "messages": [
                { "role": "user", "content": "Hi" },
                { "role": "assistant", "content": "Hello", "refusal": null, "tool_calls": null, "reasoning_content": "hm" }
            ]
        }))
        .unwrap();
        assert_eq!(asked.at, Where::Peer { peer: "Ben".to_owned(), engine: Some("gpu".to_owned()) });
        assert!(asked.streams && asked.wants_usage);
        assert_eq!((asked.chat.max_tokens, asked.chat.stop), (Some(7), vec!["END".to_owned()]));
    }

    #[test]
    fn what_cannot_be_done_is_said_by_name() {
        let hi = json!([{ "role": "user", "content": "Hi" }]);
        assert!(read(json!({ "messages": hi })).err().unwrap().message.contains("`model`"));
        let two = json!({ "model": "gpu", "n": 2, "messages": hi });
        assert!(read(two).err().unwrap().message.contains("`n`"));
        let odd = json!({ "model": "gpu", "logit_bias": { "1": 2 }, "messages": hi });
        assert!(read(odd).err().unwrap().message.contains("logit_bias"));
    }

    #[test]
    fn a_limit_that_is_used_up_reads_as_one() {
        let refused = Refused::from(Failure::new("limit-reached", "the grant allows 1 call per hour").retryable());
        assert_eq!((refused.status, refused.retry_after_s), (StatusCode::TOO_MANY_REQUESTS, Some(1)));
        assert_eq!(refused.body()["error"]["type"], "invalid_request_error");
    }
}
