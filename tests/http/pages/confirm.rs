//! `/account/confirm`: links that are not good, and forms that this service's own pages have not sent.

use wasm_bindgen_test::wasm_bindgen_test;

use super::{assert_page, assert_title};
use crate::harness::{Answer, RequestBuilder, Server};

const PATH: &str = "/account/confirm";
const FORM: &str = "application/x-www-form-urlencoded";
const BODY: &str = "kind=reset&id=1&token=2&new_password=a+quiet+green+field";

fn assert_dead(answer: &Answer) {
    assert_title(answer, 400, "This link is no longer valid");
}

fn post(server: &Server) -> RequestBuilder<'_> {
    let request = server.request("POST", PATH);
    request.header("Content-Type", FORM)
}

/// A form as a browser sends it from a page of this service.
fn own(server: &Server) -> RequestBuilder<'_> {
    let request = post(server).header("Sec-Fetch-Site", "same-origin");
    // Which pages with `Referrer-Policy: no-referrer` say.
    request.header("Origin", "null")
}

#[wasm_bindgen_test]
async fn links_that_are_not_good() {
    let server = Server::shared().await;
    for query in [
        "",
        "?",
        "?kind=reset",
        "?kind=reset&token=",
        "?kind=reset&id=1&token=2",
        "?kind=Reset&id=1&token=2",
        "?kind=nothing&id=1&token=2",
        "?kind=sign_in&id=1&token=2",
        "?kind=reset&id=1&token=2&token=2",
        "?kind=reset&kind=reset&token=2",
        "?kind=reset&id=1&token=%00%ff%22%3E%3Cscript%3E",
        &format!("?kind=reset&id=1&token={}", "x".repeat(8_000)),
        &format!("?kind=reset&token=2{}", "&x".repeat(4_000)),
    ] {
        let answer = server.request("GET", &format!("{PATH}{query}"));
        let answer = answer.send().await;
        assert_dead(&answer);
        assert!(!answer.text().contains("<script"), "{query:.40}");
        let head = server.request("HEAD", &format!("{PATH}{query}"));
        let head = head.send().await;
        assert_page(&head, 400);
        assert_eq!(head.text(), "");
    }
    for body in [
        BODY,
        "",
        "kind=reset",
        "kind=nothing&token=2",
        "kind=sign_in&id=1&token=2",
        "kind=%FF&token=%FF",
    ] {
        assert_dead(&own(&server).body(body).send().await);
    }
}

#[wasm_bindgen_test]
async fn a_dead_link_is_told_in_the_language_of_its_reader() {
    let server = Server::shared().await;
    let request = own(&server).header("Accept-Language", "de");
    let answer = request.body(BODY).send().await;
    assert_title(&answer, 400, "Dieser Link ist nicht mehr gültig");
}

#[wasm_bindgen_test]
async fn forms_from_elsewhere_are_refused() {
    const OWN: &str = "http://auth.example.com";
    let server = Server::start(&[("ALLOWED_ORIGINS", Some("https://app.example.com"))]).await;
    for (site, origin) in [
        (Some("cross-site"), Some("https://evil.example")),
        (Some("cross-site"), None),
        (Some("cross-site"), Some(OWN)),
        (Some("same-site"), Some("http://app.example.com")),
        (Some("same-site"), Some(OWN)),
        (Some(""), Some(OWN)),
        (Some("Same-Origin"), Some(OWN)),
        (Some("same-origin, same-origin"), Some(OWN)),
        (None, Some("https://evil.example")),
        // A page that may read the API is none of our own.
        (None, Some("https://app.example.com")),
        (None, Some("https://auth.example.com")),
        (None, Some("http://auth.example.com:80")),
        (None, Some("http://auth.example.com/")),
        (None, Some("http://auth.example.com.evil.example")),
        (None, Some("http://evil.example/http://auth.example.com")),
        (None, Some("auth.example.com")),
        (None, Some("null")),
        (None, Some("")),
        (None, None),
    ] {
        let mut request = post(&server).header("Host", "auth.example.com");
        if let Some(site) = site {
            request = request.header("Sec-Fetch-Site", site);
        }
        if let Some(origin) = origin {
            request = request.header("Origin", origin);
        }
        let answer = request.body(BODY).send().await;
        let shown = format!("{site:?} {origin:?}");
        assert_page(&answer, 403);
        assert!(
            answer.text().contains("This form was not accepted"),
            "{shown}"
        );
    }
    // Before anything else is looked at.
    let request = server
        .request("POST", PATH)
        .header("Content-Type", "text/plain");
    let request = request.header("Sec-Fetch-Site", "cross-site");
    let answer = request.body(vec![b'x'; 100_000]).send().await;
    assert_title(&answer, 403, "This form was not accepted");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn forms_of_our_own_are_not() {
    let server = Server::shared().await;
    for (site, origin) in [
        (Some("same-origin"), Some("null")),
        (Some("same-origin"), None),
        (Some("none"), None),
        // Without the one the other counts.
        (None, Some("http://auth.example.com:8443")),
    ] {
        let mut request = post(&server).header("Host", "auth.example.com:8443");
        if let Some(site) = site {
            request = request.header("Sec-Fetch-Site", site);
        }
        if let Some(origin) = origin {
            request = request.header("Origin", origin);
        }
        assert_dead(&request.body(BODY).send().await);
    }
}

#[wasm_bindgen_test]
async fn bodies_that_are_no_form() {
    let server = Server::shared().await;
    let bad = "This request could not be understood";
    for (content_type, body, status) in [
        ("application/json", "{}", 415),
        ("text/plain", BODY, 415),
        ("multipart/form-data; boundary=x", "--x--", 415),
        (FORM, "kind=reset&token=2&token=2", 400),
        (
            FORM,
            "kind=reset&token=2&new_password=a&new_password=b",
            400,
        ),
        (FORM, "kind=reset&token=2&x&x", 400),
    ] {
        let request = server.request("POST", PATH);
        let request = request.header("Content-Type", content_type);
        let request = request.header("Sec-Fetch-Site", "same-origin");
        assert_title(&request.body(body).send().await, status, bad);
    }
    let request = server.request("POST", PATH);
    let request = request.header("Sec-Fetch-Site", "same-origin");
    assert_title(&request.send().await, 415, bad);
    let names: Vec<_> = (0..40).map(|name| format!("x{name}=1")).collect();
    let answer = own(&server).body(names.join("&")).send().await;
    assert_title(&answer, 400, bad);

    let padded = |length: usize| format!("{BODY}&x={}", "x".repeat(length - BODY.len() - 3));
    assert_dead(&own(&server).body(padded(16_384)).send().await);
    let answer = own(&server).body(padded(16_385)).send().await;
    assert_title(&answer, 413, "That was too much");

    let request = server.request("POST", PATH);
    let request = request.header(
        "Content-Type",
        "Application/X-WWW-Form-URLencoded;charset=utf-8",
    );
    let request = request.header("Sec-Fetch-Site", "same-origin");
    assert_dead(&request.body(BODY).send().await);
}

#[wasm_bindgen_test]
async fn other_methods() {
    let server = Server::start(&[("ALLOWED_ORIGINS", Some("*"))]).await;
    for method in ["PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
        let request = server.request(method, PATH);
        let request = request.header("Origin", "https://app.example.com");
        let request = request.header("Access-Control-Request-Method", "POST");
        let answer = request.send().await;
        assert_title(&answer, 405, "This request could not be understood");
        let allowed = answer.headers.get("Allow");
        assert_eq!(allowed.as_deref(), Some("GET, HEAD, POST"));
    }
    server.stop().await;
}
