//! Who a request is from, as services behind this one are told.

use crate::app::App;
use crate::http::Refused;
use crate::http::caller::{self, Reason, TokenRefused};
use crate::platform::clock;
use crate::platform::http::Incoming;
use edge_auth_core::account::{Role, UserId};
use edge_auth_core::dialect::Dialect;
use edge_auth_core::proof::{Amr, Requirement};
use edge_auth_core::time::UnixSeconds;

/// Who a request is from.
#[derive(Debug)]
pub(crate) struct Identity {
    user_id: UserId,
    role: Role,
    token_id: Option<String>,
    auth_time: Option<UnixSeconds>,
    amr: Amr,
    expires_at: f64,
    /// Words what is wrong with it.
    dialect: Dialect,
}

impl Identity {
    /// That of the request's token. The scheme that was sent says in which dialect it is refused,
    /// and `unsent` where neither was.
    pub(crate) async fn of(
        app: &App,
        request: &Incoming,
        unsent: Dialect,
    ) -> Result<Self, Refused> {
        let identity = if app.config.trust_token_alone {
            Self::trusted(app, request, unsent)
        } else {
            caller::authenticate(app, request).await.map(|caller| Self {
                user_id: caller.account.user.id,
                role: caller.account.user.role,
                token_id: caller.token_id,
                auth_time: caller.auth_time,
                amr: caller.amr,
                expires_at: caller.expires_at,
                dialect: caller.dialect.unwrap_or(unsent),
            })
        };
        identity.map_err(|refused| match refused {
            TokenRefused::Because(reason, sent) => Refused::Token(sent.unwrap_or(unsent), reason),
            TokenRefused::Unexpected(error) => error.into(),
        })
    }

    /// What a token says by itself. One of the old service has no role, or any text.
    fn trusted(app: &App, request: &Incoming, unsent: Dialect) -> Result<Self, TokenRefused> {
        let (dialect, token) = caller::trust(app, request)?;
        let gone = |nobody| TokenRefused::Because(Reason::AccountGone(nobody), dialect);
        let role = token.role.and_then(|role| Role::parse(&role));
        Ok(Self {
            user_id: token.subject.map_err(gone)?,
            role: role.unwrap_or(Role::DEFAULT),
            token_id: token.jti,
            auth_time: token.auth_time,
            amr: token.amr,
            expires_at: token.expires_at,
            dialect: dialect.unwrap_or(unsent),
        })
    }

    /// Whether the account has this role.
    pub(crate) fn has_role(&self, role: &str) -> bool {
        self.role.as_str() == role
    }

    /// Refuses a token that does not say what is asked for of the last proof; nobody's does where that is `None`.
    ///
    /// To be asked last: a client that is refused here passes once its user has signed in anew.
    pub(crate) fn check_proof(&self, required: Option<Requirement>) -> Result<(), Refused> {
        let now = clock::now().seconds();
        match required {
            Some(required) if required.is_met(&self.amr, self.auth_time, now) => Ok(()),
            _ => Err(Refused::Proof(
                self.dialect,
                required.and_then(Requirement::max_age),
            )),
        }
    }

    /// When the token expires that said it, in seconds of Unix time.
    pub(crate) fn expires_at(&self) -> f64 {
        self.expires_at
    }

    /// The headers that say it.
    pub(crate) fn headers(self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("X-Auth-User-Id", self.user_id.to_string()),
            ("X-Auth-Role", self.role.to_string()),
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
