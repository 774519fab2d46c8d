//! One type per identifier, so that a job is never passed where a preset is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Why a text is not the identifier it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}: {why}")]
pub struct ParseIdError {
    /// The kind of identifier that was expected, in words.
    pub what: &'static str,
    /// The text as it came in, cut to 80 characters.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl ParseIdError {
    fn new(what: &'static str, text: &str, why: &'static str) -> Self {
        Self { what, text: text.chars().take(80).collect(), why }
    }
}

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

string_id!(
    /// Names one step or one trigger inside a preset. People may choose it; 1–64 characters of `a-z A-Z 0-9 _ -`.
    StepId
);
string_id!(
    /// Names one wire inside a preset.
    WireId
);
string_id!(
    /// Names a draft, and all versions frozen from it: the id of its Automerge document.
    PresetId
);
/// The id of a preset that comes from a file starts with this; its name follows.
const OF_FILE: &str = "file-";

impl PresetId {
    /// The id that all presets of this name from files share.
    #[must_use]
    pub fn of_file(name: &str) -> Self {
        Self(format!("{OF_FILE}{name}"))
    }

    /// Whether it is of presets from files: they share a name, and nothing says that they are by the same person.
    #[must_use]
    pub fn is_of_file(&self) -> bool {
        self.0.starts_with(OF_FILE)
    }
}

string_id!(
    /// Names an access token (not its secret).
    TokenId
);
string_id!(
    /// Names a login key of a browser.
    LoginKeyId
);
string_id!(
    /// Names a one-time login link (not its token).
    LoginLinkId
);

macro_rules! hash_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// The BLAKE3 hash of `bytes` as an identifier.
            #[must_use]
            pub fn of(bytes: &[u8]) -> Self {
                Self(*blake3::hash(bytes).as_bytes())
            }

            /// The first twelve hex digits, for people.
            #[must_use]
            pub fn short(&self) -> String {
                self.to_string().chars().take(12).collect()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let hash = blake3::Hash::from_hex(text)
                    .map_err(|_| ParseIdError::new($what, text, "it must be 64 hexadecimal digits"))?;
                Ok(Self(*hash.as_bytes()))
            }
        }

        text_serde!($name);
        bytes_cbor!($name);
    };
}

/// 32 bytes as CBOR has them.
macro_rules! bytes_cbor {
    ($name:ident) => {
        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self, encoder: &mut minicbor::Encoder<W>, _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                encoder.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(decoder: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                let at = decoder.position();
                let bytes = decoder.bytes()?.try_into();
                bytes.map(Self).map_err(|_| minicbor::decode::Error::message("it has 32 bytes").at(at))
            }
        }
    };
}

macro_rules! text_serde {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string" })
            }
        }
    };
}

hash_id!(
    /// Immutable bytes, named by their BLAKE3 hash.
    BlobId,
    "blob id"
);
hash_id!(
    /// A frozen preset, named by the BLAKE3 hash of its canonical JSON.
    VersionId,
    "version id"
);
hash_id!(
    /// A grant, named by the BLAKE3 hash of its signed bytes.
    GrantId,
    "grant id"
);
hash_id!(
    /// A chunk of items inside one job, named by the BLAKE3 hash of its canonical bytes.
    ChunkId,
    "chunk id"
);

/// One of the store's shards. A job never changes its shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct ShardNo(pub u16);

impl ShardNo {
    /// Not a shard: commands for the node's own tables (tokens, secrets, activations) carry this number in an inbox.
    pub const NODE: Self = Self(u16::MAX);
}

impl fmt::Display for ShardNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

/// One durable execution: 16 bytes, written as 26 characters of Crockford base 32.
///
/// Layout: 6 bytes creation time in milliseconds (or hash), 2 bytes shard, 8 bytes random (or hash).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub [u8; 16]);

