//! `/account/security`.

use wasm_bindgen_test::wasm_bindgen_test;

use super::visitor::{
    SECURITY, SIGN_IN, SIGN_IN_AGAIN, assert_beside, assert_leads, assert_nobody, form, get,
    hidden, post, sessions, sign_in, signed_in,
};
use super::{assert_page, assert_title};
use crate::harness::{Account, MAIL, PASSWORD, QUICK, Server, me, open, unique};
use crate::mail::{NEW_PASSWORD, settings, verified};

const PASSWORD_FORM: &str = "/account/security/password";
const ADDRESS_FORM: &str = "/account/security/address";
const ADDRESS_CODE: &str = "/account/security/address/confirm";

#[wasm_bindgen_test]
async fn nobody_sees_or_changes_anything_without_a_cookie() {
    let server = Server::start(&settings()).await;
    let answer = server.request("GET", SECURITY).send().await;
    assert_eq!(assert_leads(&answer, SIGN_IN), None);
    for path in [
        "/account/security/session",
        "/account/security/other-sessions",
        PASSWORD_FORM,
        ADDRESS_FORM,
        ADDRESS_CODE,
    ] {
        let fields = [("new_password", NEW_PASSWORD), ("email", "a@example.com")];
        assert_leads(&form(&server, path, &fields).send().await, SIGN_IN);
        let answer = server.request("GET", path).send().await;
        assert_page(&answer, 405);
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn sessions_are_listed_and_ended() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let other = Account::register(&server).await;
    let foreign = signed_in(&server, &other).await;
    let cookie = signed_in(&server, &account).await;
    let tokens = open(&server, &account).await;
    let second = signed_in(&server, &account).await;
    let answer = get(&server, SECURITY, &cookie).await;
    assert_title(&answer, 200, "Security");
    let count = |text: &str| answer.text().matches(text).count();
    assert_eq!(count("<li>"), 3);
    assert_eq!(count("(this browser)"), 1);
    // The current one is left by signing out.
    assert_eq!(count("name=\"id\""), 2);

    let end = async |id: &str| {
        let path = "/account/security/session";
        let answer = post(&server, path, &cookie, &[("id", id)]).await;
        assert_leads(&answer, "/account/security?done=session");
    };
    end(&tokens.session()).await;
    assert_eq!(me(&server, &tokens.access).await, 401);
    // What is over, or another's, stays as it is.
    end(&tokens.session()).await;
    let rows = sessions(&server, &other).await;
    end(rows[0]["id"].as_str().unwrap()).await;
    assert_page(&get(&server, SECURITY, &foreign).await, 200);
    assert_page(&get(&server, SECURITY, &second).await, 200);

    let path = "/account/security/other-sessions";
    let answer = post(&server, path, &cookie, &[]).await;
    assert_leads(&answer, "/account/security?done=other-sessions");
    assert_nobody(&server, &second).await;
    assert_page(&get(&server, SECURITY, &cookie).await, 200);
    assert_page(&get(&server, SECURITY, &foreign).await, 200);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn only_a_page_of_ours_says_what_was_done() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let cookie = signed_in(&server, &account).await;
    let path = "/account/security?done=password";
    for (site, is_said) in [
        (Some("same-origin"), true),
        (Some("cross-site"), false),
        (Some("none"), false),
        (None, false),
    ] {
        let mut request = server.request("GET", path).header("Cookie", &cookie);
        if let Some(site) = site {
            request = request.header("Sec-Fetch-Site", site);
        }
        let answer = request.send().await;
        assert_page(&answer, 200);
        let said = answer.text().contains("Your password is saved");
        assert_eq!(said, is_said, "{site:?}");
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_password_is_changed() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let cookie = signed_in(&server, &account).await;
    let other = signed_in(&server, &account).await;
    for (current, new, status, field) in [
        ("a wrong password", NEW_PASSWORD, 403, "current_password"),
        ("", NEW_PASSWORD, 400, "current_password"),
        (PASSWORD, "", 400, "new_password"),
        (PASSWORD, "short", 400, "new_password"),
        (PASSWORD, &*account.email, 400, "new_password"),
    ] {
        let fields = [("current_password", current), ("new_password", new)];
        let answer = post(&server, PASSWORD_FORM, &cookie, &fields).await;
        assert_title(&answer, status, "Security");
        let error = format!("id=\"{field}-error\"");
        assert!(answer.text().contains(&error), "{}", answer.text());
        assert!(!answer.text().contains(PASSWORD), "{}", answer.text());
    }
    let fields = [
        ("current_password", PASSWORD),
        ("new_password", NEW_PASSWORD),
    ];
    let answer = post(&server, PASSWORD_FORM, &cookie, &fields).await;
    assert_leads(&answer, "/account/security?done=password");
    assert_page(&get(&server, SECURITY, &cookie).await, 200);
    assert_nobody(&server, &other).await;
    assert_page(&sign_in(&server, &account.email, PASSWORD).await, 401);
    let answer = sign_in(&server, &account.email, NEW_PASSWORD).await;
    assert_eq!(answer.status, 303);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn an_address_is_changed_after_a_recent_sign_in() {
    let settings = [&MAIL[..], &QUICK].concat();
    let server = Server::start_with_clock(&settings).await;
    let account = verified(&server).await;
    let cookie = signed_in(&server, &account).await;
    // That of the registration, and the notice of the sign-in.
    server.mail().await;
    let new = format!("{}@example.com", unique("new"));

    server.set_clock(601_000.0);
    let answer = get(&server, SECURITY, &cookie).await;
    assert_page(&answer, 200);
    assert!(!answer.text().contains("id=\"email\""));
    let answer = post(&server, ADDRESS_FORM, &cookie, &[("email", &new)]).await;
    assert_leads(&answer, SIGN_IN_AGAIN);
    assert!(server.mail().await.is_empty());

    let again = [
        ("username", &*account.email),
        ("password", PASSWORD),
        ("again", "1"),
        ("next", SECURITY),
    ];
    let answer = post(&server, "/sign-in", &cookie, &again).await;
    let cookie = super::visitor::cookie(&answer);
    assert_eq!(sessions(&server, &account).await.len(), 1);
    // The notice of that sign-in.
    server.mail().await;
    for (email, text) in [
        (
            &*account.email,
            "This is the address of your account already.",
        ),
        ("ann", "Enter an email address such as ann@example.com."),
        ("", "Please fill in this field."),
    ] {
        let answer = post(&server, ADDRESS_FORM, &cookie, &[("email", email)]).await;
        assert_title(&answer, 400, "Security");
        assert_beside(&answer, "email", text);
    }
    let answer = post(&server, ADDRESS_FORM, &cookie, &[("email", &new)]).await;
    assert_title(&answer, 200, "Enter the code");
    let id = hidden(&answer, "id");
    let code = server.mail_to(&new).await.code().to_owned();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let fields = [("id", &*id), ("code", wrong)];
    let answer = post(&server, ADDRESS_CODE, &cookie, &fields).await;
    assert_title(&answer, 400, "Enter the code");
    assert_eq!(hidden(&answer, "id"), id);
    let fields = [("id", &*id), ("code", &*code)];
    let answer = post(&server, ADDRESS_CODE, &cookie, &fields).await;
    assert_leads(&answer, "/account/security?done=address");
    let answer = get(&server, SECURITY, &cookie).await;
    assert!(answer.text().contains(&new), "{}", answer.text());
    server.stop().await;
}

#[wasm_bindgen_test]
async fn without_mail_no_address_is_changed() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let cookie = signed_in(&server, &account).await;
    let answer = get(&server, SECURITY, &cookie).await;
    assert!(!answer.text().contains(ADDRESS_FORM));
    for path in [ADDRESS_FORM, ADDRESS_CODE] {
        let answer = post(&server, path, &cookie, &[("email", "a@example.com")]).await;
        assert_title(&answer, 404, "There is no such page");
    }
    server.stop().await;
}
