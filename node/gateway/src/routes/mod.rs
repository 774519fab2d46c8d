//! One file per noun. Each gives its routes; [`all`] is the whole API.

pub(crate) mod activations;
pub(crate) mod approvals;
pub(crate) mod backup;
pub(crate) mod components;
pub(crate) mod engines;
pub(crate) mod events;
pub(crate) mod expressions;
pub(crate) mod files;
pub(crate) mod grants;
pub(crate) mod hooks;
pub(crate) mod items;
pub(crate) mod jobs;
pub(crate) mod login;
pub(crate) mod login_requests;
pub(crate) mod node;
pub(crate) mod openai;
pub(crate) mod peers;
pub(crate) mod person;
pub(crate) mod presets;
pub(crate) mod receipts;
pub(crate) mod schema;
pub(crate) mod secrets;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod signals;
pub(crate) mod sync;
pub(crate) mod tokens;
pub(crate) mod versions;

use crate::api::Route;

/// Every route but the webhooks, which presets make.
pub(crate) fn all() -> Vec<Route> {
    [
        node::routes(),
        jobs::routes(),
        events::routes(),
        items::routes(),
        signals::routes(),
        approvals::routes(),
        presets::routes(),
        versions::routes(),
        activations::routes(),
        components::routes(),
        expressions::routes(),
        secrets::routes(),
        tokens::routes(),
        login::routes(),
        login_requests::routes(),
        sessions::routes(),
        sync::routes(),
        files::routes(),
        peers::routes(),
        person::routes(),
        engines::routes(),
        openai::routes(),
        grants::routes(),
        receipts::routes(),
        settings::routes(),
        backup::routes(),
        schema::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
