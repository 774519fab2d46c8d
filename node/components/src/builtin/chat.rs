//! Asks a language model, here or at a friend's.

use std::sync::Arc;

use flowork_ports::component::{Call, Yield};
use flowork_ports::engines::Where;
use flowork_protocol::Failure;
use flowork_protocol::chat::{Answer, Chat, Message, Piece, Speaker};
use flowork_protocol::event::Level;
use flowork_protocol::grant::Capability;
use flowork_protocol::manifest::Effect;
use futures::StreamExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Options, engine};
use crate::config::Field;
use crate::expression::{Scope, Session};
use crate::kind::{Made, kind};
use crate::pairs::Paired;

/// How many questions of one step may be asked at once.
const AT_ONCE_MAX: usize = 64;
/// As much of an answer that broke off is kept, in bytes.
const SAID_BYTES_MAX: usize = 16 << 10;
/// The longest line of an answer that is shown while it comes, in bytes.
const LINE_BYTES_MAX: usize = 2_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// What the model is asked, for each item.
    prompt: Field<String>,
    /// What it is told beforehand: who it is, how to answer.
    #[serde(default)]
    system: Option<Field<String>>,
    /// Whose model it is.
    #[serde(default)]
    at: At,
    /// Which friend, by the name that this node knows them by. Anybody who lends one, when nothing is said.
    #[serde(default)]
    peer: Option<String>,
    /// Which engine, when there are several.
    #[serde(default)]
    engine: Option<String>,
    /// The answer's form: a JSON Schema. The answer is then also a value, in `json`.
    #[serde(default)]
    schema: Option<Value>,
    /// How freely it chooses its words: 0 is the same each time, 1 and more is bolder.
    #[serde(default)]
    #[schemars(range(min = 0, max = 2))]
    temperature: Option<f64>,
    /// The most tokens that it writes for an item. A token is about four letters of English.
    #[serde(default)]
    #[schemars(range(min = 1))]
    max_tokens: Option<u64>,
    /// How long to wait while nobody can take it: `30s`, `10m`, `2h`.
    #[serde(default = "wait_default")]
    wait: Value,
    /// How many items are asked about at once.
    #[serde(default = "at_once_default")]
    #[schemars(range(min = 1, max = 64))]
    at_once: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum At {
    /// One of this node: nothing leaves it.
    #[default]
    Here,
    /// A friend's.
    Friend,
    /// One of this node where there is one, else a friend's.
    Anywhere,
}

fn wait_default() -> Value {
    json!("30s")
}

const fn at_once_default() -> usize {
    1
}

pub(super) fn component(options: &Arc<Options>) -> Made {
    let options = Arc::clone(options);
    kind::<Config>(
        "chat",
        "Ask a model",
        "Asks a language model about each item, on this machine or a friend's.",
        "AI",
        DOCS,
    )
    .effect(Effect::Idempotent)
    .example(
        "The mood of a letter, in one word",
        json!({ "prompt": "In one word, how does the writer feel? {{ $json.text }}", "temperature": 0 }),
        json!({ "in": [{ "text": "I waited three weeks for this." }] }),
        json!({}),
    )
    .later(move |config, call| {
        let options = Arc::clone(&options);
        async move { run(&config, &call, &options).await }
    })
}

async fn run(config: &Config, call: &Call, options: &Arc<Options>) -> Result<Yield, Failure> {
    // Everything is worked out before anything is asked: a wrong expression for the last item asks nothing.
    let mut questions = Vec::new();
    let session = Session::new(call);
    for index in 0..call.input("in").len() {
        let scope = session.at(index);
        questions.push(question(config, &scope).map_err(|failure| failure.item(index))?);
    }
    let asking: Vec<_> = questions
        .into_iter()
        .enumerate()
        .map(|(index, chat)| async move {
            ask(config, call, options, index, &chat).await.map_err(|failure| failure.item(index))
        })
        .collect();
    let mut answers = futures::stream::iter(asking).buffered(config.at_once.clamp(1, AT_ONCE_MAX));
    let (mut done, mut notes, mut index) = (Paired::default(), Vec::new(), 0);
    while let Some(answered) = answers.next().await {
        let (json, note) = answered?;
        done.push_json(json, index);
        notes.push(note);
        index += 1;
    }
    drop(answers);
    let output = done.out();
    Ok(Yield::Output(match notes.as_slice() {
        [] => output,
        [note] => output.note(note.clone()),
        [.., last] => output.note(format!("the last one {last}")),
    }))
}

