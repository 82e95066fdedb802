//! The second step of sign-ins, as it is switched on and off on pages.

use wasm_bindgen_test::wasm_bindgen_test;

use super::visitor::{
    SECURITY, SIGN_IN, SIGN_IN_AGAIN, assert_beside, assert_leads, assert_nobody, cookie,
    foreign_form, form, get, hidden, post, sign_in, signed_in,
};
use super::{assert_has, assert_page, assert_title};
use crate::factors::{App, enrolled, step_now};
use crate::harness::{Account, Answer, QUICK, Server};

const SET_UP: &str = "/account/security/totp";
const VERIFY: &str = "/account/security/totp/verify";
const OFF: &str = "/account/security/totp/off";
const CODES: &str = "/account/security/recovery-codes";
const ALL: [&str; 4] = [SET_UP, VERIFY, OFF, CODES];

/// The app that is told the key of the page.
fn app(answer: &Answer) -> App {
    let (_, rest) = answer.text().split_once("<dd class=\"key\">").unwrap();
    let (key, _) = rest.split_once('<').unwrap();
    App::new(&key.replace(' ', ""))
}

/// The recovery codes that the page shows.
fn codes(answer: &Answer) -> Vec<String> {
    assert_title(answer, 200, "Your recovery codes");
    assert_has(answer, true, false);
    let items = answer.text().split("<li>").skip(1);
    let codes: Vec<_> = items
        .map(|item| item.split('<').next().unwrap().to_owned())
        .collect();
    assert_eq!(codes.len(), 10);
    codes
}

async fn begun(server: &Server, cookie: &str) -> App {
    let answer = post(server, SET_UP, cookie, &[]).await;
    assert_title(&answer, 200, "Set up an authenticator app");
    assert_has(&answer, false, true);
    for part in [
        "src=\"data:image/svg+xml;base64,",
        "href=\"otpauth://totp/",
        "<meta name=\"referrer\" content=\"strict-origin\">",
    ] {
        assert!(answer.text().contains(part), "{}", answer.text());
    }
    app(&answer)
}

/// A sign-in by password and this code.
async fn by_two(server: &Server, account: &Account, code: &str) -> Answer {
    let answer = sign_in(server, &account.email, crate::harness::PASSWORD).await;
    assert_title(&answer, 200, "One more step");
    let ticket = hidden(&answer, "ticket");
    let fields = [("ticket", &*ticket), ("code", code)];
    form(server, "/sign-in/second-factor", &fields).send().await
}

#[wasm_bindgen_test]
async fn an_app_is_set_up_moved_and_switched_off() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let other = signed_in(&server, &account).await;
    let first = signed_in(&server, &account).await;
    let app = begun(&server, &first).await;
    let step = step_now();
    for (code, text) in [
        (
            &*app.wrong_code(step),
            "This code is wrong or no longer valid.",
        ),
        ("", "Please fill in this field."),
    ] {
        let answer = post(&server, VERIFY, &first, &[("code", code)]).await;
        assert_title(&answer, 400, "Set up an authenticator app");
        assert_has(&answer, false, false);
        assert_beside(&answer, "code", text);
    }
    let answer = post(&server, VERIFY, &first, &[("code", &app.code(step))]).await;
    let recovery = codes(&answer);
    assert!(answer.text().contains("all other sessions have ended"));
    assert_nobody(&server, &other).await;
    let answer = get(&server, SECURITY, &first).await;
    assert_has(&answer, false, false);
    assert!(answer.text().contains("Recovery codes left: 10."));

    let second = cookie(&by_two(&server, &account, &recovery[0].to_lowercase()).await);
    assert_title(
        &by_two(&server, &account, &recovery[0]).await,
        401,
        "One more step",
    );
    // Both have shown two factors.
    let replaced = codes(&post(&server, CODES, &second, &[]).await);
    assert!(replaced.iter().all(|code| !recovery.contains(code)));
    let moved = begun(&server, &second).await;
    let answer = post(&server, VERIFY, &second, &[("code", &moved.code(step))]).await;
    codes(&answer);
    // A later one, since the first is used.
    let third = cookie(&by_two(&server, &account, &moved.code(step + 1)).await);
    // It is so when the form is sent twice, too.
    for _ in 0..2 {
        let answer = post(&server, OFF, &third, &[]).await;
        assert_leads(&answer, "/account/security?done=totp-off");
    }
    signed_in(&server, &account).await;
    server.stop().await;
}

