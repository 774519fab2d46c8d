//! Code steps: JavaScript with a runtime of its own for each run.

use std::time::Duration;

use flowork_protocol::Failure;
use rquickjs::context::EvalOptions;
use rquickjs::function::Args;
use rquickjs::{Ctx, Function, Object, Promise, Value as Js};
use serde_json::Value;

use super::engine::{prepare, runtime};
use super::host;
use super::scope::Scope;
use super::trouble::Trouble;
use super::values::{NAMES, argument, begin, names_in, parameters, to_json};

/// How long a code step may compute unless its config says otherwise.
pub(crate) const CODE_MS_DEFAULT: u64 = 10_000;
/// How long a code step may be allowed to compute.
pub(crate) const CODE_MS_MAX: u64 = 600_000;

/// Runs a code step: once with `$items`, or once per item with `$item` and `$json`. Each run has a runtime of its own.
/// Gives what the code returned, per run.
///
/// # Errors
/// What the code threw, with its line, or the limit it hit.
pub(crate) fn run_code(
    code: &str, scope: &Scope<'_>, each: bool, limit_ms: u64,
) -> Result<Vec<Option<Value>>, Failure> {
    let (runtime, limit) = runtime()?;
    let (context, tools) = prepare(&runtime, false)?;
    host::set_current(scope);
    limit.arm(Duration::from_millis(limit_ms), scope.call());
    let result = context.with(|ctx| {
        let explain = |trouble| limit.explain(&ctx, trouble, "code", limit_ms);
        let tools = tools.restore(&ctx).map_err(|error| explain(error.into()))?;
        let names = names_in(code);
        let mut options = EvalOptions::default();
        options.filename = Some("code".to_owned());
        let text = format!("(async function({}){{\"use strict\";\n{code}\n}})", parameters(names));
        let function: Function<'_> = ctx.eval_with_options(text, options).map_err(|error| explain(error.into()))?;
        let runs = if each { scope.items().len() } else { 1 };
        (0..runs)
            .map(|at| {
                let scope = scope.moved_to(at);
                host::set_current(&scope);
                run_once(&ctx, &function, names, &tools, &scope).map_err(|trouble| {
                    let failure = explain(trouble);
                    if each { failure.item(at) } else { failure }
                })
            })
            .collect()
    });
    host::clear_current();
    result
}

fn run_once<'js>(
    ctx: &Ctx<'js>, function: &Function<'js>, names: u16, tools: &Object<'js>, scope: &Scope<'_>,
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
