//! JavaScript in embedded QuickJS, for what has no native form.
//!
//! One runtime per thread. Expressions of one version share a context with frozen intrinsics in which writing globals
//! throws, so that no job sees what another did; a code step gets a runtime of its own that is dropped after the run.
//! Time, memory and stack are limited; after a limit was hit the thread's runtime is thrown away.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flowork_ports::component::{Call, Log, View};
use flowork_protocol::event::Level;
use flowork_protocol::{Failure, VersionId};
use rquickjs::context::EvalOptions;
use rquickjs::function::{Args, Opt};
use rquickjs::{Context, Ctx, Function, Object, Persistent, Promise, Runtime, Value as Js};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::convert;
use super::number::value_of_double;
use super::scope::{Scope, item_value};

/// How long one expression may compute.
const EXPRESSION_MS_MAX: u64 = 1_000;
/// How long a code step may compute unless its config says otherwise.
pub(crate) const CODE_MS_DEFAULT: u64 = 10_000;
/// How long a code step may be allowed to compute.
pub(crate) const CODE_MS_MAX: u64 = 600_000;
/// What one runtime may allocate, in bytes.
const MEMORY_BYTES_MAX: usize = 64 << 20;
/// How deep JavaScript may call, in bytes of stack.
const STACK_BYTES_MAX: usize = 512 << 10;
/// How many versions keep a context on one thread.
const CONTEXTS_MAX: usize = 16;
/// How many compiled expressions one context keeps.
const FUNCTIONS_MAX: usize = 4_096;
/// What an expression may name, in the order of the function's parameters.
const NAMES: [&str; 12] = [
    "$json", "$item", "$items", "$index", "$vars", "$secrets", "$now", "$round", "$run", "$job", "$preset", "$",
];
const PRELUDE: &str = include_str!("prelude.js");

