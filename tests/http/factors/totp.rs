//! Switching one-time passwords on and off, and which codes are good.

use base64ct::{Base64, Encoding};
use futures_util::future::join;
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{
    App, INVALID, NOT_BEGUN, NOT_ON, NOT_RECENT, NOTHING_ON, ONE_FACTOR, add_passkey, at, begun,
    codes_of, enrolled, show, sign_in, step_now, ticket, verify,
};
use crate::harness::{
    Account, MAIL, PASSWORD, QUICK, Server, assert_no_content, claims, me, open, refresh,
    refreshed, seen, send, try_open,
};

#[wasm_bindgen_test]
async fn a_first_code_switches_them_on_and_ends_the_other_sessions() {
    let server = Server::start_with_clock(&QUICK).await;
    let step = step_now();
    at(&server, step, 0);
    let account = Account::register(&server).await;
    let (own, other) = (open(&server, &account).await, open(&server, &account).await);
    let answer = send(&server, "POST", "/api/auth/totp", &own.access).await;
    assert_eq!(answer.status, 201);
    let body = answer.json();
    let secret = body["secret"].as_str().unwrap();
    assert_eq!(secret.len(), 32);
    let email = account.email.replace('@', "%40");
    let uri = format!(
        "otpauth://totp/edge-auth:{email}?secret={secret}&issuer=edge-auth&algorithm=SHA1&digits=6&period=30"
    );
    assert_eq!(body["uri"], uri);
    let svg = body["qr"].as_str().unwrap();
    let svg = svg.strip_prefix("data:image/svg+xml;base64,").unwrap();
    let svg = String::from_utf8(Base64::decode_vec(svg).unwrap()).unwrap();
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 "));
    // Neither is on yet, and a second one takes its place.
    assert_eq!(try_open(&server, &account, PASSWORD).await.status, 200);
    let first = App::new(secret);
    let app = begun(&server, &own.access).await;
    assert!(first != app);
    let wrong = verify(&server, &own.access, &first.code(step)).await;
    assert_eq!(seen(&wrong), INVALID);
    let code = app.code(step);
    let typed = format!(" {} {}\n", &code[..3], &code[3..]);
    let codes = codes_of(&verify(&server, &own.access, &typed).await);
    for code in &codes {
        let groups: Vec<_> = code.split('-').map(str::len).collect();
        assert_eq!(groups, [4, 4, 4, 4], "{code}");
    }
    // The calling session goes on, and has shown two factors; when it did is as before.
    assert_eq!(me(&server, &own.access).await, 200);
    assert_eq!(me(&server, &other.access).await, 401);
    assert_eq!(me(&server, &account.access_token).await, 401);
    assert_eq!(refresh(&server, &other.refresh).await.status, 401);
    let before = own.claims();
    assert_eq!(before["amr"], json!(null));
    let after = refreshed(&server, &own.refresh).await.claims();
    assert_eq!(after["amr"], json!(["pwd", "otp", "mfa"]));
    assert_eq!(after["auth_time"], before["auth_time"]);
    // Neither is in the database as it is.
    let rows = server
        .sql(
            "SELECT secret, new_secret, last_step FROM totp WHERE user_id = ?",
            &[account.id.into()],
        )
        .await;
    assert_eq!(rows[0]["new_secret"], json!(null));
    assert_eq!(rows[0]["last_step"], step);
    let sealed = rows[0]["secret"].as_str().unwrap();
    assert!(sealed.starts_with("1."), "{sealed}");
    let rows = "SELECT code_hash FROM recovery_codes WHERE user_id = ?";
    let rows = server.sql(rows, &[account.id.into()]).await;
    assert_eq!(rows.len(), 10);
    let plain = codes[0].replace('-', "");
    assert!(!format!("{rows:?}").contains(&plain));
    // The first code is used up by that, and the password alone is one of two factors.
    assert_eq!(
        sign_in(&server, &account, "totp", &app.code(step)).await,
        401
    );
    assert_eq!(
        sign_in(&server, &account, "totp", &app.code(step + 1)).await,
        200
    );
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_clock_may_be_a_step_early_or_late() {
    let server = Server::start_with_clock(&QUICK).await;
    let step = step_now() + 100;
    for (seconds, expected) in [
        (-61, 400),
        (-31, 200),
        (-29, 200),
        (0, 200),
        (29, 200),
        (31, 200),
        (61, 400),
    ] {
        at(&server, step, seconds);
        let account = Account::register(&server).await;
        let app = begun(&server, &account.access_token).await;
        let answer = verify(&server, &account.access_token, &app.code(step)).await;
        assert_eq!(answer.status, expected, "{seconds}: {}", answer.text());
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_code_is_good_once_and_ends_those_before_it() {
    let server = Server::start_with_clock(&QUICK).await;
    let step = step_now();
    at(&server, step, 0);
    let user = enrolled(&server, step).await;
    let (account, app) = (&user.account, &user.app);
    at(&server, step + 10, 0);
    let totp = async |step| sign_in(&server, account, "totp", &app.code(step)).await;
    assert_eq!(totp(step + 8).await, 401);
    assert_eq!(totp(step + 10).await, 200);
    assert_eq!(totp(step + 10).await, 401);
    assert_eq!(totp(step + 9).await, 401);
    assert_eq!(totp(step + 11).await, 200);
    assert_eq!(totp(step + 12).await, 401);
    // Of two at once one is good.
    at(&server, step + 20, 0);
    let (one, other) = (
        ticket(&server, account).await,
        ticket(&server, account).await,
    );
    let code = app.code(step + 20);
    let (one, other) = join(
        show(&server, &one, "totp", &code),
        show(&server, &other, "totp", &code),
    )
    .await;
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401], "{} {}", one.text(), other.text());
    server.stop().await;
}

#[wasm_bindgen_test]
async fn of_two_first_codes_at_once_one_switches_them_on() {
    let server = Server::shared_quick().await;
    let step = step_now();
    let account = Account::register(&server).await;
    let tokens = open(&server, &account).await;
    let app = begun(&server, &tokens.access).await;
    let code = app.code(step);
    let (one, other) = join(
        verify(&server, &tokens.access, &code),
        verify(&server, &tokens.access, &code),
    )
    .await;
    let (right, wrong) = match one.status {
        200 => (one, other),
        _ => (other, one),
    };
    assert_ne!(wrong.status, 200, "{}", wrong.text());
    // The codes that were shown are those that are good.
    let codes = codes_of(&right);
    let rows = "SELECT code_hash FROM recovery_codes WHERE user_id = ?";
    let rows = server.sql(rows, &[account.id.into()]).await;
    assert_eq!(rows.len(), 10);
    for code in [&codes[0], &codes[9]] {
        assert_eq!(sign_in(&server, &account, "recovery_code", code).await, 200);
    }
    assert_eq!(me(&server, &tokens.access).await, 200);
}

#[wasm_bindgen_test]
async fn five_wrong_codes_drop_a_new_secret() {
    let server = Server::shared_quick().await;
    let step = step_now();
    let account = Account::register(&server).await;
    let token = account.access_token.as_str();
    assert_eq!(seen(&verify(&server, token, "123456").await), NOT_BEGUN);
    let app = begun(&server, token).await;
    let wrong = app.wrong_code(step);
    // What is no code is no try.
    for text in ["12345", "1234567", "abcdef", "١٢٣٤٥٦"] {
        assert_eq!(seen(&verify(&server, token, text).await), INVALID, "{text}");
    }
    for _ in 0..4 {
        assert_eq!(seen(&verify(&server, token, &wrong).await), INVALID);
    }
    let rows = "SELECT new_secret, new_tries FROM totp WHERE user_id = ?";
    let tries = async || server.sql(rows, &[account.id.into()]).await;
    assert_eq!(tries().await[0]["new_tries"], 4);
    assert_eq!(seen(&verify(&server, token, &wrong).await), INVALID);
    assert!(tries().await.is_empty());
    let right = verify(&server, token, &app.code(step_now())).await;
    assert_eq!(seen(&right), NOT_BEGUN);
    // Another one has five of its own, and the fifth may be right.
    let app = begun(&server, token).await;
    for _ in 0..4 {
        assert_eq!(
            seen(&verify(&server, token, &app.wrong_code(step)).await),
            INVALID
        );
    }
    codes_of(&verify(&server, token, &app.code(step_now())).await);
    for body in [json!({}), json!({ "code": null }), json!({ "code": " " })] {
        let tokens = open(&server, &Account::register(&server).await).await;
        let request = server.request("POST", "/api/auth/totp/verify").json(body);
        let request = request.header("Authorization", &format!("Bearer {}", tokens.access));
        let expected = "{\"error\":\"Missing required fields: code\"}\n";
        assert_eq!(seen(&request.send().await), (400, expected));
    }
}

#[wasm_bindgen_test]
async fn a_new_app_takes_the_place_of_the_old_one_once_its_code_is_right() {
    let server = Server::start_with_clock(&QUICK).await;
    let step = step_now();
    at(&server, step, 0);
    let user = enrolled(&server, step).await;
    let account = &user.account;
    // A session that was signed in by one factor cannot have gone on; a token alone says no more than it did.
    let old = begun(&server, &user.tokens.access).await;
    for _ in 0..5 {
        let wrong = old.wrong_code(step);
        let answer = verify(&server, &user.tokens.access, &wrong).await;
        assert_eq!(seen(&answer), INVALID);
    }
    let dropped = verify(&server, &user.tokens.access, &old.code(step)).await;
    assert_eq!(seen(&dropped), NOT_BEGUN);
    let new = begun(&server, &user.tokens.access).await;
    at(&server, step + 1, 0);
    assert_eq!(
        sign_in(&server, account, "totp", &new.code(step + 1)).await,
        401
    );
    assert_eq!(
        sign_in(&server, account, "totp", &user.app.code(step + 1)).await,
        200
    );
    let code = new.code(step + 1);
    let codes = codes_of(&verify(&server, &user.tokens.access, &code).await);
    at(&server, step + 2, 0);
    assert_eq!(
        sign_in(&server, account, "totp", &user.app.code(step + 2)).await,
        401
    );
    assert_eq!(
        sign_in(&server, account, "totp", &new.code(step + 2)).await,
        200
    );
    // Its recovery codes are new as well.
    let old_code = &user.recovery_codes[0];
    assert_eq!(
        sign_in(&server, account, "recovery_code", old_code).await,
        401
    );
    assert_eq!(
        sign_in(&server, account, "recovery_code", &codes[0]).await,
        200
    );
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_change_wants_a_recent_sign_in_by_the_factors_that_are_on() {
    let server = Server::start_with_clock(&QUICK).await;
    let step = step_now();
    at(&server, step, 0);
    let with = enrolled(&server, step).await;
    let without = Account::register(&server).await;
    let one_factor = Account::register(&server).await;
    let session = open(&server, &one_factor).await;
    add_passkey(&server, &one_factor).await;
    let routes = [
        ("POST", "/api/auth/totp"),
        ("DELETE", "/api/auth/totp"),
        ("POST", "/api/auth/recovery-codes"),
    ];
    // That a sign-in is long ago comes before whether it was by two factors.
    at(&server, step + 21, 0);
    for (method, path) in routes {
        for token in [&with.tokens.access, &without.access_token, &session.access] {
            let answer = send(&server, method, path, token).await;
            assert_eq!(seen(&answer), NOT_RECENT, "{method} {path}");
        }
    }
    at(&server, step + 1, 0);
    for (method, path) in routes {
        let answer = send(&server, method, path, &session.access).await;
        assert_eq!(seen(&answer), ONE_FACTOR, "{method} {path}");
    }
    let answer = verify(&server, &session.access, "123456").await;
    assert_eq!(seen(&answer), ONE_FACTOR);
    for ((method, path), expected) in routes.into_iter().skip(1).zip([NOT_ON, NOTHING_ON]) {
        let answer = send(&server, method, path, &without.access_token).await;
        assert_eq!(seen(&answer), expected, "{method} {path}");
    }
    // One that is not on yet is not switched off.
    begun(&server, &without.access_token).await;
    let answer = send(&server, "DELETE", "/api/auth/totp", &without.access_token).await;
    assert_eq!(seen(&answer), NOT_ON);
    for (method, path) in routes {
        let answer = server.request(method, path).send().await;
        assert_eq!(answer.status, 401, "{method} {path}");
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn switched_off_a_password_is_enough_again() {
    let server = Server::start_with_clock(&QUICK).await;
    let step = step_now();
    at(&server, step, 0);
    for keeps_codes in [false, true] {
        let user = enrolled(&server, step).await;
        let (account, token) = (&user.account, &user.tokens.access);
        if keeps_codes {
            add_passkey(&server, account).await;
        }
        let void = ticket(&server, account).await;
        assert_no_content(&send(&server, "DELETE", "/api/auth/totp", token).await);
        assert_eq!(
            seen(&send(&server, "DELETE", "/api/auth/totp", token).await),
            NOT_ON
        );
        let code = &user.recovery_codes[0];
        let dead = show(&server, &void, "recovery_code", code).await;
        let expected = (401, "{\"error\":\"Invalid or expired ticket\"}\n");
        assert_eq!(seen(&dead), expected);
        let answer = try_open(&server, account, PASSWORD).await;
        if keeps_codes {
            // The passkey is asked for still, and a recovery code will do in its place.
            assert_eq!(answer.status, 403);
            let factors = answer.json()["second_factors"].clone();
            assert_eq!(factors, json!(["passkey", "recovery_code"]));
            assert_eq!(sign_in(&server, account, "recovery_code", code).await, 200);
        } else {
            assert_eq!(answer.status, 200);
            let tokens = claims(answer.json()["access_token"].as_str().unwrap());
            assert_eq!(tokens["amr"], json!(null));
        }
        let rows = "SELECT code_hash FROM recovery_codes WHERE user_id = ?";
        let rows = server.sql(rows, &[account.id.into()]).await;
        assert_eq!(rows.len(), if keeps_codes { 9 } else { 0 });
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn the_owner_is_told_and_the_audit_trail_has_it() {
    let server = Server::start(&[&MAIL[..], &QUICK].concat()).await;
    let account = Account::register(&server).await;
    server.mail().await;
    let proven = "UPDATE users SET email_verified_at = 1 WHERE id = ?";
    server.sql(proven, &[account.id.into()]).await;
    let tokens = open(&server, &account).await;
    server.mail().await;
    let answer = send(&server, "POST", "/api/auth/totp", &tokens.access).await;
    let body = answer.json();
    // People know the service by its host.
    let uri = body["uri"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/auth.example.com:"), "{uri}");
    assert_eq!(server.mail().await, []);
    let app = App::new(body["secret"].as_str().unwrap());
    let wrong = app.wrong_code(step_now());
    verify(&server, &tokens.access, &wrong).await;
    assert_eq!(server.mail().await, []);
    codes_of(&verify(&server, &tokens.access, &app.code(step_now())).await);
    let mail = server.mail_to(&account.email).await;
    assert_eq!(
        mail.subject,
        "A second factor was switched on at auth.example.com"
    );
    let tokens = refreshed(&server, &tokens.refresh).await;
    let path = "/api/auth/recovery-codes";
    codes_of(&send(&server, "POST", path, &tokens.access).await);
    assert_no_content(&send(&server, "DELETE", "/api/auth/totp", &tokens.access).await);
    let mail = server.mail_to(&account.email).await;
    assert_eq!(
        mail.subject,
        "A second factor was switched off at auth.example.com"
    );
    let events = "SELECT action FROM audit WHERE user_id = ? AND actor_id = ?1 AND detail IS NULL \
        AND (action LIKE 'totp%' OR action LIKE 'recovery%') ORDER BY id";
    let expected = ["totp_on", "recovery_codes_replaced", "totp_off"];
    for _ in 0..1000 {
        if server.sql(events, &[account.id.into()]).await.len() == expected.len() {
            break;
        }
    }
    let actions = server.sql(events, &[account.id.into()]).await;
    let actions: Vec<_> = actions.iter().map(|row| &row["action"]).collect();
    assert_eq!(actions, expected);
    server.stop().await;
}
