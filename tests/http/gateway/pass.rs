//! Who may pass, and that requests and answers pass as they are.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{NOT_FOUND, header, make_admin, protected, reached, received, request, start};
use crate::harness::{self, Account, Server, seen};

const BAD_GATEWAY: (u16, &str) = (502, "{\"error\":\"Bad gateway\"}\n");

#[wasm_bindgen_test]
async fn the_documents_last_step_works() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    let body = json!({ "username": account.username, "password": harness::PASSWORD });
    let sign_in = server.request("POST", "/auth").json(body).send().await;
    let token = sign_in.json()["access_token"].as_str().unwrap().to_owned();
    let get = async |path: &str| {
        let request = server.request("GET", path);
        let request = request.header("Authorization", &format!("JWT {token}"));
        request.send().await
    };
    let answer = get("/book/dune").await;
    let expected = json!({
        "message": format!("Hello, user {}", account.id),
        "book": { "title": "Dune", "author": "Frank Herbert", "year": 1965 },
    });
    assert_eq!((answer.status, answer.json()), (200, expected));
    for path in ["/book/none", "/book/", "/book/constructor", "/book/dune/1"] {
        assert_eq!(get(path).await.status, 404, "{path}");
    }
    let answer = server.request("GET", "/book/dune").send().await;
    let expected = json!({
        "description": "Request does not contain an access token",
        "error": "Authorization Required",
        "status_code": 401,
    });
    assert_eq!((answer.status, answer.json()), (401, expected));
}

