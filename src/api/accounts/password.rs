//! `POST` and `DELETE /api/auth/password`, and what asks for the caller's password.

use crate::api::asking;
use crate::api::sign_in::{new_password, password, throttle};
use crate::app::App;
use crate::http::caller::{self, Caller, Reason};
use crate::http::{Refused, Reply, body, fields};
use crate::platform::clock;
use crate::platform::http::Incoming;
use crate::store::audit::Action;
use crate::store::users::{PasswordChange, Users};
use edge_auth_core::mail;

/// The text of a 409.
const NO_OTHER_WAY: &str = "No other way to sign in";

/// `POST /api/auth/password`. An account without a password is given one after a recent sign-in.
pub(super) async fn change(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let caller = caller::authenticate(app, request).await?;
    let mut members = body::object(request).await?;
    let mut current = None;
    let new = if caller.account.has_password {
        let [password, new] = fields::required(&mut members, "current_password, new_password")?;
        current = Some(fields::string(password)?);
        fields::string(new)?
    } else {
        caller::recent(&caller)?;
        let [new] = fields::required(&mut members, "new_password")?;
        fields::string(new)?
    };
    change_by(app, request, &caller, current.as_deref(), &new).await?;
    Ok(Reply::empty())
}

/// Gives the caller a new password: one who has none after a recent sign-in, which is asked here, another one with the
/// `current` one.
pub(crate) async fn change_by(
    app: &App,
    request: &Incoming,
    caller: &Caller,
    current: Option<&str>,
    new: &str,
) -> Result<(), Refused> {
    let current = match current {
        Some(current) if caller.account.has_password => Some(current),
        None if caller.account.has_password => return Err(Refused::Missing("current_password")),
        _ => {
            caller::recent(caller)?;
            None
        }
    };
    let known = new_password::known(&caller.account.user);
    let new = new_password::parse(app, "new_password", new, known).await?;
    if let Some(current) = current {
        check_password(app, request, caller, current).await?;
    }
    let hash = new_password::hash_now(app, &new).await?;
    store(app, request, caller, Some(&hash)).await
}

/// `DELETE /api/auth/password`.
pub(super) async fn delete(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let caller = caller::authenticate_recent(app, request).await?;
    if !caller.account.has_password {
        return Ok(Reply::empty());
    }
    store(app, request, &caller, None).await?;
    Ok(Reply::empty())
}

async fn store(
    app: &App,
    request: &Incoming,
    caller: &Caller,
    password_hash: Option<&str>,
) -> Result<(), Refused> {
    let authority = caller.authority(None);
    let (id, browser) = (asking::random_id()?, asking::browser(request)?.code());
    let change = PasswordChange {
        password_hash,
        had_password: caller.account.has_password,
        mail_is_set_up: app.config.mail.is_some(),
        notice: app.notice(mail::Kind::PasswordChanged, &id, &browser),
    };
    let users = Users(&app.database);
    let now = clock::now().seconds();
    let Some(mail) = users.change_password(&change, &authority, now).await? else {
        caller::ask_again(app, request, caller).await?;
        return Err(match password_hash {
            Some(_) => Refused::Caller(Reason::Revoked),
            None => Refused::Conflict(NO_OTHER_WAY),
        });
    };
    let id = caller.account.user.id;
    app.trace.did(Action::PasswordChange, Some(id));
    asking::send(app, mail);
    Ok(())
}

/// Checks the caller's password as a sign-in does, with its throttle.
pub(super) async fn check_password(
    app: &App,
    request: &Incoming,
    caller: &Caller,
    password: &str,
) -> Result<(), Refused> {
    let address = throttle::admit(&app.sign_in_limit, request).await?;
    match password::confirm(app, request, &address, &caller.account, password).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(caller::revoked_meanwhile(app, request, caller).await),
        Err(Refused::Credentials) => Err(Refused::WrongPassword),
        Err(refused) => Err(refused),
    }
}
