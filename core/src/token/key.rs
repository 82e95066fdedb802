//! Single keys: one that signs, and those that only verify.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use jwt_compact::{Claims, CreationError};
use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::algorithm::{self, Algorithm, Signer, Verifier};
use super::jwk::{self, Jwk, Parts, PublicMembers};
use super::key_error::KeyError;

/// The fewest bytes of an HS256 key: the hash's size (RFC 7518 section 3.2).
pub const MIN_SECRET_BYTES: usize = 32;

/// What is signed to get the `kid` of an HMAC key. No JWT has this signing input: it contains no
/// dot.
const KID_MESSAGE: &[u8] = b"edge-auth kid";

/// Bytes of the keyed hash that the `kid` of an HMAC key shows.
const KID_BYTES: usize = 16;

/// The active key, which signs and verifies. Wiped on drop, never printed.
pub struct SigningKey {
    signer: Signer,
    key: Key,
}

impl SigningKey {
    /// An HS256 key from the octets of `secret`.
    ///
    /// # Errors
    /// [`KeyError::Weak`] if it is shorter than [`MIN_SECRET_BYTES`].
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        Ok(Self {
            key: Key::hmac(secret)?,
            signer: Signer::hs256(secret),
        })
    }

    /// A key of `algorithm` from a private JWK (RFC 8037 section 2, RFC 7518 section 6).
    ///
    /// # Errors
    /// Says what is wrong with the JWK.
    pub fn from_jwk(text: &str, algorithm: Algorithm) -> Result<Self, KeyError> {
        let jwks = Jwk::all(text)?;
        let [jwk] = jwks.as_slice() else {
            return Err(KeyError::NotOne);
        };
        let parts = jwk.parts()?;
        if parts.algorithm() != algorithm {
            return Err(KeyError::OtherAlgorithm);
        }
        let (key, signer) = Key::from_parts(&parts)?;
        let signer = signer.ok_or(KeyError::Missing("d"))?;
        Ok(Self { signer, key })
    }

    /// The key's one algorithm (RFC 8725 section 3.1).
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    /// The key's identifier, a token's `kid`: the thumbprint of an asymmetric key (RFC 7638), a
    /// keyed hash of an HMAC key.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.key.kid().unwrap_or_default()
    }

    /// The signature of a JWS signing input (RFC 7515 section 5.1). It takes no randomness (RFC
    /// 8032, RFC 6979).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.signer.sign(message)
    }

    pub(super) fn token<T: Serialize>(&self, claims: &Claims<T>) -> Result<String, CreationError> {
        self.signer.token(self.kid(), claims)
    }

    /// Whether this key made `signature` of a JWS signing input (RFC 7515 section 5.2).
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verifies(message, signature)
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("SigningKey")
            .field(&self.key)
            .finish()
    }
}

/// A key that signed once, or signs elsewhere, and here only verifies. Wiped on drop, never
/// printed.
pub struct RetiredKey(Key);

impl RetiredKey {
    /// An HS256 key from the octets of `secret`, which `accept_weak` lets be shorter than
    /// [`MIN_SECRET_BYTES`]. Such a weak key verifies only tokens without a `kid`.
    ///
    /// # Errors
    /// [`KeyError::Weak`], [`KeyError::Empty`].
    pub fn from_secret(secret: &[u8], accept_weak: bool) -> Result<Self, KeyError> {
        match Key::hmac(secret) {
            Err(KeyError::Weak) if secret.is_empty() => Err(KeyError::Empty),
            Err(KeyError::Weak) if accept_weak => Ok(Self(Key::weak_hmac(secret))),
            key => key.map(Self),
        }
    }

