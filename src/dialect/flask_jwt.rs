//! The words of Flask-JWT 0.3.2.

use edge_auth_core::token::{TimeClaim, TokenError};
use serde_json::json;

use super::pyjwt;
use crate::http::Reply;
use crate::http::authorization::HeaderProblem;
use crate::http::caller::Reason;

/// The 401 of a protected route, as recorded, with the challenge on all of them (RFC 9110
/// section 15.5.2).
pub(crate) fn token_problem(reason: &Reason) -> Reply {
    let (error, description) = match reason {
        Reason::Header(HeaderProblem::Missing) => (
            "Authorization Required",
            "Request does not contain an access token".into(),
        ),
        Reason::Header(HeaderProblem::NoScheme) => (
            "Invalid JWT header",
            "Unsupported authorization type".into(),
        ),
        Reason::Header(HeaderProblem::TokenMissing) => {
            ("Invalid JWT header", "Token missing".into())
        }
        Reason::Header(HeaderProblem::TokenContainsSpaces) => {
            ("Invalid JWT header", "Token contains spaces".into())
        }
        Reason::AccountGone(_) | Reason::Token(TokenError::SubjectMissing) => {
            ("Invalid JWT", "User does not exist".into())
        }
        Reason::Revoked => ("Invalid token", "Token has been revoked".into()),
        Reason::NotARefreshToken => ("Invalid token", "Only refresh tokens are allowed".into()),
        Reason::Token(TokenError::AlgorithmMissing) => (
            "Invalid token",
            pyjwt::text(&TokenError::AlgorithmNotAllowed),
        ),
        Reason::Token(TokenError::ExpirationMissing) => {
            ("Invalid token", "Token is missing the \"exp\" claim".into())
        }
        Reason::Token(TokenError::InTheFuture(TimeClaim::IssuedAt)) => (
            "Invalid token",
            "Issued At claim (iat) cannot be in the future.".into(),
        ),
        Reason::Token(error) => ("Invalid token", pyjwt::text(error)),
    };
    let body = json!({ "description": description, "error": error, "status_code": 401 });
    Reply::json(401, &body).with("WWW-Authenticate", "JWT realm=\"Login Required\"")
}
