//! Dialect 1: Flask-JWT 0.3.2.

use serde_json::{Value, json};

use super::authorization::HeaderProblem;
use super::body::{self, BodyProblem};
use super::protected::Reason;
use super::reply::{Dialect, Reply};
use super::{App, Unexpected, pyjwt, sign_in};
use crate::auth::account::SignInName;
use crate::auth::token::{TimeClaim, TokenError};
use crate::platform::clock::Timer;
use crate::platform::http::Incoming;
use crate::platform::unicode;
use crate::store::users::Users;

/// `POST /auth`.
pub(super) async fn auth(app: &App<'_>, request: &Incoming) -> Result<Reply, Unexpected> {
    let mut fields = match body::object(request).await {
        Ok(fields) => fields,
        Err(BodyProblem::MediaType | BodyProblem::NotAnObject) => return Ok(bad_request()),
        Err(BodyProblem::TooLarge) => {
            return Ok(Dialect::FlaskJwt.error(413, "Request body too large"));
        }
        Err(BodyProblem::Unexpected(error)) => return Err(error),
    };
    // Not before the body is there: a client that sends it slowly would wait the floor out.
    let floor = Timer::start(app.config.sign_in_floor_ms);
    // Null is a wrong value here, not an absent one (contract, "Dialect 1").
    let (Some(username), Some(password)) = (fields.remove("username"), fields.remove("password"))
    else {
        return Ok(bad_request());
    };
    let user = match (username, password) {
        (Value::String(username), Value::String(password))
            if !username.is_empty() && !password.is_empty() =>
        {
            let account = match SignInName::parse(&username, unicode::nfc) {
                Some(name) => Users(&app.database).by_sign_in_name(&name).await?,
                None => None,
            };
            sign_in::check(app, account, &password).await?
        }
        _ => None,
    };
    let Some(user) = user else {
        floor.end().await?;
        return Ok(Dialect::FlaskJwt.error(401, "Invalid credentials"));
    };
    let access_token = sign_in::access_token(app, &user)?;
    Ok(Reply::json(200, &json!({ "access_token": access_token })))
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
