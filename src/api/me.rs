//! The caller's own account: look, change, delete, change the password.

use serde_json::{Value, json};

use super::accounts::{body_refusal, user_json};
use super::fields::{self, FieldsRefused};
use super::protected::{self, Caller};
use super::reply::{Dialect, Reply};
use super::sign_in::{self, Refusal};
use super::{App, Unexpected, body, throttle};
use crate::auth::account::{BrokenRule, Email, Name, Username};
use crate::auth::attempt::{AttemptedName, account_key};
use crate::auth::password::NewPassword;
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
    let removes_username = members.get("username") == Some(&Value::Null);
    let changes = || {
        let name = fields::optional(&mut members, "name")?;
        let name = name.map(|name| Name::parse(&name, unicode::nfc));
        let username = fields::optional(&mut members, "username")?;
        let username = username.map(|name| Username::parse(&name, unicode::nfc));
        if removes_username && user.email.is_none() {
            let rule = "must not be removed from an account without an email address";
            return Err(FieldsRefused::Rule(BrokenRule {
                field: "username",
                rule,
            }));
        }
        Ok((name.transpose()?, username.transpose()?))
    };
    let (name, username) = match { changes }() {
        Ok(changes) => changes,
        Err(refused) => return Ok(refused.reply()),
    };
    if name.is_none() && username.is_none() && !removes_username {
        return Ok(Reply::json(200, &json!({ "user": user_json(&user) })));
    }
    let new_username = (username.is_some() || removes_username).then_some(username.as_ref());
    let updated = Users(&app.database)
        .update_profile(user.id, name.as_ref(), new_username)
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
    let passwords = || {
        let [current, new] = fields::required(&mut members, "current_password, new_password")?;
        let (current, new) = (fields::string(current)?, fields::string(new)?);
        // What the database holds passed these rules, or those of an import.
        let email = user
            .email
            .as_deref()
            .and_then(|text| Email::parse(text).ok());
        let username = user.username.as_deref();
        let username = username.and_then(|text| Username::parse(text, unicode::nfc).ok());
        let name = Name::parse(&user.name, unicode::nfc).ok();
        let new = NewPassword::parse(
            &new,
            unicode::nfkc,
            email.as_ref(),
            username.as_ref(),
            name.as_ref(),
        );
        let named = |broken| BrokenRule {
            field: "new_password",
            ..broken
        };
        Ok::<_, FieldsRefused>((current, new.map_err(named)?))
    };
    let (current, new) = match { passwords }() {
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
    let name = AttemptedName::username(name, unicode::nfc);
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
