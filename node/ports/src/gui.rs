//! The files of the web GUI, as the binary hands them to the gateway: whoever serves them need not know where they come from.

/// One file, as it lies in the binary.
#[derive(Clone, Copy)]
pub struct File {
    /// Its path without a slash in front, such as `assets/index-1a2b.js`.
    pub path: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// What it holds.
    pub bytes: &'static [u8],
    /// The same, gzipped, where that is worth it.
    pub gzip: Option<&'static [u8]>,
}

/// All files of one build.
#[derive(Clone, Copy)]
pub struct Files(&'static [File]);

impl Files {
    /// The files, sorted by path.
    #[must_use]
    pub const fn new(sorted: &'static [File]) -> Self {
        Self(sorted)
    }

    /// The file at a path, if there is one.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&'static File> {
        let at = self.0.binary_search_by(|file| file.path.cmp(path)).ok()?;
        self.0.get(at)
    }
}