thread_local! {
    static ENGINE: RefCell<Option<Engine>> = const { RefCell::new(None) };
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

/// What host functions read while an evaluation runs.
struct Current {
    view: Arc<dyn View>,
    log: Arc<dyn Log>,
    index: usize,
}

/// Ends an evaluation that takes too long or is not wanted any more.
#[derive(Default)]
struct Limit {
    until: Cell<Option<Instant>>,
    hit: Cell<bool>,
    cancel: RefCell<Option<CancellationToken>>,
}

impl Limit {
    fn arm(&self, span: Duration, call: &Call) {
        self.hit.set(false);
        self.until.set(Some(Instant::now() + span));
        *self.cancel.borrow_mut() = Some(call.cancel.clone());
    }

    fn is_over(&self) -> bool {
        let late = self.until.get().is_some_and(|until| Instant::now() >= until);
        if late {
            self.hit.set(true);
        }
        late || self.cancel.borrow().as_ref().is_some_and(CancellationToken::is_cancelled)
    }
}

struct Engine {
    /// Most recently used last. Dropped before the runtime they live in.
    contexts: Vec<Kept>,
    limit: Rc<Limit>,
    runtime: Runtime,
}

/// The context of one version.
struct Kept {
    version: VersionId,
    functions: HashMap<Arc<str>, Compiled>,
    /// `$items` and the like, converted once per call.
    values: HashMap<&'static str, Persistent<Js<'static>>>,
    token: u64,
    tools: Persistent<Object<'static>>,
    context: Context,
}

#[derive(Clone)]
struct Compiled {
    function: Persistent<Function<'static>>,
    /// Which of [`NAMES`] it takes.
    names: u16,
}

/// What stopped an evaluation.
enum Trouble {
    Engine(rquickjs::Error),
    Failed(Failure),
}

impl From<rquickjs::Error> for Trouble {
    fn from(error: rquickjs::Error) -> Self {
        Self::Engine(error)
    }
}

fn runtime() -> Result<(Runtime, Rc<Limit>), Failure> {
    let runtime = Runtime::new().map_err(|error| unavailable(&error))?;
    runtime.set_memory_limit(MEMORY_BYTES_MAX);
    runtime.set_max_stack_size(STACK_BYTES_MAX);
    let limit = Rc::new(Limit::default());
    let watched = Rc::clone(&limit);
    runtime.set_interrupt_handler(Some(Box::new(move || watched.is_over())));
    Ok((runtime, limit))
}

fn unavailable(error: &rquickjs::Error) -> Failure {
    Failure::new("expression-engine", format!("the JavaScript engine does not start: {error}"))
        .hint("the machine is probably short of memory; end other programs and run the job again")
        .retryable()
}

/// A context in which [`PRELUDE`] has run, and its tools.
fn prepare(runtime: &Runtime, shared: bool) -> Result<(Context, Persistent<Object<'static>>), Failure> {
    let context = Context::full(runtime).map_err(|error| unavailable(&error))?;
    let tools = context.with(|ctx| -> rquickjs::Result<_> {
        let host = Object::new(ctx.clone())?;
        host.set("given", Function::new(ctx.clone(), host_given)?)?;
        host.set("paired", Function::new(ctx.clone(), host_paired)?)?;
        host.set("log", Function::new(ctx.clone(), host_log)?)?;
        host.set("secret", Function::new(ctx.clone(), host_secret)?)?;
        let setup: Function<'_> = ctx.eval(PRELUDE)?;
        let tools: Object<'_> = setup.call((host, shared))?;
        Ok(Persistent::save(&ctx, tools))
    });
    let tools = tools.map_err(|error| unavailable(&error))?;
    Ok((context, tools))
}

type Told = Vec<Option<String>>;

fn told(found: Result<String, String>) -> Told {
    match found {
        Ok(text) => vec![None, Some(text)],
        Err(error) => vec![Some(error), None],
    }
}

fn with_current<T>(act: impl FnOnce(&Current) -> Result<T, String>) -> Result<T, String> {
    CURRENT.with_borrow(|current| current.as_ref().map_or_else(|| Err("no step is running".to_owned()), act))
}

fn host_given(name: String, port: Opt<Option<String>>) -> Told {
    told(with_current(|current| {
        let items = convert::given_by(&*current.view, &name, port.0.flatten().as_deref())?;
        let values: Vec<Value> = items.iter().map(|item| item_value(item)).collect();
        serde_json::to_string(&values).map_err(|error| error.to_string())
    }))
}

fn host_paired(name: String) -> Told {
    told(with_current(|current| {
        let item = convert::paired_by(&*current.view, &name, current.index)?;
        serde_json::to_string(&item_value(&item)).map_err(|error| error.to_string())
    }))
}

fn host_log(level: String, text: String) {
    let level = match level.as_str() {
        "debug" => Level::Debug,
        "warn" => Level::Warn,
        "error" => Level::Error,
        _ => Level::Info,
    };
    let _ = with_current(|current| {
        text.split('\n').for_each(|line| current.log.line(level, line));
        Ok(())
    });
}

fn host_secret(name: String) -> String {
    convert::no_secret(&name).message
}

/// Whether `source` is one expression.
///
/// It must parse both as `(source)` and as `[source]`: text that closes the bracket around it, to get out of the function
/// that expressions are put into, cannot do both.
///
/// # Errors
/// What QuickJS says about it.
pub(super) fn check_syntax(source: &str) -> Result<(), String> {
    let (runtime, limit) = runtime().map_err(|failure| failure.message)?;
    limit.until.set(Some(Instant::now() + Duration::from_millis(EXPRESSION_MS_MAX)));
    for (open, close) in [('(', ')'), ('[', ']')] {
        let context = Context::full(&runtime).map_err(|error| error.to_string())?;
        context.with(|ctx| {
            let text = format!("(function({}){{\"use strict\"; return {open}\n{source}\n{close}}})", NAMES.join(","));
            ctx.eval::<Js<'_>, _>(text).map(|_| ()).map_err(|error| describe(&ctx, &error, "expression").message)
        })?;
    }
    Ok(())
}

/// The value of an expression; none for `undefined`.
pub(super) fn eval(source: &Arc<str>, place: &str, scope: &Scope<'_>) -> Result<Option<Value>, Failure> {
    ENGINE.with(|slot| {
        let mut slot = slot
            .try_borrow_mut()
            .map_err(|_| Failure::new("expression-engine", "an expression was evaluated inside another"))?;
        let engine = match slot.take() {
            Some(engine) => slot.insert(engine),
            None => {
                let (runtime, limit) = runtime()?;
                slot.insert(Engine { contexts: Vec::new(), limit, runtime })
            }
        };
        let result = engine.eval(source, place, scope);
        CURRENT.with_borrow_mut(Option::take);
        // After a limit the runtime may hold half-done work; the next expression starts a clean one.
        if result.as_ref().is_err_and(|failure| is_limit(failure)) {
            *slot = None;
        }
        result
    })
}

fn is_limit(failure: &Failure) -> bool {
    ["-timeout", "-memory", "-stack", "-engine", "-cancelled"].iter().any(|end| failure.code.ends_with(end))
}

impl Engine {
    fn eval(&mut self, source: &Arc<str>, place: &str, scope: &Scope<'_>) -> Result<Option<Value>, Failure> {
        let call = scope.call();
        match self.contexts.iter().position(|kept| kept.version == call.version) {
            Some(at) if at + 1 == self.contexts.len() => {}
            Some(at) => self.contexts[at..].rotate_left(1),
            None => {
                if self.contexts.len() >= CONTEXTS_MAX {
                    self.contexts.remove(0);
                }
                self.limit.until.set(None);
                let (context, tools) = prepare(&self.runtime, true)?;
                self.contexts.push(Kept {
                    version: call.version,
                    functions: HashMap::new(),
                    values: HashMap::new(),
                    token: 0,
                    tools,
                    context,
                });
            }
        }
        let Some(kept) = self.contexts.last_mut() else {
            return Err(Failure::new("expression-engine", "the context of the version is gone"));
        };
        set_current(scope);
        self.limit.arm(Duration::from_millis(EXPRESSION_MS_MAX), call);
        let context = kept.context.clone();
        let result = context.with(|ctx| {
            let result = kept.eval(&ctx, source, place, scope);
            let result = result.map_err(|trouble| self.limit.explain(&ctx, trouble, "expression", EXPRESSION_MS_MAX));
            // Promise reactions of this evaluation must not run in the next one.
            while result.is_ok() && ctx.execute_pending_job() {}
            result
        });
        self.limit.until.set(None);
        if self.limit.hit.get() && result.is_ok() {
            return Err(timeout("expression", EXPRESSION_MS_MAX));
        }
        result
    }
}

impl Kept {
    fn eval<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        source: &Arc<str>,
        place: &str,
        scope: &Scope<'_>,
    ) -> Result<Option<Value>, Trouble> {
        let compiled = self.compiled(ctx, source)?;
        let tools = self.tools.clone().restore(ctx)?;
        let fresh = self.token != scope.token();
        if fresh {
            self.values.clear();
            self.token = scope.token();
        }
        begin(&tools, scope, seed_of(source, place), fresh)?;
        let mut args = Args::new(ctx.clone(), compiled.names.count_ones() as usize);
        for (at, name) in NAMES.iter().enumerate() {
            if compiled.names & (1 << at) != 0 {
                args.push_arg(argument(ctx, name, &tools, scope, Some(&mut self.values))?)?;
            }
        }
        let value: Js<'js> = compiled.function.restore(ctx)?.call_arg(args)?;
        if value.is_promise() {
            return Err(Trouble::Failed(
                Failure::new("expression-error", "it gives a promise, and expressions cannot wait")
                    .hint("use a code step for `await`"),
            ));
        }
        to_json(ctx, value)
    }

    fn compiled(&mut self, ctx: &Ctx<'_>, source: &Arc<str>) -> Result<Compiled, Trouble> {
        if let Some(compiled) = self.functions.get(source) {
            return Ok(compiled.clone());
        }
        let names = names_in(source);
        let text = format!("(function({}){{\"use strict\"; return (\n{source}\n)}})", parameters(names));
        let function: Function<'_> = ctx.eval(text)?;
        let compiled = Compiled { function: Persistent::save(ctx, function), names };
        if self.functions.len() >= FUNCTIONS_MAX {
            self.functions.clear();
        }
        self.functions.insert(Arc::clone(source), compiled.clone());
        Ok(compiled)
    }
}

