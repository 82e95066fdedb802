//! Dialect 1: Flask-JWT 0.3.2.

use serde_json::{Value, json};

use super::authorization::HeaderProblem;
use super::body::{self, BodyProblem};
use super::protected::Reason;
use super::reply::{Dialect, Reply};
use super::sign_in::{self, Refusal};
use super::tokens::{self, Grant};
use super::{App, Unexpected, pyjwt, throttle};
use crate::platform::http::Incoming;
use crate::platform::unicode;
use crate::store::audit::Action;
use edge_auth_core::throttle::AttemptedName;
use edge_auth_core::token::{TimeClaim, TokenError};

/// `POST /auth`.
pub(super) async fn auth(app: &App, request: &Incoming) -> Result<Reply, Unexpected> {
    let address = match throttle::admit(&app.sign_in_limit, request).await? {
        Ok(address) => address,
        Err(too_many) => return Ok(too_many.reply(Dialect::FlaskJwt)),
    };
    let mut fields = match body::object(request).await {
        Ok(fields) => fields,
        Err(BodyProblem::MediaType | BodyProblem::NotAnObject) => return Ok(bad_request()),
        Err(BodyProblem::TooLarge) => {
            return Ok(Dialect::FlaskJwt.error(413, "Request body too large"));
        }
        Err(BodyProblem::Unexpected(error)) => return Err(error),
    };
    // Null is a wrong value here, not an absent one (contract, "Dialect 1").
    let (Some(username), Some(password)) = (fields.remove("username"), fields.remove("password"))
    else {
        return Ok(bad_request());
    };
    let (username, password) = match (username, password) {
        (Value::String(username), Value::String(password)) if !password.is_empty() => {
            (username, password)
        }
        // Nobody's name.
        _ => (String::new(), String::new()),
    };
    let name = AttemptedName::username(&username, unicode::HOST);
    match sign_in::sign_in(app, &address, &name, &password).await? {
        Ok(account) => {
            app.trace.by(account.user.id);
            app.trace.did(Action::SignIn, Some(account.user.id));
            let access_token = tokens::access_token(app, &Grant::new(&account, None))?;
            Ok(Reply::json(200, &json!({ "access_token": access_token })))
        }
        Err(Refusal::WrongPassword) => Ok(Dialect::FlaskJwt.error(401, "Invalid credentials")),
        Err(Refusal::TooMany(too_many)) => Ok(too_many.reply(Dialect::FlaskJwt)),
    }
}

fn bad_request() -> Reply {
    Dialect::FlaskJwt.error(400, "Bad request")
}

/// The 401 of a protected route, as recorded, with the challenge on all of them (RFC 9110
/// section 15.5.2).
pub(super) fn refusal(reason: &Reason) -> Reply {
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
