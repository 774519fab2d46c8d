//! Finds where in a JSON text a JSON Pointer points, so that problems can be shown as `file:line:column`.
//!
//! Source: RFC 6901 (pointers), RFC 8259 (JSON). Works on texts that serde_json has read; on others it gives up.

/// Line and column, both from 1, of the value that `pointer` names; of the nearest value around it when the text has it not.
pub(crate) fn find(text: &str, pointer: &str) -> Option<(usize, usize)> {
    let wanted: Vec<String> = match pointer {
        "" => Vec::new(),
        _ => pointer.strip_prefix('/')?.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect(),
    };
    let mut scan = Scan { bytes: text.as_bytes(), at: 0, best: None };
    scan.value(&wanted)?;
    let at = scan.best?;
    let before = text.get(..at)?;
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Some((line, column))
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    best: Option<usize>,
}

impl Scan<'_> {
    /// Steps over one value. While `wanted` still leads here, its start is the best place so far.
    fn value(&mut self, wanted: &[String]) -> Option<()> {
        self.space();
        self.best = Some(self.at);
        match self.peek()? {
            b'{' => self.object(Some(wanted)),
            b'[' => self.array(Some(wanted)),
            _ => self.skip(),
        }
    }

    fn object(&mut self, wanted: Option<&[String]>) -> Option<()> {
        self.at += 1;
        loop {
            self.space();
            match self.peek()? {
                b'}' => {
                    self.at += 1;
                    return Some(());
                }
                b',' => self.at += 1,
                _ => {
                    let key_at = self.at;
                    let key = self.string()?;
                    self.space();
                    self.at += 1; // The colon.
                    match wanted.and_then(|wanted| wanted.split_first()) {
                        Some((first, rest)) if *first == key => {
                            self.value(rest)?;
                            if rest.is_empty() {
                                // A member is found by its name, which people see first.
                                self.best = Some(key_at);
                            }
                            return Some(());
                        }
                        _ => {
                            self.space();
                            self.skip()?;
                        }
                    }
                }
            }
        }
    }

    fn array(&mut self, wanted: Option<&[String]>) -> Option<()> {
        self.at += 1;
        let target = wanted.and_then(|wanted| wanted.split_first());
        let mut index = 0_usize;
        loop {
            self.space();
            match self.peek()? {
                b']' => {
                    self.at += 1;
                    return Some(());
                }
                b',' => self.at += 1,
                _ => {
                    match target {
                        Some((first, rest)) if first.parse() == Ok(index) => {
                            self.value(rest)?;
                            return Some(());
                        }
                        _ => self.skip()?,
                    }
                    index += 1;
                }
            }
        }
    }

    fn skip(&mut self) -> Option<()> {
        match self.peek()? {
            b'{' => self.object(None),
            b'[' => self.array(None),
            b'"' => self.string().map(drop),
            _ => {
                let begun = self.at;
                while self.at < self.bytes.len() && !b",]} \t\r\n".contains(&self.bytes[self.at]) {
                    self.at += 1;
                }
                // A stray bracket is no value: giving up here is what keeps the scan from standing still.
                (self.at > begun).then_some(())
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let begun = self.at;
        self.at += 1;
        loop {
            match self.peek()? {
                b'\\' => self.at += 2,
                b'"' => {
                    self.at += 1;
                    return serde_json::from_slice(self.bytes.get(begun..self.at)?).ok();
                }
                _ => self.at += 1,
            }
        }
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{
  "steps": {
    "a/b": { "component": "x" },
    "list": [1, { "deep": "]}" }, 3]
  },
  "wires": ["a -> b", "b -> c"]
}"#;

    fn check(pointer: &str, expect: (usize, usize)) {
        assert_eq!(find(TEXT, pointer), Some(expect), "{pointer}");
    }

    #[test]
    fn a_pointer_is_found_at_the_name_of_its_member() {
        check("", (1, 1));
        check("/steps", (2, 3));
        check("/steps/a~1b/component", (3, 14));
        check("/steps/list/1/deep", (4, 19));
    }

    #[test]
    fn an_element_is_found_at_its_value() {
        check("/wires/1", (6, 23));
        check("/steps/list/2", (4, 35));
    }

    #[test]
    fn what_is_not_there_is_shown_at_the_nearest_thing_around_it() {
        check("/steps/a~1b/config/url", (3, 12));
        check("/wires/a:out>b:in", (6, 12));
        check("/settings", (1, 1));
    }

    #[test]
    fn a_stray_bracket_ends_the_search() {
        assert_eq!(find("[}", "/0"), None);
        assert_eq!(find("[1, }", "/7"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,80}", pointer in "(/[a-z0-9~]{0,3}){0,4}") {
            let _ = find(&text, &pointer);
        }
    }
}
