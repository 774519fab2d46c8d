//! What mesh keeps. Every record carries its BLAKE3, checked whenever it is read.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use flowork_ports::mesh_table::{Change, Decision, MeshTable, ReceiptQuery, StoredReceipt, Total};
use flowork_ports::store::Error;
use flowork_protocol::grant::Capability;
use flowork_protocol::peer::call::CallId;
use flowork_protocol::receipt::Usage;
use flowork_protocol::{GrantId, NodeId, Timestamp};
use rusqlite::types::Type;
use rusqlite::{OptionalExtension as _, Row, params};

use crate::error::Failed;
use crate::job_row::int;
use crate::plain::PlainFile;
use crate::pool::Pool;
use crate::writer::Writer;

/// The file's name.
pub(crate) const FILE: &str = "mesh.db";
const SMALL_BYTES: usize = 1024;
/// What [`receipt`] reads.
const COLUMNS: &str = "is_given, peer, call, grant_id, engine, capability, ended_at, bytes_in, bytes_out, work_ms,
                       tokens_in, tokens_out, failure, signed, countersignature";

/// The tables of mesh in SQLite.
pub(crate) struct SqliteMesh {
    writer: Writer<PlainFile>,
    readers: Arc<Pool>,
}

impl SqliteMesh {
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        Ok(Self { writer: PlainFile::start(dir, FILE)?, readers: Pool::new(dir.join(FILE), FILE.to_owned()) })
    }
}

#[async_trait]
impl MeshTable for SqliteMesh {
    async fn records(&self, kind: &'static str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        self.readers
            .read(move |db| {
                let mut query = db.prepare_cached("SELECT key, hash, body FROM record WHERE kind = ?1 ORDER BY key")?;
                let rows = query.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
                rows.map(|row| {
                    let (key, hash, body): (String, [u8; 32], Vec<u8>) = row?;
                    if *blake3::hash(&body).as_bytes() != hash {
                        let detail = format!("the {kind} `{key}` is not what was written");
                        return Err(Error::Damaged { file: FILE.to_owned(), detail }.into());
                    }
                    Ok((key, body))
                })
                .collect()
            })
            .await
    }

    async fn write(&self, changes: Vec<Change>) -> Result<(), Error> {
        let bytes = changes.iter().map(|change| SMALL_BYTES + change_bytes(change)).sum();
        let write = move |file: &mut PlainFile| changes.iter().try_for_each(|change| carry_out(file, change));
        self.writer.call(bytes, write).await?;
        Ok(())
    }

