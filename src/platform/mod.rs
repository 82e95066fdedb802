//! What the host gives: its calls, HTTP messages, WebCrypto, randomness, rate limits, other services
//! and servers, mail, the clock, timers, turns, Unicode.

pub mod breached;
pub mod calls;
pub mod clock;
pub mod http;
pub mod kdf;
pub mod mail;
pub mod outbound;
pub mod random;
pub mod rate_limit;
pub mod rsa;
pub mod turns;
pub mod unicode;
pub mod upstream;

use std::fmt;

use wasm_bindgen::{JsCast, JsValue};

/// The host refused or failed. The text is for the log, never for a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostError(String);

impl HostError {
    /// An error of the host's, described by `text`.
    pub fn new(text: impl fmt::Display) -> Self {
        Self(text.to_string())
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl From<JsValue> for HostError {
    fn from(value: JsValue) -> Self {
        match value.dyn_ref::<js_sys::Error>() {
            Some(error) => Self(String::from(error.to_string())),
            None => Self(format!("{value:?}")),
        }
    }
}
