//! What every protected route does first: whose token a request carries, or whose cookie on a page.

use super::authorization::{self, HeaderProblem};
use super::{Refused, cookies};
use crate::app::{App, Unexpected};
use crate::platform::clock;
use crate::platform::http::Incoming;
use crate::store::Authority;
use crate::store::sessions::{Sessions, Visitor};
use crate::store::users::{Account, Holder, Users};
use edge_auth_core::account::Role;
use edge_auth_core::dialect::Dialect;
use edge_auth_core::proof::{self, Amr};
use edge_auth_core::session::{RefreshKeys, SessionId};
use edge_auth_core::time::UnixSeconds;
use edge_auth_core::token::{self, AccessToken, TokenError};

/// Who sent a request.
#[derive(Debug)]
pub(crate) struct Caller {
    /// The account, as the database has it now.
    pub(crate) account: Account,
    /// The token's `jti`, where it has one.
    pub(crate) token_id: Option<String>,
    /// The session that the token belongs to, if any.
    pub(crate) session: Option<SessionId>,
    /// When the caller last showed who they are, where the token says so.
    pub(crate) auth_time: Option<UnixSeconds>,
    /// By what, as far as the token says.
    pub(crate) amr: Amr,
    /// When the token expires, in seconds of Unix time; of a page's cookie, when its session does.
    pub(crate) expires_at: f64,
    /// The dialect of the scheme that the token was sent in.
    pub(crate) dialect: Option<Dialect>,
    /// Whether it was a page's cookie that said who it is.
    pub(crate) is_of_page: bool,
}

impl Caller {
    /// What the statement of a change asks of the caller again, with the role that the change needs.
    pub(crate) fn authority(&self, role: Option<Role>) -> Authority<'_> {
        Authority {
            user_id: self.account.user.id,
            epoch: self.account.epoch,
            session: self.session.as_ref(),
            role,
        }
    }
}

/// Why a token opens nothing.
#[derive(Debug)]
pub(crate) enum Reason {
    /// The header holds no token.
    Header(HeaderProblem),
    /// The token is not good.
    Token(TokenError),
    /// The token is good, and no account has this id.
    AccountGone(String),
    /// The account is disabled, or the token's session is over, or the token is older than the
    /// account's password.
    Revoked,
    /// The token is good, and not of the kind that is exchanged for others.
    NotARefreshToken,
}

/// A token that opens nothing.
#[derive(Debug)]
pub(crate) enum TokenRefused {
    /// Why, and the dialect of the scheme that was sent, if it was one of ours.
    Because(Reason, Option<Dialect>),
    /// What no client can do anything about.
    Unexpected(Unexpected),
}

impl<E: Into<Unexpected>> From<E> for TokenRefused {
    fn from(error: E) -> Self {
        Self::Unexpected(error.into())
    }
}

impl From<TokenRefused> for Refused {
    /// On a route of the accounts API, whatever the scheme.
    fn from(refused: TokenRefused) -> Self {
        match refused {
            TokenRefused::Because(reason, _) => Self::Caller(reason),
            TokenRefused::Unexpected(error) => Self::Unexpected(error),
        }
    }
}

/// Checks the request's token and reads its account: one query.
pub(crate) async fn authenticate(app: &App, request: &Incoming) -> Result<Caller, TokenRefused> {
    let (dialect, token) = trust(app, request)?;
    let refuse = |reason| Err(TokenRefused::Because(reason, dialect));
    let user_id = match &token.subject {
        Ok(user_id) => *user_id,
        Err(nobody) => return refuse(Reason::AccountGone(nobody.clone())),
    };
    let users = Users(&app.database);
    let lifetimes = app.config.session_lifetimes;
    let session = token.session.as_ref();
    let holder = users.holder(user_id, session, lifetimes, clock::now());
    match holder.await? {
        None => refuse(Reason::AccountGone(user_id.to_string())),
        Some(holder) if holder.account.disabled || is_revoked(&token, &holder) => {
            refuse(Reason::Revoked)
        }
        Some(holder) => {
            app.trace.by(user_id);
            Ok(Caller {
                account: holder.account,
                token_id: token.jti,
                session: token.session,
                auth_time: token.auth_time,
                amr: token.amr,
                expires_at: token.expires_at,
                dialect,
                is_of_page: false,
            })
        }
    }
}

/// The same, if the caller showed who they are a short while ago (docs/api.md, "Recent sign-in").
pub(crate) async fn authenticate_recent(app: &App, request: &Incoming) -> Result<Caller, Refused> {
    let caller = authenticate(app, request).await?;
    recent(&caller)?;
    Ok(caller)
}

