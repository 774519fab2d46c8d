//! Finding model servers on this machine.

use std::time::Duration;

use flowork_ports::models::ModelServer;
use flowork_protocol::Failure;
use futures::future::join_all;
use reqwest::Client;
use serde::Deserialize;
use url::Url;

use crate::adopted::{endpoint, root};

/// How long a server may take to say which models it has.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// The longest list of models that is read.
const LIST_BYTES_MAX: usize = 4 << 20;
/// The most models of one server that are told of.
const MODELS_MAX: usize = 500;

/// Where they listen unless they are told otherwise: Ollama, llama.cpp, LM Studio, vLLM and llama-cpp-python, Jan, `KoboldCpp`,
/// text-generation-webui, GPT4All, and what people take when 8080 is taken.
const PORTS: &[u16] = &[11434, 8080, 1234, 8000, 1337, 5001, 5000, 4891, 8081];

/// All that answer at the usual ports, in that order.
pub(crate) async fn everywhere(client: &Client) -> Vec<ModelServer> {
    let urls: Vec<Url> = PORTS.iter().filter_map(|port| format!("http://127.0.0.1:{port}").parse().ok()).collect();
    let asked = join_all(urls.iter().map(|url| at(client, url))).await;
    asked.into_iter().filter_map(Result::ok).collect()
}

/// The one at this address.
pub(crate) async fn at(client: &Client, url: &Url) -> Result<ModelServer, Failure> {
    let server = url.as_str().trim_end_matches('/').to_owned();
    let none = |why: String| {
        Failure::new("no-model-server", format!("no model server answers at {server}: {why}"))
            .hint("start it, or name the address at which it listens")
    };
    let asking = async {
        let response = client.get(endpoint(url, "models")).send().await.map_err(|error| none(root(&error)))?;
        let status = response.status();
        if !status.is_success() {
            return Err(none(format!("it says {status}")));
        }
        let mut response = response;
        let mut bytes = Vec::new();
        while let Some(more) = response.chunk().await.map_err(|error| none(root(&error)))? {
            bytes.extend_from_slice(&more);
            if bytes.len() > LIST_BYTES_MAX {
                return Err(none("its list of models does not end".to_owned()));
            }
        }
        Ok(bytes)
    };
    let bytes = tokio::time::timeout(ANSWER_WITHIN, asking)
        .await
        .map_err(|_| none(format!("nothing came within {} s", ANSWER_WITHIN.as_secs())))??;
    let list: Listed = serde_json::from_slice(&bytes).map_err(|_| none("it gives no list of models".to_owned()))?;
    let software = software(&list, url.port());
    let models = list.data.into_iter().take(MODELS_MAX).map(|model| model.id).collect();
    Ok(ModelServer { url: server, software, models })
}

#[derive(Deserialize)]
struct Listed {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
    #[serde(default)]
    owned_by: Option<String>,
}

/// What it is, as far as it shows.
fn software(list: &Listed, port: Option<u16>) -> String {
    let owner = list.data.first().and_then(|model| model.owned_by.as_deref());
    match (owner, port) {
        (Some("llamacpp"), _) => "llama.cpp",
        (Some("vllm"), _) => "vLLM",
        (Some("organization_owner"), _) => "LM Studio",
        (Some("library"), _) | (_, Some(11434)) => "Ollama",
        (_, Some(1234)) => "LM Studio",
        _ => "model server",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_what_it_says_of_its_models() {
        let list = |owner: &str| Listed { data: vec![Model { id: "m".to_owned(), owned_by: Some(owner.to_owned()) }] };
        assert_eq!(software(&list("llamacpp"), Some(9999)), "llama.cpp");
        assert_eq!(software(&list("library"), Some(8080)), "Ollama");
        assert_eq!(software(&list("me"), Some(9999)), "model server");
        assert_eq!(software(&Listed { data: Vec::new() }, Some(11434)), "Ollama");
    }
}
