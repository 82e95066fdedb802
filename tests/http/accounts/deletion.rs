//! `DELETE /api/auth/me`.

use futures_util::future::join_all;
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::WRONG;
use crate::harness::{
    self, Account, PASSWORD, QUICK, Server, assert_no_content, open, refresh, seen, send,
    send_json, stored_password,
};
use crate::sessions::REVOKED;

#[wasm_bindgen_test]
async fn an_account_that_is_deleted_six_times_at_once_is_deleted_once() {
    let server = Server::shared_quick().await;
    for imported in [false, true] {
        let account = Account::register(&server).await;
        if imported {
            let hash = stored_password("sha256", PASSWORD, 1000);
            let statement = "UPDATE users SET password_hash = ? WHERE id = ?";
            server
                .sql(statement, &[hash.into(), account.id.into()])
                .await;
        }
        let delete = || async {
            let request = server.request("DELETE", "/api/auth/me");
            let request = request.header("Authorization", &account.bearer());
            request.json(json!({ "password": PASSWORD })).send().await
        };
        let answers = join_all((0..6).map(|_| delete())).await;
        let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses[0], 204, "{statuses:?}");
        // Whoever comes second has not failed: the account is gone.
        let left = "SELECT key FROM attempts WHERE key LIKE 'user ' || ? || ' %'";
        assert!(
            server
                .sql(left, &[account.id.to_string().into()])
                .await
                .is_empty()
        );
        let events = "SELECT id FROM audit WHERE action = 'sign_in_failed' AND user_id = ?";
        assert!(server.sql(events, &[account.id.into()]).await.is_empty());
        let rest = statuses[1..].iter();
        assert!(
            rest.copied().all(|s| matches!(s, 401 | 403 | 404)),
            "{statuses:?}"
        );
    }
}

#[wasm_bindgen_test]
async fn an_account_is_deleted_for_good() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let tokens = open(&server, &account).await;
    let delete = async |body: Value| {
        send_json(&server, "DELETE", "/api/auth/me", &tokens.access, body).await
    };
    let missing = "{\"error\":\"Missing required fields: password\"}\n";
    assert_eq!(seen(&delete(json!({})).await), (400, missing));
    assert_eq!(
        seen(&delete(json!({ "password": "wrong" })).await),
        (403, WRONG)
    );
    assert_no_content(&delete(json!({ "password": PASSWORD })).await);
    for token in [&tokens.access, &account.access_token] {
        let answer = send(&server, "GET", "/api/auth/me", token).await;
        let expected = "{\"error\":\"User not found\"}\n";
        assert_eq!(seen(&answer), (404, expected));
    }
    assert_eq!(
        seen(&refresh(&server, &tokens.refresh).await),
        (401, REVOKED)
    );
    let rows = "SELECT id FROM sessions UNION ALL SELECT key FROM attempts WHERE key LIKE 'user%'";
    assert_eq!(server.sql(rows, &[]).await.len(), 0);
    let again = harness::sign_in(&server, &account.email, PASSWORD).await;
    assert_eq!(again.status, 401);
    // The address is free, the id is not.
    let body = json!({ "email": account.email, "password": PASSWORD, "name": "Ann" });
    let request = server.request("POST", "/api/auth/register").json(body);
    let new = request.send().await.json();
    assert!(new["user"]["id"].as_u64().unwrap() > account.id);
    server.stop().await;
}
