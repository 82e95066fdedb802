//! PBKDF2 (RFC 8018 section 5.2) with the hash functions that stored passwords name.
//!
//! A crate of its own, because it alone is built for speed: `pbkdf2` is generic, so its code is
//! compiled where the hash function is chosen.

use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// Fills `key` by HMAC-SHA-1. At least one iteration.
pub fn pbkdf2_sha1(password: &[u8], salt: &[u8], iterations: u32, key: &mut [u8]) {
    pbkdf2_hmac::<Sha1>(password, salt, iterations, key);
}

/// Fills `key` by HMAC-SHA-256. At least one iteration.
pub fn pbkdf2_sha256(password: &[u8], salt: &[u8], iterations: u32, key: &mut [u8]) {
    pbkdf2_hmac::<Sha256>(password, salt, iterations, key);
}

/// Fills `key` by HMAC-SHA-512. At least one iteration.
pub fn pbkdf2_sha512(password: &[u8], salt: &[u8], iterations: u32, key: &mut [u8]) {
    pbkdf2_hmac::<Sha512>(password, salt, iterations, key);
}
