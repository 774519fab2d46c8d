//! The built-in components, one file each. To add one, copy `no_op.rs` and list it in [`builtin`].

use std::path::PathBuf;
use std::sync::Arc;

use flowork_ports::{Component, Engines, OwnFolder};

mod aggregate;
mod approval;
mod borrow;
mod chat;
mod code;
mod csv_parse;
mod csv_write;
mod engine;
mod filter;
mod http_request;
mod if_else;
mod json;
mod limit;
mod list_files;
mod loop_items;
mod manual;
mod merge;
mod no_op;
mod read_file;
mod respond;
mod set;
mod sort;
mod split_out;
mod stop_with_error;
mod sub_preset;
mod switch;
mod wait;
mod webhook;
mod write_file;

/// What built-in components need to know of the node.
#[derive(Clone)]
pub struct Options {
    /// The folder that relative paths are resolved against.
    pub files_dir: PathBuf,
    /// The folder that `~` stands for.
    pub home_dir: PathBuf,
    /// What no step may reach into, by whatever path.
    pub own_folder: OwnFolder,
    /// Calls engines of other nodes.
    pub engines: Arc<dyn Engines>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("files_dir", &self.files_dir)
            .field("home_dir", &self.home_dir)
            .finish_non_exhaustive()
    }
}

/// All built-in components.
#[must_use]
pub fn builtin(options: Options) -> Vec<Arc<dyn Component>> {
    let options = Arc::new(options);
    vec![
        aggregate::component(),
        approval::component(),
        borrow::component(&options),
        chat::component(&options),
        code::component(),
        csv_parse::component(),
        csv_write::component(),
        filter::component(),
        http_request::component(),
        if_else::component(),
        json::component(),
        limit::component(),
        list_files::component(&options),
        loop_items::component(),
        manual::component(),
        merge::component(),
        no_op::component(),
        read_file::component(&options),
        respond::component(),
        set::component(),
        sort::component(),
        split_out::component(),
        stop_with_error::component(),
        sub_preset::component(),
        switch::component(),
        wait::component(),
        webhook::component(),
        write_file::component(&options),
    ]
}

#[cfg(test)]
mod tests;
