//! What steps share that call engines.

use std::sync::Arc;

use flowork_ports::component::{Call, Resumed, Suspend, Yield};
use flowork_ports::engines::{EngineCall, Given, NEWS_WAITING_MAX, News, NotGiven, Where};
use flowork_protocol::Failure;
use flowork_protocol::check::ConfigProblem;
use flowork_protocol::event::Level;
use flowork_protocol::grant::Capability;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Options;
use crate::duration;

/// How long a step without a timeout waits for its result.
const DEADLINE_MS_DEFAULT: u64 = 24 * 3_600_000;

/// Whose engine it is.
#[derive(Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum At {
    /// One of this node: nothing leaves it.
    Here,
    /// A friend's.
    Friend,
    /// One of this node where there is one, else a friend's.
    Anywhere,
}

/// What is done when nobody takes it in time, or who took it goes away for as long.
#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum WhenAway {
    /// The step fails with the reason. What was taken stays with who took it.
    #[default]
    Fail,
    /// You are asked whether somebody else may do it.
    Ask,
    /// Another friend who lends it does it, and sees the data.
    Other,
    /// This node does it.
    Here,
}

/// Where a step wants it to be done.
pub(super) struct Places<'a> {
    pub(super) at: At,
    pub(super) peer: Option<&'a str>,
    pub(super) engine: Option<&'a str>,
    pub(super) when_away: WhenAway,
}

impl Places<'_> {
    /// What contradicts itself.
    pub(super) fn check(&self) -> Vec<ConfigProblem> {
        if self.at != At::Here {
            return Vec::new();
        }
        let problem = |place: &str, message: &str| ConfigProblem {
            place: place.to_owned(),
            message: format!("with `at: here` nothing leaves this machine, {message}"),
            suggestion: Some("take one of the two away".to_owned()),
        };
        let peer = self.peer.map(|_| problem("/peer", "so no friend is asked"));
        let widens = matches!(self.when_away, WhenAway::Ask | WhenAway::Other);
        peer.into_iter().chain(widens.then(|| problem("/when_away", "so nobody else does it"))).collect()
    }

    /// The places in their order. `may_go_anywhere` when the owner said so.
    fn list(&self, may_go_anywhere: bool) -> Vec<Where> {
        let engine = self.engine.map(str::to_owned);
        let here = Where::Here { engine: engine.clone() };
        let friend = match self.peer {
            Some(peer) => Where::Peer { peer: peer.to_owned(), engine },
            None => Where::Any,
        };
        let any_here = Where::Here { engine: None };
        let mut places = match self.at {
            At::Here => return vec![here],
            At::Friend => vec![friend],
            At::Anywhere => vec![here, friend],
        };
        match self.when_away {
            WhenAway::Other => places.push(Where::Any),
            WhenAway::Here => places.push(any_here),
            WhenAway::Ask if may_go_anywhere => places.extend([any_here, Where::Any]),
            WhenAway::Ask | WhenAway::Fail => {}
        }
        places
    }
}

/// Why a step gives nothing yet, or nothing at all.
pub(super) enum NotYet {
    /// The owner is asked first.
    Ask(Suspend),
    /// It failed.
    Failed(Failure),
}

impl From<Failure> for NotYet {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl NotYet {
    pub(super) fn or_yield(self) -> Result<Yield, Failure> {
        match self {
            Self::Ask(suspend) => Ok(Yield::Suspend(suspend)),
            Self::Failed(failure) => Err(failure),
        }
    }

    pub(super) fn map(self, change: impl FnOnce(Failure) -> Failure) -> Self {
        match self {
            Self::Failed(failure) => Self::Failed(change(failure)),
            asks @ Self::Ask(_) => asks,
        }
    }
}

/// What is asked of an engine.
pub(super) struct Asked<'a> {
    /// Tells the calls of one step apart; none when it makes one.
    pub(super) part: Option<usize>,
    pub(super) places: &'a Places<'a>,
    pub(super) capability: Capability,
    pub(super) request: Vec<u8>,
    pub(super) wait: &'a Value,
    /// Ends the call, also at who does it.
    pub(super) cancel: &'a CancellationToken,
}

/// Hears the output as it comes, where it comes in pieces.
pub(super) trait Listener: Send {
    /// The next piece.
    fn piece(&mut self, bytes: &[u8]);
    /// It begins anew, elsewhere.
    fn anew(&mut self);
}

