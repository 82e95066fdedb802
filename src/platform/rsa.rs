//! RSA by WebCrypto. In wasm it would be a crate more, and slower.

use edge_auth_core::passkey::{InvalidPasskey, Verification, Verified};
use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;

use super::HostError;
use super::calls::settled;

#[wasm_bindgen(module = "/src/platform/rsa.js")]
extern "C" {
    #[wasm_bindgen(js_name = verify)]
    fn verify_by_host(n: &str, e: &str, signature: Uint8Array, message: Uint8Array) -> Promise;
}

/// What checking a passkey comes to, once the host has verified what was left to it.
///
/// # Errors
/// The host failed. The inner error is a wrong signature.
pub async fn verified(
    verification: Verification,
) -> Result<Result<Verified, InvalidPasskey>, HostError> {
    let verification = match verification {
        Verification::Done(verified) => return Ok(Ok(verified)),
        Verification::ByHost(verification) => verification,
    };
    let [n, e] = verification.jwk_numbers();
    let is_right = verify(&n, &e, verification.signature(), verification.message()).await?;
    Ok(verification.answered(is_right))
}

/// Whether the key with modulus `n` and exponent `e`, in base64url (RFC 7518 section 6.3.1), made
/// `signature` of `message` by RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2).
///
/// # Errors
/// The host failed.
pub async fn verify(n: &str, e: &str, signature: &[u8], message: &[u8]) -> Result<bool, HostError> {
    let [signature, message] = [signature, message].map(Uint8Array::from);
    let answer = settled(verify_by_host(n, e, signature, message)).await?;
    Ok(answer.as_bool() == Some(true))
}
