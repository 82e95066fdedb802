//! Pages: what every one of them has, and what a browser must not be made to do with them.

use crate::harness::Answer;

mod confirm;
mod cookie;
mod every_page;
mod links;
mod queries;
mod security;
mod sent;
mod sign_in;
mod visitor;

/// The text of the header.
fn header(answer: &Answer, name: &str) -> String {
    let value = answer.headers.get(name);
    value.unwrap_or_else(|| panic!("no {name}: {answer:?}"))
}

/// Checks that the answer is a page, with what every page has, which no other page may read.
fn assert_page(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let policy = header(answer, "Content-Security-Policy");
    let style = policy.split('\'').find(|part| part.starts_with("sha256-"));
    let style = style.expect("the digest of the style sheet");
    for (name, value) in [
        ("Cache-Control", "no-store"),
        (
            "Content-Security-Policy",
            &*format!(
                "default-src 'none'; style-src '{style}'; form-action 'self'; base-uri 'none'; \
                 frame-ancestors 'none'"
            ),
        ),
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
    ] {
        assert_eq!(header(answer, name), value, "{name}");
    }
    assert_not_readable(answer);
}

/// Checks also what its heading says.
fn assert_title(answer: &Answer, status: u16, title: &str) {
    assert_page(answer, status);
    let heading = format!("<h1>{title}</h1>");
    assert!(answer.text().contains(&heading), "{}", answer.text());
}

fn assert_not_readable(answer: &Answer) {
    let mut names = answer.headers.all().map(|(name, _)| name.to_lowercase());
    assert!(
        names.all(|name| !name.starts_with("access-control-")),
        "{answer:?}"
    );
}
