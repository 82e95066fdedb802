//! Sessions are opened, listed and ended.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{REVOKED, SECOND};
use crate::harness::{
    self, Account, PASSWORD, QUICK, Server, Tokens, assert_no_content, me, open, refresh,
    refreshed, seen, send, unique,
};

const DAY: f64 = 24.0 * 60.0 * 60.0 * SECOND;

#[wasm_bindgen_test]
async fn a_session_is_opened_for_who_asks() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let email = format!("{}@example.com", unique("scoped"));
    let login = json!({ "email": account.email, "password": PASSWORD });
    let register = json!({ "email": email, "password": PASSWORD, "name": "Ann" });
    for (path, body, message) in [
        ("/api/auth/login", login, "Login successful"),
        (
            "/api/auth/register",
            register,
            "User registered successfully",
        ),
    ] {
        for (scope, is_opened) in [
            (json!("openid  offline_access"), true),
            (json!(null), false),
            (json!(""), false),
            (json!("OFFLINE_ACCESS offline"), false),
        ] {
            let mut body = body.clone();
            body["scope"] = scope.clone();
            if path.ends_with("register") && !is_opened {
                body["email"] = format!("{}@example.com", unique("plain")).into();
            }
            let answer = server.request("POST", path).json(body).send().await.json();
            assert_eq!(answer["message"], message, "{path} {scope}: {answer}");
            let members: Vec<_> = answer.as_object().unwrap().keys().collect();
            if is_opened {
                let expected = [
                    "access_token",
                    "expires_in",
                    "message",
                    "refresh_token",
                    "token_type",
                    "user",
                ];
                assert_eq!(members, expected);
                assert_eq!(answer["token_type"], "Bearer");
                assert_eq!(answer["expires_in"], 900);
            } else {
                assert_eq!(members, ["access_token", "message", "user"]);
            }
        }
        let mut odd = body.clone();
        odd["scope"] = json!(["offline_access"]);
        let answer = server.request("POST", path).json(odd).send().await;
        let expected = "{\"error\":\"scope must be a string\"}\n";
        assert_eq!(seen(&answer), (400, expected), "{path}");
    }
    let rows = server.sql("SELECT id FROM sessions", &[]).await;
    assert_eq!(rows.len(), 2);
    let tokens = open(&server, &account).await;
    assert_eq!(tokens.claims()["type"], "access");
    let claims = harness::claims(&account.access_token);
    assert_eq!(claims.get("sid"), None);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn sessions_end_with_time() {
    let settings = [
        QUICK[0],
        QUICK[1],
        ("SESSION_LIFETIME", Some("864000")),
        ("SESSION_IDLE_LIFETIME", Some("259200")),
    ];
    let server = Server::start_with_clock(&settings).await;
    let account = Account::register(&server).await;
    let idle = open(&server, &account).await;
    let mut used = open(&server, &account).await;
    for days in [2.9, 5.8, 8.7, 9.9] {
        server.set_clock(days * DAY);
        used = refreshed(&server, &used.refresh).await;
    }
    assert_eq!(seen(&refresh(&server, &idle.refresh).await), (401, REVOKED));
    // No access token outlives its session, in whichever way that ended.
    assert_eq!(
        seen(&send(&server, "GET", "/api/auth/me", &idle.access).await).0,
        401
    );
    let list = send(&server, "GET", "/api/auth/sessions", &used.access).await;
    assert_eq!(list.json()["sessions"].as_array().unwrap().len(), 1);
    let count = async || server.sql("SELECT id FROM sessions", &[]).await.len();
    assert_eq!(count().await, 2);
    assert_eq!(server.run_cron().await, "ok");
    assert_eq!(count().await, 1);
    server.set_clock(10.1 * DAY);
    assert_eq!(seen(&refresh(&server, &used.refresh).await), (401, REVOKED));
    assert_eq!(server.run_cron().await, "ok");
    assert_eq!(count().await, 0);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn the_oldest_session_goes() {
    let settings = [QUICK[0], QUICK[1], ("SESSIONS_PER_USER", Some("3"))];
    let server = Server::start(&settings).await;
    let account = Account::register(&server).await;
    let other = open(&server, &Account::register(&server).await).await;
    let first = open(&server, &account).await;
    let mut second = open(&server, &account).await;
    for _ in 0..2 {
        open(&server, &account).await;
    }
    assert_eq!(
        seen(&refresh(&server, &first.refresh).await),
        (401, REVOKED)
    );
    assert_eq!(me(&server, &first.access).await, 401);
    second = refreshed(&server, &second.refresh).await;
    assert_eq!(me(&server, &second.access).await, 200);
    refreshed(&server, &other.refresh).await;
    server.stop().await;
}

#[wasm_bindgen_test]
async fn sessions_that_are_over_push_nobody_out() {
    let settings = [QUICK[0], QUICK[1], ("SESSIONS_PER_USER", Some("2"))];
    let server = Server::start_with_clock(&settings).await;
    let account = Account::register(&server).await;
    let live = open(&server, &account).await;
    let stolen = open(&server, &account).await;
    let next = refreshed(&server, &stolen.refresh).await;
    refreshed(&server, &next.refresh).await;
    server.set_clock(11.0 * SECOND);
    assert_eq!(refresh(&server, &stolen.refresh).await.status, 401);
    let third = open(&server, &account).await;
    for tokens in [&live, &third] {
        assert_eq!(me(&server, &tokens.access).await, 200);
    }
    // One that really is too many ends the oldest.
    let fourth = open(&server, &account).await;
    assert_eq!(me(&server, &live.access).await, 401);
    for tokens in [&third, &fourth] {
        assert_eq!(me(&server, &tokens.access).await, 200);
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn logout_ends_the_session_at_once() {
    let server = Server::shared_quick().await;
    let account = Account::register(&server).await;
    let other = open(&server, &account).await;
    for by_refresh_token in [true, false] {
        let first = open(&server, &account).await;
        let tokens = refreshed(&server, &first.refresh).await;
        let token = if by_refresh_token {
            &tokens.refresh
        } else {
            &tokens.access
        };
        let logout = async || send(&server, "POST", "/api/auth/logout", token).await;
        assert_no_content(&logout().await);
        for access in [&first.access, &tokens.access] {
            let answer = send(&server, "GET", "/api/auth/me", access).await;
            assert_eq!(seen(&answer), (401, REVOKED));
            assert_eq!(send(&server, "GET", "/verify", access).await.status, 401);
        }
        let answer = refresh(&server, &tokens.refresh).await;
        assert_eq!(seen(&answer), (401, REVOKED));
        // Once more, nothing happens.
        assert_no_content(&logout().await);
    }
    let answer = send(&server, "POST", "/api/auth/logout", &account.access_token).await;
    assert_no_content(&answer);
    assert_eq!(me(&server, &account.access_token).await, 200);
    let body = json!({ "refresh_token": other.refresh });
    let request = server.request("POST", "/api/auth/logout").json(body);
    assert_no_content(&request.send().await);
    assert_eq!(me(&server, &other.access).await, 401);
}

#[wasm_bindgen_test]
async fn sessions_are_listed_and_ended_one_by_one() {
    let server = Server::shared_quick().await;
    let (ann, ben) = (
        Account::register(&server).await,
        Account::register(&server).await,
    );
    let bens = open(&server, &ben).await;
    let here = open(&server, &ann).await;
    let body = json!({ "email": ann.email, "password": PASSWORD, "scope": "offline_access" });
    let request = server.request("POST", "/api/auth/login").json(body);
    let agent = format!("Mozilla/5.0 (X11) {}", "x".repeat(300));
    let there = Tokens::of(&request.header("User-Agent", &agent).send().await);
    let third = open(&server, &ann).await;

    let list = async |token: &str| {
        let answer = send(&server, "GET", "/api/auth/sessions", token).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["sessions"].as_array().unwrap().clone()
    };
    let sessions = list(&here.access).await;
    let ids: Vec<_> = sessions
        .iter()
        .map(|session| session["id"].clone())
        .collect();
    assert_eq!(ids, [here.session(), there.session(), third.session()]);
    for (session, current) in sessions.iter().zip([true, false, false]) {
        let members: Vec<_> = session.as_object().unwrap().keys().collect();
        assert_eq!(
            members,
            ["created_at", "current", "id", "last_used_at", "user_agent"]
        );
        assert_eq!(session["current"], current);
        let time = session["created_at"].as_str().unwrap();
        assert_eq!((time.len(), &time[10..11]), (19, "T"), "{time}");
        assert_eq!(session["last_used_at"], time);
    }
    assert_eq!(sessions[0]["user_agent"], Value::Null);
    assert_eq!(sessions[1]["user_agent"], agent[..256]);
    // A token without a session sees them all.
    let seen_from_outside = list(&ann.access_token).await;
    assert!(
        seen_from_outside
            .iter()
            .all(|session| session["current"] == false)
    );

    let not_found = "{\"error\":\"Not found\"}\n";
    let end = async |id: &str| {
        let path = format!("/api/auth/sessions/{id}");
        send(&server, "DELETE", &path, &here.access).await
    };
    for id in ["x", "%00", &bens.session(), &"x".repeat(2000)] {
        assert_eq!(seen(&end(id).await), (404, not_found), "{id}");
    }
    assert_eq!(me(&server, &bens.access).await, 200);
    assert_no_content(&end(&there.session()).await);
    assert_eq!(seen(&end(&there.session()).await), (404, not_found));
    assert_eq!(me(&server, &there.access).await, 401);
    assert_eq!(me(&server, &third.access).await, 200);

    let answer = send(&server, "DELETE", "/api/auth/sessions", &here.access).await;
    assert_no_content(&answer);
    assert_eq!(me(&server, &third.access).await, 401);
    assert_eq!(me(&server, &here.access).await, 200);
    assert_eq!(me(&server, &bens.access).await, 200);
    for (method, path, allow) in [
        ("POST", "/api/auth/sessions", "GET, HEAD, DELETE"),
        ("GET", "/api/auth/sessions/x", "DELETE"),
        ("GET", "/api/auth/refresh", "POST"),
        ("PUT", "/api/auth/me", "GET, HEAD, PATCH, DELETE"),
    ] {
        let answer = send(&server, method, path, &here.access).await;
        assert_eq!(answer.status, 405, "{path}");
        assert_eq!(answer.headers.get("Allow").as_deref(), Some(allow));
    }
    for path in ["/api/auth/sessions/", "/api/auth/sessions/a/b"] {
        let answer = send(&server, "DELETE", path, &here.access).await;
        assert_eq!(seen(&answer), (404, not_found), "{path}");
    }
}
