//! Passwords that are known from a breach. tests/mail/worker.rs looks them up.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::harness::Server;

/// What the look-up of `password` says, where Have I Been Pwned answers so.
async fn look_up(server: &Server, answer: Value) -> Value {
    server.providers_answer(&[answer]);
    let request = server.request("POST", "/breached");
    request.body("password").send().await.json()
}

#[wasm_bindgen_test]
async fn a_password_is_looked_up_by_five_digits_of_its_hash() {
    let server = Server::start_example("mail", &[]).await;
    let others = "0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n".repeat(1000);
    let listed =
        json!({ "body": format!("{others}1E4C9B93F3F0682250B6CF8331B7EE68FD8:3\r\n{others}") });
    assert_eq!(look_up(&server, listed).await, json!({ "breached": true }));
    let received = server.providers_received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0]["method"], "GET");
    // The SHA-1 of `password` is 5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8.
    assert_eq!(
        received[0]["url"],
        "https://api.pwnedpasswords.com/range/5BAA6"
    );
    assert_eq!(received[0]["headers"]["add-padding"], "true");
    let padding = json!({ "body": format!("{others}1E4C9B93F3F0682250B6CF8331B7EE68FD8:0") });
    for answer in [padding, json!({ "body": others }), json!({ "body": "" })] {
        assert_eq!(look_up(&server, answer).await, json!({ "breached": false }));
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn what_is_no_answer_is_an_error() {
    let server = Server::start_example("mail", &[]).await;
    for status in [503, 302] {
        let looked_up = look_up(&server, json!({ "status": status })).await;
        let error = format!("Have I Been Pwned: {status}");
        assert_eq!(looked_up, json!({ "error": error }));
    }
    server.stop().await;
    let server = Server::start_example_with_fast_timers("mail", &[]).await;
    let error = "TimeoutError: no answer within 2000 ms";
    for answer in [
        json!({ "hangs": true }),
        json!({ "stalls": true }),
        json!({ "afterMs": 2000 }),
    ] {
        let looked_up = look_up(&server, answer.clone()).await;
        assert_eq!(looked_up, json!({ "error": error }), "{answer}");
    }
    server.stop().await;
}
