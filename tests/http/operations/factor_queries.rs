//! How many queries one-time passwords and recovery codes cost, and by which index.

use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::check_plan;
use super::queries::queries;
use crate::factors::{begun, step_now};
use crate::harness::{Account, QUICK, Server, open, refreshed};

#[wasm_bindgen_test]
async fn second_factors_are_few_queries_each_by_an_index() {
    let server = Server::start_with_seen_queries(&QUICK).await;
    let account = Account::register(&server).await;
    let mut tokens = open(&server, &account).await;
    let app = begun(&server, &tokens.access).await;
    let wrong = json!({ "code": app.wrong_code(step_now()) });
    let right = json!({ "code": app.code(step_now()) });
    let (totp, verify) = ("/api/auth/totp", "/api/auth/totp/verify");
    // Each asks for the caller and for what is on.
    for (method, path, body, status, count) in [
        // The try.
        ("POST", verify, wrong, 400, 2 + 1),
        // And what switches on, the recovery codes, the sessions and that which goes on; the audit trail.
        ("POST", verify, right, 200, 2 + 1 + 5 + 1),
        ("POST", totp, json!({}), 201, 2 + 1),
        // The codes, those from before, the tickets.
        (
            "POST",
            "/api/auth/recovery-codes",
            json!({}),
            200,
            2 + 3 + 1,
        ),
        // The secret, the codes, the tickets.
        ("DELETE", totp, json!({}), 204, 2 + 3 + 1),
        ("DELETE", totp, json!({}), 409, 2),
    ] {
        let bearer = format!("Bearer {}", tokens.access);
        let request = server.request(method, path).json(body);
        let request = request.header("Authorization", &bearer);
        let statements = queries(&server, request, status).await;
        assert_eq!(statements.len(), count, "{method} {path}: {statements:?}");
        for statement in &statements {
            check_plan(&server, statement).await;
        }
        if path == verify && status == 200 {
            tokens = refreshed(&server, &tokens.refresh).await;
        }
    }
    // The fifth wrong code drops the secret.
    let app = begun(&server, &tokens.access).await;
    for nth in 1..=5 {
        let wrong = json!({ "code": app.wrong_code(step_now()) });
        let bearer = format!("Bearer {}", tokens.access);
        let request = server.request("POST", verify).json(wrong);
        let request = request.header("Authorization", &bearer);
        let statements = queries(&server, request, 400).await;
        let expected = if nth < 5 { 2 + 1 } else { 2 + 1 + 2 };
        assert_eq!(statements.len(), expected, "{nth}: {statements:?}");
        for statement in &statements {
            check_plan(&server, statement).await;
        }
    }
    server.stop().await;
}