/// Refuses a caller who showed one factor alone.
pub(crate) fn by_two_factors(caller: &Caller) -> Result<(), Refused> {
    if caller.amr.is_of_two_factors() {
        Ok(())
    } else {
        Err(Refused::SecondFactor(None))
    }
}

/// Refuses a caller who showed who they are too long ago.
pub(crate) fn recent(caller: &Caller) -> Result<(), Refused> {
    if proof::is_recent(caller.auth_time, clock::now().seconds()) {
        Ok(())
    } else {
        Err(Refused::RecentSignInRequired)
    }
}

/// Who is signed in on the pages: the account of the session whose cookie `request` carries, in one query. None where there
/// is no cookie of ours, or its session is over.
///
/// Pages alone ask this. No route of the APIs looks at a cookie.
pub(crate) async fn of_page(app: &App, request: &Incoming) -> Result<Option<Caller>, Refused> {
    let Some(session) = page_session(app, request)? else {
        return Ok(None);
    };
    let (sessions, now) = (Sessions(&app.database), clock::now());
    let lifetimes = app.config.session_lifetimes;
    let Some(visitor) = sessions.visitor(&session, lifetimes, now).await? else {
        return Ok(None);
    };
    let Visitor {
        account,
        proof,
        created_at,
        last_used_at,
    } = visitor;
    if lifetimes.is_due(last_used_at, now) {
        sessions.visited(&session, last_used_at, now).await?;
    }
    app.trace.by(account.user.id);
    let end = created_at.plus(lifetimes.absolute);
    Ok(Some(Caller {
        account,
        token_id: None,
        session: Some(session),
        auth_time: Some(proof.auth_time),
        amr: proof.amr,
        expires_at: end.seconds().numeric_date(),
        dialect: None,
        is_of_page: true,
    }))
}

/// The session whose cookie `request` carries, open or over.
pub(crate) fn page_session(app: &App, request: &Incoming) -> Result<Option<SessionId>, Refused> {
    let cookie = cookies::session(request)?;
    Ok(cookie.and_then(|cookie| app.config.cookie_keys.read(&cookie).ok()))
}

/// Who sent a request, where it carries a token at all.
pub(crate) async fn optional(app: &App, request: &Incoming) -> Result<Option<Caller>, Refused> {
    match request.header("Authorization")? {
        Some(_) => Ok(Some(authenticate(app, request).await?)),
        None => Ok(None),
    }
}

/// Asks again who sent a request, after the database did not make the change of `before`: what has
/// become of the token, the session or the account meanwhile is the reason, if anything has.
pub(crate) async fn ask_again(
    app: &App,
    request: &Incoming,
    before: &Caller,
) -> Result<Caller, Refused> {
    let now = if before.is_of_page {
        let now = of_page(app, request).await?;
        now.ok_or(Refused::Caller(Reason::Revoked))?
    } else {
        authenticate(app, request).await?
    };
    unchanged(now, before)
}

/// The caller `now`, unless somebody has changed the account of `before` at the same moment: its
/// tokens from before do not count.
pub(crate) fn unchanged(now: Caller, before: &Caller) -> Result<Caller, Refused> {
    if before.account.is_still(&now.account) {
        Ok(now)
    } else {
        Err(Refused::Caller(Reason::Revoked))
    }
}

/// The refusal of a change for which there is no other reason than the caller.
pub(crate) async fn revoked_meanwhile(app: &App, request: &Incoming, before: &Caller) -> Refused {
    match ask_again(app, request, before).await {
        Ok(_) => Refused::Caller(Reason::Revoked),
        Err(refused) => refused,
    }
}

/// Checks the request's token alone: no query, and a revocation is not noticed.
pub(crate) fn trust(
    app: &App,
    request: &Incoming,
) -> Result<(Option<Dialect>, AccessToken), TokenRefused> {
    let header = request.header("Authorization")?;
    let credentials = authorization::parse(header.as_deref());
    let verified = match credentials.token {
        Err(problem) => Err(Reason::Header(problem)),
        Ok(text) if RefreshKeys::is_form(text) => Err(Reason::Token(TokenError::NotAnAccessToken)),
        Ok(text) => token::verify(
            text,
            &app.config.issuer,
            clock::now().seconds(),
            &app.config.keys,
        )
        .map_err(Reason::Token),
    };
    match verified {
        Ok(token) => Ok((credentials.dialect, token)),
        Err(reason) => Err(TokenRefused::Because(reason, credentials.dialect)),
    }
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
            let change = change.numeric_date();
            token.issued_at.is_none_or(|time| time <= change)
        }
    }
}
