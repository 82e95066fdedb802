//! Strict-Transport-Security: on every answer of our own over https, on none over http.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::harness::{Account, Answer, PASSWORD, Server};

const POLICY: Option<&str> = Some("max-age=31536000");

/// What is sent over https and over http, with the status that answers both.
struct Case<'a>(u16, &'a str, &'a str, Value);

impl Case<'_> {
    async fn check(&self, server: &Server, authorization: &str) {
        let Self(status, method, path, body) = self;
        let request = || {
            let request = server.request(method, path);
            let request = request.header("Authorization", authorization);
            match body {
                Value::Null => request,
                body => request.json(body.clone()),
            }
        };
        let over_https = request().send_over_https().await;
        assert_eq!(
            seen(&over_https),
            (*status, POLICY.map(str::to_owned)),
            "{method} {path}"
        );
        let over_http = request().send().await;
        assert_eq!(seen(&over_http), (*status, None), "{method} {path}");
    }
}

fn seen(answer: &Answer) -> (u16, Option<String>) {
    let policy = answer.headers.get("Strict-Transport-Security");
    (answer.status, policy)
}

#[wasm_bindgen_test]
async fn answers_over_https_ask_for_https() {
    let protected = json!([
        { "prefix": "/book/", "upstream": "BOOKSTORE", "dialect": "JWT" },
        { "prefix": "/down/", "upstream": "https://down.example", "dialect": "JWT" },
    ]);
    let protected = protected.to_string();
    let settings = [
        ("PROTECTED", Some(protected.as_str())),
        ("ALLOWED_ORIGINS", Some("*")),
        ("SIGN_IN_FLOOR_MS", Some("240")),
    ];
    let server = Server::start(&settings).await;
    let ann = Account::register(&server).await;
    let right = json!({ "email": ann.email, "password": PASSWORD });
    let wrong = json!({ "email": ann.email, "password": "wrong horse battery" });
    for case in [
        Case(200, "GET", "/healthz", Value::Null),
        Case(200, "HEAD", "/healthz", Value::Null),
        Case(200, "GET", "/.well-known/jwks.json", Value::Null),
        Case(200, "GET", "/verify", Value::Null),
        Case(200, "POST", "/api/auth/login", right),
        Case(204, "POST", "/api/auth/logout", Value::Null),
        Case(204, "DELETE", "/api/auth/sessions", Value::Null),
        Case(400, "POST", "/auth", Value::Null),
        Case(401, "POST", "/api/auth/login", wrong),
        Case(403, "GET", "/api/admin/users", Value::Null),
        Case(404, "GET", "/nowhere", Value::Null),
        Case(405, "GET", "/auth", Value::Null),
        Case(415, "POST", "/api/auth/register", Value::Null),
        // The gateway's own words.
        Case(502, "GET", "/down/x", Value::Null),
        Case(404, "GET", "/book/a%2fb", Value::Null),
    ] {
        case.check(&server, &ann.bearer()).await;
    }
    Case(401, "GET", "/book/dune", Value::Null)
        .check(&server, "Bearer x")
        .await;

    let preflight = server.request("OPTIONS", "/api/auth/me");
    // One that the runtime's own way lets in.
    let preflight = preflight.header("Origin", "http://localhost:5173");
    let preflight = preflight.header("Access-Control-Request-Method", "GET");
    let preflight = preflight.send_over_https().await;
    assert_eq!(seen(&preflight), (204, POLICY.map(str::to_owned)));

    // What a service behind answers is its own.
    let passed = server.request("GET", "/book/dune");
    let passed = passed.header("Authorization", &ann.bearer());
    assert_eq!(seen(&passed.send_over_https().await), (200, None));
    server.stop().await;
}

#[wasm_bindgen_test]
async fn failures_ask_for_https_too() {
    let failing = Server::start_with_failing_database().await;
    let body = json!({ "email": "ann@example.com", "password": PASSWORD });
    for case in [
        Case(503, "GET", "/healthz", Value::Null),
        Case(500, "POST", "/api/auth/login", body),
    ] {
        case.check(&failing, "Bearer x").await;
    }
    failing.stop().await;

    let misconfigured = Server::start(&[("JWT_SECRET", None)]).await;
    let case = Case(500, "GET", "/healthz", Value::Null);
    case.check(&misconfigured, "Bearer x").await;
    misconfigured.stop().await;
}

#[wasm_bindgen_test]
async fn so_does_the_answer_for_a_dead_instance() {
    let server = Server::start_example("trap", &[]).await;
    let case = Case(500, "GET", "/at-once", Value::Null);
    case.check(&server, "Bearer x").await;
    server.stop().await;
}
