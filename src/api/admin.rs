//! Administration: accounts, import, audit trail. For the role `admin`, as the database has it.

use serde_json::{Map, Value, json};

use super::accounts::{body_refusal, user_json};
use super::body::{self, BodyProblem};
use super::fields::{self, FieldsRefused};
use super::protected::{self, Caller};
use super::reply::{Dialect, Reply};
use super::{App, Unexpected};
use crate::platform::http::Incoming;
use crate::platform::{clock, unicode};
use crate::store::audit::{Action, Audit, Event, Origin};
use crate::store::users::{Account, AdminChange, NotImported, Users};
use edge_auth_core::account::import::{self, ImportedAccount};
use edge_auth_core::account::{ADMIN_ROLE, BrokenRule, Name, SignInName, UserId};
use edge_auth_core::json;
use edge_auth_core::throttle::{AttemptedName, ClientAddress, NameHash};

/// The media type of an import.
const NDJSON: &str = "application/x-ndjson";

/// The most bytes of an import (contract, "Both").
const MAX_IMPORT_BYTES: usize = 8 * 1024 * 1024;

/// The most lines of an import.
const MAX_IMPORT_LINES: usize = 10_000;

/// Lines that go to the database at once. Each has at most 1.5 KB there, and a value 2 MB.
const IMPORT_CHUNK: usize = 500;

/// The administrator who sent a request, or the answer to somebody else.
async fn administrator(app: &App, request: &Incoming) -> Result<Result<Caller, Reply>, Unexpected> {
    Ok(match protected::authenticate(app, request).await? {
        Ok(caller) if caller.account.user.role == ADMIN_ROLE => Ok(caller),
        Ok(_) => Err(Dialect::Accounts.error(403, "Forbidden")),
        Err(refused) => Err(protected::refusal_on_api(&refused)),
    })
}

/// `GET /api/admin/users`.
pub(super) async fn users(app: &App, request: &Incoming) -> Result<Reply, Unexpected> {
    if let Err(refused) = administrator(app, request).await? {
        return Ok(refused);
    }
    let page = match Page::parse(request) {
        Ok(page) => page,
        Err(refused) => return Ok(refused),
    };
    let users = Users(&app.database);
    let accounts = users.page(page.after.unwrap_or(0), page.limit + 1).await?;
    let id = |account: &Account| account.user.id.get();
    Ok(page.reply("users", &accounts, id, account_json))
}

/// `GET /api/admin/audit`, the latest first.
pub(super) async fn audit(app: &App, request: &Incoming) -> Result<Reply, Unexpected> {
    if let Err(refused) = administrator(app, request).await? {
        return Ok(refused);
    }
    let page = match Page::parse(request) {
        Ok(page) => page,
        Err(refused) => return Ok(refused),
    };
    let audit = Audit(&app.database);
    let entries = audit.page(page.after, page.limit + 1).await?;
    let reply = page.reply(
        "events",
        &entries,
        |entry| entry.id,
        |entry| {
            json!({
                "action": entry.action,
                "actor_id": entry.actor_id,
                "address": entry.address,
                "at": entry.at,
                "count": entry.count,
                "detail": entry.detail,
                "id": entry.id,
                "user_agent": entry.user_agent,
                "user_id": entry.user_id,
            })
        },
    );
    Ok(reply)
}

/// `PATCH /api/admin/users/<id>`.
pub(super) async fn change_user(
    app: &App,
    request: &Incoming,
    id: &str,
) -> Result<Reply, Unexpected> {
    let caller = match administrator(app, request).await? {
        Ok(caller) => caller,
        Err(refused) => return Ok(refused),
    };
    let mut members = match body::object(request).await {
        Ok(members) => members,
        Err(problem) => return body_refusal(problem),
    };
    let changes = match Changes::parse(&mut members, &app.config.roles) {
        Ok(changes) => changes,
        Err(refused) => return Ok(refused.reply()),
    };
    let Some(id) = UserId::from_digits(id) else {
        return Ok(user_not_found());
    };
    let users = Users(&app.database);
    let account = if changes.is_empty() {
        users.account(id).await?
    } else {
        let change = AdminChange {
            role: changes.role.as_deref(),
            disabled: changes.disabled,
            name: changes.name.as_ref(),
            roles: &app.config.roles,
        };
        let authority = caller.authority(Some(ADMIN_ROLE));
        let changed = users.change(id, &change, &authority, clock::now()).await?;
        if changed.is_none() {
            if let Err(refused) = administrator(app, request).await? {
                return Ok(refused);
            }
            if users.account(id).await?.is_some() {
                let text = "The last admin cannot be demoted or disabled";
                return Ok(Dialect::Accounts.error(409, text));
            }
        }
        changed
    };
    let Some(account) = account else {
        return Ok(user_not_found());
    };
    let event = |action, detail| Event {
        action,
        user_id: Some(id),
        actor_id: Some(caller.account.user.id),
        detail,
    };
    if let Some(role) = changes.role {
        app.trace.record(event(Action::RoleChange, Some(role)));
    }
    match changes.disabled {
        Some(true) => app.trace.record(event(Action::Disable, None)),
        Some(false) => app.trace.record(event(Action::Enable, None)),
        None => {}
    }
    if changes.name.is_some() {
        app.trace.record(event(Action::NameChange, None));
    }
    Ok(Reply::json(200, &json!({ "user": account_json(&account) })))
}

