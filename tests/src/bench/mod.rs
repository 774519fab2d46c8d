//! The benchmark: what is measured, on what, and how it is shown. `docs/benchmarks.md` says how to repeat it.

pub mod chat;
pub mod files;
pub mod grants;
pub mod lending;
pub mod measure;
pub mod peers;
pub mod presets;
pub mod table;

pub use table::{Row, Table};
