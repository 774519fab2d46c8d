//! What JavaScript may ask of the node while it runs: other steps' items, the step's log.

use std::cell::RefCell;
use std::sync::Arc;

use flowork_ports::component::{Log, View};
use flowork_protocol::event::Level;
use rquickjs::function::Opt;
use rquickjs::{Ctx, Function, Object};
use serde_json::Value;

use super::convert;
use super::scope::{Scope, item_value};

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

/// What host functions read while an evaluation runs.
struct Current {
    view: Arc<dyn View>,
    log: Arc<dyn Log>,
    index: usize,
}

/// The functions that the prelude takes.
pub(super) fn functions<'js>(ctx: &Ctx<'js>) -> rquickjs::Result<Object<'js>> {
    let host = Object::new(ctx.clone())?;
    host.set("given", Function::new(ctx.clone(), host_given)?)?;
    host.set("paired", Function::new(ctx.clone(), host_paired)?)?;
    host.set("log", Function::new(ctx.clone(), host_log)?)?;
    host.set("secret", Function::new(ctx.clone(), host_secret)?)?;
    Ok(host)
}

/// Lets the functions answer for this scope.
pub(super) fn set_current(scope: &Scope<'_>) {
    let call = scope.call();
    let current = Current { view: Arc::clone(&call.view), log: Arc::clone(&call.log), index: scope.index() };
    CURRENT.with_borrow_mut(|slot| *slot = Some(current));
}

/// Lets them answer no more.
pub(super) fn clear_current() {
    CURRENT.with_borrow_mut(Option::take);
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
