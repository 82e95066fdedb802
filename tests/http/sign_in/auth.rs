//! Dialect 1: `POST /auth`.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::harness::{self, Account, Answer, PASSWORD, Server, seen};

async fn auth(server: &Server, body: Value) -> Answer {
    server.request("POST", "/auth").json(body).send().await
}

const INVALID: (u16, &str) = (401, "{\"message\":\"Invalid credentials\"}\n");
const BAD_REQUEST: (u16, &str) = (400, "{\"message\":\"Bad request\"}\n");

#[wasm_bindgen_test]
async fn username_or_email_in_any_case() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    for name in [
        account.username.clone(),
        account.username.to_uppercase(),
        account.username.to_lowercase(),
        account.email.clone(),
        account.email.to_uppercase(),
        format!(" {} ", account.email),
    ] {
        let answer = auth(&server, json!({ "username": name, "password": PASSWORD })).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        let body = answer.json();
        assert_eq!(body.as_object().unwrap().len(), 1);

        // Good on both dialects' protected routes, under both schemes.
        let token = body["access_token"].as_str().unwrap();
        for scheme in ["JWT", "Bearer", "jwt", "BEARER"] {
            let header = format!("{scheme} {token}");
            let me = server
                .request("GET", "/api/auth/me")
                .header("Authorization", &header);
            assert_eq!(me.send().await.json()["user"]["id"], account.id);
            let verify = server
                .request("GET", "/verify")
                .header("Authorization", &header);
            let answer = verify.send().await;
            let id = account.id.to_string();
            assert_eq!(seen(&answer), (200, "{}\n"));
            assert_eq!(answer.headers.get("X-Auth-User-Id"), Some(id));
            assert_eq!(
                answer.headers.get("X-Auth-Role").as_deref(),
                Some("customer")
            );
            // 16 random bytes and the account's epoch.
            let token_id = answer.headers.get("X-Auth-Token-Id").unwrap();
            let (random, epoch) = token_id.split_once('.').unwrap();
            assert_eq!((random.len(), epoch), (22, "0"));
        }
    }
}

#[wasm_bindgen_test]
async fn values_that_cannot_be_right() {
    let server = Server::shared_quick().await;
    let account = Account::register(&server).await;
    let disabled = Account::register(&server).await;
    let statement = "UPDATE users SET disabled = 1 WHERE id = ?";
    server.sql(statement, &[disabled.id.into()]).await;
    for (username, password) in [
        (json!(account.username), json!("wrong horse battery")),
        (json!("nobody"), json!(PASSWORD)),
        (json!(disabled.username), json!(PASSWORD)),
        (json!(null), json!(PASSWORD)),
        (json!(account.username), json!(null)),
        (json!(""), json!(PASSWORD)),
        (json!(account.username), json!("")),
        (json!(1), json!(PASSWORD)),
        (json!([account.username]), json!(PASSWORD)),
        (json!({ "a": 1 }), json!([PASSWORD])),
        (json!(account.username), json!(12345678)),
        (json!(format!("{} ", account.username)), json!(PASSWORD)),
        (json!("a@b@c.d"), json!(PASSWORD)),
        (json!(account.username), json!(format!("{PASSWORD}\0"))),
    ] {
        let body = json!({ "username": username, "password": password });
        let started = js_sys::Date::now();
        let answer = auth(&server, body.clone()).await;
        let took = js_sys::Date::now() - started;
        assert_eq!(seen(&answer), INVALID, "{body}");
        assert_eq!(answer.headers.get("WWW-Authenticate"), None);
        // The floor, less what the two clocks may differ by.
        assert!(took >= 95.0, "{body}: {took} ms");
    }
}

#[wasm_bindgen_test]
async fn requests_that_are_none() {
    let server = Server::shared().await;
    for body in [
        json!({}),
        json!({ "username": "sapan" }),
        json!({ "password": PASSWORD }),
    ] {
        assert_eq!(seen(&auth(&server, body).await), BAD_REQUEST);
    }
    let good = json!({ "username": "sapan", "password": PASSWORD }).to_string();
    for content_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let request = server
            .request("POST", "/auth")
            .header("Content-Type", content_type);
        assert_eq!(
            seen(&request.body(&good).send().await),
            BAD_REQUEST,
            "{content_type}"
        );
    }
}

#[wasm_bindgen_test]
async fn other_problems_have_a_message() {
    let server = Server::shared().await;
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let answer = server.request(method, "/auth").send().await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.headers.get("Allow").as_deref(), Some("POST"));
        if method != "HEAD" {
            assert_eq!(answer.text(), "{\"message\":\"Method not allowed\"}\n");
        }
    }
    let body = json!({ "username": "x".repeat(17_000), "password": PASSWORD });
    let answer = auth(&server, body).await;
    assert_eq!(
        seen(&answer),
        (413, "{\"message\":\"Request body too large\"}\n")
    );
}

#[wasm_bindgen_test]
async fn a_token_of_the_old_service_stays_good() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    let now = harness::now();
    let claims = json!({
        "exp": now + 300, "iat": now, "nbf": now, "identity": account.id,
    });
    let header = format!("JWT {}", harness::signed(&claims));
    let me = server
        .request("GET", "/api/auth/me")
        .header("Authorization", &header);
    assert_eq!(me.send().await.json()["user"]["email"], account.email);
    let verify = server
        .request("GET", "/verify")
        .header("Authorization", &header);
    let answer = verify.send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers.get("X-Auth-Token-Id"), None);
}
