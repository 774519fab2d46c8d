//! Chat with a model: what is asked, and what comes back piece by piece.
//!
//! A request is one JSON object, [`Chat`]. An output is JSON lines, one [`Piece`] each, the last one [`Piece::End`]; so what
//! came before a failure can be read. Field names of requests are those of the chat format that model servers share.
//!
//! Non-goals: which model answers (the engine's owner chose it), and where it runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Failure;

/// The most bytes of one request.
pub const REQUEST_BYTES_MAX: usize = 8 << 20;
/// The most bytes of one output.
pub const OUTPUT_BYTES_MAX: usize = 4 << 20;
/// What a message weighs beside its text, in tokens: the words with which a model's template surrounds it.
const MESSAGE_TOKENS: u64 = 16;
/// What a picture weighs at least, in tokens: models make more of a small one than its bytes.
const PICTURE_TOKENS: u64 = 8_192;
/// How deep what is asked for may nest.
const DEPTH_MAX: usize = 64;

/// What is asked of a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chat {
    /// What was said so far, oldest first.
    pub messages: Vec<Message>,
    /// How freely it chooses its words, from 0; the model server's own unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Only the likeliest words whose chances make up so much are chosen from, up to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// The most tokens that it writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// It ends where it would write one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// The same seed gives the same words, as far as the model server keeps to that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// How much it avoids what was said already, from -2 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    /// How much it avoids what was said often, from -2 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    /// What it may ask to be called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Value>,
    /// Whether it has to call one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<Value>,
    /// The form of its answer: `{ "type": "json_object" }`, or with a JSON Schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_format: Option<Value>,
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// Whoever set the conversation up.
    System,
    /// The same, as newer clients call it.
    Developer,
    /// Who asks.
    User,
    /// The model.
    Assistant,
    /// What a tool gave.
    Tool,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// By whom.
    pub role: Speaker,
    /// What it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// The speaker's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the model asked to be called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// Which of these calls a tool's message answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
}

impl Message {
    /// A message that is only text.
    pub fn text(role: Speaker, text: impl Into<String>) -> Self {
        Self { role, content: Some(Content::Text(text.into())), name: None, tool_calls: Vec::new(), tool_call_id: None }
    }
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Content {
    /// Text.
    Text(String),
    /// Texts and pictures.
    Parts(Vec<Part>),
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Part {
    /// Text.
    Text {
        /// It.
        text: String,
    },
    /// A picture.
    ImageUrl {
        /// It.
        image_url: Image,
    },
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// A `data:` address: the picture itself. An engine never fetches what a caller names.
    pub url: String,
    /// How closely to look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// A call that the model asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToolCall {
    /// Its name in this conversation.
    pub id: String,
    /// `function`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What to call.
    pub function: Function,
}

/// What a model wants called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Function {
    /// The tool's name.
    pub name: String,
    /// What it is given: JSON, as the model wrote it.
    pub arguments: String,
}

impl Chat {
    /// Reads a request.
    ///
    /// # Errors
    /// When it is none, or asks for what no engine does.
    pub fn read(bytes: &[u8]) -> Result<Self, Failure> {
        let chat: Self =
            serde_json::from_slice(bytes).map_err(|error| invalid(format!("the request is no chat: {error}")))?;
        chat.check()?;
        Ok(chat)
    }

    /// Whether an engine can be asked this.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), Failure> {
        if self.messages.is_empty() {
            return Err(invalid("a chat begins with a message: `messages` is empty".to_owned()));
        }
        // To some model servers it means that nothing limits them.
        if self.max_tokens == Some(0) {
            return Err(invalid("`max_tokens` is at least 1".to_owned()));
        }
        for (number, message) in (1..).zip(&self.messages) {
            if message.content.is_none() && message.tool_calls.is_empty() {
                return Err(invalid(format!("message {number} says nothing: it has no `content`")));
            }
            for part in message.parts() {
                if let Part::ImageUrl { image_url } = part
                    && !image_url.url.starts_with("data:")
                {
                    let text = format!("the picture of message {number} is an address; an engine fetches none");
                    return Err(invalid(text).hint("send the picture itself as a `data:` address"));
                }
            }
        }
        let schemas = self.tools.iter().chain(&self.tool_choice).chain(&self.response_format);
        for schema in schemas {
            refers_inside(schema, 0)?;
        }
        Ok(())
    }

