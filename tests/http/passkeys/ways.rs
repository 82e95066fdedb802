//! The last way to sign in is not removed, and where there is no relying party there are no passkeys.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{
    CREATION_OPTIONS, NOT_FOUND, PASSKEYS, REQUEST_OPTIONS, add, authenticator, list, path, send,
    settings, try_add, without_mail,
};
use crate::harness::{Account, QUICK, Server, assert_no_content, by_two_factors, seen};

const RELATED: &str = "/.well-known/webauthn";
const NO_OTHER_WAY: (u16, &str) = (409, "{\"error\":\"No other way to sign in\"}\n");

async fn without_password(server: &Server, account: &Account) {
    let statement = "UPDATE users SET password_hash = NULL WHERE id = ?";
    server.sql(statement, &[account.id.into()]).await;
}

#[wasm_bindgen_test]
async fn the_last_way_to_sign_in_is_kept() {
    let server = Server::start(&without_mail()).await;
    let delete = async |account: &Account, passkey: &Value| {
        send(&server, account, "DELETE", &path(passkey), Value::Null).await
    };
    // A password is another way.
    let ann = by_two_factors(&server, &Account::register(&server).await).await;
    let (_, passkey) = add(&server, &ann, json!({})).await;
    assert_no_content(&delete(&ann, &passkey).await);
    // One-time passwords and recovery codes are none.
    let (_, passkey) = add(&server, &ann, json!({})).await;
    without_password(&server, &ann).await;
    let totp = "INSERT INTO totp (user_id, secret, created_at) VALUES (?, 'x', 0)";
    server.sql(totp, &[ann.id.into()]).await;
    assert_eq!(seen(&delete(&ann, &passkey).await), NO_OTHER_WAY);
    // Another passkey is one.
    let (_, second) = add(&server, &ann, json!({})).await;
    assert_no_content(&delete(&ann, &passkey).await);
    assert_eq!(seen(&delete(&ann, &second).await), NO_OTHER_WAY);
    // But for one that is half of a sign-in.
    let mut half = authenticator();
    half.flags = 1;
    let body = json!({ "second_factor": true });
    assert_eq!(try_add(&server, &ann, &mut half, body).await.status, 201);
    assert_eq!(seen(&delete(&ann, &second).await), NO_OTHER_WAY);
    assert_eq!(list(&server, &ann).await.len(), 2);
    // Of two that are removed at once, one stays.
    let bob = Account::register(&server).await;
    let (_, one) = add(&server, &bob, json!({})).await;
    let (_, other) = add(&server, &bob, json!({})).await;
    without_password(&server, &bob).await;
    let answers = futures_util::future::join(delete(&bob, &one), delete(&bob, &other)).await;
    let mut statuses = [answers.0.status, answers.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn with_mail_a_code_is_another_way() {
    let server = Server::start(&settings()).await;
    let ann = Account::register(&server).await;
    let (_, passkey) = add(&server, &ann, json!({})).await;
    without_password(&server, &ann).await;
    // Not for an account without an address.
    let email = "UPDATE users SET email = ? WHERE id = ?";
    server.sql(email, &[Value::Null, ann.id.into()]).await;
    let answer = send(&server, &ann, "DELETE", &path(&passkey), Value::Null).await;
    assert_eq!(seen(&answer), NO_OTHER_WAY);
    server
        .sql(email, &[ann.email.clone().into(), ann.id.into()])
        .await;
    assert_no_content(&send(&server, &ann, "DELETE", &path(&passkey), Value::Null).await);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn without_a_relying_party_there_are_no_passkeys() {
    let server = Server::start(&QUICK).await;
    let ann = Account::register(&server).await;
    for (method, path) in [
        ("POST", CREATION_OPTIONS),
        ("POST", REQUEST_OPTIONS),
        ("GET", PASSKEYS),
        ("POST", PASSKEYS),
        ("PATCH", "/api/auth/passkeys/x"),
        ("DELETE", "/api/auth/passkeys/x"),
        ("GET", RELATED),
    ] {
        let answer = send(&server, &ann, method, path, Value::Null).await;
        assert_eq!(seen(&answer), NOT_FOUND, "{method} {path}");
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn other_domains_are_named_to_browsers() {
    let server = Server::start(&settings()).await;
    let answer = server.request("GET", RELATED).send().await;
    assert_eq!(seen(&answer), NOT_FOUND);
    server.stop().await;

    let origins = "https://auth.example.com https://example.org https://example.net:8443";
    let more = [
        ("WEBAUTHN_ORIGINS", Some(origins)),
        ("WEBAUTHN_RP_NAME", Some("Example")),
    ];
    let server = Server::start(&[&settings()[..], &more].concat()).await;
    let answer = server.request("GET", RELATED).send().await;
    let expected = "{\"origins\":[\"https://example.org\",\"https://example.net:8443\"]}\n";
    assert_eq!(seen(&answer), (200, expected));
    let ann = Account::register(&server).await;
    let mut authenticator = authenticator();
    authenticator.origin = "https://example.org".to_owned();
    assert_eq!(
        try_add(&server, &ann, &mut authenticator, json!({}))
            .await
            .status,
        201
    );
    server.stop().await;
}
