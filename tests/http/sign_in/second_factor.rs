//! Signing in by two factors: which routes ask for the second one, tickets, guesses, and showing anew who
//! one is.

use futures_util::future::join_all;
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::factors::{Enrolled, at, enrol, enrolled, show, step_now, ticket};
use crate::harness::{
    Account, Answer, PASSWORD, QUICK, Server, claims, open, refreshed, seen, send, send_json,
    sign_in_from,
};
use crate::mail::{NEW_PASSWORD, post, post_as, settings, verified};

const DEAD: (u16, &str) = (401, "{\"error\":\"Invalid or expired ticket\"}\n");
const WRONG: (u16, &str) = (401, "{\"error\":\"Invalid code\"}\n");
const SECOND_FACTOR: &str = "/api/auth/second-factor";
const REAUTHENTICATE: &str = "/api/auth/reauthenticate";

/// The mail that carries a sign-in code.
async fn code(server: &Server, account: &Account) -> (Value, Value) {
    let body = json!({ "email": account.email });
    let answer = post(server, "/api/auth/code", body).await;
    assert_eq!(answer.status, 202);
    let mail = server.mail_to(&account.email).await;
    let by_code = json!({ "id": mail.parameter("id"), "code": mail.code() });
    (by_code, json!({ "token": mail.token() }))
}

/// Asserts that a first factor has got a ticket and no token.
fn assert_ticket(answer: &Answer, error: &str) {
    assert_eq!(answer.status, 403, "{}", answer.text());
    let mut body = answer.json();
    let ticket = body["ticket"].take();
    assert_eq!(ticket.as_str().unwrap().len(), 43);
    let factors = ["totp", "recovery_code"];
    let expected =
        json!({ error: "Second factor required", "second_factors": factors, "ticket": null });
    assert_eq!(body, expected);
}

