//! Unicode by the host. It has the tables; in wasm they would weigh more than the rest of the Worker.

use js_sys::{JsString, RegExp};

use edge_auth_core::unicode::Unicode;

/// The host's functions, as ECMAScript has them.
pub const HOST: Unicode = Unicode {
    nfc: |text| JsString::from(text).normalize("NFC").into(),
    nfkc: |text| JsString::from(text).normalize("NFKC").into(),
    to_lowercase: |text| JsString::from(text).to_lower_case().into(),
    to_uppercase: |text| JsString::from(text).to_upper_case().into(),
    has_format_characters: |text| RegExp::new(r"\p{gc=Cf}", "u").test(text),
};
