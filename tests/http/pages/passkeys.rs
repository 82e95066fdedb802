//! Passkeys, as they are made, changed and used on pages.

use serde_json::Value;
use wasm_bindgen_test::wasm_bindgen_test;

use super::visitor::{
    SECURITY, SIGN_IN, SIGN_IN_AGAIN, assert_leads, cookie, foreign_form, form, get, hidden, post,
    sign_in, signed_in,
};
use super::{assert_has, assert_page, assert_title};
use crate::factors::{enrol, step_now};
use crate::harness::{
    Account, Answer, Authenticator, MAIL, PASSWORD, QUICK, Server, Setting, base64url, unique,
};
use crate::mail::settings;

const ADD: &str = "/account/security/passkey";
const NAME: &str = "/account/security/passkey/name";
const SECOND_FACTOR: &str = "/account/security/passkey/second-factor";
const REMOVE: &str = "/account/security/passkey/remove";

/// Settings under which there are passkeys and no mail.
fn without_mail() -> Vec<Setting<'static>> {
    [&MAIL[2..], &QUICK].concat()
}

fn authenticator() -> Authenticator {
    let mut authenticator = Authenticator::p256(1, "auth.example.com", "https://auth.example.com");
    authenticator.credential_id = unique("a passkey of pages, number ").into_bytes();
    authenticator
}

/// The options that the script of the page finds.
fn options(answer: &Answer) -> Value {
    assert_has(answer, true, false);
    let (_, rest) = answer.text().split_once(" data-options=\"").unwrap();
    let (text, _) = rest.split_once('"').unwrap();
    let text = text.replace("&#34;", "\"").replace("&#39;", "'");
    serde_json::from_str(&text.replace("&#38;", "&")).unwrap()
}

async fn try_add(
    server: &Server,
    cookie: &str,
    authenticator: &mut Authenticator,
    fields: &[(&str, &str)],
) -> Answer {
    let answer = get(server, ADD, cookie).await;
    assert_title(&answer, 200, "Add a passkey");
    let credential = authenticator.create(&options(&answer)).to_string();
    let fields = [&[("credential", &*credential)], fields].concat();
    post(server, ADD, cookie, &fields).await
}

async fn add(server: &Server, cookie: &str, fields: &[(&str, &str)]) -> Authenticator {
    let mut authenticator = authenticator();
    let answer = try_add(server, cookie, &mut authenticator, fields).await;
    assert_leads(&answer, "/account/security?done=passkey-added");
    authenticator
}

/// Shows a passkey on the page to sign in on.
async fn sign_in_by(server: &Server, authenticator: &mut Authenticator) -> Answer {
    let answer = server.request("GET", "/sign-in").send().await;
    let credential = authenticator.get(&options(&answer)).to_string();
    let fields = [("credential", &*credential)];
    form(server, "/sign-in/passkey", &fields).send().await
}

/// Shows a passkey on the page for the second factor.
async fn go_on_by(server: &Server, page: &Answer, authenticator: &mut Authenticator) -> Answer {
    let credential = authenticator.get(&options(page)).to_string();
    let names = ["next", "again", "ticket", "by_code", "by_passkey"];
    let values = names.map(|name| hidden(page, name));
    let mut fields: Vec<_> = names
        .into_iter()
        .zip(values.iter().map(|value| &**value))
        .collect();
    fields.push(("credential", &credential));
    form(server, "/sign-in/second-factor", &fields).send().await
}

async fn passkeys(server: &Server) -> Vec<Value> {
    let statement = "SELECT id, name, second_factor FROM passkeys ORDER BY created_at, id";
    server.sql(statement, &[]).await
}

