//! Which answers can be read, and by whose pages.

use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{
    BOTH, EXPOSED, OTHER_PAGE, PAGE, assert_cors, assert_not_readable, assert_readable_by,
    preflight,
};
use crate::harness::{Account, RequestBuilder, Server, unique};

const ANY: (&str, Option<&str>) = ("ALLOWED_ORIGINS", Some("*"));

type MakeRequest<'a> = &'a dyn Fn() -> RequestBuilder<'a>;

#[wasm_bindgen_test]
async fn every_answer_can_be_read_by_allowed_pages() {
    let server = Server::start(&[
        BOTH,
        ("PASSWORD_HASH", Some("argon2id")),
        ("SIGN_IN_FLOOR_MS", Some("100")),
    ])
    .await;
    let account = Account::register(&server).await;
    let me = |method: &str| {
        let request = server.request(method, "/api/auth/me");
        request.header("Authorization", &account.bearer())
    };
    let log_in = |body| server.request("POST", "/api/auth/login").json(body);
    let new = || {
        let email = format!("{}@example.com", unique("cors"));
        let body = json!({ "email": email, "password": "a quiet green field", "name": "Ann" });
        server.request("POST", "/api/auth/register").json(body)
    };
    let taken = json!({ "email": account.email, "password": "a quiet green field", "name": "A" });
    let requests: [(MakeRequest<'_>, u16); 14] = [
        (&|| me("GET"), 200),
        (&|| me("HEAD"), 200),
        (&|| server.request("HEAD", "/healthz"), 200),
        (&|| server.request("GET", "/.well-known/jwks.json"), 200),
        (
            &|| {
                let request = server.request("PROPFIND", "/verify");
                request.header("Authorization", &account.bearer())
            },
            200,
        ),
        (&new, 201),
        (&|| server.request("POST", "/auth").body("not JSON"), 400),
        (&|| log_in(json!({})), 400),
        (&|| server.request("GET", "/api/auth/me"), 401),
        (&|| server.request("GET", "/nowhere"), 404),
        (&|| server.request("PUT", "/api/auth/login"), 405),
        (
            &|| {
                let request = server.request("POST", "/api/auth/register");
                request.json(taken.clone())
            },
            409,
        ),
        (&|| log_in(json!({ "email": "a".repeat(16 * 1024) })), 413),
        (&|| me("DELETE").json(json!({ "password": "wrong" })), 403),
    ];
    for (request, status) in requests {
        for page in [PAGE, OTHER_PAGE] {
            let answer = request().header("Origin", page).send().await;
            assert_eq!(answer.status, status, "{}", answer.text());
            assert_readable_by(&answer, page);
        }
        for page in ["https://elsewhere.example", ""] {
            let answer = request().header("Origin", page).send().await;
            assert_eq!(answer.status, status, "{}", answer.text());
            assert_not_readable(&answer);
        }
        assert_not_readable(&request().send().await);
    }

    let logout = server
        .request("POST", "/api/auth/logout")
        .header("Authorization", &account.bearer());
    let answer = logout.header("Origin", PAGE).send().await;
    assert_eq!(answer.status, 204);
    assert_readable_by(&answer, PAGE);

    let wrong = json!({ "email": account.email, "password": "wrong horse battery" });
    for status in [401, 401, 401, 401, 401, 429] {
        let request = log_in(wrong.clone()).header("CF-Connecting-IP", "2001:db8:ffff::1");
        let answer = request.header("Origin", PAGE).send().await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.headers.get("Retry-After").is_some(), status == 429);
        assert_readable_by(&answer, PAGE);
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn origins_that_only_look_alike_are_refused() {
    let server = Server::start(&[BOTH]).await;
    for origin in [
        "null",
        "*",
        "app.example.com",
        "https://",
        "https://app.example.co",
        "https://app.example.comm",
        "https://app.example.com.evil.example",
        "https://evil-app.example.com",
        "https://evil.app.example.com",
        "https://example.com",
        "http://app.example.com",
        "https://app.example.com:443",
        "https://app.example.com:8443",
        "https://app.example.com/",
        "https://app.example.com.",
        "https://App.example.com",
        "HTTPS://app.example.com",
        "https://appXexample.com",
        "https://ann@app.example.com",
        "http://localhost",
        "http://localhost:517",
        "http://localhost:51730",
        "http://127.0.0.1:5173",
        "https://localhost:5173",
        "https://app.example.com, http://localhost:5173",
        "https://app.example.com,",
        "https://app.example.com http://localhost:5173",
    ] {
        let answer = server.request("GET", "/nowhere").header("Origin", origin);
        assert_not_readable(&answer.send().await);
        let answer = preflight(&server, "/api/auth/me", origin).send().await;
        assert_eq!(answer.status, 204);
        assert_not_readable(&answer);
    }
    // Several are one value.
    for second in [PAGE, OTHER_PAGE, "https://elsewhere.example"] {
        let request = server.request("GET", "/nowhere").header("Origin", PAGE);
        assert_not_readable(&request.header("Origin", second).send().await);
        let request = preflight(&server, "/api/auth/me", PAGE);
        assert_not_readable(&request.header("Origin", second).send().await);
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn any_origin_without_credentials() {
    let server = Server::start(&[ANY]).await;
    let any = [
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", EXPOSED),
    ];
    for origin in [PAGE, "null", "https://elsewhere.example"] {
        let answer = preflight(&server, "/api/auth/me", origin).send().await;
        assert_eq!(answer.status, 204);
        assert_cors(
            &answer,
            &[
                (
                    "access-control-allow-headers",
                    "Authorization, Content-Type, X-D1-Bookmark",
                ),
                ("access-control-allow-methods", "GET, HEAD, PATCH, DELETE"),
                any[0],
                any[1],
                ("access-control-max-age", "7200"),
            ],
        );
        let answer = server.request("GET", "/nowhere").header("Origin", origin);
        assert_cors(&answer.send().await, &any);
    }
    // A cached answer may serve a page later on.
    let answer = server.request("GET", "/.well-known/jwks.json").send().await;
    assert_cors(&answer, &any);
    let answer = server.request("OPTIONS", "/api/auth/me").send().await;
    assert_eq!(answer.status, 405);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_500_can_be_read_where_the_setting_itself_is_right() {
    let settings = [
        ("JWT_SECRET", None),
        ("SESSIONS_PER_USER", Some("many")),
        ("DB", None),
    ];
    let settings = settings.map(|wrong| vec![BOTH, wrong]);
    let servers = Server::start_sharing_database(&settings).await;
    for (server, wrong) in servers.iter().zip(settings) {
        // Or the page would not get to ask.
        let answer = preflight(server, "/api/auth/me", PAGE).send().await;
        assert_eq!(answer.status, 204);
        let answer = server.request("GET", "/api/auth/me").header("Origin", PAGE);
        let answer = answer.send().await;
        assert_eq!(answer.status, 500, "{wrong:?}");
        assert!(answer.headers.get("X-Request-Id").is_some());
        assert_readable_by(&answer, PAGE);
        let answer = server
            .request("GET", "/api/auth/me")
            .header("Origin", "null");
        assert_not_readable(&answer.send().await);
    }
    servers[0].clone().stop().await;
}

#[wasm_bindgen_test]
async fn a_setting_that_does_not_parse_allows_nobody() {
    let values = [
        "",
        "null",
        "https://app.example.com/",
        "* https://app.example.com",
    ];
    let settings = values.map(|value| vec![("ALLOWED_ORIGINS", Some(value))]);
    let servers = Server::start_sharing_database(&settings).await;
    for (server, value) in servers.iter().zip(values) {
        let before = server.logs().await.len();
        for origin in [PAGE, "null", "https://app.example.com/"] {
            let answer = server.request("GET", "/healthz").header("Origin", origin);
            let answer = answer.send().await;
            assert_eq!(answer.status, 500, "{value}");
            assert_cors(&answer, &[]);
            assert_eq!(
                preflight(server, "/api/auth/me", origin)
                    .send()
                    .await
                    .status,
                500
            );
        }
        let logs = server.logs().await.split_off(before).join("\n");
        assert!(logs.contains("setting ALLOWED_ORIGINS"), "{value}: {logs}");
    }
    servers[0].clone().stop().await;
}

#[wasm_bindgen_test]
async fn a_database_that_fails_can_be_read_of() {
    let server = Server::start_with_database_failing_before(&[BOTH]).await;
    let account = Account::register(&server).await;
    let request = server
        .request("GET", "/api/auth/me")
        .header("Authorization", &account.bearer())
        .header("Database", "fails");
    let answer = request.header("Origin", PAGE).send().await;
    assert_eq!(answer.status, 500);
    assert!(answer.headers.get("X-Request-Id").is_some());
    assert_readable_by(&answer, PAGE);
    let request = server
        .request("GET", "/healthz")
        .header("Database", "fails");
    let answer = request.header("Origin", PAGE).send().await;
    assert_eq!(answer.status, 503);
    assert_readable_by(&answer, PAGE);
    server.stop().await;
}
