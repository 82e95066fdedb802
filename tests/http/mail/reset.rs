//! A forgotten password.

use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{FORGOT, NEW_PASSWORD, assert_password, post, registered, settings, verified};
use crate::harness::{PASSWORD, Server};

const RESET: &str = "/api/auth/password/reset";

#[wasm_bindgen_test]
async fn a_forgotten_password_is_set_anew_by_link_or_by_code() {
    let server = Server::start(&settings()).await;
    for by_code in [false, true] {
        let account = verified(&server).await;
        let answer = post(&server, FORGOT, json!({ "email": account.email })).await;
        assert_eq!(answer.status, 202);
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        let mail = server.mail_to(&account.email).await;
        assert_eq!(mail.parameter("kind"), "reset");
        assert_eq!(mail.parameter("id"), id);
        let body = |password: &str| {
            if by_code {
                json!({ "id": id, "code": mail.code(), "new_password": password })
            } else {
                json!({ "token": mail.token(), "new_password": password })
            }
        };
        // One that is too weak uses nothing up.
        for _ in 0..6 {
            let answer = post(&server, RESET, body("short")).await;
            assert_eq!(answer.status, 400);
            assert!(
                answer.text().contains("new_password must be"),
                "{}",
                answer.text()
            );
        }
        let answer = post(&server, RESET, body(NEW_PASSWORD)).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
        let notice = server.mail_to(&account.email).await;
        assert!(notice.subject.contains("password"), "{}", notice.subject);
        assert_password(&server, &account, NEW_PASSWORD).await;
        // A sign-in from an address that is not familiar.
        server.mail_to(&account.email).await;
        // Its tokens are over, and so are link and code.
        let me = server.request("GET", "/api/auth/me");
        let bearer = format!("Bearer {}", account.access_token);
        let me = me.header("Authorization", &bearer).send().await;
        assert_eq!(me.status, 401);
        let answer = post(&server, RESET, body(PASSWORD)).await;
        assert_eq!(answer.status, 400);
        let text = if by_code { "code" } else { "link" };
        let expected = format!("Invalid or expired {text}");
        assert_eq!(answer.json()["error"], expected);
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn nobody_is_told_who_has_an_account() {
    let server = Server::start(&settings()).await;
    let (account, _) = registered(&server).await;
    let known = post(&server, FORGOT, json!({ "email": account.email })).await;
    server.mail_to(&account.email).await;
    let unknown = post(&server, FORGOT, json!({ "email": "nobody@example.com" })).await;
    assert_eq!(server.mail().await, []);
    assert_eq!(known.status, unknown.status);
    let shape = |answer: &crate::harness::Answer| {
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        answer.text().replace(&id, &"-".repeat(id.len()))
    };
    assert_eq!(shape(&known), shape(&unknown));
    server.stop().await;
}
