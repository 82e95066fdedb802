//! Unicode by the host. It has the tables; in wasm they would weigh more than the rest of the Worker.

use js_sys::{JsString, RegExp};
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(module = "/src/platform/unicode.js")]
extern "C" {
    #[wasm_bindgen(js_name = fold)]
    fn fold_by_host(text: &str) -> String;
}

use edge_auth_core::unicode::Unicode;

/// The host's functions, as ECMAScript has them.
pub const HOST: Unicode = Unicode {
    nfc: |text| JsString::from(text).normalize("NFC").into(),
    nfkc: |text| JsString::from(text).normalize("NFKC").into(),
    to_lowercase: |text| JsString::from(text).to_lower_case().into(),
    to_uppercase: |text| JsString::from(text).to_upper_case().into(),
    has_format_characters: |text| RegExp::new(r"\p{gc=Cf}", "u").test(text),
};

/// What is left of a text where case, width, fonts, marks and invisible characters count for
/// nothing: one text for all that some server could take for the same. ASCII stays as it is.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    fold_by_host(text)
}