    /// The keys of `text`: public, private and symmetric JWKs one after another (RFC 7517), with
    /// or without white space between. Secrets are taken as by [`Self::from_secret`].
    ///
    /// # Errors
    /// Says what is wrong with the first JWK that is refused.
    pub fn from_jwks(text: &str, accept_weak: bool) -> Result<Vec<Self>, KeyError> {
        let keys = Jwk::all(text)?.into_iter().map(|jwk| match jwk.parts()? {
            Parts::Symmetric(secret) => Self::from_secret(&secret, accept_weak),
            parts => Ok(Self(Key::from_parts(&parts)?.0)),
        });
        keys.collect()
    }

    /// Whether this key made `signature` of a JWS signing input (RFC 7515 section 5.2).
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verifies(message, signature)
    }

    pub(super) fn key(&self) -> &Key {
        &self.0
    }
}

impl fmt::Debug for RetiredKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("RetiredKey").field(&self.0).finish()
    }
}

/// What is known of any key.
pub(super) struct Key {
    verifier: Verifier,
    /// `None` for a weak key.
    kid: Option<String>,
    /// `None` for an HMAC key.
    public: Option<PublicMembers>,
    /// What other secrets are derived from: the HMAC secret, or `d`. `None` for a public key, and
    /// for a weak key, which was never the active one.
    octets: Option<Zeroizing<Vec<u8>>>,
}

impl Key {
    fn hmac(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(KeyError::Weak);
        }
        // A keyed hash names the key and reveals nothing of it.
        let hash = Signer::hs256(secret).sign(KID_MESSAGE);
        let kid = Base64UrlUnpadded::encode_string(hash.get(..KID_BYTES).unwrap_or(&hash));
        Ok(Self {
            verifier: Verifier::hs256(secret),
            kid: Some(kid),
            public: None,
            octets: Some(Zeroizing::new(secret.to_vec())),
        })
    }

    fn weak_hmac(secret: &[u8]) -> Self {
        Self {
            verifier: Verifier::hs256(secret),
            kid: None,
            public: None,
            octets: None,
        }
    }

    fn asymmetric(verifier: Verifier, public: PublicMembers, d: Option<&[u8; 32]>) -> Self {
        Self {
            verifier,
            kid: Some(jwk::thumbprint(&public)),
            public: Some(public),
            octets: d.map(|d| Zeroizing::new(d.to_vec())),
        }
    }

    fn from_parts(parts: &Parts) -> Result<(Self, Option<Signer>), KeyError> {
        match parts {
            Parts::Symmetric(secret) => Ok((Self::hmac(secret)?, Some(Signer::hs256(secret)))),
            Parts::Ed25519 { x, d } => {
                let d = d.as_deref();
                let (verifier, signer) = algorithm::ed25519(x, d)?;
                Ok((Self::asymmetric(verifier, jwk::ed25519(x), d), signer))
            }
            Parts::P256 { x, y, d } => {
                let d = d.as_deref();
                let (verifier, signer) = algorithm::p256(x, y, d)?;
                Ok((Self::asymmetric(verifier, jwk::p256(x, y), d), signer))
            }
        }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.verifier.algorithm()
    }

    /// `None` for a weak key.
    pub(super) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verifier.verifies(message, signature)
    }

    /// The public key as a JWK; `None` for an HMAC key.
    pub(super) fn jwk(&self) -> Option<Value> {
        let mut jwk = json!(self.public.as_ref()?);
        let members = jwk.as_object_mut()?;
        members.insert("alg".into(), self.algorithm().name().into());
        members.insert("use".into(), "sig".into());
        members.insert("kid".into(), self.kid()?.into());
        Some(jwk)
    }

    /// HMAC with SHA-256 of the purpose, keyed by the key's secret octets, where it has some.
    pub(super) fn derived_secret(&self, purpose: &str) -> Option<Zeroizing<[u8; 32]>> {
        let signer = Signer::hs256(self.octets.as_deref()?);
        let hash = Zeroizing::new(signer.sign(format!("edge-auth {purpose}").as_bytes()));
        hash.as_slice().try_into().ok().map(Zeroizing::new)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Key")
            .field("algorithm", &self.algorithm())
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
