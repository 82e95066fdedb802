//! Which headers end at the gateway, and which go on.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{header, received, request, start};
use crate::harness::{self, Account, Server};

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
    let claims = json!({ "identity": account.id, "exp": harness::now() + 60 });
    let request = server.request("GET", "/up/x");
    let request = request
        .header(
            "Authorization",
            &format!("JWT {}", harness::signed(&claims)),
        )
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
async fn the_cookie_of_the_pages_ends_at_the_gateway() {
    let server = start().await;
    let account = Account::register(&server).await;
    for (sent, passed) in [
        ("__Host-session=abc", None),
        ("a=b; __Host-session=abc; c=d", Some("a=b; c=d")),
        ("a=b", Some("a=b")),
    ] {
        for path in ["/up/x", "/origin/x"] {
            let request = request(&server, &account, "GET", path).header("Cookie", sent);
            let received = received(&request.send().await);
            assert_eq!(header(&received, "cookie"), passed, "{path} {sent}");
        }
    }
}
