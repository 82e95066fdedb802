//! What administrators do with accounts.

use edge_auth_core::account::{BrokenRule, Name, Role, Roles, UserId};
use edge_auth_core::json;
use edge_auth_core::mail;
use edge_auth_core::throttle::AttemptedName;
use serde_json::{Value, json};

use super::page::Page;
use super::{administrator, ask_again};
use crate::api::asking;
use crate::api::sign_in::tokens::user_json;
use crate::app::App;
use crate::http::body::Members;
use crate::http::caller::Caller;
use crate::http::{Refused, Reply, body, fields};
use crate::platform::http::Incoming;
use crate::platform::{clock, unicode};
use crate::store::audit::{Action, Event};
use crate::store::users::{Account, AdminChange, Users};

/// `GET /api/admin/users`.
pub(super) async fn users(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    administrator(app, request).await?;
    let page = Page::parse(request)?;
    let users = Users(&app.database);
    let accounts = users.page(page.after.unwrap_or(0), page.limit + 1).await?;
    let id = |account: &Account| account.user.id.get();
    Ok(page.reply("users", &accounts, id, account_json))
}

/// `PATCH /api/admin/users/<id>`.
pub(super) async fn change_user(app: &App, request: &Incoming, id: &str) -> Result<Reply, Refused> {
    let caller = administrator(app, request).await?;
    let mut members = body::object(request).await?;
    let changes = Changes::parse(&mut members, &app.config.roles)?;
    let Some(id) = UserId::from_digits(id) else {
        return Err(Refused::UserNotFound);
    };
    let users = Users(&app.database);
    let account = users.account(id).await?.ok_or(Refused::UserNotFound)?;
    // What is so already is no change.
    let changes = changes.of(&account);
    if changes.is_empty() {
        return Ok(account_reply(&account));
    }
    let change = AdminChange {
        role: changes.role.as_ref(),
        disabled: changes.disabled,
        name: changes.name.as_ref(),
        roles: &app.config.roles,
    };
    let authority = caller.authority(Some(Role::ADMIN));
    let changed = users
        .change(id, &change, &authority, clock::now().seconds())
        .await?;
    let Some(account) = changed else {
        ask_again(app, request, &caller).await?;
        users.account(id).await?.ok_or(Refused::UserNotFound)?;
        let text = "The last admin cannot be demoted or disabled";
        return Err(Refused::Conflict(text));
    };
    let event = |action, detail| Event {
        action,
        user_id: Some(id),
        actor_id: Some(caller.account.user.id),
        detail,
    };
    if let Some(role) = changes.role {
        let role = Some(role.to_string());
        app.trace.record(event(Action::RoleChange, role));
    }
    match changes.disabled {
        Some(true) => app.trace.record(event(Action::Disable, None)),
        Some(false) => app.trace.record(event(Action::Enable, None)),
        None => {}
    }
    if changes.name.is_some() {
        app.trace.record(event(Action::NameChange, None));
    }
    Ok(account_reply(&account))
}

/// `DELETE /api/admin/users/<id>/sessions`.
pub(super) async fn end_sessions(
    app: &App,
    request: &Incoming,
    id: &str,
) -> Result<Reply, Refused> {
    let caller = administrator(app, request).await?;
    let Some(id) = UserId::from_digits(id) else {
        return Err(Refused::UserNotFound);
    };
    let users = Users(&app.database);
    let authority = caller.authority(Some(Role::ADMIN));
    if !users
        .end_sessions(id, &authority, clock::now().seconds())
        .await?
    {
        return Err(user_not_found(app, request, &caller).await);
    }
    app.trace.did(Action::SessionsEnd, Some(id));
    Ok(Reply::empty())
}