#[wasm_bindgen_test]
async fn five_wrong_codes_end_it() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let cookie = signed_in(&server, &account).await;
    let app = begun(&server, &cookie).await;
    let step = step_now();
    for _ in 0..5 {
        let fields = [("code", &*app.wrong_code(step))];
        assert_page(&post(&server, VERIFY, &cookie, &fields).await, 400);
    }
    let fields = [("code", &*app.code(step))];
    let answer = post(&server, VERIFY, &cookie, &fields).await;
    assert_title(&answer, 409, "Security");
    assert!(answer.text().contains("Please begin again."));
    server.stop().await;
}

#[wasm_bindgen_test]
async fn only_our_own_pages_ask_for_whoever_is_signed_in() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let cookie = signed_in(&server, &account).await;
    for path in ALL {
        let foreign = foreign_form(&server, path, &[]).header("Cookie", &cookie);
        let answer = foreign.header("Sec-Fetch-Site", "same-site").send().await;
        assert_title(&answer, 403, "This form was not accepted");
        assert_leads(&form(&server, path, &[]).send().await, SIGN_IN);
        assert_page(&get(&server, path, &cookie).await, 405);
    }
    // What there is not yet.
    let answer = post(&server, CODES, &cookie, &[]).await;
    assert_title(&answer, 409, "This is no longer possible");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn what_is_shown_is_shown_lately_and_twice() {
    let server = Server::start_with_clock(&QUICK).await;
    let account = Account::register(&server).await;
    let cookie = signed_in(&server, &account).await;
    server.set_clock(601_000.0);
    for path in [SET_UP, OFF, CODES] {
        assert_leads(&post(&server, path, &cookie, &[]).await, SIGN_IN_AGAIN);
    }
    let answer = get(&server, SECURITY, &cookie).await;
    assert!(!answer.text().contains("/account/security/totp"));

    // A session of one factor, from before the account asked for two.
    let cookie = signed_in(&server, &account).await;
    let statement = "INSERT INTO passkeys (credential_id, user_id, id, public_key, sign_count, \
        backup_eligible, backed_up, user_verified, second_factor, name, created_at) \
        VALUES ('key', ?1, 'key', 'AA', 0, 0, 0, 0, 1, 'Key', 0)";
    server.sql(statement, &[account.id.into()]).await;
    for path in ALL {
        let answer = post(&server, path, &cookie, &[("code", "123456")]).await;
        assert_leads(&answer, SIGN_IN_AGAIN);
    }
    let answer = get(&server, SECURITY, &cookie).await;
    assert!(answer.text().contains("id=\"two-step\""));
    assert!(!answer.text().contains("/account/security/totp"));
    server.stop().await;
}

#[wasm_bindgen_test]
async fn without_a_data_key_there_is_none() {
    let server = Server::start(&[&QUICK[..], &[("DATA_KEY", None)]].concat()).await;
    let account = Account::register(&server).await;
    let cookie = signed_in(&server, &account).await;
    let answer = get(&server, SECURITY, &cookie).await;
    assert_page(&answer, 200);
    assert!(!answer.text().contains("id=\"two-step\""));
    for path in ALL {
        let answer = post(&server, path, &cookie, &[("code", "123456")]).await;
        assert_title(&answer, 404, "There is no such page");
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn an_app_of_the_api_signs_in_on_pages() {
    let server = Server::start(&QUICK).await;
    let step = step_now();
    let enrolled = enrolled(&server, step).await;
    let answer = by_two(&server, &enrolled.account, &enrolled.app.wrong_code(step)).await;
    assert_title(&answer, 401, "One more step");
    assert_has(&answer, false, false);
    assert_beside(&answer, "code", "This code is wrong or no longer valid.");
    cookie(&by_two(&server, &enrolled.account, &enrolled.app.code(step + 1)).await);
    server.stop().await;
}
