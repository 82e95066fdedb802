//! Unicode normalization (UAX #15) and folding. The host has the tables; in wasm they would weigh
//! more than the rest of the Worker.

use js_sys::JsString;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(module = "/src/platform/unicode.js")]
extern "C" {
    #[wasm_bindgen(js_name = fold)]
    fn fold_by_host(text: &str) -> String;
}

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

/// What is left of a text where case, width, fonts, marks and invisible characters count for
/// nothing: one text for all that some server could take for the same. ASCII stays as it is.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    fold_by_host(text)
}

fn normalize(text: &str, form: &str) -> String {
    // ASCII is its own normal form and need not cross the boundary.
    if text.is_ascii() {
        return text.to_owned();
    }
    String::from(JsString::from(text).normalize(form))
}
