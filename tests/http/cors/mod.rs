//! Pages of other origins: which may ask, and which may read answers.

use crate::harness::{Answer, RequestBuilder, Server};

mod answers;
mod preflights;

const PAGE: &str = "https://app.example.com";
const OTHER_PAGE: &str = "http://localhost:5173";
const BOTH: (&str, Option<&str>) = (
    "ALLOWED_ORIGINS",
    Some("https://app.example.com, http://localhost:5173"),
);

const EXPOSED: &str = "Retry-After, X-D1-Bookmark, X-Request-Id";

fn preflight<'a>(server: &'a Server, path: &str, origin: &str) -> RequestBuilder<'a> {
    server
        .request("OPTIONS", path)
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "POST")
        .header(
            "Access-Control-Request-Headers",
            "authorization,content-type",
        )
}

/// The headers of the answer that CORS is about, in the order of their names.
fn cors_headers(answer: &Answer) -> Vec<(String, &str)> {
    let all = answer.headers.all();
    let named = all.map(|(name, value)| (name.to_ascii_lowercase(), value));
    let mut found: Vec<_> = named
        .filter(|(name, _)| name.starts_with("access-control-") || name == "vary")
        .collect();
    found.sort();
    found
}

fn assert_cors(answer: &Answer, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect();
    let status = answer.status;
    assert_eq!(cors_headers(answer), expected, "{status} {}", answer.text());
}

fn assert_readable_by(answer: &Answer, page: &str) {
    assert_cors(
        answer,
        &[
            ("access-control-allow-origin", page),
            ("access-control-expose-headers", EXPOSED),
            ("vary", "Origin"),
        ],
    );
}

fn assert_not_readable(answer: &Answer) {
    assert_cors(answer, &[("vary", "Origin")]);
}
