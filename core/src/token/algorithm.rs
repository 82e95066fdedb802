//! The algorithms that sign tokens, and the halves of their keys.

use std::num::NonZeroUsize;

use jwt_compact::alg::{self, Ed25519, Es256, Hs256, Hs256Key, SigningKey as _, VerifyingKey as _};
use jwt_compact::{
    Algorithm as _, AlgorithmExt as _, AlgorithmSignature, Claims, CreationError, Header,
};
use serde::Serialize;

use super::key_error::KeyError;

/// How a token is signed (RFC 7518 section 3.1, RFC 8037 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256 (RFC 7518 section 3.2).
    Hs256,
    /// Ed25519 (RFC 8037 section 3.1).
    EdDsa,
    /// ECDSA with P-256 and SHA-256 (RFC 7518 section 3.4).
    Es256,
}

impl Algorithm {
    /// The header parameter `alg`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
        }
    }
}

type PrivateKey<A> = <A as jwt_compact::Algorithm>::SigningKey;
type PublicKey<A> = <A as jwt_compact::Algorithm>::VerifyingKey;

/// The half of a key that signs.
pub(super) enum Signer {
    Hs256(Hs256Key),
    EdDsa(PrivateKey<Ed25519>),
    Es256(PrivateKey<Es256>),
}

impl Signer {
    /// Of an HMAC key, which is its own other half.
    pub(super) fn hs256(secret: &[u8]) -> Self {
        Self::Hs256(Hs256Key::new(secret))
    }

    /// The signature of `message`.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Hs256(key) => Hs256.sign(key, message).as_bytes().into_owned(),
            Self::EdDsa(key) => Ed25519.sign(key, message).as_bytes().into_owned(),
            Self::Es256(key) => Es256.sign(key, message).as_bytes().into_owned(),
        }
    }

    /// A token of these claims, whose header names `kid`.
    pub(super) fn token<T: Serialize>(
        &self,
        kid: &str,
        claims: &Claims<T>,
    ) -> Result<String, CreationError> {
        let header = Header::empty().with_token_type("JWT").with_key_id(kid);
        match self {
            Self::Hs256(key) => Hs256.token(&header, claims, key),
            Self::EdDsa(key) => Ed25519.token(&header, claims, key),
            Self::Es256(key) => Es256.token(&header, claims, key),
        }
    }
}

/// The half of a key that verifies.
pub(super) enum Verifier {
    Hs256(Hs256Key),
    EdDsa(PublicKey<Ed25519>),
    Es256(PublicKey<Es256>),
}

impl Verifier {
    /// Of an HMAC key, which is its own other half.
    pub(super) fn hs256(secret: &[u8]) -> Self {
        Self::Hs256(Hs256Key::new(secret))
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Hs256(_) => Algorithm::Hs256,
            Self::EdDsa(_) => Algorithm::EdDsa,
            Self::Es256(_) => Algorithm::Es256,
        }
    }

    /// Whether `signature` is that of `message`.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Hs256(key) => verifies(&Hs256, key, message, signature),
            Self::EdDsa(key) => verifies(&Ed25519, key, message, signature),
            Self::Es256(key) => verifies(&Es256, key, message, signature),
        }
    }
}

/// The halves of an Ed25519 key: of the public `x` and, where it is known, the private `d`.
pub(super) fn ed25519(
    x: &[u8; 32],
    d: Option<&[u8; 32]>,
) -> Result<(Verifier, Option<Signer>), KeyError> {
    let public = PublicKey::<Ed25519>::from_slice(x).map_err(|_| KeyError::NotAPoint)?;
    // Anybody can make signatures that verify under a point of small order.
    if public.is_weak() {
        return Err(KeyError::NotAPoint);
    }
    let private = d.map(|d| private::<Ed25519>(d, &public)).transpose()?;
    Ok((Verifier::EdDsa(public), private.map(Signer::EdDsa)))
}

/// The halves of a P-256 key: of the public `x` and `y` and, where it is known, the private `d`.
pub(super) fn p256(
    x: &[u8; 32],
    y: &[u8; 32],
    d: Option<&[u8; 32]>,
) -> Result<(Verifier, Option<Signer>), KeyError> {
    let point = [&[UNCOMPRESSED_POINT][..], x, y].concat();
    let public = PublicKey::<Es256>::from_slice(&point).map_err(|_| KeyError::NotAPoint)?;
    let private = d.map(|d| private::<Es256>(d, &public)).transpose()?;
    Ok((Verifier::Es256(public), private.map(Signer::Es256)))
}

/// The first octet of a point that is written with both coordinates (SEC 1 section 2.3.3).
const UNCOMPRESSED_POINT: u8 = 4;

/// The private key `d`, whose public half must be `public`.
fn private<A>(d: &[u8; 32], public: &A::VerifyingKey) -> Result<A::SigningKey, KeyError>
where
    A: jwt_compact::Algorithm,
    A::SigningKey: alg::SigningKey<A>,
    A::VerifyingKey: alg::VerifyingKey<A>,
{
    let private = A::SigningKey::from_slice(d).map_err(|_| KeyError::Private)?;
    if private.to_verifying_key().as_bytes() == public.as_bytes() {
        Ok(private)
    } else {
        Err(KeyError::Mismatch)
    }
}

fn verifies<A: jwt_compact::Algorithm>(
    algorithm: &A,
    key: &A::VerifyingKey,
    message: &[u8],
    signature: &[u8],
) -> bool {
    // `try_from_slice` of HS256 panics on another length.
    let right_length = |length: NonZeroUsize| length.get() == signature.len();
    A::Signature::LENGTH.is_some_and(right_length)
        && A::Signature::try_from_slice(signature)
            .is_ok_and(|signature| algorithm.verify_signature(&signature, key, message))
}
