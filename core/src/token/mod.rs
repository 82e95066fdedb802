//! Access tokens: JSON Web Tokens (RFC 7519).
//!
//! `jwt-compact` signs, and verifies signatures. Everything else about a token is checked here, one
//! step at a time, because clients of the old services see which step failed.

mod algorithm;
mod issue;
mod jti;
mod jwk;
mod key;
mod key_error;
mod keys;
#[cfg(test)]
mod test_keys;
mod verify;

pub use self::algorithm::Algorithm;
pub use self::issue::{Issue, sign};
pub use self::jwk::{PublicMembers, thumbprint};
pub use self::key::{MIN_SECRET_BYTES, RetiredKey, SigningKey};
pub use self::key_error::KeyError;
pub use self::keys::Keys;
pub use self::verify::verify;
use crate::account::UserId;
use crate::json::NotAnObject;
use crate::proof::Amr;
use crate::session::SessionId;
use crate::time::UnixSeconds;

/// The claim `type` of access tokens, which tells them from others.
const ACCESS: &str = "access";

/// A token whose signature and claims are verified.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessToken {
    /// The account that it was issued to, or the claim's text where no account can have that id.
    pub subject: Result<UserId, String>,
    /// The claim `jti`, where it has one.
    pub jti: Option<String>,
    /// The account's epoch at the time of issue, where the `jti` is one of ours: the old Flask
    /// service's tokens have none.
    pub epoch: Option<u64>,
    /// The claim `sid`, where it is a string: the session that the token belongs to.
    pub session: Option<SessionId>,
    /// The claim `role`, where it is a string: the account's role at the time of issue.
    pub role: Option<String>,
    /// The claim `auth_time`, where it is a whole number: when somebody last showed who they
    /// are.
    pub auth_time: Option<UnixSeconds>,
    /// What is known of the claim `amr`, empty without one: by what they showed it.
    pub amr: Amr,
    /// The claim `iat`, where it has one, in seconds of Unix time.
    pub issued_at: Option<f64>,
    /// The claim `exp`, in seconds of Unix time: later than when it was checked, by any number.
    pub expires_at: f64,
}

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenError {
    /// Fewer than three segments, or longer than 8 KiB.
    NotEnoughSegments,
    /// A segment is not strict base64url without padding (RFC 7515 section 2).
    Padding(Segment),
    /// The header is not an object.
    Header(NotAnObject),
    /// `kid` is not a string.
    KeyIdNotAString,
    /// The header has a `crit`.
    Critical(CriticalProblem),
    /// The header has no `alg`.
    AlgorithmMissing,
    /// No key that `kid` allows is for `alg`.
    AlgorithmNotAllowed,
    /// No key made the signature; `payload` says what else is wrong.
    Signature {
        /// Why the payload is not an object, if it is not.
        payload: Option<NotAnObject>,
    },
    /// The payload is not an object.
    Payload(NotAnObject),
    /// A time is not a number.
    NotANumber(TimeClaim),
    /// `nbf` or `iat` is further in the future than the leeway.
    InTheFuture(TimeClaim),
    /// No `exp`.
    ExpirationMissing,
    /// `exp` is reached.
    Expired,
    /// `iss` is another issuer.
    Issuer,
    /// `sub` is not a string.
    SubjectNotAString,
    /// Neither `sub` nor `identity`.
    SubjectMissing,
    /// `sub` and `identity` name two accounts.
    SubjectsDiffer,
    /// `jti` is not a string.
    TokenIdNotAString,
    /// `type` is not `access`.
    NotAnAccessToken,
}

/// A part of a token's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    /// The first: the JOSE header.
    Header,
    /// The second: the claims.
    Payload,
    /// The third: the signature.
    Signature,
}

/// What is wrong with a header's `crit` (RFC 7515 section 4.1.11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CriticalProblem {
    /// It names an extension, and none is supported.
    Unsupported(String),
    /// It is empty, or not a list of strings.
    NotAList,
    /// It asks for an unencoded payload (RFC 7797).
    UnencodedPayload,
}

/// A registered claim that is a time (RFC 7519 section 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeClaim {
    /// `exp`
    ExpirationTime,
    /// `nbf`
    NotBefore,
    /// `iat`
    IssuedAt,
}
