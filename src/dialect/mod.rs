//! What a refusal is worded as. The reasons are the same in every dialect; statuses and bodies are not. On a page it is
//! worded for people, with the status of Flask-JWT-Extended's dialect.

pub(crate) mod flask_jwt;
pub(crate) mod jwt_extended;
mod pyjwt;

use std::borrow::Cow;

use edge_auth_core::dialect::Dialect;
use edge_auth_core::time::Seconds;
use serde_json::{Value, json};

use crate::app::Unexpected;
use crate::http::caller::Reason;
use crate::http::refused::{SecondFactorRequired, TooMany};
use crate::http::routes::Surface;
use crate::http::{Refused, Reply};
use crate::pages::Layout;
use crate::pages::problem::{self, Problem};
use crate::platform::http::Incoming;

/// The answer to `request`, refused on a route of that surface. Pages name the service by `site`.
///
/// # Errors
/// What no client can do anything about.
pub(crate) fn refusal(
    surface: Surface,
    request: &Incoming,
    site: Option<&str>,
    refused: Refused,
) -> Result<Reply, Unexpected> {
    match surface {
        Surface::Api(dialect) => in_json(dialect, refused),
        Surface::Page => {
            let problem = Problem::of(&refused);
            let Reply {
                status, headers, ..
            } = in_json(Dialect::JwtExtended, refused)?;
            let mut page = problem::page(Layout::of(request, site), status, &problem);
            page.headers.extend(headers);
            Ok(page)
        }
    }
}

/// The answer to `request` where something unexpected was met; `request_id` is in the log.
pub(crate) fn unexpected(
    surface: Surface,
    request: &Incoming,
    site: Option<&str>,
    request_id: &str,
) -> Reply {
    let reply = match surface {
        Surface::Api(dialect) => error(dialect, 500, "Internal server error"),
        Surface::Page => {
            let problem = Problem::Unexpected(Some(request_id.to_owned()));
            problem::page(Layout::of(request, site), 500, &problem)
        }
    };
    reply.with("X-Request-Id", request_id)
}

/// An error that is not about a token, in a dialect's form.
fn error(dialect: Dialect, status: u16, text: &str) -> Reply {
    let body = match dialect {
        Dialect::FlaskJwt => json!({ "message": text }),
        Dialect::JwtExtended => json!({ "error": text }),
    };
    Reply::json(status, &body)
}

