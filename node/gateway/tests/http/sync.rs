//! The way to the drafts: tickets, who may come from where, and what ends a connection.

use std::time::Duration;

use flowork_ports::Ring;
use flowork_protocol::command::Role;
use futures::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::fake::{Node, got, token};

type Socket = WebSocketStream<TcpStream>;

async fn ticket(node: &Node, role: &str) -> String {
    let got = got(node.http.post(format!("{}/api/v1/sync/tickets", node.base)).bearer_auth(role)).await;
    assert_eq!(got.status, 201, "{}", got.text);
    got.json()["ticket"].as_str().unwrap().to_owned()
}

async fn dial(node: &Node, query: &str, headers: &[(&'static str, &str)]) -> Result<Socket, u16> {
    let address = node.base.trim_start_matches("http://");
    let mut request = format!("ws://{address}/sync{query}").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    match client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

async fn hears(socket: &mut Socket) -> Message {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(20), socket.next()).await.unwrap().unwrap().unwrap();
        if !message.is_ping() {
            return message;
        }
    }
}

async fn closed(socket: &mut Socket) -> u16 {
    match hears(socket).await {
        Message::Close(Some(CloseFrame { code, .. })) => code.into(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_ticket_opens_one_connection_with_the_rights_of_who_asked_for_it() {
    let node = Node::start().await;
    for (role, greets) in [("viewer", "viewer:false"), ("runner", "runner:false"), ("editor", "editor:true")] {
        let ticket = format!("?ticket={}", ticket(&node, role).await);
        let mut socket = dial(&node, &ticket, &[]).await.unwrap();
        assert_eq!(hears(&mut socket).await.into_data(), greets.as_bytes());
        socket.send(Message::binary(&b"and back"[..])).await.unwrap();
        assert_eq!(hears(&mut socket).await.into_data(), &b"and back"[..]);
        assert_eq!(dial(&node, &ticket, &[]).await.unwrap_err(), 403, "it works once");
    }
}

#[tokio::test]
async fn without_a_ticket_of_this_node_nobody_comes_in() {
    let node = Node::start().await;
    let good = ticket(&node, "viewer").await;
    let (nonce, _) = good.split_once('.').unwrap();
    for query in ["", "?ticket=", "?ticket=abc", "?ticket=abc.def", &format!("?ticket={nonce}.-"), "?other=1"] {
        let status = dial(&node, query, &[]).await.unwrap_err();
        assert!(matches!(status, 400 | 401 | 403), "{query}: {status}");
    }
    assert_eq!(got(node.http.post(format!("{}/api/v1/sync/tickets", node.base))).await.status, 401);
    assert_eq!(got(node.http.post(format!("{}/api/v1/sync/tickets", node.base)).bearer_auth("hook")).await.status, 403);
    // A program has a token and needs no ticket.
    assert!(dial(&node, "", &[("authorization", "Bearer viewer")]).await.is_ok());
    assert_eq!(dial(&node, "", &[("authorization", "Bearer hook")]).await.unwrap_err(), 403);
}

#[tokio::test]
async fn a_page_of_another_site_cannot_use_a_ticket() {
    let node = Node::start().await;
    let query = format!("?ticket={}", ticket(&node, "editor").await);
    assert_eq!(dial(&node, &query, &[("origin", "https://evil.example")]).await.unwrap_err(), 403);
    let own = node.base.clone();
    assert!(dial(&node, &query, &[("origin", own.as_str())]).await.is_ok(), "and it was not used up");
}

#[tokio::test]
async fn a_name_that_was_pointed_at_this_node_opens_no_websocket() {
    let node = Node::start().await;
    let query = format!("?ticket={}", ticket(&node, "editor").await);
    let rebound = [("host", "evil.example"), ("origin", "http://evil.example")];
    assert_eq!(dial(&node, &query, &rebound).await.unwrap_err(), 421);
    assert_eq!(
        dial(&node, "", &[("host", "evil.example"), ("authorization", "Bearer viewer")]).await.unwrap_err(),
        421
    );
    assert!(dial(&node, &query, &[]).await.is_ok(), "and it was not used up");
}

#[tokio::test]
async fn what_is_no_websocket_is_told_what_to_do() {
    let node = Node::start().await;
    let got = got(node.http.get(format!("{}/sync", node.base)).bearer_auth("viewer")).await;
    assert_eq!((got.status, got.problem().as_str()), (426, "no-websocket"));
}

#[tokio::test]
async fn a_connection_ends_when_its_token_is_taken_back_or_its_role_changes() {
    let node = Node::start().await;
    let mut taken = dial(&node, "", &[("authorization", "Bearer editor")]).await.unwrap();
    let mut changed = dial(&node, "", &[("authorization", "Bearer runner")]).await.unwrap();
    hears(&mut taken).await;
    hears(&mut changed).await;
    {
        let mut tokens = node.store.tokens.lock().unwrap();
        tokens.retain(|token| token.role != Role::Editor);
        tokens.iter_mut().filter(|token| token.role == Role::Runner).for_each(|token| token.role = Role::Viewer);
    }
    node.store.bell.ring(Ring::Node);
    assert_eq!(closed(&mut taken).await, 4401);
    assert_eq!(closed(&mut changed).await, 4401);
}

#[tokio::test]
async fn words_are_refused_and_the_end_of_the_node_is_said() {
    let mut node = Node::start().await;
    let mut talks = dial(&node, "", &[("authorization", "Bearer viewer")]).await.unwrap();
    hears(&mut talks).await;
    talks.send(Message::text("hello")).await.unwrap();
    assert_eq!(closed(&mut talks).await, 1003);
    let mut stays = dial(&node, "", &[("authorization", "Bearer viewer")]).await.unwrap();
    hears(&mut stays).await;
    node.cancel.cancel();
    assert_eq!(closed(&mut stays).await, 1001);
    node.handle.take().unwrap().ended().await;
}

#[tokio::test]
async fn a_token_that_expires_ends_its_connection() {
    let node = Node::start().await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let ends = i64::try_from(now).unwrap() + 1_500;
    node.store.tokens.lock().unwrap().push(token("brief", Role::Viewer, Some(ends)));
    node.store.bell.ring(Ring::Node);
    let mut socket = loop {
        match dial(&node, "", &[("authorization", "Bearer brief")]).await {
            Ok(socket) => break socket,
            Err(401) => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(status) => panic!("{status}"),
        }
    };
    hears(&mut socket).await;
    assert_eq!(closed(&mut socket).await, 4401);
}
