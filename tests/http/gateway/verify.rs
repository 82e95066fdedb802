//! `/verify`, which other proxies ask.

use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{FORBIDDEN, make_admin, request};
use crate::harness::{
    self, Account, QUICK, Server, assert_no_content, me, open, seen, send, signed,
};
use crate::tokens::verify;

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
async fn verify_may_trust_the_token_alone() {
    let settings = [QUICK[0], QUICK[1], ("TRUST_TOKEN_ALONE", Some("true"))];
    let server = Server::start(&settings).await;
    let account = Account::register(&server).await;
    let tokens = open(&server, &account).await;
    let logout = send(&server, "POST", "/api/auth/logout", &tokens.access).await;
    assert_no_content(&logout);
    let answer = send(&server, "GET", "/verify", &tokens.access).await;
    assert_eq!(seen(&answer), (200, "{}\n"));
    let id = account.id.to_string();
    for (name, value) in [("X-Auth-User-Id", id.as_str()), ("X-Auth-Role", "customer")] {
        assert_eq!(answer.headers.get(name).as_deref(), Some(value));
    }
    assert_eq!(me(&server, &tokens.access).await, 401);
    for (token, text) in [
        (&tokens.refresh, "Only non-refresh tokens are allowed"),
        (
            &signed(&json!({ "sub": "nobody", "exp": harness::now() + 60 })),
            "Error loading the user nobody",
        ),
    ] {
        let answer = send(&server, "GET", "/verify", token).await;
        let expected = format!("{{\"msg\":\"{text}\"}}\n");
        assert_eq!(seen(&answer), (401, expected.as_str()));
    }
    // A role that is fit for no header is not passed on.
    let token = signed(&json!({ "sub": "7", "exp": harness::now() + 60, "role": "a\r\nb" }));
    let answer = send(&server, "GET", "/verify", &token).await;
    assert_eq!(
        answer.headers.get("X-Auth-Role").as_deref(),
        Some("customer")
    );
    server.stop().await;
}

#[wasm_bindgen_test]
async fn the_scheme_picks_the_dialect_of_verify() {
    let server = Server::shared().await;
    let first = json!({
        "description": "Not enough segments", "error": "Invalid token", "status_code": 401,
    });
    let second = json!({ "msg": "Not enough segments" });
    for (header, body, challenge) in [
        ("JWT x", &first, "JWT realm=\"Login Required\""),
        ("Basic x, jwt x", &first, "JWT realm=\"Login Required\""),
        ("Bearer x", &second, "Bearer"),
    ] {
        let answer = verify(&server, header).await;
        assert_eq!((answer.status, &answer.json()), (401, body), "{header}");
        assert_eq!(
            answer.headers.get("WWW-Authenticate").as_deref(),
            Some(challenge)
        );
    }
    // On `/api/*` it is always the second.
    let me = server
        .request("GET", "/api/auth/me")
        .header("Authorization", "JWT x");
    let answer = me.send().await;
    assert_eq!((answer.status, &answer.json()), (401, &second));
}

#[wasm_bindgen_test]
async fn verify_takes_any_method_and_follows_the_account() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let request = server.request(method, "/verify");
        let answer = request
            .header("Authorization", &account.bearer())
            .send()
            .await;
        assert_eq!(answer.status, 200, "{method}");
        assert_eq!(answer.body.is_empty(), method == "HEAD", "{method}");
    }
    let refusals = async |reason: &str, error: &str, description: &str| {
        let answer = verify(&server, &account.bearer()).await;
        assert_eq!(
            (answer.status, answer.json()),
            (401, json!({ "msg": reason }))
        );
        let answer = verify(&server, &format!("JWT {}", account.access_token)).await;
        let body = json!({ "description": description, "error": error, "status_code": 401 });
        assert_eq!((answer.status, answer.json()), (401, body));
    };
    server
        .sql(
            "UPDATE users SET disabled = 1 WHERE id = ?",
            &[account.id.into()],
        )
        .await;
    let revoked = "Token has been revoked";
    refusals(revoked, "Invalid token", revoked).await;
    server
        .sql("DELETE FROM users WHERE id = ?", &[account.id.into()])
        .await;
    let gone = format!("Error loading the user {}", account.id);
    refusals(&gone, "Invalid JWT", "User does not exist").await;
}

#[wasm_bindgen_test]
async fn odd_token_ids_do_not_break_the_answer() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    for (jti, header) in [
        (json!("a-b_c"), Some("a-b_c")),
        (json!("a\r\nX-Auth-Role: admin"), None),
        (json!("ä"), None),
        (json!(""), None),
        (json!(null), None),
    ] {
        let claims = json!({ "identity": account.id, "exp": harness::now() + 60, "jti": jti });
        let answer = verify(&server, &format!("JWT {}", harness::signed(&claims))).await;
        assert_eq!(answer.status, 200, "{jti}");
        assert_eq!(
            answer.headers.get("X-Auth-Token-Id").as_deref(),
            header,
            "{jti}"
        );
        assert_eq!(
            answer.headers.get("X-Auth-Role").as_deref(),
            Some("customer")
        );
    }
}
