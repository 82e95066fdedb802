//! Unicode normalization (UAX #15). The host has the tables; in wasm they would weigh more than
//! the rest of the Worker.

use js_sys::JsString;

/// Normalization Form C.
#[must_use]
pub fn nfc(text: &str) -> String {
    normalize(text, "NFC")
}

/// Normalization Form KC.
#[must_use]
pub fn nfkc(text: &str) -> String {
    normalize(text, "NFKC")
}

fn normalize(text: &str, form: &str) -> String {
    // ASCII is its own normal form and need not cross the boundary.
    if text.is_ascii() {
        return text.to_owned();
    }
    String::from(JsString::from(text).normalize(form))
}