/// Which of [`NAMES`] occur in `source`. Finds too many (in strings) rather than too few.
fn names_in(source: &str) -> u16 {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '$';
    let mut names = 0;
    for (at, _) in source.match_indices('$') {
        let word_end = source[at + 1..].find(|letter| !is_part(letter)).map_or(source.len(), |end| at + 1 + end);
        if let Some(place) = NAMES.iter().position(|name| *name == &source[at..word_end]) {
            names |= 1 << place;
        }
    }
    // A name written with an escape (`\u0024json`) is rare enough to take everything.
    if source.contains("\\u") { (1 << NAMES.len()) - 1 } else { names }
}

fn parameters(names: u16) -> String {
    let taken: Vec<&str> =
        NAMES.iter().enumerate().filter(|(at, _)| names & (1 << at) != 0).map(|(_, name)| *name).collect();
    taken.join(",")
}

fn set_current(scope: &Scope<'_>) {
    let call = scope.call();
    let current = Current { view: Arc::clone(&call.view), log: Arc::clone(&call.log), index: scope.index() };
    CURRENT.with_borrow_mut(|slot| *slot = Some(current));
}

/// FNV-1a over the expression and its place, so that two expressions of one step draw different numbers.
fn seed_of(source: &str, place: &str) -> u64 {
    source.bytes().chain(place.bytes()).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "the low halves are meant; ms are exact")]
