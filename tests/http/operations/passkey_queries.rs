//! How many queries the routes of passkeys cost, and by which index.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::check_plan;
use super::queries::queries;
use crate::harness::{Account, Authenticator, MAIL, QUICK, Server, by_two_factors};

#[wasm_bindgen_test]
async fn as_few_queries_as_will_do_each_by_an_index() {
    let settings = [&MAIL[..], &QUICK].concat();
    let server = Server::start_with_seen_queries(&settings).await;
    let account = by_two_factors(&server, &Account::register(&server).await).await;
    let send = |method: &str, path: &str| {
        let request = server.request(method, path);
        request.header("Authorization", &account.bearer())
    };
    let mut authenticator = Authenticator::p256(1, "auth.example.com", "https://auth.example.com");
    let mut post = async || -> Value {
        let options = send("POST", "/api/auth/passkeys/options").send().await;
        json!({ "credential": authenticator.create(&options.json()) })
    };
    let first = post().await;
    let second = post().await;
    let path = "/api/auth/passkeys";
    let answer = send("POST", path).json(first).send().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let id = &answer.json()["passkey"]["id"];
    let one = format!("{path}/{}", id.as_str().unwrap());
    let unknown = format!("{path}/unknown");
    for (request, status, count) in [
        (server.request("POST", "/api/auth/passkey/options"), 200, 0),
        // The caller, whether a second factor is on, the handle and what there is.
        (send("POST", "/api/auth/passkeys/options"), 200, 1 + 1 + 2),
        // The challenge, the passkey, the mail, the tickets; it is registered already.
        (send("POST", path).json(second), 409, 1 + 4),
        (send("POST", path).json(json!({})), 400, 1),
        (send("GET", path), 200, 1 + 1),
        // The passkey, and what is changed; with the mail, and after the answer the audit trail.
        (send("PATCH", &one).json(json!({})), 200, 1 + 1),
        (
            send("PATCH", &one).json(json!({ "name": "New" })),
            200,
            1 + 1 + 1,
        ),
        (
            send("PATCH", &one).json(json!({ "second_factor": true })),
            200,
            1 + 1 + 1 + 4 + 1,
        ),
        // Where nothing was changed, whether the caller still may, and why.
        (send("PATCH", &unknown).json(json!({})), 404, 1 + 1 + 1 + 1),
        (send("DELETE", &unknown), 404, 1 + 1 + 4 + 1 + 1),
        (send("DELETE", &one), 204, 1 + 1 + 4 + 1),
    ] {
        let statements = queries(&server, request, status).await;
        assert_eq!(statements.len(), count, "{statements:?}");
        for statement in &statements {
            check_plan(&server, statement).await;
        }
    }
    server.stop().await;
}
