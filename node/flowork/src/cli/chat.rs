//! `flowork chat …`: a word with a model, here or at a friend's.

use std::io::Write as _;

use clap::Args;
use serde_json::{Value, json};

use super::fail::{Fail, NOT_FOUND, UNAVAILABLE};
use super::show::text_of;
use super::{Context, print_text};

/// Ask a model of this node, or of a friend who lends one
#[derive(Debug, Args)]
pub(crate) struct Chat {
    /// What to ask
    prompt: String,
    /// Which engine: gpu, or gpu@Ben for one of Ben's; the only one unless said
    #[arg(long, short)]
    engine: Option<String>,
    /// What the model is told beforehand
    #[arg(long)]
    system: Option<String>,
    /// The most tokens that it writes
    #[arg(long)]
    max_tokens: Option<u64>,
}

impl Chat {
    /// Carries it out.
    pub(crate) async fn run(self, context: &Context) -> Result<(), Fail> {
        let client = context.client()?;
        let engine = match self.engine {
            Some(engine) => engine,
            None => only(&client.get("/v1/models").await?)?,
        };
        let system = self.system.map(|text| json!({ "role": "system", "content": text }));
        let messages: Vec<Value> =
            system.into_iter().chain([json!({ "role": "user", "content": self.prompt })]).collect();
        let mut body = json!({
            "model": engine,
            "messages": messages,
            "stream": true,
            "stream_options": { "include_usage": true },
        });
        if let Some(most) = self.max_tokens {
            body["max_tokens"] = json!(most);
        }
        let mut feed = client.feed_of("/v1/chat/completions", &body).await?;
        let (mut said, mut usage, mut is_whole) = (String::new(), Value::Null, false);
        while let Some(data) = feed.next().await? {
            if data == "[DONE]" {
                is_whole = true;
                break;
            }
            let chunk: Value = serde_json::from_str(&data)
                .map_err(|error| Fail::because("the node sent something that is no answer", &error))?;
            if let Some(message) = chunk["error"]["message"].as_str() {
                return Err(Fail::new(UNAVAILABLE, message));
            }
            if !chunk["usage"].is_null() {
                usage = chunk["usage"].clone();
            }
            if let Some(text) = chunk["choices"][0]["delta"]["content"].as_str() {
                said.push_str(text);
                if !context.json {
                    // A model may not move the cursor of this terminal.
                    let shown: String =
                        text.chars().filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t')).collect();
                    print_text(&shown);
                    // A terminal that is gone is noticed by the next word.
                    let _ = std::io::stdout().flush();
                }
            }
        }
        if !is_whole {
            return Err(Fail::new(UNAVAILABLE, "the answer broke off"));
        }
        context.print(&json!({ "engine": engine, "text": said, "usage": usage }), |_| {
            format!("\n\n{engine}: {} tokens read, {} written\n", usage["prompt_tokens"], usage["completion_tokens"])
        });
        Ok(())
    }
}

/// The one engine that can be chatted with.
fn only(models: &Value) -> Result<String, Fail> {
    let all: Vec<String> = models["data"].as_array().into_iter().flatten().map(|model| text_of(&model["id"])).collect();
    match all.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Fail::new(NOT_FOUND, "no engine can be chatted with")
            .hint("`flowork engine find` shows model servers of this machine, `flowork engine lend gpu --chat` makes one an engine; or ask a friend for a grant")),
        several => Err(Fail::new(NOT_FOUND, format!("there are {} engines to chat with", several.len()))
            .hint(format!("name one with --engine: {}", several.join(", ")))),
    }
}
