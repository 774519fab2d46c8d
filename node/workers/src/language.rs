//! What differs between the six languages, in one place.

use serde_json::{Value, json};

/// A language that scripts may be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// Python 3.
    Python,
    /// JavaScript on Node.js.
    Javascript,
    /// Bash.
    Bash,
    /// PHP.
    Php,
    /// Perl.
    Perl,
    /// Ruby.
    Ruby,
}

/// Memory that the interpreter itself may take beyond `memory_mb`.
pub(crate) const INTERPRETER_MB: u64 = 64;

impl Language {
    /// Every language.
    pub const ALL: [Self; 6] = [Self::Python, Self::Javascript, Self::Bash, Self::Php, Self::Perl, Self::Ruby];

    /// The component's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Javascript => "javascript",
            Self::Bash => "bash",
            Self::Php => "php",
            Self::Perl => "perl",
            Self::Ruby => "ruby",
        }
    }

    /// The name for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Python => "Python",
            Self::Javascript => "JavaScript",
            Self::Bash => "Bash",
            Self::Php => "PHP",
            Self::Perl => "Perl",
            Self::Ruby => "Ruby",
        }
    }

    /// The programs that can run it, best first.
    pub(crate) const fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Python => &["python3"],
            Self::Javascript => &["node", "nodejs"],
            Self::Bash => &["bash"],
            Self::Php => &["php", "php8.2", "php8.3", "php8.4"],
            Self::Perl => &["perl"],
            Self::Ruby => &["ruby"],
        }
    }

    /// The Debian package that brings it.
    pub(crate) const fn package(self) -> &'static str {
        match self {
            Self::Python => "python3",
            Self::Javascript => "nodejs",
            Self::Bash => "bash",
            Self::Php => "php-cli",
            Self::Perl => "perl",
            Self::Ruby => "ruby",
        }
    }

    /// The program that runs inside the interpreter and speaks frames.
    pub(crate) const fn harness(self) -> &'static str {
        match self {
            Self::Python => include_str!("harness/python.py"),
            Self::Javascript => include_str!("harness/javascript.js"),
            Self::Bash => include_str!("harness/bash.sh"),
            Self::Php => include_str!("harness/php.php"),
            Self::Perl => include_str!("harness/perl.pl"),
            Self::Ruby => include_str!("harness/ruby.rb"),
        }
    }

    /// The page for who writes a script.
    pub(crate) const fn docs(self) -> &'static str {
        match self {
            Self::Python => include_str!("docs/python.md"),
            Self::Javascript => include_str!("docs/javascript.md"),
            Self::Bash => include_str!("docs/bash.md"),
            Self::Php => include_str!("docs/php.md"),
            Self::Perl => include_str!("docs/perl.md"),
            Self::Ruby => include_str!("docs/ruby.md"),
        }
    }

    /// The media type of its code, for editors.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Python => "text/x-python",
            Self::Javascript => "text/javascript",
            Self::Bash => "text/x-shellscript",
            Self::Php => "text/x-php",
            Self::Perl => "text/x-perl",
            Self::Ruby => "text/x-ruby",
        }
    }

    /// The interpreter's arguments. `shared` is meant for a JavaScript worker that serves many scripts.
    pub(crate) fn args(self, memory_mb: u64, shared: bool) -> Vec<String> {
        let harness = "{boot}/harness".to_owned();
        let mut args: Vec<String> = match self {
            Self::Python => ["-I", "-B", "-X", "utf8"].map(str::to_owned).to_vec(),
            Self::Javascript => {
                let mut args = vec![format!("--max-old-space-size={memory_mb}"), "--no-warnings".to_owned()];
                if shared {
                    // What scripts share with the worker's own realm cannot be changed by them.
                    args.extend(["--frozen-intrinsics", "--disallow-code-generation-from-strings"].map(str::to_owned));
                }
                args
            }
            Self::Bash => ["--noprofile", "--norc"].map(str::to_owned).to_vec(),
            Self::Php => [
                format!("memory_limit={}M", memory_mb),
                "display_errors=0".to_owned(),
                "log_errors=0".to_owned(),
                "html_errors=0".to_owned(),
                "output_buffering=0".to_owned(),
                "zend.exception_ignore_args=1".to_owned(),
            ]
            .into_iter()
            .flat_map(|setting| ["-d".to_owned(), setting])
            .collect(),
            Self::Perl => Vec::new(),
            Self::Ruby => vec!["-Ku".to_owned()],
        };
        args.push(harness);
        if self == Self::Javascript {
            args.push(if shared { "shared" } else { "once" }.to_owned());
        }
        args
    }

    /// Private memory that one process may map. V8 maps far more than it uses.
    pub(crate) const fn data_bytes(self, memory_mb: u64) -> u64 {
        let slack_mb = if matches!(self, Self::Javascript) { 768 } else { INTERPRETER_MB };
        (memory_mb + slack_mb) << 20
    }

    /// Code that works, with what goes in and out.
    pub(crate) fn example(self) -> (Value, Vec<Value>, Vec<Value>) {
        let code = match self {
            Self::Python => {
                "total = sum(item.json['price'] for item in items)\nlog(f'{len(items)} items')\nreturn {'total': total}"
            }
            Self::Javascript => {
                "const total = items.reduce((sum, item) => sum + item.json.price, 0);\nlog(`${items.length} items`);\nreturn { total };"
            }
            Self::Bash => {
                "total=0\nwhile read -r item; do\n  [[ $item =~ \\\"price\\\":([0-9]+) ]] && total=$((total + BASH_REMATCH[1]))\ndone\necho \"{\\\"total\\\": $total}\""
            }
            Self::Php => {
                "$total = array_sum(array_map(fn($item) => $item['json']['price'], $items));\nlog_info(count($items) . ' items');\nreturn ['total' => $total];"
            }
            Self::Perl => {
                "my $total = 0;\n$total += $_->{json}{price} for @$items;\nlog(scalar(@$items) . ' items');\nreturn { total => $total };"
            }
            Self::Ruby => {
                "total = items.sum { |item| item['json']['price'] }\nlog \"#{items.size} items\"\n{ 'total' => total }"
            }
        };
        (json!({ "code": code }), vec![json!({ "price": 3 }), json!({ "price": 4 })], vec![json!({ "total": 7 })])
    }
}