#[wasm_bindgen_test]
async fn a_passkey_is_added_used_changed_and_removed() {
    let server = Server::start(&settings()).await;
    let account = Account::register(&server).await;
    let first = signed_in(&server, &account).await;
    let mut authenticator = add(&server, &first, &[("name", "Ann's <key>")]).await;
    let cookie = cookie(&sign_in_by(&server, &mut authenticator).await);
    let answer = get(&server, SECURITY, &cookie).await;
    assert_page(&answer, 200);
    assert_has(&answer, false, false);
    assert!(answer.text().contains("<bdi>Ann&#39;s &#60;key&#62;</bdi>"));
    let id = passkeys(&server).await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();

    let change = async |path: &str, name: &str, value: &str, expected: (&str, i32)| {
        let fields = [("id", &*id), (name, value)];
        let answer = post(&server, path, &cookie, &fields).await;
        assert_leads(&answer, "/account/security?done=passkey-changed");
        let passkey = &passkeys(&server).await[0];
        let (name, second_factor) = (expected.0.into(), expected.1.into());
        assert_eq!(
            (&passkey["name"], &passkey["second_factor"]),
            (&name, &second_factor)
        );
    };
    change(NAME, "name", "Old key", ("Old key", 0)).await;
    change(SECOND_FACTOR, "second_factor", "1", ("Old key", 1)).await;
    change(SECOND_FACTOR, "second_factor", "", ("Old key", 0)).await;
    for (name, text) in [
        ("", "Use 1 to 200 characters."),
        ("a\u{1}", "Leave out characters"),
    ] {
        let answer = post(&server, NAME, &cookie, &[("id", &*id), ("name", name)]).await;
        assert_title(&answer, 400, "Security");
        assert!(answer.text().contains(text), "{}", answer.text());
    }
    // What is gone stays so.
    for _ in 0..2 {
        let answer = post(&server, REMOVE, &cookie, &[("id", &*id)]).await;
        assert_leads(&answer, "/account/security?done=passkey-removed");
    }
    for path in [NAME, SECOND_FACTOR] {
        let fields = [("id", &*id), ("name", "New"), ("second_factor", "1")];
        let answer = post(&server, path, &cookie, &fields).await;
        assert_title(&answer, 404, "There is no such page");
    }
    let answer = sign_in_by(&server, &mut authenticator).await;
    assert_title(&answer, 401, "Sign in");
    assert!(answer.text().contains("This passkey was not accepted."));
    server.stop().await;
}

#[wasm_bindgen_test]
async fn what_a_browser_says_is_read_strictly() {
    let server = Server::start(&settings()).await;
    let account = Account::register(&server).await;
    let cookie = signed_in(&server, &account).await;
    let ticket = ("ticket", "x");
    for credential in ["", "{", "[]", "null", "{\"id\":\"a\",\"id\":\"a\"}", "{}x"] {
        for path in [ADD, "/sign-in/passkey", "/sign-in/second-factor"] {
            let fields = [ticket, ("credential", credential)];
            let answer = post(&server, path, &cookie, &fields).await;
            assert_title(&answer, 400, "This request could not be understood");
        }
    }
    let answer = post(
        &server,
        ADD,
        &cookie,
        &[("credential", "{}"), ("name", "Key")],
    )
    .await;
    assert_title(&answer, 400, "Add a passkey");
    assert!(answer.text().contains("This passkey was not accepted."));
    assert!(answer.text().contains("value=\"Key\""));
    options(&answer);
    let answer = post(&server, "/sign-in/passkey", "", &[("credential", "{}")]).await;
    assert_title(&answer, 401, "Sign in");
    options(&answer);
    // The challenge of one is of no use for the other.
    let page = server.request("GET", "/sign-in").send().await;
    let credential = authenticator().create(&options(&page)).to_string();
    let fields = [("credential", &*credential), ("name", "Key")];
    assert_title(
        &post(&server, ADD, &cookie, &fields).await,
        400,
        "Add a passkey",
    );
    assert!(passkeys(&server).await.is_empty());
    server.stop().await;
}

