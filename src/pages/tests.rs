//! Every page in every language, with what a stranger may have put into it.

use base64ct::{Base64, Encoding};
use edge_auth_core::account::{BrokenRule, Name};
use edge_auth_core::challenge::Kind;
use edge_auth_core::password::{Known, NewPassword};
use edge_auth_core::time::{Seconds, UnixMillis};
use edge_auth_core::unicode::Unicode;
use sha2::{Digest, Sha256};

use super::Layout;
use super::field_problem::FieldProblem;
use super::link::{self, Link, Shown, Surroundings};
use super::problem::{self, Problem};
use super::texts::{LANGUAGES, Texts};
use crate::http::refused::{EMAIL_TAKEN, TooMany};
use crate::http::{Refused, Reply};
use crate::platform::http::Body;

/// Closes a tag, an attribute in either quotes and a comment, and turns the direction of the line.
pub(super) const HOSTILE: &str = "--></title><script>'\"&\u{202e}{{ x }}";
pub(super) const ESCAPED: &str =
    "--&#62;&#60;/title&#62;&#60;script&#62;&#39;&#34;&#38;\u{202e}{{ x }}";

pub(super) fn html(reply: &Reply) -> &str {
    match &reply.body {
        Body::Html(html) => html,
        body => panic!("{body:?}"),
    }
}

pub(super) fn english() -> &'static Texts {
    let [english, ..] = &LANGUAGES;
    english
}

pub(super) fn layout(texts: &Texts) -> Layout<'_> {
    let site = Some("auth.example.com");
    Layout { texts, site }
}

fn link(kind: Kind) -> Link {
    Link {
        kind,
        id: "the-id".to_owned(),
        token: "the-token".to_owned(),
    }
}

fn shown() -> Shown {
    Shown {
        address: "ann@example.com".to_owned(),
        asked_at: UnixMillis(0),
        browser: "Firefox on Linux".to_owned(),
        code: Some("012345".to_owned()),
        has_password: true,
        new_address: Some("new@example.com".to_owned()),
    }
}

fn around<'a>(texts: &'a Texts, problem: Option<&'a FieldProblem>) -> Surroundings<'a> {
    Surroundings {
        layout: layout(texts),
        asked_at: "1 January 1970",
        password_min_length: 12,
        name: "Ann Lee",
        problem,
    }
}

fn page(texts: &Texts, kind: Kind, refused: Option<&Refused>) -> String {
    let problem = refused.map(|refused| FieldProblem::of(refused, texts).unwrap());
    let around = around(texts, problem.as_ref());
    html(&link::page(200, &link(kind), &shown(), &around)).to_owned()
}

/// The values of an attribute, in their order.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    let rests = html.split(&start).skip(1);
    rests.map(|rest| rest.split('"').next().unwrap()).collect()
}

/// The tag of the field `name`.
pub(super) fn input<'a>(html: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = html.split_once(&format!("<input id=\"{name}\""))?;
    rest.split('>').next()
}

const PROBLEMS: [Problem; 14] = [
    Problem::BadRequest,
    Problem::DeadLink,
    Problem::CrossSite,
    Problem::Taken,
    Problem::Outdated,
    Problem::SignIn,
    Problem::EmailNotVerified,
    Problem::Forbidden,
    Problem::RegistrationClosed,
    Problem::NotFound,
    Problem::TooLarge,
    Problem::TooMany(15),
    Problem::Unexpected(None),
    Problem::Unexpected(Some(String::new())),
];

#[test]
fn the_policy_allows_the_style_sheet_of_the_page_and_nothing_else() {
    let reply = problem::page(layout(english()), 404, &Problem::NotFound);
    let (_, rest) = html(&reply).split_once("<style>").unwrap();
    let (style, rest) = rest.split_once("</style>").unwrap();
    assert!(!rest.contains("style"), "{rest}");
    let digest = Base64::encode_string(&Sha256::digest(style));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    let header = ("Content-Security-Policy", policy);
    assert!(reply.headers.contains(&header), "{reply:?}");
}

/// Checks what holds for the HTML of every page, said in `texts`.
pub(super) fn assert_is_sound(html: &str, texts: &Texts) {
    let lang = format!("<html lang=\"{}\">", texts.language);
    assert!(
        html.starts_with(&format!("<!doctype html>\n{lang}")),
        "{html}"
    );
    assert_eq!(html.matches("<h1>").count(), 1, "{html}");
    assert!(!html.contains("<title></title>"), "{html}");
    let (_, content) = html.split_once("</style>").unwrap();
    let content = content.split("<script>").next().unwrap();
    assert!(!content.contains(['{', '}']), "a placeholder: {content}");
    let ids = values(content, "id");
    for (at, id) in ids.iter().enumerate() {
        assert!(
            !ids[at + 1..].contains(id),
            "{id} is there twice: {content}"
        );
    }
    for named in values(content, "for") {
        assert!(ids.contains(&named), "{named}: {content}");
    }
    for named in values(content, "aria-describedby") {
        for named in named.split(' ') {
            assert!(ids.contains(&named), "{named}: {content}");
        }
    }
}