/// `DELETE /api/admin/users/<id>/sessions`.
pub(super) async fn end_sessions(
    app: &App,
    request: &Incoming,
    id: &str,
) -> Result<Reply, Unexpected> {
    let caller = match administrator(app, request).await? {
        Ok(caller) => caller,
        Err(refused) => return Ok(refused),
    };
    let Some(id) = UserId::from_digits(id) else {
        return Ok(user_not_found());
    };
    let users = Users(&app.database);
    let authority = caller.authority(Some(ADMIN_ROLE));
    if !users.end_sessions(id, &authority, clock::now()).await? {
        return user_not_found_by(app, request).await;
    }
    app.trace.did(Action::SessionsEnd, Some(id));
    Ok(Reply::empty())
}

/// `POST /api/admin/users/<id>/unlock`.
pub(super) async fn unlock(app: &App, request: &Incoming, id: &str) -> Result<Reply, Unexpected> {
    let caller = match administrator(app, request).await? {
        Ok(caller) => caller,
        Err(refused) => return Ok(refused),
    };
    let users = Users(&app.database);
    let id = UserId::from_digits(id);
    let account = match id {
        Some(id) => users.account(id).await?,
        None => None,
    };
    let Some(Account { user, .. }) = account else {
        return Ok(user_not_found());
    };
    let names = [user.email.as_deref(), user.username.as_deref()];
    let hash = |name| {
        let name = AttemptedName::username(name, unicode::HOST);
        app.config.attempts.name(&name)
    };
    let names: Vec<_> = names.into_iter().flatten().map(hash).collect();
    let authority = caller.authority(Some(ADMIN_ROLE));
    if !users.unlock(user.id, &names, &authority).await? {
        return user_not_found_by(app, request).await;
    }
    app.trace.did(Action::Unlock, Some(user.id));
    Ok(Reply::empty())
}

fn user_not_found() -> Reply {
    Dialect::Accounts.error(404, "User not found")
}

/// The answer where a change found no account, unless it was the caller who was found wanting.
async fn user_not_found_by(app: &App, request: &Incoming) -> Result<Reply, Unexpected> {
    let caller = administrator(app, request).await?;
    Ok(caller.err().unwrap_or_else(user_not_found))
}

