//! What is wrong with a key.

use std::fmt;

/// Why a key is refused. Prints as what a setting is told to have, and never shows a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// The text is not JSON objects, one after another, or one of them repeats a member.
    NotJson,
    /// The text is none or several keys where one is wanted.
    NotOne,
    /// `kty` is none of those that are used here, or absent (RFC 7518 section 6.1).
    KeyType,
    /// `crv` is not the curve of this `kty` that is used here, or absent.
    Curve,
    /// `alg` is another than the key's own (RFC 7517 section 4.4).
    Algorithm,
    /// `use` or `key_ops` says that the key is for something else (RFC 7517 sections 4.2, 4.3).
    Use,
    /// A member that this kind of key must have is absent or no text.
    Missing(&'static str),
    /// A member is not strict base64url of as many bytes as the key has.
    Octets(&'static str),
    /// `x` and `y` are no point of the curve, or one that no private key has.
    NotAPoint,
    /// `d` is not in the range of private keys.
    Private,
    /// `x` and `y` are not the public half of `d`.
    Mismatch,
    /// The key is not for the algorithm that is to be signed with.
    OtherAlgorithm,
    /// The HMAC key has fewer than [`super::MIN_SECRET_BYTES`] (RFC 7518 section 3.2).
    Weak,
    /// The HMAC key has no bytes at all.
    Empty,
}

impl fmt::Display for KeyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotJson => "is not JSON Web Keys, one after another",
            Self::NotOne => "is not one JSON Web Key",
            Self::KeyType => "has a key whose kty is none of OKP, EC and oct",
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
            Self::NotAPoint => "has a key whose public half is no point of the curve",
            Self::Private => "has a key whose d is out of range",
            Self::Mismatch => "has a key whose public half does not belong to d",
            Self::OtherAlgorithm => "is a key of another algorithm",
            Self::Weak => "has a secret shorter than 32 bytes",
            Self::Empty => "has an empty secret",
        })
    }
}
