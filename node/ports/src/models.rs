//! Models that answer, whatever serves them.

use async_trait::async_trait;
use flowork_protocol::Failure;
use flowork_protocol::chat::{Chat, Piece};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// How many pieces of an answer may wait for whoever reads them.
pub const PIECES_WAITING_MAX: usize = 256;

/// A model server that runs on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ModelServer {
    /// Where it listens, such as `http://127.0.0.1:11434`.
    pub url: String,
    /// What it is, as far as it says: `Ollama`, `llama.cpp`, `LM Studio`, or only `model server`.
    pub software: String,
    /// The models that it has, by its own names.
    pub models: Vec<String>,
}

/// A model at its server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ModelAt {
    /// The server's address.
    pub server: String,
    /// The model, by the server's name for it.
    pub model: String,
}

/// Models.
#[async_trait]
pub trait Models: Send + Sync {
    /// The model servers that run on this machine: those at the usual ports, or the one at `at`.
    ///
    /// # Errors
    /// When `at` is no address of this machine, or no model server answers there.
    async fn find(&self, at: Option<&str>) -> Result<Vec<ModelServer>, Failure>;

    /// Asks a model. Its answer goes to `pieces`, the last one [`Piece::End`]; who drops the future or the receiver ends it.
    ///
    /// # Errors
    /// When it does not answer to the end. What came before stands.
    async fn chat(&self, at: &ModelAt, chat: &Chat, pieces: mpsc::Sender<Piece>) -> Result<(), Failure>;
}
