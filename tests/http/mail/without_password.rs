//! Accounts without a password, and what asks for a recent sign-in.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{
    CODE, CODE_VERIFY, EMAIL, NEW_PASSWORD, account_of, mail_of, post, post_as, settings, verified,
};
use crate::harness::{
    Account, PASSWORD, QUICK, Server, claims, me, now, open, refresh, send_json, sign_in, signed,
};

const RECENT: &str = "{\"error\":\"Recent sign-in required\"}\n";

/// The account's own access token, but for its `auth_time`.
fn with_auth_time(account: &Account, auth_time: Option<Value>) -> String {
    let mut claims = claims(&account.access_token);
    match auth_time {
        Some(time) => claims["auth_time"] = time,
        None => drop(claims.as_object_mut().unwrap().remove("auth_time")),
    }
    signed(&claims)
}

#[wasm_bindgen_test]
async fn what_asks_for_a_recent_sign_in_takes_no_other() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    let bare = verified(&server).await;
    let statement = "UPDATE users SET password_hash = NULL WHERE id = ?";
    server.sql(statement, &[bare.id.into()]).await;
    let new = json!({ "new_password": NEW_PASSWORD });
    for (account, method, path, body) in [
        (
            &account,
            "POST",
            EMAIL,
            json!({ "email": "next@example.com" }),
        ),
        (&account, "DELETE", "/api/auth/password", json!({})),
        (&bare, "POST", "/api/auth/password", new),
        (&bare, "DELETE", "/api/auth/password", json!({})),
        (&bare, "DELETE", "/api/auth/me", json!({})),
    ] {
        let now = now();
        for auth_time in [
            None,
            Some(json!(now.to_string())),
            Some(json!(null)),
            Some(json!(true)),
            Some(json!([now])),
            Some(json!(now as f64 - 0.5)),
            Some(json!(-1)),
            Some(json!(0)),
            // As long as the request takes, it is within the leeway no sooner.
            Some(json!(now + 20)),
            Some(json!(now - 601)),
            Some(json!(1e30)),
        ] {
            let case = format!("{method} {path} {auth_time:?}");
            let token = with_auth_time(account, auth_time);
            assert_eq!(me(&server, &token).await, 200, "{case}");
            let answer = send_json(&server, method, path, &token, body.clone()).await;
            assert_eq!((answer.status, answer.text()), (403, RECENT), "{case}");
        }
        // Whoever may not ask at all is told that first.
        let answer = server.request(method, path).json(body.clone()).send().await;
        assert_eq!(answer.status, 401);
    }
    assert_eq!(server.mail().await, []);
    // Those that are recent, to the last second.
    for (seconds, path) in [(-8, EMAIL), (590, EMAIL)] {
        let time = now().checked_add_signed(-seconds).unwrap();
        let token = with_auth_time(&account, Some(json!(time)));
        let body = json!({ "email": format!("next{seconds}@example.com") });
        assert_eq!(
            post_as(&server, &token, path, body).await.status,
            202,
            "{seconds}"
        );
    }
    server.stop().await;
}

