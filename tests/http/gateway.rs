//! Protected prefixes: who passes, what the service behind is sent, and what comes back.

use futures_util::future::join_all;
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::given::{self, Account};
use crate::support::{Answer, Close, RequestBuilder, Server};

const NOT_FOUND: (u16, &str) = (404, "{\"error\":\"Not found\"}\n");
const FORBIDDEN: (u16, &str) = (403, "{\"error\":\"Forbidden\"}\n");
const BAD_GATEWAY: (u16, &str) = (502, "{\"error\":\"Bad gateway\"}\n");

/// Prefixes of every kind.
fn protected() -> String {
    let entry = |prefix: &str, upstream: &str, dialect: &str| json!({ "prefix": prefix, "upstream": upstream, "dialect": dialect });
    let mut admin = entry("/up/admin/", "UPSTREAM", "JWT");
    admin["role"] = json!("admin");
    let mut secret = entry("/up/secret/", "UPSTREAM", "JWT");
    secret["role"] = json!("admin");
    let mut public = entry("/public/", "UPSTREAM", "Bearer");
    public["public_methods"] = json!(["GET", "OPTIONS"]);
    json!([
        entry("/up/", "UPSTREAM", "JWT"),
        entry("/bearer/", "UPSTREAM", "Bearer"),
        entry("/origin/", "https://books.example.com:8443", "JWT"),
        entry("/down/", "https://down.example", "JWT"),
        entry("/missing/", "NOT_BOUND", "JWT"),
        entry("/text/", "JWT_SECRET", "JWT"),
        entry("/database/", "DB", "JWT"),
        admin,
        secret,
        public,
    ])
    .to_string()
}

async fn start() -> Server {
    Server::start(&[("PROTECTED", Some(&protected()))]).await
}

fn seen(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.text())
}

/// A request with the account's token.
fn request<'a>(
    server: &'a Server,
    account: &Account,
    method: &str,
    path: &str,
) -> RequestBuilder<'a> {
    let request = server.request(method, path);
    request.header("Authorization", &format!("JWT {}", account.access_token))
}

/// What the upstream says that it received.
fn received(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// A header that the upstream received.
fn header<'a>(received: &'a Value, name: &str) -> Option<&'a str> {
    let headers = received["headers"].as_array().unwrap();
    let header = headers.iter().find(|header| header[0] == name)?;
    header[1].as_str()
}

/// What reached the upstream so far, a line a request.
async fn reached(server: &Server) -> usize {
    let logs = server.logs().await;
    let lines = logs.iter().filter(|line| line.starts_with("upstream: "));
    lines.count()
}

async fn make_admin(server: &Server, account: &Account) {
    let statement = "UPDATE users SET role = 'admin' WHERE id = ?";
    server.sql(statement, &[account.id.into()]).await;
}

