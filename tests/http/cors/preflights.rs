//! Preflights.

use wasm_bindgen_test::wasm_bindgen_test;

use super::{
    BOTH, EXPOSED, OTHER_PAGE, PAGE, assert_cors, assert_not_readable, assert_readable_by,
    preflight,
};
use crate::harness::{Account, Server};

/// Every path with its methods.
const PATHS: [(&str, &str); 15] = [
    ("/auth", "POST"),
    ("/api/auth/register", "POST"),
    ("/api/auth/login", "POST"),
    ("/api/auth/refresh", "POST"),
    ("/api/auth/logout", "POST"),
    ("/api/auth/password", "POST, DELETE"),
    ("/api/auth/me", "GET, HEAD, PATCH, DELETE"),
    ("/api/auth/sessions", "GET, HEAD, DELETE"),
    ("/api/auth/sessions/some-id", "DELETE"),
    ("/api/admin/users", "GET, HEAD"),
    ("/api/admin/users/1", "PATCH"),
    ("/api/admin/users/import", "POST"),
    ("/api/admin/audit", "GET, HEAD"),
    ("/.well-known/jwks.json", "GET, HEAD"),
    ("/healthz", "GET, HEAD"),
];

#[wasm_bindgen_test]
async fn without_the_setting_options_is_a_wrong_method_and_nothing_shows() {
    let server = Server::shared().await;
    for (path, methods) in PATHS {
        let answer = preflight(&server, path, PAGE).send().await;
        assert_cors(&answer, &[]);
        assert_eq!(answer.status, 405, "{path}");
        assert_eq!(answer.headers.get("Allow").as_deref(), Some(methods));
    }
    let account = Account::register(&server).await;
    for (request, status) in [
        (server.request("GET", "/healthz"), 200),
        (server.request("GET", "/nowhere"), 404),
        (server.request("POST", "/api/auth/login"), 415),
        (server.request("GET", "/api/auth/me"), 401),
        (
            server
                .request("GET", "/api/auth/me")
                .header("Authorization", &account.bearer()),
            200,
        ),
    ] {
        let answer = request.header("Origin", PAGE).send().await;
        assert_eq!(answer.status, status);
        assert_cors(&answer, &[]);
    }
}

#[wasm_bindgen_test]
async fn preflights_are_answered_without_token_and_database() {
    // Without the binding too: it is not looked for.
    let without_database = Server::start(&[BOTH, ("DB", None)]).await;
    let server = Server::start_with_seen_queries(&[BOTH]).await;
    for server in [&server, &without_database] {
        for (path, methods) in PATHS {
            for page in [PAGE, OTHER_PAGE] {
                // A preflight is answered without the settings that some methods depend on.
                let methods = if path == "/api/admin/users" {
                    "GET, HEAD, POST"
                } else {
                    methods
                };
                let answer = preflight(server, path, page).send().await;
                assert_eq!((answer.status, answer.text()), (204, ""), "{path}");
                assert_cors(
                    &answer,
                    &[
                        (
                            "access-control-allow-headers",
                            "Authorization, Content-Type, X-D1-Bookmark",
                        ),
                        ("access-control-allow-methods", methods),
                        ("access-control-allow-origin", page),
                        ("access-control-expose-headers", EXPOSED),
                        ("access-control-max-age", "7200"),
                        ("vary", "Origin"),
                    ],
                );
                let cache = answer.headers.get("Cache-Control");
                assert_eq!(cache.as_deref(), Some("no-store"));
            }
            let answer = preflight(server, path, "https://elsewhere.example");
            let answer = answer.send().await;
            assert_eq!((answer.status, answer.text()), (204, ""), "{path}");
            assert_not_readable(&answer);
        }
    }
    // Whatever is sent along is not looked at.
    let request = preflight(&server, "/api/auth/me", PAGE)
        .header("Authorization", "Bearer nonsense")
        .header("Content-Type", "text/plain")
        .body("not JSON");
    assert_eq!(request.send().await.status, 204);
    let logs = server.logs().await;
    assert!(
        !logs.iter().any(|line| line.contains("query: ")),
        "{logs:?}"
    );
    let answer = server.request("GET", "/healthz").send().await;
    assert_eq!(answer.status, 200);
    let logs = server.logs().await;
    assert!(logs.iter().any(|line| line.contains("query: ")), "{logs:?}");
    server.stop().await;
    without_database.stop().await;
}

