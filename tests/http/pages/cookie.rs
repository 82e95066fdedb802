//! The cookie of a session: what it is good for, and what is none.

use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::visitor::{
    SECURITY, assert_leads, assert_nobody, form, get, post, sessions, sign_in, signed_in,
};
use super::{assert_page, assert_title};
use crate::harness::{Account, PASSWORD, QUICK, SECRET, Server, Setting, open, send, send_json};
use crate::mail::NEW_PASSWORD;

#[wasm_bindgen_test]
async fn what_is_no_cookie_of_an_open_session_opens_nothing() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let good = signed_in(&server, &account).await;
    assert_page(&get(&server, SECURITY, &good).await, 200);
    let row = &sessions(&server, &account).await[0];
    let id = row["id"].as_str().unwrap();
    let other = signed_in(&server, &account).await;
    let tokens = open(&server, &account).await;
    let cut = good.get(..good.len() - 1).unwrap();
    // The id of one session and the hash of another.
    let middle = "__Host-session=".len() + 43;
    let (head, tail) = (good.get(..middle).unwrap(), other.get(middle..).unwrap());
    for forged in [
        "__Host-session=",
        &format!("__Host-session={id}"),
        &format!("__Host-session={}", tokens.refresh),
        &format!("__Host-session={}", tokens.access),
        cut,
        &format!("{good}A"),
        &format!("{good}="),
        &format!("{head}{tail}"),
        &good.replace("__Host-", ""),
        &good.replace("__Host-", "__host-"),
        &good.replace("__Host-session=", "__Host-session=\""),
        &format!("{good}; {good}"),
        &format!("{good}; {other}"),
    ] {
        assert_nobody(&server, forged).await;
    }
    let among_others = format!("a=b; {good}; c=d");
    assert_page(&get(&server, SECURITY, &among_others).await, 200);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_cookie_is_good_where_its_key_is_known() {
    const OTHER: &str = "forty-eight other characters, as of a neighbour.";
    let with_keys = |active: &'static str, retired: &'static str| -> Vec<Setting<'static>> {
        let keys = [
            ("JWT_SECRET", Some(active)),
            ("JWT_SECRETS_RETIRED", Some(retired)),
        ];
        [&keys[..], &QUICK].concat()
    };
    let settings = [
        with_keys(SECRET, ""),
        with_keys(OTHER, ""),
        with_keys(OTHER, SECRET),
    ];
    let servers = Server::start_sharing_database(&settings).await;
    let [server, stranger, rotated] = &servers[..] else {
        panic!();
    };
    let account = Account::register(server).await;
    let cookie = signed_in(server, &account).await;
    assert_nobody(stranger, &cookie).await;
    assert_page(&get(rotated, SECURITY, &cookie).await, 200);
    server.clone().stop().await;
}

