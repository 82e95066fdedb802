//! `/api/auth/me`: the caller's account, read and changed.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::harness::{self, Account, PASSWORD, Server, seen, send_json, unique};

#[wasm_bindgen_test]
async fn me_follows_the_account() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    let me = async || {
        let request = server.request("GET", "/api/auth/me");
        request
            .header("Authorization", &account.bearer())
            .send()
            .await
    };
    assert_eq!(me().await.status, 200);

    let set_disabled = "UPDATE users SET disabled = ? WHERE id = ?";
    server
        .sql(set_disabled, &[1.into(), account.id.into()])
        .await;
    let answer = me().await;
    assert_eq!(
        seen(&answer),
        (401, "{\"msg\":\"Token has been revoked\"}\n")
    );
    assert_eq!(
        answer.headers.get("WWW-Authenticate").as_deref(),
        Some("Bearer")
    );
    server
        .sql(set_disabled, &[0.into(), account.id.into()])
        .await;
    assert_eq!(me().await.status, 200);

    server
        .sql("DELETE FROM users WHERE id = ?", &[account.id.into()])
        .await;
    let answer = me().await;
    assert_eq!(seen(&answer), (404, "{\"error\":\"User not found\"}\n"));
    assert_eq!(answer.headers.get("WWW-Authenticate"), None);
    // The next account does not inherit the id.
    assert!(Account::register(&server).await.id > account.id);
}

#[wasm_bindgen_test]
async fn an_account_without_an_email_shows_null() {
    let server = Server::shared().await;
    let username = unique("imported");
    let statement = "INSERT INTO users (username, username_folded, name, password_hash) \
                     VALUES (?1, ?1, 'Imported', ?2) RETURNING id";
    let hash = harness::stored_password("sha512", PASSWORD, 210_000);
    let rows = server
        .sql(statement, &[username.as_str().into(), hash.into()])
        .await;
    let claims = json!({ "identity": rows[0]["id"], "exp": harness::now() + 60 });
    let token = format!("JWT {}", harness::signed(&claims));
    let me = server
        .request("GET", "/api/auth/me")
        .header("Authorization", &token)
        .send()
        .await;
    let user = me.json()["user"].clone();
    assert_eq!(user["email"], Value::Null);
    assert_eq!(user["username"], username);
}

#[wasm_bindgen_test]
async fn profiles_are_changed() {
    let server = Server::shared_quick().await;
    let (ann, ben) = (
        Account::register(&server).await,
        Account::register(&server).await,
    );
    let statement = "UPDATE users SET updated_at = '2024-01-15T10:30:00' WHERE id = ?";
    server.sql(statement, &[ann.id.into()]).await;
    let patch = async |body: Value| {
        send_json(&server, "PATCH", "/api/auth/me", &ann.access_token, body).await
    };
    let user = async |body: Value| {
        let answer = patch(body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["user"].clone()
    };
    let before = user(json!({})).await;
    for nothing in [json!({ "name": null }), json!({ "email": "x@example.com" })] {
        assert_eq!(user(nothing).await, before);
    }
    assert_eq!(before["updated_at"], "2024-01-15T10:30:00");
    let after = user(json!({ "name": " Ann  Lee-Gru\u{308}n " })).await;
    assert_eq!(after["name"], "Ann  Lee-Gr\u{fc}n");
    assert_eq!(after["username"], ann.username);
    assert_ne!(after["updated_at"], before["updated_at"]);
    let renamed = unique("Renamed");
    assert_eq!(
        user(json!({ "username": renamed })).await["username"],
        renamed
    );
    let shouted = renamed.to_uppercase();
    assert_eq!(
        user(json!({ "username": shouted })).await["username"],
        shouted
    );
    let without = user(json!({ "username": null, "name": "Ann" })).await;
    assert_eq!(
        (without.get("username"), &without["name"]),
        (None, &json!("Ann"))
    );

    let taken = "{\"error\":\"Username already taken\"}\n";
    let answer = patch(json!({ "username": ben.username.to_uppercase() })).await;
    assert_eq!(seen(&answer), (409, taken));
    for (body, text) in [
        (
            json!({ "name": "" }),
            "name must be 1 to 200 characters long",
        ),
        (json!({ "name": 1 }), "name must be a string"),
        (json!({ "username": "a@b" }), "username must not contain @"),
        (json!({ "username": [] }), "username must be a string"),
        (json!([]), "Request body must be a JSON object"),
    ] {
        let answer = patch(body).await;
        let expected = format!("{{\"error\":\"{text}\"}}\n");
        assert_eq!(seen(&answer), (400, expected.as_str()));
    }
    assert_eq!(user(json!({})).await, without);

    let statement = "UPDATE users SET email = NULL WHERE id = ?";
    server.sql(statement, &[ben.id.into()]).await;
    let body = json!({ "username": null });
    let answer = send_json(&server, "PATCH", "/api/auth/me", &ben.access_token, body).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
}
