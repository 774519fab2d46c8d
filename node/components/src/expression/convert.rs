//! What both ways of evaluation read from a call: other steps' items and secrets.

use std::sync::Arc;

use flowork_ports::component::{Call, Items, View};
use flowork_protocol::{Failure, Item};

use super::scope::Scope;

/// The items that another step gave.
///
/// # Errors
/// In words, when it has given nothing to here.
pub(super) fn given(scope: &Scope<'_>, name: &str, port: Option<&str>) -> Result<Items, String> {
    given_by(&*scope.call().view, name, port)
}

/// [`given`], from a view.
pub(super) fn given_by(view: &dyn View, name: &str, port: Option<&str>) -> Result<Items, String> {
    view.given(name, port).ok_or_else(|| match port {
        None => {
            format!("no step called `{name}` has given anything to here; check the name and that a wire leads from it")
        }
        Some(port) => format!("no step called `{name}` has given anything on port `{port}` to here; check both names"),
    })
}

/// The item of another step that the current item descends from. When that step gave just one item, it is that.
///
/// # Errors
/// In words, when there is no such step or no such item.
pub(super) fn paired(scope: &Scope<'_>, name: &str) -> Result<Arc<Item>, String> {
    paired_by(&*scope.call().view, name, scope.index())
}

/// [`paired`], from a view and the index of an item.
pub(super) fn paired_by(view: &dyn View, name: &str, index: usize) -> Result<Arc<Item>, String> {
    if let Some(item) = view.paired(name, index) {
        return Ok(item);
    }
    match given_by(view, name, None)?.as_slice() {
        [only] => Ok(Arc::clone(only)),
        items => Err(format!(
            "it is not known which of the {} items of `{name}` this item comes from; use $('{name}').first() or .all()",
            items.len()
        )),
    }
}

/// A secret that was given to the step.
pub(crate) fn secret(call: &Call, name: &str) -> Result<String, Failure> {
    call.secrets.get(name).cloned().ok_or_else(|| no_secret(name))
}

/// Says that a secret was not given to the step, and how to give it.
pub(super) fn no_secret(name: &str) -> Failure {
    Failure::new("secret-missing", format!("the secret `{name}` is not given to this step"))
        .hint(format!("keep it with `flowork secret set {name}` and add `{name}` to the step's `secrets`"))
}
