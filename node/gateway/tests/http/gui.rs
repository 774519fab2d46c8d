//! The files of the GUI: where they are, what they carry, and where they are not.

use flowork_ports::gui::{File, Files};
use reqwest::header::HeaderMap;

use crate::fake::Node;

const FILES: &[File] = &[
    File {
        path: "assets/app-1a2b.js",
        media_type: "text/javascript; charset=utf-8",
        bytes: b"alert",
        gzip: Some(b"zip"),
    },
    File { path: "icon.svg", media_type: "image/svg+xml", bytes: b"<svg/>", gzip: None },
    File { path: "index.html", media_type: "text/html; charset=utf-8", bytes: b"<div id=root>", gzip: None },
];

async fn node() -> Node {
    Node::start_with(|options| options.gui = Some(Files::new(FILES))).await
}

/// Asks as a browser does, and decodes nothing.
async fn get(node: &Node, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, String) {
    let client = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
    let ask = client.get(format!("{}{path}", node.base));
    let ask = headers.iter().fold(ask, |ask, (name, value)| ask.header(*name, *value));
    let response = ask.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    (status, headers, response.text().await.unwrap())
}

#[tokio::test]
async fn the_page_is_at_every_address_that_is_no_file_and_not_the_nodes_own() {
    let node = node().await;
    for path in ["/", "/runs", "/runs/0123?at=5", "/deep/er/still", "/apiary", "/v1x", "/index.html"] {
        let (status, headers, text) = get(&node, path, &[]).await;
        assert_eq!((status, text.as_str()), (200, "<div id=root>"), "{path}");
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        assert_eq!(headers["cache-control"], "no-cache");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval'") && policy.contains("frame-ancestors 'none'"));
        assert_eq!(headers["x-content-type-options"], "nosniff");
    }
    for path in ["/api", "/api/v1/nothing", "/hooks/nothing", "/v1/nothing", "/healthz/x", "/assets/gone.js"] {
        let (status, headers, text) = get(&node, path, &[]).await;
        assert_eq!(
            (status, headers["content-type"].to_str().unwrap()),
            (404, "application/problem+json"),
            "{path} {text}"
        );
    }
    let (status, _, text) = get(&node, "/healthz", &[]).await;
    assert_eq!((status, text.as_str()), (200, "ok\n"));
    let (status, _, text) = get(&node, "/plain", &[]).await;
    assert!(status == 200 && text.contains("kernel"), "{text}");
    let post = node.http.post(format!("{}/runs", node.base)).send().await.unwrap();
    assert_eq!(post.status(), 404);
}

#[tokio::test]
async fn files_named_by_their_content_stay_and_others_are_asked_for_again() {
    let node = node().await;
    let (status, headers, text) = get(&node, "/assets/app-1a2b.js", &[]).await;
    assert_eq!((status, text.as_str()), (200, "alert"));
    assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
    assert!(!headers.contains_key("content-encoding"));
    assert_eq!(headers["vary"], "accept-encoding");
    let (_, headers, text) = get(&node, "/assets/app-1a2b.js", &[("accept-encoding", "gzip, br")]).await;
    assert_eq!((headers["content-encoding"].to_str().unwrap(), text.as_str()), ("gzip", "zip"));

    let (_, headers, _) = get(&node, "/icon.svg", &[]).await;
    assert_eq!(headers["content-type"], "image/svg+xml");
    assert_eq!(headers["cache-control"], "no-cache");
    let tag = headers["etag"].to_str().unwrap().to_owned();
    let (status, headers, text) = get(&node, "/icon.svg", &[("if-none-match", &tag)]).await;
    assert_eq!((status, text.as_str()), (304, ""));
    assert_eq!(headers["etag"], tag.as_str());
    let (status, ..) = get(&node, "/icon.svg", &[("if-none-match", "\"other\"")]).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn without_a_gui_there_is_the_plain_page_and_it_says_how_to_get_one() {
    let node = Node::start().await;
    let (status, headers, text) = get(&node, "/", &[]).await;
    assert!(status == 200 && text.contains("Node.js") && text.contains("kernel"), "{text}");
    assert!(!headers["content-security-policy"].to_str().unwrap().contains("script-src"));
    assert_eq!(get(&node, "/runs", &[]).await.0, 404);
}

#[tokio::test]
async fn the_gui_is_served_to_the_nodes_own_names_only() {
    let node = node().await;
    assert_eq!(get(&node, "/runs", &[("host", "evil.example")]).await.0, 421);
}
