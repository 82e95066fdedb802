//! `POST /api/auth/password`, and what asks for the caller's password.

use edge_auth_core::account::{BrokenRule, User};
use edge_auth_core::password::{Known, NewPassword};

use crate::api::sign_in::{password, throttle};
use crate::app::App;
use crate::http::body::Members;
use crate::http::caller::{self, Caller};
use crate::http::{Refused, Reply, body, fields};
use crate::platform::http::Incoming;
use crate::platform::{clock, unicode};
use crate::store::audit::Action;
use crate::store::users::Users;

/// `POST /api/auth/password`.
pub(super) async fn change_password(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let caller = caller::authenticate(app, request).await?;
    let user = &caller.account.user;
    let mut members = body::object(request).await?;
    let (current, new) = password_fields(app, &mut members, user)?;
    check_password(app, request, &caller, &current).await?;
    let hash = password::hash(app, &new).await?;
    let users = Users(&app.database);
    let authority = caller.authority(None);
    if !users
        .change_password(&hash, &authority, clock::now().seconds())
        .await?
    {
        return Err(caller::revoked_meanwhile(app, request, &caller).await);
    }
    app.trace.did(Action::PasswordChange, Some(user.id));
    Ok(Reply::empty())
}

/// The current password as it was sent, and the new one.
fn password_fields(
    app: &App,
    members: &mut Members,
    user: &User,
) -> Result<(String, NewPassword), Refused> {
    let [current, new] = fields::required(members, "current_password, new_password")?;
    let (current, new) = (fields::string(current)?, fields::string(new)?);
    let known = Known {
        email: user.email.as_deref(),
        username: user.username.as_deref(),
        name: &user.name,
    };
    let min_length = app.config.password_min_length;
    let new = NewPassword::parse(&new, min_length, known, unicode::HOST);
    let of_field = |broken| BrokenRule {
        field: "new_password",
        ..broken
    };
    Ok((current, new.map_err(of_field)?))
}

/// Checks the caller's password as a sign-in does, with its throttle.
pub(super) async fn check_password(
    app: &App,
    request: &Incoming,
    caller: &Caller,
    password: &str,
) -> Result<(), Refused> {
    let address = throttle::admit(&app.sign_in_limit, request).await?;
    match password::confirm(app, &address, caller, password).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(caller::revoked_meanwhile(app, request, caller).await),
        Err(Refused::Credentials) => Err(Refused::WrongPassword),
        Err(refused) => Err(refused),
    }
}
