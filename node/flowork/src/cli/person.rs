//! `flowork person …`: the person whose nodes these are. The person's key is used here, in a terminal, and nowhere else: the
//! node is brought certificates, never the key.

use std::io::{IsTerminal as _, Read as _};
use std::str::FromStr as _;

use bip39::Mnemonic;
use clap::Subcommand;
use ed25519_dalek::SigningKey;
use flowork_protocol::certificate::{self, Certificate, is_name};
use flowork_protocol::signed::Signed;
use flowork_protocol::{NodeId, PersonId};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::fail::{Fail, NOT_FOUND, REFUSED, USAGE};
use super::peer::rows;
use super::show::{table, text_of, time_of};
use super::{Context, print_remark};
use crate::keystore;

/// How long a certificate holds unless it is said, in days.
const DAYS: u32 = 366;
const DAY_S: u64 = 24 * 3_600;
/// The longest phrase, in bytes.
const PHRASE_BYTES_MAX: u64 = 4 << 10;
/// What the words of a phrase become a key in.
const KEY_DOMAIN: &str = "flowork person key v1";

/// You as the owner of several nodes: a key of 24 words that says which nodes are yours
#[derive(Debug, Subcommand)]
pub(crate) enum Person {
    /// Make a person key, show its 24 words once, and certify this node with it
    Create {
        /// What you are called
        #[arg(long)]
        name: String,
        /// What this node is to be called among yours
        #[arg(long, default_value = "first")]
        node_name: String,
        /// Keep the key in the data directory too, so that the words are not needed for the next node
        #[arg(long)]
        keep: bool,
    },
    /// Show whose node this is, and which others are
    #[command(visible_aliases = ["list", "ls"])]
    Show,
    /// Say that a node is yours: this one, or another by its id; from your 24 words, or the kept key
    #[command(visible_alias = "recover")]
    Certify {
        /// Another node's id; this node unless said
        node: Option<NodeId>,
        /// What you are called; as before unless said
        #[arg(long)]
        name: Option<String>,
        /// What the node is to be called among yours
        #[arg(long)]
        node_name: Option<String>,
        /// For how many days
        #[arg(long, default_value_t = DAYS, value_parser = clap::value_parser!(u32).range(1..=3_660))]
        days: u32,
        /// Read the 24 words from this file
        #[arg(long, value_name = "FILE")]
        phrase_file: Option<String>,
    },
    /// Take in a certificate that was made at another of your nodes
    Accept {
        /// The text: flowork-certificate:…
        certificate: String,
    },
    /// Take a node back: it is not yours any more, and everybody is told
    Revoke {
        /// Which: its id, or its name among yours
        node: String,
        /// Read the 24 words from this file
        #[arg(long, value_name = "FILE")]
        phrase_file: Option<String>,
    },
    /// Keep the key in the data directory, so that the words are not asked for
    Keep {
        /// Read the 24 words from this file
        #[arg(long, value_name = "FILE")]
        phrase_file: Option<String>,
    },
    /// Take the kept key out of the data directory; the words still work
    Forget,
    /// Make this node nobody's; it can be certified again
    Leave,
}

