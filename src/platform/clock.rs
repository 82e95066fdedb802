//! The clock and timers.

use js_sys::{Date, Function, Promise};
use wasm_bindgen::prelude::wasm_bindgen;

use super::HostError;
use super::calls::settled;
use edge_auth_core::time::{Milliseconds, UnixMillis};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, milliseconds: u32);
}

#[wasm_bindgen(module = "/src/platform/clock.js")]
extern "C" {
    #[wasm_bindgen(js_name = describe)]
    fn describe_in(milliseconds: f64, language: &str) -> String;
}

/// A point in time for people: to the minute, in UTC, which is where the reader need not be. The
/// language is a tag of RFC 5646.
#[must_use]
pub fn describe(time: UnixMillis, language: &str) -> String {
    // Exact for the next 285,000 years.
    #[allow(clippy::cast_precision_loss)]
    let milliseconds = time.0 as f64;
    describe_in(milliseconds, language)
}

/// The same of a point in time in UTC as the API writes it, such as `1970-01-01T00:00:00`.
#[must_use]
pub fn describe_text(time: &str, language: &str) -> String {
    let milliseconds = Date::parse(&format!("{time}Z"));
    if milliseconds.is_nan() {
        return time.to_owned();
    }
    describe_in(milliseconds, language)
}

/// The time.
#[must_use]
pub fn now() -> UnixMillis {
    // Saturating by definition; the host's clock is never negative.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let milliseconds = Date::now() as u64;
    UnixMillis(milliseconds)
}

/// A point in time to wait for. It comes nearer while the code computes.
///
/// Holds the promise alone: a future made before it is awaited would stay in memory for ever where
/// the request ends first and the promise is never settled.
pub struct Timer(Promise);

impl Timer {
    /// Starts now and ends after `length`.
    #[must_use]
    pub fn start(length: Milliseconds) -> Self {
        let milliseconds = u32::try_from(length.0).unwrap_or(u32::MAX);
        Self(Promise::new(&mut |resolve, _| {
            set_timeout(&resolve, milliseconds);
        }))
    }

    /// Settled at the end.
    pub(super) fn promise(&self) -> &Promise {
        &self.0
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// None in practice: the promise under it has no way to fail.
    pub async fn end(self) -> Result<(), HostError> {
        settled(self.0).await?;
        Ok(())
    }
}
