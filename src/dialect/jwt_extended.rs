//! The words of Flask-JWT-Extended 4.7.1.

use edge_auth_core::token::TokenError;
use serde_json::json;

use super::pyjwt;
use crate::http::Reply;
use crate::http::authorization::HeaderProblem;
use crate::http::caller::Reason;

/// The 401 of a protected route, as recorded, with the challenge of RFC 6750 section 3.
pub(crate) fn token_problem(reason: &Reason) -> Reply {
    let text = match reason {
        Reason::Header(HeaderProblem::Missing) => "Missing Authorization Header".into(),
        Reason::Header(HeaderProblem::NoScheme) => {
            "Missing 'Bearer' type in 'Authorization' header. \
             Expected 'Authorization: Bearer <JWT>'"
                .into()
        }
        Reason::Header(HeaderProblem::TokenMissing | HeaderProblem::TokenContainsSpaces) => {
            "Bad Authorization header. Expected 'Authorization: Bearer <JWT>'".into()
        }
        Reason::AccountGone(id) => format!("Error loading the user {id}").into(),
        Reason::Revoked => "Token has been revoked".into(),
        Reason::NotARefreshToken => "Only refresh tokens are allowed".into(),
        Reason::Token(TokenError::Expired) => "Token has expired".into(),
        // This library reads the payload before it looks at the signature.
        Reason::Token(TokenError::Signature {
            payload: Some(problem),
        }) => pyjwt::text(&TokenError::Payload(*problem)),
        Reason::Token(error) => pyjwt::text(error),
    };
    problem(&text)
}

/// A 401 of this text.
pub(crate) fn problem(text: &str) -> Reply {
    unauthorized(text).with("WWW-Authenticate", "Bearer")
}

/// The 401 of a token that is good and does not show enough, with `text` and another challenge.
pub(crate) fn proof_problem(text: &str) -> Reply {
    unauthorized(text)
}

fn unauthorized(text: &str) -> Reply {
    Reply::json(401, &json!({ "msg": text }))
}
