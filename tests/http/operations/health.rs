//! `/healthz`.

use wasm_bindgen_test::wasm_bindgen_test;

use crate::harness::Server;

#[wasm_bindgen_test]
async fn healthz_answers_json() {
    let answer = Server::shared()
        .await
        .request("GET", "/healthz")
        .send()
        .await;

    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.headers.get("content-type").as_deref(),
        Some("application/json")
    );
    assert!(answer.json().is_object(), "{}", answer.text());
}
