//! Keys for tests, of every algorithm.

use serde_json::Value;

use super::algorithm::Algorithm;
use super::key::{RetiredKey, SigningKey};

pub(super) const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// RFC 8037 appendix A.1.
pub(super) const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519",
    "d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// RFC 7515 appendix A.3.
pub(super) const P256: &str = r#"{"kty":"EC","crv":"P-256",
    "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

pub(super) fn hmac() -> SigningKey {
    SigningKey::from_secret(SECRET).unwrap()
}

pub(super) fn ed25519() -> SigningKey {
    SigningKey::from_jwk(ED25519, Algorithm::EdDsa).unwrap()
}

pub(super) fn p256() -> SigningKey {
    SigningKey::from_jwk(P256, Algorithm::Es256).unwrap()
}

pub(super) fn retired(jwks: &str) -> Vec<RetiredKey> {
    RetiredKey::from_jwks(jwks, false).unwrap()
}

pub(super) fn public(jwk: &str) -> String {
    let mut jwk: Value = serde_json::from_str(jwk).unwrap();
    jwk.as_object_mut().unwrap().remove("d").unwrap();
    jwk.to_string()
}
