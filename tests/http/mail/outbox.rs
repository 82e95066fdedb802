//! What becomes of a mail that was not sent at once.

use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{post, settings, verified};
use crate::harness::Server;

#[wasm_bindgen_test]
async fn what_no_transport_takes_is_sent_by_the_trigger() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    server.providers_answer(&[json!({ "status": 503, "body": "E_INTERNAL_SERVER_ERROR" })]);
    let body = json!({ "email": account.email });
    let answer = post(&server, "/api/auth/password/forgot", body).await;
    assert_eq!(answer.status, 202);
    while server.providers_received().is_empty() {
        server.sql("SELECT 1", &[]).await;
    }
    // It is not due while it may still be under way.
    assert_eq!(server.run_mail_cron().await, "ok");
    assert!(server.providers_received().is_empty());
    server.sql("UPDATE outbox SET due_at = 1", &[]).await;
    assert_eq!(server.run_mail_cron().await, "ok");
    let mail = server.mail_to(&account.email).await;
    assert_eq!(mail.parameter("id"), answer.json()["id"]);
    server.stop().await;
}