impl Person {
    /// Carries it out.
    pub(crate) async fn run(self, context: &Context) -> Result<(), Fail> {
        let client = context.client()?;
        match self {
            Self::Create { name, node_name, keep } => {
                let person = client.get("/api/v1/person").await?;
                if !person["person"].is_null() {
                    let text = format!("this node is {}'s already", text_of(&person["name"]));
                    return Err(Fail::new(REFUSED, text).hint("`flowork person show` says more"));
                }
                let key = PersonKey::new(keystore::random().map_err(|error| Fail::because("no key was made", &error))?);
                let this = this_node(context).await?;
                let made = key.certify(&this, (&name, &node_name), DAYS, false)?;
                // Before the node is told: afterwards the words must be shown whatever happens.
                if keep {
                    key.keep(context)?;
                }
                let shown = bring(context, &made).await?;
                let phrase = key.phrase()?;
                let answer = json!({ "person": shown["person"], "name": name, "phrase": *phrase, "kept": keep });
                context.print(&answer, |_| created(&name, &phrase, keep));
            }
            Self::Show => {
                let person = client.get("/api/v1/person").await?;
                context.print(&person, shown);
            }
            Self::Certify { node, name, node_name, days, phrase_file } => {
                let person = client.get("/api/v1/person").await?;
                let this = this_node(context).await?;
                let node = node.unwrap_or(this);
                let name = name.or_else(|| person["name"].as_str().map(str::to_owned)).ok_or_else(|| {
                    Fail::new(USAGE, "the node does not know what you are called").hint("say it: --name NAME")
                })?;
                let known = known_node(&person, &node.to_string()).map(|known| text_of(&known["name"]));
                let node_name =
                    node_name.or(known).unwrap_or_else(|| if node == this { "this" } else { "other" }.to_owned());
                let key = PersonKey::read(context, phrase_file.as_deref())?;
                let made = key.certify(&node, (&name, &node_name), days, false)?;
                let kept = bring(context, &made).await?;
                let text = certificate::to_text(&made);
                context.print(&json!({ "certificate": text, "person": kept["person"] }), |_| {
                    if node == this {
                        return format!("this node is {name}'s now\n");
                    }
                    format!("{text}\n\nAt the other node: flowork person accept CERTIFICATE\nThe text is no secret: it is of use for that node alone.\n")
                });
            }
            Self::Accept { certificate } => {
                let person = client.post("/api/v1/person/certificates", &json!({ "certificate": certificate })).await?;
                context.print(&person, shown);
            }
            Self::Revoke { node, phrase_file } => {
                let person = client.get("/api/v1/person").await?;
                let known = known_node(&person, &node);
                let id = known.map_or(node.as_str(), |known| known["node"].as_str().unwrap_or_default());
                let id = NodeId::from_str(id).map_err(|_| {
                    Fail::new(NOT_FOUND, format!("none of your nodes is called `{node}`"))
                        .hint("`flowork person show` lists them; a node's id works too")
                })?;
                let node_name = known.map_or_else(|| "lost".to_owned(), |known| text_of(&known["name"]));
                let key = PersonKey::read(context, phrase_file.as_deref())?;
                let made = key.certify(&id, (&text_of(&person["name"]), &node_name), DAYS, true)?;
                bring(context, &made).await?;
                let text = certificate::to_text(&made);
                context.print(&json!({ "revoked": id, "certificate": text }), |_| {
                    format!("{node_name} is not yours any more. Peers are told as soon as they are there: what you were granted it may use no longer.\nAt your other nodes, if they are not paired with this one: flowork person accept {text}\n")
                });
            }
            Self::Keep { phrase_file } => {
                let key = PersonKey::of_phrase(&phrase(phrase_file.as_deref())?)?;
                key.keep(context)?;
                context.print(&json!({ "kept": true }), |_| "the key is kept in the data directory\n".to_owned());
            }
            Self::Forget => {
                keystore::forget_person(&context.data()?.join("keys"));
                context.print(&json!({ "kept": false }), |_| {
                    "the key is not kept here; the 24 words still work\n".to_owned()
                });
            }
            Self::Leave => {
                client.delete("/api/v1/person").await?;
                context.print(&json!({ "left": true }), |_| "this node is nobody's now\n".to_owned());
            }
        }
        Ok(())
    }
}

/// A person's key, from the entropy that its words say.
struct PersonKey {
    entropy: Zeroizing<[u8; 32]>,
}

impl PersonKey {
    fn new(entropy: Zeroizing<[u8; 32]>) -> Self {
        Self { entropy }
    }

    fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(blake3::derive_key(KEY_DOMAIN, &*self.entropy))
    }

    fn person(&self) -> PersonId {
        PersonId(SigningKey::from_bytes(&self.seed()).verifying_key().to_bytes())
    }

    fn phrase(&self) -> Result<Zeroizing<String>, Fail> {
        let words =
            Mnemonic::from_entropy(&*self.entropy).map_err(|error| Fail::because("the key has no words", &error))?;
        Ok(Zeroizing::new(words.to_string()))
    }

    fn of_phrase(phrase: &str) -> Result<Self, Fail> {
        let wrong = |why: String| {
            Fail::new(USAGE, format!("these are not the words of a person key: {why}"))
                .hint("24 English words, as `flowork person create` showed them, with spaces in between")
        };
        let plain = Zeroizing::new(phrase.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" "));
        let words = Mnemonic::parse_normalized(&plain).map_err(|error| wrong(error.to_string()))?;
        let entropy = Zeroizing::new(words.to_entropy());
        let entropy: [u8; 32] =
            entropy.as_slice().try_into().map_err(|_| wrong(format!("they are {} words", words.word_count())))?;
        Ok(Self::new(Zeroizing::new(entropy)))
    }

    /// The kept key, or that of the words that are said.
    fn read(context: &Context, phrase_file: Option<&str>) -> Result<Self, Fail> {
        if phrase_file.is_none() {
            let keys = context.data()?.join("keys");
            let kept = keystore::person(&keys, context.environment.passphrase.as_ref())
                .map_err(|error| Fail::because("the kept person key cannot be read", &error))?;
            if let Some(entropy) = kept {
                return Ok(Self::new(entropy));
            }
        }
        Self::of_phrase(&phrase(phrase_file)?)
    }

    fn keep(&self, context: &Context) -> Result<(), Fail> {
        keystore::keep_person(&context.data()?.join("keys"), &self.entropy, context.environment.passphrase.as_ref())
            .map_err(|error| Fail::because("the key cannot be kept", &error))
    }

    fn certify(
        &self, node: &NodeId, (person_name, node_name): (&str, &str), days: u32, is_revocation: bool,
    ) -> Result<Signed, Fail> {
        for name in [person_name, node_name] {
            if !is_name(name) {
                return Err(Fail::new(USAGE, format!("`{name}` is no name"))
                    .hint("a name has 1 to 64 bytes, nothing invisible and no space at its ends"));
            }
        }
        let at = crate::now().seconds();
        let certificate = Certificate {
            v: 1,
            person: self.person(),
            person_name: person_name.to_owned(),
            node: *node,
            node_name: node_name.to_owned(),
            at,
            exp: at + u64::from(days) * DAY_S,
            is_revocation,
        };
        Signed::with_seed(&certificate, &self.seed()).map_err(|error| Fail::because("it cannot be signed", &error))
    }
}