/// `DELETE /api/admin/users/<id>/second-factors`, for people who have lost all of them.
pub(super) async fn forget_second_factors(
    app: &App,
    request: &Incoming,
    id: &str,
) -> Result<Reply, Refused> {
    let caller = administrator(app, request).await?;
    let id = UserId::from_digits(id).ok_or(Refused::UserNotFound)?;
    let (notice_id, browser) = (asking::random_id()?, asking::browser(request)?.code());
    let notice = app.notice(mail::Kind::SecondFactorOff, &notice_id, &browser);
    let authority = caller.authority(Some(Role::ADMIN));
    let users = Users(&app.database);
    let now = clock::now().seconds();
    let by_mail = app.config.mail.is_some();
    let forgotten = users.forget_second_factors(id, by_mail, notice, &authority, now);
    let Some(mail) = forgotten.await? else {
        return Err(user_not_found(app, request, &caller).await);
    };
    asking::send(app, mail);
    app.trace.did(Action::SecondFactorsForgotten, Some(id));
    Ok(Reply::empty())
}

/// `POST /api/admin/users/<id>/unlock`.
pub(super) async fn unlock(app: &App, request: &Incoming, id: &str) -> Result<Reply, Refused> {
    let caller = administrator(app, request).await?;
    let users = Users(&app.database);
    let id = UserId::from_digits(id);
    let account = match id {
        Some(id) => users.account(id).await?,
        None => None,
    };
    let Some(Account { user, .. }) = account else {
        return Err(Refused::UserNotFound);
    };
    let names = [user.email.as_deref(), user.username.as_deref()];
    let hash = |name| {
        let name = AttemptedName::username(name, unicode::HOST);
        app.config.attempts.name(&name)
    };
    let names: Vec<_> = names.into_iter().flatten().map(hash).collect();
    let authority = caller.authority(Some(Role::ADMIN));
    if !users.unlock(user.id, &names, &authority).await? {
        return Err(user_not_found(app, request, &caller).await);
    }
    app.trace.did(Action::Unlock, Some(user.id));
    Ok(Reply::empty())
}

/// The refusal where a change found no account, unless it was the caller who was found wanting.
async fn user_not_found(app: &App, request: &Incoming, caller: &Caller) -> Refused {
    match ask_again(app, request, caller).await {
        Ok(_) => Refused::UserNotFound,
        Err(refused) => refused,
    }
}

fn account_reply(account: &Account) -> Reply {
    Reply::json(200, &json!({ "user": account_json(account) }))
}

/// `user` as administrators see it.
fn account_json(account: &Account) -> Value {
    let mut user = user_json(&account.user);
    if let Value::Object(members) = &mut user {
        members.insert("disabled".to_owned(), account.disabled.into());
    }
    user
}

/// What an administrator changes.
struct Changes {
    role: Option<Role>,
    disabled: Option<bool>,
    name: Option<Name>,
}

impl Changes {
    fn parse(members: &mut Members, roles: &Roles) -> Result<Self, Refused> {
        let broken = |field, rule| Refused::Rule(BrokenRule::new(field, rule));
        let role = match fields::optional(members, "role")? {
            None => None,
            Some(name) => match roles.find(&name) {
                Some(role) => Some(role.clone()),
                None => return Err(broken("role", "is not known")),
            },
        };
        let disabled = match json::take(members, "disabled") {
            None => None,
            Some(Value::Bool(disabled)) => Some(disabled),
            Some(_) => return Err(broken("disabled", "must be true or false")),
        };
        let name = fields::optional(members, "name")?;
        let name = name.map(|name| Name::parse(&name, unicode::HOST));
        let name = name.transpose()?;
        Ok(Self {
            role,
            disabled,
            name,
        })
    }

    /// Those that change something of `account`.
    fn of(self, account: &Account) -> Self {
        let Account { user, disabled, .. } = account;
        Self {
            role: self.role.filter(|role| *role != user.role),
            disabled: self.disabled.filter(|new| new != disabled),
            name: self.name.filter(|name| name.as_str() != user.name),
        }
    }

    fn is_empty(&self) -> bool {
        self.role.is_none() && self.disabled.is_none() && self.name.is_none()
    }
}
