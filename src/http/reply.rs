//! Status, headers and body of an answer.

use serde_json::Value;

use crate::platform::http::Body;
use crate::platform::upstream::Answered;

/// What a request is answered with.
#[derive(Debug)]
pub enum Answer {
    /// An answer of this service's own.
    Own(Reply),
    /// That of the service behind a protected prefix, as it came.
    FromUpstream(Answered),
}

/// What the policy of a page allows, by the digests of what stands in the page (CSP 3 section 2.3.1).
#[derive(Debug, Clone, Copy)]
pub struct Allowed<'a> {
    /// The style sheet.
    pub style: &'a str,
    /// The script, if the page has one.
    pub script: Option<&'a str>,
    /// Whether there are pictures, as `data:` URLs.
    pub pictures: bool,
}

/// An answer, before it becomes the host's.
///
/// A JSON body is compact and ASCII, its keys sorted, and ends in a newline, as Flask writes it
/// (recordings, `raw_body`).
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Headers beside those that every answer carries.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
}

impl Reply {
    /// An answer with the JSON `body`.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        let mut body = to_ascii(body.to_string());
        body.push('\n');
        Self {
            status,
            headers: Vec::new(),
            body: Body::Json(body),
        }
    }

    /// A page, and what its policy allows beside. Every page is made here, so that none is without
    /// these headers.
    ///
    /// A page runs no script but the one that it says and loads nothing, is shown in no frame, posts
    /// only to this service, and its URL, which may hold the token of a link, is told to nobody
    /// (docs/pages.md, "Headers").
    #[must_use]
    pub fn page(status: u16, html: String, allowed: &Allowed<'_>) -> Self {
        let Allowed { style, .. } = allowed;
        let script = allowed
            .script
            .map(|digest| format!("script-src '{digest}'; "));
        let script = script.unwrap_or_default();
        let pictures = if allowed.pictures {
            "img-src data:; "
        } else {
            ""
        };
        let policy = format!(
            "default-src 'none'; {script}style-src '{style}'; {pictures}form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        let reply = Self {
            status,
            headers: Vec::new(),
            body: Body::Html(html),
        };
        reply
            .with("Content-Security-Policy", policy)
            .with("Cross-Origin-Opener-Policy", "same-origin")
            .with("Cross-Origin-Resource-Policy", "same-origin")
            .with("Referrer-Policy", "no-referrer")
            // For browsers that do not know `frame-ancestors`.
            .with("X-Frame-Options", "DENY")
    }

    /// Leads a browser on to `path`, a path of this service's own, by a GET (RFC 9110 section 15.4.4).
    #[must_use]
    pub fn see_other(path: &str) -> Self {
        let reply = Self {
            status: 303,
            ..Self::empty()
        };
        reply
            .with("Location", path)
            .with("Referrer-Policy", "no-referrer")
    }

    /// A 204.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            status: 204,
            headers: Vec::new(),
            body: Body::None,
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Escapes what is not ASCII; in JSON that is found in strings alone (RFC 8259 section 7).
fn to_ascii(json: String) -> String {
    if json.is_ascii() {
        return json;
    }
    let mut ascii = String::with_capacity(json.len() * 2);
    for character in json.chars() {
        if character.is_ascii() {
            ascii.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                ascii.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_are_written_as_flask_does() {
        let body = json!({ "name": "Zoë 😀\n\u{7f}", "id": 1, "email": null });
        let expected = "{\"email\":null,\"id\":1,\"name\":\"Zo\\u00eb \\ud83d\\ude00\\n\u{7f}\"}\n";
        assert_eq!(
            Reply::json(200, &body).body,
            Body::Json(expected.to_owned())
        );
    }
}
