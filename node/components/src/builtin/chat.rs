//! Asks a language model, here or at a friend's.

use std::sync::Arc;

use flowork_ports::component::{Call, Yield};
use flowork_protocol::Failure;
use flowork_protocol::chat::{Answer, Chat, Message, Piece, Speaker};
use flowork_protocol::event::Level;
use flowork_protocol::grant::Capability;
use flowork_protocol::manifest::Effect;
use futures::StreamExt as _;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::engine::{At, Listener, NotYet, Places, WhenAway};
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
    #[serde(default = "at_default")]
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
    /// What happens when nobody took it by then, or who took it is away for as long.
    #[serde(default)]
    when_away: WhenAway,
    /// How many items are asked about at once.
    #[serde(default = "at_once_default")]
    #[schemars(range(min = 1, max = 64))]
    at_once: usize,
}

fn wait_default() -> Value {
    json!("30s")
}

const fn at_default() -> At {
    At::Here
}

const fn at_once_default() -> usize {
    1
}

impl Config {
    fn places(&self) -> Places<'_> {
        Places { at: self.at, peer: self.peer.as_deref(), engine: self.engine.as_deref(), when_away: self.when_away }
    }
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
    .check_by(|config| config.places().check())
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
    if call.dry_run && config.at != At::Here {
        let mut done = Paired::default();
        for (index, chat) in questions.iter().enumerate() {
            done.push_json(json!({ "dry_run": true, "text": "", "messages": chat.messages }), index);
        }
        let note = format!("dry run: would have asked {} questions", questions.len());
        return Ok(Yield::Output(done.out().note(note)));
    }
    // When one question fails, the others are asked no further: whoever answers them would be paid for nothing.
    let stop = &call.cancel.child_token();
    let asking: Vec<_> = questions
        .into_iter()
        .enumerate()
        .map(|(index, chat)| async move {
            if stop.is_cancelled() {
                return Err(NotYet::Failed(Failure::new("cancelled", "another question of the step failed")));
            }
            ask(config, (call, stop), options, index, &chat)
                .await
                .map_err(|not_yet| not_yet.map(|failure| failure.item(index)))
        })
        .collect();
    let mut answers = futures::stream::iter(asking).buffered(config.at_once.clamp(1, AT_ONCE_MAX));
    let (mut done, mut notes, mut index) = (Paired::default(), Vec::new(), 0);
    while let Some(answered) = answers.next().await {
        let (json, note) = match answered {
            Ok(answered) => answered,
            Err(not_yet) => {
                stop.cancel();
                // Until who answers has heard it.
                while answers.next().await.is_some() {}
                return not_yet.or_yield();
            }
        };
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
    config: &Config, (call, stop): (&Call, &CancellationToken), options: &Arc<Options>, index: usize, chat: &Chat,
) -> Result<(Value, String), NotYet> {
    let request = serde_json::to_vec(chat).map_err(|error| Failure::new("chat-invalid", error.to_string()))?;
    let mut said = Said { call, text: String::new(), shown: 0 };
    let places = config.places();
    let capability = Capability("chat".to_owned());
    let asked =
        engine::Asked { part: Some(index), places: &places, capability, request, wait: &config.wait, cancel: stop };
    let given = engine::call(options, call, asked, Some(&mut said)).await;
    said.show_rest();
    // What was said until then is not lost.
    let given = given.map_err(|not_yet| {
        not_yet.map(|failure| match said.text.is_empty() || failure.detail.is_some() {
            true => failure,
            false => {
                let end = said.text.floor_char_boundary(SAID_BYTES_MAX);
                failure.detail(format!("it had said until then: {}", &said.text[..end]))
            }
        })
    })?;
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

/// Shows an answer line by line as it comes.
struct Said<'a> {
    call: &'a Call,
    text: String,
    /// What is shown already, in bytes.
    shown: usize,
}

impl Said<'_> {
    fn show_rest(&mut self) {
        show(self.call, &self.text[self.shown..]);
        self.shown = self.text.len();
    }
}

impl Listener for Said<'_> {
    fn piece(&mut self, line: &[u8]) {
        if let Ok(Piece::Text(text)) = Piece::of_line(line) {
            for part in text.split_inclusive('\n') {
                self.text.push_str(part);
                if part.ends_with('\n') {
                    show(self.call, &self.text[self.shown..self.text.len() - 1]);
                    self.shown = self.text.len();
                }
            }
        }
    }

    fn anew(&mut self) {
        self.show_rest();
        self.call.log.line(Level::Warn, "the answer broke off here; what follows is said anew by somebody else");
        self.text.clear();
        self.shown = 0;
    }
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

**When nobody can take it** the step waits for `wait`. What happens then `when_away` says: the step fails with the reason (`fail`), \
you are asked (`ask`), another friend's model answers (`other`), or one of this node (`here`). Only `other` and your yes let somebody \
else see the data. A friend who goes away in the middle of an answer is left after `wait` too, unless it is `fail`; the answer is then \
said anew, and the log marks where it broke off. What was said before a failure is in the failure's details. A dry run asks no friend.";