fn begin(tools: &Object<'_>, scope: &Scope<'_>, salt: u64, fresh: bool) -> Result<(), Trouble> {
    let call = scope.call();
    let seed = (call.seed ^ salt).wrapping_add((scope.index() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let begin: Function<'_> = tools.get("begin")?;
    begin.call::<_, ()>((
        call.now.0 as f64,
        seed as u32 as i32,
        (seed >> 32) as u32 as i32,
        (salt >> 16) as u32 as i32,
        fresh,
    ))?;
    Ok(())
}

type Values = HashMap<&'static str, Persistent<Js<'static>>>;

/// The JavaScript value of one of [`NAMES`]. What does not change within a call is converted once, kept in `values` and
/// frozen; without `values` (a code step) it is the script's own.
fn argument<'js>(
    ctx: &Ctx<'js>,
    name: &'static str,
    tools: &Object<'js>,
    scope: &Scope<'_>,
    values: Option<&mut Values>,
) -> Result<Js<'js>, Trouble> {
    let call = scope.call();
    let text = |text: &str| rquickjs::String::from_str(ctx.clone(), text).map(rquickjs::String::into_value);
    Ok(match name {
        "$json" => scope.item().map_or_else(|| Ok(Js::new_undefined(ctx.clone())), |item| to_js(ctx, &item.json))?,
        "$item" => {
            scope.item().map_or_else(|| Ok(Js::new_undefined(ctx.clone())), |item| to_js(ctx, &item_value(item)))?
        }
        #[allow(clippy::cast_precision_loss, reason = "indexes stay far below 2^53")]
        "$index" => Js::new_number(ctx.clone(), scope.index() as f64),
        "$round" => call.round.map_or_else(|| Js::new_null(ctx.clone()), |round| Js::new_number(ctx.clone(), f64::from(round))),
        "$run" => text(&call.run)?,
        "$job" => text(&call.job.to_string())?,
        "$preset" => text(&call.preset)?,
        "$now" => tools.get::<_, Function<'js>>("now")?.call(())?,
        "$" => tools.get("$")?,
        _ => {
            if let Some(kept) = values.as_ref().and_then(|values| values.get(name)) {
                return Ok(kept.clone().restore(ctx)?);
            }
            let value = match name {
                "$items" => {
                    let items: Vec<Value> = scope.items().iter().map(|item| item_value(item)).collect();
                    to_js(ctx, &items)?
                }
                "$vars" => to_js(ctx, &*call.variables)?,
                _ => tools.get::<_, Function<'js>>("secrets")?.call((to_js(ctx, &*call.secrets)?,))?,
            };
            let value: Js<'js> = if name == "$secrets" {
                value
            } else {
                tools.get::<_, Function<'js>>("frozen")?.call((value,))?
            };
            if let Some(values) = values {
                values.insert(name, Persistent::save(ctx, value.clone()));
            }
            value
        }
    })
}

fn to_js<'js, T: serde::Serialize>(ctx: &Ctx<'js>, value: &T) -> Result<Js<'js>, Trouble> {
    let text = serde_json::to_vec(value)
        .map_err(|error| Trouble::Failed(Failure::new("expression-error", format!("an item is not JSON: {error}"))))?;
    Ok(ctx.json_parse(text)?)
}