/// Calls an engine, notes what happens meanwhile, and hands on each piece of the output once, where it comes in pieces.
pub(super) async fn call(
    options: &Arc<Options>, call: &Call, asked: Asked<'_>, mut listener: Option<&mut dyn Listener>,
) -> Result<Given, NotYet> {
    let wait_ms =
        duration::read_ms(asked.wait).map_err(|why| Failure::new("wait-invalid", why).place("config.wait"))?;
    let may_go_anywhere = match &call.resume {
        Some(Resumed::Decision { approved: false, by, .. }) => {
            let text = format!("nobody took it in time, and {by} said no to asking somebody else");
            return Err(Failure::new("not-elsewhere", text).into());
        }
        Some(Resumed::Decision { approved: true, .. }) => true,
        _ => false,
    };
    let Asked { part, places, capability, request, cancel, .. } = asked;
    let asked = EngineCall {
        key: match part {
            None => call.key.to_string(),
            Some(part) => format!("{}/{part}", call.key),
        },
        at: places.list(may_go_anywhere),
        capability,
        request,
        deadline_ms: call.deadline.map_or(DEADLINE_MS_DEFAULT, |deadline| deadline.since_ms(call.now).max(1)),
        wait_ms,
        leaves: places.when_away != WhenAway::Fail,
        streams: listener.is_some(),
    };
    let (sender, mut news) = mpsc::channel(NEWS_WAITING_MAX);
    let calling = options.engines.call(asked, sender, cancel.clone());
    tokio::pin!(calling);
    let mut next = 0;
    let mut note = |news: News| match (news, &mut listener) {
        (News::Here(text), _) => call.log.line(Level::Info, &text),
        (News::There { kind, text }, _) => call.log.line(Level::Info, &format!("{kind}: {text}")),
        (News::Piece { seq, bytes }, Some(listener)) if seq == next => {
            next += 1;
            listener.piece(&bytes);
        }
        // It came before.
        (News::Piece { .. }, _) => {}
        (News::Anew, listener) => {
            next = 0;
            if let Some(listener) = listener {
                listener.anew();
            }
        }
    };
    let given = loop {
        tokio::select! {
            biased;
            Some(news) = news.recv() => note(news),
            given = &mut calling => break given,
        }
    };
    while let Ok(last) = news.try_recv() {
        note(last);
    }
    given.map_err(|NotGiven { failure, may_go_elsewhere }| {
        if may_go_elsewhere && places.when_away == WhenAway::Ask && !may_go_anywhere {
            return NotYet::Ask(question(&failure));
        }
        NotYet::Failed(failure)
    })
}

/// Whether somebody else may do what nobody took.
fn question(why: &Failure) -> Suspend {
    Suspend::Approval {
        title: "May somebody else do it?".to_owned(),
        message: format!(
            "Nobody took it in time: {}. Yes: an engine of this node does it, or else any friend who lends one, who then sees \
             the data. No: the step fails.",
            why.message
        ),
        expires_at: None,
        on_expiry: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(at: At, peer: Option<&'static str>, when_away: WhenAway) -> Places<'static> {
        Places { at, peer, engine: Some("gpu"), when_away }
    }

    fn ana() -> Where {
        Where::Peer { peer: "Ana".to_owned(), engine: Some("gpu".to_owned()) }
    }

    #[test]
    fn what_never_leaves_this_machine_has_one_place_whatever_else_is_said() {
        for when_away in [WhenAway::Fail, WhenAway::Ask, WhenAway::Other, WhenAway::Here] {
            let here = places(At::Here, Some("Ana"), when_away);
            for may_go_anywhere in [false, true] {
                assert_eq!(here.list(may_go_anywhere), [Where::Here { engine: Some("gpu".to_owned()) }]);
            }
        }
    }

    #[test]
    fn nobody_but_the_friend_is_asked_unless_the_step_or_its_owner_says_so() {
        let any_here = Where::Here { engine: None };
        let list = |when_away, said| places(At::Friend, Some("Ana"), when_away).list(said);
        assert_eq!(list(WhenAway::Fail, true), [ana()]);
        assert_eq!(list(WhenAway::Ask, false), [ana()]);
        assert_eq!(list(WhenAway::Ask, true), [ana(), any_here.clone(), Where::Any]);
        assert_eq!(list(WhenAway::Other, false), [ana(), Where::Any]);
        assert_eq!(list(WhenAway::Here, false), [ana(), any_here]);
    }

    #[test]
    fn a_step_that_says_here_and_names_others_contradicts_itself() {
        let problems = |peer, when_away| {
            let found = places(At::Here, peer, when_away).check();
            found.into_iter().map(|problem| problem.place).collect::<Vec<_>>()
        };
        assert_eq!(problems(Some("Ana"), WhenAway::Other), ["/peer", "/when_away"]);
        assert_eq!(problems(None, WhenAway::Ask), ["/when_away"]);
        assert!(problems(None, WhenAway::Here).is_empty());
        assert!(places(At::Friend, Some("Ana"), WhenAway::Ask).check().is_empty());
    }
}
