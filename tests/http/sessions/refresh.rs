//! Refresh tokens: each is spent once, and a lost answer loses nothing.

use base64ct::{Base64UrlUnpadded, Encoding};
use futures_util::future::join_all;
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{REVOKED, SECOND};
use crate::harness::{
    self, Account, QUICK, Server, Tokens, me, open, refresh, refreshed, seen, send, signed,
};

#[wasm_bindgen_test]
async fn a_refresh_spends_its_token() {
    let server = Server::start_with_clock(&QUICK).await;
    let account = Account::register(&server).await;
    let first = open(&server, &account).await;
    let answer = refresh(&server, &first.refresh).await;
    let members: Vec<_> = answer.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        members,
        ["access_token", "expires_in", "refresh_token", "token_type"]
    );
    let second = Tokens::of(&answer);
    assert_ne!(first.refresh, second.refresh);
    assert_eq!(first.session(), second.session());
    assert_eq!(second.claims()["sub"], account.id.to_string());
    assert_eq!(me(&server, &second.access).await, 200);
    // In the body, and with the other scheme.
    let body = json!({ "refresh_token": second.refresh });
    let request = server.request("POST", "/api/auth/refresh").json(body);
    let third = Tokens::of(&request.send().await);
    let request = server.request("POST", "/api/auth/refresh");
    let request = request.header("Authorization", &format!("jwt {}", third.refresh));
    let fourth = Tokens::of(&request.send().await);

    // The third was spent a moment ago, the first and the second as well: the newest pair.
    server.set_clock(9.0 * SECOND);
    for spent in [&third, &first, &second] {
        let again = refreshed(&server, &spent.refresh).await;
        assert_eq!(again.refresh, fourth.refresh);
    }
    // The newest one is good however old it is.
    server.set_clock(3600.0 * SECOND);
    let fifth = refreshed(&server, &fourth.refresh).await;
    server.set_clock(3609.0 * SECOND);
    assert_eq!(
        refreshed(&server, &fourth.refresh).await.refresh,
        fifth.refresh
    );
    // Ten seconds later, and its successor used, the old one is stolen, and the whole session is over.
    server.set_clock(3611.0 * SECOND);
    let fresh = refreshed(&server, &fifth.refresh).await;
    assert_eq!(
        seen(&refresh(&server, &fourth.refresh).await),
        (401, REVOKED)
    );
    assert_eq!(
        seen(&refresh(&server, &fresh.refresh).await),
        (401, REVOKED)
    );
    assert_eq!(me(&server, &fresh.access).await, 401);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn twenty_refreshes_at_once_leave_one_chain() {
    let server = Server::shared_quick().await;
    let account = Account::register(&server).await;
    let tokens = open(&server, &account).await;
    let answers = join_all((0..20).map(|_| refresh(&server, &tokens.refresh))).await;
    let next: Vec<_> = answers
        .iter()
        .map(|answer| {
            assert_eq!(answer.status, 200, "{}", answer.text());
            Tokens::of(answer)
        })
        .collect();
    assert!(next.iter().all(|tokens| tokens.refresh == next[0].refresh));
    for tokens in &next {
        assert_eq!(me(&server, &tokens.access).await, 200);
    }
    refreshed(&server, &next[7].refresh).await;
}

#[wasm_bindgen_test]
async fn a_lost_answer_loses_nothing() {
    let server = Server::shared_quick().await;
    let account = Account::register(&server).await;
    let tokens = open(&server, &account).await;
    // The client goes away before the answer comes.
    let request = format!(
        "POST /api/auth/refresh HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\
         Authorization: Bearer {}\r\n\r\n",
        tokens.refresh
    );
    server.send_and_leave(request.as_bytes()).await;
    let next = refreshed(&server, &tokens.refresh).await;
    refreshed(&server, &next.refresh).await;
}

