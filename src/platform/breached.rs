//! Passwords that are known from a breach: the range protocol of Have I Been Pwned (its API, "Searching
//! by range").

use edge_auth_core::password::HashRange;
use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;

use super::HostError;
use super::calls::settled;
use super::outbound::{Limits, Request};

/// Somebody waits. A padded answer has some 40 KB.
const LIMITS: Limits = Limits {
    milliseconds: 2000,
    body_bytes: 1 << 18,
    reads_errors_alone: false,
};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"])]
    fn digest(algorithm: &str, data: &Uint8Array) -> Promise;
}

/// Whether `password` is known from a breach. The other side learns the first five hexadecimal digits of
/// its SHA-1 and, by the padding, not how many passwords have the same.
///
/// # Errors
/// There is no answer within two seconds, or one that says nothing of passwords.
pub async fn is_breached(password: &[u8]) -> Result<bool, HostError> {
    let bytes = Uint8Array::from(password);
    let hash = settled(digest("SHA-1", &bytes)).await;
    // The copy on the other side of the boundary is wiped too.
    bytes.fill(0, 0, bytes.length());
    let hash = Uint8Array::new(&hash?).to_vec();
    let range = HashRange::of(&hash);
    let prefix = range.prefix();
    let request = Request {
        url: format!("https://api.pwnedpasswords.com/range/{prefix}"),
        headers: vec![("Add-Padding", "true".to_owned())],
        body: None,
    };
    let answer = request.send(LIMITS).await?;
    match answer.status {
        200 => Ok(range.is_listed(&answer.body)),
        status => Err(HostError::new(format_args!("Have I Been Pwned: {status}"))),
    }
}
