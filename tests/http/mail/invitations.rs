//! Accounts that administrators make for others.

use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{account_of, post, post_as, registered, settings};
use crate::harness::{PASSWORD, Server, unique};

#[wasm_bindgen_test]
async fn an_invitation_is_accepted_with_a_password_or_without() {
    let mut settings = settings();
    settings.push(("REGISTRATION", Some("open")));
    let server = Server::start(&settings).await;
    let (admin, _) = registered(&server).await;
    let statement = "UPDATE users SET role = 'admin' WHERE id = ?";
    server.sql(statement, &[admin.id.into()]).await;
    let path = "/api/admin/users";
    for password in [None, Some(PASSWORD)] {
        let email = format!("{}@example.com", unique("guest"));
        let body = json!({ "email": email, "name": "Guest" });
        let answer = post_as(&server, &admin.access_token, path, body.clone()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let id = answer.json()["user"]["id"].clone();
        server.mail_to(&email).await;
        let answer = post_as(&server, &admin.access_token, path, body).await;
        assert_eq!(answer.status, 409);
        let again = format!("{path}/{id}/invitation");
        let answer = post_as(&server, &admin.access_token, &again, json!({})).await;
        assert_eq!((answer.status, answer.json()), (202, json!({})));
        let mail = server.mail_to(&email).await;
        let body = json!({ "token": mail.token(), "password": password, "name": "Ann" });
        let answer = post(&server, "/api/auth/invitation", body.clone()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        let now = account_of(&server, &token).await;
        assert_eq!(now["user"]["name"], "Ann");
        assert_eq!(now["email_verified"], true);
        assert_eq!(now["has_password"], password.is_some());
        let answer = post(&server, "/api/auth/invitation", body).await;
        assert_eq!(answer.status, 400);
        let answer = post_as(&server, &admin.access_token, &again, json!({})).await;
        assert_eq!(answer.status, 409);
    }
    server.stop().await;
}
