//! Reads the part of JavaScript that runs natively. Whatever it does not know is left to QuickJS, so the answer to every
//! doubt here is `None`.

use serde_json::Value;

use super::native::{Key, Node, Operator, Pick, Root, Step};
use super::number::value_of_double;

/// How deep expressions may be nested to run natively.
const DEPTH_MAX: u32 = 48;

/// Names that every JavaScript object inherits; what they mean is QuickJS's business.
const INHERITED: [&str; 12] = [
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
];

/// The native form of an expression, if it has one.
pub(super) fn parse(source: &str) -> Option<Node> {
    let mut parser = Parser { rest: source, depth: 0 };
    let node = parser.ternary()?;
    parser.space();
    parser.rest.is_empty().then_some(node)
}

struct Parser<'a> {
    rest: &'a str,
    depth: u32,
}

impl<'a> Parser<'a> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Takes `token` if it stands here and none of `unless` follows.
    fn take(&mut self, token: &str, unless: &[char]) -> bool {
        self.space();
        match self.rest.strip_prefix(token) {
            Some(rest) if !rest.starts_with(unless) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn ternary(&mut self) -> Option<Node> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let condition = self.logical()?;
        let node = if self.take("?", &['.', '?']) {
            let yes = self.ternary()?;
            if !self.take(":", &[]) {
                return None;
            }
            Node::Choice(Box::new((condition, yes, self.ternary()?)))
        } else {
            condition
        };
        self.depth -= 1;
        Some(node)
    }

    /// `??`, or `||` and `&&`; JavaScript does not let them mix without parentheses.
    fn logical(&mut self) -> Option<Node> {
        let mut left = self.and()?;
        if self.take("??", &['=']) {
            if matches!(left, Node::And(_)) {
                return None;
            }
            loop {
                left = Node::Nullish(Box::new((left, self.binary(0)?)));
                if !self.take("??", &['=']) {
                    return Some(left);
                }
            }
        }
        while self.take("||", &['=']) {
            left = Node::Or(Box::new((left, self.and()?)));
        }
        Some(left)
    }

    fn and(&mut self) -> Option<Node> {
        let mut left = self.binary(0)?;
        while self.take("&&", &['=']) {
            left = Node::And(Box::new((left, self.binary(0)?)));
        }
        Some(left)
    }

    /// Equality, order, sums, products, by binding strength.
    fn binary(&mut self, level: usize) -> Option<Node> {
        const LEVELS: [&[(&str, &[char], Operator)]; 4] = [
            &[
                ("===", &[], Operator::Same),
                ("!==", &[], Operator::NotSame),
                ("==", &['='], Operator::Equal),
                ("!=", &['='], Operator::NotEqual),
            ],
            &[
                ("<=", &[], Operator::AtMost),
                (">=", &['='], Operator::AtLeast),
                ("<", &['<', '=', '!'], Operator::Less),
                (">", &['>', '='], Operator::More),
            ],
            &[("+", &['+', '='], Operator::Add), ("-", &['-', '='], Operator::Subtract)],
            &[
                ("*", &['*', '='], Operator::Multiply),
                ("/", &['/', '=', '*'], Operator::Divide),
                ("%", &['='], Operator::Remainder),
            ],
        ];
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        while let Some((.., operator)) = operators.iter().find(|(token, unless, _)| self.take(token, unless)) {
            left = Node::Binary(*operator, Box::new((left, self.binary(level + 1)?)));
        }
        Some(left)
    }

    fn unary(&mut self) -> Option<Node> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let node = if self.take("!", &['=']) {
            Node::Not(Box::new(self.unary()?))
        } else if self.take("-", &['-', '=']) {
            Node::Negative(Box::new(self.unary()?))
        } else {
            self.operand()?
        };
        self.depth -= 1;
        Some(node)
    }

    fn operand(&mut self) -> Option<Node> {
        self.space();
        let first = self.rest.chars().next()?;
        let node = match first {
            '(' => {
                self.rest = &self.rest[1..];
                let inside = self.ternary()?;
                if !self.take(")", &[]) {
                    return None;
                }
                // `(a).b` is left to QuickJS, and so is `(a)(b)`.
                inside
            }
            '"' | '\'' => Node::Literal(Value::String(self.string()?)),
            '0'..='9' => Node::Literal(self.number()?),
            _ => return self.path(),
        };
        self.space();
        let goes_on = self.rest.starts_with(['.', '[', '(', '`']) || self.rest.starts_with("?.");
        (!goes_on).then_some(node)
    }

    fn identifier(&mut self) -> Option<&'a str> {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '$';
        let end = self.rest.find(|letter| !is_part(letter)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        // A letter beyond ASCII or an escape belongs to a name that only QuickJS reads right.
        let whole = !name.is_empty() && !rest.starts_with(|letter: char| letter == '\\' || !letter.is_ascii());
        if !whole || name.starts_with(|letter: char| letter.is_ascii_digit()) {
            return None;
        }
        self.rest = rest;
        Some(name)
    }

    fn string(&mut self) -> Option<String> {
        let quote = self.rest.chars().next()?;
        let mut text = String::new();
        let mut letters = self.rest.char_indices().skip(1);
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => text.push(match letters.next()?.1 {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    plain @ ('\\' | '\'' | '"' | '/') => plain,
                    _ => return None,
                }),
                '\n' | '\r' => return None,
                end if end == quote => {
                    self.rest = &self.rest[at + 1..];
                    return Some(text);
                }
                plain => text.push(plain),
            }
        }
        None
    }

    fn number(&mut self) -> Option<Value> {
        let end = self.rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        let whole = digits.split('.').next().unwrap_or_default();
        let plain =
            (whole == "0" || !whole.starts_with('0')) && !digits.ends_with('.') && digits.matches('.').count() < 2;
        if !plain || rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_' || letter == '$') {
            return None;
        }
        let double: f64 = digits.parse().ok().filter(|double: &f64| double.is_finite())?;
        self.rest = rest;
        Some(value_of_double(double))
    }

    fn path(&mut self) -> Option<Node> {
        let name = self.identifier()?;
        let root = match name {
            "true" => return self.end_of_word(Node::Literal(Value::Bool(true))),
            "false" => return self.end_of_word(Node::Literal(Value::Bool(false))),
            "null" => return self.end_of_word(Node::Literal(Value::Null)),
            "undefined" => return self.end_of_word(Node::Undefined),
            "$json" => Root::Json,
            "$item" => Root::Item,
            "$items" => Root::Items,
            "$index" => Root::Index,
            "$vars" => Root::Vars,
            "$secrets" => Root::Secrets,
            "$now" => Root::Now,
            "$round" => Root::Round,
            "$run" => Root::Run,
            "$job" => Root::Job,
            "$preset" => Root::Preset,
            "$" => self.other_step()?,
            _ => return None,
        };
        let mut steps = Vec::new();
        while let Some(step) = self.step()? {
            steps.push(step);
        }
        Some(Node::Path(root, steps))
    }

    fn end_of_word(&mut self, node: Node) -> Option<Node> {
        self.space();
        (!self.rest.starts_with(['.', '[', '(', '`', '?'])
            || self.rest.starts_with("??")
            || self.rest.starts_with("? "))
        .then_some(node)
    }

    /// `('name').item`, `.json`, `.first()`, `.last()` after `$`.
    fn other_step(&mut self) -> Option<Root> {
        if !self.take("(", &[]) {
            return None;
        }
        self.space();
        if !self.rest.starts_with(['"', '\'']) {
            return None;
        }
        let name = self.string()?;
        if !self.take(")", &[]) || !self.take(".", &[]) {
            return None;
        }
        self.space();
        let pick = match self.identifier()? {
            "item" => Pick::Item,
            "json" => Pick::Json,
            "first" if self.take("(", &[]) && self.take(")", &[]) => Pick::First,
            "last" if self.take("(", &[]) && self.take(")", &[]) => Pick::Last,
            _ => return None,
        };
        Some(Root::Step(name.into(), pick))
    }

    /// `.name`, `["name"]`, `[0]` and their `?.` forms; `Some(None)` at the end of the path, `None` for anything else.
    #[allow(clippy::option_option, reason = "the two kinds of nothing differ: the end, and not native")]
    fn step(&mut self) -> Option<Option<Step>> {
        self.space();
        let mut optional = false;
        if let Some(rest) = self.rest.strip_prefix("?.") {
            if rest.starts_with(|letter: char| letter.is_ascii_digit()) {
                return None;
            }
            self.rest = rest;
            optional = true;
        } else if self.rest.starts_with(['(', '`']) || self.rest.starts_with("++") || self.rest.starts_with("--") {
            return None;
        }
        self.space();
        if self.rest.starts_with('[') {
            self.rest = &self.rest[1..];
            self.space();
            let key = match self.rest.chars().next()? {
                '"' | '\'' => Key::named(&self.string()?),
                '0'..='9' => Key::Index(usize::try_from(self.number()?.as_u64()?).ok()?),
                _ => return None,
            };
            if !self.take("]", &[]) {
                return None;
            }
            return allowed(key).map(|key| Some(Step { key, optional }));
        }
        if !optional {
            let Some(rest) = self.rest.strip_prefix('.') else { return Some(None) };
            self.rest = rest;
            self.space();
        }
        let name = self.identifier()?;
        allowed(Key::named(name)).map(|key| Some(Step { key, optional }))
    }
}

fn allowed(key: Key) -> Option<Key> {
    let inherited = matches!(&key, Key::Name(name) if INHERITED.contains(&name.as_ref()));
    (!inherited).then_some(key)
}
