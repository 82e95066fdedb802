//! Requests that no well-meaning client sends: a clear answer, nothing stored, the Worker alive.

use futures_util::future::join_all;
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::harness::{Account, Answer, PASSWORD, Server};

/// The routes that take a body, with the bodies of their 400 for a malformed one.
const ROUTES: [(&str, &str); 3] = [
    ("/auth", "{\"message\":\"Bad request\"}\n"),
    (
        "/api/auth/register",
        "{\"error\":\"Request body must be a JSON object\"}\n",
    ),
    (
        "/api/auth/login",
        "{\"error\":\"Request body must be a JSON object\"}\n",
    ),
];

async fn post(server: &Server, path: &str, body: impl AsRef<[u8]>) -> Answer {
    let request = server
        .request("POST", path)
        .header("Content-Type", "application/json");
    request.body(body).send().await
}

/// Runs `attack`; afterwards the accounts are as before and the same instance answers.
async fn harmless(attack: impl AsyncFnOnce(&Server)) {
    let server = Server::shared().await;
    let accounts = "SELECT count(*) AS n, max(updated_at) AS latest FROM users";
    let before = server.sql(accounts, &[]).await;
    attack(&server).await;
    assert_eq!(server.sql(accounts, &[]).await, before);
    assert_eq!(server.request("GET", "/healthz").send().await.status, 200);
    let logs = server.logs().await;
    let died = ["panicked", "RuntimeError", "call stack"];
    let is_death = |line: &String| died.iter().any(|word| line.contains(word));
    assert!(!logs.iter().any(is_death), "{logs:#?}");
}

#[wasm_bindgen_test]
async fn bodies_that_are_no_json_object() {
    harmless(async |server| {
        let deep_object = format!("{}1{}", "{\"a\":".repeat(2_700), "}".repeat(2_700));
        let field = format!("{{\"email\":{}1{}}}", "[".repeat(8_000), "]".repeat(8_000));
        let bodies: [&[u8]; 21] = [
            b"",
            b" \n",
            b"{",
            b"{\"email\"",
            b"{\"email\":\"a@example.com\",}",
            b"{'email':'a@example.com'}",
            b"{} x",
            b"{}{}",
            b"null",
            b"true",
            b"1",
            b"\"email\"",
            b"[]",
            b"[{\"email\":\"a@example.com\"}]",
            b"{\"email\":\"\xff\"}",
            b"{\"email\":\"\\ud800\"}",
            b"{\"email\":\"a\0b\"}",
            b"\0",
            b"{\"email\":\"a@example.com\",\"email\":\"b@example.com\"}",
            deep_object.as_bytes(),
            field.as_bytes(),
        ];
        for (path, expected) in ROUTES {
            for body in bodies {
                let answer = post(server, path, body).await;
                let shown = String::from_utf8_lossy(body);
                assert_eq!(
                    (answer.status, answer.text()),
                    (400, expected),
                    "{path} {shown:.60}"
                );
            }
        }
    })
    .await;
}

#[wasm_bindgen_test]
async fn ten_thousand_levels() {
    harmless(async |server| {
        for (path, _) in ROUTES {
            for body in ["[".repeat(10_000), "{\"a\":".repeat(10_000)] {
                let answer = post(server, path, &body).await;
                // Five bytes a level are more than 16 KiB.
                let expected = if body.len() > 16_384 { 413 } else { 400 };
                assert_eq!(answer.status, expected, "{path}");
            }
        }
    })
    .await;
}