fn to_json<'js>(ctx: &Ctx<'js>, value: Js<'js>) -> Result<Option<Value>, Trouble> {
    let failed = |message: &str, hint: &str| {
        Err(Trouble::Failed(Failure::new("expression-error", message.to_owned()).hint(hint.to_owned())))
    };
    if value.is_undefined() {
        return Ok(None);
    }
    if let Some(flag) = value.as_bool() {
        return Ok(Some(Value::Bool(flag)));
    }
    if let Some(double) = value.as_number() {
        return Ok(Some(value_of_double(double)));
    }
    if value.is_function() || value.is_symbol() {
        return failed("it gives a function, not a value", "call it: write `()` after its name");
    }
    if value.is_big_int() {
        return failed("it gives a BigInt, which JSON does not have", "write `Number(…)` or `String(…)` around it");
    }
    if let Some(text) = value.as_string() {
        return match text.to_string() {
            Ok(text) => Ok(Some(Value::String(text))),
            Err(rquickjs::Error::Utf8(_)) => failed(
                "it gives text with half a character (a lone surrogate)",
                "cut text with `[...text].slice(…)`, or end with `.toWellFormed()`",
            ),
            Err(error) => Err(error.into()),
        };
    }
    let Some(text) = ctx.json_stringify(value)? else { return Ok(None) };
    let text = text.to_string()?;
    serde_json::from_str(&text).map(Some).or_else(|error| {
        failed(&format!("its value is not JSON: {error}"), "give plain objects, lists, texts, numbers, true, false or null")
    })
}

fn timeout(what: &str, limit_ms: u64) -> Failure {
    Failure::new(format!("{what}-timeout"), format!("it did not end within {limit_ms} ms"))
        .hint("look for a loop that never ends, or do less at once")
}

impl Limit {
    fn explain(&self, ctx: &Ctx<'_>, trouble: Trouble, what: &str, limit_ms: u64) -> Failure {
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

/// What an exception says, for people.
fn describe(ctx: &Ctx<'_>, error: &rquickjs::Error, what: &str) -> Failure {
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
        failure = failure.hint("something before the dot is missing: correct the name, or write `?.` if it may be missing");
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

/// Runs a code step: once with `$items`, or once per item with `$item` and `$json`. Each run has a runtime of its own.
/// Gives what the code returned, per run.
///
/// # Errors
/// What the code threw, with its line, or the limit it hit.
pub(crate) fn run_code(code: &str, scope: &Scope<'_>, each: bool, limit_ms: u64) -> Result<Vec<Option<Value>>, Failure> {
    let (runtime, limit) = runtime()?;
    let (context, tools) = prepare(&runtime, false)?;
    set_current(scope);
    limit.arm(Duration::from_millis(limit_ms), scope.call());
    let result = context.with(|ctx| {
        let explain = |trouble| limit.explain(&ctx, trouble, "code", limit_ms);
        let tools = tools.restore(&ctx).map_err(|error| explain(error.into()))?;
        let names = names_in(code);
        let mut options = EvalOptions::default();
        options.filename = Some("code".to_owned());
        let text = format!("(async function({}){{\"use strict\";\n{code}\n}})", parameters(names));
        let function: Function<'_> =
            ctx.eval_with_options(text, options).map_err(|error| explain(error.into()))?;
        let runs = if each { scope.items().len() } else { 1 };
        (0..runs)
            .map(|at| {
                let scope = scope.moved_to(at);
                set_current(&scope);
                run_once(&ctx, &function, names, &tools, &scope).map_err(|trouble| {
                    let failure = explain(trouble);
                    if each { failure.item(at) } else { failure }
                })
            })
            .collect()
    });
    CURRENT.with_borrow_mut(Option::take);
    result
}

fn run_once<'js>(
    ctx: &Ctx<'js>,
    function: &Function<'js>,
    names: u16,
    tools: &Object<'js>,
    scope: &Scope<'_>,
) -> Result<Option<Value>, Trouble> {
    begin(tools, scope, 0, false)?;
    let mut args = Args::new(ctx.clone(), names.count_ones() as usize);
    for (at, name) in NAMES.iter().enumerate() {
        if names & (1 << at) != 0 {
            args.push_arg(argument(ctx, name, tools, scope, None)?)?;
        }
    }
    let promise: Promise<'js> = function.call_arg(args)?;
    match promise.finish::<Js<'js>>() {
        Ok(value) => to_json(ctx, value),
        Err(rquickjs::Error::WouldBlock) => Err(Trouble::Failed(
            Failure::new("code-error", "the code waits for something that never comes")
                .hint("there is nothing to wait for in a code step; use a wait or http-request step"),
        )),
        Err(error) => Err(error.into()),
    }
}
