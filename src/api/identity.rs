//! Who a request is from, as services behind this one are told.

use super::authorization::Scheme;
use super::protected::{Reason, Refusal};
use super::reply::{Dialect, Reply};
use super::{App, Unexpected, accounts, flask_jwt, protected};
use crate::auth::account::{DEFAULT_ROLE, UserId, is_role};
use crate::auth::token::AccessToken;
use crate::platform::http::Incoming;

/// Who a request is from.
#[derive(Debug)]
pub(super) struct Identity {
    user_id: UserId,
    role: String,
    token_id: Option<String>,
    expires_at: f64,
}

impl Identity {
    /// That of the request's token, or the 401. The scheme that was sent picks its dialect, and
    /// `unsent` where neither was.
    pub(super) async fn of(
        app: &App,
        request: &Incoming,
        unsent: Scheme,
    ) -> Result<Result<Self, Reply>, Unexpected> {
        let identity = if app.config.trust_token_alone {
            Self::trusted(protected::trust(app, request)?)
        } else {
            let caller = protected::authenticate(app, request).await?;
            caller.map(|caller| Self {
                user_id: caller.account.user.id,
                role: caller.account.user.role,
                token_id: caller.token_id,
                expires_at: caller.expires_at,
            })
        };
        Ok(identity.map_err(
            |Refusal { scheme, reason }| match scheme.unwrap_or(unsent) {
                Scheme::Jwt => flask_jwt::refusal(&reason),
                Scheme::Bearer => accounts::refusal(&reason),
            },
        ))
    }

    /// What a token says by itself. One of the old service has no role, or any text.
    fn trusted(checked: Result<(Option<Scheme>, AccessToken), Refusal>) -> Result<Self, Refusal> {
        let (scheme, token) = checked?;
        let gone = |nobody| Refusal {
            scheme,
            reason: Reason::AccountGone(nobody),
        };
        let role = token.role.filter(|role| is_role(role));
        Ok(Self {
            user_id: token.subject.map_err(gone)?,
            role: role.unwrap_or_else(|| DEFAULT_ROLE.to_owned()),
            token_id: token.jti,
            expires_at: token.expires_at,
        })
    }

    /// Whether the account has this role.
    pub(super) fn has_role(&self, role: &str) -> bool {
        self.role == role
    }

    /// When the token expires that said it, in seconds of Unix time.
    pub(super) fn expires_at(&self) -> f64 {
        self.expires_at
    }

    /// The headers that say it.
    pub(super) fn headers(self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("X-Auth-User-Id", self.user_id.to_string()),
            ("X-Auth-Role", self.role),
        ];
        // The old service's tokens have any `jti` or none; a header value has visible characters.
        let is_header_value =
            |id: &String| !id.is_empty() && id.bytes().all(|b| b.is_ascii_graphic());
        if let Some(token_id) = self.token_id.filter(is_header_value) {
            headers.push(("X-Auth-Token-Id", token_id));
        }
        headers
    }
}

/// The answer to an account of another role than the one that is asked for.
pub(super) fn forbidden() -> Reply {
    Dialect::Accounts.error(403, "Forbidden")
}