#[wasm_bindgen_test]
async fn what_is_no_preflight_stays_what_it_was() {
    let server = Server::start(&[BOTH]).await;
    for (origin, method) in [(None, None), (Some(PAGE), None), (None, Some("POST"))] {
        let mut request = server.request("OPTIONS", "/api/auth/me");
        if let Some(origin) = origin {
            request = request.header("Origin", origin);
        }
        if let Some(method) = method {
            request = request.header("Access-Control-Request-Method", method);
        }
        let answer = request.send().await;
        assert_eq!(answer.status, 405);
        let allow = answer.headers.get("Allow");
        assert_eq!(allow.as_deref(), Some("GET, HEAD, PATCH, DELETE"));
        match origin {
            Some(page) => assert_readable_by(&answer, page),
            None => assert_not_readable(&answer),
        }
    }
    let answer = server.request("OPTIONS", "/verify").header("Origin", PAGE);
    let answer = answer.send().await;
    assert_eq!(answer.status, 401);
    assert_readable_by(&answer, PAGE);

    // Not OPTIONS, whatever it asks for.
    let request = server
        .request("GET", "/api/auth/me")
        .header("Origin", PAGE)
        .header("Access-Control-Request-Method", "POST");
    assert_eq!(request.send().await.status, 401);

    for path in ["/nowhere", "/api/auth/me/", "/API/auth/me", "/"] {
        let answer = preflight(&server, path, PAGE).send().await;
        let body = "{\"error\":\"Not found\"}\n";
        assert_eq!((answer.status, answer.text()), (404, body), "{path}");
        assert_readable_by(&answer, PAGE);
        let answer = preflight(&server, path, "null").send().await;
        assert_eq!(answer.status, 404);
        assert_not_readable(&answer);
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn preflights_under_a_prefix_are_answered_here_or_by_its_service() {
    const PROTECTED: &str = r#"[
        {"prefix":"/book/","upstream":"BOOKSTORE","dialect":"JWT"},
        {"prefix":"/own/","upstream":"UPSTREAM","dialect":"JWT","public_methods":["OPTIONS"]}
    ]"#;
    let server = Server::start(&[BOTH, ("PROTECTED", Some(PROTECTED))]).await;
    let answer = preflight(&server, "/book/dune", PAGE).send().await;
    assert_eq!((answer.status, answer.text()), (204, ""));
    let methods = answer.headers.get("Access-Control-Allow-Methods");
    assert_eq!(
        methods.as_deref(),
        Some("GET, HEAD, POST, PUT, PATCH, DELETE")
    );
    let request = server.request("GET", "/book/dune").header("Origin", PAGE);
    let refused = request.send().await;
    assert_eq!(refused.status, 401);
    assert_readable_by(&refused, PAGE);
    // No proxy that asks /verify takes a preflight for a token.
    let answer = preflight(&server, "/verify", PAGE).send().await;
    assert_eq!(answer.status, 401);
    assert_readable_by(&answer, PAGE);
    // The service's own answer is its own.
    let account = Account::register(&server).await;
    let request = server.request("GET", "/book/dune").header("Origin", PAGE);
    let passed = request
        .header("Authorization", &account.bearer())
        .send()
        .await;
    assert_eq!(passed.status, 200);
    assert_cors(&passed, &[]);
    let before = server.logs().await.len();
    preflight(&server, "/own/x", PAGE).send().await;
    let lines = server.logs().await.split_off(before);
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("upstream: OPTIONS ")),
        "{lines:?}"
    );
    let answer = preflight(&server, "/book/..%2fx", PAGE).send().await;
    assert_eq!(answer.status, 404);
    server.stop().await;
}