/// The clock stands: no request is a second late.
#[wasm_bindgen_test]
async fn a_sign_in_is_recent_for_ten_minutes_and_ten_seconds_ahead() {
    let server = Server::start_with_clock(&settings()).await;
    let account = verified(&server).await;
    let signed_in_at = claims(&account.access_token)["auth_time"].as_u64().unwrap();
    for (seconds, status) in [(0, 202), (580, 202), (620, 403)] {
        let late = now() - signed_in_at;
        server.set_clock((seconds as f64 - late as f64) * 1000.0);
        let body = json!({ "email": format!("next{seconds}@example.com") });
        let token = with_auth_time(&account, Some(json!(signed_in_at)));
        let answer = post_as(&server, &token, EMAIL, body).await;
        assert_eq!(answer.status, status, "{seconds} {}", answer.text());
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_password_is_taken_away_and_given_again() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    let token = &account.access_token;
    let (mine, others) = (open(&server, &account).await, open(&server, &account).await);
    server.mail().await;
    let reset = mail_of(
        &server,
        &account,
        super::FORGOT,
        json!({ "email": account.email }),
    )
    .await;
    let delete = async |token: &str| {
        send_json(&server, "DELETE", "/api/auth/password", token, json!({})).await
    };
    assert_eq!(delete(&mine.access).await.status, 204);
    let notice = server.mail_to(&account.email).await;
    assert_eq!(
        notice.subject,
        "Your password at auth.example.com was changed"
    );
    assert_eq!(
        account_of(&server, &mine.access).await["has_password"],
        false
    );
    // It is a change of password: others' sessions, tokens and links are over.
    assert_eq!(me(&server, &mine.access).await, 200);
    assert_eq!(me(&server, token).await, 401);
    assert_eq!(refresh(&server, &others.refresh).await.status, 401);
    let page = server.request("GET", reset.path()).send().await;
    assert_eq!(page.status, 400);
    // Twice is once.
    assert_eq!(delete(&mine.access).await.status, 204);
    assert_eq!(server.mail().await, []);
    // No password is right, and none tells that there is none.
    let nobody = sign_in(&server, "nobody@example.com", PASSWORD).await;
    for password in [PASSWORD, NEW_PASSWORD, "null", " "] {
        let answer = sign_in(&server, &account.email, password).await;
        assert_eq!(
            (answer.status, answer.text()),
            (401, nobody.text()),
            "{password}"
        );
    }
    let of_owner = json!({ "current_password": PASSWORD });
    let answer = post_as(&server, &mine.access, "/api/auth/password", of_owner).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer
            .text()
            .contains("Missing required fields: new_password"),
        "{}",
        answer.text()
    );
    let weak = json!({ "new_password": "short" });
    let answer = post_as(&server, &mine.access, "/api/auth/password", weak).await;
    assert_eq!(answer.status, 400);
    let (more, new) = (mine.clone(), json!({ "new_password": NEW_PASSWORD }));
    let answer = post_as(&server, &more.access, "/api/auth/password", new.clone()).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    server.mail_to(&account.email).await;
    assert_eq!(
        sign_in(&server, &account.email, NEW_PASSWORD).await.status,
        200
    );
    // From then on the current one is asked for.
    let answer = post_as(&server, &more.access, "/api/auth/password", new).await;
    assert_eq!(answer.status, 400);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn the_last_way_to_sign_in_is_kept() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    let statement = "UPDATE users SET email = NULL, email_verified_at = NULL WHERE id = ?";
    server.sql(statement, &[account.id.into()]).await;
    let without_mail = Server::start(&QUICK).await;
    let other = Account::register(&without_mail).await;
    for (server, account) in [(server, account), (without_mail, other)] {
        let token = &account.access_token;
        let answer = send_json(&server, "DELETE", "/api/auth/password", token, json!({})).await;
        let seen = (answer.status, answer.text());
        assert_eq!(seen, (409, "{\"error\":\"No other way to sign in\"}\n"));
        let body = json!({ "username": account.username, "password": PASSWORD });
        assert_eq!(post(&server, "/auth", body).await.status, 200);
        server.stop().await;
    }
}

#[wasm_bindgen_test]
async fn an_account_without_a_password_is_deleted_after_a_recent_sign_in() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    let statement = "UPDATE users SET password_hash = NULL WHERE id = ?";
    server.sql(statement, &[account.id.into()]).await;
    let mail = mail_of(&server, &account, CODE, json!({ "email": account.email })).await;
    let answer = post(&server, CODE_VERIFY, json!({ "token": mail.token() })).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let answer = send_json(&server, "DELETE", "/api/auth/me", &token, json!({})).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    let rows = server
        .sql("SELECT id FROM users WHERE id = ?", &[account.id.into()])
        .await;
    assert_eq!(rows, Vec::<Value>::new());
    // With a password it is asked for as ever.
    let account = verified(&server).await;
    let answer = send_json(
        &server,
        "DELETE",
        "/api/auth/me",
        &account.access_token,
        json!({}),
    )
    .await;
    assert_eq!(answer.status, 400);
    server.stop().await;
}
