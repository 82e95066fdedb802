//! Settings that are wrong, and the database away: a 500 everywhere, its reason in the log alone.

use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::every_route_answers_500;
use crate::harness::{self, Account, Server};

#[wasm_bindgen_test]
async fn a_missing_or_weak_secret() {
    let weak = "thirty-one bytes are not enough";
    assert_eq!(weak.len(), 31);
    every_route_answers_500(&[
        (&[("JWT_SECRET", None)], "JWT_SECRET is not set"),
        (&[("JWT_SECRET", Some(weak))], "JWT_SECRET is shorter"),
    ])
    .await;
}

#[wasm_bindgen_test]
async fn settings_that_do_not_parse() {
    let settings = [
        ("PASSWORD_HASH", Some("md5")),
        ("PASSWORD_ITERATIONS", Some("99999")),
        ("PASSWORD_MIN_LENGTH", Some("7")),
        ("ACCESS_TOKEN_LIFETIME", Some("forever")),
        ("SIGN_IN_FLOOR_MS", Some("-1")),
        ("JWT_ISSUER", Some("")),
    ];
    let wrong = settings
        .each_ref()
        .map(|setting| (std::slice::from_ref(setting), setting.0));
    every_route_answers_500(&wrong).await;
}

#[wasm_bindgen_test]
async fn a_missing_database_binding() {
    every_route_answers_500(&[(&[("DB", None)], "binding DB")]).await;
}

#[wasm_bindgen_test]
async fn a_database_that_cannot_be_reached() {
    let server = Server::start_with_failing_database().await;
    let answer = server.request("GET", "/healthz").send().await;
    assert_eq!(
        (answer.status, answer.text()),
        (503, "{\"status\":\"unavailable\"}\n")
    );
    let password = harness::PASSWORD;
    let body = json!({
        "email": "a@example.com", "username": "ann", "password": password, "name": "A",
    });
    for (path, text) in [
        ("/auth", "{\"message\":\"Internal server error\"}\n"),
        (
            "/api/auth/register",
            "{\"error\":\"Internal server error\"}\n",
        ),
        ("/api/auth/login", "{\"error\":\"Internal server error\"}\n"),
    ] {
        let answer = server.request("POST", path).json(body.clone()).send().await;
        assert_eq!((answer.status, answer.text()), (500, text), "{path}");
    }
    // What needs no database is answered.
    assert_eq!(
        server.request("GET", "/api/auth/me").send().await.status,
        401
    );
    let logs = server.logs().await.join("\n");
    assert!(logs.contains("internal error; reference"), "{logs}");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_database_without_its_table() {
    let server = Server::start(&[]).await;
    let account = Account::register(&server).await;
    server
        .sql("ALTER TABLE users RENAME TO elsewhere", &[])
        .await;
    let me = server
        .request("GET", "/api/auth/me")
        .header("Authorization", &account.bearer());
    let answer = me.send().await;
    assert_eq!(
        (answer.status, answer.text()),
        (500, "{\"error\":\"Internal server error\"}\n")
    );
    assert!(server.logs().await.join("\n").contains("no such table"));
    server
        .sql("ALTER TABLE elsewhere RENAME TO users", &[])
        .await;
    let me = server
        .request("GET", "/api/auth/me")
        .header("Authorization", &account.bearer());
    assert_eq!(me.send().await.status, 200);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn issuer_and_lifetime_are_settings() {
    let settings = [
        ("JWT_ISSUER", Some("https://auth.example.com")),
        ("ACCESS_TOKEN_LIFETIME", Some("60")),
    ];
    let server = Server::start(&settings).await;
    let account = Account::register(&server).await;
    let secret = harness::SECRET;
    let claims = harness::jose_verify(&account.access_token, secret)
        .await
        .unwrap();
    assert_eq!(claims["iss"], "https://auth.example.com");
    let life = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
    assert_eq!(life, 60);
    // Not good where another issuer is set.
    let me = Server::shared().await;
    let me = me
        .request("GET", "/api/auth/me")
        .header("Authorization", &account.bearer());
    let answer = me.send().await;
    assert_eq!(
        (answer.status, answer.text()),
        (401, "{\"msg\":\"Invalid issuer\"}\n")
    );
    server.stop().await;
}