    /// The most tokens that reading it can take: no token is less than a byte of text.
    #[must_use]
    pub fn tokens_in_max(&self) -> u64 {
        let of = |value: &Value| value.to_string().len() as u64;
        let messages = self.messages.iter().map(|message| {
            let texts = message.texts().map(str::len).sum::<usize>() as u64;
            let calls = message.tool_calls.iter().map(|call| call.function.name.len() + call.function.arguments.len());
            texts + calls.sum::<usize>() as u64 + message.picture_tokens() + MESSAGE_TOKENS
        });
        messages.sum::<u64>() + self.tools.iter().chain(&self.response_format).map(of).sum::<u64>()
    }
}

impl Message {
    fn parts(&self) -> &[Part] {
        match &self.content {
            Some(Content::Parts(parts)) => parts,
            _ => &[],
        }
    }

    fn picture_tokens(&self) -> u64 {
        let pictures = self.parts().iter().filter_map(|part| match part {
            Part::Text { .. } => None,
            Part::ImageUrl { image_url } => Some((image_url.url.len() as u64).max(PICTURE_TOKENS)),
        });
        pictures.sum()
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let whole = match &self.content {
            Some(Content::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        let parts = self.parts().iter().filter_map(|part| match part {
            Part::Text { text } => Some(text.as_str()),
            Part::ImageUrl { .. } => None,
        });
        whole.into_iter().chain(parts)
    }
}

/// Whether a schema refers to nothing outside itself: a model server must not be made to fetch it.
fn refers_inside(value: &Value, depth: usize) -> Result<(), Failure> {
    if depth > DEPTH_MAX {
        return Err(invalid(format!("a schema nests deeper than {DEPTH_MAX}")));
    }
    match value {
        Value::Object(map) => map.iter().try_for_each(|(key, value)| match value {
            Value::String(to) if key == "$ref" && !to.starts_with('#') => {
                Err(invalid(format!("a schema refers to `{to}`, which is outside of it")))
            }
            value => refers_inside(value, depth + 1),
        }),
        Value::Array(values) => values.iter().try_for_each(|value| refers_inside(value, depth + 1)),
        _ => Ok(()),
    }
}

fn invalid(text: String) -> Failure {
    Failure::new("chat-invalid", text)
}

/// A piece of what a model says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// Some of the answer.
    Text(String),
    /// Some of what it thinks before it answers.
    Thought(String),
    /// Some of the calls that it asks for.
    ToolCalls(Vec<ToolCallPart>),
    /// That was all.
    End(End),
}

/// Some of a call that the model asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolCallPart {
    /// Which of the calls, from 0.
    pub index: u32,
    /// Its name; once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The tool's name; once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Some of the arguments.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub arguments: String,
}

/// How it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct End {
    /// Why: `stop`, `length` or `tool_calls`.
    pub finish: String,
    /// Which model, as its server calls it.
    pub model: String,
    /// Tokens that were read.
    pub tokens_in: u64,
    /// Tokens that were written.
    pub tokens_out: u64,
    /// Whether the model server counted these; else they are at most so many.
    pub is_counted: bool,
}

impl Piece {
    /// One line of an output.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        // Strings and numbers alone: nothing in them cannot be written.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }

    /// Reads one line.
    ///
    /// # Errors
    /// When it is none.
    pub fn of_line(line: &[u8]) -> Result<Self, Failure> {
        serde_json::from_slice(line)
            .map_err(|error| Failure::new("output-invalid", format!("what came is no piece of a chat: {error}")))
    }
}

/// What a model said, put together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The answer.
    pub text: String,
    /// What it thought before.
    pub thought: String,
    /// The calls that it asks for.
    pub tool_calls: Vec<ToolCall>,
    /// How it ended; none when the end did not come.
    pub end: Option<End>,
}

