//! The smallest edit that makes a document hold what it should, so that edits made elsewhere at the same time survive.

use automerge::transaction::{Transactable, Transaction};
use automerge::{AutomergeError, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, Value};

use crate::form::{Node, is_prose};
use crate::text;

/// Makes the document read as `node`.
///
/// # Errors
/// When Automerge refuses an operation; the transaction is then rolled back as a whole.
pub(crate) fn root(tx: &mut Transaction<'_>, node: &Node) -> Result<(), AutomergeError> {
    content(tx, &ROOT, node)
}

/// Where in a parent a value is.
#[derive(Debug, Clone, Copy)]
enum Place<'a> {
    Name(&'a str),
    Index(usize),
}

impl From<Place<'_>> for automerge::Prop {
    fn from(place: Place<'_>) -> Self {
        match place {
            Place::Name(name) => name.into(),
            Place::Index(index) => index.into(),
        }
    }
}

fn content(tx: &mut Transaction<'_>, obj: &ObjId, node: &Node) -> Result<(), AutomergeError> {
    match node {
        Node::Map { entries, owned } => {
            let gone: Vec<String> = tx
                .keys(obj)
                .filter(|name| !entries.contains_key(name) && owned.is_none_or(|owned| owned.contains(name)))
                .collect();
            for name in gone {
                tx.delete(obj, name)?;
            }
            entries.iter().try_for_each(|(name, node)| place(tx, obj, Place::Name(name), node))
        }
        Node::List(nodes) => list(tx, obj, nodes),
        Node::Text(text) | Node::Auto(text) => text::change(tx, obj, text),
        Node::Scalar(_) => Ok(()),
    }
}

/// Makes one place hold `node`, in place where the types agree.
fn place(tx: &mut Transaction<'_>, parent: &ObjId, at: Place<'_>, node: &Node) -> Result<(), AutomergeError> {
    let mut all = tx.get_all(parent, at)?;
    // Two values were set at once and one won. Saying what should be here settles that for good, so it is written anew.
    let conflict = all.len() > 1;
    let Some((value, id)) = all.pop().filter(|_| !conflict) else {
        return put(tx, parent, at, node);
    };
    let value = value.into_owned();
    match (&value, node) {
        (Value::Object(ObjType::Text), Node::Text(new) | Node::Auto(new)) if text::is_another(&tx.text(&id)?, new) => {
            put(tx, parent, at, node)
        }
        (Value::Object(ObjType::Map), Node::Map { .. })
        | (Value::Object(ObjType::List), Node::List(_))
        | (Value::Object(ObjType::Text), Node::Text(_) | Node::Auto(_)) => content(tx, &id, node),
        (Value::Scalar(old), Node::Scalar(new)) if same_scalar(old, new) => Ok(()),
        (Value::Scalar(old), Node::Auto(new)) if matches!(&**old, ScalarValue::Str(old) if old == new) => Ok(()),
        _ => put(tx, parent, at, node),
    }
}

fn put(tx: &mut Transaction<'_>, parent: &ObjId, at: Place<'_>, node: &Node) -> Result<(), AutomergeError> {
    match shape(node) {
        Ok(scalar) => tx.put(parent, at, scalar),
        Err(object) => {
            let id = tx.put_object(parent, at, object)?;
            content(tx, &id, node)
        }
    }
}

fn insert(tx: &mut Transaction<'_>, list: &ObjId, index: usize, node: &Node) -> Result<(), AutomergeError> {
    match shape(node) {
        Ok(scalar) => tx.insert(list, index, scalar),
        Err(object) => {
            let id = tx.insert_object(list, index, object)?;
            content(tx, &id, node)
        }
    }
}

/// The scalar that a new `node` is, or the kind of object.
fn shape(node: &Node) -> Result<ScalarValue, ObjType> {
    match node {
        Node::Map { .. } => Err(ObjType::Map),
        Node::List(_) => Err(ObjType::List),
        Node::Text(_) => Err(ObjType::Text),
        Node::Auto(text) if is_prose(text) => Err(ObjType::Text),
        Node::Auto(text) => Ok(ScalarValue::Str(text.as_str().into())),
        Node::Scalar(scalar) => Ok(scalar.clone()),
    }
}

/// Doubles by their bits: 0.0 and -0.0 are written differently.
fn same_scalar(one: &ScalarValue, other: &ScalarValue) -> bool {
    match (one, other) {
        (ScalarValue::F64(one), ScalarValue::F64(other)) => one.to_bits() == other.to_bits(),
        _ => one == other,
    }
}

/// Whether the document already holds `node` there.
fn holds(tx: &Transaction<'_>, value: &Value<'_>, id: &ObjId, node: &Node) -> Result<bool, AutomergeError> {
    Ok(match (value, node) {
        (Value::Scalar(old), Node::Scalar(new)) => same_scalar(old, new),
        (Value::Scalar(old), Node::Auto(new)) => matches!(&**old, ScalarValue::Str(old) if old == new),
        (Value::Object(ObjType::Text), Node::Text(new) | Node::Auto(new)) => tx.text(id)? == *new,
        (Value::Object(ObjType::Map), Node::Map { entries, .. }) => {
            if tx.length(id) != entries.len() {
                return Ok(false);
            }
            for (name, node) in entries {
                let Some((value, inner)) = tx.get(id, name.as_str())? else { return Ok(false) };
                if !holds(tx, &value, &inner, node)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Object(ObjType::List), Node::List(nodes)) => {
            if tx.length(id) != nodes.len() {
                return Ok(false);
            }
            for (index, node) in nodes.iter().enumerate() {
                if !element_holds(tx, id, index, node)? {
                    return Ok(false);
                }
            }
            true
        }
        _ => false,
    })
}

fn element_holds(tx: &Transaction<'_>, list: &ObjId, index: usize, node: &Node) -> Result<bool, AutomergeError> {
    let Some((value, id)) = tx.get(list, index)? else { return Ok(false) };
    holds(tx, &value, &id, node)
}

fn list(tx: &mut Transaction<'_>, obj: &ObjId, nodes: &[Node]) -> Result<(), AutomergeError> {
    let old_len = tx.length(obj);
    let shorter = old_len.min(nodes.len());
    let mut head = 0;
    while head < shorter && element_holds(tx, obj, head, &nodes[head])? {
        head += 1;
    }
    let mut tail = 0;
    while tail < shorter - head && element_holds(tx, obj, old_len - 1 - tail, &nodes[nodes.len() - 1 - tail])? {
        tail += 1;
    }
    let (old_end, new_end) = (old_len - tail, nodes.len() - tail);
    let paired = old_end.min(new_end);
    for (index, node) in nodes.iter().enumerate().take(paired).skip(head) {
        place(tx, obj, Place::Index(index), node)?;
    }
    for _ in paired..old_end {
        tx.delete(obj, paired)?;
    }
    nodes.iter().enumerate().take(new_end).skip(paired).try_for_each(|(index, node)| insert(tx, obj, index, node))
}
