//! Pages that are one form, and that of an account's security, in every language.

use edge_auth_core::account::Email;

use super::super::security::{self, Done, Security, ShownSession};
use super::super::tests::{ESCAPED, HOSTILE, assert_is_sound, english, html, input, layout};
use super::super::texts::{LANGUAGES, Texts};
use super::*;
use crate::http::Refused;

fn around<'a>(texts: &'a Texts, problem: Option<&'a FieldProblem>) -> Around<'a> {
    Around {
        layout: layout(texts),
        status: 200,
        hidden: &[("next", HOSTILE)],
        problem,
    }
}

fn forms(texts: &Texts, problem: Option<&FieldProblem>) -> Vec<String> {
    let around = around(texts, problem);
    let sign_in = |is_again, sends_mail| {
        let shown = SignIn {
            username: HOSTILE,
            is_again,
            sends_mail,
            sign_up: (!is_again).then_some("/sign-up?next=/account/security"),
        };
        super::sign_in(&around, &shown)
    };
    let shown = SignUp {
        name: HOSTILE,
        email: HOSTILE,
        password_min_length: 12,
        sign_in: "/sign-in",
    };
    let replies = [
        sign_in(false, true),
        sign_in(true, false),
        code(&around, CodeFor::SignIn),
        code(&around, CodeFor::NewAddress),
        second_factor(&around),
        sign_up(&around, &shown),
    ];
    replies.iter().map(|reply| html(reply).to_owned()).collect()
}

fn security(texts: &Texts, is_recent: bool, has_password: bool, done: Option<Done>) -> String {
    let session = |is_current| ShownSession {
        id: HOSTILE.to_owned(),
        browser: HOSTILE.to_owned(),
        last_used: "1 January 1970".to_owned(),
        is_current,
    };
    let shown = Security {
        layout: layout(texts),
        status: 200,
        name: HOSTILE,
        username: Some(HOSTILE),
        email: Some(HOSTILE),
        email_is_verified: is_recent,
        has_password,
        is_recent,
        again: "/sign-in?again=1",
        sends_mail: true,
        password_min_length: 12,
        sessions: &[session(true), session(false)],
        done,
        new_email: HOSTILE,
        problem: None,
    };
    html(&security::page(&shown)).to_owned()
}

fn wrong() -> [Refused; 6] {
    [
        Refused::Credentials,
        Refused::Code,
        Refused::SecondFactorWrong,
        Refused::Missing("username"),
        Refused::Missing("new_password"),
        Email::parse("ann").unwrap_err().into(),
    ]
}

#[test]
fn every_form_in_every_language_is_sound_and_escapes_what_is_not_ours() {
    for texts in &LANGUAGES {
        let mut pages = forms(texts, None);
        for refused in wrong() {
            let problem = FieldProblem::of(&refused, texts).unwrap();
            pages.extend(forms(texts, Some(&problem)));
        }
        for (is_recent, has_password) in
            [(true, true), (true, false), (false, true), (false, false)]
        {
            pages.push(security(texts, is_recent, has_password, None));
        }
        for page in pages {
            let ours = page.replace(ESCAPED, "");
            assert_is_sound(&ours, texts);
            assert!(page.contains(ESCAPED), "{page}");
            assert!(!page.contains("<script"), "{page}");
            let referrer = "<meta name=\"referrer\" content=\"strict-origin\">";
            assert!(page.contains(referrer), "{page}");
        }
    }
}

#[test]
fn browsers_know_what_to_fill_in() {
    let pages = forms(english(), None);
    let [sign_in, _, code, _, second_factor, sign_up] = &pages[..] else {
        panic!();
    };
    for (page, name, expected) in [
        (
            sign_in,
            "username",
            &["type=\"text\"", "autocomplete=\"username\""][..],
        ),
        (
            sign_in,
            "password",
            &[
                "type=\"password\"",
                "autocomplete=\"current-password\"",
                "value=\"\"",
            ],
        ),
        (
            code,
            "code",
            &["autocomplete=\"one-time-code\"", "inputmode=\"numeric\""],
        ),
        (second_factor, "code", &["autocomplete=\"one-time-code\""]),
        (
            sign_up,
            "email",
            &["type=\"email\"", "autocomplete=\"email\""],
        ),
        (
            sign_up,
            "new_password",
            &["autocomplete=\"new-password\"", "value=\"\""],
        ),
    ] {
        let tag = input(page, name).unwrap_or_else(|| panic!("no {name}: {page}"));
        for attribute in expected {
            assert!(tag.contains(attribute), "{attribute}: {tag}");
        }
    }
    // Recovery codes have letters.
    assert!(!second_factor.contains("inputmode"), "{second_factor}");
}

#[test]
fn what_needs_a_recent_sign_in_is_offered_after_one() {
    for (is_recent, has_password, fields) in [
        (
            true,
            true,
            &["current_password", "new_password", "email"][..],
        ),
        (true, false, &["new_password", "email"]),
        (false, true, &["current_password", "new_password"]),
        (false, false, &[]),
    ] {
        let page = security(english(), is_recent, has_password, None);
        for name in ["current_password", "new_password", "email"] {
            assert_eq!(
                input(&page, name).is_some(),
                fields.contains(&name),
                "{page}"
            );
        }
        let links = page.matches("href=\"/sign-in?again=1\"").count();
        assert_eq!(
            links,
            [!is_recent && !has_password, !is_recent]
                .iter()
                .filter(|is| **is)
                .count()
        );
    }
}

#[test]
fn what_was_done_is_said_once() {
    for (name, text) in [
        ("password", "Your password is saved"),
        ("address", "Your account now has the new email address."),
        ("session", "The session has ended."),
        ("other-sessions", "All other sessions have ended."),
    ] {
        let done = Done::parse(name).unwrap();
        assert_eq!(done.name(), name);
        let page = security(english(), true, true, Some(done));
        assert!(page.contains(text), "{page}");
        assert_eq!(page.matches("role=\"status\"").count(), 1);
    }
    assert_eq!(Done::parse("Password"), None);
    assert!(!security(english(), true, true, None).contains("role=\"status\""));
}