fn in_json(dialect: Dialect, refused: Refused) -> Result<Reply, Unexpected> {
    let (status, text) = match refused {
        Refused::Unexpected(error) => return Err(error),
        Refused::Caller(Reason::AccountGone(_)) => (404, "User not found".into()),
        Refused::Caller(reason) => return Ok(jwt_extended::token_problem(&reason)),
        Refused::Token(Dialect::FlaskJwt, reason) => return Ok(flask_jwt::token_problem(&reason)),
        Refused::Token(Dialect::JwtExtended, reason) => {
            return Ok(jwt_extended::token_problem(&reason));
        }
        Refused::Proof(dialect, max_age) => return Ok(insufficient_proof(dialect, max_age)),
        Refused::TooMany(TooMany(wait)) => {
            let reply = error(dialect, 429, "Too many requests");
            return Ok(reply.with("Retry-After", wait.0.to_string()));
        }
        Refused::MethodNotAllowed(allowed) => {
            let reply = error(dialect, 405, "Method not allowed");
            return Ok(reply.with("Allow", allowed));
        }
        Refused::MediaType(_) | Refused::NotAnObject | Refused::Missing(_)
            if dialect == Dialect::FlaskJwt =>
        {
            (400, "Bad request".into())
        }
        Refused::MediaType(text) => (415, text.into()),
        Refused::TooLarge => (413, "Request body too large".into()),
        Refused::NotAnObject => (400, "Request body must be a JSON object".into()),
        Refused::NotAForm => (
            400,
            "Request body must be a form without repeated fields".into(),
        ),
        Refused::CrossSite => (403, "Request from another site".into()),
        Refused::Link => (400, "Invalid or expired link".into()),
        Refused::Code => (400, "Invalid or expired code".into()),
        Refused::WrongCode => (400, "Invalid code".into()),
        Refused::Passkey => (400, INVALID_PASSKEY.into()),
        Refused::PasskeySignIn { is_unknown: false } => (401, INVALID_PASSKEY.into()),
        // Signal API (WebAuthn Level 3 section 5.1.10).
        Refused::PasskeySignIn { is_unknown: true } => {
            let body = json!({ "error": INVALID_PASSKEY, "unknown_credential": true });
            return Ok(Reply::json(401, &body));
        }
        Refused::Missing(names) => (400, format!("Missing required fields: {names}").into()),
        Refused::NotAString(field) => (400, format!("{field} must be a string").into()),
        Refused::Rule(broken) => (400, broken.to_string().into()),
        Refused::Query(text) => (400, text.into()),
        Refused::Credentials => (401, wrong_credentials(dialect).into()),
        Refused::SecondFactor(Some(required)) => {
            return Ok(second_factor_required(dialect, &required));
        }
        Refused::SecondFactor(None) => (403, SECOND_FACTOR_REQUIRED.into()),
        Refused::SecondFactorWrong => (401, "Invalid code".into()),
        Refused::Ticket => (401, "Invalid or expired ticket".into()),
        Refused::PasswordRequired => (403, "Password required".into()),
        Refused::RecentSignInRequired => (403, "Recent sign-in required".into()),
        Refused::EmailNotVerified => (403, "Email not verified".into()),
        Refused::WrongPassword => (403, "Wrong password".into()),
        Refused::Forbidden => (403, "Forbidden".into()),
        Refused::RegistrationClosed => (403, "Registration is closed".into()),
        Refused::NotFound => (404, "Not found".into()),
        Refused::UserNotFound => (404, "User not found".into()),
        Refused::Conflict(text) => (409, text.into()),
        Refused::BadGateway => (502, "Bad gateway".into()),
    };
    let text: Cow<'_, str> = text;
    Ok(error(dialect, status, &text))
}

const INVALID_PASSKEY: &str = "Invalid passkey";

const SECOND_FACTOR_REQUIRED: &str = "Second factor required";

/// The answer to one factor of two, with the ticket for the other.
fn second_factor_required(dialect: Dialect, required: &SecondFactorRequired) -> Reply {
    let mut body = json!({
        "second_factors": required.second_factors.names(),
        "ticket": required.ticket.as_str(),
    });
    if let Value::Object(members) = &mut body {
        let text = match dialect {
            Dialect::FlaskJwt => "message",
            Dialect::JwtExtended => "error",
        };
        members.insert(text.to_owned(), SECOND_FACTOR_REQUIRED.into());
    }
    Reply::json(403, &body)
}

/// The answer to a token that does not say enough of how or when its holder showed who they are. The challenge is that
/// of RFC 9470 section 3 in both dialects: it is defined for `Bearer`, which every token may be sent with.
fn insufficient_proof(dialect: Dialect, max_age: Option<Seconds>) -> Reply {
    let text = "Insufficient user authentication";
    let reply = match dialect {
        Dialect::FlaskJwt => flask_jwt::proof_problem(text),
        Dialect::JwtExtended => jwt_extended::proof_problem(text),
    };
    let mut challenge = "Bearer error=\"insufficient_user_authentication\"".to_owned();
    if let Some(Seconds(max_age)) = max_age {
        challenge.push_str(&format!(", max_age=\"{max_age}\""));
    }
    reply.with("WWW-Authenticate", challenge)
}

fn wrong_credentials(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::FlaskJwt => "Invalid credentials",
        Dialect::JwtExtended => "Invalid email or password",
    }
}
