//! Bytes of stdout and stderr as lines of text, whatever comes.

/// The longest line that is kept whole, in bytes; the rest of a longer one is left out and said so.
pub(crate) const LINE_BYTES_MAX: usize = 16 << 10;

/// Cuts a stream of bytes into lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    open: Vec<u8>,
    left_out: usize,
}

impl Lines {
    /// Takes bytes and gives each line that they complete.
    pub(crate) fn push(&mut self, bytes: &[u8], mut line: impl FnMut(&str)) {
        let mut parts = bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(part) = parts.next() {
            let room = LINE_BYTES_MAX.saturating_sub(self.open.len()).min(part.len());
            let (kept, cut) = part.split_at(room);
            self.open.extend_from_slice(kept);
            self.left_out += cut.len();
            if parts.peek().is_some() {
                self.give(&mut line);
            }
        }
    }

    /// Gives the line that has no end.
    pub(crate) fn finish(&mut self, mut line: impl FnMut(&str)) {
        if !self.open.is_empty() {
            self.give(&mut line);
        }
    }

    fn give(&mut self, line: &mut impl FnMut(&str)) {
        let text = String::from_utf8_lossy(&self.open);
        let text = text.strip_suffix('\r').unwrap_or(&text);
        if self.left_out > 0 {
            line(&format!("{text}… ({} more bytes)", self.left_out));
        } else {
            line(text);
        }
        self.open.clear();
        self.left_out = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(chunks: &[&[u8]], expect: &[&str]) {
        let (mut lines, mut got) = (Lines::default(), Vec::new());
        for chunk in chunks {
            lines.push(chunk, |line| got.push(line.to_owned()));
        }
        lines.finish(|line| got.push(line.to_owned()));
        assert_eq!(got, expect);
    }

    #[test]
    fn lines_come_whole_however_the_bytes_were_cut() {
        check(&[b"a", b"b\ncd\r", b"\n\ne"], &["ab", "cd", "", "e"]);
        check(&[&"ü".as_bytes()[..1], &"ü".as_bytes()[1..], b"\n"], &["ü"]);
    }

    #[test]
    fn invalid_utf8_is_shown_as_replaced() {
        check(&[b"a\xffb\n"], &["a\u{fffd}b"]);
    }

    #[test]
    fn a_line_beyond_the_bound_is_cut_and_says_so() {
        let long = vec![b'x'; LINE_BYTES_MAX + 5];
        check(&[&long, b"\nnext\n"], &[&format!("{}… (5 more bytes)", "x".repeat(LINE_BYTES_MAX)), "next"]);
    }
}
