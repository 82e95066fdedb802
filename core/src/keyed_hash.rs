//! Keyed hashes: they name what is stored and do not reveal it.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of a block of SHA-256 (FIPS 180-4).
const SHA_256_BLOCK_BYTES: usize = 64;

/// HMAC-SHA-256 under one secret (RFC 2104). Never printed.
pub struct KeyedHash(Hmac<Sha256>);

impl KeyedHash {
    /// Keyed by all octets of `secret`.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        // HMAC itself pads a key with zeros to its hash's block.
        let mut block = Zeroizing::new([0; SHA_256_BLOCK_BYTES]);
        for (padded, octet) in block.iter_mut().zip(secret) {
            *padded = *octet;
        }
        Self(Hmac::new((&*block).into()))
    }

    /// The hash of `parts`. Each part is hashed with its length, so that no two lists of parts are
    /// hashed as the same text.
    #[must_use]
    pub fn bytes(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = self.0.clone();
        for part in parts {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into_bytes().into()
    }

    /// The hash of texts, as 43 characters of base64url.
    #[must_use]
    pub fn text(&self, parts: &[&str]) -> String {
        let parts: Vec<_> = parts.iter().map(|part| part.as_bytes()).collect();
        Base64UrlUnpadded::encode_string(&self.bytes(&parts))
    }
}

impl fmt::Debug for KeyedHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeyedHash(_)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_and_the_secret_count() {
        let hash = KeyedHash::new(&[1; 32]);
        let text = hash.text(&["pair", "ann", "192.0.2.1"]);
        assert_eq!(text.len(), 43);
        assert_eq!(text, hash.text(&["pair", "ann", "192.0.2.1"]));
        for other in [
            hash.text(&["pair", "ann1", "92.0.2.1"]),
            hash.text(&["pair", "ann192.0.2.1"]),
            hash.text(&["ann", "pair", "192.0.2.1"]),
            KeyedHash::new(&[2; 32]).text(&["pair", "ann", "192.0.2.1"]),
        ] {
            assert_ne!(text, other);
        }
    }

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(format!("{:?}", KeyedHash::new(&[7; 32])), "KeyedHash(_)");
    }
}
