//! PBKDF2, HMAC and JSON Web Tokens by other hands than ours, to compare with.

use js_sys::JsString;
use serde_json::Value;
use wasm_bindgen::prelude::*;

use super::{from_js, to_js};

#[wasm_bindgen(module = "/tests/harness/others.mjs")]
extern "C" {
    #[wasm_bindgen(js_name = pbkdf2)]
    fn node_pbkdf2(
        hash: &str,
        password: &[u8],
        salt: &[u8],
        iterations: u32,
        length: u32,
    ) -> Vec<u8>;
    #[wasm_bindgen(js_name = hmac)]
    fn node_hmac(hash: &str, key: &[u8], data: &[u8]) -> Vec<u8>;
    #[wasm_bindgen(js_name = base64url)]
    fn node_base64url(bytes: &[u8]) -> String;
    #[wasm_bindgen(catch, js_name = joseSign)]
    async fn js_jose_sign(
        header: &JsValue,
        claims: &JsValue,
        secret: &str,
    ) -> Result<JsString, JsValue>;
    #[wasm_bindgen(catch, js_name = joseVerify)]
    async fn js_jose_verify(token: &str, secret: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_name = joseSignByJwk)]
    async fn js_jose_sign_by_jwk(
        header: &JsValue,
        claims: &JsValue,
        jwk: &JsValue,
    ) -> Result<JsString, JsValue>;
    #[wasm_bindgen(catch, js_name = joseVerifyByJwks)]
    async fn js_jose_verify_by_jwks(
        token: &str,
        jwks: &JsValue,
        issuer: &str,
        algorithm: &str,
    ) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_name = joseThumbprint)]
    async fn js_jose_thumbprint(jwk: &JsValue) -> Result<JsString, JsValue>;
    #[wasm_bindgen(catch, js_name = makeKey)]
    fn js_make_key(algorithm: &str) -> Result<String, JsValue>;
}

/// PBKDF2 by Node; `hash` is "sha256" or another name that OpenSSL knows.
pub(crate) fn pbkdf2(
    hash: &str,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    length: u32,
) -> Vec<u8> {
    node_pbkdf2(hash, password, salt, iterations, length)
}

/// HMAC by Node.
pub(crate) fn hmac(hash: &str, key: &[u8], data: &[u8]) -> Vec<u8> {
    node_hmac(hash, key, data)
}

/// Base64url without padding, by Node.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    node_base64url(bytes)
}

/// A token that npm's jose signs.
pub(crate) async fn jose_sign(header: Value, claims: Value, secret: &str) -> String {
    js_jose_sign(&to_js(&header), &to_js(&claims), secret)
        .await
        .expect("a signed token")
        .into()
}

/// The claims of a token that npm's jose finds good, or what it finds wrong.
pub(crate) async fn jose_verify(token: &str, secret: &str) -> Result<Value, String> {
    match js_jose_verify(token, secret).await {
        Ok(claims) => Ok(from_js(&claims)),
        Err(error) => Err(format!("{error:?}")),
    }
}

/// A token that npm's jose signs by a private JWK, with the `alg` of the header.
pub(crate) async fn jose_sign_by_jwk(header: &Value, claims: &Value, jwk: &Value) -> String {
    js_jose_sign_by_jwk(&to_js(header), &to_js(claims), &to_js(jwk))
        .await
        .expect("a signed token")
        .into()
}

/// `{"header", "payload"}` of a token that npm's jose finds good by a JWK Set, or what it finds wrong.
pub(crate) async fn jose_verify_by_jwks(
    token: &str,
    jwks: &Value,
    issuer: &str,
    algorithm: &str,
) -> Result<Value, String> {
    match js_jose_verify_by_jwks(token, &to_js(jwks), issuer, algorithm).await {
        Ok(verified) => Ok(from_js(&verified)),
        Err(error) => Err(format!("{error:?}")),
    }
}

/// A JWK's thumbprint (RFC 7638) by npm's jose.
pub(crate) async fn jose_thumbprint(jwk: &Value) -> String {
    let thumbprint = js_jose_thumbprint(&to_js(jwk)).await;
    thumbprint.expect("a thumbprint").into()
}

/// The key that `make keys` prints for an algorithm.
pub(crate) fn make_key(algorithm: &str) -> String {
    js_make_key(algorithm).expect("a key")
}
