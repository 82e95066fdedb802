//! Whoever changes their passkeys is asked again in the statement that does it.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{PASSKEYS, add, authenticator, path, without_mail};
use crate::harness::{Account, Server, open};

/// What others do to the account between two steps of its request.
const MEANWHILE: [(&str, u16); 4] = [
    ("UPDATE users SET epoch = epoch + 1 WHERE id = {id}", 401),
    ("UPDATE users SET disabled = 1 WHERE id = {id}", 401),
    ("DELETE FROM sessions WHERE user_id = {id}", 401),
    ("DELETE FROM users WHERE id = {id}", 404),
];

#[wasm_bindgen_test]
async fn callers_are_asked_again_when_the_change_is_written() {
    let server = Server::start_with_meanwhile(&without_mail()).await;
    for (statement, status) in MEANWHILE {
        for (method, after) in [("POST", 1), ("PATCH", 2), ("DELETE", 1)] {
            let mut ann = Account::register(&server).await;
            ann.access_token = open(&server, &ann).await.access;
            let (_, passkey) = add(&server, &ann, json!({})).await;
            let options = super::creation_options(&server, &ann).await;
            let (path, body) = match method {
                "POST" => {
                    let credential = authenticator().create(&options);
                    (PASSKEYS.to_owned(), json!({ "credential": credential }))
                }
                "PATCH" => (path(&passkey), json!({ "second_factor": true })),
                _ => (path(&passkey), json!({})),
            };
            let count = "SELECT count(*) AS n, sum(second_factor) AS factors FROM passkeys \
                         WHERE user_id = ?";
            let before = server.sql(count, &[ann.id.into()]).await;
            let answered = super::written(&server).await;
            let request = server.request(method, &path).json(body);
            let request = request.header("Authorization", &ann.bearer());
            let statement = statement.replace("{id}", &ann.id.to_string());
            let request = request.header("Meanwhile", &statement);
            let request = request.header("Meanwhile-After", &after.to_string());
            let answer = request.send().await;
            assert_eq!(
                answer.status,
                status,
                "{method} {statement} {}",
                answer.text()
            );
            if status == 401 {
                let after = server.sql(count, &[ann.id.into()]).await;
                assert_eq!(after, before, "{method} {statement}");
                assert_eq!(super::written(&server).await, answered);
            } else {
                let after = server.sql(count, &[ann.id.into()]).await;
                assert_eq!(after[0]["n"], Value::from(0));
            }
        }
    }
    server.stop().await;
}
