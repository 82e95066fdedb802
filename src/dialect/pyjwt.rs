//! PyJWT's texts, which both old libraries pass on to their clients.

use std::borrow::Cow;

use edge_auth_core::json::NotAnObject;
use edge_auth_core::token::{CriticalProblem, Segment, TimeClaim, TokenError};

/// The recorded text of `error`; of a problem that PyJWT lets pass, the nearest one (docs/api.md,
/// "Access tokens"). A dialect that words a reason in its own way does so before it asks here.
pub(crate) fn text(error: &TokenError) -> Cow<'static, str> {
    Cow::Borrowed(match error {
        TokenError::NotEnoughSegments => "Not enough segments",
        TokenError::Padding(Segment::Header) => "Invalid header padding",
        TokenError::Padding(Segment::Payload) => "Invalid payload padding",
        TokenError::Padding(Segment::Signature) => "Invalid crypto padding",
        TokenError::Header(NotAnObject::NotJson) => "Invalid header string",
        TokenError::Header(NotAnObject::OtherType) => {
            "Invalid header string: must be a json object"
        }
        TokenError::KeyIdNotAString => "Key ID header parameter must be a string",
        TokenError::Critical(CriticalProblem::Unsupported(name)) => {
            return Cow::Owned(format!("Unsupported critical extension: {name}"));
        }
        TokenError::Critical(CriticalProblem::NotAList) => {
            "Invalid 'crit' header: must be a non-empty list"
        }
        TokenError::Critical(CriticalProblem::UnencodedPayload) => {
            "Payload segment must be empty when 'b64' is false."
        }
        TokenError::AlgorithmMissing => "Algorithm not specified",
        TokenError::AlgorithmNotAllowed => "The specified alg value is not allowed",
        TokenError::Signature { .. } => "Signature verification failed",
        TokenError::Payload(NotAnObject::NotJson) => "Invalid payload string",
        TokenError::Payload(NotAnObject::OtherType) => {
            "Invalid payload string: must be a json object"
        }
        TokenError::NotANumber(TimeClaim::ExpirationTime) => {
            "Expiration Time claim (exp) must be an integer."
        }
        TokenError::NotANumber(TimeClaim::NotBefore) => {
            "Not Before claim (nbf) must be an integer."
        }
        TokenError::NotANumber(TimeClaim::IssuedAt) => "Issued At claim (iat) must be an integer.",
        TokenError::InTheFuture(TimeClaim::IssuedAt) => "The token is not yet valid (iat)",
        TokenError::InTheFuture(_) => "The token is not yet valid (nbf)",
        TokenError::ExpirationMissing => "Missing claim: exp",
        TokenError::Expired => "Signature has expired",
        TokenError::Issuer => "Invalid issuer",
        TokenError::SubjectMissing => "Missing claim: sub",
        TokenError::SubjectsDiffer => "Invalid subject",
        TokenError::SubjectNotAString => "Subject must be a string",
        TokenError::TokenIdNotAString => "JWT ID must be a string",
        TokenError::NotAnAccessToken => "Only non-refresh tokens are allowed",
    })
}