#[wasm_bindgen_test]
async fn the_largest_passkey_fits_into_a_form() {
    let server = Server::start(&settings()).await;
    let account = Account::register(&server).await;
    let cookie = signed_in(&server, &account).await;
    let mut authenticator = authenticator();
    authenticator.credential_id.resize(1023, b'x');
    let name = "ä".repeat(200);
    let answer = try_add(&server, &cookie, &mut authenticator, &[("name", &name)]).await;
    assert_leads(&answer, "/account/security?done=passkey-added");
    super::visitor::cookie(&sign_in_by(&server, &mut authenticator).await);
    let fields = [("credential", &*"x".repeat(16 * 1024))];
    let answer = post(&server, ADD, &cookie, &fields).await;
    assert_title(&answer, 413, "That was too much");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_passkey_is_a_second_factor() {
    let server = Server::start(&settings()).await;
    let account = Account::register(&server).await;
    let first = signed_in(&server, &account).await;
    let fields = [("name", "Key"), ("second_factor", "1")];
    let mut authenticator = add(&server, &first, &fields).await;
    let begin = async || sign_in(&server, &account.email, PASSWORD).await;
    let page = begin().await;
    assert_title(&page, 200, "One more step");
    // No code could be right.
    assert!(!page.text().contains("name=\"code\""));
    let allowed = &options(&page)["allowCredentials"];
    assert_eq!(allowed.as_array().unwrap().len(), 1);
    // Neither another passkey nor another answer will do.
    let mut other = self::authenticator();
    other.user_handle = authenticator.user_handle.clone();
    let answer = go_on_by(&server, &page, &mut other).await;
    assert_title(&answer, 401, "One more step");
    assert!(answer.text().contains("This passkey was not accepted."));
    assert!(!answer.text().contains("name=\"code\""));
    let two = cookie(&go_on_by(&server, &answer, &mut authenticator).await);
    // That ticket is spent.
    let answer = go_on_by(&server, &page, &mut authenticator).await;
    assert_title(&answer, 401, "Sign in");
    // It counts as two factors.
    let answer = post(&server, "/account/security/recovery-codes", &two, &[]).await;
    assert_title(&answer, 200, "Your recovery codes");
    let page = begin().await;
    assert!(page.text().contains("name=\"code\""));
    options(&page);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_passkey_without_verification_is_one_factor() {
    let server = Server::start(&settings()).await;
    let account = Account::register(&server).await;
    let first = signed_in(&server, &account).await;
    let mut plain = authenticator();
    plain.flags = 1;
    let answer = try_add(&server, &first, &mut plain, &[("name", "Key")]).await;
    assert_leads(&answer, "/account/security?done=passkey-added");
    let step = step_now();
    let enrolled = enrol(&server, account, step).await;
    let page = sign_in_by(&server, &mut plain).await;
    assert_title(&page, 200, "One more step");
    // There is no other one, so none is asked for.
    assert_has(&page, false, false);
    let ticket = hidden(&page, "ticket");
    let code = enrolled.app.code(step + 1);
    let fields = [("ticket", &*ticket), ("code", &*code)];
    cookie(
        &form(&server, "/sign-in/second-factor", &fields)
            .send()
            .await,
    );
    server.stop().await;
}

#[wasm_bindgen_test]
async fn only_our_own_pages_ask_for_whoever_is_signed_in() {
    let server = Server::start_with_clock(&settings()).await;
    let account = Account::register(&server).await;
    let cookie = signed_in(&server, &account).await;
    add(&server, &cookie, &[("name", "Key")]).await;
    let id = passkeys(&server).await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let fields = [
        ("id", &*id),
        ("name", "Mine"),
        ("second_factor", "1"),
        ("credential", "{}"),
    ];
    for path in [ADD, NAME, SECOND_FACTOR, REMOVE, "/sign-in/passkey"] {
        let foreign = foreign_form(&server, path, &fields).header("Cookie", &cookie);
        let answer = foreign.header("Sec-Fetch-Site", "same-site").send().await;
        assert_title(&answer, 403, "This form was not accepted");
    }
    for path in [ADD, NAME, SECOND_FACTOR, REMOVE] {
        assert_leads(&form(&server, path, &fields).send().await, SIGN_IN);
    }
    let answer = server.request("GET", ADD).send().await;
    assert_leads(&answer, SIGN_IN);
    server.set_clock(601_000.0);
    assert_leads(&get(&server, ADD, &cookie).await, SIGN_IN_AGAIN);
    for path in [SECOND_FACTOR, REMOVE] {
        assert_leads(&post(&server, path, &cookie, &fields).await, SIGN_IN_AGAIN);
    }
    let answer = get(&server, SECURITY, &cookie).await;
    for (path, is_there) in [(NAME, true), (SECOND_FACTOR, false), (REMOVE, false)] {
        let action = format!("action=\"{path}\"");
        assert_eq!(answer.text().contains(&action), is_there, "{path}");
    }
    assert!(!answer.text().contains("href=\"/account/security/passkey\""));
    // A name asks for nothing.
    let answer = post(&server, NAME, &cookie, &fields).await;
    assert_leads(&answer, "/account/security?done=passkey-changed");
    assert_eq!(passkeys(&server).await.len(), 1);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn what_cannot_be_done_is_said() {
    let server = Server::start(&without_mail()).await;
    let account = Account::register(&server).await;
    let cookie = signed_in(&server, &account).await;
    let mut authenticator = add(&server, &cookie, &[("name", "Key")]).await;
    let answer = try_add(&server, &cookie, &mut authenticator, &[("name", "Key")]).await;
    assert_title(&answer, 409, "Add a passkey");
    assert!(answer.text().contains("This passkey is in use already."));
    // Without mail, a code is no other way.
    let statement = "UPDATE users SET password_hash = NULL WHERE id = ?";
    server.sql(statement, &[account.id.into()]).await;
    let id = passkeys(&server).await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let answer = post(&server, REMOVE, &cookie, &[("id", &*id)]).await;
    assert_title(&answer, 409, "Security");
    assert!(answer.text().contains("the only way to sign in"));
    let statement = "INSERT INTO passkeys SELECT ?1, user_id, id || ?1, public_key, \
        sign_count, backup_eligible, backed_up, user_verified, second_factor, name, created_at, \
        last_used_at, transports FROM passkeys WHERE id = ?2";
    for _ in 0..19 {
        let credential_id = base64url(unique("another passkey ").as_bytes());
        let values = [credential_id.into(), Value::from(&*id)];
        server.sql(statement, &values).await;
    }
    let answer = get(&server, ADD, &cookie).await;
    assert_title(&answer, 409, "Security");
    assert!(answer.text().contains("as many passkeys as there can be"));
    assert!(!answer.text().contains("href=\"/account/security/passkey\""));
    server.stop().await;
}

#[wasm_bindgen_test]
async fn without_a_relying_party_there_are_none() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let cookie = signed_in(&server, &account).await;
    for (path, cookie) in [("/sign-in", ""), (SECURITY, &*cookie)] {
        let answer = get(&server, path, cookie).await;
        assert_page(&answer, 200);
        assert_has(&answer, false, false);
        assert!(!answer.text().contains("passkey"), "{}", answer.text());
    }
    assert_title(
        &get(&server, ADD, &cookie).await,
        404,
        "There is no such page",
    );
    for path in [ADD, NAME, SECOND_FACTOR, REMOVE, "/sign-in/passkey"] {
        let answer = post(&server, path, &cookie, &[("credential", "{}")]).await;
        assert_title(&answer, 404, "There is no such page");
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn most_pages_have_no_script() {
    let server = Server::start(&settings()).await;
    let account = Account::register(&server).await;
    let cookie = signed_in(&server, &account).await;
    let answer = get(&server, "/sign-in", "").await;
    assert_has(&answer, true, false);
    assert!(answer.text().contains("autocomplete=\"username webauthn\""));
    for path in ["/sign-up", SECURITY, "/account/confirm", "/account/nowhere"] {
        let answer = get(&server, path, &cookie).await;
        assert_page(&answer, answer.status);
        assert_has(&answer, false, false);
    }
    let answer = post(&server, "/account/security/totp/verify", &cookie, &[]).await;
    assert_page(&answer, 400);
    assert_has(&answer, false, false);
    server.stop().await;
}
