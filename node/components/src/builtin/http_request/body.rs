//! What is sent, computed for each item before anything is sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flowork_ports::component::Call;
use flowork_protocol::{BlobRef, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;
use url::form_urlencoded;

use super::{Auth, Config, send};
use crate::config::Field;
use crate::expression::{Scope, Session, secret, text_of};

/// A body as the config gives it.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Body {
    /// Values, sent as JSON.
    Json(Field<Value>),
    /// Fields, sent as a form.
    Form(Field<Map<String, Value>>),
    /// Text, sent as it is.
    Text(Field<String>),
    /// The name of a file that travels with the item.
    File(String),
}

/// One request, ready to send.
pub(super) struct Request {
    pub(super) url: Url,
    pub(super) headers: Vec<(String, String)>,
    pub(super) content: Content,
}

/// A body, ready to send.
pub(super) enum Content {
    None,
    Bytes(Vec<u8>),
    Blob(BlobRef),
}

/// One request per item.
pub(super) fn requests(config: &Config, call: &Call) -> Result<Vec<Request>, Failure> {
    let session = Session::new(call);
    (0..call.input("in").len())
        .map(|index| request(config, call, &session.at(index)).map_err(|f| f.item(index)))
        .collect()
}

fn request(config: &Config, call: &Call, scope: &Scope<'_>) -> Result<Request, Failure> {
    let mut url = send::address(&config.url.get(scope)?)?;
    let query = config.query.get(scope)?;
    if !query.is_empty() {
        let mut pairs = url.query_pairs_mut();
        for (name, value) in several(&query) {
            pairs.append_pair(name, &value);
        }
    }
    let mut headers: Vec<(String, String)> =
        several(&*config.headers.get(scope)?).map(|(n, v)| (n.to_owned(), v)).collect();
    let has =
        |headers: &[(String, String)], wanted: &str| headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let (content, media_type) = content(config, scope)?;
    if let Some(media_type) = media_type.filter(|_| !has(&headers, "content-type")) {
        headers.push(("content-type".to_owned(), media_type));
    }
    if !config.method.only_reads() && !has(&headers, "idempotency-key") {
        headers.push(("idempotency-key".to_owned(), format!("{}-{}", call.key, scope.index())));
    }
    match &config.auth {
        Some(Auth::Bearer(name)) => {
            headers.push(("authorization".to_owned(), format!("Bearer {}", secret(call, name)?)))
        }
        Some(Auth::Basic(basic)) => {
            let pair = STANDARD.encode(format!("{}:{}", basic.user, secret(call, &basic.password)?));
            headers.push(("authorization".to_owned(), format!("Basic {pair}")));
        }
        Some(Auth::Header(header)) => headers.push((header.name.clone(), secret(call, &header.secret)?)),
        None => {}
    }
    Ok(Request { url, headers, content })
}

/// Names and texts; a list gives its name several times, null none.
fn several(map: &Map<String, Value>) -> impl Iterator<Item = (&str, String)> {
    map.iter().flat_map(|(name, value)| {
        let values: Vec<String> = match value {
            Value::Null => Vec::new(),
            Value::Array(values) => values.iter().map(text_of).collect(),
            one => vec![text_of(one)],
        };
        values.into_iter().map(move |value| (name.as_str(), value))
    })
}

fn content(config: &Config, scope: &Scope<'_>) -> Result<(Content, Option<String>), Failure> {
    let typed = |media_type: &str| Some(media_type.to_owned());
    Ok(match &config.body {
        None => (Content::None, None),
        Some(Body::Json(field)) => {
            let value = field.value(scope)?.unwrap_or_default();
            let bytes = serde_json::to_vec(&value).map_err(|error| Failure::new("http-body", error.to_string()))?;
            (Content::Bytes(bytes), typed("application/json"))
        }
        Some(Body::Form(field)) => {
            let fields = field.get(scope)?;
            let mut form = form_urlencoded::Serializer::new(String::new());
            several(&fields).for_each(|(name, value)| {
                form.append_pair(name, &value);
            });
            (Content::Bytes(form.finish().into_bytes()), typed("application/x-www-form-urlencoded"))
        }
        Some(Body::Text(field)) => {
            (Content::Bytes(field.get(scope)?.into_owned().into_bytes()), typed("text/plain; charset=utf-8"))
        }
        Some(Body::File(name)) => {
            let file = scope.item().and_then(|item| item.files.get(name)).ok_or_else(|| {
                Failure::new("file-not-there", format!("the item has no file `{name}`"))
                    .place("config.body.file")
                    .hint("name a file that the item carries")
            })?;
            let media_type = file.media_type.clone().unwrap_or_else(|| "application/octet-stream".to_owned());
            (Content::Blob(file.clone()), Some(media_type))
        }
    })
}
