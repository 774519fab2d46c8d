//! What a call of a `run` engine does here: a job of one version, with the caller's items.

use bytes::Bytes;
use flowork_ports::mesh::Offer;
use flowork_ports::store::{Inbox, Reader};
use flowork_ports::{Follower, list};
use flowork_protocol::command::{Command, Signal, Submission};
use flowork_protocol::event::{Outcome, What};
use flowork_protocol::grant::Link;
use flowork_protocol::peer::Refusal;
use flowork_protocol::peer::call::BODY_BYTES_MAX;
use flowork_protocol::{Failure, Item, JobId, PresetId, VersionId};

use crate::files::{self, Wanted};
use crate::serve::cut;

/// The owner's own jobs start first.
const PRIORITY: i32 = -10;

/// A preset that is lent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lent<'a> {
    pub(crate) preset: &'a PresetId,
    pub(crate) name: &'a str,
    pub(crate) version: VersionId,
    pub(crate) concurrency: Option<u32>,
}

impl<'a> Lent<'a> {
    /// What an offer runs; none when it runs nothing.
    pub(crate) fn of(offer: &'a Offer) -> Option<Self> {
        match offer {
            Offer::Run { preset, name, version, concurrency } => {
                Some(Self { preset, name, version: *version, concurrency: *concurrency })
            }
            Offer::Chat(_) => None,
        }
    }
}

/// The job for a request.
pub(crate) fn submission(job: JobId, preset: &Lent<'_>, request: &[u8]) -> Result<Submission, Refusal> {
    let Lent { preset, name, version, concurrency } = *preset;
    let items: Vec<Item> = serde_json::from_slice(request)
        .map_err(|error| Refusal::new("request-invalid", format!("the request is no list of items: {error}")))?;
    Ok(Submission {
        job,
        keyed: true,
        preset: preset.clone(),
        name: name.to_owned(),
        version,
        trigger: None,
        input: items,
        // A caller never says where this node looks or writes: variables are the owner's.
        variables: std::collections::BTreeMap::new(),
        priority: PRIORITY,
        concurrency,
        dry_run: false,
        replay: None,
        parent: None,
        depth: 0,
    })
}

/// What a run gave.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// The items, as JSON; or the lines of a chat.
    pub(crate) body: Bytes,
    /// The files that the items name.
    pub(crate) files: Vec<Wanted>,
}

impl Output {
    /// Of the items and their files.
    pub(crate) fn bytes(&self) -> u64 {
        (self.body.len() as u64).saturating_add(files::bytes_of(&self.files))
    }
}

/// A job that is followed for somebody.
pub(crate) struct Followed<'a> {
    pub(crate) job: JobId,
    /// The links of the grant under which it runs; none for this node itself.
    pub(crate) links: &'a [Link],
    /// Hears what happens with it.
    pub(crate) say: &'a (dyn Fn(&str, String) + Sync),
}

/// Follows the job to its end and gives what it gave, at most `bytes_left` bytes in all.
pub(crate) async fn follow(
    reader: &dyn Reader, follower: &mut Follower, followed: &Followed<'_>, bytes_left: u64,
) -> Result<Output, Refusal> {
    let bytes_max = usize::try_from(bytes_left).unwrap_or(usize::MAX).min(BODY_BYTES_MAX);
    let Followed { job, links, say } = *followed;
    let unreadable = |error: &dyn std::fmt::Display| {
        tracing::error!(%job, %error, "the job of a call cannot be read");
        Refusal::new("try-again", "the provider cannot read its store now").retry_after_ms(1_000)
    };
    let mut done = 0_u32;
    while let Some(event) = follower.next().await.map_err(|error| unreadable(&error))? {
        match event.what {
            What::Started { .. } => say("begun", "it runs".to_owned()),
            What::StepSucceeded(_) => {
                done += 1;
                say("steps", if done == 1 { "1 step is done".to_owned() } else { format!("{done} steps are done") });
            }
            What::StepSuspended { .. } => say("waiting", "it waits for something".to_owned()),
            What::Ended { outcome: Outcome::Succeeded, output } => {
                let mut items = Vec::new();
                for list in output.values() {
                    let part = list::slice(reader, job, list, 0, usize::MAX, bytes_max.max(1 << 20)).await;
                    items.extend(part.map_err(|error| match error {
                        list::Error::TooLarge(_) => too_large(bytes_max as u64),
                        error => unreadable(&error),
                    })?);
                }
                may_be_given(&items, links)?;
                let text = serde_json::to_vec(&items).map_err(|error| unreadable(&error))?;
                if text.len() > bytes_max {
                    return Err(too_large(bytes_max as u64));
                }
                let files = files::named_by(&items).map_err(|why| Refusal::new("output-invalid", why))?;
                let output = Output { body: text.into(), files };
                return if output.bytes() > bytes_left { Err(too_large(bytes_left)) } else { Ok(output) };
            }
            What::Ended { outcome: Outcome::Failed(error), .. } => return Err(failed(&error)),
            What::Ended { outcome: Outcome::Cancelled { .. }, .. } => {
                return Err(Refusal::new("cancelled", "its owner ended the run"));
            }
            _ => {}
        }
    }
    Err(Refusal::new("output-gone", "the run was forgotten at the provider before its output was read"))
}

/// Whether every link of the grant allows files of these types to be given back.
fn may_be_given(items: &[std::sync::Arc<Item>], links: &[Link]) -> Result<(), Refusal> {
    for (name, file) in items.iter().flat_map(|item| &item.files) {
        let kind = file.media_type.as_deref().unwrap_or("application/octet-stream");
        let allows = |kinds: &Vec<String>| kinds.iter().any(|allowed| allowed == kind || allowed == "*/*");
        if !links.iter().all(|link| allows(&link.grant.limits.artifact_types)) {
            let why =
                format!("the output has the file `{}` of the type {kind}, which the grant does not give", cut(name));
            return Err(Refusal::new("file-type-not-given", why));
        }
    }
    Ok(())
}

/// What a caller learns of a failure: that and in what words, not where in the owner's workflow.
fn failed(error: &Failure) -> Refusal {
    let refusal = Refusal::new("run-failed", error.message.clone());
    if error.retryable { refusal.retry_after_ms(1_000) } else { refusal }
}

fn too_large(bytes_max: u64) -> Refusal {
    Refusal::new("output-too-large", format!("the output is larger than the {bytes_max} bytes that are left"))
}

/// Ends the job.
pub(crate) async fn cancel(inbox: &dyn Inbox, job: JobId, why: &Refusal) {
    let signal = Signal::Cancel { reason: why.message.clone() };
    if let Err(error) = inbox.submit(Command::Signal(job, signal)).await {
        tracing::error!(%job, %error, "the job of a call that was ended could not be cancelled");
    }
}

/// Forgets the job and all it holds. Its id is remembered, so that the same call never runs again.
pub(crate) async fn forget(inbox: &dyn Inbox, job: JobId) {
    if let Err(error) = inbox.submit(Command::DeleteJob(job)).await {
        tracing::warn!(%job, %error, "the job of a call that ended stays until retention");
    }
}
