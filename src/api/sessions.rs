//! Sessions: refresh, logout, what is open.

use serde_json::{Value, json};

use super::accounts::{body_refusal, refusal, token_problem};
use super::authorization::{self, HeaderProblem};
use super::body;
use super::fields;
use super::protected::{self, Reason};
use super::reply::{Dialect, Reply};
use super::tokens::{self, Grant};
use super::{App, Unexpected};
use crate::platform::clock;
use crate::platform::http::Incoming;
use crate::store::attempts::Attempts;
use crate::store::audit::Action;
use crate::store::sessions::{Refreshed, Sessions};
use edge_auth_core::session::SessionId;
use edge_auth_core::throttle::ClientAddress;
use edge_auth_core::token::{self, TokenError};

/// `POST /api/auth/refresh`.
pub(super) async fn refresh(app: &App, request: &Incoming) -> Result<Reply, Unexpected> {
    let text = match sent_token(request).await? {
        Ok(text) => text,
        Err(reply) => return Ok(reply),
    };
    let Ok(mut token) = app.config.refresh_keys.read(&text) else {
        return Ok(match verify(app, &text) {
            Ok(_) => token_problem("Only refresh tokens are allowed"),
            Err(Some(error)) => refusal(&Reason::Token(error)),
            Err(None) => refusal(&Reason::Revoked),
        });
    };
    let lifetimes = app.config.session_lifetimes;
    let sessions = Sessions(&app.database);
    let header = request.header("CF-Connecting-IP")?;
    let address = ClientAddress::parse(header.as_deref());
    let address = app.config.attempts.address(&address);
    let now = clock::now_ms();
    let refreshed = sessions.refresh(&token, &address, lifetimes, now).await?;
    let (user_id, role, epoch, generation) = match refreshed {
        Refreshed::Next {
            user_id,
            role,
            epoch,
            generation,
            is_familiar,
        } => {
            if !is_familiar {
                let attempts = Attempts(&app.database);
                attempts.refreshed(user_id, &address, now).await?;
            }
            (user_id, role, epoch, generation)
        }
        Refreshed::Reused(user_id) => {
            app.trace.did(Action::RefreshReuse, Some(user_id));
            return Ok(refusal(&Reason::Revoked));
        }
        Refreshed::Revoked => return Ok(refusal(&Reason::Revoked)),
    };
    app.trace.by(user_id);
    token.generation = generation;
    let grant = Grant {
        user_id,
        role: &role,
        epoch,
        session: Some(&token.session),
    };
    let access_token = tokens::access_token(app, &grant)?;
    let mut answer = json!({ "access_token": access_token });
    tokens::add_refresh_token(app, &mut answer, &token)?;
    Ok(Reply::json(200, &answer))
}

/// `POST /api/auth/logout`.
pub(super) async fn logout(app: &App, request: &Incoming) -> Result<Reply, Unexpected> {
    let text = match sent_token(request).await? {
        Ok(text) => text,
        Err(reply) => return Ok(reply),
    };
    let session = match app.config.refresh_keys.read(&text) {
        Ok(token) => Some(token.session),
        Err(_) => match verify(app, &text) {
            Ok(token) => token.session,
            Err(Some(error)) => return Ok(refusal(&Reason::Token(error))),
            Err(None) => return Ok(refusal(&Reason::Revoked)),
        },
    };
    if let Some(session) = session
        && let Some(user_id) = Sessions(&app.database).close(&session).await?
    {
        app.trace.by(user_id);
        app.trace.did(Action::Logout, Some(user_id));
    }
    Ok(Reply::empty())
}

/// `GET /api/auth/sessions`.
pub(super) async fn list(app: &App, request: &Incoming) -> Result<Reply, Unexpected> {
    let caller = match protected::authenticate(app, request).await? {
        Ok(caller) => caller,
        Err(refused) => return Ok(protected::refusal_on_api(&refused)),
    };
    let sessions = Sessions(&app.database);
    let lifetimes = app.config.session_lifetimes;
    let open = sessions
        .list(caller.account.user.id, lifetimes, clock::now_ms())
        .await?;
    let current = caller.session.as_ref().map(SessionId::as_str);
    let open: Vec<Value> = open
        .into_iter()
        .map(|session| {
            json!({
                "created_at": session.created_at,
                "current": current == Some(session.id.as_str()),
                "id": session.id,
                "last_used_at": session.last_used_at,
                "user_agent": session.user_agent,
            })
        })
        .collect();
    Ok(Reply::json(200, &json!({ "sessions": open })))
}

/// `DELETE /api/auth/sessions`: all but the current one.
pub(super) async fn delete_others(app: &App, request: &Incoming) -> Result<Reply, Unexpected> {
    let caller = match protected::authenticate(app, request).await? {
        Ok(caller) => caller,
        Err(refused) => return Ok(protected::refusal_on_api(&refused)),
    };
    let sessions = Sessions(&app.database);
    if !sessions.close_others(&caller.authority(None)).await? {
        return protected::revoked_meanwhile(app, request).await;
    }
    Ok(Reply::empty())
}

/// `DELETE /api/auth/sessions/<id>`.
pub(super) async fn delete(app: &App, request: &Incoming, id: &str) -> Result<Reply, Unexpected> {
    let caller = match protected::authenticate(app, request).await? {
        Ok(caller) => caller,
        Err(refused) => return Ok(protected::refusal_on_api(&refused)),
    };
    let sessions = Sessions(&app.database);
    if sessions
        .close_of_caller(id, &caller.authority(None))
        .await?
    {
        return Ok(Reply::empty());
    }
    Ok(match protected::authenticate(app, request).await? {
        Ok(_) => Dialect::Accounts.error(404, "Not found"),
        Err(refused) => protected::refusal_on_api(&refused),
    })
}

/// The access token that `text` is; otherwise what is wrong with it, or `None` where it is no
/// access token of any kind.
fn verify(app: &App, text: &str) -> Result<token::AccessToken, Option<TokenError>> {
    let verified = token::verify(text, &app.config.issuer, clock::now(), &app.config.keys);
    verified.map_err(|error| match error {
        // No token of ours, and refresh tokens of the old service are none here.
        TokenError::NotEnoughSegments | TokenError::NotAnAccessToken => None,
        error => Some(error),
    })
}

/// The token of the Authorization header, or else the member `refresh_token` of the body.
async fn sent_token(request: &Incoming) -> Result<Result<String, Reply>, Unexpected> {
    let header = request.header("Authorization")?;
    match authorization::parse(header.as_deref()).token {
        Ok(token) => return Ok(Ok(token.to_owned())),
        Err(HeaderProblem::Missing) => {}
        Err(problem) => return Ok(Err(refusal(&Reason::Header(problem)))),
    }
    let missing = || Ok(Err(refusal(&Reason::Header(HeaderProblem::Missing))));
    if request.header("Content-Type")?.is_none() {
        return missing();
    }
    let mut members = match body::object(request).await {
        Ok(members) => members,
        Err(problem) => return body_refusal(problem).map(Err),
    };
    match fields::optional(&mut members, "refresh_token") {
        Ok(Some(token)) if !token.is_empty() => Ok(Ok(token)),
        Ok(_) => missing(),
        Err(refused) => Ok(Err(refused.reply())),
    }
}
