//! Pages that are one form, and that of an account's security, in every language.

use edge_auth_core::account::Email;

use super::super::security::{self, Done, Security, ShownPasskey, ShownSession, TwoStep};
use super::super::tests::{
    ESCAPED, HOSTILE, assert_is_sound, assert_policy, english, html, input, layout,
};
use super::super::texts::{LANGUAGES, Texts};
use super::super::two_step;
use super::*;
use crate::http::Refused;
use crate::http::refused::PASSKEY_TAKEN;

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
            passkey: (!is_again).then_some(HOSTILE),
            path: HOSTILE,
        };
        super::sign_in(&around, &shown)
    };
    let shown = SignUp {
        name: HOSTILE,
        email: HOSTILE,
        password_min_length: 12,
        sign_in: "/sign-in",
    };
    let second_factor = |by_code, passkey| {
        let factor = SecondFactor { by_code, passkey };
        super::second_factor(&around, &factor)
    };
    let add = AddPasskey {
        options: HOSTILE,
        path: HOSTILE,
        name: HOSTILE,
        second_factor: true,
    };
    let replies = [
        sign_in(false, true),
        sign_in(true, false),
        code(&around, CodeFor::SignIn),
        code(&around, CodeFor::NewAddress),
        second_factor(true, None),
        sign_up(&around, &shown),
        second_factor(true, Some(HOSTILE)),
        second_factor(false, Some(HOSTILE)),
        totp_code(&around),
        add_passkey(&around, &add),
    ];
    for reply in &replies {
        assert_policy(reply);
    }
    replies.iter().map(|reply| html(reply).to_owned()).collect()
}

fn security(texts: &Texts, is_recent: bool, has_password: bool, done: Option<Done>) -> String {
    let session = |is_current| ShownSession {
        id: HOSTILE.to_owned(),
        browser: HOSTILE.to_owned(),
        last_used: "1 January 1970".to_owned(),
        is_current,
    };
    let passkey = |second_factor: bool| ShownPasskey {
        id: HOSTILE.to_owned(),
        name: HOSTILE.to_owned(),
        added: "1 January 1970".to_owned(),
        last_used: second_factor.then(|| "2 January 1970".to_owned()),
        backed_up: second_factor,
        second_factor,
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
        two_step: Some(TwoStep {
            totp: has_password,
            passkey: true,
            recovery_codes: 7,
            may_change: is_recent,
        }),
        passkeys: Some(&[passkey(true), passkey(false)]),
        can_add_passkey: has_password,
        done,
        new_email: HOSTILE,
        problem: None,
    };
    let reply = security::page(&shown);
    assert_policy(&reply);
    html(&reply).to_owned()
}

fn wrong() -> [Refused; 9] {
    [
        Refused::Passkey,
        Refused::PasskeySignIn { is_unknown: true },
        Refused::Conflict(PASSKEY_TAKEN),
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
            let referrer = "<meta name=\"referrer\" content=\"strict-origin\">";
            assert!(page.contains(referrer), "{page}");
        }
    }
}

#[test]
fn browsers_know_what_to_fill_in() {
    let pages = forms(english(), None);
    let [sign_in, again, code, _, second_factor, sign_up, ..] = &pages[..] else {
        panic!();
    };
    for (page, name, expected) in [
        (
            sign_in,
            "username",
            &["type=\"text\"", "autocomplete=\"username webauthn\""][..],
        ),
        (again, "username", &["autocomplete=\"username\""]),
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
        // Of the password, the address, the second step and passkeys.
        let expected = [
            !is_recent && !has_password,
            !is_recent,
            !is_recent,
            !is_recent,
        ];
        let expected = expected.iter().filter(|is| **is).count();
        assert_eq!(links, expected);
        for (action, is_there) in [
            ("totp", is_recent),
            ("recovery-codes", is_recent),
            ("totp/off", is_recent && has_password),
            ("passkey/name", true),
            ("passkey/second-factor", is_recent),
            ("passkey/remove", is_recent),
        ] {
            let action = format!("action=\"/account/security/{action}\"");
            assert_eq!(page.contains(&action), is_there, "{action}: {page}");
        }
        let adds = page.contains("href=\"/account/security/passkey\"");
        assert_eq!(adds, is_recent && has_password);
    }
}

#[test]
fn what_was_done_is_said_once() {
    for (name, text) in [
        ("password", "Your password is saved"),
        ("address", "Your account now has the new email address."),
        ("session", "The session has ended."),
        ("other-sessions", "All other sessions have ended."),
        ("totp-off", "The authenticator app is switched off."),
        ("passkey-added", "Your passkey is added."),
        ("passkey-changed", "Your change is saved."),
        ("passkey-removed", "The passkey is removed."),
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

#[test]
fn an_app_is_handed_its_secret_in_three_ways() {
    for texts in &LANGUAGES {
        let reply = two_step::set_up(layout(texts), HOSTILE, "ABCDEFGH", HOSTILE);
        assert_policy(&reply);
        let page = html(&reply);
        assert_is_sound(&page.replace(ESCAPED, ""), texts);
        assert!(page.contains(&format!("src=\"{ESCAPED}\"")), "{page}");
        assert!(page.contains(&format!("href=\"{ESCAPED}\"")), "{page}");
        assert!(page.contains(">ABCD EFGH<"), "{page}");
        let code = input(page, "code").unwrap();
        assert!(code.contains("inputmode=\"numeric\""), "{code}");
    }
}

#[test]
fn recovery_codes_are_listed() {
    for (is_first, notices) in [(true, 1), (false, 0)] {
        for texts in &LANGUAGES {
            let reply = two_step::recovery_codes(layout(texts), &["0000-1111", HOSTILE], is_first);
            assert_policy(&reply);
            let page = html(&reply);
            assert_is_sound(&page.replace(ESCAPED, ""), texts);
            assert_eq!(page.matches("<li>").count(), 2);
            assert!(page.contains("<li>0000-1111</li>"), "{page}");
            assert_eq!(page.matches("class=\"notice\"").count(), notices);
            // Script shows them, where there is one.
            assert!(page.contains("data-tools hidden"), "{page}");
        }
    }
}

#[test]
fn a_passkey_is_asked_for_by_script_alone() {
    let pages = forms(english(), None);
    let [sign_in, _, _, _, by_code, _, by_both, by_passkey, _, add] = &pages[..] else {
        panic!();
    };
    assert!(!by_code.contains("data-passkey"), "{by_code}");
    for (page, ceremony, is_offered, is_only_way) in [
        (sign_in, "get", true, false),
        (by_both, "get", false, false),
        (by_passkey, "get", false, true),
        (add, "create", false, true),
    ] {
        let (_, form) = page.split_once("data-passkey=\"").unwrap();
        let (tag, _) = form.split_once('>').unwrap();
        assert!(tag.starts_with(ceremony), "{tag}");
        assert!(
            tag.contains(&format!("data-options=\"{ESCAPED}\"")),
            "{tag}"
        );
        assert!(tag.ends_with(" hidden"), "{tag}");
        assert_eq!(tag.contains("data-offer"), is_offered, "{tag}");
        let says_so = page.contains("<p data-without-passkeys>");
        assert_eq!(says_so, is_only_way, "{page}");
    }
    for (page, has_field) in [(by_both, true), (by_passkey, false)] {
        assert_eq!(input(page, "code").is_some(), has_field);
    }
    assert!(input(add, "second_factor").unwrap().contains(" checked"));
}
