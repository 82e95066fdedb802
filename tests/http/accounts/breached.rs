//! `BREACHED_PASSWORDS`: new passwords that are known from a breach.

use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::harness::{PASSWORD, QUICK, Server, unique};

const SUFFIX: &str = "C62ECE399A22ED30D490EF333BE7FDE7385";

#[wasm_bindgen_test]
async fn a_password_of_a_breach_is_refused_and_a_look_up_that_fails_refuses_nobody() {
    let settings = [&QUICK[..], &[("BREACHED_PASSWORDS", Some("refuse"))]].concat();
    let server = Server::start(&settings).await;
    // The SHA-1 of the password, but for its first five digits.
    let found = format!("{}:7\r\n", SUFFIX);
    for (answer, status) in [
        (json!({ "body": found }), 400),
        (
            json!({ "body": "0000000000000000000000000000000000A:7\r\n" }),
            201,
        ),
        (json!({ "status": 503 }), 201),
    ] {
        server.providers_answer(&[answer]);
        let email = format!("{}@example.com", unique("breached"));
        let body = json!({ "email": email, "password": PASSWORD, "name": "Ann" });
        let request = server.request("POST", "/api/auth/register").json(body);
        let answer = request.send().await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    server.stop().await;
}
