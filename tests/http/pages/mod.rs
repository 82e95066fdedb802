//! Pages: what every one of them has, and what a browser must not be made to do with them.

use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};

use crate::harness::Answer;

mod confirm;
mod cookie;
mod every_page;
mod links;
mod passkeys;
mod queries;
mod security;
mod sent;
mod sign_in;
mod two_step;
mod visitor;

/// The text of the header.
fn header(answer: &Answer, name: &str) -> String {
    let value = answer.headers.get(name);
    value.unwrap_or_else(|| panic!("no {name}: {answer:?}"))
}

/// Checks that the answer is a page, with what every page has, which no other page may read.
fn assert_page(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
    for (name, value) in [
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", &*policy(answer)),
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

/// The policy that allows what stands in the page, and nothing else. A request of HEAD has none in it.
fn policy(answer: &Answer) -> String {
    if answer.text().is_empty() {
        return header(answer, "Content-Security-Policy");
    }
    let directive = |name: &str, tag: &str| {
        let (_, rest) = answer.text().split_once(&format!("<{tag}>"))?;
        let (content, _) = rest.split_once(&format!("</{tag}>"))?;
        let digest = Base64::encode_string(&Sha256::digest(content));
        Some(format!("{name} 'sha256-{digest}'; "))
    };
    let script = directive("script-src", "script").unwrap_or_default();
    let style = directive("style-src", "style").expect("a style sheet");
    let has_pictures = answer.text().contains("<img");
    let pictures = if has_pictures { "img-src data:; " } else { "" };
    format!(
        "default-src 'none'; {script}{style}{pictures}form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// Checks whether the page has a script and pictures.
fn assert_has(answer: &Answer, script: bool, pictures: bool) {
    let policy = header(answer, "Content-Security-Policy");
    let has = (policy.contains("script-src"), policy.contains("img-src"));
    assert_eq!(has, (script, pictures), "{policy}");
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
