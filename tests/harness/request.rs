//! Requests as they are sent, byte for byte, and answers as they came.

use js_sys::{Array, Uint8Array};
use serde_json::Value;

use super::Server;
use super::server::JsAnswer;

pub(crate) struct RequestBuilder<'a> {
    server: &'a Server,
    method: String,
    path: String,
    headers: Array,
    chunks: Array,
    chunked: bool,
}

impl<'a> RequestBuilder<'a> {
    pub(super) fn new(server: &'a Server, method: &str, path: &str) -> Self {
        Self {
            server,
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Array::new(),
            chunks: Array::new(),
            chunked: false,
        }
    }

    /// Adds a header, beside those of the same name. Each character is sent as the byte of its number.
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        self.headers.push(&name.into());
        self.headers.push(&value.into());
        self
    }

    /// A JSON body and its Content-Type.
    pub(crate) fn json(self, value: Value) -> Self {
        self.header("Content-Type", "application/json")
            .body(value.to_string())
    }

    /// A body with its Content-Length.
    pub(crate) fn body(self, bytes: impl AsRef<[u8]>) -> Self {
        self.chunks.push(&Uint8Array::from(bytes.as_ref()));
        self
    }

    /// A body in these pieces, of a length that is not told before.
    pub(crate) fn chunks(self, chunks: &[&[u8]]) -> Self {
        for chunk in chunks {
            self.chunks.push(&Uint8Array::from(*chunk));
        }
        Self {
            chunked: true,
            ..self
        }
    }

    pub(crate) async fn send(self) -> Answer {
        self.send_held_back(0).await.0
    }

    /// Holds the body's last byte back for so many milliseconds; says also how many the answer took
    /// after it.
    pub(crate) async fn send_held_back(self, hold_back_ms: u32) -> (Answer, f64) {
        let answer = self
            .server
            .0
            .send(
                &self.method,
                &self.path,
                &self.headers,
                &self.chunks,
                self.chunked,
                hold_back_ms,
                self.server.1,
            )
            .await
            .expect("an answer");
        let waited_ms = answer.waited_ms();
        (Answer::new(&answer), waited_ms)
    }

    /// Sends the request so that the Worker sees an https URL. Header names that HTTP does not know are refused, and a
    /// body has its length.
    pub(crate) async fn send_over_https(self) -> Answer {
        let server = self.server;
        let (headers, chunks) = (&self.headers, &self.chunks);
        let answer = server
            .0
            .send_over_https(&self.method, &self.path, headers, chunks, server.1);
        Answer::new(&answer.await.expect("an answer"))
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn new(answer: &JsAnswer) -> Self {
        Self {
            status: answer.status(),
            headers: Headers(answer.headers()),
            body: answer.body(),
        }
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("a body of UTF-8")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }
}

/// Names and values by turns, as they came.
#[derive(Debug)]
pub(crate) struct Headers(Vec<String>);

impl Headers {
    /// The value of the first header of this name, in whatever case.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.all()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_owned())
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .as_chunks()
            .0
            .iter()
            .map(|[name, value]| (name.as_str(), value.as_str()))
    }
}
