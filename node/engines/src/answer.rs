//! Reading an answer that comes in chunks. Pure.

use flowork_protocol::chat::{Chat, End, Piece, ToolCallPart};
use serde_json::Value;

/// An answer on its way.
pub(crate) struct Reading {
    end: End,
    /// How many chunks had something in them: none has more than a token where a server does not count.
    pieces: u64,
    tokens_in_max: u64,
    has_ended: bool,
}

impl Reading {
    pub(crate) fn new(model: &str, chat: &Chat) -> Self {
        Self {
            end: End { model: shown(model).to_owned(), ..End::default() },
            pieces: 0,
            tokens_in_max: chat.tokens_in_max(),
            has_ended: false,
        }
    }

    /// What a chunk brings.
    pub(crate) fn take(&mut self, chunk: &Value) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if let Some(usage) = chunk.get("usage").filter(|usage| usage.is_object()) {
            let count = |name: &str| usage.get(name).and_then(Value::as_u64);
            if let (Some(read), Some(written)) = (count("prompt_tokens"), count("completion_tokens")) {
                (self.end.tokens_in, self.end.tokens_out, self.end.is_counted) = (read, written, true);
            }
        }
        let Some(choice) = chunk.get("choices").and_then(|choices| choices.get(0)) else { return pieces };
        if let Some(finish) = choice.get("finish_reason").and_then(Value::as_str) {
            finish.clone_into(&mut self.end.finish);
            self.has_ended = true;
        }
        let delta = choice.get("delta").unwrap_or(&Value::Null);
        let text = |name: &str| delta.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let thought = text("reasoning_content").or_else(|| text("reasoning"));
        pieces.extend(thought.map(|text| Piece::Thought(text.to_owned())));
        pieces.extend(text("content").map(|text| Piece::Text(text.to_owned())));
        if let Some(calls) = delta.get("tool_calls").and_then(Value::as_array).filter(|calls| !calls.is_empty()) {
            pieces.push(Piece::ToolCalls((0..).zip(calls).map(|(place, call)| part(place, call)).collect()));
        }
        self.pieces += pieces.len() as u64;
        pieces
    }

    /// How it ended; none when it broke off.
    pub(crate) fn end(mut self) -> Option<End> {
        if !self.end.is_counted {
            (self.end.tokens_in, self.end.tokens_out) = (self.tokens_in_max, self.pieces);
        }
        self.has_ended.then_some(self.end)
    }
}

/// A model's name without the folder that it lies in: some servers call it by its path.
fn shown(model: &str) -> &str {
    let name = model.rsplit(['/', '\\']).next().unwrap_or(model);
    name.strip_suffix(".gguf").unwrap_or(name)
}

fn part(place: u32, call: &Value) -> ToolCallPart {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let function = call.get("function");
    let index = call.get("index").and_then(Value::as_u64).and_then(|index| u32::try_from(index).ok());
    ToolCallPart {
        index: index.unwrap_or(place),
        id: text(call.get("id")),
        name: text(function.and_then(|function| function.get("name"))),
        arguments: text(function.and_then(|function| function.get("arguments"))).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use flowork_protocol::chat::{Answer, Message, Speaker};
    use serde_json::json;

    use super::*;

    fn chat() -> Chat {
        Chat { messages: vec![Message::text(Speaker::User, "Hi")], ..Chat::default() }
    }

    fn read(chunks: &[Value]) -> (Answer, Option<End>) {
        let (mut reading, mut answer) = (Reading::new("m", &chat()), Answer::default());
        for chunk in chunks {
            reading.take(chunk).into_iter().for_each(|piece| answer.take(piece));
        }
        (answer, reading.end())
    }

    #[test]
    fn text_thoughts_and_counts_are_read_as_servers_send_them() {
        let (answer, end) = read(&[
            json!({ "choices": [{ "delta": { "role": "assistant", "content": null } }] }),
            json!({ "choices": [{ "delta": { "reasoning_content": "hm" } }] }),
            json!({ "choices": [{ "delta": { "content": "Hel" } }] }),
            json!({ "choices": [{ "delta": { "content": "lo" } }] }),
            json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }] }),
            json!({ "choices": [], "usage": { "prompt_tokens": 9, "completion_tokens": 2 } }),
        ]);
        assert_eq!((answer.text.as_str(), answer.thought.as_str()), ("Hello", "hm"));
        let counted = End { finish: "stop".into(), model: "m".into(), tokens_in: 9, tokens_out: 2, is_counted: true };
        assert_eq!(end, Some(counted));
    }

    #[test]
    fn a_call_of_a_tool_comes_in_parts() {
        let (answer, _) = read(&[
            json!({ "choices": [{ "delta": { "tool_calls": [
                { "index": 0, "id": "c1", "function": { "name": "look", "arguments": "" } }
            ] } }] }),
            json!({ "choices": [{ "delta": { "tool_calls": [{ "index": 0, "function": { "arguments": "{}" } }] } }] }),
        ]);
        assert_eq!((answer.tool_calls[0].id.as_str(), answer.tool_calls[0].function.name.as_str()), ("c1", "look"));
        assert_eq!(answer.tool_calls[0].function.arguments, "{}");
    }

    #[test]
    fn what_a_server_does_not_count_is_counted_at_most() {
        let (_, end) = read(&[
            json!({ "choices": [{ "delta": { "content": "a" } }] }),
            json!({ "choices": [{ "delta": { "content": "b" }, "finish_reason": "length" }] }),
        ]);
        let end = end.unwrap();
        assert_eq!((end.tokens_in, end.tokens_out, end.is_counted), (chat().tokens_in_max(), 2, false));
    }

    #[test]
    fn where_a_model_lies_is_not_told() {
        assert_eq!(shown("/home/ana/models/smollm2-135m.gguf"), "smollm2-135m");
        assert_eq!(shown("smollm2:135m"), "smollm2:135m");
    }

    #[test]
    fn an_answer_without_an_end_broke_off() {
        assert_eq!(read(&[json!({ "choices": [{ "delta": { "content": "a" } }] })]).1, None);
    }
}