const BASE32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl JobId {
    /// A fresh id, ordered by `at` within its shard. `random` must come from a good generator.
    #[must_use]
    pub fn fresh(at: Timestamp, shard: ShardNo, random: u64) -> Self {
        let mut bytes = [0; 16];
        let ms = u64::try_from(at.0).unwrap_or(0).to_be_bytes();
        bytes[..6].copy_from_slice(&ms[2..]);
        bytes[6..8].copy_from_slice(&shard.0.to_be_bytes());
        bytes[8..].copy_from_slice(&random.to_be_bytes());
        Self(bytes)
    }

    /// The one id that belongs to `key` in `domain`: submitting the same key twice names the same job.
    /// The shard is part of the hash, so `shards` must not change for the lifetime of a data directory.
    #[must_use]
    pub fn keyed(domain: &str, key: &[u8], shards: u16) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("flowork job id v1");
        hasher.update(&(domain.len() as u64).to_le_bytes());
        hasher.update(domain.as_bytes());
        hasher.update(key);
        let hash = *hasher.finalize().as_bytes();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        let shard = u16::from_be_bytes([hash[16], hash[17]]) % shards.max(1);
        bytes[6..8].copy_from_slice(&shard.to_be_bytes());
        Self(bytes)
    }

    /// The child that `parent` starts for `run`: same shard, same id on every retry.
    #[must_use]
    pub fn child(parent: Self, run: &str, attempt: u32) -> Self {
        let mut id = Self::keyed(&parent.to_string(), format!("{run}/{attempt}").as_bytes(), 1);
        id.0[6..8].copy_from_slice(&parent.0[6..8]);
        id
    }

    /// The shard that holds this job.
    #[must_use]
    pub fn shard(&self) -> ShardNo {
        ShardNo(u16::from_be_bytes([self.0[6], self.0[7]]))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut value = u128::from_be_bytes(self.0);
        let mut text = [0_u8; 26];
        for slot in text.iter_mut().rev() {
            *slot = BASE32[(value & 31) as usize];
            value >>= 5;
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobId({self})")
    }
}

impl FromStr for JobId {
    type Err = ParseIdError;
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        if text.len() != 26 {
            return Err(ParseIdError::new("job id", text, "it must have 26 characters"));
        }
        let mut value: u128 = 0;
        for (place, byte) in text.bytes().enumerate() {
            let digit = BASE32
                .iter()
                .position(|letter| *letter == byte.to_ascii_lowercase())
                .ok_or_else(|| ParseIdError::new("job id", text, "only 0-9 and a-z without i, l, o, u occur in one"))?;
            if place == 0 && digit > 7 {
                return Err(ParseIdError::new("job id", text, "it is too large"));
            }
            value = (value << 5) | digit as u128;
        }
        Ok(Self(value.to_be_bytes()))
    }
}

text_serde!(JobId);

const PEER_ID_PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

macro_rules! key_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        ///
        /// Source of the text form: the libp2p peer-ids spec (identity multihash of the protobuf key, base58btc).
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut bytes = Vec::with_capacity(38);
                bytes.extend_from_slice(&PEER_ID_PREFIX);
                bytes.extend_from_slice(&self.0);
                f.write_str(&bs58::encode(bytes).into_string())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let wrong = |why| ParseIdError::new($what, text, why);
                let bytes = bs58::decode(text).into_vec().map_err(|_| wrong("it is not base58"))?;
                let key = bytes.strip_prefix(&PEER_ID_PREFIX).ok_or_else(|| wrong("it does not name an ed25519 key"))?;
                Ok(Self(key.try_into().map_err(|_| wrong("its key is not 32 bytes"))?))
            }
        }

        text_serde!($name);
        bytes_cbor!($name);
    };
}

key_id!(
    /// A node, named by its ed25519 public key and shown as a libp2p PeerId.
    NodeId,
    "node id"
);
key_id!(
    /// A person, named by the ed25519 public key with which they say which nodes are theirs.
    PersonId,
    "person id"
);
key_id!(
    /// The ed25519 public key of whoever may give or be given something: a node or a person.
    Key,
    "key"
);

impl From<NodeId> for Key {
    fn from(node: NodeId) -> Self {
        Self(node.0)
    }
}

impl From<PersonId> for Key {
    fn from(person: PersonId) -> Self {
        Self(person.0)
    }
}

use crate::time::Timestamp;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_id_carries_its_shard_and_reads_back_from_text() {
        let id = JobId::fresh(Timestamp(1_790_000_000_123), ShardNo(3), 0xdead_beef_0000_0001);
        assert_eq!(id.shard(), ShardNo(3));
        assert_eq!(id.to_string().parse::<JobId>(), Ok(id));
    }

    #[test]
    fn the_same_key_names_the_same_job_and_a_child_stays_in_its_parents_shard() {
        let one = JobId::keyed("preset", b"order 7", 4);
        assert_eq!(one, JobId::keyed("preset", b"order 7", 4));
        assert_ne!(one, JobId::keyed("preset", b"order 8", 4));
        assert!(one.shard().0 < 4);
        assert_eq!(JobId::child(one, "step", 1).shard(), one.shard());
    }

    #[test]
    fn a_node_id_is_shown_as_a_libp2p_peer_id() {
        let id = NodeId([7; 32]);
        assert!(id.to_string().starts_with("12D3KooW"));
        assert_eq!(id.to_string().parse::<NodeId>(), Ok(id));
    }

    #[test]
    fn a_wrong_id_says_what_it_should_have_been() {
        let error = "no".parse::<JobId>().map_err(|error| error.to_string());
        assert_eq!(error, Err("`no` is not a job id: it must have 26 characters".to_owned()));
    }
}
