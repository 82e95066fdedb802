//! Accounts that administrators make for others.

use edge_auth_core::account::{BrokenRule, Email, Name, Role, UserId};
use edge_auth_core::challenge::Kind;
use edge_auth_core::mail;
use serde_json::json;

use super::{administrator, ask_again};
use crate::api::asking::{self, Asking};
use crate::api::sign_in::tokens::user_json;
use crate::app::App;
use crate::http::refused::{EMAIL_TAKEN, TooMany};
use crate::http::{Refused, Reply, body, fields};
use crate::platform::http::Incoming;
use crate::platform::unicode;
use crate::store::audit::Action;
use crate::store::challenges::AskedBy;
use crate::store::users::{InvitedAccount, Users};

const INVITATION: (Kind, mail::Kind) = (Kind::Invitation, mail::Kind::Invitation);

/// `POST /api/admin/users`.
pub(super) async fn invite(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let caller = administrator(app, request).await?;
    let mut members = body::object(request).await?;
    let [email, name] = fields::required(&mut members, "email, name")?;
    let email = Email::parse(&fields::string(email)?)?;
    let name = Name::parse(&fields::string(name)?, unicode::HOST)?;
    let role = match fields::optional(&mut members, "role")? {
        None => Role::DEFAULT,
        Some(name) => {
            let role = app.config.roles.find(&name);
            let unknown = || BrokenRule::new("role", "is not known");
            role.ok_or_else(unknown)?.clone()
        }
    };
    let asking = Asking::new(app, request, INVITATION, email.as_str())?;
    let new = InvitedAccount {
        email: &email,
        name: &name,
        role: &role,
        invitation: asking.challenge(),
    };
    let authority = caller.authority(Some(Role::ADMIN));
    let Some((account, mail)) = Users(&app.database).invite(&new, &authority).await? else {
        ask_again(app, request, &caller).await?;
        return Err(Refused::Conflict(EMAIL_TAKEN));
    };
    app.trace.did(Action::Invitation, Some(account.user.id));
    asking::send(app, mail);
    let body = json!({ "user": user_json(&account.user) });
    Ok(Reply::json(201, &body))
}

/// `POST /api/admin/users/<id>/invitation`.
pub(super) async fn invite_again(
    app: &App,
    request: &Incoming,
    id: &str,
) -> Result<Reply, Refused> {
    let caller = administrator(app, request).await?;
    let id = UserId::from_digits(id).ok_or(Refused::UserNotFound)?;
    let account = Users(&app.database).account(id).await?;
    let account = account.ok_or(Refused::UserNotFound)?;
    if account.email_verified_at.is_some() {
        return Err(Refused::Conflict("Email already verified"));
    }
    let Some(email) = &account.user.email else {
        return Err(Refused::Conflict("No email address"));
    };
    let asking = Asking::new(app, request, INVITATION, email)?;
    let authority = caller.authority(Some(Role::ADMIN));
    let by = AskedBy::Administrator(id, &authority);
    if !asking.ask(app, by).await? {
        ask_again(app, request, &caller).await?;
        return Err(TooMany::MAILS.into());
    }
    app.trace.did(Action::Invitation, Some(id));
    Ok(Reply::json(202, &json!({})))
}
