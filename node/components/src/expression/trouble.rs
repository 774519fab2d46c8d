//! Limits, and what went wrong in words for people.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use flowork_ports::component::Call;
use flowork_protocol::Failure;
use rquickjs::Ctx;
use tokio_util::sync::CancellationToken;

use super::values::to_json;

/// What one runtime may allocate, in bytes.
pub(super) const MEMORY_BYTES_MAX: usize = 64 << 20;

/// Ends an evaluation that takes too long or is not wanted any more.
#[derive(Default)]
pub(super) struct Limit {
    pub(super) until: Cell<Option<Instant>>,
    pub(super) hit: Cell<bool>,
    cancel: RefCell<Option<CancellationToken>>,
}

impl Limit {
    pub(super) fn arm(&self, span: Duration, call: &Call) {
        self.hit.set(false);
        self.until.set(Some(Instant::now() + span));
        *self.cancel.borrow_mut() = Some(call.cancel.clone());
    }

    /// No evaluation is on: the last one's job may end, and its token be cancelled, without anybody being stopped.
    pub(super) fn disarm(&self) {
        self.until.set(None);
        *self.cancel.borrow_mut() = None;
    }

    pub(super) fn is_over(&self) -> bool {
        let late = self.until.get().is_some_and(|until| Instant::now() >= until);
        if late {
            self.hit.set(true);
        }
        late || self.cancel.borrow().as_ref().is_some_and(CancellationToken::is_cancelled)
    }
}

impl Limit {
    /// A trouble as a failure of `what` (`expression` or `code`).
    pub(super) fn explain(&self, ctx: &Ctx<'_>, trouble: Trouble, what: &str, limit_ms: u64) -> Failure {
        match trouble {
            Trouble::Failed(failure) => failure,
            Trouble::Engine(_) if self.hit.get() => timeout(what, limit_ms),
            Trouble::Engine(_) if self.cancel.borrow().as_ref().is_some_and(CancellationToken::is_cancelled) => {
                Failure::new(format!("{what}-cancelled"), "it was stopped")
            }
            Trouble::Engine(error) => describe(ctx, &error, what),
        }
    }
}

/// What stopped an evaluation.
pub(super) enum Trouble {
    Engine(rquickjs::Error),
    Failed(Failure),
}

impl From<rquickjs::Error> for Trouble {
    fn from(error: rquickjs::Error) -> Self {
        Self::Engine(error)
    }
}

/// Whether a failure is one after which the runtime is thrown away.
pub(super) fn is_limit(failure: &Failure) -> bool {
    ["-timeout", "-memory", "-stack", "-engine", "-cancelled"].iter().any(|end| failure.code.ends_with(end))
}

/// The failure of what took too long.
pub(super) fn timeout(what: &str, limit_ms: u64) -> Failure {
    Failure::new(format!("{what}-timeout"), format!("it did not end within {limit_ms} ms"))
        .hint("look for a loop that never ends, or do less at once")
}

/// What an exception says, for people.
pub(super) fn describe(ctx: &Ctx<'_>, error: &rquickjs::Error, what: &str) -> Failure {
    let memory = || {
        Failure::new(format!("{what}-memory"), format!("it needs more than {} MiB of memory", MEMORY_BYTES_MAX >> 20))
            .hint("handle fewer items at once, or use a script step for large data")
    };
    if matches!(error, rquickjs::Error::Allocation) {
        return memory();
    }
    if !matches!(error, rquickjs::Error::Exception) {
        return Failure::new(format!("{what}-error"), error.to_string());
    }
    let thrown = ctx.catch();
    let Some(exception) = thrown.as_exception() else {
        if thrown.is_null() {
            // QuickJS throws null when there is no memory left for an error.
            return memory();
        }
        let shown = to_json(ctx, thrown).ok().flatten().unwrap_or_default();
        return Failure::new(format!("{what}-error"), format!("it threw {}", super::number::text_of(&shown)));
    };
    let message = exception.message().unwrap_or_default();
    if message == "out of memory" {
        return memory();
    }
    if message.contains("call stack size exceeded") || message == "stack overflow" {
        return Failure::new(format!("{what}-stack"), "it calls itself too deep")
            .hint("look for a function that never stops calling itself");
    }
    let name: String = exception.as_object().get("name").unwrap_or_else(|_| "Error".to_owned());
    let text = if name == "Error" { message.clone() } else { format!("{name}: {message}") };
    let mut failure = Failure::new(format!("{what}-error"), text);
    if message.starts_with("cannot read propert") {
        failure =
            failure.hint("something before the dot is missing: correct the name, or write `?.` if it may be missing");
    }
    let stack = exception.stack().unwrap_or_default();
    if what == "code" {
        if let Some(line) = line_of(&stack) {
            failure = failure.place(format!("code, line {line}"));
        }
        if !stack.is_empty() {
            failure = failure.detail(stack);
        }
    }
    failure
}

/// The line of the script that a stack trace names first; the wrapper's own line is taken off.
fn line_of(stack: &str) -> Option<u32> {
    let after = &stack[stack.find("code:")? + 5..];
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse::<u32>().ok()?.checked_sub(1)
}
