//! Every request has a line in the log.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::harness::{Account, QUICK, Server};

#[wasm_bindgen_test]
async fn every_request_has_a_line_in_the_log() {
    let server = Server::start(&QUICK).await;
    let ann = Account::register(&server).await;
    let secret = "/api/auth/sessions/a-secret?token=another";
    for (method, path, token, route, status, queries, user) in [
        ("GET", "/api/auth/me", true, "/api/auth/me", 200, 1, true),
        ("DELETE", secret, true, "/api/auth/sessions/*", 404, 4, true),
        ("GET", "/api/auth/me", false, "/api/auth/me", 401, 0, false),
        ("GET", "/nowhere/ann@example.com", false, "", 404, 0, false),
        ("PROPFIND", "/auth", false, "/auth", 405, 0, false),
        ("GET", "/healthz", false, "/healthz", 200, 1, false),
    ] {
        let before = server.logs().await.len();
        let mut request = server.request(method, path);
        if token {
            request = request.header("Authorization", &ann.bearer());
        }
        assert_eq!(request.send().await.status, status, "{path}");
        let lines = server.logs().await.split_off(before);
        assert_eq!(lines.len(), 1, "{lines:?}");
        let mut line: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["request_id"].as_str().unwrap().len(), 22);
        assert!(line["duration_ms"].as_u64().unwrap() < 10_000);
        for varying in ["request_id", "duration_ms"] {
            line.as_object_mut().unwrap().remove(varying);
        }
        let user = if user { json!(ann.id) } else { Value::Null };
        let expected = json!({
            "level": "info", "method": method, "queries": queries, "route": route,
            "status": status, "user_id": user,
        });
        assert_eq!(line, expected);
    }
    server.stop().await;
}
