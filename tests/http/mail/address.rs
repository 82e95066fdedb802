//! Proving an address, changing it, taking a change back.

use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{account_of, post, post_as, registered, settings, verified};
use crate::harness::{PASSWORD, Server, unique};

const VERIFY: &str = "/api/auth/email/verify";

#[wasm_bindgen_test]
async fn an_address_is_proven_by_who_knows_the_password() {
    let server = Server::start(&settings()).await;
    let (account, token) = registered(&server).await;
    let token_of = |account: &crate::harness::Account| account.access_token.clone();
    assert_eq!(
        account_of(&server, &token_of(&account)).await["email_verified"],
        false
    );
    for (password, status, text) in [
        (None, 403, "Password required"),
        (Some("wrong horse battery"), 403, "Wrong password"),
        (Some(PASSWORD), 204, ""),
        (Some(PASSWORD), 400, "Invalid or expired link"),
    ] {
        let body = json!({ "token": token, "password": password });
        let answer = post(&server, VERIFY, body).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.text().contains(text), "{}", answer.text());
    }
    assert_eq!(
        account_of(&server, &token_of(&account)).await["email_verified"],
        true
    );
    server.stop().await;
}

#[wasm_bindgen_test]
async fn an_owner_asks_for_a_code_and_types_it() {
    let server = Server::start(&settings()).await;
    let (account, _) = registered(&server).await;
    let path = "/api/auth/email/verification";
    let answer = post_as(&server, &account.access_token, path, json!({})).await;
    assert_eq!(answer.status, 202);
    let mail = server.mail_to(&account.email).await;
    let body = json!({ "id": answer.json()["id"], "code": mail.code() });
    assert_eq!(post(&server, VERIFY, body).await.status, 204);
    // Proven as it is, there is nothing to send.
    let answer = post_as(&server, &account.access_token, path, json!({})).await;
    assert_eq!(answer.status, 202);
    assert_eq!(server.mail().await, []);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn an_address_is_changed_by_the_new_one_and_given_back_by_the_old() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    let token = &account.access_token;
    let new = format!("{}@example.com", unique("new"));
    let answer = post_as(&server, token, "/api/auth/email", json!({ "email": new })).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let mail = server.mail_to(&new).await;
    assert_eq!(account_of(&server, token).await["pending_email"], new);
    let confirm = "/api/auth/email/confirm";
    let answer = post(&server, confirm, json!({ "token": mail.token() })).await;
    assert_eq!(answer.status, 403);
    let body = json!({ "id": answer_id(&mail), "code": mail.code() });
    let answer = post(&server, confirm, body).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    let now = account_of(&server, token).await;
    assert_eq!(now["user"]["email"], new);
    assert_eq!(now["pending_email"], json!(null));
    let notice = server.mail_to(&account.email).await;
    let revert = json!({ "token": notice.token() });
    let answer = post(&server, "/api/auth/email/revert", revert.clone()).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    let answer = post(&server, "/api/auth/email/revert", revert).await;
    assert_eq!(answer.status, 400);
    // Every session is over, and who has the password signs in by the old address.
    let login = json!({ "email": account.email, "password": PASSWORD });
    let answer = post(&server, "/api/auth/login", login).await;
    assert_eq!(answer.status, 200);
    let me = server.request("GET", "/api/auth/me");
    let bearer = format!("Bearer {token}");
    assert_eq!(me.header("Authorization", &bearer).send().await.status, 401);
    server.stop().await;
}

fn answer_id(mail: &crate::harness::Mail) -> &str {
    mail.parameter("id")
}