#[wasm_bindgen_test]
async fn the_documents_last_step_works() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    let body = json!({ "username": account.username, "password": given::PASSWORD });
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
            let jti = given::claims(&account.access_token)["jti"].clone();
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
async fn headers_that_end_at_the_gateway() {
    let server = start().await;
    let account = Account::register(&server).await;
    let id = account.id.to_string();
    for path in ["/up/x", "/origin/x", "/public/x"] {
        let method = if path == "/public/x" {
            "OPTIONS"
        } else {
            "POST"
        };
        let request = request(&server, &account, method, path)
            .chunks(&[b"a body"])
            .header("X-Auth-User-Id", "1000")
            .header("x-auth-user-id", "1001")
            .header("X-AUTH-ROLE", "admin")
            .header("x-AuTh-Token-Id", "forged")
            .header("X-Auth-Anything", "forged")
            .header("X_Auth_User_Id", "1002")
            .header("X-Auth_Role", "admin")
            .header("X.Auth.Role", "admin")
            .header(
                "Connection",
                "close, Keep-Alive, TE,upgrade, HTTP2-Settings",
            )
            .header("HTTP2-Settings", "AAMAAABkAAQAAP__")
            .header("X-Kept", "1")
            .header("Keep-Alive", "timeout=5")
            .header("TE", "trailers")
            .header("Trailer", "X-Later")
            .header("Proxy-Authorization", "Basic x")
            .header("Proxy-Connection", "keep-alive")
            .header("Upgrade", "h2c");
        let received = received(&request.send().await);
        let headers = received["headers"].as_array().unwrap();
        let names: Vec<_> = headers.iter().filter_map(|h| h[0].as_str()).collect();
        for name in [
            "connection",
            "authorization",
            "http2-settings",
            "keep-alive",
            "te",
            "trailer",
            "proxy-authorization",
            "proxy-connection",
            "upgrade",
            "x-auth-anything",
            "x_auth_user_id",
            "x-auth_role",
            "x.auth.role",
        ] {
            assert!(!names.contains(&name), "{path} {name}");
        }
        assert_eq!(header(&received, "x-kept"), Some("1"));
        if path == "/public/x" {
            let ours = names.iter().find(|name| name.starts_with("x-auth-"));
            assert_eq!(ours, None);
        } else {
            assert_eq!(header(&received, "x-auth-user-id"), Some(id.as_str()));
            assert_eq!(header(&received, "x-auth-role"), Some("customer"));
            assert_ne!(header(&received, "x-auth-token-id"), Some("forged"));
        }
    }
    // A token without a usable id leaves no room for the client's.
    let claims = json!({ "identity": account.id, "exp": given::now() + 60 });
    let request = server.request("GET", "/up/x");
    let request = request
        .header("Authorization", &format!("JWT {}", given::signed(&claims)))
        .header("X-Auth-Token-Id", "forged");
    let received = received(&request.send().await);
    assert_eq!(header(&received, "x-auth-token-id"), None);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn the_token_reaches_the_service_only_if_the_setting_says_so() {
    let entry = |prefix: &str, upstream: &str, pass: Value| {
        json!({
            "prefix": prefix, "upstream": upstream, "dialect": "JWT", "public_methods": ["PUT"],
            "pass_authorization": pass,
        })
    };
    let protected = json!([
        entry("/passed/", "UPSTREAM", json!(true)),
        entry("/passed-far/", "https://books.example.com", json!(true)),
        entry("/kept/", "UPSTREAM", json!(false)),
        entry("/kept-far/", "https://books.example.com", json!(false)),
    ]);
    let protected = protected.to_string();
    let server = Server::start(&[("PROTECTED", Some(&protected))]).await;
    let account = Account::register(&server).await;
    for scheme in ["JWT", "Bearer"] {
        let authorization = format!("{scheme} {}", account.access_token);
        // With PUT the token is not looked at.
        for method in ["GET", "POST", "PUT"] {
            for (prefix, expected) in [
                ("/passed/", Some(authorization.as_str())),
                ("/passed-far/", Some(authorization.as_str())),
                ("/kept/", None),
                ("/kept-far/", None),
            ] {
                let request = server.request(method, &format!("{prefix}x"));
                let request = request.header("aUTHORIZATION", &authorization);
                let received = received(&request.send().await);
                let passed = header(&received, "authorization");
                assert_eq!(passed, expected, "{method} {prefix}");
            }
        }
    }
    let request = server.request("PUT", "/kept/x");
    let request = request.header("Authorization", "Basic YTpi");
    let received = received(&request.send().await);
    assert_eq!(header(&received, "authorization"), None);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn connection_takes_away_nothing_that_a_proxy_adds() {
    let server = start().await;
    let account = Account::register(&server).await;
    for (path, method) in [
        ("/up/x", "POST"),
        ("/origin/x", "PUT"),
        ("/public/x", "OPTIONS"),
    ] {
        for name in [
            "CF-Connecting-IP",
            "cf-ray",
            "CF-Visitor",
            "CDN-Loop",
            "Content-Type",
            "Cookie",
            "Fastly-Client-IP",
            "Forwarded",
            "Sec-Fetch-Site",
            "True-Client-IP",
            "Via",
            "X-Client-IP",
            "X-Forwarded-For",
            "X-Forwarded-Proto",
            "X-Original-URL",
            "X-Real-IP",
            "X-Request-Id",
        ] {
            if path == "/origin/x" && name == "CF-Connecting-IP" {
                // Of requests to other origins the runtime writes it itself.
                continue;
            }
            for connection in [
                name.to_owned(),
                format!("close, {}, X-Named", name.to_lowercase()),
                format!("keep-alive ,\t{name} ,, X-NAMED, TE"),
            ] {
                let request = request(&server, &account, method, path)
                    .header("Connection", &connection)
                    .header("X-Named", "1")
                    .header(name, "192.0.2.1")
                    .body("text");
                let received = received(&request.send().await);
                let kept = header(&received, &name.to_lowercase());
                assert_eq!(kept, Some("192.0.2.1"), "{path} {connection}");
                // Whatever else is named is of that connection (RFC 9110 section 7.6.1).
                let named = header(&received, "x-named").is_some();
                assert_eq!(named, connection == name, "{path} {connection}");
            }
        }
        // The token and the host are looked at here, and ours are set last.
        let request = request(&server, &account, method, path)
            .header(
                "Connection",
                "close, Authorization, Host, Content-Length, X-Auth-User-Id",
            )
            .body("text");
        let received = received(&request.send().await);
        assert_eq!(received["body"], "text", "{path}");
        let user_id = header(&received, "x-auth-user-id").is_some();
        assert_eq!(user_id, path != "/public/x", "{path}");
    }
    // What there is none of, and what no header can be called, takes nothing away.
    for connection in ["close, X-Absent, Forwarded", "keep-alive, @, a b, ü"] {
        let request = request(&server, &account, "GET", "/up/x")
            .header("Connection", connection)
            .header("X-Forwarded-For", "192.0.2.1");
        let received = received(&request.send().await);
        let address = header(&received, "x-forwarded-for");
        assert_eq!(address, Some("192.0.2.1"), "{connection}");
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
    for trust in ["false", "true"] {
        let settings = [
            ("PROTECTED", Some(protected.as_str())),
            ("TRUST_TOKEN_ALONE", Some(trust)),
        ];
        let server = Server::start(&settings).await;
        let account = Account::register(&server).await;
        let authorization = |expires_at: f64| {
            let claims = json!({ "identity": account.id, "exp": expires_at });
            format!("JWT {}", given::signed(&claims))
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
    }
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
async fn a_path_that_can_be_read_in_two_ways_goes_nowhere() {
    let server = start().await;
    let account = Account::register(&server).await;
    make_admin(&server, &account).await;
    for prefix in ["/up", "/origin", "/public"] {
        for rest in [
            "/..%2fadmin",
            "/%2e%2e/admin",
            "/../admin",
            "/./x",
            "/x/..",
            "/.%2e/admin",
            "/%252e%252e/admin",
            "//x",
            "/x//y",
            "/a%2Fb",
            "/a%5Cb",
            "/a\\b",
            "/..\\admin",
            "/..;/admin",
            "/..%3b/admin",
            "/;/admin",
            "/x%00",
            "/%00",
            "/x%0d%0aX-A:1",
            "/%",
            "/%2",
            "/%zz",
            "/%c0%ae%c0%ae/admin",
            "/%u002e/admin",
            "/...",
            "/x.",
            "/x./y",
            "/x%2e/y",
            "/x%20",
            "/x%20/y",
            "/%20x",
            "/x%C2%A0/y",
            "/%E3%80%80x",
            "/x%E2%80%A8",
            "/%E2%80%8B/x",
            "/.%E2%80%8B./admin",
            "/%EF%BC%8E%EF%BC%8E/admin",
            "/x%EF%BC%8Fadmin",
            "/%E2%80%A5/admin",
            "/x%EF%BC%852fadmin",
            "/+/admin",
            "/..+/admin",
            "/\u{c3}\u{bc}",
        ] {
            let path = format!("{prefix}{rest}");
            for authorized in [true, false] {
                let request = if authorized {
                    request(&server, &account, "GET", &path)
                } else {
                    server.request("GET", &path)
                };
                assert_eq!(seen(&request.send().await), NOT_FOUND, "{path}");
            }
        }
    }
    // Not the prefix, and no other route.
    for path in [
        "/up",
        "/Up/x",
        "/UP/x",
        "//up/x",
        "/x/../up/x",
        "/./up/x",
        "/x/%2e%2e/up/x",
        "/%75p/x",
        "/up%2fx",
        "/up\\x",
        "/up;/x",
    ] {
        let answer = request(&server, &account, "GET", path).send().await;
        assert_eq!(seen(&answer), NOT_FOUND, "{path}");
    }
    // A host that passes for a path.
    for host in ["x/up/x?", "x/up/x#", "x\\up\\", "a@b"] {
        let request = request(&server, &account, "GET", "/up/x").header("Host", host);
        assert_ne!(request.send().await.status, 200, "{host}");
    }
    assert_eq!(reached(&server).await, 0);

    let target = |target: &str| {
        format!(
            "GET {target} HTTP/1.1\r\nHost: a.example\r\nAuthorization: {}\r\nConnection: close\r\n\r\n",
            account.bearer()
        )
    };
    for (sent, url) in [
        ("/up/x#/../../admin", "http://a.example/up/x"),
        ("/up/x?a#b", "http://a.example/up/x?a"),
        ("http://b.example/up/x", "http://a.example/up/x"),
    ] {
        let answer = server.raw(target(sent).as_bytes()).await;
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.contains(&format!("\"url\":\"{url}\"")), "{answer}");
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_longer_prefix_cannot_be_got_round() {
    let server = start().await;
    let customer = Account::register(&server).await;
    let admin = Account::register(&server).await;
    make_admin(&server, &admin).await;
    let get =
        async |account: &Account, path: &str| request(&server, account, "GET", path).send().await;
    for path in ["/up/admin/", "/up/admin/x", "/up/secret/x"] {
        assert_eq!(seen(&get(&customer, path).await), FORBIDDEN, "{path}");
        let received = received(&get(&admin, path).await);
        assert_eq!(header(&received, "x-auth-role"), Some("admin"));
    }
    for path in [
        "/up/admin",
        "/up/Admin/x",
        "/up/%61dmin/x",
        "/up/%2561dmin/x",
        "/up/admin;a=b/x",
        "/up/admin%3b/x",
        "/up/admin%2fx",
        "/up/x/../admin/x",
        "/up//admin/x",
        "/up/secret./x",
        "/up/secret%20/x",
        "/up/secret%2e/x",
        "/up/secret+/x",
        "/up/secret%C2%A0/x",
        "/up/%C5%BFecret/x",
        "/up/%C5%BFECRET",
        "/up/%25C5%25BFecret/x",
        "/up/%EF%BD%93%EF%BD%85cret/x",
        "/up/%EF%BC%B3ecret/x",
        "/up/%F0%9D%93%BCecret/x",
        "/up/%E2%93%A2ecret/x",
        "/up/%EF%BC%8573ecret/x",
        "/up/se%C2%ADcret/x",
        "/up/se%E2%80%8Bcret/x",
        "/up/%EF%BB%BFsecret/x",
        "/up/secret%EF%B8%8F/x",
        "/up/secr%C3%A9t/x",
        "/up/secre%CC%81t/x",
        "/up/adm%C4%B0n/x",
        "/up/adm%C4%B1n/x",
        "/up/secret.json",
        "/up/Secret%2ejson",
        "/up/secret::$DATA/x",
    ] {
        for account in [&customer, &admin] {
            assert_eq!(seen(&get(account, path).await), NOT_FOUND, "{path}");
        }
    }
    for path in [
        "/up/administrators",
        "/up/x/admin/",
        "/up/secrets.json",
        "/up/a.b/c.json",
        "/up/a%20b",
        "/up/c++",
        "/up/%D0%94%D1%8E%D0%BD%D0%B0",
        "/up/%D9%85%DB%8C%E2%80%8C%D8%B4%D9%88%D8%AF",
        "/up/%E2%9D%A4%EF%B8%8F",
        "/up/caf%C3%A9/x",
    ] {
        let received = received(&get(&customer, path).await);
        assert!(received["url"].as_str().unwrap().ends_with(path), "{path}");
    }
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
async fn verify_asks_for_a_role() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    let verify = async |query: &str| {
        let path = format!("/verify{query}");
        request(&server, &account, "POST", &path).send().await
    };
    for query in [
        "",
        "?",
        "?role=customer",
        "?x&role=customer&role=customer",
        "?Role=admin",
    ] {
        assert_eq!(seen(&verify(query).await), (200, "{}\n"), "{query}");
    }
    for query in [
        "?role=admin",
        "?role=Customer",
        "?role=",
        "?role",
        "?role=customer&role=admin",
        "?role=%63ustomer",
        "?role=customer,admin",
    ] {
        let answer = verify(query).await;
        assert_eq!(seen(&answer), FORBIDDEN, "{query}");
        assert_eq!(answer.headers.get("X-Auth-User-Id"), None);
    }
    let answer = server.request("GET", "/verify?role=admin").send().await;
    assert_eq!(answer.status, 401);
    make_admin(&server, &account).await;
    assert_eq!(verify("?role=admin").await.status, 200);
    assert_eq!(verify("?role=customer").await.status, 403);
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
    for (setting, named) in [
        ("[{}]", "PROTECTED entry 1: prefix is missing"),
        (
            r#"[{"prefix":"/api/","upstream":"UPSTREAM","dialect":"JWT"}]"#,
            "PROTECTED entry 1: prefix covers routes of this service, /api",
        ),
    ] {
        let server = Server::start(&[("PROTECTED", Some(setting))]).await;
        let answer = server.request("GET", "/up/x").send().await;
        let expected = (500, "{\"error\":\"Internal server error\"}\n");
        assert_eq!(seen(&answer), expected);
        let logs = server.logs().await;
        assert!(logs.iter().any(|line| line.contains(named)), "{logs:?}");
        server.stop().await;
    }
    let server = Server::start(&[("PROTECTED", None)]).await;
    let answer = server.request("GET", "/book/dune").send().await;
    assert_eq!(seen(&answer), NOT_FOUND);
    server.stop().await;
}
