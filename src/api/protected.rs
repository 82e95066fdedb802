//! What every protected route does first: token, account, answer.

use super::authorization::{self, HeaderProblem, Scheme};
use super::{App, Unexpected};
use crate::auth::account::User;
use crate::auth::token::{self, TokenError};
use crate::platform::clock;
use crate::platform::http::Incoming;
use crate::store::users::Users;

/// Who sent a request.
#[derive(Debug)]
pub(super) struct Caller {
    /// The account, as the database has it now.
    pub(super) user: User,
    /// The token's `jti`, where it has one.
    pub(super) token_id: Option<String>,
}

/// Why a protected route is closed.
#[derive(Debug)]
pub(super) enum Reason {
    /// The header holds no token.
    Header(HeaderProblem),
    /// The token is not good.
    Token(TokenError),
    /// The token is good, and no account has this id.
    AccountGone(String),
    /// The account is disabled.
    Revoked,
}

/// A closed route.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The scheme that was sent, if it was one of ours.
    pub(super) scheme: Option<Scheme>,
    /// Why.
    pub(super) reason: Reason,
}

/// Checks the request's token and reads its account: one query.
pub(super) async fn authenticate(
    app: &App<'_>,
    request: &Incoming,
) -> Result<Result<Caller, Refusal>, Unexpected> {
    let header = request.header("Authorization")?;
    let credentials = authorization::parse(header.as_deref());
    let refuse = |reason| {
        Ok(Err(Refusal {
            scheme: credentials.scheme,
            reason,
        }))
    };
    let text = match credentials.token {
        Ok(text) => text,
        Err(problem) => return refuse(Reason::Header(problem)),
    };
    let keys = &app.config.keys;
    let token = match token::verify(text, &app.config.issuer, clock::now(), keys) {
        Ok(token) => token,
        Err(error) => return refuse(Reason::Token(error)),
    };
    let user_id = match token.subject {
        Ok(user_id) => user_id,
        Err(nobody) => return refuse(Reason::AccountGone(nobody)),
    };
    match Users(&app.database).by_id(user_id).await? {
        None => refuse(Reason::AccountGone(user_id.to_string())),
        Some(account) if account.disabled => refuse(Reason::Revoked),
        Some(account) => Ok(Ok(Caller {
            user: account.user,
            token_id: token.jti,
        })),
    }
}
