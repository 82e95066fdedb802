//! HTTP messages as the host has them.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::web_sys::{self, ReadableStreamDefaultReader};

use super::HostError;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = URLSearchParams)]
    type UrlSearchParams;

    #[wasm_bindgen(constructor, js_class = "URLSearchParams")]
    fn new(query: &str) -> UrlSearchParams;

    #[wasm_bindgen(method)]
    fn get(this: &UrlSearchParams, name: &str) -> Option<String>;
}

/// A request that came in. Headers and body cross the boundary only when they are asked for.
pub struct Incoming(worker::Request);

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
    pub fn new(request: worker::Request) -> Self {
        Self(request)
    }

    /// The method. Not `worker::Request::method`, which calls every unknown one `GET`.
    #[must_use]
    pub fn method(&self) -> String {
        self.0.inner().method()
    }

    /// The host's own.
    pub(super) fn inner(&self) -> &web_sys::Request {
        self.0.inner()
    }

    /// Whether the client sent it over https, by the scheme of the URL.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.inner().url().starts_with("https:")
    }

    /// The query of the URL as the client sent it, without its `?`.
    #[must_use]
    pub fn query(&self) -> Option<String> {
        let url = self.0.inner().url();
        let (_, query) = url.split_once('?')?;
        let query = query.split('#').next().unwrap_or_default();
        Some(query.to_owned())
    }

    /// The path of the URL as the client sent it, without the query; empty where the `Host` header is none, since the
    /// host pastes it into the URL and part of it would pass for the path.
    #[must_use]
    pub fn path(&self) -> String {
        match self.header("Host") {
            Ok(Some(host)) if host.contains(['/', '?', '#', '\\', '@']) => String::new(),
            _ => self.0.path(),
        }
    }

    /// The value of the query parameter `name`, decoded; the first one, if there are several.
    #[must_use]
    pub fn query_parameter(&self, name: &str) -> Option<String> {
        UrlSearchParams::new(&self.query()?).get(name)
    }

    /// The value of the header `name`; several of that name are joined by `, `.
    ///
    /// # Errors
    /// None for a valid header name.
    pub fn header(&self, name: &str) -> Result<Option<String>, HostError> {
        self.0.headers().get(name).map_err(HostError::new)
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
        let Some(stream) = self.0.inner().body() else {
            return Ok(body);
        };
        let reader = ReadableStreamDefaultReader::new(&stream)?;
        loop {
            let read = JsFuture::from(reader.read()).await?;
            if Reflect::get(&read, &JsValue::from("done"))?.is_truthy() {
                return Ok(body);
            }
            let chunk: Uint8Array = Reflect::get(&read, &JsValue::from("value"))?.dyn_into()?;
            if body.len() + chunk.length() as usize > limit {
                // What the client still sends is nobody's business; so is a failure to say so.
                let _ = JsFuture::from(reader.cancel()).await;
                return Err(BodyError::TooLarge);
            }
            body.extend_from_slice(&chunk.to_vec());
        }
    }
}
