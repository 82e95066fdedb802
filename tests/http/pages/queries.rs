//! How many queries a page costs, and by which index.

use wasm_bindgen_test::wasm_bindgen_test;

use super::visitor::{SECURITY, form, signed_in};
use crate::harness::{Account, MAIL, PASSWORD, QUICK, Server};
use crate::operations::check_plan;
use crate::operations::queries::queries;

#[wasm_bindgen_test]
async fn as_few_queries_as_will_do() {
    let server = Server::start_with_seen_queries(&QUICK).await;
    let account = Account::register(&server).await;
    let cookie = signed_in(&server, &account).await;
    let other = signed_in(&server, &account).await;
    let right = [("username", &*account.email), ("password", PASSWORD)];
    let visit = |path: &str, cookie: &str| {
        let request = server.request("GET", path);
        request.header("Cookie", cookie)
    };
    let post = |path: &str, fields: &[(&str, &str)]| {
        let request = form(&server, path, fields);
        request.header("Cookie", &cookie)
    };
    for (request, status, count) in [
        (server.request("GET", SECURITY), 303, 0),
        (server.request("GET", "/sign-in"), 200, 0),
        (visit(SECURITY, "__Host-session=forged"), 303, 0),
        // The account with its session, what else is open, and its second step.
        (visit(SECURITY, &cookie), 200, 1 + 1 + 1),
        (visit("/sign-in", &cookie), 303, 1),
        // As in the API, with a session in any case, and the audit trail.
        (form(&server, "/sign-in", &right), 303, 1 + 1 + 1 + 2 + 1),
        // In the place of another one.
        (
            form(&server, "/sign-in", &right).header("Cookie", &other),
            303,
            1 + 1 + 1 + 3 + 1,
        ),
        (
            post("/account/security/session", &[("id", "x")]),
            303,
            1 + 2 + 1,
        ),
        (post("/account/security/other-sessions", &[]), 303, 1 + 3),
        (post("/sign-out", &[]), 303, 1 + 1),
        (visit(SECURITY, &cookie), 303, 1),
    ] {
        let statements = queries(&server, request, status).await;
        assert_eq!(statements.len(), count, "{statements:?}");
        for statement in &statements {
            check_plan(&server, statement).await;
        }
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn passkeys_are_asked_for_without_a_query() {
    let server = Server::start_with_seen_queries(&[&MAIL[2..], &QUICK].concat()).await;
    let account = Account::register(&server).await;
    let cookie = signed_in(&server, &account).await;
    let visit = |path: &str| server.request("GET", path).header("Cookie", &cookie);
    for (request, count) in [
        (server.request("GET", "/sign-in"), 0),
        // Beside the others its passkeys.
        (visit(SECURITY), 1 + 1 + 1 + 1),
        // The account with its session, whether a second factor is on, and a batch of two.
        (visit("/account/security/passkey"), 1 + 1 + 2),
    ] {
        let statements = queries(&server, request, 200).await;
        assert_eq!(statements.len(), count, "{statements:?}");
        for statement in &statements {
            check_plan(&server, statement).await;
        }
    }
    server.stop().await;
}
