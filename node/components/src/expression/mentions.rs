//! Which other steps JavaScript reads with `$('name')`. Reads too much rather than too little.

use flowork_ports::component::Mentions;

#[derive(Debug, Default)]
pub(super) struct Found {
    names: Vec<String>,
    any: bool,
}

impl Found {
    /// Reads one piece of code.
    pub(super) fn code(&mut self, code: &str) {
        for (at, _) in code.match_indices('$') {
            let before = code[..at].chars().next_back();
            let after = &code[at + 1..];
            let whole = !before.is_some_and(is_identifier) && !after.chars().next().is_some_and(is_identifier);
            // `${` is a template's.
            if !whole || after.starts_with('{') {
                continue;
            }
            match constant_argument(after) {
                Some(name) if self.names.contains(&name) => {}
                Some(name) => self.names.push(name),
                None => self.any = true,
            }
        }
    }

    pub(super) fn finish(self) -> Mentions {
        if self.any { Mentions::Any } else { Mentions::Named(self.names) }
    }
}

fn is_identifier(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$'
}

/// `name` in `('name')`; a second argument may follow.
fn constant_argument(after: &str) -> Option<String> {
    let inside = after.trim_start().strip_prefix('(')?.trim_start();
    let quote = inside.chars().next().filter(|quote| matches!(quote, '"' | '\'' | '`'))?;
    let (name, rest) = inside[1..].split_once(quote)?;
    let computed = quote == '`' && name.contains("${");
    let plain = !computed && !name.contains(['\\', '\n']);
    (plain && rest.trim_start().starts_with([')', ','])).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: &str, expect: Mentions) {
        let mut found = Found::default();
        found.code(code);
        assert_eq!(found.finish(), expect, "in {code}");
    }

    #[test]
    fn constant_names_are_named_and_dynamic_ones_may_be_any() {
        let named = |names: &[&str]| Mentions::Named(names.iter().map(|name| (*name).to_owned()).collect());
        check("$json.a + $vars.b", named(&[]));
        check("$('Read file').first().json + $( \"b\" ).all().length + $('b').json", named(&["Read file", "b"]));
        check("$('a', 'true').all()", named(&["a"]));
        check("`${$json.a}`", named(&[]));
        check("$('a' + $index).json", Mentions::Any);
        check("const read = $; read('a')", Mentions::Any);
        check("`${ $(name) }`", Mentions::Any);
    }
}
