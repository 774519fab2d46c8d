//! What every request needs and no request should read from disk: tokens, login keys and links, activated webhooks.
//!
//! Read again when the node's own tables ring, and every [`LOOK_EVERY`] in case a ring was lost.

use std::sync::Arc;

use flowork_ports::bell::{Bell, LOOK_EVERY, Ring};
use flowork_ports::store::{self, Logins, Reader};
use flowork_protocol::command::{Activation, Token};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::hook::Hooks;
use crate::origins;

/// One reading of the node's own tables.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Who may come in.
    pub(crate) tokens: Vec<Token>,
    /// Who may log in, and by which links.
    pub(crate) logins: Arc<Logins>,
    /// The activated versions.
    pub(crate) activations: Arc<Vec<Activation>>,
    /// Pages elsewhere that may ask this node.
    pub(crate) origins: Arc<Vec<String>>,
    /// Their webhooks by path.
    pub(crate) hooks: Arc<Hooks>,
    /// Why the last reading failed, if it did; the rest is then from before.
    pub(crate) problem: Option<String>,
}

/// Reads once, then keeps reading in a task of its own until `cancel`.
pub(crate) async fn start(
    reader: Arc<dyn Reader>, bell: Bell, cancel: CancellationToken,
) -> (watch::Receiver<Arc<Known>>, JoinHandle<()>) {
    // Listening begins before the first reading, so that nothing falls between the two.
    let mut rings = bell.listen();
    let (sender, receiver) = watch::channel(Arc::new(Known::default()));
    refresh(&*reader, &sender).await;
    let task = tokio::spawn(async move {
        loop {
            let look = tokio::time::sleep(LOOK_EVERY);
            tokio::pin!(look);
            let goes_on = tokio::select! {
                () = cancel.cancelled() => false,
                () = &mut look => true,
                () = node_rang(&mut rings) => true,
            };
            if !goes_on {
                break;
            }
            refresh(&*reader, &sender).await;
        }
    });
    (receiver, task)
}

async fn node_rang(rings: &mut tokio::sync::broadcast::Receiver<Ring>) {
    loop {
        match rings.recv().await {
            Ok(Ring::Node) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            // Without a bell only the clock is left.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

async fn refresh(reader: &dyn Reader, sender: &watch::Sender<Arc<Known>>) {
    let before = sender.borrow().clone();
    let known = match read(reader).await {
        Ok((tokens, logins, activations, origins)) => {
            let same = *before.activations == activations;
            let hooks = if same { before.hooks.clone() } else { Arc::new(Hooks::of(&activations)) };
            let activations = if same { before.activations.clone() } else { Arc::new(activations) };
            Known { tokens, logins: Arc::new(logins), activations, origins: Arc::new(origins), hooks, problem: None }
        }
        Err(error) => {
            let problem = error.to_string();
            if before.problem.as_ref() != Some(&problem) {
                tracing::warn!(%error, "tokens and activations cannot be read; the last ones stay in force");
            }
            Known {
                tokens: before.tokens.clone(),
                logins: before.logins.clone(),
                activations: before.activations.clone(),
                origins: before.origins.clone(),
                hooks: before.hooks.clone(),
                problem: Some(problem),
            }
        }
    };
    sender.send_replace(Arc::new(known));
}

type Read = (Vec<Token>, Logins, Vec<Activation>, Vec<String>);

async fn read(reader: &dyn Reader) -> Result<Read, store::Error> {
    let settings = reader.settings().await?;
    // What was written by other hands and does not read allows nothing.
    let origins = settings.get(origins::SETTING).and_then(|value| origins::read(value).ok()).unwrap_or_default();
    Ok((reader.tokens().await?, reader.logins().await?, reader.activations().await?, origins))
}