#[wasm_bindgen_test]
async fn repeated_keys_anywhere_are_malformed() {
    harmless(async |server| {
        for (path, expected) in ROUTES {
            for body in [
                format!(r#"{{"username":"a","password":"{PASSWORD}","password":"x"}}"#),
                format!(r#"{{"email":"a@b.cc","name":"A","password":"{PASSWORD}","x":1,"x":1}}"#),
                format!(r#"{{"email":"a@b.cc","password":"{PASSWORD}","x":{{"y":1,"\u0079":2}}}}"#),
            ] {
                let answer = post(server, path, &body).await;
                assert_eq!(
                    (answer.status, answer.text()),
                    (400, expected),
                    "{path} {body}"
                );
            }
        }
    })
    .await;
}

#[wasm_bindgen_test]
async fn bodies_over_16_kib() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    harmless(async |server| {
        let padded = |length: usize| {
            let body = |padding: &str| {
                json!({ "username": account.username, "password": PASSWORD, "x": padding })
                    .to_string()
            };
            let body = body(&"x".repeat(length - body("").len()));
            assert_eq!(body.len(), length);
            body
        };
        assert_eq!(post(server, "/auth", padded(16_384)).await.status, 200);
        assert_eq!(post(server, "/auth", padded(16_385)).await.status, 413);

        for (path, _) in ROUTES {
            let text = if path == "/auth" {
                "{\"message\":\"Request body too large\"}\n"
            } else {
                "{\"error\":\"Request body too large\"}\n"
            };
            let body = padded(1_000_000);
            let answer = post(server, path, &body).await;
            assert_eq!((answer.status, answer.text()), (413, text));
            // Without a length told before.
            let chunks: Vec<&[u8]> = body.as_bytes().chunks(4_096).collect();
            let request = server
                .request("POST", path)
                .header("Content-Type", "application/json");
            let answer = request.chunks(&chunks).send().await;
            assert_eq!((answer.status, answer.text()), (413, text));
        }
        let whole = padded(16_384);
        let chunks: Vec<&[u8]> = whole.as_bytes().chunks(1_000).collect();
        let request = server
            .request("POST", "/auth")
            .header("Content-Type", "application/json");
        assert_eq!(request.chunks(&chunks).send().await.status, 200);
    })
    .await;
}

#[wasm_bindgen_test]
async fn content_types() {
    harmless(async |server| {
        let body = "{}";
        for content_type in [
            None,
            Some(""),
            Some("text/plain"),
            Some("text/json"),
            Some("application/x-www-form-urlencoded"),
            Some("multipart/form-data; boundary=x"),
            Some("application/jsonp"),
            Some("application/json, text/plain"),
            Some(";;;"),
        ] {
            for (path, _) in ROUTES {
                let mut request = server.request("POST", path);
                if let Some(content_type) = content_type {
                    request = request.header("Content-Type", content_type);
                }
                let answer = request.body(body).send().await;
                let expected = if path == "/auth" {
                    (400, "{\"message\":\"Bad request\"}\n")
                } else {
                    (
                        415,
                        "{\"error\":\"Content-Type must be application/json\"}\n",
                    )
                };
                assert_eq!(
                    (answer.status, answer.text()),
                    expected,
                    "{path} {content_type:?}"
                );
            }
        }
        for content_type in [
            "application/json;charset=latin1",
            "Application/Problem+JSON ; a=b",
        ] {
            let request = server.request("POST", "/api/auth/login");
            let answer = request
                .header("Content-Type", content_type)
                .body(body)
                .send()
                .await;
            assert_eq!(answer.status, 400, "{content_type}");
        }
    })
    .await;
}

#[wasm_bindgen_test]
async fn wrong_methods() {
    harmless(async |server| {
        for (path, allow) in [
            ("/api/auth/register", "POST"),
            ("/api/auth/login", "POST"),
            ("/api/auth/me", "GET, HEAD, PATCH, DELETE"),
            ("/.well-known/jwks.json", "GET, HEAD"),
            ("/healthz", "GET, HEAD"),
        ] {
            for method in [
                "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND",
            ] {
                if allow.split(", ").any(|allowed| allowed == method) {
                    continue;
                }
                let answer = server.request(method, path).send().await;
                assert_eq!(answer.status, 405, "{method} {path}");
                assert_eq!(answer.headers.get("Allow").as_deref(), Some(allow));
                if method != "HEAD" {
                    assert_eq!(answer.text(), "{\"error\":\"Method not allowed\"}\n");
                }
            }
        }
    })
    .await;
}

#[wasm_bindgen_test]
async fn odd_paths() {
    harmless(async |server| {
        for path in [
            "/",
            "//",
            "//auth",
            "/auth/",
            "/auth//",
            "/auth;x",
            "/auth%00",
            "/auth%20",
            "/Auth",
            "/AUTH",
            "/%61uth",
            "/x/../auth/x",
            "/x/%2e%2e/auth/x",
            "/..%2fauth",
            "/%2e%2e",
            "/api",
            "/api/auth",
            "/api/auth/",
            "/api//auth/me",
            "/api/auth/me/",
            "/api/auth/me%2f",
            "/api/auth/register/../../x",
            "/verify/",
            "/verifyx",
            "/%c3%a4",
            "/%ff%fe",
            &format!("/{}", "x".repeat(8_000)),
        ] {
            for method in ["GET", "POST"] {
                let answer = server.request(method, path).send().await;
                let expected = (404, "{\"error\":\"Not found\"}\n");
                assert_eq!(
                    (answer.status, answer.text()),
                    expected,
                    "{method} {path:.40}"
                );
            }
        }
        // A query does not count.
        let answer = server.request("GET", "/healthz?x=/../auth#y").send().await;
        assert_eq!(answer.status, 200);
    })
    .await;
}

#[wasm_bindgen_test]
async fn hosts_that_pass_for_a_path() {
    harmless(async |server| {
        for host in [
            "x/healthz?y",
            "x/healthz#",
            "x\\healthz",
            "a@x/healthz",
            "x?/healthz",
        ] {
            let answer = server
                .request("GET", "/nowhere")
                .header("Host", host)
                .send()
                .await;
            assert!(
                matches!(answer.status, 400 | 404),
                "{host}: {}",
                answer.status
            );
        }
    })
    .await;
}

#[wasm_bindgen_test]
async fn five_hundred_headers() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    harmless(async |server| {
        let mut request = server.request("GET", "/api/auth/me");
        for number in 0..500 {
            request = request.header(&format!("X-Header-{number}"), "x");
        }
        let answer = request
            .header("Authorization", &account.bearer())
            .send()
            .await;
        assert_eq!(answer.status, 200);

        // The same header many times is one list: more than one token is none.
        let mut request = server.request("GET", "/api/auth/me");
        for _ in 0..10 {
            request = request.header("Authorization", &account.bearer());
        }
        assert_eq!(request.send().await.status, 401);
    })
    .await;
}

#[wasm_bindgen_test]
async fn odd_authorization_headers() {
    harmless(async |server| {
        for value in [
            "Bearer \u{e4}",
            "Bearer \u{ff}.\u{ff}.\u{ff}",
            "Bearer ....",
            "Bearer =.=.=",
            "Bearer null",
            ",,,,,,,,",
            "\u{80}",
            "Bearer\t\t",
            &"Bearer ".repeat(500),
            &"a,".repeat(4_000),
        ] {
            for path in ["/api/auth/me", "/verify"] {
                let answer = server.request("GET", path).header("Authorization", value);
                let answer = answer.send().await;
                assert_eq!(answer.status, 401, "{path} {value:.40}");
                assert!(answer.json()["msg"].is_string());
            }
        }
    })
    .await;
}

#[wasm_bindgen_test]
async fn sql_in_values_is_text() {
    harmless(async |server| {
        let texts = ["' OR 1=1 --", "\"; DROP TABLE users; --", "%", "_", "*"];
        join_all(texts.map(async |text| {
            let body = json!({ "username": text, "password": PASSWORD });
            assert_eq!(post(server, "/auth", body.to_string()).await.status, 401);
            let body = json!({ "email": format!("{text}@b.cc"), "password": PASSWORD });
            assert_eq!(
                post(server, "/api/auth/login", body.to_string())
                    .await
                    .status,
                401
            );
        }))
        .await;
    })
    .await;
}
