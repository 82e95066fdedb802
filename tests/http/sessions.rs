//! Sessions: refresh tokens that survive two tabs and a lost answer, and what ends them.

use base64ct::{Base64UrlUnpadded, Encoding};
use futures_util::future::join_all;
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::given::{self, Account, PASSWORD, signed, unique};
use crate::support::{Answer, Server};

const QUICK: [(&str, Option<&str>); 2] = [
    ("PASSWORD_HASH", Some("argon2id")),
    ("SIGN_IN_FLOOR_MS", Some("100")),
];
const NEW_PASSWORD: &str = "another horse battery";
const SECOND: f64 = 1000.0;
const DAY: f64 = 24.0 * 60.0 * 60.0 * SECOND;
const REVOKED: &str = "{\"msg\":\"Token has been revoked\"}\n";
const WRONG: &str = "{\"error\":\"Wrong password\"}\n";

/// The tokens of a session's client.
#[derive(Clone)]
struct Tokens {
    access: String,
    refresh: String,
}

impl Tokens {
    fn of(answer: &Answer) -> Self {
        let body = answer.json();
        let text = |member: &str| body[member].as_str().expect(member).to_owned();
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }

    /// The claims of the access token.
    fn claims(&self) -> Value {
        given::claims(&self.access)
    }

    fn session(&self) -> String {
        self.claims()["sid"].as_str().unwrap().to_owned()
    }
}

async fn send(server: &Server, method: &str, path: &str, token: &str) -> Answer {
    let request = server.request(method, path);
    let request = request.header("Authorization", &format!("Bearer {token}"));
    request.send().await
}

async fn send_json(server: &Server, method: &str, path: &str, token: &str, body: Value) -> Answer {
    let request = server.request(method, path);
    let request = request.header("Authorization", &format!("Bearer {token}"));
    request.json(body).send().await
}

async fn try_open(server: &Server, account: &Account, password: &str) -> Answer {
    let body = json!({
        "email": account.email, "password": password, "scope": "offline_access",
    });
    let request = server.request("POST", "/api/auth/login");
    request.json(body).send().await
}

async fn open(server: &Server, account: &Account) -> Tokens {
    Tokens::of(&try_open(server, account, PASSWORD).await)
}

async fn refresh(server: &Server, token: &str) -> Answer {
    send(server, "POST", "/api/auth/refresh", token).await
}

async fn refreshed(server: &Server, token: &str) -> Tokens {
    let answer = refresh(server, token).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    Tokens::of(&answer)
}

async fn me(server: &Server, token: &str) -> u16 {
    send(server, "GET", "/api/auth/me", token).await.status
}

fn seen(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.text())
}

fn assert_no_content(answer: &Answer) {
    assert_eq!(seen(answer), (204, ""));
    assert_eq!(answer.headers.get("Content-Type"), None);
    let caching = answer.headers.get("Cache-Control");
    assert_eq!(caching.as_deref(), Some("no-store"));
}

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
    let claims = given::claims(&account.access_token);
    assert_eq!(claims.get("sid"), None);
    server.stop().await;
}

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
    let server = Server::start(&QUICK).await;
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
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_lost_answer_loses_nothing() {
    let server = Server::start(&QUICK).await;
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
    server.stop().await;
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
    let server = Server::start(&QUICK).await;
    let (ann, ben) = (
        Account::register(&server).await,
        Account::register(&server).await,
    );
    let tokens = open(&server, &ann).await;
    let mut forged = Base64UrlUnpadded::decode_vec(&tokens.refresh).unwrap();
    *forged.last_mut().unwrap() ^= 1;
    let forged = Base64UrlUnpadded::encode_string(&forged);
    let old_service = signed(&json!({
        "type": "refresh", "sub": ann.id.to_string(), "exp": given::now() + 600, "jti": "x",
    }));
    let expired = signed(&json!({ "sub": ann.id.to_string(), "exp": given::now() - 1 }));
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
    let server = Server::start(&QUICK).await;
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
    server.stop().await;
}

