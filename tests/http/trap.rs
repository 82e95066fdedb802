//! What clients see when the wasm instance dies under their requests. tests/trap/worker.rs dies as it is asked to.

use futures_util::future::join;
use serde_json::Value;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::harness::{Answer, Server};

const ERROR: &str = "{\"error\":\"Internal server error\"}\n";
const MESSAGE: &str = "{\"message\":\"Internal server error\"}\n";

async fn assert_internal_server_error(server: &Server, answer: &Answer, body: &str) {
    assert_eq!((answer.status, answer.text()), (500, body));
    for (name, value) in [
        ("Content-Type", "application/json"),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ] {
        assert_eq!(answer.headers.get(name).as_deref(), Some(value), "{name}");
    }
    let id = answer.headers.get("X-Request-Id").expect("X-Request-Id");
    let logs = server.logs().await;
    let entries = logs
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    assert_eq!(
        entries.filter(|entry| entry["request_id"] == id).count(),
        1,
        "{id} in {logs:#?}"
    );
}

#[wasm_bindgen_test]
async fn a_dead_instance_answers_and_is_replaced() {
    let server = Server::start_example("trap", &[]).await;
    for (path, body) in [
        ("/at-once", ERROR),
        ("/later", ERROR),
        ("/stack", ERROR),
        ("/memory", ERROR),
        ("/auth", MESSAGE),
    ] {
        let answer = server.request("GET", path).send().await;
        assert_internal_server_error(&server, &answer, body).await;

        let next = server.request("GET", "/").send().await;
        assert_eq!((next.status, next.text()), (200, "alive"), "after {path}");
    }
    assert_eq!(server.run_cron().await, "exception");
    assert_eq!(server.request("GET", "/").send().await.text(), "alive");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn requests_that_shared_the_dead_instance_are_answered() {
    let server = Server::start_example("trap", &[]).await;
    let (bystander, culprit) = join(
        server.request("GET", "/wait").send(),
        server.request("GET", "/when-someone-waits").send(),
    )
    .await;

    for answer in [bystander, culprit] {
        assert_internal_server_error(&server, &answer, ERROR).await;
    }
    assert_eq!(server.request("GET", "/").send().await.text(), "alive");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn allowed_pages_may_read_that_it_died() {
    const PAGE: &str = "https://app.example.com";
    for (setting, origin, allowed, vary) in [
        (None, PAGE, None, None),
        (Some("*"), PAGE, Some("*"), None),
        (Some(PAGE), PAGE, Some(PAGE), Some("Origin")),
        (Some(PAGE), "https://app.example.co", None, Some("Origin")),
        (
            Some("https://a.example,\nhttps://app.example.com"),
            PAGE,
            Some(PAGE),
            Some("Origin"),
        ),
    ] {
        let server = Server::start_example("trap", &[("ALLOWED_ORIGINS", setting)]).await;
        let request = server.request("GET", "/at-once").header("Origin", origin);
        let answer = request.send().await;
        assert_internal_server_error(&server, &answer, ERROR).await;
        let exposed = allowed.map(|_| "X-Request-Id");
        for (name, value) in [
            ("Access-Control-Allow-Origin", allowed),
            ("Access-Control-Expose-Headers", exposed),
            ("Vary", vary),
        ] {
            let found = answer.headers.get(name);
            assert_eq!(found.as_deref(), value, "{name}, {setting:?}");
        }
        server.stop().await;
    }
}
