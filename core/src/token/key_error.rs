//! What is wrong with a key.

use std::fmt;

/// Why a key is refused. Worded to follow a setting's name. Never shows a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// The text is not JSON objects, one after another, or one of them repeats a member.
    NotJson,
    /// The text is no key or several keys, where one is wanted.
    NotOne,
    /// `kty` is absent or not supported (RFC 7518 section 6.1).
    KeyType,
    /// `crv` is absent, or not the curve that is supported for this `kty`.
    Curve,
    /// `alg` is not the key's own (RFC 7517 section 4.4).
    Algorithm,
    /// `use` or `key_ops` says that the key is for something else (RFC 7517 sections 4.2, 4.3).
    Use,
    /// A member that this kind of key must have is absent or not a string.
    Missing(&'static str),
    /// A member is not strict base64url, or not as long as the key's members are.
    Octets(&'static str),
    /// `x` and `y` are not a point of the curve, or one that no private key has.
    NotAPoint,
    /// `d` is not in the range of private keys.
    Private,
    /// `x` and `y` are not the public half of `d`.
    Mismatch,
    /// The key is not for the algorithm to sign with.
    OtherAlgorithm,
    /// The HMAC key has fewer than [`super::MIN_SECRET_BYTES`] (RFC 7518 section 3.2).
    Weak,
    /// The HMAC key is empty.
    Empty,
}

impl fmt::Display for KeyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotJson => "must be JSON Web Keys, one after another",
            Self::NotOne => "must be one JSON Web Key",
            Self::KeyType => "has a key whose kty is not OKP, EC or oct",
            Self::Curve => "has a key whose crv is not Ed25519 (of OKP) or P-256 (of EC)",
            Self::Algorithm => "has a key whose alg does not go with its kty",
            Self::Use => "has a key whose use or key_ops is not for signatures",
            Self::Missing(member) => return write!(formatter, "has a key without {member}"),
            Self::Octets(member) => {
                return write!(
                    formatter,
                    "has a key whose {member} is not base64url of the right length"
                );
            }
            Self::NotAPoint => "has a key whose public half is not a point of the curve",
            Self::Private => "has a key whose d is out of range",
            Self::Mismatch => "has a key whose public half does not belong to d",
            Self::OtherAlgorithm => "is a key of another algorithm",
            Self::Weak => "has a secret shorter than 32 bytes",
            Self::Empty => "has an empty secret",
        })
    }
}