#[wasm_bindgen_test]
async fn a_cookie_ends_with_its_session() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let tokens = open(&server, &account).await;

    let cookie = signed_in(&server, &account).await;
    let list = send(&server, "GET", "/api/auth/sessions", &tokens.access).await;
    let list = list.json()["sessions"].clone();
    let id = list[1]["id"].as_str().unwrap();
    let path = format!("/api/auth/sessions/{id}");
    assert_eq!(
        send(&server, "DELETE", &path, &tokens.access).await.status,
        204
    );
    assert_nobody(&server, &cookie).await;

    let cookie = signed_in(&server, &account).await;
    let body = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    let path = "/api/auth/password";
    let answer = send_json(&server, "POST", path, &tokens.access, body).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert_nobody(&server, &cookie).await;

    for statement in [
        "UPDATE users SET disabled = 1 WHERE id = ?",
        "UPDATE users SET epoch = epoch + 1, disabled = 0 WHERE id = ?",
        "UPDATE sessions SET revoked = 1 WHERE user_id = ?",
        "DELETE FROM users WHERE id = ?",
    ] {
        let answer = sign_in(&server, &account.email, NEW_PASSWORD).await;
        let cookie = super::visitor::cookie(&answer);
        assert_page(&get(&server, SECURITY, &cookie).await, 200);
        server.sql(statement, &[account.id.into()]).await;
        assert_nobody(&server, &cookie).await;
        let enable = "UPDATE users SET disabled = 0 WHERE id = ?";
        server.sql(enable, &[account.id.into()]).await;
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn no_route_of_the_apis_takes_a_cookie() {
    let settings = [QUICK[0], QUICK[1], ("ALLOWED_ORIGINS", Some("*"))];
    let server = Server::start(&settings).await;
    let account = Account::register(&server).await;
    server
        .sql(
            "UPDATE users SET role = 'admin' WHERE id = ?",
            &[account.id.into()],
        )
        .await;
    let cookie = signed_in(&server, &account).await;
    let value = cookie.strip_prefix("__Host-session=").unwrap();
    let before = sessions(&server, &account).await;
    for (method, path) in [
        ("GET", "/api/auth/me"),
        ("PATCH", "/api/auth/me"),
        ("DELETE", "/api/auth/me"),
        ("GET", "/api/auth/account"),
        ("POST", "/api/auth/password"),
        ("DELETE", "/api/auth/password"),
        ("POST", "/api/auth/refresh"),
        ("POST", "/api/auth/logout"),
        ("GET", "/api/auth/sessions"),
        ("DELETE", "/api/auth/sessions"),
        ("GET", "/api/admin/users"),
        ("GET", "/verify"),
    ] {
        let request = server.request(method, path).header("Cookie", &cookie);
        let answer = request.send().await;
        assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text());
        assert_eq!(answer.headers.get("Set-Cookie"), None);
        // Nor as a token of either kind.
        let answer = send(&server, method, path, value).await;
        assert!([401, 422].contains(&answer.status), "{method} {path}");
    }
    assert_eq!(sessions(&server, &account).await, before);
    assert_page(&get(&server, SECURITY, &cookie).await, 200);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn no_form_of_another_site_counts() {
    let server = Server::start(&crate::mail::settings()).await;
    let account = Account::register(&server).await;
    server.mail().await;
    let cookie = signed_in(&server, &account).await;
    let before = super::sent::state(&server).await;
    for path in [
        "/sign-in",
        "/sign-in/code",
        "/sign-in/code/verify",
        "/sign-in/second-factor",
        "/sign-out",
        "/sign-up",
        "/account/security/session",
        "/account/security/other-sessions",
        "/account/security/password",
        "/account/security/address",
        "/account/security/address/confirm",
    ] {
        let fields = [
            ("username", &*account.email),
            ("password", PASSWORD),
            ("current_password", PASSWORD),
            ("new_password", NEW_PASSWORD),
            ("name", "Eve"),
            ("email", "eve@example.com"),
        ];
        for (name, value) in [
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Site", "same-site"),
            ("Origin", "https://evil.example"),
            ("Origin", "null"),
            ("X-Nothing", ""),
        ] {
            let request = super::visitor::foreign_form(&server, path, &fields);
            let request = request.header(name, value).header("Cookie", &cookie);
            let answer = request.send().await;
            assert_title(&answer, 403, "This form was not accepted");
            assert_eq!(answer.headers.get("Set-Cookie"), None, "{path}");
        }
        // No link does what a form does.
        let query = format!("{path}?username={}&password={PASSWORD}", account.email);
        let query = query.replace(' ', "+");
        let answer = get(&server, &query, &cookie).await;
        assert_eq!(answer.headers.get("Set-Cookie"), None, "{path}");
    }
    assert_eq!(super::sent::state(&server).await, before);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_sign_in_takes_the_place_of_the_one_before() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let first = signed_in(&server, &account).await;
    let fields = [("username", &*account.email), ("password", PASSWORD)];
    let answer = post(&server, "/sign-in", &first, &fields).await;
    let second = super::visitor::cookie(&answer);
    assert_ne!(first, second);
    assert_nobody(&server, &first).await;
    assert_page(&get(&server, SECURITY, &second).await, 200);
    assert_eq!(sessions(&server, &account).await.len(), 1);
    // A wrong one leaves it as it is.
    let fields = [("username", &*account.email), ("password", "wrong")];
    assert_page(&post(&server, "/sign-in", &second, &fields).await, 401);
    assert_page(&get(&server, SECURITY, &second).await, 200);

    let answer = post(&server, "/sign-out", &second, &[]).await;
    let set = assert_leads(&answer, "/sign-in").unwrap();
    let cleared = "__Host-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0";
    assert_eq!(set, cleared);
    assert_nobody(&server, &second).await;
    assert!(sessions(&server, &account).await.is_empty());
    // Whoever is signed out already is so afterwards.
    assert_leads(&form(&server, "/sign-out", &[]).send().await, "/sign-in");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_visit_is_written_down_once_a_day() {
    const DAY: f64 = 24.0 * 60.0 * 60.0 * 1000.0;
    let server = Server::start_with_clock(&QUICK).await;
    let account = Account::register(&server).await;
    let cookie = signed_in(&server, &account).await;
    let used = async || sessions(&server, &account).await[0]["last_used_at"].clone();
    let mut last = used().await;
    for (days, is_written) in [
        (0.1, false),
        (0.8, false),
        (1.0, true),
        (1.8, false),
        (2.9, true),
    ] {
        server.set_clock(days * DAY);
        for _ in 0..2 {
            assert_page(&get(&server, SECURITY, &cookie).await, 200);
        }
        let now = used().await;
        assert_eq!(now != last, is_written, "{days}");
        last = now;
    }
    // Each visit within a week keeps it open, up to its end.
    for days in [8.0, 14.0, 20.0, 26.0, 29.0] {
        server.set_clock(days * DAY);
        assert_page(&get(&server, SECURITY, &cookie).await, 200);
    }
    server.set_clock(30.1 * DAY);
    assert_nobody(&server, &cookie).await;
    let cookie = signed_in(&server, &account).await;
    server.set_clock(37.2 * DAY);
    assert_nobody(&server, &cookie).await;
    server.stop().await;
}
