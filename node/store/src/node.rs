//! The node's own tables: tokens, login keys and links, sealed secrets, activations, settings.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use flowork_ports::bell::{Bell, Ring};
use flowork_ports::store::{Error, NodeTables, RetentionRules};
use flowork_protocol::command::{Activation, Command, Role, Token};
use flowork_protocol::id::{LoginKeyId, PresetId, TokenId, VersionId};
use flowork_protocol::{ShardNo, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::codec;
use crate::error::{Failed, unreadable};
use crate::file;
use crate::inboxes::{self, Entry, Inboxes};
use crate::login;
use crate::pool::Pool;
use crate::writer::{Tables, Writer};

/// The file's name.
pub(crate) const FILE: &str = "node.db";
/// Entries carried out in one transaction.
const DRAIN_MAX: usize = 256;
const SMALL_BYTES: usize = 4_096;

/// The setting that says after how many days ended jobs are forgotten.
pub const SETTING_RETENTION_DAYS: &str = "retention.days";
/// The setting that says how many bytes the shards may take; the oldest ended jobs go first.
pub const SETTING_RETENTION_BYTES: &str = "retention.bytes";
/// The setting that says how many hours a file stays that nothing names.
pub const SETTING_RETENTION_FILES_HOURS: &str = "retention.files_hours";
/// The setting that says how many days a version stays that no kept job and no activation names, and that has no label.
pub const SETTING_RETENTION_VERSIONS_DAYS: &str = "retention.versions_days";
/// The setting that says how many bytes the owner allows the data directory to take.
pub const SETTING_DISK_BUDGET_BYTES: &str = "disk.budget_bytes";

/// The node's tables in SQLite.
pub(crate) struct SqliteNode {
    writer: Writer<NodeFile>,
    readers: Arc<Pool>,
}

impl SqliteNode {
    pub(crate) fn open(dir: &Path, bell: Bell) -> Result<Self, Error> {
        let path = dir.join(FILE);
        let db = file::open_writer(&path).map_err(|error| Failed::from(error).named(FILE))?;
        let inboxes = Inboxes::new(&dir.join("inbox"), ShardNo::NODE);
        let writer = Writer::start(NodeFile { db, inboxes, bell, changed: false })?;
        Ok(Self { writer, readers: Pool::new(path, FILE.to_owned()) })
    }
}

#[async_trait]
impl NodeTables for SqliteNode {
    async fn drain(&self) -> Result<usize, Error> {
        let mut all = 0;
        loop {
            let (done, _) = self.writer.call(SMALL_BYTES, NodeFile::drain).await?;
            all += done;
            if done < DRAIN_MAX {
                return Ok(all);
            }
        }
    }

    async fn sealed_secret(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let name = name.to_owned();
        self.readers
            .read(move |db| {
                let mut query = db.prepare_cached("SELECT sealed FROM secret WHERE name = ?1")?;
                Ok(query.query_row([name], |row| row.get(0)).optional()?)
            })
            .await
    }

    async fn activation_by_name(&self, name: &str) -> Result<Option<Activation>, Error> {
        let name = name.to_owned();
        self.readers
            .read(move |db| {
                let mut query = db.prepare_cached(
                    "SELECT preset, version, header FROM activation WHERE name = ?1 ORDER BY set_at DESC LIMIT 1",
                )?;
                query.query_row([name], |row| Ok(activation(row))).optional()?.transpose()
            })
            .await
    }

    async fn setting(&self, name: &str) -> Result<Option<Value>, Error> {
        let name = name.to_owned();
        self.readers.read(move |db| setting(db, &name)).await
    }

    async fn retention(&self) -> Result<RetentionRules, Error> {
        self.readers
            .read(|db| {
                let number = |name| Ok::<_, Failed>(setting(db, name)?.and_then(|value| value.as_u64()));
                let presets = activations(db)?
                    .into_iter()
                    .filter_map(|one| Some((one.preset, one.header.settings.retention?)))
                    .collect();
                Ok(RetentionRules {
                    days: number(SETTING_RETENTION_DAYS)?.and_then(|days| u32::try_from(days).ok()),
                    bytes: number(SETTING_RETENTION_BYTES)?,
                    presets,
                })
            })
            .await
    }
}

/// A setting; none is the default.
pub(crate) fn setting(db: &Connection, name: &str) -> Result<Option<Value>, Failed> {
    let mut query = db.prepare_cached("SELECT value FROM setting WHERE name = ?1")?;
    let text: Option<String> = query.query_row([name], |row| row.get(0)).optional()?;
    text.map(|text| parse(name, &text)).transpose()
}

/// All settings that differ from the default.
pub(crate) fn settings(db: &Connection) -> Result<Vec<(String, Value)>, Failed> {
    let mut query = db.prepare_cached("SELECT name, value FROM setting ORDER BY name")?;
    let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    rows.map(|row| {
        let (name, text) = row?;
        let value = parse(&name, &text)?;
        Ok((name, value))
    })
    .collect()
}

/// All activations.
pub(crate) fn activations(db: &Connection) -> Result<Vec<Activation>, Failed> {
    let mut query = db.prepare_cached("SELECT preset, version, header FROM activation ORDER BY name, preset")?;
    let rows = query.query_map([], |row| Ok(activation(row)))?;
    rows.map(|row| row?).collect()
}

fn activation(row: &Row<'_>) -> Result<Activation, Failed> {
    let header: String = row.get(2)?;
    Ok(Activation {
        preset: PresetId(row.get(0)?),
        version: VersionId(row.get(1)?),
        header: parse("an activation", &header)?,
    })
}

/// All tokens.
pub(crate) fn tokens(db: &Connection) -> Result<Vec<Token>, Failed> {
    let mut query = db.prepare_cached(
        "SELECT id, label, secret_hash, role, created_at, expires_at, login_key FROM token ORDER BY created_at, id",
    )?;
    let mut rows = query.query([])?;
    let mut tokens = Vec::new();
    while let Some(row) = rows.next()? {
        let role: String = row.get(3)?;
        tokens.push(Token {
            id: TokenId(row.get(0)?),
            label: row.get(1)?,
            secret_hash: row.get(2)?,
            role: parse("a token's role", &format!("\"{role}\""))?,
            created_at: Timestamp(row.get(4)?),
            expires_at: row.get::<_, Option<i64>>(5)?.map(Timestamp),
            login_key: row.get::<_, Option<String>>(6)?.map(LoginKeyId),
        });
    }
    Ok(tokens)
}

/// The names of all secrets, and when each was last set.
pub(crate) fn secrets(db: &Connection) -> Result<Vec<(String, Timestamp)>, Failed> {
    let mut query = db.prepare_cached("SELECT name, set_at FROM secret ORDER BY name")?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, Timestamp(row.get(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The word of a role in its column.
pub(crate) fn role_word(role: Role) -> Result<String, Failed> {
    Ok(text(&role)?.trim_matches('"').to_owned())
}

/// A value that is JSON in its column.
pub(crate) fn parse<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, Failed> {
    serde_json::from_str(text).map_err(|error| unreadable(FILE, what, error).into())
}

fn text<T: serde::Serialize>(value: &T) -> Result<String, Failed> {
    serde_json::to_string(value)
        .map_err(|error| Error::Other { file: FILE.to_owned(), detail: error.to_string() }.into())
}

struct NodeFile {
    db: Connection,
    inboxes: Inboxes,
    bell: Bell,
    changed: bool,
}

impl NodeFile {
    fn drain(&mut self) -> Result<usize, Failed> {
        let cursors = inboxes::cursors(&self.db)?;
        let (entries, _) = self.inboxes.read(&cursors, DRAIN_MAX, &BTreeSet::new());
        for entry in &entries {
            self.carry_out(entry)?;
            inboxes::keep_cursor(&self.db, &entry.inbox, (entry.incarnation, entry.seq))?;
            self.changed = true;
        }
        Ok(entries.len())
    }

    fn carry_out(&self, entry: &Entry) -> Result<(), Failed> {
        let command = codec::unpack(entry.codec, &entry.body)
            .map_err(|error| error.to_string())
            .and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string()));
        match command {
            Ok(command) => self.change(command, entry.at),
            // Kept in the inbox it would only stop what comes after it.
            Err(error) => {
                tracing::error!(inbox = %entry.inbox, seq = entry.seq, %error, "an inbox entry does not read; it was dropped");
                Ok(())
            }
        }
    }

    fn change(&self, command: Command, at: Timestamp) -> Result<(), Failed> {
        let db = &self.db;
        match command {
            Command::Activate(one) => db
                .prepare_cached("INSERT OR REPLACE INTO activation (preset, version, name, header, set_at) VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![one.preset.as_str(), one.version.0, one.header.name, text(&one.header)?, at.0])?,
            Command::Deactivate(preset) => {
                db.prepare_cached("DELETE FROM activation WHERE preset = ?1")?.execute([preset.as_str()])?
            }
            Command::SetSecret { name, sealed } => db
                .prepare_cached("INSERT OR REPLACE INTO secret (name, sealed, set_at) VALUES (?1, ?2, ?3)")?
                .execute(params![name, sealed, at.0])?,
            Command::RemoveSecret(name) => db.prepare_cached("DELETE FROM secret WHERE name = ?1")?.execute([name])?,
            Command::AddToken(token) => self.add_token(&token, at)?,
            Command::RemoveToken(id) => db.prepare_cached("DELETE FROM token WHERE id = ?1")?.execute([id.as_str()])?,
            Command::AddLoginLink(link) => {
                login::add_link(db, &link, at)?;
                1
            }
            Command::EnrolKey(enrolment) => {
                login::enrol(db, &enrolment, at)?;
                1
            }
            Command::RemoveLoginKey(key) => {
                login::remove_key(db, &key)?;
                1
            }
            Command::Set { name, value: Value::Null } => {
                db.prepare_cached("DELETE FROM setting WHERE name = ?1")?.execute([name])?
            }
            Command::Set { name, value } => db
                .prepare_cached("INSERT OR REPLACE INTO setting (name, value) VALUES (?1, ?2)")?
                .execute(params![name, text(&value)?])?,
            Command::Submit(_) | Command::Signal(..) | Command::DeleteJob(_) => {
                tracing::error!("an inbox entry is not for the node's tables; it was dropped");
                0
            }
        };
        Ok(())
    }

    fn add_token(&self, token: &Token, at: Timestamp) -> Result<usize, Failed> {
        if !login::admits(&self.db, token, at)? {
            tracing::info!(token = %token.id, "a session of a login key that was removed is not opened");
            return Ok(0);
        }
        let mut insert = self.db.prepare_cached(
            "INSERT OR REPLACE INTO token (id, label, secret_hash, role, created_at, expires_at, login_key)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        Ok(insert.execute(params![
            token.id.as_str(),
            token.label,
            token.secret_hash,
            role_word(token.role)?,
            token.created_at.0,
            token.expires_at.map(|at| at.0),
            token.login_key.as_ref().map(LoginKeyId::as_str),
        ])?)
    }
}

impl Tables for NodeFile {
    fn file(&self) -> &str {
        FILE
    }

    fn begin(&mut self) -> Result<(), Failed> {
        self.changed = false;
        self.db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(())
    }

    fn commit(&mut self) -> Result<u64, Failed> {
        self.db.prepare_cached("COMMIT")?.execute([])?;
        Ok(0)
    }

    fn rollback(&mut self) {
        self.changed = false;
        if !self.db.is_autocommit()
            && let Err(error) = self.db.execute_batch("ROLLBACK")
        {
            tracing::error!(file = FILE, %error, "a transaction could not be rolled back");
        }
    }

    fn ring(&mut self) {
        if std::mem::take(&mut self.changed) {
            self.bell.ring(Ring::Node);
        }
    }
}
