//! The documents' interface over a link: the gateway holds a [`Client`], docs answers with [`answer`].

use async_trait::async_trait;
use flowork_ports::Documents;
use flowork_ports::documents::{
    Change, Connection, Draft, DraftSummary, Error, FrozenPreset, Present, Version, Visitor,
};
use flowork_protocol::VersionId;
use flowork_protocol::preset::Preset;
use flowork_protocol::wire::{self, Party, Refusal, Verb};
use serde::{Deserialize, Serialize};

use crate::link::Link;
use crate::visits_link::Board;

/// One call of [`Documents`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ask {
    Create(Box<Preset>),
    List,
    Get(String),
    Update { which: String, preset: Box<Preset>, message: Option<String> },
    Delete(String),
    History { which: String, max: u64 },
    At { which: String, heads: Vec<String> },
    Freeze { which: String, heads: Vec<String>, label: Option<String> },
    FreezeFile(Box<Preset>),
    Versions(String),
    Version(VersionId),
    Present(String),
}

/// What comes back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Gave {
    Draft(Box<Draft>),
    List(Vec<DraftSummary>),
    Done,
    Changes(Vec<Change>),
    Frozen(Version, Box<Preset>),
    Versions(Vec<Version>),
    Content(Version, Box<FrozenPreset>),
    Present(Vec<Present>),
}

/// The documents as the gateway sees them.
pub(crate) struct Client {
    link: Link,
    visits: Board,
}

impl Client {
    /// Asks over this link; visitors' messages come back by `visits`.
    pub(crate) fn new(link: Link, visits: Board) -> Self {
        Self { link, visits }
    }

    async fn ask(&self, ask: Ask) -> Result<Gave, Error> {
        let gave: Result<Result<Gave, Error>, _> = self.link.ask(Party::Docs, Verb::Documents, &ask).await;
        gave.map_err(|error| Error::Away(error.to_string()))?
    }
}

/// Picks the one answer that fits a question.
macro_rules! expect {
    ($gave:expr, $pattern:pat => $value:expr) => {
        match $gave {
            $pattern => Ok($value),
            _ => Err(Error::Away("it answered another question".to_owned())),
        }
    };
}

#[async_trait]
impl Documents for Client {
    async fn create(&self, preset: Preset) -> Result<Draft, Error> {
        expect!(self.ask(Ask::Create(Box::new(preset))).await?, Gave::Draft(draft) => *draft)
    }

    async fn list(&self) -> Result<Vec<DraftSummary>, Error> {
        expect!(self.ask(Ask::List).await?, Gave::List(list) => list)
    }

    async fn get(&self, which: &str) -> Result<Draft, Error> {
        expect!(self.ask(Ask::Get(which.to_owned())).await?, Gave::Draft(draft) => *draft)
    }

    async fn update(&self, which: &str, preset: Preset, message: Option<String>) -> Result<Draft, Error> {
        let ask = Ask::Update { which: which.to_owned(), preset: Box::new(preset), message };
        expect!(self.ask(ask).await?, Gave::Draft(draft) => *draft)
    }

    async fn delete(&self, which: &str) -> Result<(), Error> {
        expect!(self.ask(Ask::Delete(which.to_owned())).await?, Gave::Done => ())
    }

    async fn history(&self, which: &str, max: usize) -> Result<Vec<Change>, Error> {
        let ask = Ask::History { which: which.to_owned(), max: max as u64 };
        expect!(self.ask(ask).await?, Gave::Changes(changes) => changes)
    }

    async fn at(&self, which: &str, heads: Vec<String>) -> Result<Draft, Error> {
        expect!(self.ask(Ask::At { which: which.to_owned(), heads }).await?, Gave::Draft(draft) => *draft)
    }

    async fn freeze(&self, which: &str, heads: Vec<String>, label: Option<String>) -> Result<(Version, Preset), Error> {
        let ask = Ask::Freeze { which: which.to_owned(), heads, label };
        expect!(self.ask(ask).await?, Gave::Frozen(version, preset) => (version, *preset))
    }

    async fn freeze_file(&self, preset: Preset) -> Result<(Version, Preset), Error> {
        let ask = Ask::FreezeFile(Box::new(preset));
        expect!(self.ask(ask).await?, Gave::Frozen(version, preset) => (version, *preset))
    }

    async fn versions(&self, which: &str) -> Result<Vec<Version>, Error> {
        expect!(self.ask(Ask::Versions(which.to_owned())).await?, Gave::Versions(versions) => versions)
    }

    async fn version(&self, id: VersionId) -> Result<(Version, FrozenPreset), Error> {
        expect!(self.ask(Ask::Version(id)).await?, Gave::Content(version, content) => (version, *content))
    }

    async fn connect(&self, visitor: Visitor) -> Result<Connection, Error> {
        self.visits.connect(&self.link, &visitor).await
    }

    async fn present(&self, which: &str) -> Result<Vec<Present>, Error> {
        expect!(self.ask(Ask::Present(which.to_owned())).await?, Gave::Present(present) => present)
    }
}

/// Answers one call with `documents`.
pub(crate) async fn answer(documents: &dyn Documents, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let unreadable = |_| Refusal::Unreadable(Party::Docs);
    let ask: Ask = wire::from_body(body).map_err(unreadable)?;
    wire::to_body(&carry_out(documents, ask).await).map_err(unreadable)
}

async fn carry_out(documents: &dyn Documents, ask: Ask) -> Result<Gave, Error> {
    let draft = |draft| Gave::Draft(Box::new(draft));
    let frozen = |(version, preset)| Gave::Frozen(version, Box::new(preset));
    Ok(match ask {
        Ask::Create(preset) => draft(documents.create(*preset).await?),
        Ask::List => Gave::List(documents.list().await?),
        Ask::Get(which) => draft(documents.get(&which).await?),
        Ask::Update { which, preset, message } => draft(documents.update(&which, *preset, message).await?),
        Ask::Delete(which) => {
            documents.delete(&which).await?;
            Gave::Done
        }
        Ask::History { which, max } => {
            Gave::Changes(documents.history(&which, usize::try_from(max).unwrap_or(usize::MAX)).await?)
        }
        Ask::At { which, heads } => draft(documents.at(&which, heads).await?),
        Ask::Freeze { which, heads, label } => frozen(documents.freeze(&which, heads, label).await?),
        Ask::FreezeFile(preset) => frozen(documents.freeze_file(*preset).await?),
        Ask::Versions(which) => Gave::Versions(documents.versions(&which).await?),
        Ask::Version(id) => {
            let (version, content) = documents.version(id).await?;
            Gave::Content(version, Box::new(content))
        }
        Ask::Present(which) => Gave::Present(documents.present(&which).await?),
    })
}