/// Checks that the policy allows what stands in the page, and nothing else.
pub(super) fn assert_policy(reply: &Reply) {
    let html = html(reply);
    let directive = |name: &str, tag: &str| {
        let (_, rest) = html.split_once(&format!("<{tag}>"))?;
        let (content, _) = rest.split_once(&format!("</{tag}>"))?;
        let digest = Base64::encode_string(&Sha256::digest(content));
        Some(format!("{name} 'sha256-{digest}'; "))
    };
    let script = directive("script-src", "script").unwrap_or_default();
    assert_eq!(
        html.matches("<script").count(),
        html.matches("<script>").count()
    );
    let style = directive("style-src", "style").unwrap();
    let pictures = if html.contains("<img") {
        "img-src data:; "
    } else {
        ""
    };
    let expected = format!(
        "default-src 'none'; {script}{style}{pictures}form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let policy = ("Content-Security-Policy", expected);
    assert!(reply.headers.contains(&policy), "{:?}", reply.headers);
}

#[test]
fn the_script_ends_where_its_page_says() {
    assert!(!super::SCRIPT.contains("</script"));
    assert!(!super::SCRIPT.contains("<!--"));
}

#[test]
fn every_page_in_every_language() {
    for texts in &LANGUAGES {
        let of_links = Kind::ALL.map(|kind| page(texts, kind, None));
        let wrong = [
            page(texts, Kind::Verification, Some(&Refused::WrongPassword)),
            page(texts, Kind::Reset, Some(&Refused::Missing("new_password"))),
            // Without a field to say it at.
            page(texts, Kind::EmailRevert, Some(&Refused::WrongPassword)),
        ];
        let done = Kind::ALL.map(|kind| html(&link::done(layout(texts), kind)).to_owned());
        let problems =
            PROBLEMS.map(|problem| html(&problem::page(layout(texts), 400, &problem)).to_owned());
        let pages = of_links
            .into_iter()
            .chain(wrong)
            .chain(done)
            .chain(problems);
        for html in pages {
            assert_is_sound(&html, texts);
        }
    }
}

#[test]
fn what_a_link_is_for_is_said_with_its_button() {
    for (kind, title, button) in [
        (
            Kind::Verification,
            "Confirm your email address",
            "Confirm address",
        ),
        (Kind::Reset, "Choose a new password", "Save new password"),
        (
            Kind::EmailChange,
            "Confirm your new email address",
            "Change address",
        ),
        (
            Kind::EmailRevert,
            "Undo the change of your email address",
            "Undo the change",
        ),
        (
            Kind::Invitation,
            "Accept your invitation",
            "Accept invitation",
        ),
    ] {
        let html = page(english(), kind, None);
        assert!(html.contains(&format!("<h1>{title}</h1>")), "{html}");
        assert!(
            html.contains(&format!("<button>{button}</button>")),
            "{html}"
        );
        assert!(html.contains("<form method=\"post\" action=\"/account/confirm\">"));
        for (name, value) in [
            ("kind", kind.name()),
            ("id", "the-id"),
            ("token", "the-token"),
        ] {
            let hidden = format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
            assert!(html.contains(&hidden), "{html}");
        }
        for fact in [
            "ann@example.com",
            "new@example.com",
            "1 January 1970",
            "Firefox on Linux",
        ] {
            assert!(html.contains(&format!("<bdi>{fact}</bdi>")), "{html}");
        }
    }
}

#[test]
fn a_code_has_no_form() {
    let html = page(english(), Kind::SignIn, None);
    assert!(html.contains(">012345<"), "{html}");
    for tag in ["<form", "<button", "<input"] {
        assert!(!html.contains(tag), "{html}");
    }
}

#[test]
fn fields_of_each_kind() {
    let has = |html: &str, name: &str, expected: &[&str]| {
        let tag = input(html, name).unwrap_or_else(|| panic!("no {name}: {html}"));
        for attribute in expected {
            assert!(tag.contains(attribute), "{attribute}: {tag}");
        }
    };
    for kind in [Kind::Verification, Kind::EmailChange] {
        let html = page(english(), kind, None);
        let expected = [
            "type=\"password\"",
            "autocomplete=\"current-password\"",
            " required",
        ];
        has(&html, "password", &expected);
        assert!(input(&html, "new_password").is_none());
    }
    let html = page(english(), Kind::Reset, None);
    let expected = [
        "type=\"password\"",
        "autocomplete=\"new-password\"",
        " required",
        "aria-describedby=\"new_password-hint\"",
    ];
    has(&html, "new_password", &expected);
    assert!(html.contains("At least 12 characters."), "{html}");
    // By which a password manager knows whose password it is.
    assert!(html.contains("autocomplete=\"username\" value=\"ann@example.com\""));

    let html = page(english(), Kind::Invitation, None);
    has(&html, "new_password", &["autocomplete=\"new-password\""]);
    has(&html, "name", &["type=\"text\"", "value=\"Ann Lee\""]);
    for name in ["new_password", "name"] {
        assert!(!input(&html, name).unwrap().contains("required"), "{html}");
    }
    for kind in [Kind::EmailRevert, Kind::SignIn] {
        assert!(!page(english(), kind, None).contains("<input id="));
    }
}

#[test]
fn an_account_without_a_password_is_told_what_to_do() {
    let without = Shown {
        code: None,
        has_password: false,
        ..shown()
    };
    let problem = FieldProblem::of(&Refused::PasswordRequired, english()).unwrap();
    for (kind, hint) in [
        (Kind::Verification, "ask for a new password"),
        (Kind::EmailChange, "ask for the change again"),
    ] {
        for problem in [None, Some(&problem)] {
            let around = around(english(), problem);
            let reply = link::page(200, &link(kind), &without, &around);
            let html = html(&reply);
            assert!(html.contains("Enter the code from the email"), "{html}");
            assert!(html.contains(hint), "{html}");
            // Nor is a password mentioned that it does not have.
            assert!(!html.contains("Enter the password"), "{html}");
            for tag in ["<form", "<button", "<input", "class=\"code\""] {
                assert!(!html.contains(tag), "{html}");
            }
        }
    }
    // The others ask for none.
    for kind in [Kind::Reset, Kind::EmailRevert, Kind::Invitation] {
        let reply = link::page(200, &link(kind), &without, &around(english(), None));
        assert!(html(&reply).contains("<button>"), "{reply:?}");
    }
}

#[test]
fn a_page_names_the_service_where_it_has_a_name() {
    let reply = problem::page(layout(english()), 404, &Problem::NotFound);
    let html = self::html(&reply);
    let title = "<title>There is no such page – auth.example.com</title>";
    assert!(html.contains(title), "{html}");
    assert!(html.contains("<header>auth.example.com</header>"), "{html}");
    let nameless = Layout {
        site: None,
        ..layout(english())
    };
    let reply = problem::page(nameless, 404, &Problem::NotFound);
    let html = self::html(&reply);
    assert!(
        html.contains("<title>There is no such page</title>"),
        "{html}"
    );
    assert!(!html.contains("<header"), "{html}");
}

#[test]
fn refusals_are_worded_for_people() {
    let title = |refused: &Refused| {
        let reply = problem::page(layout(english()), 400, &Problem::of(refused));
        let (_, rest) = html(&reply).split_once("<h1>").unwrap();
        rest.split_once("</h1>").unwrap().0.to_owned()
    };
    for (refused, expected) in [
        (Refused::Link, "This link is no longer valid"),
        (Refused::CrossSite, "This form was not accepted"),
        (
            Refused::Conflict(EMAIL_TAKEN),
            "This email address is taken",
        ),
        (
            Refused::Conflict("No email address"),
            "This is no longer possible",
        ),
        (Refused::NotFound, "There is no such page"),
        (Refused::WrongPassword, "Please sign in again"),
        (Refused::PasswordRequired, "Please sign in again"),
        (Refused::RecentSignInRequired, "Please sign in again"),
        (
            Refused::EmailNotVerified,
            "Your email address is not confirmed yet",
        ),
        (Refused::Forbidden, "You may not do this"),
        (Refused::RegistrationClosed, "Registration is closed"),
        (Refused::TooMany(TooMany(Seconds(61))), "Too many attempts"),
        (Refused::BadGateway, "Something went wrong"),
        (Refused::NotAForm, "This request could not be understood"),
    ] {
        assert_eq!(title(&refused), expected, "{refused:?}");
    }
}

#[test]
fn what_is_wrong_with_a_field_is_said_at_it() {
    let html = page(english(), Kind::Verification, Some(&Refused::WrongPassword));
    assert!(html.contains("<title>Error: Confirm"), "{html}");
    let tag = input(&html, "password").unwrap();
    for attribute in [
        "aria-invalid=\"true\"",
        "aria-describedby=\"password-error\"",
        "value=\"\"",
        " autofocus",
    ] {
        assert!(tag.contains(attribute), "{attribute}: {tag}");
    }
    let problem = "id=\"password-error\" role=\"alert\">Error: This is not the password";
    assert!(html.contains(problem), "{html}");

    let broken = Refused::Rule(BrokenRule::new("password", "must not be the name"));
    let html = page(english(), Kind::Reset, Some(&broken));
    let tag = input(&html, "new_password").unwrap();
    let ids = "aria-describedby=\"new_password-error new_password-hint\"";
    assert!(tag.contains(ids), "{tag}");

    // Where there is no such field it is said before the form.
    let html = page(english(), Kind::EmailRevert, Some(&Refused::WrongPassword));
    assert!(
        html.contains("<p class=\"error\" role=\"alert\">Error: This"),
        "{html}"
    );
}

#[test]
fn every_rule_is_worded() {
    // As much of Unicode as these values need.
    const PLAIN: Unicode = Unicode {
        nfc: str::to_owned,
        nfkc: str::to_owned,
        to_lowercase: str::to_lowercase,
        to_uppercase: str::to_uppercase,
        has_format_characters: |text| text.contains('\u{202e}'),
    };
    let known = Known {
        email: Some("ann@example.com"),
        username: Some("bookworm"),
        name: "Ann Lee-Young",
    };
    let password = |raw: &str| NewPassword::parse(raw, 8, known, PLAIN).unwrap_err();
    let name = |raw: &str| Name::parse(raw, PLAIN).unwrap_err();
    for (broken, text) in [
        (password("1234567"), "Use at least 8 characters."),
        (password(&"x".repeat(1025)), "This password is too long."),
        (
            password("ann@example.com"),
            "Choose a password that is not your",
        ),
        (password("bookworm"), "Choose a password that is not your"),
        (
            password("ann lee-young"),
            "Choose a password that is not your",
        ),
        (
            password("password1"),
            "This password is one of the most common",
        ),
        (
            password("long enough\0"),
            "Leave out characters that cannot be seen.",
        ),
        (name(" "), "Use 1 to 200 characters."),
        (
            name("a\u{202e}b"),
            "Leave out characters that cannot be seen.",
        ),
        (
            BrokenRule::new("password", "must not be known from a breach"),
            "This password is known from a data breach",
        ),
        (
            BrokenRule::new("name", "must be new"),
            "This cannot be used.",
        ),
    ] {
        let refused = Refused::Rule(broken);
        let problem = FieldProblem::of(&refused, english()).unwrap();
        assert!(problem.text.starts_with(text), "{refused:?}: {problem:?}");
    }
    for refused in [Refused::Link, Refused::NotFound, Refused::Conflict("x")] {
        assert!(FieldProblem::of(&refused, english()).is_none());
    }
}

#[test]
fn what_is_not_ours_is_escaped() {
    let hostile = || HOSTILE.to_owned();
    let shown = Shown {
        address: hostile(),
        asked_at: UnixMillis(0),
        browser: hostile(),
        code: Some(hostile()),
        has_password: true,
        new_address: Some(hostile()),
    };
    let around = Surroundings {
        name: HOSTILE,
        ..around(english(), None)
    };
    for kind in Kind::ALL {
        let link = Link {
            kind,
            id: hostile(),
            token: hostile(),
        };
        let reply = link::page(200, &link, &shown, &around);
        let html = html(&reply);
        assert!(!html.contains("<script"), "{html}");
        // Isolated, so that what turns the direction turns only itself.
        assert!(html.contains(&format!("<bdi>{ESCAPED}</bdi>")), "{html}");
        let (_, content) = html.split_once("</style>").unwrap();
        let times = content.matches(ESCAPED).count();
        assert_eq!(times, content.matches("\u{202e}").count(), "{html}");
        assert!(times >= 4, "{html}");
    }
    let reply = problem::page(
        layout(english()),
        500,
        &Problem::Unexpected(Some(hostile())),
    );
    assert!(html(&reply).contains(ESCAPED), "{reply:?}");
}

#[test]
fn how_long_to_wait_and_what_to_report() {
    let page = problem::page(layout(english()), 429, &Problem::TooMany(15));
    assert!(html(&page).contains("Minutes to wait: 15."), "{page:?}");
    let page = problem::page(
        layout(english()),
        500,
        &Problem::Unexpected(Some("abc".to_owned())),
    );
    assert!(html(&page).contains("give this number: abc"), "{page:?}");
}
