//! The caller's own account: look, change, delete.

use edge_auth_core::account::{BrokenRule, Name, User, Username};
use serde_json::{Value, json};

use super::USERNAME_TAKEN;
use super::password::check_password;
use crate::api::sign_in::throttle;
use crate::api::sign_in::tokens::user_json;
use crate::app::App;
use crate::http::body::Members;
use crate::http::caller::Reason;
use crate::http::refused::TooMany;
use crate::http::{Refused, Reply, body, caller, fields};
use crate::platform::http::Incoming;
use crate::platform::{clock, unicode};
use crate::store::attempts::{Attempts, Closed};
use crate::store::audit::Action;
use crate::store::users::{UpdateError, Users};

/// `GET /api/auth/me`.
pub(super) async fn get(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let caller = caller::authenticate(app, request).await?;
    Ok(user_reply(&caller.account.user))
}

/// `PATCH /api/auth/me`.
pub(super) async fn patch(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let caller = caller::authenticate(app, request).await?;
    let user = &caller.account.user;
    let mut members = body::object(request).await?;
    let changes = ProfileChanges::parse(&mut members, user)?;
    if changes.name.is_none() && changes.username.is_none() {
        return Ok(user_reply(user));
    }
    let address = if changes.asks_for_a_username() {
        // To ask which usernames are taken costs what it costs in registration.
        throttle::admit(&app.registration_limit, request).await?
    } else {
        throttle::client_address(request)?
    };
    let from = app.config.attempts.address(&address);
    let username = changes.username.as_ref().map(Option::as_ref);
    let name = changes.name.as_ref();
    let (authority, now) = (caller.authority(None), clock::now());
    let updated = Users(&app.database)
        .update_profile(name, username, &authority, &from.key(), now)
        .await;
    match updated {
        Ok(Some(user)) => Ok(user_reply(&user)),
        Ok(None) => {
            caller::ask_again(app, request, &caller).await?;
            if !changes.asks_for_a_username() {
                return Err(Refused::Caller(Reason::Revoked));
            }
            let closed = Attempts(&app.database).closed(&from.key(), now).await?;
            let time = closed.unwrap_or(now);
            throttle::remember(&address, Closed::address(time));
            Err(TooMany::until(time).into())
        }
        Err(UpdateError::UsernameTaken) => {
            Err(throttle::name_taken(app, &address, &from, USERNAME_TAKEN).await)
        }
        Err(UpdateError::Store(error)) => Err(error.into()),
    }
}

/// `DELETE /api/auth/me`.
pub(super) async fn delete(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let caller = caller::authenticate(app, request).await?;
    if caller.account.has_password {
        let mut members = body::object(request).await?;
        let [password] = fields::required(&mut members, "password")?;
        check_password(app, request, &caller, &fields::string(password)?).await?;
    } else {
        caller::recent(&caller)?;
    }
    let users = Users(&app.database);
    if !users.delete(&caller.authority(None)).await? {
        caller::ask_again(app, request, &caller).await?;
        return Err(Refused::Conflict("The last admin cannot be deleted"));
    }
    app.trace.did(Action::Delete, Some(caller.account.user.id));
    Ok(Reply::empty())
}

fn user_reply(user: &User) -> Reply {
    Reply::json(200, &json!({ "user": user_json(user) }))
}

/// What a `PATCH` changes. A username of `Some(None)` is taken away.
struct ProfileChanges {
    name: Option<Name>,
    username: Option<Option<Username>>,
}

impl ProfileChanges {
    /// Whether the answer tells if somebody else has a username.
    fn asks_for_a_username(&self) -> bool {
        matches!(self.username, Some(Some(_)))
    }

    fn parse(members: &mut Members, user: &User) -> Result<Self, Refused> {
        let takes_username_away = members.get("username") == Some(&Value::Null);
        let name = fields::optional(members, "name")?;
        let name = name.map(|name| Name::parse(&name, unicode::HOST));
        let username = fields::optional(members, "username")?;
        let username = username.map(|name| Username::parse(&name, unicode::HOST));
        if takes_username_away && user.email.is_none() {
            let rule = "must not be removed from an account without an email address";
            return Err(BrokenRule::new("username", rule).into());
        }
        let (name, username) = (name.transpose()?, username.transpose()?);
        let username = (username.is_some() || takes_username_away).then_some(username);
        // What is so already is no change, and asks nothing.
        Ok(Self {
            name: name.filter(|name| name.as_str() != user.name),
            username: username.filter(|new| {
                let new = new.as_ref().map(Username::as_str);
                new != user.username.as_deref()
            }),
        })
    }
}
