//! The words of Flask-JWT 0.3.2.

use edge_auth_core::token::{TimeClaim, TokenError};
use serde_json::json;

use super::pyjwt;
use crate::http::Reply;
use crate::http::authorization::HeaderProblem;
use crate::http::caller::Reason;

/// What it calls every token that it does not take.
const INVALID: &str = "Invalid token";

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
        Reason::Revoked => (INVALID, "Token has been revoked".into()),
        Reason::NotARefreshToken => (INVALID, "Only refresh tokens are allowed".into()),
        Reason::Token(TokenError::AlgorithmMissing) => {
            (INVALID, pyjwt::text(&TokenError::AlgorithmNotAllowed))
        }
        Reason::Token(TokenError::ExpirationMissing) => {
            (INVALID, "Token is missing the \"exp\" claim".into())
        }
        Reason::Token(TokenError::InTheFuture(TimeClaim::IssuedAt)) => (
            INVALID,
            "Issued At claim (iat) cannot be in the future.".into(),
        ),
        Reason::Token(error) => (INVALID, pyjwt::text(error)),
    };
    unauthorized(error, &description).with("WWW-Authenticate", "JWT realm=\"Login Required\"")
}

/// The 401 of a token that is good and does not show enough, with `text` and another challenge.
pub(crate) fn proof_problem(text: &str) -> Reply {
    unauthorized(INVALID, text)
}

fn unauthorized(error: &str, description: &str) -> Reply {
    let body = json!({ "description": description, "error": error, "status_code": 401 });
    Reply::json(401, &body)
}
