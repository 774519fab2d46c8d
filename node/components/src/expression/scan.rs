//! Finds where expressions begin and end in text: `}}` inside a string, a template or nested braces does not end one.

/// One piece of a config text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Plain text.
    Text(&'a str),
    /// What stands between `{{` and `}}`.
    Expression(&'a str),
}

/// Whether `text` holds an expression.
pub(crate) fn has_expression(text: &str) -> bool {
    text.contains("{{")
}

/// Splits a text at its expressions.
///
/// # Errors
/// An expression that does not end, in words.
pub(super) fn split(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        if at > 0 {
            pieces.push(Piece::Text(&rest[..at]));
        }
        let inside = &rest[at + 2..];
        // A quote in a regular expression can mislead the scan; the first `}}` is then the best guess.
        let end = end_of(inside).or_else(|| inside.find("}}")).ok_or_else(|| {
            let shown: String = rest[at..].chars().take(40).collect();
            format!("`{shown}` opens an expression with `{{{{` that no `}}}}` ends")
        })?;
        pieces.push(Piece::Expression(&inside[..end]));
        rest = &inside[end + 2..];
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

/// The place of the `}}` that ends the expression at the start of `code`.
fn end_of(code: &str) -> Option<usize> {
    let bytes = code.as_bytes();
    let mut at = 0;
    // Closers that are open, innermost last; `$` stands for the `}` that goes back into a template.
    let mut open: Vec<u8> = Vec::new();
    let mut before = b'(';
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' | b'\'' => at = after_string(bytes, at)?,
            b'`' => at = template(bytes, at + 1, &mut open)?,
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                // A comment to the end of the line may hold the end of the expression.
                at += 1;
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => at = at + 2 + find(&bytes[at + 2..], b"*/")? + 1,
            b'/' if b"(,=:[!&|?{};+-*%<>~^".contains(&before) => at = after_regex(bytes, at)?,
            b'(' | b'[' | b'{' => open.push(byte),
            b'}' if open.is_empty() && bytes.get(at + 1) == Some(&b'}') => return Some(at),
            b'}' if open.last() == Some(&b'$') => {
                open.pop();
                at = template(bytes, at + 1, &mut open)?;
            }
            b')' | b']' | b'}' => {
                open.pop()?;
            }
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            before = byte;
        }
        at += 1;
    }
    None
}

/// The index of the quote that ends the string that starts at `at`.
fn after_string(bytes: &[u8], at: usize) -> Option<usize> {
    let quote = bytes[at];
    let mut at = at + 1;
    loop {
        match *bytes.get(at)? {
            b'\\' => at += 1,
            b'\n' => return None,
            byte if byte == quote => return Some(at),
            _ => {}
        }
        at += 1;
    }
}

/// Reads a template from inside: the index of its last character read, its end or the `{` of a `${`.
fn template(bytes: &[u8], mut at: usize, open: &mut Vec<u8>) -> Option<usize> {
    loop {
        match *bytes.get(at)? {
            b'\\' => at += 1,
            b'`' => return Some(at),
            b'$' if bytes.get(at + 1) == Some(&b'{') => {
                open.push(b'$');
                return Some(at + 1);
            }
            _ => {}
        }
        at += 1;
    }
}

fn after_regex(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    let mut class = false;
    loop {
        match *bytes.get(at)? {
            b'\\' => at += 1,
            b'\n' => return None,
            b'[' => class = true,
            b']' => class = false,
            b'/' if !class => return Some(at),
            _ => {}
        }
        at += 1;
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expressions: &[&str]) {
        let found: Vec<_> = split(text)
            .into_iter()
            .flatten()
            .filter_map(|piece| if let Piece::Expression(source) = piece { Some(source.trim()) } else { None })
            .collect();
        assert_eq!(found, expressions, "in {text}");
    }

    #[test]
    fn an_expression_ends_at_the_braces_that_are_its_own() {
        check("plain", &[]);
        check("{{ $json.a }}", &["$json.a"]);
        check("a {{ 1 }} b {{ 2 }}", &["1", "2"]);
        check("{{ {a:{b:1}} }}", &["{a:{b:1}}"]);
        check("{{ {a:{b:1}}}}", &["{a:{b:1}}"]);
        check(r#"{{ "}}" + '}}' }}"#, &[r#""}}" + '}}'"#]);
        check("{{ `a${ {b:{}} }}}` }}!", &["`a${ {b:{}} }}}`"]);
        check(r#"{{ $json.a.replace(/["}]/g, "") }}"#, &[r#"$json.a.replace(/["}]/g, "")"#]);
        check("{{ 4 / 2 }} and {{ 1 / 1 }}", &["4 / 2", "1 / 1"]);
    }

    #[test]
    fn an_expression_without_an_end_is_named() {
        assert!(split("a {{ $json.b").is_err_and(|error| error.contains("`{{ $json.b`")));
    }
}