#[wasm_bindgen_test]
async fn an_answer_may_be_lost_for_two_minutes() {
    let server = Server::start_with_clock(&QUICK).await;
    let account = Account::register(&server).await;
    let first = open(&server, &account).await;
    let second = refreshed(&server, &first.refresh).await;
    for seconds in [30.0, 119.0] {
        server.set_clock(seconds * SECOND);
        let again = refreshed(&server, &first.refresh).await;
        assert_eq!(again.refresh, second.refresh, "{seconds}");
    }
    server.set_clock(121.0 * SECOND);
    let third = refreshed(&server, &second.refresh).await;
    // Its successor has been presented, so the second is good for ten seconds more.
    let fourth = refreshed(&server, &third.refresh).await;
    server.set_clock(130.0 * SECOND);
    let again = refreshed(&server, &second.refresh).await;
    assert_eq!(again.refresh, fourth.refresh);
    server.set_clock(132.0 * SECOND);
    assert_eq!(
        seen(&refresh(&server, &second.refresh).await),
        (401, REVOKED)
    );
    assert_eq!(
        seen(&refresh(&server, &fourth.refresh).await),
        (401, REVOKED)
    );

    // Nobody has presented the successor, and two minutes are over.
    let first = open(&server, &account).await;
    let second = refreshed(&server, &first.refresh).await;
    server.set_clock(254.0 * SECOND);
    assert_eq!(
        seen(&refresh(&server, &first.refresh).await),
        (401, REVOKED)
    );
    assert_eq!(
        seen(&refresh(&server, &second.refresh).await),
        (401, REVOKED)
    );
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_failing_database_loses_nothing() {
    // Before the statement has run, and after it has.
    for server in [
        Server::start_with_database_failing_before(&QUICK).await,
        Server::start_with_database_failing_after(&QUICK).await,
    ] {
        let account = Account::register(&server).await;
        let tokens = open(&server, &account).await;
        let request = server.request("POST", "/api/auth/refresh");
        let request = request.header("Authorization", &format!("Bearer {}", tokens.refresh));
        let failed = request.header("Database", "fails").send().await;
        let expected = "{\"error\":\"Internal server error\"}\n";
        assert_eq!(seen(&failed), (500, expected));
        let next = refreshed(&server, &tokens.refresh).await;
        refreshed(&server, &next.refresh).await;
        server.stop().await;
    }
}

#[wasm_bindgen_test]
async fn what_is_no_refresh_token() {
    let server = Server::shared_quick().await;
    let (ann, ben) = (
        Account::register(&server).await,
        Account::register(&server).await,
    );
    let tokens = open(&server, &ann).await;
    let mut forged = Base64UrlUnpadded::decode_vec(&tokens.refresh).unwrap();
    *forged.last_mut().unwrap() ^= 1;
    let forged = Base64UrlUnpadded::encode_string(&forged);
    let old_service = signed(&json!({
        "type": "refresh", "sub": ann.id.to_string(), "exp": harness::now() + 600, "jti": "x",
    }));
    let expired = signed(&json!({ "sub": ann.id.to_string(), "exp": harness::now() - 1 }));
    for path in ["/api/auth/refresh", "/api/auth/logout"] {
        for (token, text) in [
            (forged.as_str(), "Token has been revoked"),
            ("nonsense", "Token has been revoked"),
            (&old_service, "Token has been revoked"),
            (&expired, "Token has expired"),
            (
                &format!("{}x", ben.access_token),
                "Signature verification failed",
            ),
        ] {
            let answer = send(&server, "POST", path, token).await;
            let expected = format!("{{\"msg\":\"{text}\"}}\n");
            assert_eq!(seen(&answer), (401, expected.as_str()), "{path} {token}");
            let challenge = answer.headers.get("WWW-Authenticate");
            assert_eq!(challenge.as_deref(), Some("Bearer"));
        }
        let post = |path| server.request("POST", path);
        let missing = "{\"msg\":\"Missing Authorization Header\"}\n";
        for request in [
            post(path),
            post(path).json(json!({})),
            post(path).json(json!({ "refresh_token": null })),
            post(path).json(json!({ "refresh_token": "" })),
        ] {
            assert_eq!(seen(&request.send().await), (401, missing), "{path}");
        }
        let answer = post(path).json(json!({ "refresh_token": 1 })).send().await;
        let expected = "{\"error\":\"refresh_token must be a string\"}\n";
        assert_eq!(seen(&answer), (400, expected));
        let answer = post(path)
            .header("Content-Type", "application/json")
            .body("{")
            .send()
            .await;
        assert_eq!(answer.status, 400);
        let request = post(path).header("Authorization", "Bearer");
        assert_eq!(request.send().await.status, 401);
    }
    let answer = refresh(&server, &tokens.access).await;
    let expected = "{\"msg\":\"Only refresh tokens are allowed\"}\n";
    assert_eq!(seen(&answer), (401, expected));
    for path in ["/api/auth/me", "/verify", "/api/auth/sessions"] {
        let answer = send(&server, "GET", path, &tokens.refresh).await;
        let expected = "{\"msg\":\"Only non-refresh tokens are allowed\"}\n";
        assert_eq!(seen(&answer), (401, expected), "{path}");
    }
    // None of that has ended the session.
    refreshed(&server, &tokens.refresh).await;
}

#[wasm_bindgen_test]
async fn a_disabled_account_refreshes_nothing() {
    let server = Server::shared_quick().await;
    let account = Account::register(&server).await;
    let tokens = open(&server, &account).await;
    let set = "UPDATE users SET disabled = ? WHERE id = ?";
    server.sql(set, &[1.into(), account.id.into()]).await;
    assert_eq!(
        seen(&refresh(&server, &tokens.refresh).await),
        (401, REVOKED)
    );
    assert_eq!(me(&server, &tokens.access).await, 401);
}

#[wasm_bindgen_test]
async fn no_refresh_token_is_stored() {
    let server = Server::shared_quick().await;
    let account = Account::register(&server).await;
    let first = open(&server, &account).await;
    let second = refreshed(&server, &first.refresh).await;
    let rows = server.sql("SELECT * FROM sessions", &[]).await;
    let stored = format!("{rows:?}");
    for token in [first.refresh, second.refresh] {
        let bytes = Base64UrlUnpadded::decode_vec(&token).unwrap();
        let hash = Base64UrlUnpadded::encode_string(&bytes[36..]);
        assert!(!stored.contains(&token) && !stored.contains(&hash));
    }
}