    async fn receipts(&self, query: &ReceiptQuery) -> Result<Vec<StoredReceipt>, Error> {
        let query = query.clone();
        self.readers
            .read(move |db| {
                let mut found = db.prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM receipt
                     WHERE (?1 IS NULL OR peer = ?1) AND (?2 IS NULL OR grant_id = ?2) AND (?3 IS NULL OR ended_at < ?3)
                       AND (?4 IS NULL OR ended_at >= ?4)
                     ORDER BY ended_at DESC, no DESC LIMIT ?5",
                ))?;
                let rows = found.query_map(
                    params![
                        query.peer.map(|peer| peer.0),
                        query.grant.map(|grant| grant.0),
                        query.before.map(|at| at.0),
                        query.since.map(|at| at.0),
                        int(query.limit as u64)
                    ],
                    receipt,
                )?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn receipt(&self, is_given: bool, peer: NodeId, call: CallId) -> Result<Option<StoredReceipt>, Error> {
        self.readers
            .read(move |db| {
                let sql = format!("SELECT {COLUMNS} FROM receipt WHERE is_given = ?1 AND peer = ?2 AND call = ?3");
                let mut found = db.prepare_cached(&sql)?;
                Ok(found.query_row(params![is_given, peer.0, call.0], receipt).optional()?)
            })
            .await
    }

    async fn totals(&self) -> Result<Vec<Total>, Error> {
        self.readers
            .read(|db| {
                let mut query = db.prepare_cached(
                    "SELECT strftime('%Y-%m', ended_at / 1000, 'unixepoch') AS month, is_given, peer, grant_id, count(*),
                            count(failure), sum(bytes_in), sum(bytes_out), sum(work_ms), sum(tokens_in), sum(tokens_out)
                     FROM receipt GROUP BY month, is_given, peer, grant_id ORDER BY month DESC, is_given, peer, grant_id",
                )?;
                let rows = query.query_map([], |row| {
                    Ok(Total {
                        month: row.get(0)?,
                        is_given: row.get(1)?,
                        peer: NodeId(row.get(2)?),
                        grant: GrantId(row.get(3)?),
                        calls: number(row, 4)?,
                        failed: number(row, 5)?,
                        usage: usage(row, 6)?,
                        watt_hours: None,
                    })
                })?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn decisions(&self, before: Option<u64>, limit: usize) -> Result<Vec<(u64, Decision)>, Error> {
        self.readers
            .read(move |db| {
                let mut query = db.prepare_cached(
                    "SELECT no, at, kind, peer, text FROM decision WHERE ?1 IS NULL OR no < ?1 ORDER BY no DESC LIMIT ?2",
                )?;
                let rows = query.query_map(params![before.map(int), int(limit as u64)], |row| {
                    let peer: Option<[u8; 32]> = row.get(3)?;
                    let decision = Decision {
                        at: Timestamp(row.get(1)?),
                        kind: row.get(2)?,
                        peer: peer.map(NodeId),
                        text: row.get(4)?,
                    };
                    Ok((number(row, 0)?, decision))
                })?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }
}

fn change_bytes(change: &Change) -> usize {
    match change {
        Change::Put { body, .. } => body.len(),
        Change::Receipt(receipt) => receipt.signed.len(),
        Change::Forget { .. } | Change::Decision(_) => 0,
    }
}

fn number(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(at)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(at, value))
}

fn usage(row: &Row<'_>, from: usize) -> rusqlite::Result<Usage> {
    Ok(Usage {
        bytes_in: number(row, from)?,
        bytes_out: number(row, from + 1)?,
        work_ms: number(row, from + 2)?,
        tokens_in: number(row, from + 3)?,
        tokens_out: number(row, from + 4)?,
    })
}

fn receipt(row: &Row<'_>) -> rusqlite::Result<StoredReceipt> {
    let call: Vec<u8> = row.get(2)?;
    let call = call.try_into().map_err(|_| rusqlite::Error::InvalidColumnType(2, "call".to_owned(), Type::Blob))?;
    Ok(StoredReceipt {
        is_given: row.get(0)?,
        peer: NodeId(row.get(1)?),
        call: CallId(call),
        grant: GrantId(row.get(3)?),
        engine: row.get(4)?,
        capability: Capability(row.get(5)?),
        ended_at: Timestamp(row.get(6)?),
        usage: usage(row, 7)?,
        failure: row.get(12)?,
        signed: row.get(13)?,
        countersignature: row.get(14)?,
    })
}

fn carry_out(file: &mut PlainFile, change: &Change) -> Result<(), Failed> {
    match change {
        Change::Put { kind, key, body } => {
            let hash = *blake3::hash(body).as_bytes();
            file.db
                .prepare_cached(
                    "INSERT INTO record (kind, key, hash, body) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (kind, key) DO UPDATE SET hash = excluded.hash, body = excluded.body",
                )?
                .execute(params![kind, key, hash, body])?;
        }
        Change::Forget { kind, key } => {
            file.db.prepare_cached("DELETE FROM record WHERE kind = ?1 AND key = ?2")?.execute([kind, &**key])?;
            file.freed = true;
        }
        Change::Receipt(receipt) => keep_receipt(file, receipt)?,
        Change::Decision(Decision { at, kind, peer, text }) => {
            file.db
                .prepare_cached("INSERT INTO decision (at, kind, peer, text) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![at.0, kind, peer.map(|peer| peer.0), text])?;
        }
    }
    Ok(())
}

fn keep_receipt(file: &PlainFile, receipt: &StoredReceipt) -> Result<(), Failed> {
    let Usage { bytes_in, bytes_out, work_ms, tokens_in, tokens_out } = receipt.usage;
    file.db
        .prepare_cached(
            "INSERT OR REPLACE INTO receipt (is_given, peer, call, grant_id, engine, capability, ended_at, bytes_in,
                bytes_out, work_ms, tokens_in, tokens_out, failure, signed, countersignature)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?
        .execute(params![
            receipt.is_given,
            receipt.peer.0,
            receipt.call.0,
            receipt.grant.0,
            receipt.engine,
            receipt.capability.0,
            receipt.ended_at.0,
            int(bytes_in),
            int(bytes_out),
            int(work_ms),
            int(tokens_in),
            int(tokens_out),
            receipt.failure,
            receipt.signed,
            receipt.countersignature,
        ])?;
    Ok(())
}
