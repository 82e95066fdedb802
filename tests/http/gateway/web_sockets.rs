//! WebSockets pass, and end with their token.

use futures_util::future::join_all;
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{protected, reached, start};
use crate::harness::{self, Account, Close, Server};

#[wasm_bindgen_test]
async fn web_sockets_pass() {
    let server = start().await;
    let account = Account::register(&server).await;
    let id = account.id.to_string();
    let bearer = account.bearer();
    for (path, user) in [
        ("/up/socket", id.as_str()),
        ("/origin/socket", &id),
        ("/public/socket", "null"),
    ] {
        let headers = [
            ("Authorization", bearer.as_str()),
            ("X-Auth-User-Id", "1000"),
        ];
        let bytes = json!([0, 255, 10, 195]);
        let messages = [
            json!("one"),
            json!("zwei ü"),
            bytes.clone(),
            json!([]),
            json!(""),
        ];
        let close = Close::With(3001, "gone for ü");
        let mut outcome = server.web_socket(path, &headers, &messages, close).await;
        let answer_headers = outcome.as_object_mut().unwrap().remove("headers");
        let hello = format!("user {user}");
        let expected = json!({
            "status": 101, "protocol": "echo", "closed": [3001, "gone for ü"],
            "received": [hello, "echo one", "echo zwei ü", bytes, [], "echo "],
        });
        assert_eq!(outcome, expected, "{path}");
        let answer_headers = answer_headers.unwrap();
        for cookie in ["a=1", "b=2"] {
            let values = answer_headers.as_array().unwrap().iter();
            assert_eq!(values.filter(|value| *value == cookie).count(), 1, "{path}");
        }
        assert_eq!(closed(&server).await, "3001 gone for ü", "{path}");
    }
    for path in ["/up/socket", "/origin/socket"] {
        let before = reached(&server).await;
        let waiting = Close::ByTheOtherSide;
        let refused = server.web_socket(path, &[], &[], waiting).await;
        assert_eq!(refused["status"], 401);
        assert_eq!(reached(&server).await, before);
    }
    server.stop().await;
}

/// How the upstream's latest WebSocket was closed by the other side, once it was. Each line is reported once.
async fn closed(server: &Server) -> String {
    for _ in 0..1000 {
        let logs = server.logs().await;
        let ends: Vec<_> = logs
            .iter()
            .filter_map(|line| line.strip_prefix("socket: "))
            .collect();
        let opened = logs
            .iter()
            .filter(|line| line.starts_with("upstream: ") && line.ends_with("/socket"));
        if let Some(last) = ends.last().filter(|_| ends.len() == opened.count()) {
            return (*last).to_owned();
        }
    }
    panic!("the upstream's WebSocket is still open");
}

#[wasm_bindgen_test]
async fn a_web_socket_is_closed_by_either_side() {
    let server = start().await;
    let account = Account::register(&server).await;
    let bearer = account.bearer();
    let headers = [("Authorization", bearer.as_str())];
    for path in ["/up/socket", "/origin/socket"] {
        let end = async |messages: &[Value], close: Close<'_>| {
            let outcome = server.web_socket(path, &headers, messages, close).await;
            outcome["closed"].clone()
        };
        let by_upstream = end(&[json!("close")], Close::ByTheOtherSide).await;
        assert_eq!(by_upstream, json!([4001, "said so"]), "{path}");
        assert_eq!(closed(&server).await, "4001 said so", "{path}");
        // 1005 stands for a close frame without a code.
        let without_code = end(&[], Close::With(1005, "")).await;
        assert_eq!(without_code, json!([1005, ""]), "{path}");
        assert_eq!(closed(&server).await, "1005 ", "{path}");
        end(&[json!("x")], Close::BreakingOff).await;
        assert_eq!(closed(&server).await, "1001 ", "{path}");
        // Nobody may send 1015; the mask is zero.
        let handshake = format!(
            "GET {path} HTTP/1.1\r\nHost: a.example\r\nAuthorization: {bearer}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let frame = [&[0x88, 0x82, 0, 0, 0, 0][..], &1015_u16.to_be_bytes()].concat();
        let before = reached(&server).await;
        server.raw(&[handshake.as_bytes(), &frame].concat()).await;
        assert_eq!(reached(&server).await, before + 1);
        assert_eq!(closed(&server).await, "1001 ", "{path}");
    }
    // Without a token it is the host that passes everything on, so the service sees what happened.
    let close = Close::BreakingOff;
    server
        .web_socket("/public/socket", &headers, &[], close)
        .await;
    let end = closed(&server).await;
    assert!(end.starts_with("1006 "), "{end}");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_web_socket_ends_with_its_token() {
    let protected = protected();
    // Both at once, since both wait for the end of a token.
    join_all(["false", "true"].map(async |trust| {
        let settings = [
            ("PROTECTED", Some(protected.as_str())),
            ("TRUST_TOKEN_ALONE", Some(trust)),
        ];
        let server = Server::start(&settings).await;
        let account = Account::register(&server).await;
        let authorization = |expires_at: f64| {
            let claims = json!({ "identity": account.id, "exp": expires_at });
            format!("JWT {}", harness::signed(&claims))
        };
        let expires_at = js_sys::Date::now() / 1000.0 + 2.5;
        let soon = authorization(expires_at);
        let sockets = ["/up/socket", "/origin/socket"].map(async |path| {
            let headers = [("Authorization", soon.as_str())];
            let messages = [json!("one")];
            let waiting = Close::ByTheOtherSide;
            let outcome = server.web_socket(path, &headers, &messages, waiting).await;
            let hello = format!("user {}", account.id);
            assert_eq!(outcome["received"], json!([hello, "echo one"]), "{path}");
            assert_eq!(
                outcome["closed"],
                json!([1008, "Token has expired"]),
                "{path}"
            );
            let late = js_sys::Date::now() / 1000.0 - expires_at;
            assert!((0.0..10.0).contains(&late), "{late} seconds late");
        });
        join_all(sockets).await;
        assert_eq!(closed(&server).await, "1008 Token has expired");

        // Later than a timer can be set.
        let late = authorization(js_sys::Date::now() / 1000.0 + 4e9);
        let headers = [("Authorization", late.as_str())];
        let messages = vec![json!("x"); 50];
        let close = Close::With(1000, "");
        let outcome = server
            .web_socket("/up/socket", &headers, &messages, close)
            .await;
        assert_eq!(outcome["received"].as_array().unwrap().len(), 51);
        assert_eq!(outcome["closed"], json!([1000, ""]));
        server.stop().await;
    }))
    .await;
}