/// The words, from a file or as they are typed.
fn phrase(file: Option<&str>) -> Result<Zeroizing<String>, Fail> {
    let mut text = Zeroizing::new(String::new());
    let read = match file {
        Some(path) => std::fs::File::open(path).and_then(|file| file.take(PHRASE_BYTES_MAX).read_to_string(&mut text)),
        None if std::io::stdin().is_terminal() => {
            print_remark("Your 24 words, in one line (they can be seen while you type):");
            std::io::stdin().read_line(&mut text)
        }
        None => std::io::stdin().take(PHRASE_BYTES_MAX).read_to_string(&mut text),
    };
    read.map_err(|error| Fail::because("the words cannot be read", &error))?;
    Ok(text)
}

async fn bring(context: &Context, made: &Signed) -> Result<Value, Fail> {
    let body = json!({ "certificate": certificate::to_text(made) });
    context.client()?.post("/api/v1/person/certificates", &body).await
}

async fn this_node(context: &Context) -> Result<NodeId, Fail> {
    let id = text_of(&context.client()?.get("/api/v1/node").await?["id"]);
    NodeId::from_str(&id).map_err(|error| Fail::because("the node does not say who it is", &error))
}

/// Among the person's nodes, by id or name.
fn known_node<'a>(person: &'a Value, which: &str) -> Option<&'a Value> {
    let is_meant = |node: &&Value| node["node"] == which || node["name"] == which;
    person["nodes"].as_array().into_iter().flatten().find(is_meant)
}

fn created(name: &str, phrase: &str, is_kept: bool) -> String {
    let words: Vec<&str> = phrase.split(' ').collect();
    let lines: Vec<String> = words
        .chunks(6)
        .zip(0..)
        .map(|(row, at)| {
            let row: Vec<String> =
                row.iter().zip(1..).map(|(word, n)| format!("{:>2} {word:<9}", at * 6 + n)).collect();
            format!("  {}", row.join(" ").trim_end())
        })
        .collect();
    let kept = if is_kept {
        "The key is kept in the data directory as well.\n"
    } else {
        "They are kept nowhere: without them no further node can be certified, and none taken back.\n"
    };
    format!(
        "This node is {name}'s now. These 24 words are your key, in this order; write them down:\n\n{}\n\n{kept}A further node: flowork person certify NODE-ID\n",
        lines.join("\n")
    )
}

fn shown(person: &Value) -> String {
    if person["person"].is_null() {
        return "this node is nobody's: `flowork person create --name NAME` makes you its person, `flowork person recover` if you have your words\n".to_owned();
    }
    let rows = rows(&person["nodes"], |node| {
        vec![
            text_of(&node["name"]),
            if node["is_this"] == true { "this node".to_owned() } else { text_of(&node["peer"]) },
            match node["revoked_at"].is_null() {
                true => format!("until {}", time_of(&node["ends_at"])),
                false => format!("taken back {}", time_of(&node["revoked_at"])),
            },
            text_of(&node["node"]),
        ]
    });
    format!(
        "{} ({})\n{}",
        text_of(&person["name"]),
        text_of(&person["person"]),
        table(&["NODE", "HERE", "STATE", "ID"], &rows)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_give_the_same_person_whatever_their_case_and_spaces() {
        let key = PersonKey::new(Zeroizing::new([7; 32]));
        let phrase = key.phrase().unwrap();
        assert_eq!(phrase.split(' ').count(), 24);
        let typed = format!("  {}\n", phrase.to_uppercase().replace(' ', "   "));
        assert_eq!(PersonKey::of_phrase(&typed).unwrap().person(), key.person());
        // BIP39's own vector for this entropy is 0x7f…: the list is the standard one.
        let zeros = PersonKey::new(Zeroizing::new([0; 32])).phrase().unwrap();
        assert_eq!(*zeros, format!("{}art", "abandon ".repeat(23)));
    }

    #[test]
    fn wrong_words_are_told() {
        let phrase = PersonKey::new(Zeroizing::new([7; 32])).phrase().unwrap();
        let mut words: Vec<&str> = phrase.split(' ').collect();
        words.swap(0, 5);
        for wrong in [words.join(" ").as_str(), "", "abandon abandon", "these are no words at all"] {
            assert!(PersonKey::of_phrase(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_certificate_that_is_made_here_is_taken_there() {
        let key = PersonKey::new(Zeroizing::new([7; 32]));
        let node = NodeId(SigningKey::from_bytes(&[1; 32]).verifying_key().to_bytes());
        let made = key.certify(&node, ("Ana", "desk"), 1, false).unwrap();
        let said = certificate::check(&made, node, crate::now()).unwrap();
        assert_eq!((said.person, said.node_name.as_str()), (key.person(), "desk"));
        assert!(key.certify(&node, (" Ana", "desk"), 1, false).is_err());
    }
}
