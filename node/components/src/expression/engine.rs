//! JavaScript in embedded QuickJS, for what has no native form.
//!
//! One runtime per thread. Expressions of one version share a context with frozen intrinsics in which writing globals
//! throws, so that no job sees what another did; a code step gets a runtime of its own that is dropped after the run.
//! Time, memory and stack are limited; after a limit was hit the thread's runtime is thrown away.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flowork_protocol::{Failure, VersionId};
use rquickjs::function::Args;
use rquickjs::{Context, Ctx, Function, Object, Persistent, Runtime, Value as Js};
use serde_json::Value;

use super::host;
use super::scope::Scope;
use super::trouble::{Limit, MEMORY_BYTES_MAX, Trouble, describe, is_limit, timeout};
use super::values::{NAMES, Values, argument, begin, names_in, parameters, seed_of, to_json};

/// How long one expression may compute.
const EXPRESSION_MS_MAX: u64 = 1_000;
/// How deep JavaScript may call, in bytes of stack.
const STACK_BYTES_MAX: usize = 512 << 10;
/// How many versions keep a context on one thread.
const CONTEXTS_MAX: usize = 16;
/// How many compiled expressions one context keeps.
const FUNCTIONS_MAX: usize = 4_096;
const PRELUDE: &str = include_str!("prelude.js");

thread_local! {
    static ENGINE: RefCell<Option<Engine>> = const { RefCell::new(None) };
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
    values: Values,
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

/// A runtime with limits.
pub(super) fn runtime() -> Result<(Runtime, Rc<Limit>), Failure> {
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
pub(super) fn prepare(runtime: &Runtime, shared: bool) -> Result<(Context, Persistent<Object<'static>>), Failure> {
    let context = Context::full(runtime).map_err(|error| unavailable(&error))?;
    let tools = context.with(|ctx| -> rquickjs::Result<_> {
        let host = host::functions(&ctx)?;
        let setup: Function<'_> = ctx.eval(PRELUDE)?;
        let tools: Object<'_> = setup.call((host, shared))?;
        Ok(Persistent::save(&ctx, tools))
    });
    let tools = tools.map_err(|error| unavailable(&error))?;
    Ok((context, tools))
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
        host::clear_current();
        // After a limit the runtime may hold half-done work; the next expression starts a clean one.
        if result.as_ref().is_err_and(is_limit) {
            *slot = None;
        }
        result
    })
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
                self.limit.disarm();
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
        host::set_current(scope);
        self.limit.arm(Duration::from_millis(EXPRESSION_MS_MAX), call);
        let context = kept.context.clone();
        let result = context.with(|ctx| {
            let result = kept.eval(&ctx, source, place, scope);
            let result = result.map_err(|trouble| self.limit.explain(&ctx, trouble, "expression", EXPRESSION_MS_MAX));
            // Promise reactions of this evaluation must not run in the next one.
            while result.is_ok() && ctx.execute_pending_job() {}
            result
        });
        self.limit.disarm();
        if self.limit.hit.get() && result.is_ok() {
            return Err(timeout("expression", EXPRESSION_MS_MAX));
        }
        result
    }
}

impl Kept {
    fn eval<'js>(
        &mut self, ctx: &Ctx<'js>, source: &Arc<str>, place: &str, scope: &Scope<'_>,
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
