//! What the host does, as numbers, over HTTP: Prometheus' text format (version 0.0.4). No name, no id and no address of any
//! node is among them.

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use flowork_mesh::host::{Host, Served};

/// The routes.
pub(crate) fn router(host: Host) -> Router {
    let health = host.clone();
    Router::new()
        .route("/metrics", get(async move || ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text(&host.served()))))
        .route(
            "/healthz",
            get(async move || match health.problem() {
                _ if health.addresses().is_empty() => {
                    (StatusCode::SERVICE_UNAVAILABLE, "it does not listen".to_owned())
                }
                Some(problem) => (StatusCode::SERVICE_UNAVAILABLE, problem),
                None => (StatusCode::OK, "ok".to_owned()),
            }),
        )
}

fn text(served: &Served) -> String {
    let number = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
    let all = [
        ("connected", "gauge", "Nodes that are connected now.", number(served.connected)),
        ("members", "gauge", "Nodes that may be reached through this host.", number(served.members)),
        ("reservations", "gauge", "Nodes that can be reached through this host now.", served.reservations),
        ("circuits", "gauge", "Connections that are passed on now.", served.circuits),
        ("circuits_total", "counter", "Connections that were passed on.", served.circuits_total),
        (
            "reservations_refused_total",
            "counter",
            "Nodes that asked to be reached through this host and were refused.",
            served.reservations_refused_total,
        ),
        ("circuits_refused_total", "counter", "Connections that were not passed on.", served.circuits_refused_total),
        (
            "directory_requests_total",
            "counter",
            "Times that somebody asked or said where a node is.",
            served.directory_requests_total,
        ),
        ("probes_total", "counter", "Addresses that were tried for their nodes.", served.probes_total),
    ];
    all.iter()
        .map(|(name, kind, help, value)| {
            let name = format!("flowork_bootstrap_{name}");
            format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_the_text_format_of_prometheus() {
        let text = text(&Served { circuits: 3, ..Served::default() });
        let expected = "# HELP flowork_bootstrap_circuits Connections that are passed on now.\n\
                        # TYPE flowork_bootstrap_circuits gauge\nflowork_bootstrap_circuits 3\n";
        assert!(text.contains(expected), "{text}");
        assert_eq!(text.lines().count(), 27);
    }
}
