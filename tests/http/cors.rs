//! `ALLOWED_ORIGINS`: which pages may call and read, and that without it nothing of CORS shows.

use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::given::{Account, unique};
use crate::support::{Answer, RequestBuilder, Server};

const PAGE: &str = "https://app.example.com";
const OTHER_PAGE: &str = "http://localhost:5173";
const BOTH: (&str, Option<&str>) = (
    "ALLOWED_ORIGINS",
    Some("https://app.example.com, http://localhost:5173"),
);
const ANY: (&str, Option<&str>) = ("ALLOWED_ORIGINS", Some("*"));

const EXPOSED: &str = "Retry-After, X-D1-Bookmark, X-Request-Id";

type MakeRequest<'a> = &'a dyn Fn() -> RequestBuilder<'a>;

/// Every path with its methods.
const PATHS: [(&str, &str); 15] = [
    ("/auth", "POST"),
    ("/api/auth/register", "POST"),
    ("/api/auth/login", "POST"),
    ("/api/auth/refresh", "POST"),
    ("/api/auth/logout", "POST"),
    ("/api/auth/password", "POST"),
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

fn preflight<'a>(server: &'a Server, path: &str, origin: &str) -> RequestBuilder<'a> {
    server
        .request("OPTIONS", path)
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "POST")
        .header(
            "Access-Control-Request-Headers",
            "authorization,content-type",
        )
}

/// The headers of the answer that CORS is about, in the order of their names.
fn cors_headers(answer: &Answer) -> Vec<(String, &str)> {
    let all = answer.headers.all();
    let named = all.map(|(name, value)| (name.to_ascii_lowercase(), value));
    let mut found: Vec<_> = named
        .filter(|(name, _)| name.starts_with("access-control-") || name == "vary")
        .collect();
    found.sort();
    found
}

fn assert_cors(answer: &Answer, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect();
    let status = answer.status;
    assert_eq!(cors_headers(answer), expected, "{status} {}", answer.text());
}

fn assert_readable_by(answer: &Answer, page: &str) {
    assert_cors(
        answer,
        &[
            ("access-control-allow-origin", page),
            ("access-control-expose-headers", EXPOSED),
            ("vary", "Origin"),
        ],
    );
}

fn assert_not_readable(answer: &Answer) {
    assert_cors(answer, &[("vary", "Origin")]);
}

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
    for wrong in [
        ("JWT_SECRET", None),
        ("SESSIONS_PER_USER", Some("many")),
        ("DB", None),
    ] {
        let server = Server::start(&[BOTH, wrong]).await;
        // Or the page would not get to ask.
        let answer = preflight(&server, "/api/auth/me", PAGE).send().await;
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
        server.stop().await;
    }
}

#[wasm_bindgen_test]
async fn a_setting_that_does_not_parse_allows_nobody() {
    for value in [
        "",
        "null",
        "https://app.example.com/",
        "* https://app.example.com",
    ] {
        let server = Server::start(&[("ALLOWED_ORIGINS", Some(value))]).await;
        for origin in [PAGE, "null", "https://app.example.com/"] {
            let answer = server.request("GET", "/healthz").header("Origin", origin);
            let answer = answer.send().await;
            assert_eq!(answer.status, 500, "{value}");
            assert_cors(&answer, &[]);
            assert_eq!(
                preflight(&server, "/api/auth/me", origin)
                    .send()
                    .await
                    .status,
                500
            );
        }
        let logs = server.logs().await.join("\n");
        assert!(logs.contains("setting ALLOWED_ORIGINS"), "{logs}");
        server.stop().await;
    }
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