/// `POST /api/admin/users/import`. The whole body comes first: one that is too long or cut off
/// changes nothing.
pub(super) async fn import(app: &App, request: &Incoming) -> Result<Reply, Unexpected> {
    let caller = match administrator(app, request).await? {
        Ok(caller) => caller,
        Err(refused) => return Ok(refused),
    };
    let media_type = request.header("Content-Type")?.unwrap_or_default();
    if !body::essence(&media_type).eq_ignore_ascii_case(NDJSON) {
        let text = "Content-Type must be application/x-ndjson";
        return Ok(Dialect::Accounts.error(415, text));
    }
    let body = match body::bytes(request, MAX_IMPORT_BYTES).await {
        Ok(body) => body,
        Err(problem) => return body_refusal(problem),
    };
    if import::lines(&body).count() > MAX_IMPORT_LINES {
        return body_refusal(BodyProblem::TooLarge);
    }
    let mut skipped = Vec::new();
    let mut accounts = Vec::new();
    let budget = app.config.sign_in_budget_ms();
    for (number, line) in import::lines(&body) {
        match ImportedAccount::parse(line, &app.config.roles, budget, unicode::HOST) {
            Ok(account) => accounts.push((number, account)),
            Err(refused) => skipped.push((number, refused.to_string())),
        }
    }
    let users = Users(&app.database);
    let authority = caller.authority(Some(ADMIN_ROLE));
    let header = request.header("CF-Connecting-IP")?;
    let address = ClientAddress::parse(header.as_deref());
    let user_agent = request.header("User-Agent")?;
    let mut imported = accounts.len();
    for chunk in accounts.chunks(IMPORT_CHUNK) {
        let parsed: Vec<_> = chunk.iter().map(|(_, account)| account).collect();
        let names: Vec<_> = parsed
            .iter()
            .flat_map(|account| names(app, account))
            .collect();
        let origin = Origin {
            address: address.as_str(),
            user_agent: user_agent.as_deref(),
            now: clock::now_ms(),
        };
        let Some(refused) = users.import(&parsed, &names, &authority, origin).await? else {
            // What was imported before has its events.
            return match administrator(app, request).await? {
                Ok(_) => protected::revoked_meanwhile(app, request).await,
                Err(refused) => Ok(refused),
            };
        };
        for (index, why) in refused {
            if let Some((number, _)) = chunk.get(index) {
                let text = match why {
                    NotImported::AlreadyImported => "Already imported",
                    NotImported::EmailTaken => "Email already registered",
                    NotImported::UsernameTaken => "Username already taken",
                };
                skipped.push((*number, text.to_owned()));
                imported -= 1;
            }
        }
    }
    skipped.sort_unstable();
    let skipped: Vec<_> = skipped
        .into_iter()
        .map(|(line, error)| json!({ "error": error, "line": line }))
        .collect();
    let answer = json!({ "imported": imported, "skipped": skipped });
    Ok(Reply::json(200, &answer))
}

/// The names by which failed sign-ins of an account were counted before it was there.
fn names(app: &App, account: &ImportedAccount) -> impl Iterator<Item = NameHash> {
    let email = account.email.clone().map(SignInName::Email);
    let username = account.username.clone().map(SignInName::Username);
    let names = [email, username].into_iter().flatten();
    names.map(|name| app.config.attempts.name(&AttemptedName::from(name)))
}

/// `user` as administrators see it.
fn account_json(account: &Account) -> Value {
    let mut user = user_json(&account.user);
    if let Value::Object(members) = &mut user {
        members.insert("disabled".to_owned(), account.disabled.into());
    }
    user
}

/// What a list is asked for: a number of rows after the one of an id.
struct Page {
    limit: u32,
    after: Option<u64>,
}

impl Page {
    /// The most rows of a page, and how many there are unless the client says.
    const MAX: u64 = 200;
    const DEFAULT: u64 = 50;

    fn parse(request: &Incoming) -> Result<Self, Reply> {
        let refused = |text| Err(Dialect::Accounts.error(400, text));
        let number = |name| match request.query_parameter(name) {
            None => Ok(None),
            Some(text) => match UserId::from_digits(&text) {
                Some(number) => Ok(Some(number.get().unsigned_abs())),
                None => Err(()),
            },
        };
        let limit = match number("limit") {
            Ok(limit) => limit.unwrap_or(Self::DEFAULT),
            Err(()) => 0,
        };
        let limit = u32::try_from(limit).unwrap_or_default();
        if !(1..=Self::MAX).contains(&limit.into()) {
            return refused("limit must be a number from 1 to 200");
        }
        match number("after") {
            Ok(after) => Ok(Self { limit, after }),
            Err(()) => refused("after must be the id that was given as next"),
        }
    }

    /// The answer of the rows, of which one more than the limit was asked for.
    fn reply<T>(
        &self,
        name: &str,
        rows: &[T],
        id: impl Fn(&T) -> i64,
        row_json: impl Fn(&T) -> Value,
    ) -> Reply {
        let limit = self.limit as usize;
        let shown = rows.get(..limit).unwrap_or(rows);
        let next = (rows.len() > limit).then(|| shown.last().map(id));
        let shown: Vec<_> = shown.iter().map(row_json).collect();
        Reply::json(200, &json!({ name: shown, "next": next.flatten() }))
    }
}

/// What an administrator changes.
struct Changes {
    role: Option<String>,
    disabled: Option<bool>,
    name: Option<Name>,
}

impl Changes {
    fn parse(members: &mut Map<String, Value>, roles: &[String]) -> Result<Self, FieldsRefused> {
        let broken = |field, rule| FieldsRefused::Rule(BrokenRule::new(field, rule));
        let role = fields::optional(members, "role")?;
        if role.as_ref().is_some_and(|role| !roles.contains(role)) {
            return Err(broken("role", "is not known"));
        }
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

    fn is_empty(&self) -> bool {
        self.role.is_none() && self.disabled.is_none() && self.name.is_none()
    }
}
