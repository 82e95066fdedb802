//! HTTP messages as the host has them.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::web_sys::{self, ReadableStreamDefaultReader};

use super::HostError;
use super::calls::settled;

#[wasm_bindgen(module = "/src/platform/host.js")]
extern "C" {
    #[wasm_bindgen(js_name = head)]
    fn head_of(request: &web_sys::Request) -> String;

    #[wasm_bindgen(catch, js_name = header)]
    fn header_of(request: &web_sys::Request, name: &str) -> Result<Option<String>, JsValue>;

    fn respond(
        status: u16,
        kind: u8,
        is_https: bool,
        body: Option<&str>,
        more: &str,
    ) -> web_sys::Response;
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = URLSearchParams)]
    type UrlSearchParams;

    #[wasm_bindgen(constructor, js_class = "URLSearchParams")]
    fn new(query: &str) -> UrlSearchParams;

    #[wasm_bindgen(method)]
    fn get(this: &UrlSearchParams, name: &str) -> Option<String>;
}

/// The body of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// None, as in a 204.
    None,
    /// A JSON text.
    Json(String),
    /// A page, in UTF-8.
    Html(String),
}

impl Body {
    /// Its kind, as host.js counts them, and its text.
    fn parts(&self) -> (u8, Option<&str>) {
        match self {
            Self::None => (0, None),
            Self::Json(text) => (1, Some(text)),
            Self::Html(text) => (2, Some(text)),
        }
    }
}

/// A request that came in. Headers and body cross the boundary only when they are asked for.
#[derive(Debug)]
pub struct Incoming {
    request: web_sys::Request,
    method: String,
    is_https: bool,
    path: String,
    query: Option<String>,
}

/// A body that was not read to its end.
#[derive(Debug)]
pub enum BodyError {
    /// It is longer than the limit.
    TooLarge,
    /// The client or the host broke off.
    Host(HostError),
}

impl<E: Into<HostError>> From<E> for BodyError {
    fn from(error: E) -> Self {
        Self::Host(error.into())
    }
}

impl Incoming {
    /// Takes over a request.
    #[must_use]
    pub fn new(request: web_sys::Request) -> Self {
        let head = head_of(&request);
        let mut lines = head.splitn(3, '\n').map(str::to_owned);
        let [method, host, url] = [(); 3].map(|()| lines.next().unwrap_or_default());
        let (path, query) = path_and_query(&url);
        // The host pastes that header into the URL, and part of what is none would pass for the path.
        let is_host = !host.contains(['/', '?', '#', '\\', '@']);
        let path = if is_host { path } else { "" };
        Self {
            path: path.to_owned(),
            query: query.map(str::to_owned),
            is_https: url.starts_with("https:"),
            method,
            request,
        }
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The origin of the URL (RFC 6454): scheme, host and port as the client asked for them.
    #[must_use]
    pub fn origin(&self) -> String {
        origin(&self.request.url())
    }

    /// The host's own.
    pub(super) fn inner(&self) -> &web_sys::Request {
        &self.request
    }

    /// The query of the URL as the client sent it, without its `?`.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// The path of the URL as the client sent it, without the query; empty where the `Host` header is none.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value of the query parameter `name`, decoded; the first one, if there are several.
    #[must_use]
    pub fn query_parameter(&self, name: &str) -> Option<String> {
        UrlSearchParams::new(self.query()?).get(name)
    }

    /// The value of the header `name`; several of that name are joined by `, `.
    ///
    /// # Errors
    /// None for a valid header name.
    pub fn header(&self, name: &str) -> Result<Option<String>, HostError> {
        Ok(header_of(&self.request, name)?)
    }

    /// Reads the body, but no further than `limit` bytes.
    ///
    /// # Errors
    /// See [`BodyError`].
    pub async fn body(&self, limit: usize) -> Result<Vec<u8>, BodyError> {
        let declared = self.header("Content-Length")?;
        if declared
            .and_then(|length| length.parse::<u64>().ok())
            .is_some_and(|length| length > limit as u64)
        {
            return Err(BodyError::TooLarge);
        }
        let mut body = Vec::new();
        let Some(stream) = self.request.body() else {
            return Ok(body);
        };
        let reader = ReadableStreamDefaultReader::new(&stream)?;
        loop {
            let read = settled(reader.read()).await?;
            if Reflect::get(&read, &JsValue::from("done"))?.is_truthy() {
                return Ok(body);
            }
            let chunk: Uint8Array = Reflect::get(&read, &JsValue::from("value"))?.dyn_into()?;
            if body.len() + chunk.length() as usize > limit {
                // What the client still sends is nobody's business; so is a failure to say so.
                let _ = settled(reader.cancel()).await;
                return Err(BodyError::TooLarge);
            }
            body.extend_from_slice(&chunk.to_vec());
        }
    }
}

/// The path of an absolute URL, and its query without the `?`, both as they stand there.
fn path_and_query(url: &str) -> (&str, Option<&str>) {
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    let (url, query) = match url.split_once('?') {
        Some((url, query)) => (url, Some(query)),
        None => (url, None),
    };
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = after_scheme.find('/').unwrap_or(after_scheme.len());
    (after_scheme.split_at(host).1, query)
}

/// An absolute URL without its path and what follows.
fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let host = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    format!("{scheme}://{}", rest.split_at(host).0)
}

/// The host's form of an answer of this service's own to `request`. A `HEAD` is not sent its body.
#[must_use]
pub fn response(
    request: &Incoming,
    status: u16,
    headers: &[(&'static str, String)],
    body: &Body,
) -> web_sys::Response {
    let mut more = String::new();
    for (name, value) in headers {
        for part in [name, value.as_str()] {
            if !more.is_empty() {
                more.push('\n');
            }
            more.push_str(part);
        }
    }
    let (kind, body) = body.parts();
    let body = body.filter(|_| request.method != "HEAD");
    respond(status, kind, request.is_https, body, &more)
}

#[cfg(test)]
mod tests {
    use super::{origin, path_and_query};

    #[test]
    fn the_origin_of_a_url() {
        for (url, expected) in [
            ("http://a.example/", "http://a.example"),
            ("https://a.example:8443/b?c=/d?e", "https://a.example:8443"),
            ("http://[::1]:8787/b", "http://[::1]:8787"),
            ("http://a.example?b", "http://a.example"),
            ("http://a.example#/b", "http://a.example"),
            ("http://a.example", "http://a.example"),
        ] {
            assert_eq!(origin(url), expected, "{url}");
        }
    }

    #[test]
    fn urls_are_taken_apart() {
        for (url, path, query) in [
            ("http://a.example/", "/", None),
            ("http://a.example/b/c", "/b/c", None),
            ("https://a.example:8443/b?c=/d?e", "/b", Some("c=/d?e")),
            ("http://[::1]/b?", "/b", Some("")),
            ("http://a.example/b#c?d", "/b", None),
            ("http://a.example/b?c#d", "/b", Some("c")),
            ("http://a.example//b://c", "//b://c", None),
        ] {
            assert_eq!(path_and_query(url), (path, query), "{url}");
        }
    }
}