#[wasm_bindgen_test]
async fn sessions_are_listed_and_ended_one_by_one() {
    let server = Server::start(&QUICK).await;
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
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_new_password_ends_every_other_token_at_once() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let (here, there) = (open(&server, &account).await, open(&server, &account).await);
    let old_service = |age: u64| {
        signed(&json!({
            "identity": account.id, "iat": given::now() - age, "exp": given::now() + 600,
        }))
    };
    let before = old_service(5);
    assert_eq!(me(&server, &before).await, 200);
    let change = async |token: &str, current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        send_json(&server, "POST", "/api/auth/password", token, body).await
    };
    let answer = change(&here.access, "wrong horse battery", NEW_PASSWORD).await;
    assert_eq!(seen(&answer), (403, WRONG));
    let answer = change(&here.access, PASSWORD, NEW_PASSWORD).await;
    assert_no_content(&answer);

    // Issued in the same second, some of them.
    for token in [&there.access, &account.access_token, &before] {
        let answer = send(&server, "GET", "/api/auth/me", token).await;
        assert_eq!(seen(&answer), (401, REVOKED));
    }
    assert_eq!(
        seen(&refresh(&server, &there.refresh).await),
        (401, REVOKED)
    );
    assert_eq!(me(&server, &here.access).await, 200);
    let here = refreshed(&server, &here.refresh).await;
    assert_eq!(me(&server, &here.access).await, 200);
    let old = given::sign_in(&server, &account.email, PASSWORD).await;
    assert_eq!(old.status, 401);
    let new = given::sign_in(&server, &account.email, NEW_PASSWORD).await;
    let new = new.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(me(&server, &new).await, 200);

    // By a token without a session: that goes too.
    assert_no_content(&change(&new, NEW_PASSWORD, PASSWORD).await);
    assert_eq!(me(&server, &new).await, 401);
    assert_eq!(me(&server, &here.access).await, 401);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn tokens_of_the_old_service_are_told_by_their_time() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let statement = "UPDATE users SET tokens_valid_after = ? WHERE id = ?";
    let change = given::now() - 60;
    server
        .sql(statement, &[change.into(), account.id.into()])
        .await;
    for (issued_at, status) in [
        (json!(change - 1), 401),
        (json!(change), 401),
        (json!(change + 1), 200),
        (json!(null), 401),
    ] {
        let token = signed(&json!({
            "identity": account.id, "iat": issued_at, "exp": given::now() + 600, "jti": "a.1",
        }));
        assert_eq!(me(&server, &token).await, status, "{issued_at}");
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_sign_in_that_meets_a_new_password_opens_no_session() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let here = open(&server, &account).await;
    let body = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    let change = send_json(&server, "POST", "/api/auth/password", &here.access, body);
    let opening = join_all((0..8).map(|_| try_open(&server, &account, PASSWORD)));
    let (changed, opened) = futures_util::future::join(change, opening).await;
    assert_no_content(&changed);
    for answer in opened.iter().filter(|answer| answer.status == 200) {
        let tokens = Tokens::of(answer);
        assert_eq!(me(&server, &tokens.access).await, 401);
        assert_eq!(refresh(&server, &tokens.refresh).await.status, 401);
    }
    // Those that were opened before have the epoch of then.
    let statement = "SELECT sessions.id FROM sessions JOIN users ON users.id = user_id \
        AND users.epoch = sessions.epoch WHERE user_id = ?";
    let left = server.sql(statement, &[account.id.into()]).await;
    assert_eq!(left.len(), 1, "{left:?}");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn new_passwords_follow_the_rules_and_wrong_ones_are_counted() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let token = &account.access_token;
    for (body, text) in [
        (
            json!({}),
            "Missing required fields: current_password, new_password",
        ),
        (
            json!({ "current_password": PASSWORD, "new_password": "" }),
            "Missing required fields: current_password, new_password",
        ),
        (
            json!({ "current_password": 1, "new_password": NEW_PASSWORD }),
            "current_password must be a string",
        ),
        (
            json!({ "current_password": PASSWORD, "new_password": "short" }),
            "new_password must be at least 8 characters long",
        ),
        (
            json!({ "current_password": PASSWORD, "new_password": account.email }),
            "new_password must not be the email address or the part before its @",
        ),
        (
            json!({ "current_password": PASSWORD, "new_password": "password1" }),
            "new_password must not be one of the most common passwords",
        ),
    ] {
        let answer = send_json(&server, "POST", "/api/auth/password", token, body).await;
        let expected = format!("{{\"error\":\"{text}\"}}\n");
        assert_eq!(seen(&answer), (400, expected.as_str()));
    }
    let address = "192.0.2.1";
    let wrong = json!({ "current_password": "wrong", "new_password": NEW_PASSWORD });
    let wrongs = [
        ("POST", "/api/auth/password", wrong),
        ("DELETE", "/api/auth/me", json!({ "password": "wrong" })),
    ];
    let send_wrong = async |turn: usize| {
        let (method, path, body) = &wrongs[turn % 2];
        let request = server.request(method, path);
        let request = request.header("Authorization", &account.bearer());
        let request = request.header("CF-Connecting-IP", address);
        request.json(body.clone()).send().await
    };
    for turn in 0..5 {
        assert_eq!(seen(&send_wrong(turn).await), (403, WRONG));
    }
    let answer = send_wrong(5).await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.headers.get("Retry-After").as_deref(), Some("1"));
    let sign_in = given::sign_in_from(&server, address, &account.email, PASSWORD).await;
    assert_eq!(sign_in.status, 429);
    assert_eq!(me(&server, token).await, 200);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn profiles_are_changed() {
    let server = Server::start(&QUICK).await;
    let (ann, ben) = (
        Account::register(&server).await,
        Account::register(&server).await,
    );
    let statement = "UPDATE users SET updated_at = '2024-01-15T10:30:00' WHERE id = ?";
    server.sql(statement, &[ann.id.into()]).await;
    let patch = async |body: Value| {
        send_json(&server, "PATCH", "/api/auth/me", &ann.access_token, body).await
    };
    let user = async |body: Value| {
        let answer = patch(body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["user"].clone()
    };
    let before = user(json!({})).await;
    for nothing in [json!({ "name": null }), json!({ "email": "x@example.com" })] {
        assert_eq!(user(nothing).await, before);
    }
    assert_eq!(before["updated_at"], "2024-01-15T10:30:00");
    let after = user(json!({ "name": " Ann  Lee-Gru\u{308}n " })).await;
    assert_eq!(after["name"], "Ann  Lee-Gr\u{fc}n");
    assert_eq!(after["username"], ann.username);
    assert_ne!(after["updated_at"], before["updated_at"]);
    let renamed = unique("Renamed");
    assert_eq!(
        user(json!({ "username": renamed })).await["username"],
        renamed
    );
    let shouted = renamed.to_uppercase();
    assert_eq!(
        user(json!({ "username": shouted })).await["username"],
        shouted
    );
    let without = user(json!({ "username": null, "name": "Ann" })).await;
    assert_eq!(
        (without.get("username"), &without["name"]),
        (None, &json!("Ann"))
    );

    let taken = "{\"error\":\"Username already taken\"}\n";
    let answer = patch(json!({ "username": ben.username.to_uppercase() })).await;
    assert_eq!(seen(&answer), (409, taken));
    for (body, text) in [
        (
            json!({ "name": "" }),
            "name must be 1 to 200 characters long",
        ),
        (json!({ "name": 1 }), "name must be a string"),
        (json!({ "username": "a@b" }), "username must not contain @"),
        (json!({ "username": [] }), "username must be a string"),
        (json!([]), "Request body must be a JSON object"),
    ] {
        let answer = patch(body).await;
        let expected = format!("{{\"error\":\"{text}\"}}\n");
        assert_eq!(seen(&answer), (400, expected.as_str()));
    }
    assert_eq!(user(json!({})).await, without);

    let statement = "UPDATE users SET email = NULL WHERE id = ?";
    server.sql(statement, &[ben.id.into()]).await;
    let body = json!({ "username": null });
    let answer = send_json(&server, "PATCH", "/api/auth/me", &ben.access_token, body).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    server.stop().await;
}

#[wasm_bindgen_test]
async fn an_account_is_deleted_for_good() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let tokens = open(&server, &account).await;
    let delete = async |body: Value| {
        send_json(&server, "DELETE", "/api/auth/me", &tokens.access, body).await
    };
    let missing = "{\"error\":\"Missing required fields: password\"}\n";
    assert_eq!(seen(&delete(json!({})).await), (400, missing));
    assert_eq!(
        seen(&delete(json!({ "password": "wrong" })).await),
        (403, WRONG)
    );
    assert_no_content(&delete(json!({ "password": PASSWORD })).await);
    for token in [&tokens.access, &account.access_token] {
        let answer = send(&server, "GET", "/api/auth/me", token).await;
        let expected = "{\"error\":\"User not found\"}\n";
        assert_eq!(seen(&answer), (404, expected));
    }
    assert_eq!(
        seen(&refresh(&server, &tokens.refresh).await),
        (401, REVOKED)
    );
    let rows = "SELECT id FROM sessions UNION ALL SELECT key FROM attempts WHERE key LIKE 'user%'";
    assert_eq!(server.sql(rows, &[]).await.len(), 0);
    let again = given::sign_in(&server, &account.email, PASSWORD).await;
    assert_eq!(again.status, 401);
    // The address is free, the id is not.
    let body = json!({ "email": account.email, "password": PASSWORD, "name": "Ann" });
    let request = server.request("POST", "/api/auth/register").json(body);
    let new = request.send().await.json();
    assert!(new["user"]["id"].as_u64().unwrap() > account.id);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_disabled_account_refreshes_nothing() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let tokens = open(&server, &account).await;
    let set = "UPDATE users SET disabled = ? WHERE id = ?";
    server.sql(set, &[1.into(), account.id.into()]).await;
    assert_eq!(
        seen(&refresh(&server, &tokens.refresh).await),
        (401, REVOKED)
    );
    assert_eq!(me(&server, &tokens.access).await, 401);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn no_refresh_token_is_stored() {
    let server = Server::start(&QUICK).await;
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
    server.stop().await;
}

#[wasm_bindgen_test]
async fn verify_may_trust_the_token_alone() {
    let settings = [QUICK[0], QUICK[1], ("TRUST_TOKEN_ALONE", Some("true"))];
    let server = Server::start(&settings).await;
    let account = Account::register(&server).await;
    let tokens = open(&server, &account).await;
    let logout = send(&server, "POST", "/api/auth/logout", &tokens.access).await;
    assert_no_content(&logout);
    let answer = send(&server, "GET", "/verify", &tokens.access).await;
    assert_eq!(seen(&answer), (200, "{}\n"));
    let id = account.id.to_string();
    for (name, value) in [("X-Auth-User-Id", id.as_str()), ("X-Auth-Role", "customer")] {
        assert_eq!(answer.headers.get(name).as_deref(), Some(value));
    }
    assert_eq!(me(&server, &tokens.access).await, 401);
    for (token, text) in [
        (&tokens.refresh, "Only non-refresh tokens are allowed"),
        (
            &signed(&json!({ "sub": "nobody", "exp": given::now() + 60 })),
            "Error loading the user nobody",
        ),
    ] {
        let answer = send(&server, "GET", "/verify", token).await;
        let expected = format!("{{\"msg\":\"{text}\"}}\n");
        assert_eq!(seen(&answer), (401, expected.as_str()));
    }
    // A role that is fit for no header is not passed on.
    let token = signed(&json!({ "sub": "7", "exp": given::now() + 60, "role": "a\r\nb" }));
    let answer = send(&server, "GET", "/verify", &token).await;
    assert_eq!(
        answer.headers.get("X-Auth-Role").as_deref(),
        Some("customer")
    );
    server.stop().await;
}
