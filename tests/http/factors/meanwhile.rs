//! Whoever changes a factor is asked again in the statement that changes it.

use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{App, begun, enrol, step_now};
use crate::authority::{MEANWHILE, meanwhile};
use crate::harness::{Account, QUICK, Server, open};

#[wasm_bindgen_test]
async fn a_caller_who_may_no_longer_changes_no_factor() {
    let server = Server::start_with_meanwhile(&QUICK).await;
    // The method, the path, whether one-time passwords are on, and after how many answers of the database.
    for (method, path, is_on, after) in [
        ("POST", "/api/auth/totp", false, 2),
        ("POST", "/api/auth/totp/verify", false, 2),
        ("POST", "/api/auth/totp/verify", false, 3),
        ("DELETE", "/api/auth/totp", true, 2),
        ("POST", "/api/auth/recovery-codes", true, 2),
    ] {
        for (statement, expected) in MEANWHILE {
            let case = format!("{method} {path} {after} {statement}");
            let account = Account::register(&server).await;
            let id = account.id;
            let (token, app) = if is_on {
                let user = enrol(&server, account, step_now()).await;
                (user.tokens.access, user.app)
            } else {
                let tokens = open(&server, &account).await;
                let app = match path {
                    "/api/auth/totp" => App(vec![0; 20]),
                    _ => begun(&server, &tokens.access).await,
                };
                (tokens.access, app)
            };
            let rows = async || {
                let totp = "SELECT secret, new_secret, last_step FROM totp WHERE user_id = ?";
                let codes = "SELECT code_hash FROM recovery_codes WHERE user_id = ? ORDER BY 1";
                let sessions = "SELECT id, amr FROM sessions WHERE user_id = ? ORDER BY 1";
                let mut rows = Vec::new();
                for statement in [totp, codes, sessions] {
                    rows.push(server.sql(statement, &[id.into()]).await);
                }
                rows
            };
            let before = rows().await;
            let request = server.request(method, path);
            let request = request.header("Authorization", &format!("Bearer {token}"));
            let request = request.json(json!({ "code": app.code(step_now()) }));
            let answer = meanwhile(request, statement, id, after).send().await;
            assert_eq!((answer.status, answer.text()), expected, "{case}");
            let left = rows().await;
            match statement.starts_with("UPDATE") {
                true => assert_eq!(left, before, "{case}"),
                false if statement.contains("sessions") => {
                    assert_eq!(left[..2], before[..2], "{case}")
                }
                false => assert!(left.iter().all(Vec::is_empty), "{case}"),
            }
        }
    }
    server.stop().await;
}
