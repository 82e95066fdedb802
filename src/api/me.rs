//! The caller's own account: look, change, delete, change the password.

use serde_json::{Map, Value, json};

use super::accounts::{USERNAME_TAKEN, body_refusal, user_json};
use super::fields::{self, FieldsRefused};
use super::protected::{self, Caller};
use super::reply::{Dialect, Reply};
use super::sign_in::{self, Refusal};
use super::throttle::{self, TooMany};
use super::{App, Unexpected, body};
use crate::platform::http::Incoming;
use crate::platform::{clock, unicode};
use crate::store::attempts::{Attempts, Closed};
use crate::store::audit::Action;
use crate::store::users::{UpdateError, Users};
use edge_auth_core::account::{BrokenRule, Name, User, Username};
use edge_auth_core::password::{Known, NewPassword};
use edge_auth_core::throttle::{AttemptedName, ClientAddress};

/// `GET /api/auth/me`.
pub(super) async fn get(app: &App, request: &Incoming) -> Result<Reply, Unexpected> {
    Ok(match protected::authenticate(app, request).await? {
        Ok(caller) => Reply::json(200, &json!({ "user": user_json(&caller.account.user) })),
        Err(refused) => protected::refusal_on_api(&refused),
    })
}

/// `PATCH /api/auth/me`.
pub(super) async fn patch(app: &App, request: &Incoming) -> Result<Reply, Unexpected> {
    let caller = match protected::authenticate(app, request).await? {
        Ok(caller) => caller,
        Err(refused) => return Ok(protected::refusal_on_api(&refused)),
    };
    let user = &caller.account.user;
    let mut members = match body::object(request).await {
        Ok(members) => members,
        Err(problem) => return body_refusal(problem),
    };
    let changes = match ProfileChanges::parse(&mut members, user) {
        Ok(changes) => changes,
        Err(refused) => return Ok(refused.reply()),
    };
    if changes.name.is_none() && changes.username.is_none() {
        return Ok(Reply::json(200, &json!({ "user": user_json(user) })));
    }
    let header = request.header("CF-Connecting-IP")?;
    let mut address = ClientAddress::parse(header.as_deref());
    if changes.asks_for_a_username() {
        // To ask which usernames are taken costs what it costs in registration.
        address = match throttle::admit(&app.registration_limit, request).await? {
            Ok(address) => address,
            Err(too_many) => return Ok(too_many.reply(Dialect::Accounts)),
        };
    }
    let from = app.config.attempts.address(&address);
    let username = changes.username.as_ref().map(Option::as_ref);
    let name = changes.name.as_ref();
    let (authority, now) = (caller.authority(None), clock::now_ms());
    let updated = Users(&app.database)
        .update_profile(name, username, &authority, &from.key(), now)
        .await;
    match updated {
        Ok(Some(user)) => Ok(Reply::json(200, &json!({ "user": user_json(&user) }))),
        Ok(None) => {
            if let Err(refused) = protected::authenticate(app, request).await? {
                return Ok(protected::refusal_on_api(&refused));
            }
            let closed = Attempts(&app.database).closed(&from.key(), now).await?;
            throttle::remember(
                &address,
                Closed {
                    pair: None,
                    address: closed,
                },
            );
            let too_many = TooMany::until(closed.unwrap_or(now));
            Ok(too_many.reply(Dialect::Accounts))
        }
        Err(UpdateError::UsernameTaken) => {
            throttle::name_taken(app, &address, &from, USERNAME_TAKEN).await
        }
        Err(UpdateError::Store(error)) => Err(error.into()),
    }
}

/// `DELETE /api/auth/me`.
pub(super) async fn delete(app: &App, request: &Incoming) -> Result<Reply, Unexpected> {
    let caller = match protected::authenticate(app, request).await? {
        Ok(caller) => caller,
        Err(refused) => return Ok(protected::refusal_on_api(&refused)),
    };
    let mut members = match body::object(request).await {
        Ok(members) => members,
        Err(problem) => return body_refusal(problem),
    };
    let password =
        fields::required(&mut members, "password").and_then(|[password]| fields::string(password));
    let password = match password {
        Ok(password) => password,
        Err(refused) => return Ok(refused.reply()),
    };
    if let Some(refused) = check_password(app, request, &caller, &password).await? {
        return Ok(refused);
    }
    let id = caller.account.user.id;
    let users = Users(&app.database);
    if !users.delete(&caller.authority(None)).await? {
        return Ok(match protected::authenticate(app, request).await? {
            Ok(_) => Dialect::Accounts.error(409, "The last admin cannot be deleted"),
            Err(refused) => protected::refusal_on_api(&refused),
        });
    }
    app.trace.did(Action::Delete, Some(id));
    Ok(Reply::empty())
}

/// `POST /api/auth/password`.
pub(super) async fn change_password(app: &App, request: &Incoming) -> Result<Reply, Unexpected> {
    let caller = match protected::authenticate(app, request).await? {
        Ok(caller) => caller,
        Err(refused) => return Ok(protected::refusal_on_api(&refused)),
    };
    let user = &caller.account.user;
    let mut members = match body::object(request).await {
        Ok(members) => members,
        Err(problem) => return body_refusal(problem),
    };
    let (current, new) = match password_fields(app, &mut members, user) {
        Ok(passwords) => passwords,
        Err(refused) => return Ok(refused.reply()),
    };
    if let Some(refused) = check_password(app, request, &caller, &current).await? {
        return Ok(refused);
    }
    let hash = sign_in::hash(app, &new).await?;
    let users = Users(&app.database);
    let authority = caller.authority(None);
    if !users
        .change_password(&hash, &authority, clock::now())
        .await?
    {
        return protected::revoked_meanwhile(app, request).await;
    }
    app.trace.did(Action::PasswordChange, Some(user.id));
    Ok(Reply::empty())
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

    fn parse(members: &mut Map<String, Value>, user: &User) -> Result<Self, FieldsRefused> {
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

/// The current password as it was sent, and the new one.
fn password_fields(
    app: &App,
    members: &mut Map<String, Value>,
    user: &User,
) -> Result<(String, NewPassword), FieldsRefused> {
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

/// Checks the caller's password as a sign-in does, with its throttle; the answer, if it is wrong.
async fn check_password(
    app: &App,
    request: &Incoming,
    caller: &Caller,
    password: &str,
) -> Result<Option<Reply>, Unexpected> {
    let address = match throttle::admit(&app.sign_in_limit, request).await? {
        Ok(address) => address,
        Err(too_many) => return Ok(Some(too_many.reply(Dialect::Accounts))),
    };
    let user = &caller.account.user;
    let name = user.email.as_ref().or(user.username.as_ref());
    let name = name.map_or("", String::as_str);
    let name = AttemptedName::username(name, unicode::HOST);
    Ok(
        match sign_in::sign_in(app, &address, &name, password).await? {
            Ok(account) if account.user.id == user.id => None,
            Ok(_) | Err(Refusal::WrongPassword) => {
                Some(Dialect::Accounts.error(403, "Wrong password"))
            }
            Err(Refusal::TooMany(too_many)) => Some(too_many.reply(Dialect::Accounts)),
        },
    )
}