#[wasm_bindgen_test]
async fn who_may_not_pass_does_not_reach_the_service() {
    let server = start().await;
    let missing = "Request does not contain an access token";
    let first = json!({
        "description": missing, "error": "Authorization Required", "status_code": 401,
    });
    let unsupported = json!({
        "description": "Unsupported authorization type", "error": "Invalid JWT header",
        "status_code": 401,
    });
    let malformed = json!({
        "description": "Not enough segments", "error": "Invalid token", "status_code": 401,
    });
    let second = json!({ "msg": "Missing Authorization Header" });
    let no_bearer = "Missing 'Bearer' type in 'Authorization' header. \
                     Expected 'Authorization: Bearer <JWT>'";
    let basic = json!({ "msg": no_bearer });
    let segments = json!({ "msg": "Not enough segments" });
    let challenges = ["JWT realm=\"Login Required\"", "Bearer"];
    for (path, authorization, body, challenge) in [
        ("/up/x", "", &first, challenges[0]),
        ("/up/x", "Basic x", &unsupported, challenges[0]),
        ("/up/x", "JWT x", &malformed, challenges[0]),
        ("/up/x", "Bearer x", &segments, challenges[1]),
        ("/bearer/x", "", &second, challenges[1]),
        ("/bearer/x", "Basic x", &basic, challenges[1]),
        ("/bearer/x", "jwt x", &malformed, challenges[0]),
        ("/bearer/x", "Bearer x", &segments, challenges[1]),
        ("/origin/x", "", &first, challenges[0]),
        ("/missing/x", "", &first, challenges[0]),
    ] {
        for method in ["GET", "POST", "OPTIONS", "PROPFIND"] {
            let request = server.request(method, path);
            let request = request.header("Authorization", authorization).body("text");
            let answer = request.send().await;
            let case = format!("{method} {path} {authorization}");
            assert_eq!((answer.status, &answer.json()), (401, body), "{case}");
            for (name, value) in [
                ("WWW-Authenticate", challenge),
                ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"),
            ] {
                assert_eq!(answer.headers.get(name).as_deref(), Some(value), "{case}");
            }
        }
        let answer = server.request("HEAD", path).send().await;
        assert_eq!(seen(&answer), (401, ""));
    }
    // The account is read each time.
    let account = Account::register(&server).await;
    let pass = async || {
        request(&server, &account, "GET", "/up/x")
            .send()
            .await
            .status
    };
    assert_eq!(pass().await, 200);
    let disable = "UPDATE users SET disabled = 1 WHERE id = ?";
    server.sql(disable, &[account.id.into()]).await;
    assert_eq!(pass().await, 401);
    assert_eq!(reached(&server).await, 1);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn the_service_is_sent_the_request_as_it_was() {
    let server = start().await;
    let account = Account::register(&server).await;
    for (prefix, origin) in [
        ("/up/", "http://shop.example"),
        ("/origin/", "https://books.example.com:8443"),
    ] {
        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND",
        ] {
            let target = format!("{prefix}a%20b/%C3%BC;v=1,2/.x/~?a=%2F..%2f&&b&c=d=?/../&q=%zz");
            let request = request(&server, &account, method, &target);
            let request = request
                .header("Host", "shop.example")
                .header("Cookie", "a=1; b=2")
                .header("X-Twice", "1")
                .header("X-Twice", "2")
                .header("X-Forwarded-For", "192.0.2.1");
            let body = if method == "GET" { "" } else { "some text" };
            let request = if body.is_empty() {
                request
            } else {
                request.body(body)
            };
            let received = received(&request.send().await);
            assert_eq!(received["method"], method);
            assert_eq!(received["url"], format!("{origin}{target}"));
            assert_eq!(received["body"], body, "{method}");
            let id = account.id.to_string();
            let jti = harness::claims(&account.access_token)["jti"].clone();
            for (name, value) in [
                ("cookie", "a=1; b=2"),
                ("x-twice", "1, 2"),
                ("x-forwarded-for", "192.0.2.1"),
                ("x-auth-user-id", id.as_str()),
                ("x-auth-role", "customer"),
                ("x-auth-token-id", jti.as_str().unwrap()),
            ] {
                assert_eq!(header(&received, name), Some(value), "{prefix} {name}");
            }
            assert_eq!(header(&received, "authorization"), None, "{prefix}");
            if method != "GET" {
                assert_eq!(header(&received, "content-length"), Some("9"));
            }
            if prefix == "/up/" {
                assert_eq!(header(&received, "host"), Some("shop.example"));
            } else {
                assert_ne!(header(&received, "host"), Some("shop.example"));
                // Or one caller would be answered from the cache what another was.
                assert_eq!(header(&received, "cache-control"), Some("no-cache"));
            }
        }
        let answer = request(&server, &account, "HEAD", &format!("{prefix}x"));
        let answer = answer.send().await;
        assert_eq!(seen(&answer), (200, ""));
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn the_answer_comes_back_as_it_is() {
    let server = start().await;
    let account = Account::register(&server).await;
    for prefix in ["/up/", "/origin/"] {
        let get = async |path: &str| {
            let path = format!("{prefix}{path}");
            request(&server, &account, "GET", &path).send().await
        };
        let answer = get("teapot").await;
        assert_eq!(seen(&answer), (418, "short and stout"));
        let headers: Vec<_> = answer.headers.all().collect();
        for expected in [("a=1", 1), ("b=2", 1)] {
            let cookies = headers.iter().filter(|(_, value)| *value == expected.0);
            assert_eq!(cookies.count(), expected.1, "{headers:?}");
        }
        for (name, value) in [
            ("Cache-Control", Some("public, max-age=60")),
            ("X-Auth-User-Id", Some("its own")),
            ("X-Content-Type-Options", None),
        ] {
            assert_eq!(answer.headers.get(name).as_deref(), value);
        }
        let answer = get("redirect").await;
        assert_eq!(seen(&answer), (307, "moved"));
        let location = answer.headers.get("Location");
        assert_eq!(location.as_deref(), Some("https://elsewhere.example/a?b"));
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn bodies_stream_both_ways_whatever_their_size() {
    let server = start().await;
    let account = Account::register(&server).await;
    let length = 5 << 20;
    let rest: Vec<_> = (0..length).map(|i: u32| i.to_le_bytes()[1]).collect();
    for prefix in ["/up/", "/origin/"] {
        let path = format!("{prefix}interleaved");
        let bearer = account.bearer();
        let (first, all) = server
            .send_interleaved(&path, &bearer, b"second ", &rest)
            .await;
        // The answer began before the request had ended.
        assert!(first.starts_with(b"first "), "{prefix}");
        assert!(first.len() < 100, "{prefix}");
        assert!(
            all == [b"first second ".as_slice(), &rest].concat(),
            "{prefix}"
        );

        let path = format!("{prefix}large?length={length}");
        let answer = request(&server, &account, "GET", &path).send().await;
        assert_eq!((answer.status, answer.body.len()), (200, length as usize));
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_service_that_fails_is_a_502_and_a_line_in_the_log() {
    let server = start().await;
    let account = Account::register(&server).await;
    for (path, prefix, error) in [
        ("/up/throw", "/up/", "a fault of the upstream"),
        ("/origin/throw", "/origin/", "a fault of the upstream"),
        ("/down/x", "/down/", ""),
        ("/missing/x", "/missing/", "no service binding NOT_BOUND"),
        ("/text/x", "/text/", "no service binding JWT_SECRET"),
        ("/database/x", "/database/", "no service binding DB"),
    ] {
        for method in ["GET", "POST"] {
            let before = server.logs().await.len();
            let answer = request(&server, &account, method, path).send().await;
            assert_eq!(seen(&answer), BAD_GATEWAY, "{path}");
            let caching = answer.headers.get("Cache-Control");
            assert_eq!(caching.as_deref(), Some("no-store"));
            let lines = server.logs().await.split_off(before);
            let entries: Vec<Value> = lines
                .iter()
                .filter_map(|line| serde_json::from_str(line).ok())
                .collect();
            let levels: Vec<_> = entries.iter().map(|entry| &entry["level"]).collect();
            assert_eq!(levels, ["error", "info"], "{lines:?}");
            assert_eq!(
                (&entries[1]["route"], &entries[1]["status"]),
                (&prefix.into(), &502.into())
            );
            assert_eq!(entries[0]["prefix"], prefix);
            let text = entries[0]["error"].as_str().unwrap();
            assert!(text.contains(error), "{text}");
        }
    }
    // The others are served on.
    let answer = request(&server, &account, "GET", "/up/x").send().await;
    assert_eq!(answer.status, 200);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn public_methods_need_no_token() {
    let server = start().await;
    for method in ["GET", "OPTIONS"] {
        for authorization in ["", "JWT nonsense"] {
            let request = server.request(method, "/public/x");
            let answer = request.header("Authorization", authorization).send().await;
            let received = received(&answer);
            assert_eq!(header(&received, "x-auth-user-id"), None);
            assert_eq!(header(&received, "authorization"), None);
        }
    }
    for method in ["POST", "HEAD", "PUT", "OPTION"] {
        let answer = server.request(method, "/public/x").send().await;
        assert_ne!(answer.status, 200, "{method}");
    }
    let account = Account::register(&server).await;
    let answer = request(&server, &account, "POST", "/public/x").send().await;
    let id = account.id.to_string();
    let received = received(&answer);
    assert_eq!(header(&received, "x-auth-user-id"), Some(id.as_str()));
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_request_costs_one_query_or_none() {
    let protected = protected();
    for (trust, count) in [("false", 1), ("true", 0)] {
        let settings = [
            ("PROTECTED", Some(protected.as_str())),
            ("TRUST_TOKEN_ALONE", Some(trust)),
        ];
        let server = Server::start_with_seen_queries(&settings).await;
        let account = Account::register(&server).await;
        let queries = async |method: &str, path: &str, status: u16| {
            let before = server.logs().await.len();
            let answer = request(&server, &account, method, path).send().await;
            assert_eq!(answer.status, status, "{path}: {}", answer.text());
            let lines = server.logs().await.split_off(before);
            lines
                .iter()
                .filter(|line| line.starts_with("query: "))
                .count()
        };
        for (path, status) in [
            ("/up/x", 200),
            ("/origin/x", 200),
            ("/up/admin/x", 403),
            ("/verify", 200),
            ("/verify?role=admin", 403),
        ] {
            assert_eq!(queries("GET", path, status).await, count, "{trust} {path}");
        }
        assert_eq!(queries("GET", "/public/x", 200).await, 0);
        assert_eq!(queries("GET", "/up/%2e%2e/x", 404).await, 0);
        // The role of the day on which the token was issued.
        make_admin(&server, &account).await;
        let status = if trust == "true" { 403 } else { 200 };
        assert_eq!(queries("GET", "/up/admin/x", status).await, count);
        server.stop().await;
    }
}

#[wasm_bindgen_test]
async fn the_setting_is_read_strictly() {
    let wrong = [
        ("[{}]", "PROTECTED entry 1: prefix is missing"),
        (
            r#"[{"prefix":"/api/","upstream":"UPSTREAM","dialect":"JWT"}]"#,
            "PROTECTED entry 1: prefix covers routes of this service, /api",
        ),
    ];
    let settings = [Some(wrong[0].0), Some(wrong[1].0), None];
    let settings = settings.map(|setting| vec![("PROTECTED", setting)]);
    let servers = Server::start_sharing_database(&settings).await;
    for (server, (_, named)) in servers.iter().zip(wrong) {
        let answer = server.request("GET", "/up/x").send().await;
        let expected = (500, "{\"error\":\"Internal server error\"}\n");
        assert_eq!(seen(&answer), expected);
        let logs = server.logs().await;
        assert!(logs.iter().any(|line| line.contains(named)), "{logs:?}");
    }
    let answer = servers[2].request("GET", "/book/dune").send().await;
    assert_eq!(seen(&answer), NOT_FOUND);
    servers[0].clone().stop().await;
}
