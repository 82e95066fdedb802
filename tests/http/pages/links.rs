//! `/account/confirm` with links that are good.

use std::collections::HashSet;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wasm_bindgen_test::wasm_bindgen_test;

use super::sent::{KINDS, PATH, Sent, WITH_FORM, own_form, post_form, send, state};
use super::{assert_page, assert_title};
use crate::harness::{Answer, PASSWORD, Server, base64url, unique, unique_address};
use crate::mail::{NEW_PASSWORD, account_of, post, post_as, registered, settings};

const DEAD: &str = "This link is no longer valid";

async fn get(server: &Server, sent: &Sent) -> Answer {
    server.request("GET", sent.target()).send().await
}

async fn assert_good(server: &Server, sent: &Sent) {
    assert_page(&get(server, sent).await, 200);
}

async fn assert_done(server: &Server, sent: &Sent) {
    let answer = own_form(server).body(sent.form()).send().await;
    assert_title(&answer, 200, "Done");
    assert_title(&get(server, sent).await, 400, DEAD);
    let answer = own_form(server).body(sent.form()).send().await;
    assert_title(&answer, 400, DEAD);
}

#[wasm_bindgen_test]
async fn a_scanner_that_follows_links_uses_nothing_up() {
    let server = Server::start(&settings()).await;
    for kind in KINDS {
        let sent = send(&server, kind).await;
        let before = state(&server).await;
        let mut pages = HashSet::new();
        for _ in 0..10 {
            let answer = get(&server, &sent).await;
            assert_page(&answer, 200);
            pages.insert(answer.text().to_owned());
            let head = server.request("HEAD", sent.target()).send().await;
            assert_page(&head, 200);
            assert_eq!(head.text(), "");
        }
        // Nothing about it shows how often it was looked at.
        assert_eq!(pages.len(), 1, "{kind}");
        assert_eq!(state(&server).await, before, "{kind}");
        if kind == "sign_in" {
            assert_signs_in(&server, &sent).await;
        } else {
            assert_done(&server, &sent).await;
        }
    }
    server.stop().await;
}

