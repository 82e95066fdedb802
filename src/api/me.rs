//! The caller's own account: look, change, delete, change the password.

use serde_json::{Map, Value, json};

use super::accounts::{body_refusal, user_json};
use super::fields::{self, FieldsRefused};
use super::protected::{self, Caller};
use super::reply::{Dialect, Reply};
use super::sign_in::{self, Refusal};
use super::{App, Unexpected, body, throttle};
use crate::auth::account::{BrokenRule, Name, User, Username};
use crate::auth::attempt::{AttemptedName, account_key};
use crate::auth::password::{Known, NewPassword};
use crate::platform::http::Incoming;
use crate::platform::{clock, unicode};
use crate::store::audit::Action;
use crate::store::users::{UpdateError, Users};

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
    let user = caller.account.user;
    let mut members = match body::object(request).await {
        Ok(members) => members,
        Err(problem) => return body_refusal(problem),
    };
    let changes = match ProfileChanges::parse(&mut members, &user) {
        Ok(changes) => changes,
        Err(refused) => return Ok(refused.reply()),
    };
    if changes.name.is_none() && changes.username.is_none() {
        return Ok(Reply::json(200, &json!({ "user": user_json(&user) })));
    }
    let username = changes.username.as_ref().map(Option::as_ref);
    let updated = Users(&app.database)
        .update_profile(user.id, changes.name.as_ref(), username)
        .await;
    Ok(match updated {
        Ok(Some(user)) => Reply::json(200, &json!({ "user": user_json(&user) })),
        Ok(None) => Dialect::Accounts.error(404, "User not found"),
        Err(UpdateError::UsernameTaken) => Dialect::Accounts.error(409, "Username already taken"),
        Err(UpdateError::Store(error)) => return Err(error.into()),
    })
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
    if !Users(&app.database).delete(id, &account_key(id)).await? {
        return Ok(Dialect::Accounts.error(409, "The last admin cannot be deleted"));
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
    Users(&app.database)
        .change_password(user.id, &hash, caller.session.as_deref(), clock::now())
        .await?;
    app.trace.did(Action::PasswordChange, Some(user.id));
    Ok(Reply::empty())
}

/// What a `PATCH` changes. A username of `Some(None)` is taken away.
struct ProfileChanges {
    name: Option<Name>,
    username: Option<Option<Username>>,
}

impl ProfileChanges {
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
        Ok(Self {
            name,
            username: (username.is_some() || takes_username_away).then_some(username),
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
