//! What every protected route does first: token, account, answer.

use super::authorization::{self, HeaderProblem, Scheme};
use super::reply::{Dialect, Reply};
use super::{App, Unexpected, accounts};
use crate::auth::session::RefreshKeys;
use crate::auth::token::{self, AccessToken, TokenError};
use crate::platform::clock;
use crate::platform::http::Incoming;
use crate::store::users::{Account, Holder, Users};

/// Who sent a request.
#[derive(Debug)]
pub(super) struct Caller {
    /// The account, as the database has it now.
    pub(super) account: Account,
    /// The token's `jti`, where it has one.
    pub(super) token_id: Option<String>,
    /// The session that the token belongs to, if any.
    pub(super) session: Option<String>,
    /// When the token expires, in seconds of Unix time.
    pub(super) expires_at: f64,
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
    /// The account is disabled, or the token's session is over, or the token is older than the
    /// account's password.
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

/// The answer to a closed route of the accounts API (contract, "Access tokens").
pub(super) fn refusal_on_api(refusal: &Refusal) -> Reply {
    match &refusal.reason {
        Reason::AccountGone(_) => Dialect::Accounts.error(404, "User not found"),
        reason => accounts::refusal(reason),
    }
}

/// Checks the request's token and reads its account: one query.
pub(super) async fn authenticate(
    app: &App,
    request: &Incoming,
) -> Result<Result<Caller, Refusal>, Unexpected> {
    let (scheme, token) = match trust(app, request)? {
        Ok(trusted) => trusted,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let refuse = |reason| Ok(Err(Refusal { scheme, reason }));
    let user_id = match &token.subject {
        Ok(user_id) => *user_id,
        Err(nobody) => return refuse(Reason::AccountGone(nobody.clone())),
    };
    let users = Users(&app.database);
    match users.holder(user_id, token.session.as_deref()).await? {
        None => refuse(Reason::AccountGone(user_id.to_string())),
        Some(holder) if holder.account.disabled || is_revoked(&token, &holder) => {
            refuse(Reason::Revoked)
        }
        Some(holder) => {
            app.trace.by(user_id);
            Ok(Ok(Caller {
                account: holder.account,
                token_id: token.jti,
                session: token.session,
                expires_at: token.expires_at,
            }))
        }
    }
}

/// Checks the request's token alone: no query, and a revocation is not noticed.
pub(super) fn trust(
    app: &App,
    request: &Incoming,
) -> Result<Result<(Option<Scheme>, AccessToken), Refusal>, Unexpected> {
    let header = request.header("Authorization")?;
    let credentials = authorization::parse(header.as_deref());
    let scheme = credentials.scheme;
    let verified = match credentials.token {
        Err(problem) => Err(Reason::Header(problem)),
        Ok(text) if RefreshKeys::is_form(text) => Err(Reason::Token(TokenError::NotAnAccessToken)),
        Ok(text) => token::verify(text, &app.config.issuer, clock::now(), &app.config.keys)
            .map_err(Reason::Token),
    };
    Ok(match verified {
        Ok(token) => Ok((scheme, token)),
        Err(reason) => Err(Refusal { scheme, reason }),
    })
}

/// Whether the account has left the token behind. One of a session lives as long as that; any other
/// says the account's epoch, or, if the old service made it, is younger than the last change.
fn is_revoked(token: &AccessToken, holder: &Holder) -> bool {
    let account = &holder.account;
    match (&token.session, token.epoch, account.tokens_valid_after) {
        (Some(_), ..) => !holder.session_is_open,
        (None, Some(epoch), _) => epoch < account.epoch,
        (None, None, None) => false,
        (None, None, Some(change)) => {
            // Exact for every time until the year 285 million.
            #[allow(clippy::cast_precision_loss)]
            let change = change as f64;
            token.issued_at.is_none_or(|time| time <= change)
        }
    }
}
