//! Somebody at a browser: forms, and the cookie that it keeps.

use serde_json::Value;

use crate::harness::{Account, Answer, PASSWORD, RequestBuilder, Server};

pub(super) const SECURITY: &str = "/account/security";
pub(super) const SIGN_IN: &str = "/sign-in?next=/account/security";
pub(super) const SIGN_IN_AGAIN: &str = "/sign-in?next=/account/security&again=1";

/// A form as a browser sends it from a page of this service.
pub(super) fn form<'a>(
    server: &'a Server,
    path: &str,
    fields: &[(&str, &str)],
) -> RequestBuilder<'a> {
    foreign_form(server, path, fields).header("Sec-Fetch-Site", "same-origin")
}

/// The same without what browsers say of where it is from.
pub(super) fn foreign_form<'a>(
    server: &'a Server,
    path: &str,
    fields: &[(&str, &str)],
) -> RequestBuilder<'a> {
    let encode = |text: &str| String::from(js_sys::encode_uri_component(text));
    let pairs = fields.iter();
    let pairs = pairs.map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    let body = pairs.collect::<Vec<_>>().join("&");
    let request = server.request("POST", path);
    let request = request.header("Content-Type", "application/x-www-form-urlencoded");
    request.body(body)
}

/// Checks that the answer leads on to `path`, and what it says of the cookie.
pub(super) fn assert_leads(answer: &Answer, path: &str) -> Option<String> {
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(answer.headers.get("Location").as_deref(), Some(path));
    assert_eq!(answer.text(), "");
    for (name, value) in [
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
    ] {
        assert_eq!(answer.headers.get(name).as_deref(), Some(value), "{name}");
    }
    answer.headers.get("Set-Cookie")
}

/// The cookie that a browser keeps after a sign-in, as it sends it.
pub(super) fn cookie(answer: &Answer) -> String {
    let set = assert_leads(answer, SECURITY).expect("a cookie");
    let (cookie, attributes) = set.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; Secure; HttpOnly; SameSite=Lax");
    let value = cookie.strip_prefix("__Host-session=").unwrap();
    assert_eq!(value.len(), 86, "{value}");
    cookie.to_owned()
}

pub(super) async fn sign_in(server: &Server, name: &str, password: &str) -> Answer {
    let fields = [("username", name), ("password", password)];
    form(server, "/sign-in", &fields).send().await
}

/// The cookie of an account that has signed in.
pub(super) async fn signed_in(server: &Server, account: &Account) -> String {
    cookie(&sign_in(server, &account.email, PASSWORD).await)
}

pub(super) async fn get(server: &Server, path: &str, cookie: &str) -> Answer {
    let request = server.request("GET", path);
    request.header("Cookie", cookie).send().await
}

pub(super) async fn post(
    server: &Server,
    path: &str,
    cookie: &str,
    fields: &[(&str, &str)],
) -> Answer {
    let request = form(server, path, fields);
    request.header("Cookie", cookie).send().await
}

/// Checks that nobody is signed in by `cookie`.
pub(super) async fn assert_nobody(server: &Server, cookie: &str) {
    let answer = get(server, SECURITY, cookie).await;
    assert_eq!(assert_leads(&answer, SIGN_IN), None, "{cookie}");
}

/// The value of the hidden field `name`.
pub(super) fn hidden(answer: &Answer, name: &str) -> String {
    let start = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
    let (_, rest) = answer.text().split_once(&start).expect(name);
    rest.split('"').next().unwrap().to_owned()
}

/// Checks that the field `name` says this of what was typed.
pub(super) fn assert_beside(answer: &Answer, name: &str, text: &str) {
    let error = format!("<p class=\"error\" id=\"{name}-error\" role=\"alert\">Error: {text}</p>");
    assert!(answer.text().contains(&error), "{}", answer.text());
}

/// The sessions of an account, the oldest first.
pub(super) async fn sessions(server: &Server, account: &Account) -> Vec<Value> {
    let statement = "SELECT * FROM sessions WHERE user_id = ? ORDER BY created_at, id";
    server.sql(statement, &[account.id.into()]).await
}
