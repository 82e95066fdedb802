//! `/sign-in`, `/sign-up` and what leads there.

use wasm_bindgen_test::wasm_bindgen_test;

use super::visitor::{
    SECURITY, SIGN_IN, SIGN_IN_AGAIN, assert_beside, assert_leads, cookie, form, get, hidden, post,
    sessions, sign_in, signed_in,
};
use super::{assert_page, assert_title};
use crate::harness::{Account, PASSWORD, QUICK, Server, unique, unique_address};
use crate::mail::{registered, settings, verified};

#[wasm_bindgen_test]
async fn a_password_signs_in_by_either_name() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    for name in [&account.email, &account.username] {
        let cookie = cookie(&sign_in(&server, name, PASSWORD).await);
        assert_title(&get(&server, SECURITY, &cookie).await, 200, "Security");
    }
    let actions = "SELECT action FROM audit WHERE user_id = ? AND action = 'sign_in'";
    for _ in 0..1000 {
        if server.sql(actions, &[account.id.into()]).await.len() == 2 {
            break;
        }
    }
    assert_eq!(server.sql(actions, &[account.id.into()]).await.len(), 2);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn what_is_wrong_is_said_beside_a_field() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let wrong = "Name or password is wrong.";
    for (name, password, status, field, text) in [
        (&*account.email, "a wrong password", 401, "password", wrong),
        ("nobody@example.com", PASSWORD, 401, "password", wrong),
        ("<b>\"'", PASSWORD, 401, "password", wrong),
        ("", PASSWORD, 400, "username", "Please fill in this field."),
        (
            &*account.email,
            "",
            400,
            "password",
            "Please fill in this field.",
        ),
    ] {
        let fields = [("username", name), ("password", password)];
        let request = form(&server, "/sign-in", &fields);
        let request = request.header("CF-Connecting-IP", &unique_address());
        let answer = request.send().await;
        assert_title(&answer, status, "Sign in");
        assert_beside(&answer, field, text);
        assert_eq!(answer.headers.get("Set-Cookie"), None);
        assert!(password.is_empty() || !answer.text().contains(password));
        assert!(!answer.text().contains("<b>"), "{}", answer.text());
        if name == account.email {
            let value = format!("value=\"{name}\"");
            assert!(answer.text().contains(&value), "{}", answer.text());
        }
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn guesses_are_held_back_as_those_of_the_api_are() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let address = format!("{}1", unique_address());
    let attempt = async |password| {
        let fields = [("username", &*account.email), ("password", password)];
        let request = form(&server, "/sign-in", &fields);
        request.header("CF-Connecting-IP", &address).send().await
    };
    let mut statuses = Vec::new();
    for _ in 0..30 {
        let answer = attempt("a wrong password").await;
        statuses.push(answer.status);
        if answer.status == 429 {
            assert_title(&answer, 429, "Too many attempts");
            assert!(answer.headers.get("Retry-After").is_some());
            break;
        }
    }
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    // The right one has to wait as well, and so has the API.
    assert_eq!(attempt(PASSWORD).await.status, 429);
    let answer = crate::harness::sign_in_from(&server, &address, &account.email, PASSWORD).await;
    assert_eq!(answer.status, 429);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_sign_in_leads_nowhere_else() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let signed_in = signed_in(&server, &account).await;
    for next in [
        "https://evil.example/account/security",
        "//evil.example/account/security",
        "/\\evil.example",
        "/account/security/../../evil",
        "/account/security\r\nSet-Cookie: a=b",
        "/account/confirm",
        "javascript:alert(1)",
        "/sign-out",
        "",
    ] {
        let fields = [
            ("username", &*account.email),
            ("password", PASSWORD),
            ("next", next),
        ];
        cookie(&form(&server, "/sign-in", &fields).send().await);
        let next = String::from(js_sys::encode_uri_component(next));
        let path = format!("/sign-in?next={next}");
        assert_leads(&get(&server, &path, &signed_in).await, SECURITY);
        let answer = server.request("GET", &path).send().await;
        assert_page(&answer, 200);
        assert_eq!(hidden(&answer, "next"), SECURITY);
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_code_signs_in() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    server.mail().await;
    let ask = async |email: &str| {
        let request = form(&server, "/sign-in/code", &[("username", email)]);
        let answer = request.send().await;
        assert_title(&answer, 200, "Enter the code");
        assert!(answer.text().contains("autocomplete=\"one-time-code\""));
        assert!(answer.text().contains("inputmode=\"numeric\""));
        answer
    };
    let asked = ask(&account.email).await;
    let id = hidden(&asked, "id");
    let code = server.mail_to(&account.email).await.code().to_owned();
    // Nothing tells an address that no account has.
    let other = ask("nobody@example.com").await;
    let other_id = hidden(&other, "id");
    assert_eq!(other.text().replace(&other_id, &id), asked.text());

    let verify = async |id: &str, code: &str| {
        let fields = [("id", id), ("code", code)];
        let request = form(&server, "/sign-in/code/verify", &fields);
        request.send().await
    };
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for (id, code, text) in [
        (&*id, wrong, "This code is wrong or no longer valid."),
        (&*id, "x", "This code is wrong or no longer valid."),
        (&*id, "", "Please fill in this field."),
        (&*other_id, &*code, "This code is wrong or no longer valid."),
        ("", &*code, "This code is wrong or no longer valid."),
    ] {
        let answer = verify(id, code).await;
        assert_title(&answer, 400, "Enter the code");
        assert_beside(&answer, "code", text);
        assert_eq!(answer.headers.get("Set-Cookie"), None);
    }
    let (start, end) = code.split_at(3);
    let grouped = format!(" {start} {end}");
    let signed_in = cookie(&verify(&id, &grouped).await);
    assert_page(&get(&server, SECURITY, &signed_in).await, 200);
    assert_eq!(sessions(&server, &account).await[0]["amr"], "mail");
    assert_page(&verify(&id, &code).await, 400);

    for (name, status) in [(&*account.username, 400), ("", 400)] {
        let answer = form(&server, "/sign-in/code", &[("username", name)]);
        let answer = answer.send().await;
        assert_title(&answer, status, "Sign in");
        assert!(answer.text().contains("id=\"username-error\""));
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn without_mail_no_code_is_offered() {
    let server = Server::shared().await;
    let answer = server.request("GET", "/sign-in").send().await;
    assert_title(&answer, 200, "Sign in");
    assert!(!answer.text().contains("formaction"), "{}", answer.text());
    for path in ["/sign-in/code", "/sign-in/code/verify"] {
        let answer = form(&server, path, &[("username", "a@example.com")]);
        assert_title(&answer.send().await, 404, "There is no such page");
    }
}

#[wasm_bindgen_test]
async fn a_ticket_that_is_over_begins_anew() {
    let server = Server::shared().await;
    let fields = [("ticket", "x"), ("code", "123456")];
    let answer = form(&server, "/sign-in/second-factor", &fields)
        .send()
        .await;
    assert_title(&answer, 401, "Sign in");
    assert!(answer.text().contains("That took too long"));
    let answer = form(&server, "/sign-in/second-factor", &[("ticket", "x")]);
    let answer = answer.send().await;
    assert_title(&answer, 400, "One more step");
    assert_eq!(hidden(&answer, "ticket"), "x");
}

#[wasm_bindgen_test]
async fn the_first_of_two_factors_signs_nobody_in() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    server.mail().await;
    let statement = "INSERT INTO totp (user_id, secret, created_at) VALUES (?, 'x', 0)";
    server.sql(statement, &[account.id.into()]).await;
    let by_password = sign_in(&server, &account.email, PASSWORD).await;
    let request = form(&server, "/sign-in/code", &[("username", &account.email)]);
    let id = hidden(&request.send().await, "id");
    let mail = server.mail_to(&account.email).await;
    let fields = [("id", &*id), ("code", mail.code())];
    let by_code = form(&server, "/sign-in/code/verify", &fields).send().await;
    for answer in [by_password, by_code] {
        assert_title(&answer, 200, "One more step");
        assert_eq!(answer.headers.get("Set-Cookie"), None);
        assert!(!hidden(&answer, "ticket").is_empty());
    }
    assert!(sessions(&server, &account).await.is_empty());
    server.stop().await;
}

#[wasm_bindgen_test]
async fn somebody_who_is_signed_in_is_led_on_or_asked_again() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let cookie = signed_in(&server, &account).await;
    assert_leads(&get(&server, SIGN_IN, &cookie).await, SECURITY);
    let answer = get(&server, SIGN_IN_AGAIN, &cookie).await;
    assert_title(&answer, 200, "Sign in again");
    let value = format!("value=\"{}\"", account.email);
    assert!(answer.text().contains(&value), "{}", answer.text());
    // A stranger is told no name.
    let answer = server.request("GET", SIGN_IN_AGAIN).send().await;
    assert_title(&answer, 200, "Sign in");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn password_managers_find_the_page() {
    let server = Server::shared().await;
    let path = "/.well-known/change-password";
    let answer = server.request("GET", path).send().await;
    assert_leads(&answer, "/account/security#password");
    let answer = server.request("GET", SECURITY).send().await;
    assert_leads(&answer, SIGN_IN);
}

#[wasm_bindgen_test]
async fn an_account_is_made() {
    let server = Server::start(&QUICK).await;
    let answer = server.request("GET", "/sign-up").send().await;
    assert_title(&answer, 200, "Create an account");
    assert!(answer.text().contains("autocomplete=\"new-password\""));
    let email = format!("{}@example.com", unique("new"));
    let sign_up = async |name: &str, email: &str, password: &str| {
        let fields = [("name", name), ("email", email), ("new_password", password)];
        let request = form(&server, "/sign-up", &fields);
        request
            .header("CF-Connecting-IP", &unique_address())
            .send()
            .await
    };
    for (name, email, password, field) in [
        ("", &*email, PASSWORD, "name"),
        ("Ann", "", PASSWORD, "email"),
        ("Ann", "ann", PASSWORD, "email"),
        ("Ann", &*email, "", "new_password"),
        ("Ann", &*email, "short", "new_password"),
        ("Ann", &*email, &*email, "new_password"),
    ] {
        let answer = sign_up(name, email, password).await;
        assert_title(&answer, 400, "Create an account");
        let error = format!("id=\"{field}-error\"");
        assert!(answer.text().contains(&error), "{}", answer.text());
    }
    let cookie = cookie(&sign_up("Ann Lee", &email, PASSWORD).await);
    let answer = get(&server, SECURITY, &cookie).await;
    assert_title(&answer, 200, "Security");
    assert!(answer.text().contains(&email));
    let answer = sign_up("Ann Lee", &email, PASSWORD).await;
    assert_title(&answer, 409, "Create an account");
    assert_beside(
        &answer,
        "email",
        "There is an account with this address already.",
    );
    assert!(!answer.text().contains(PASSWORD));
    // The browser has one session, of the account that was made last.
    let other = format!("{}@example.com", unique("new"));
    let fields = [
        ("name", "Ann"),
        ("email", &*other),
        ("new_password", PASSWORD),
    ];
    super::visitor::cookie(&post(&server, "/sign-up", &cookie, &fields).await);
    super::visitor::assert_nobody(&server, &cookie).await;
    server.stop().await;
}

#[wasm_bindgen_test]
async fn nobody_signs_up_where_registration_is_closed() {
    let server = Server::start(&[("REGISTRATION", Some("closed"))]).await;
    let answer = server.request("GET", "/sign-up").send().await;
    assert_title(&answer, 403, "Registration is closed");
    let answer = form(&server, "/sign-up", &[("name", "Ann")]).send().await;
    assert_title(&answer, 403, "Registration is closed");
    let answer = server.request("GET", "/sign-in").send().await;
    assert!(!answer.text().contains("/sign-up"), "{}", answer.text());
    server.stop().await;
}

#[wasm_bindgen_test]
async fn an_address_is_proven_first_where_that_is_required() {
    let settings = [settings(), vec![("EMAIL_VERIFICATION", Some("required"))]].concat();
    let server = Server::start(&settings).await;
    let email = format!("{}@example.com", unique("new"));
    let fields = [
        ("name", "Ann"),
        ("email", &*email),
        ("new_password", PASSWORD),
    ];
    let answer = form(&server, "/sign-up", &fields).send().await;
    assert_title(&answer, 200, "Done");
    assert_eq!(answer.headers.get("Set-Cookie"), None);
    assert!(answer.text().contains("Open the link in the email"));
    server.mail_to(&email).await;
    let answer = sign_in(&server, &email, PASSWORD).await;
    assert_title(&answer, 403, "Your email address is not confirmed yet");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn pages_speak_the_language_of_their_reader() {
    let server = Server::shared().await;
    for (path, title) in [("/sign-in", "Anmelden"), ("/sign-up", "Konto anlegen")] {
        let request = server.request("GET", path).header("Accept-Language", "de");
        assert_title(&request.send().await, 200, title);
    }
}

#[wasm_bindgen_test]
async fn a_code_takes_an_account_over_whose_address_nobody_had_proven() {
    let server = Server::start(&settings()).await;
    let (account, _) = registered(&server).await;
    let before = signed_in(&server, &account).await;
    server.mail().await;
    let request = form(&server, "/sign-in/code", &[("username", &account.email)]);
    let id = hidden(&request.send().await, "id");
    let mail = server.mail_to(&account.email).await;
    let fields = [("id", &*id), ("code", mail.code())];
    let answer = form(&server, "/sign-in/code/verify", &fields).send().await;
    let cookie = cookie(&answer);
    super::visitor::assert_nobody(&server, &before).await;
    // It has no password by now, and is given one as long as the sign-in is recent.
    let answer = get(&server, SECURITY, &cookie).await;
    assert!(!answer.text().contains("current_password"));
    let fields = [("new_password", "another correct horse")];
    let path = "/account/security/password";
    let answer = post(&server, path, &cookie, &fields).await;
    assert_leads(&answer, "/account/security?done=password");
    let answer = sign_in(&server, &account.email, "another correct horse").await;
    assert_eq!(answer.status, 303);
    server.stop().await;
}