/// Its page has the code of the mail, which signs in where it was asked for.
async fn assert_signs_in(server: &Server, sent: &Sent) {
    let answer = get(server, sent).await;
    let code = sent.mail.code();
    let shown = format!("<p class=\"code\">{code}</p>");
    assert!(answer.text().contains(&shown), "{}", answer.text());
    assert!(!answer.text().contains("<form"), "{}", answer.text());
    // Nor does a form that it does not have.
    let answer = own_form(server).body(sent.form()).send().await;
    assert_title(&answer, 400, DEAD);
    let body = json!({ "id": sent.mail.parameter("id"), "code": code });
    let answer = post(server, "/api/auth/code/verify", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_title(&get(server, sent).await, 400, DEAD);
}

#[wasm_bindgen_test]
async fn a_forged_form_changes_nothing_although_its_link_is_good() {
    const OWN: &str = "https://auth.example.com";
    let server = Server::start(&settings()).await;
    for kind in WITH_FORM {
        let sent = send(&server, kind).await;
        let before = state(&server).await;
        for (site, origin) in [
            (Some("cross-site"), Some("https://evil.example")),
            (Some("cross-site"), Some(OWN)),
            (Some("cross-site"), Some("null")),
            (Some("cross-site"), None),
            (Some("same-site"), Some("https://app.example.com")),
            (Some("same-site"), Some(OWN)),
            (Some("same-site"), None),
            (None, Some("https://evil.example")),
            // A sandboxed frame of whatever site.
            (None, Some("null")),
            (None, None),
        ] {
            let mut request = post_form(&server);
            if let Some(site) = site {
                request = request.header("Sec-Fetch-Site", site);
            }
            if let Some(origin) = origin {
                request = request.header("Origin", origin);
            }
            let answer = request.body(sent.form()).send().await;
            assert_title(&answer, 403, "This form was not accepted");
            assert_eq!(state(&server).await, before, "{kind} {site:?} {origin:?}");
        }
        assert_done(&server, &sent).await;
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_form_may_come_from_the_public_url_whatever_host_says() {
    let server = Server::start(&settings()).await;
    let sent = send(&server, "reset").await;
    for (host, origin, status) in [
        ("internal.example", "https://auth.example.com:8443", 403),
        ("internal.example", "http://auth.example.com", 403),
        ("internal.example", "https://auth.example.com", 200),
    ] {
        let request = post_form(&server).header("Host", host);
        let request = request.header("Origin", origin);
        let answer = request.body(sent.form()).send().await;
        assert_page(&answer, status);
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_link_of_one_kind_is_no_good_for_another() {
    let server = Server::start(&settings()).await;
    for kind in KINDS {
        let sent = send(&server, kind).await;
        let before = state(&server).await;
        for other in KINDS.into_iter().filter(|other| *other != kind) {
            let form = sent.form_of(other);
            let target = format!("{PATH}?{form}");
            let answer = server.request("GET", &target).send().await;
            assert_title(&answer, 400, DEAD);
            let filled_in = format!("{form}&password={PASSWORD}&new_password={NEW_PASSWORD}");
            let filled_in = filled_in.replace(' ', "+");
            let answer = own_form(&server).body(filled_in).send().await;
            assert_title(&answer, 400, DEAD);
        }
        assert_eq!(state(&server).await, before, "{kind}");
        assert_good(&server, &sent).await;
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn hostile_forms_leave_a_link_good() {
    let server = Server::start(&settings()).await;
    for kind in WITH_FORM {
        let sent = send(&server, kind).await;
        let before = state(&server).await;
        let (form, token) = (sent.form(), sent.mail.token());
        let long = "x".repeat(100_000);
        for (body, status) in [
            (format!("{form}&token={token}"), 400),
            (format!("{form}&kind={kind}"), 400),
            (format!("{form}&x=1&x=2"), 400),
            (format!("{form}&x={long}"), 413),
            (long, 413),
            (form.replace(token, &format!("{token}%00")), 400),
            (form.replace(token, &format!("%00{token}")), 400),
            (form.replace(token, &format!("{token}=")), 400),
            (form.replace(token, &token.to_lowercase()), 400),
            (form.replace(kind, &format!("{kind}%00")), 400),
            (form.replace('&', ";"), 400),
        ] {
            let answer = own_form(&server).body(body).send().await;
            assert_page(&answer, status);
        }
        let target = format!("{}&token={token}", sent.target());
        let answer = server.request("GET", &target).send().await;
        assert_title(&answer, 400, DEAD);
        assert_eq!(state(&server).await, before, "{kind}");
        assert_done(&server, &sent).await;
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn what_is_wrong_is_said_at_its_field() {
    let server = Server::start(&settings()).await;
    let long = format!("new_password={}", "x".repeat(1025));
    let (missing, wrong) = ("Please fill in", "This is not the password");
    let common = "This password is one of the most common";
    for (kind, cases) in [
        (
            "verification",
            &[
                ("", 403, "password", missing),
                ("password=", 403, "password", missing),
                ("password=a+wrong+horse", 403, "password", wrong),
                ("password=%00", 403, "password", wrong),
            ][..],
        ),
        (
            "email_change",
            &[
                ("", 403, "password", missing),
                ("password=a+wrong+horse", 403, "password", wrong),
            ],
        ),
        (
            "reset",
            &[
                ("", 400, "new_password", missing),
                ("new_password=short", 400, "new_password", "Use at least 8"),
                ("new_password=password1", 400, "new_password", common),
                (
                    "new_password=long%00enough",
                    400,
                    "new_password",
                    "Leave out",
                ),
                (&long, 400, "new_password", "This password is too long."),
            ],
        ),
        (
            "invitation",
            &[
                ("new_password=password1", 400, "new_password", common),
                ("name=%00", 400, "name", "Leave out"),
                ("name=%20", 400, "name", "Use 1 to 200 characters."),
            ],
        ),
    ] {
        let sent = send(&server, kind).await;
        for &(fields, status, name, text) in cases {
            let form = format!("{}&{fields}", sent.form_of(kind));
            let answer = own_form(&server).body(form).send().await;
            assert_page(&answer, status);
            let said = format!("id=\"{name}-error\" role=\"alert\">Error: {text}");
            assert!(answer.text().contains(&said), "{}", answer.text());
        }
        assert_done(&server, &sent).await;
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_name_is_shown_as_it_was_written_and_does_nothing() {
    let server = Server::start(&settings()).await;
    let sent = send(&server, "invitation").await;
    // Right to left from here on, and the end of the attribute.
    let name = "%E2%80%AEnnA%22%3E%3Cscript%3E%3C!--";
    let form = format!("{}&name={name}", sent.form_of("invitation"));
    let answer = own_form(&server).body(form).send().await;
    assert_page(&answer, 400);
    let text = answer.text();
    assert!(
        text.contains("value=\"\u{202e}nnA&#34;&#62;&#60;script&#62;&#60;!--\" dir=\"auto\""),
        "{text}"
    );
    assert_eq!(text.matches('\u{202e}').count(), 1, "{text}");
    assert!(!text.contains("<script"), "{text}");

    let name = "%D7%90%D7%A0%D7%94%20%3Ci%3E";
    let form = format!("{}&name={name}", sent.form_of("invitation"));
    let answer = own_form(&server).body(form).send().await;
    assert_title(&answer, 200, "Done");
    let statement = "SELECT 1 FROM users WHERE name = ?";
    let rows = server.sql(statement, &["אנה <i>".into()]).await;
    assert_eq!(rows.len(), 1);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn an_address_that_is_taken_meanwhile_is_a_conflict() {
    let server = Server::start(&settings()).await;
    let sent = send(&server, "email_change").await;
    let body = json!({ "email": sent.mail.to, "name": "Bob", "password": PASSWORD });
    let request = server.request("POST", "/api/auth/register").json(body);
    assert_eq!(request.send().await.status, 201);
    let answer = own_form(&server).body(sent.form()).send().await;
    assert_title(&answer, 409, "This email address is taken");
    let german = own_form(&server).header("Accept-Language", "de");
    let answer = german.body(sent.form()).send().await;
    assert_title(&answer, 409, "Diese E-Mail-Adresse ist vergeben");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn an_account_without_a_password_is_told_to_enter_the_code() {
    let server = Server::start(&settings()).await;
    // Its address was proven by somebody else than who chose the password, which is gone.
    let (account, _) = registered(&server).await;
    let body = json!({ "email": account.email });
    assert_eq!(post(&server, "/api/auth/code", body).await.status, 202);
    let body = json!({ "token": server.mail_to(&account.email).await.token() });
    let answer = post(&server, "/api/auth/code/verify", body).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(account_of(&server, &token).await["has_password"], false);

    let new = format!("{}@example.com", unique("new"));
    let answer = post_as(&server, &token, "/api/auth/email", json!({ "email": new })).await;
    assert_eq!(answer.status, 202);
    let mail = server.mail_to(&new).await;
    let sent = Sent {
        kind: "email_change",
        mail,
        access_token: token,
    };
    let page = get(&server, &sent).await;
    assert_title(&page, 200, "Confirm your new email address");
    let forms = [sent.form(), sent.form_of("email_change")];
    let mut answers = vec![(page, 200)];
    for form in forms {
        answers.push((own_form(&server).body(form).send().await, 403));
    }
    for (answer, status) in answers {
        assert_page(&answer, status);
        let text = answer.text();
        assert!(text.contains("Enter the code from the email"), "{text}");
        assert!(!text.contains("<form"), "{text}");
    }
    // Which is what helps.
    let body = json!({ "id": sent.mail.parameter("id"), "code": sent.mail.code() });
    let answer = post(&server, "/api/auth/email/confirm", body).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    let now = account_of(&server, &sent.access_token).await;
    assert_eq!(now["user"]["email"], new);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn without_mail_there_is_the_invitation_of_an_operator_alone() {
    let mut without = settings();
    without.push(("MAIL", Some("none")));
    let servers = Server::start_sharing_database(&[settings(), without]).await;
    let [with, without] = &servers[..] else {
        panic!("two servers");
    };
    for kind in KINDS {
        let sent = send(with, kind).await;
        let is_there = kind == "invitation";
        let before = state(with).await;
        let answer = get(without, &sent).await;
        assert_page(&answer, if is_there { 200 } else { 400 });
        if !is_there {
            let answer = own_form(without).body(sent.form()).send().await;
            assert_title(&answer, 400, DEAD);
            assert_eq!(state(with).await, before, "{kind}");
            assert_good(with, &sent).await;
        }
    }
    let (email, token) = operators_invitation(without).await;
    let target = format!("{PATH}?kind=invitation&token={token}");
    let page = without.request("GET", &target).send().await;
    assert_title(&page, 200, "Accept your invitation");
    assert!(page.text().contains(&email), "{}", page.text());
    // Of its random bytes nothing else is good.
    let other = format!("{}A", &token[..token.len() - 1]);
    let answer = without.request("GET", &target.replace(&token, &other));
    assert_title(&answer.send().await, 400, DEAD);
    let form = format!("kind=invitation&token={token}&new_password={NEW_PASSWORD}&name=Zo%C3%AB");
    let form = form.replace(' ', "+");
    let answer = own_form(without).body(form.as_str()).send().await;
    assert_title(&answer, 200, "Done");
    let body = json!({ "email": email, "password": NEW_PASSWORD });
    let answer = post(without, "/api/auth/login", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["user"]["name"], "Zoë");
    let answer = own_form(without).body(form.as_str()).send().await;
    assert_title(&answer, 400, DEAD);
    servers[0].clone().stop().await;
}

/// An account, and the token of a link that an operator has made for it, who has none of the keys.
async fn operators_invitation(server: &Server) -> (String, String) {
    let email = format!("{}@example.com", unique("operator"));
    let statement = "INSERT INTO users (email, name, role) VALUES (?, 'Ann', 'admin') RETURNING id";
    let rows = server.sql(statement, &[email.as_str().into()]).await;
    let id = base64url(&[7; 16]);
    let secret = [40; 32];
    let token = base64url(&[&[7; 16][..], &secret].concat());
    let digest = base64url(&Sha256::digest(secret));
    let statement = "INSERT INTO challenges (id, kind, recipient_hash, user_id, email, created_at, \
        expires_at, link_digest, browser) VALUES (?, 'invitation', ?, ?, ?, 1, ?, ?, '')";
    let values: [Value; 6] = [
        id.into(),
        "x".repeat(43).into(),
        rows[0]["id"].clone(),
        email.as_str().into(),
        (js_sys::Date::now() + 60_000.0).into(),
        digest.into(),
    ];
    server.sql(statement, &values).await;
    (email, token)
}

#[wasm_bindgen_test]
async fn too_many_forms_from_one_address_have_to_wait() {
    let server = Server::start(&settings()).await;
    let address = format!("{}1", unique_address());
    let token = "A".repeat(64);
    let form = |kind: &str| format!("kind={kind}&token={token}&new_password={NEW_PASSWORD}");
    let mut statuses = HashSet::new();
    // The limit of wrangler.toml is 300 a minute, and a minute may end meanwhile.
    for _ in 0..601 {
        let request = own_form(&server).header("CF-Connecting-IP", &address);
        let status = request.body(form("reset")).send().await.status;
        statuses.insert(status);
        if status == 429 {
            break;
        }
    }
    assert_eq!(statuses, HashSet::from([400, 429]));
    for kind in ["reset", "invitation", "email_revert"] {
        let request = own_form(&server).header("CF-Connecting-IP", &address);
        let answer = request.body(form(kind)).send().await;
        assert_title(&answer, 429, "Too many attempts");
        assert!(answer.headers.get("Retry-After").is_some());
    }
    // Another address does not.
    let answer = own_form(&server).body(form("reset")).send().await;
    assert_title(&answer, 400, DEAD);
    server.stop().await;
}