/// Every route that issues tokens; a test of the sources holds the list to them.
#[wasm_bindgen_test]
async fn every_way_in_asks_for_the_second_factor() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    let step = step_now();
    let Enrolled { app, tokens, .. } = enrol(&server, account.clone(), step).await;
    server.mail().await;
    let login = json!({ "email": account.email, "password": PASSWORD });
    let auth = json!({ "username": account.email, "password": PASSWORD });
    let (by_code, _) = code(&server, &account).await;
    let (_, by_link) = code(&server, &account).await;
    for (path, body, error) in [
        ("/api/auth/login", login, "error"),
        ("/auth", auth, "message"),
        ("/api/auth/code/verify", by_code, "error"),
        ("/api/auth/code/verify", by_link, "error"),
    ] {
        assert_ticket(&post(&server, path, body).await, error);
    }
    // A session goes on with what opened it, and a new proof of it takes both.
    let body = json!({ "password": PASSWORD });
    let answer = send_json(&server, "POST", REAUTHENTICATE, &tokens.access, body).await;
    let one_factor = (403, "{\"error\":\"Second factor required\"}\n");
    assert_eq!(seen(&answer), one_factor);
    let answer = post(
        &server,
        "/api/auth/refresh",
        json!({ "refresh_token": tokens.refresh }),
    );
    let token = answer.await.json()["access_token"].clone();
    assert_eq!(
        claims(token.as_str().unwrap())["amr"],
        json!(["pwd", "otp", "mfa"])
    );
    // What a reset leaves on.
    let body = json!({ "email": account.email });
    post(&server, "/api/auth/password/forgot", body).await;
    let mail = server.mail_to(&account.email).await;
    let body = json!({ "token": mail.token(), "new_password": NEW_PASSWORD });
    let answer = post(&server, "/api/auth/password/reset", body).await;
    assert_eq!(answer.status, 204);
    let login = json!({ "email": account.email, "password": NEW_PASSWORD });
    let answer = post(&server, "/api/auth/login", login).await;
    assert_ticket(&answer, "error");
    let ticket = answer.json()["ticket"].as_str().unwrap().to_owned();
    let answer = show(&server, &ticket, "totp", &app.code(step + 1)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_sign_in_is_completed_as_it_was_begun() {
    let server = Server::start_with_clock(&QUICK).await;
    let step = step_now() + 10;
    let Enrolled {
        account,
        app,
        recovery_codes,
        ..
    } = enrolled(&server, step_now()).await;
    for (scope, has_refresh_token) in [("", false), ("offline_access", true)] {
        let body = json!({ "email": account.email, "password": PASSWORD, "scope": scope });
        let answer = post(&server, "/api/auth/login", body).await;
        let ticket = answer.json()["ticket"].as_str().unwrap().to_owned();
        let code = &recovery_codes[usize::from(has_refresh_token)];
        let answer = show(&server, &ticket, "recovery_code", code).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = answer.json();
        assert_eq!(body["message"], "Login successful");
        assert_eq!(body["user"]["id"], account.id);
        assert_eq!(body["refresh_token"].is_string(), has_refresh_token);
        let claims = claims(body["access_token"].as_str().unwrap());
        assert_eq!(claims["amr"], json!(["pwd", "mfa"]));
        assert_eq!(
            show(&server, &ticket, "recovery_code", code).await.status,
            401
        );
    }
    // The ticket is used up with the first of two that come at once.
    at(&server, step, 0);
    let ticket = ticket(&server, &account).await;
    let codes = [app.code(step), app.code(step)];
    let both = codes
        .iter()
        .map(|code| show(&server, &ticket, "totp", code));
    let mut statuses: Vec<_> = join_all(both).await.iter().map(|a| a.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    assert_eq!(seen(&show(&server, &ticket, "totp", &codes[0]).await), DEAD);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_code_is_good_once_with_two_tickets_at_once() {
    let server = Server::start_with_clock(&QUICK).await;
    let Enrolled { account, app, .. } = enrolled(&server, step_now()).await;
    let step = step_now() + 10;
    at(&server, step, 0);
    let tickets = [
        ticket(&server, &account).await,
        ticket(&server, &account).await,
    ];
    let code = app.code(step);
    let both = tickets
        .iter()
        .map(|ticket| show(&server, ticket, "totp", &code));
    let answers = join_all(both).await;
    let wrong: Vec<_> = answers.iter().filter(|a| a.status != 200).collect();
    assert_eq!(wrong.len(), 1);
    assert_eq!(seen(wrong[0]), WRONG);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_ticket_is_good_for_five_tries_and_five_minutes() {
    let server = Server::start_with_clock(&QUICK).await;
    let Enrolled { account, app, .. } = enrolled(&server, step_now()).await;
    let step = step_now() + 10;
    at(&server, step, 0);
    let late = ticket(&server, &account).await;
    let ticket = ticket(&server, &account).await;
    let tries = (0..50).map(|_| show(&server, &ticket, "totp", "abc"));
    let answers = join_all(tries).await;
    let wrong = answers.iter().filter(|answer| seen(answer) != DEAD);
    assert_eq!(wrong.count(), 5);
    assert_eq!(
        seen(&show(&server, &ticket, "totp", &app.code(step)).await),
        DEAD
    );
    // Ten steps of half a minute later.
    at(&server, step + 10, 1);
    let code = app.code(step + 10);
    assert_eq!(seen(&show(&server, &late, "totp", &code).await), DEAD);
    for other in ["", "x", "A\u{0}"] {
        let expected = if other.is_empty() { 400 } else { 401 };
        let answer = show(&server, other, "totp", &code).await;
        assert_eq!(answer.status, expected, "{}", answer.text());
    }
    // It is no token of any other kind.
    let ticket = crate::factors::ticket(&server, &account).await;
    assert_eq!(
        send(&server, "GET", "/api/auth/me", &ticket).await.status,
        401
    );
    let body = json!({ "refresh_token": ticket });
    assert_eq!(post(&server, "/api/auth/refresh", body).await.status, 401);
    let answer = post(&server, SECOND_FACTOR, json!({ "ticket": ticket })).await;
    assert_eq!(answer.status, 400);
    assert_eq!(show(&server, &ticket, "totp", &code).await.status, 200);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_ticket_is_void_once_the_account_has_changed() {
    let server = Server::start_with_clock(&QUICK).await;
    let admin = Account::register(&server).await;
    let statement = "UPDATE users SET role = 'admin' WHERE id = ?";
    server.sql(statement, &[admin.id.into()]).await;
    let Enrolled {
        account,
        recovery_codes,
        tokens,
        ..
    } = enrolled(&server, step_now()).await;
    let user = format!("/api/admin/users/{}", account.id);
    let own = |method, path, body| send_json(&server, method, path, &tokens.access, body);
    let sessions = format!("{user}/sessions");
    let ticket_now = || ticket(&server, &account);
    let still = |ticket: String| {
        let code = recovery_codes[0].clone();
        let server = &server;
        async move { seen_owned(&show(server, &ticket, "recovery_code", &code).await) }
    };
    let dead = (DEAD.0, DEAD.1.to_owned());
    // Sessions are ended by the owner, or the account is changed by an administrator.
    let ticket = ticket_now().await;
    let answer = own("DELETE", "/api/auth/sessions", json!({})).await;
    assert_eq!(answer.status, 204);
    assert_eq!(still(ticket).await, dead);
    let ticket = ticket_now().await;
    let body = json!({ "name": "Renamed" });
    let answer = send_json(&server, "PATCH", &user, &admin.access_token, body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(still(ticket).await, dead);
    // New recovery codes void what was begun with the old ones.
    let ticket = ticket_now().await;
    let answer = own("POST", "/api/auth/recovery-codes", json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(still(ticket).await, dead);
    let ticket = ticket_now().await;
    let body = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    let answer = own("POST", "/api/auth/password", body).await;
    assert_eq!(answer.status, 204);
    assert_eq!(still(ticket).await, dead);
    let body = json!({ "email": account.email, "password": NEW_PASSWORD });
    let answer = post(&server, "/api/auth/login", body).await;
    let ticket = answer.json()["ticket"].as_str().unwrap().to_owned();
    let answer = send(&server, "DELETE", &sessions, &admin.access_token).await;
    assert_eq!(answer.status, 204);
    assert_eq!(still(ticket).await, dead);
    server.stop().await;
}

fn seen_owned(answer: &Answer) -> (u16, String) {
    let (status, text) = seen(answer);
    (status, text.to_owned())
}

#[wasm_bindgen_test]
async fn a_known_password_buys_no_guesses_without_end() {
    let server = Server::start_with_clock(&QUICK).await;
    let Enrolled { account, app, .. } = enrolled(&server, step_now()).await;
    let step = step_now() + 10;
    at(&server, step, 0);
    let wrong = app.wrong_code(step);
    let mut guesses = 0;
    for number in 0..200 {
        let address = format!("192.0.2.{number}");
        let answer = sign_in_from(&server, &address, &account.email, PASSWORD).await;
        if answer.status != 403 {
            assert_eq!(answer.status, 401);
            continue;
        }
        let body = json!({ "ticket": answer.json()["ticket"], "totp": wrong });
        let request = server.request("POST", SECOND_FACTOR).json(body);
        let answer = request.header("CF-Connecting-IP", &address).send().await;
        assert_eq!(seen(&answer), WRONG);
        guesses += 1;
    }
    assert_eq!(guesses, 80);
    // From one address five will do, and the right password takes none of them back.
    let Enrolled { account, app, .. } = enrolled(&server, step).await;
    at(&server, step + 10, 0);
    let wrong = app.wrong_code(step + 10);
    let address = "198.51.100.7";
    for _ in 0..5 {
        let answer = sign_in_from(&server, address, &account.email, PASSWORD).await;
        let body = json!({ "ticket": answer.json()["ticket"], "totp": wrong });
        let request = server.request("POST", SECOND_FACTOR).json(body);
        let answer = request.header("CF-Connecting-IP", address).send().await;
        assert_eq!(seen(&answer), WRONG);
    }
    let answer = sign_in_from(&server, address, &account.email, PASSWORD).await;
    assert_eq!(answer.status, 429);
    server.stop().await;
}

/// Whoever reads the account's mail could guess on after each reset.
#[wasm_bindgen_test]
async fn a_reset_gives_no_guesses_back() {
    let server = Server::start(&settings()).await;
    let owner = verified(&server).await;
    let Enrolled { account, app, .. } = enrol(&server, owner, step_now()).await;
    let wrong = app.wrong_code(step_now());
    let failures = || async {
        let statement =
            "SELECT coalesce(sum(failures), 0) AS failures FROM attempts WHERE key LIKE ?";
        let key = format!("user {} %", account.id);
        server.sql(statement, &[key.into()]).await[0]["failures"].clone()
    };
    let ticket = ticket(&server, &account).await;
    assert_eq!(seen(&show(&server, &ticket, "totp", &wrong).await), WRONG);
    let before = failures().await;
    assert_ne!(before, 0);
    server.mail().await;
    let body = json!({ "email": account.email });
    post(&server, "/api/auth/password/forgot", body).await;
    let mail = server.mail_to(&account.email).await;
    let body = json!({ "token": mail.token(), "new_password": NEW_PASSWORD });
    let answer = post(&server, "/api/auth/password/reset", body).await;
    assert_eq!(answer.status, 204);
    assert_eq!(failures().await, before);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn half_a_sign_in_makes_no_address_familiar() {
    let server = Server::start_with_clock(&QUICK).await;
    let Enrolled {
        account,
        recovery_codes,
        ..
    } = enrolled(&server, step_now()).await;
    let familiar = || async {
        let statement =
            "SELECT count(*) AS rows FROM attempts WHERE key LIKE ? AND familiar_until > 0";
        let key = format!("user {} %", account.id);
        server.sql(statement, &[key.into()]).await[0]["rows"].clone()
    };
    let before = familiar().await;
    let address = "203.0.113.9";
    let answer = sign_in_from(&server, address, &account.email, PASSWORD).await;
    assert_eq!(familiar().await, before);
    let body = json!({ "ticket": answer.json()["ticket"], "recovery_code": recovery_codes[0] });
    let request = server.request("POST", SECOND_FACTOR).json(body);
    let answer = request.header("CF-Connecting-IP", address).send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        familiar().await.as_u64(),
        before.as_u64().map(|rows| rows + 1)
    );
    server.stop().await;
}

#[wasm_bindgen_test]
async fn whoever_shows_anew_who_they_are_gets_a_token_that_says_so() {
    let server = Server::start_with_clock(&QUICK).await;
    let account = Account::register(&server).await;
    let tokens = open(&server, &account).await;
    let ahead = 3600.0 * 1000.0;
    server.set_clock(ahead);
    // The first token has expired; a new one is of the session, with the time of its sign-in.
    let tokens = refreshed(&server, &tokens.refresh).await;
    let again = |body| send_json(&server, "POST", REAUTHENTICATE, &tokens.access, body);
    let wrong = (403, "{\"error\":\"Wrong password\"}\n");
    assert_eq!(
        seen(&again(json!({ "password": "wrong password" })).await),
        wrong
    );
    let answer = again(json!({ "password": PASSWORD })).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let (before, after) = (tokens.claims(), claims(&token));
    assert_eq!(after["sid"], before["sid"]);
    assert!(after["auth_time"].as_u64() > before["auth_time"].as_u64());
    assert_eq!(after["amr"], json!(null));
    // The session has it too.
    let tokens = refreshed(&server, &tokens.refresh).await;
    assert_eq!(tokens.claims()["auth_time"], after["auth_time"]);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn two_factors_are_shown_anew_where_one_is_on() {
    let server = Server::start_with_clock(&QUICK).await;
    let Enrolled {
        account,
        app,
        recovery_codes,
        tokens,
    } = enrolled(&server, step_now()).await;
    let step = step_now() + 10;
    at(&server, step, 0);
    let again = |body| send_json(&server, "POST", REAUTHENTICATE, &tokens.access, body);
    let wrong = (403, "{\"error\":\"Wrong password\"}\n");
    let code = app.code(step);
    let body = json!({ "password": PASSWORD, "totp": app.wrong_code(step) });
    assert_eq!(seen(&again(body).await), wrong);
    let body = json!({ "password": "wrong password", "totp": code });
    assert_eq!(seen(&again(body).await), wrong);
    let body = json!({ "password": PASSWORD, "totp": code });
    let answer = again(body.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(claims(&token)["amr"], json!(["pwd", "otp", "mfa"]));
    // A code is good once here as well, and whoever has another account's token shows nothing of this.
    assert_eq!(seen(&again(body).await), wrong);
    let stranger = Account::register(&server).await;
    let body = json!({ "password": PASSWORD, "recovery_code": recovery_codes[0] });
    let answer = post_as(
        &server,
        &stranger.access_token,
        REAUTHENTICATE,
        body.clone(),
    )
    .await;
    assert_eq!(answer.status, 200);
    let answer = again(body).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(claims(&token)["amr"], json!(["pwd", "mfa"]));
    let _ = account;
    server.stop().await;
}

#[wasm_bindgen_test]
async fn an_administrator_takes_second_factors_away() {
    let server = Server::start(&settings()).await;
    let admin = verified(&server).await;
    let statement = "UPDATE users SET role = 'admin' WHERE id = ?";
    server.sql(statement, &[admin.id.into()]).await;
    let owner = verified(&server).await;
    let Enrolled { tokens, .. } = enrol(&server, owner.clone(), step_now()).await;
    server.mail().await;
    let path = |id: u64| format!("/api/admin/users/{id}/second-factors");
    let answer = send(&server, "DELETE", &path(owner.id), &tokens.access).await;
    assert_eq!(seen(&answer), (403, "{\"error\":\"Forbidden\"}\n"));
    let answer = send(&server, "DELETE", &path(999), &admin.access_token).await;
    assert_eq!(seen(&answer), (404, "{\"error\":\"User not found\"}\n"));
    let answer = send(&server, "DELETE", &path(owner.id), &admin.access_token).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    let mail = server.mail_to(&owner.email).await;
    assert!(mail.subject.contains("second factor"), "{}", mail.subject);
    // What was open is over, and one factor will do.
    assert_eq!(
        send(&server, "GET", "/api/auth/me", &tokens.access)
            .await
            .status,
        401
    );
    let body = json!({ "email": owner.email, "password": PASSWORD });
    assert_eq!(post(&server, "/api/auth/login", body).await.status, 200);
    let answer = send(&server, "GET", "/api/admin/audit", &admin.access_token).await;
    let entries = answer.json()["events"].clone();
    let is_there = |entry: &Value| entry["action"] == "second_factors_forgotten";
    assert!(
        entries.as_array().unwrap().iter().any(is_there),
        "{entries}"
    );
    // An administrator's own go too, and with them the session that asked.
    let Enrolled { tokens, .. } = enrol(&server, admin.clone(), step_now()).await;
    let answer = send(&server, "DELETE", &path(admin.id), &tokens.access).await;
    assert_eq!(answer.status, 204);
    assert_eq!(
        send(&server, "GET", "/api/auth/me", &tokens.access)
            .await
            .status,
        401
    );
    server.stop().await;
}
