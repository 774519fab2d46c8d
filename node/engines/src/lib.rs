//! Models that answer.
//!
//! Today these are models of a server that already runs on this machine (Ollama, llama.cpp, LM Studio, or any other that
//! speaks OpenAI's format): found at its port, and asked over loopback. Nothing else is contacted.
//!
//! Non-goals: who may ask, how often, and on whose behalf. Architecture invariant: nothing here knows of other nodes.

mod adopted;
mod answer;
mod find;

pub use adopted::Adopted;
