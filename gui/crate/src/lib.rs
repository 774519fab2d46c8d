//! The built web GUI, as files inside the binary.
//!
//! `build.rs` runs the npm build of `gui/` when npm is there and the build is older than its sources, and lays what it finds
//! in `gui/dist` into a table. Without npm, and with `FLOWORK_NO_GUI=1`, the table is empty and everything else works.
//!
//! Non-goals: serving. The binary hands the files to the gateway, which says how they are sent.

use flowork_ports::gui::{File, Files};

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The GUI; none when this was built without it.
#[must_use]
pub fn files() -> Option<Files> {
    (!FILES.is_empty()).then(|| Files::new(FILES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_has_the_page_when_it_has_anything() {
        assert!(FILES.is_sorted_by(|a, b| a.path < b.path));
        let Some(files) = files() else { return };
        let page = files.get("index.html").unwrap();
        assert_eq!(page.media_type, "text/html; charset=utf-8");
        assert!(files.get("nothing").is_none());
        for file in FILES {
            assert!(!file.bytes.is_empty() && file.gzip.is_none_or(|zipped| zipped.len() < file.bytes.len()));
        }
    }
}
