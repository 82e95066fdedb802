//! Calls of other servers. They end in time, and what is answered is read to a limit.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::HostError;
use super::calls::settled;

#[wasm_bindgen(module = "/src/platform/outbound.js")]
extern "C" {
    #[wasm_bindgen(js_name = call)]
    fn call_by_host(
        method: &str,
        url: &str,
        headers: &str,
        body: Option<&str>,
        milliseconds: u32,
        limit: u32,
        reads_errors: bool,
    ) -> Promise;
}

/// A request to another server.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// Its URL.
    pub url: String,
    /// Names and values of its headers, none with a line feed.
    pub headers: Vec<(&'static str, String)>,
    /// What is posted; none with `GET`.
    pub body: Option<String>,
}

/// How long a call may take, and how much of its answer is read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From the request to the end of the answer.
    pub milliseconds: u32,
    /// The rest of a longer body is not read.
    pub body_bytes: u32,
    /// Whether a body counts only where the status is not 2xx. It is not waited for otherwise.
    pub reads_errors_alone: bool,
}

/// Another server's answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status. A redirect is not followed.
    pub status: u16,
    /// The body, or its beginning; empty where it was not read.
    pub body: String,
}

impl Request {
    /// Sends it.
    ///
    /// # Errors
    /// The server cannot be reached, or has not answered in time.
    pub async fn send(&self, limits: Limits) -> Result<Answer, HostError> {
        let method = if self.body.is_some() { "POST" } else { "GET" };
        let headers = self.headers.iter();
        let headers: Vec<_> = headers
            .flat_map(|(name, value)| [*name, value.as_str()])
            .collect();
        let promise = call_by_host(
            method,
            &self.url,
            &headers.join("\n"),
            self.body.as_deref(),
            limits.milliseconds,
            limits.body_bytes,
            limits.reads_errors_alone,
        );
        let answer = settled(JsValue::from(promise)).await?;
        let answer = answer.as_string().unwrap_or_default();
        let (status, body) = answer.split_once('\n').unwrap_or_default();
        Ok(Answer {
            status: status.parse().map_err(HostError::new)?,
            body: body.to_owned(),
        })
    }
}