impl Answer {
    /// All of an output.
    ///
    /// # Errors
    /// When a line of it is no piece.
    pub fn of_output(output: &[u8]) -> Result<Self, Failure> {
        let mut answer = Self::default();
        for line in output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            answer.take(Piece::of_line(line)?);
        }
        Ok(answer)
    }

    /// Adds the next piece.
    pub fn take(&mut self, piece: Piece) {
        match piece {
            Piece::Text(text) => self.text.push_str(&text),
            Piece::Thought(text) => self.thought.push_str(&text),
            Piece::ToolCalls(parts) => parts.into_iter().for_each(|part| self.take_call(part)),
            Piece::End(end) => self.end = Some(end),
        }
    }

    fn take_call(&mut self, part: ToolCallPart) {
        const CALLS_MAX: u32 = 128;
        if part.index >= CALLS_MAX {
            return;
        }
        let index = part.index as usize;
        while self.tool_calls.len() <= index {
            let function = Function { name: String::new(), arguments: String::new() };
            self.tool_calls.push(ToolCall { id: String::new(), kind: "function".to_owned(), function });
        }
        let call = &mut self.tool_calls[index];
        if let Some(id) = part.id {
            call.id = id;
        }
        if let Some(name) = part.name {
            call.function.name = name;
        }
        call.function.arguments.push_str(&part.arguments);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<Chat, Failure> {
        Chat::read(value.to_string().as_bytes())
    }

    #[test]
    fn what_clients_send_is_read_and_written_alike() {
        let value = json!({
            "messages": [
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": [
                    { "type": "text", "text": "What is this?" },
                    { "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA" } }
                ] },
                { "role": "assistant", "tool_calls": [
                    { "id": "c1", "type": "function", "function": { "name": "look", "arguments": "{}" } }
                ] },
                { "role": "tool", "content": "a cat", "tool_call_id": "c1" }
            ],
            "temperature": 0.5, "max_tokens": 9, "stop": ["."],
            "response_format": { "type": "json_schema", "json_schema": { "schema": { "$ref": "#/$defs/a" } } }
        });
        assert_eq!(serde_json::to_value(read(&value).unwrap()).unwrap(), value);
    }

    #[test]
    fn nothing_that_a_caller_names_is_fetched() {
        let picture = json!({ "messages": [{ "role": "user", "content": [
            { "type": "image_url", "image_url": { "url": "http://169.254.169.254/" } }
        ] }] });
        assert!(read(&picture).unwrap_err().message.contains("an engine fetches none"));
        let schema = json!({
            "messages": [{ "role": "user", "content": "x" }],
            "tools": [{ "type": "function", "function": { "name": "a", "parameters": { "$ref": "http://10.0.0.1/s" } } }]
        });
        assert!(read(&schema).unwrap_err().message.contains("outside of it"));
    }

    #[test]
    fn what_no_engine_does_is_refused_by_name() {
        assert!(read(&json!({ "messages": [] })).is_err());
        let zero = json!({ "messages": [{ "role": "user", "content": "x" }], "max_tokens": 0 });
        assert!(read(&zero).unwrap_err().message.contains("max_tokens"));
        assert!(read(&json!({ "messages": [{ "role": "user" }] })).unwrap_err().message.contains("message 1"));
        let model = json!({ "messages": [{ "role": "user", "content": "x" }], "model": "gpt" });
        assert!(read(&model).unwrap_err().message.contains("model"));
        let mut deep = json!({});
        (0..100).for_each(|_| deep = json!({ "a": deep.take() }));
        assert!(read(&json!({ "messages": [{ "role": "user", "content": "x" }], "response_format": deep })).is_err());
    }

    #[test]
    fn an_answer_is_put_together_from_its_lines() {
        let call = |id: Option<&str>, name: Option<&str>, arguments: &str| ToolCallPart {
            index: 0,
            id: id.map(str::to_owned),
            name: name.map(str::to_owned),
            arguments: arguments.to_owned(),
        };
        let end = End { finish: "stop".to_owned(), tokens_out: 2, is_counted: true, ..End::default() };
        let pieces = [
            Piece::Thought("hm".to_owned()),
            Piece::Text("Hel".to_owned()),
            Piece::Text("lo\n".to_owned()),
            Piece::ToolCalls(vec![call(Some("c"), Some("look"), "{\"a\"")]),
            Piece::ToolCalls(vec![call(None, None, ":1}")]),
            Piece::End(end.clone()),
        ];
        let output: Vec<u8> = pieces.iter().flat_map(Piece::line).collect();
        let answer = Answer::of_output(&output).unwrap();
        assert_eq!((answer.text.as_str(), answer.thought.as_str(), answer.end), ("Hello\n", "hm", Some(end)));
        assert_eq!(answer.tool_calls[0].function.arguments, "{\"a\":1}");
        assert!(Answer::of_output(b"{\"text\":\"a\"}\nnonsense\n").is_err());
    }

    #[test]
    fn reading_is_never_counted_below_what_it_takes() {
        let chat = read(&json!({ "messages": [{ "role": "user", "content": "héllo" }] })).unwrap();
        assert_eq!(chat.tokens_in_max(), 6 + MESSAGE_TOKENS);
        let picture = json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA" } });
        let chat = read(&json!({ "messages": [{ "role": "user", "content": [picture, picture] }] })).unwrap();
        assert_eq!(chat.tokens_in_max(), 2 * PICTURE_TOKENS + MESSAGE_TOKENS);
    }
}
