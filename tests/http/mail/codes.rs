//! Signing in by mail.

use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{account_of, post, registered, settings, sign_in_status, verified};
use crate::harness::{PASSWORD, Server, claims};

const CODE: &str = "/api/auth/code";
const VERIFY: &str = "/api/auth/code/verify";

#[wasm_bindgen_test]
async fn a_code_or_a_link_signs_in() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    for by_code in [false, true] {
        let answer = post(&server, CODE, json!({ "email": account.email })).await;
        assert_eq!(answer.status, 202);
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        let mail = server.mail_to(&account.email).await;
        let mut body = if by_code {
            json!({ "id": id, "code": mail.code() })
        } else {
            json!({ "token": mail.token() })
        };
        body["scope"] = "offline_access".into();
        let answer = post(&server, VERIFY, body.clone()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let session = answer.json();
        assert!(session["refresh_token"].is_string());
        let token = session["access_token"].as_str().unwrap();
        assert_eq!(claims(token)["amr"], json!(["mail"]));
        let now = account_of(&server, token).await;
        assert_eq!(now["email_verified"], true);
        assert_eq!(now["has_password"], true);
        assert_eq!(post(&server, VERIFY, body).await.status, 400);
        // The session keeps by what it was opened.
        let refresh = json!({ "refresh_token": session["refresh_token"] });
        let refreshed = post(&server, "/api/auth/refresh", refresh).await.json();
        let refreshed = claims(refreshed["access_token"].as_str().unwrap());
        assert_eq!(refreshed["amr"], json!(["mail"]));
        assert_eq!(refreshed["auth_time"], claims(token)["auth_time"]);
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn the_first_proof_leaves_nothing_of_who_registered() {
    let server = Server::start(&settings()).await;
    let (account, verification) = registered(&server).await;
    let answer = post(&server, CODE, json!({ "email": account.email })).await;
    assert_eq!(answer.status, 202);
    let mail = server.mail_to(&account.email).await;
    let answer = post(&server, VERIFY, json!({ "token": mail.token() })).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let now = account_of(&server, &token).await;
    assert_eq!(now["has_password"], false);
    assert_eq!(now["user"]["id"], account.id);
    assert_eq!(sign_in_status(&server, &account, PASSWORD).await, 401);
    let me = server.request("GET", "/api/auth/me");
    let bearer = format!("Bearer {}", account.access_token);
    assert_eq!(me.header("Authorization", &bearer).send().await.status, 401);
    let body = json!({ "token": verification, "password": PASSWORD });
    let answer = post(&server, "/api/auth/email/verify", body).await;
    assert_eq!(answer.status, 400);
    server.stop().await;
}
