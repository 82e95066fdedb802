//! Sessions: refresh, logout, what is open.

use edge_auth_core::mail;
use edge_auth_core::session::SessionId;
use edge_auth_core::token::{self, TokenError};
use serde_json::{Value, json};

use super::asking;
use super::sign_in::throttle;
use super::sign_in::tokens::{self, Grant};
use crate::app::App;
use crate::http::authorization::{self, HeaderProblem};
use crate::http::caller::{self, Caller, Reason};
use crate::http::routes::{Method, Route, handler};
use crate::http::{Refused, Reply, body, fields};
use crate::platform::clock;
use crate::platform::http::Incoming;
use crate::store::attempts::Attempts;
use crate::store::audit::Action;
use crate::store::outbox::Outbox;
use crate::store::sessions::{Refreshed, Session, Sessions};

/// The routes of this area.
pub(super) const ROUTES: &[Route] = &[
    Route::api(
        "/api/auth/refresh",
        &[Method::new("POST", handler!(refresh))],
    ),
    Route::api("/api/auth/logout", &[Method::new("POST", handler!(logout))]),
    Route::api(
        "/api/auth/sessions",
        &[
            Method::get(handler!(list)),
            Method::new("DELETE", handler!(delete_others)),
        ],
    ),
    Route::api(
        "/api/auth/sessions/*",
        &[Method::new("DELETE", handler!(delete, segment))],
    ),
];

/// `POST /api/auth/refresh`.
async fn refresh(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let text = sent_token(request).await?;
    let Ok(mut token) = app.config.refresh_keys.read(&text) else {
        verify(app, &text)?;
        return Err(Refused::Caller(Reason::NotARefreshToken));
    };
    let lifetimes = app.config.session_lifetimes;
    let sessions = Sessions(&app.database);
    let address = throttle::client_address(request)?;
    let address = app.config.attempts.address(&address);
    let now = clock::now();
    let refreshed = sessions.refresh(&token, &address, lifetimes, now).await?;
    let (signed_in, role, generation) = match refreshed {
        Refreshed::Next {
            signed_in,
            role,
            generation,
            is_familiar,
        } => {
            if !is_familiar {
                let attempts = Attempts(&app.database);
                let user_id = signed_in.user_id();
                attempts.refreshed(user_id, &address, now).await?;
            }
            (signed_in, role, generation)
        }
        Refreshed::Reused(user_id) => {
            app.trace.did(Action::RefreshReuse, Some(user_id));
            let (id, browser) = (asking::random_id()?, asking::browser(request)?.code());
            if let Some(notice) = app.notice(mail::Kind::SessionEnded, &id, &browser) {
                let mail = Outbox(&app.database).notice(user_id, &notice).await?;
                asking::send(app, mail);
            }
            return Err(Refused::Caller(Reason::Revoked));
        }
        Refreshed::Revoked => return Err(Refused::Caller(Reason::Revoked)),
    };
    app.trace.by(signed_in.user_id());
    token.generation = generation;
    let grant = Grant {
        signed_in: &signed_in,
        role: &role,
        session: Some(&token.session),
    };
    let access_token = tokens::access_token(app, &grant)?;
    let mut answer = json!({ "access_token": access_token });
    tokens::add_refresh_token(app, &mut answer, &token)?;
    Ok(Reply::json(200, &answer))
}

/// `POST /api/auth/logout`.
async fn logout(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let text = sent_token(request).await?;
    let session = match app.config.refresh_keys.read(&text) {
        Ok(token) => Some(token.session),
        Err(_) => verify(app, &text)?.session,
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
async fn list(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let caller = caller::authenticate(app, request).await?;
    let open = list_of(app, &caller).await?;
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

/// The open sessions of the caller, the oldest first.
pub(super) async fn list_of(app: &App, caller: &Caller) -> Result<Vec<Session>, Refused> {
    let sessions = Sessions(&app.database);
    let lifetimes = app.config.session_lifetimes;
    let user_id = caller.account.user.id;
    Ok(sessions.list(user_id, lifetimes, clock::now()).await?)
}

/// `DELETE /api/auth/sessions`: all but the current one.
async fn delete_others(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let caller = caller::authenticate(app, request).await?;
    end_others(app, request, &caller).await?;
    Ok(Reply::empty())
}

/// Ends the sessions of the caller but the one that asks.
pub(super) async fn end_others(
    app: &App,
    request: &Incoming,
    caller: &Caller,
) -> Result<(), Refused> {
    let sessions = Sessions(&app.database);
    if sessions.close_others(&caller.authority(None)).await? {
        Ok(())
    } else {
        Err(caller::revoked_meanwhile(app, request, caller).await)
    }
}

/// `DELETE /api/auth/sessions/<id>`.
async fn delete(app: &App, request: &Incoming, id: &str) -> Result<Reply, Refused> {
    let caller = caller::authenticate(app, request).await?;
    end(app, request, &caller, id).await?;
    Ok(Reply::empty())
}

/// Ends a session of the caller's.
pub(super) async fn end(
    app: &App,
    request: &Incoming,
    caller: &Caller,
    id: &str,
) -> Result<(), Refused> {
    let sessions = Sessions(&app.database);
    if sessions
        .close_of_caller(id, &caller.authority(None))
        .await?
    {
        return Ok(());
    }
    caller::ask_again(app, request, caller).await?;
    Err(Refused::NotFound)
}

/// The access token that `text` is.
fn verify(app: &App, text: &str) -> Result<token::AccessToken, Refused> {
    let verified = token::verify(
        text,
        &app.config.issuer,
        clock::now().seconds(),
        &app.config.keys,
    );
    verified.map_err(|error| {
        Refused::Caller(match error {
            // No token of ours, and refresh tokens of the old service are none here.
            TokenError::NotEnoughSegments | TokenError::NotAnAccessToken => Reason::Revoked,
            error => Reason::Token(error),
        })
    })
}

/// The token of the Authorization header, or else the member `refresh_token` of the body.
async fn sent_token(request: &Incoming) -> Result<String, Refused> {
    let header = request.header("Authorization")?;
    match authorization::parse(header.as_deref()).token {
        Ok(token) => return Ok(token.to_owned()),
        Err(HeaderProblem::Missing) => {}
        Err(problem) => return Err(Refused::Caller(Reason::Header(problem))),
    }
    let missing = Refused::Caller(Reason::Header(HeaderProblem::Missing));
    if request.header("Content-Type")?.is_none() {
        return Err(missing);
    }
    let mut members = body::object(request).await?;
    let token = fields::optional(&mut members, "refresh_token")?;
    token.filter(|token| !token.is_empty()).ok_or(missing)
}