fn question(config: &Config, scope: &Scope<'_>) -> Result<Chat, Failure> {
    let mut messages = Vec::new();
    if let Some(system) = &config.system {
        messages.push(Message::text(Speaker::System, system.get(scope)?.into_owned()));
    }
    messages.push(Message::text(Speaker::User, config.prompt.get(scope)?.into_owned()));
    let response_format = config.schema.as_ref().map(|schema| {
        json!({ "type": "json_schema", "json_schema": { "name": "answer", "strict": true, "schema": schema } })
    });
    let chat = Chat {
        messages,
        temperature: config.temperature,
        max_tokens: config.max_tokens,
        response_format,
        ..Chat::default()
    };
    chat.check()?;
    Ok(chat)
}

async fn ask(
    config: &Config, call: &Call, options: &Arc<Options>, index: usize, chat: &Chat,
) -> Result<(Value, String), Failure> {
    let friend = || match &config.peer {
        Some(peer) => Where::Peer { peer: peer.clone(), engine: config.engine.clone() },
        None => Where::Any,
    };
    let here = || Where::Here { engine: config.engine.clone() };
    let given = match config.at {
        At::Here => ask_at(config, call, options, index, chat, here()).await,
        At::Friend => ask_at(config, call, options, index, chat, friend()).await,
        At::Anywhere => match ask_at(config, call, options, index, chat, here()).await {
            Err(failure) if failure.code == "no-engine-here" => {
                ask_at(config, call, options, index, chat, friend()).await
            }
            asked => asked,
        },
    }?;
    let answer = Answer::of_output(&given.output)?;
    let end = answer.end.unwrap_or_default();
    let mut json = json!({
        "text": answer.text,
        "finish": end.finish,
        "model": end.model,
        "tokens_in": end.tokens_in,
        "tokens_out": end.tokens_out,
    });
    if !answer.thought.is_empty() {
        json["thought"] = Value::String(answer.thought);
    }
    if config.schema.is_some() {
        json["json"] = serde_json::from_str(&answer.text).map_err(|error| {
            Failure::new("answer-no-json", format!("the answer was to be JSON and is not: {error}"))
                .hint("give it more `max_tokens`, a simpler schema, or a larger model")
                .detail(answer.text)
                .retryable()
        })?;
    }
    Ok((json, given.note))
}

/// Asks, and shows the answer line by line as it comes.
async fn ask_at(
    config: &Config, call: &Call, options: &Arc<Options>, index: usize, chat: &Chat, at: Where,
) -> Result<flowork_ports::engines::Given, Failure> {
    let request = serde_json::to_vec(chat).map_err(|error| Failure::new("chat-invalid", error.to_string()))?;
    // What is shown already is the beginning of what was said.
    let (mut said, mut shown) = (String::new(), 0);
    let mut piece = |line: &[u8]| {
        if let Ok(Piece::Text(text)) = Piece::of_line(line) {
            for part in text.split_inclusive('\n') {
                said.push_str(part);
                if part.ends_with('\n') {
                    show(call, &said[shown..said.len() - 1]);
                    shown = said.len();
                }
            }
        }
    };
    let asked =
        engine::Asked { part: Some(index), at, capability: Capability("chat".to_owned()), request, wait: &config.wait };
    let given = engine::call(options, call, asked, Some(&mut piece)).await;
    show(call, &said[shown..]);
    // What was said until then is not lost.
    given.map_err(|failure| match said.is_empty() || failure.detail.is_some() {
        true => failure,
        false => {
            failure.detail(format!("it had said until then: {}", &said[..said.floor_char_boundary(SAID_BYTES_MAX)]))
        }
    })
}

fn show(call: &Call, line: &str) {
    if !line.trim().is_empty() {
        let end = line.floor_char_boundary(LINE_BYTES_MAX);
        call.log.line(Level::Info, &line[..end]);
    }
}

const DOCS: &str = "Each item becomes an item with `text`, how it ended in `finish` (`stop`, or `length` when `max_tokens` cut it \
off), the `model`, and `tokens_in` and `tokens_out`. With a `schema` the answer is also a value, in `json`. What the model says shows \
in the step's log while it comes.

**Whose model.** With `at: \"here\"` a model server of this machine is asked: Ollama, llama.cpp, LM Studio or another one that \
speaks OpenAI's format. `flowork engine find` shows those that run, `flowork engine lend gpu --chat` makes one an engine of this node. \
With `at: \"friend\"` a friend's engine is asked under the grant that they gave (`flowork grant list`).

**Who sees the data.** Here, nobody else. A friend sees the prompt and the answer; which model really answered cannot be proven. Each \
answer of a friend's comes with a signed receipt (`flowork receipts`). `at: \"anywhere\"` asks a friend only where this node has no \
such engine.

**When nobody can take it** the step waits for `wait` and then fails with the reason. What was said before a failure is in the failure's \
details.";
