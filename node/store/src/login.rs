//! The tables of login keys, login links and sessions. Part of the node's tables; only `node.rs` writes through it.
//!
//! Which key a link lets in is decided here, where commands are carried out one after the other, and nowhere else.

use flowork_ports::store::Logins;
use flowork_protocol::Timestamp;
use flowork_protocol::command::{Role, Token};
use flowork_protocol::id::{LoginKeyId, LoginLinkId};
use flowork_protocol::login::{Enrolment, Key, Link};
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::Failed;
use crate::node::{parse, role_word};

/// The most links that are kept; the oldest go first.
const LINKS_MAX: u32 = 32;
/// The most sessions that one key has; the oldest end first.
const SESSIONS_PER_KEY_MAX: u32 = 32;

/// All keys and links.
pub(crate) fn all(db: &Connection) -> Result<Logins, Failed> {
    Ok(Logins { keys: keys(db)?, links: links(db)? })
}

fn keys(db: &Connection) -> Result<Vec<Key>, Failed> {
    let mut query =
        db.prepare_cached("SELECT id, public_key, label, role, created_at FROM login_key ORDER BY created_at, id")?;
    let mut rows = query.query([])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        keys.push(Key {
            id: LoginKeyId(row.get(0)?),
            public_key: word("a login key", &row.get::<_, String>(1)?)?,
            label: row.get(2)?,
            role: word("a login key's role", &row.get::<_, String>(3)?)?,
            created_at: Timestamp(row.get(4)?),
        });
    }
    Ok(keys)
}

fn links(db: &Connection) -> Result<Vec<Link>, Failed> {
    let mut query = db.prepare_cached(
        "SELECT id, secret_hash, role, created_at, expires_at, used_by FROM login_link ORDER BY created_at, id",
    )?;
    let mut rows = query.query([])?;
    let mut links = Vec::new();
    while let Some(row) = rows.next()? {
        let used_by: Option<String> = row.get(5)?;
        links.push(Link {
            id: LoginLinkId(row.get(0)?),
            secret_hash: row.get(1)?,
            role: word("a login link's role", &row.get::<_, String>(2)?)?,
            created_at: Timestamp(row.get(3)?),
            expires_at: Timestamp(row.get(4)?),
            used_by: used_by.map(|key| word("a login link's key", &key)).transpose()?,
        });
    }
    Ok(links)
}

/// A value that is a plain word in its column.
fn word<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> Result<T, Failed> {
    parse(what, &format!("\"{text}\""))
}

/// Keeps a link. Late ones go.
pub(crate) fn add_link(db: &Connection, link: &Link, at: Timestamp) -> Result<(), Failed> {
    db.prepare_cached("DELETE FROM login_link WHERE expires_at <= ?1")?.execute([at.0])?;
    db.prepare_cached(
        "INSERT OR REPLACE INTO login_link (id, secret_hash, role, created_at, expires_at, used_by)
         VALUES (?1, ?2, ?3, ?4, ?5, NULL)",
    )?
    .execute(params![
        link.id.as_str(),
        link.secret_hash,
        role_word(link.role)?,
        link.created_at.0,
        link.expires_at.0
    ])?;
    db.prepare_cached(
        "DELETE FROM login_link WHERE id NOT IN (SELECT id FROM login_link ORDER BY created_at DESC, id LIMIT ?1)",
    )?
    .execute([LINKS_MAX])?;
    Ok(())
}

/// Lets a key in by its link, if it is the first one that came with it, in time. `at` is when it was accepted.
pub(crate) fn enrol(db: &Connection, enrolment: &Enrolment, at: Timestamp) -> Result<(), Failed> {
    let public_key = enrolment.public_key.to_string();
    let used = db
        .prepare_cached("UPDATE login_link SET used_by = ?2 WHERE id = ?1 AND used_by IS NULL AND expires_at > ?3")?
        .execute(params![enrolment.link.as_str(), public_key, at.0])?;
    if used == 0 {
        tracing::info!(link = %enrolment.link, "a key came with a login link that was used or late; it is not let in");
        return Ok(());
    }
    let role: String = db
        .prepare_cached("SELECT role FROM login_link WHERE id = ?1")?
        .query_row([enrolment.link.as_str()], |row| row.get(0))?;
    let mut role: Role = word("a login link's role", &role)?;
    let before: Option<String> = db
        .prepare_cached("SELECT role FROM login_key WHERE public_key = ?1")?
        .query_row([&public_key], |row| row.get(0))
        .optional()?;
    if let Some(before) = before {
        role = role.max(word("a login key's role", &before)?);
    }
    db.prepare_cached(
        "INSERT INTO login_key (id, public_key, label, role, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (public_key) DO UPDATE SET label = ?3, role = ?4",
    )?
    .execute(params![enrolment.public_key.id().as_str(), public_key, enrolment.label, role_word(role)?, at.0])?;
    Ok(())
}

/// Forgets a key and ends its sessions.
pub(crate) fn remove_key(db: &Connection, key: &LoginKeyId) -> Result<(), Failed> {
    db.prepare_cached("DELETE FROM token WHERE login_key = ?1")?.execute([key.as_str()])?;
    db.prepare_cached("DELETE FROM login_key WHERE id = ?1")?.execute([key.as_str()])?;
    Ok(())
}

/// Whether a token may be kept: one of a login key only while the key is in. Makes room for it.
pub(crate) fn admits(db: &Connection, token: &Token, at: Timestamp) -> Result<bool, Failed> {
    let Some(key) = &token.login_key else { return Ok(true) };
    db.prepare_cached("DELETE FROM token WHERE login_key IS NOT NULL AND expires_at <= ?1")?.execute([at.0])?;
    db.prepare_cached(
        "DELETE FROM token WHERE login_key = ?1 AND id NOT IN
         (SELECT id FROM token WHERE login_key = ?1 ORDER BY created_at DESC, id LIMIT ?2)",
    )?
    .execute(params![key.as_str(), SESSIONS_PER_KEY_MAX - 1])?;
    let is_in = db.prepare_cached("SELECT 1 FROM login_key WHERE id = ?1")?.exists([key.as_str()])?;
    Ok(is_in)
}
