//! A gateway's inbox that goes on in a further file when its own is damaged: what can still be read of the damaged one stays
//! for the kernel, and work is accepted all the same.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use flowork_ports::bell::Bell;
use flowork_ports::store::{Error, Inbox};
use flowork_protocol::ShardNo;
use flowork_protocol::command::Command;

use crate::inbox::SqliteInbox;

/// How many files one gateway may have used up.
const FILES_MAX: u32 = 9;

/// See the module.
pub(crate) struct SpareInbox {
    dir: PathBuf,
    gateway: String,
    shards: u16,
    drained_by: Vec<(ShardNo, PathBuf)>,
    bell: Bell,
    current: RwLock<(u32, Arc<SqliteInbox>)>,
}

impl SpareInbox {
    /// Opens the first file of `gateway` in the data directory `dir` that is whole; makes one when there is none.
    pub(crate) fn open(
        dir: &Path, gateway: &str, shards: u16, drained_by: Vec<(ShardNo, PathBuf)>, bell: Bell,
    ) -> Result<Self, Error> {
        let first = open_from(1, dir, gateway, shards, &drained_by, &bell)?;
        let (dir, gateway) = (dir.to_owned(), gateway.to_owned());
        Ok(Self { dir, gateway, shards, drained_by, bell, current: RwLock::new(first) })
    }

    fn current(&self) -> (u32, Arc<SqliteInbox>) {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The file after `damaged`, unless another call has gone on already.
    fn go_on(&self, damaged: u32) -> Result<Arc<SqliteInbox>, Error> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.0 == damaged {
            *current = open_from(damaged + 1, &self.dir, &self.gateway, self.shards, &self.drained_by, &self.bell)?;
        }
        Ok(Arc::clone(&current.1))
    }
}

fn open_from(
    first: u32, dir: &Path, gateway: &str, shards: u16, drained_by: &[(ShardNo, PathBuf)], bell: &Bell,
) -> Result<(u32, Arc<SqliteInbox>), Error> {
    let mut number = first;
    loop {
        let name = if number == 1 { gateway.to_owned() } else { format!("{gateway}-{number}") };
        match SqliteInbox::open(dir, &name, shards, drained_by.to_vec(), bell.clone()) {
            Ok(inbox) => return Ok((number, Arc::new(inbox))),
            Err(error @ Error::Damaged { .. }) if number < FILES_MAX => {
                tracing::error!(%error, "an inbox is damaged; a further file takes what comes");
                number += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

#[async_trait]
impl Inbox for SpareInbox {
    async fn submit(&self, command: Command) -> Result<(), Error> {
        let (number, inbox) = self.current();
        match inbox.keep(&command).await {
            Err(error @ Error::Damaged { .. }) if number < FILES_MAX => {
                tracing::error!(%error, "an inbox is damaged; a further file takes what comes");
                drop(inbox);
                self.go_on(number)?.keep(&command).await
            }
            kept => kept,
        }
    }

    fn shards(&self) -> u16 {
        self.shards
    }
}
