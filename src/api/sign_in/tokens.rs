//! The tokens that a sign-in or a refresh is answered with.

use serde_json::{Value, json};

use crate::app::{App, Unexpected};
use crate::http::{Refused, Reply};
use crate::platform::http::Incoming;
use crate::platform::{clock, random};
use crate::store::audit::{Action, USER_AGENT_CHARACTERS};
use crate::store::sessions::{NewSession, Sessions};
use edge_auth_core::account::{Role, User};
use edge_auth_core::session::{Lifetimes, RefreshToken, SessionId};
use edge_auth_core::sign_in::SignedIn;
use edge_auth_core::token::{self, Issue};

/// Whom an access token is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grant<'a> {
    /// Who is signed in.
    pub(crate) signed_in: &'a SignedIn,
    /// The account's role.
    pub(crate) role: &'a Role,
    /// The session that the token belongs to, if any.
    pub(crate) session: Option<&'a SessionId>,
}

/// A new access token.
pub(crate) fn access_token(app: &App, grant: &Grant<'_>) -> Result<String, Unexpected> {
    let issue = Issue {
        issuer: &app.config.issuer,
        now: clock::now().seconds(),
        lifetime: app.config.access_token_lifetime,
        jti: random::bytes()?,
        signed_in: grant.signed_in,
        role: grant.role.as_str(),
        session: grant.session,
    };
    token::sign(issue, &app.config.keys.active).map_err(Unexpected::new)
}

/// Adds a refresh token to an answer (RFC 6749 section 5.1).
pub(crate) fn add_refresh_token(
    app: &App,
    answer: &mut Value,
    token: &RefreshToken,
) -> Result<(), Unexpected> {
    let text = app.config.refresh_keys.write(token);
    let text = text.ok_or_else(|| Unexpected::new("no key for refresh tokens"))?;
    if let Value::Object(members) = answer {
        members.insert("refresh_token".to_owned(), text.into());
        members.insert("token_type".to_owned(), "Bearer".into());
        let expires_in = json!(app.config.access_token_lifetime.0);
        members.insert("expires_in".to_owned(), expires_in);
    }
    Ok(())
}

/// A session that is not opened yet.
pub(crate) struct Opening {
    /// Its identifier.
    pub(crate) id: SessionId,
    user_agent: Option<String>,
    limit: u32,
    lifetimes: Lifetimes,
}

impl Opening {
    /// A session for the client that sent `request`.
    pub(crate) fn new(app: &App, request: &Incoming) -> Result<Self, Unexpected> {
        let user_agent = request.header("User-Agent")?;
        let cut = |text: String| text.chars().take(USER_AGENT_CHARACTERS).collect();
        Ok(Self {
            id: SessionId::new(random::bytes()?),
            user_agent: user_agent.map(cut),
            limit: app.config.sessions_per_user,
            lifetimes: app.config.session_lifetimes,
        })
    }

    /// As the database takes it.
    pub(crate) fn new_session(&self) -> NewSession<'_> {
        NewSession {
            id: &self.id,
            user_agent: self.user_agent.as_deref(),
            limit: self.limit,
            lifetimes: self.lifetimes,
            now: clock::now(),
        }
    }

    /// Its first refresh token.
    pub(crate) fn refresh_token(self) -> RefreshToken {
        RefreshToken {
            session: self.id,
            generation: 0,
        }
    }
}

/// The answer to a register or login that succeeded, with the session that it opened.
pub(crate) fn answer(
    app: &App,
    status: u16,
    message: &str,
    user: &User,
    signed_in: &SignedIn,
    opening: Option<Opening>,
) -> Result<Reply, Refused> {
    let grant = Grant {
        signed_in,
        role: &user.role,
        session: opening.as_ref().map(|opening| &opening.id),
    };
    let access_token = access_token(app, &grant)?;
    let mut body = json!({
        "access_token": access_token,
        "message": message,
        "user": user_json(user),
    });
    if let Some(opening) = opening {
        add_refresh_token(app, &mut body, &opening.refresh_token())?;
    }
    Ok(Reply::json(status, &body))
}

/// Answers a sign-in of `user`, with a session if one is asked for.
pub(crate) async fn sign_in(
    app: &App,
    request: &Incoming,
    user: &User,
    signed_in: &SignedIn,
    offline_access: bool,
) -> Result<Reply, Refused> {
    let mut opening = None;
    if offline_access {
        let new = Opening::new(app, request)?;
        let sessions = Sessions(&app.database);
        if !sessions.open(signed_in, &new.new_session()).await? {
            // It was changed a moment ago.
            return Err(Refused::Credentials);
        }
        opening = Some(new);
    }
    app.trace.by(user.id);
    app.trace.did(Action::SignIn, Some(user.id));
    let message = "Login successful";
    answer(app, 200, message, user, signed_in, opening)
}

/// `user` as clients see it (docs/api.md, "Accounts").
pub(crate) fn user_json(user: &User) -> Value {
    let mut body = json!({
        "created_at": user.created_at,
        "email": user.email,
        "id": user.id.get(),
        "name": user.name,
        "role": user.role.as_str(),
        "updated_at": user.updated_at,
    });
    if let (Some(username), Value::Object(map)) = (&user.username, &mut body) {
        map.insert("username".to_owned(), username.as_str().into());
    }
    body
}
