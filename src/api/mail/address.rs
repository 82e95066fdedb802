//! The address of an account: proving it, changing it, taking a change back.

use edge_auth_core::account::{BrokenRule, Email};
use edge_auth_core::challenge::{ChallengeId, Kind};
use edge_auth_core::mail;
use serde_json::json;

use super::shown::{Looked, Shown};
use crate::api::asking::{self, Asking};
use crate::api::sign_in::{password, throttle};
use crate::app::{App, Unexpected};
use crate::http::caller::{self, Caller};
use crate::http::refused::TooMany;
use crate::http::{Refused, Reply, body, fields};
use crate::platform::http::Incoming;
use crate::platform::random;
use crate::store::audit::Action;
use crate::store::challenges::{AskedBy, Challenges, Former};

/// `POST /api/auth/email/verification`.
pub(super) async fn verification(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    throttle::admit(&app.registration_limit, request).await?;
    let caller = caller::authenticate(app, request).await?;
    let account = &caller.account;
    let Some(email) = &account.user.email else {
        return Err(Refused::Conflict("No email address"));
    };
    let kinds = (Kind::Verification, mail::Kind::VerificationCode);
    let asking = Asking::new(app, request, kinds, email)?;
    // Beyond the limits nothing is sent, and nobody is told.
    if account.email_verified_at.is_none()
        && !asking
            .ask(app, AskedBy::Owner(&caller.authority(None)))
            .await?
    {
        caller::ask_again(app, request, &caller).await?;
    }
    Ok(accepted(&asking.id))
}

/// `POST /api/auth/email`.
pub(super) async fn change(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let caller = caller::authenticate_recent(app, request).await?;
    let mut members = body::object(request).await?;
    let [email] = fields::required(&mut members, "email")?;
    let id = change_by(app, request, &caller, &fields::string(email)?).await?;
    Ok(accepted(&id))
}

/// Sends a code to the address that the caller is to have, who has signed in recently; the challenge that it answers.
pub(crate) async fn change_by(
    app: &App,
    request: &Incoming,
    caller: &Caller,
    email: &str,
) -> Result<ChallengeId, Refused> {
    let email = Email::parse(email)?;
    if caller.account.user.email.as_deref() == Some(email.as_str()) {
        return Err(BrokenRule::new("email", "must be another than the account's").into());
    }
    let kinds = (Kind::EmailChange, mail::Kind::EmailChange);
    let asking = Asking::new(app, request, kinds, email.as_str())?;
    let authority = caller.authority(None);
    if !asking.ask(app, AskedBy::Owner(&authority)).await? {
        caller::ask_again(app, request, caller).await?;
        return Err(TooMany::MAILS.into());
    }
    Ok(asking.id)
}

/// `POST /api/auth/email/verify`.
pub(super) async fn verify(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let (shown, caller, password) = sent(app, request).await?;
    verify_by(app, request, shown, caller.as_ref(), password.as_deref()).await?;
    Ok(Reply::empty())
}

/// Proves the address of an account that goes on as it is: whoever only has the link of a registration
/// need not be who registered, and shows the password.
pub(crate) async fn verify_by(
    app: &App,
    request: &Incoming,
    shown: Shown,
    caller: Option<&Caller>,
    password: Option<&str>,
) -> Result<(), Refused> {
    let typed_by = caller.map(|caller| caller.account.user.id);
    let looked = shown.look(app, Kind::Verification, typed_by).await?;
    authorized(app, request, &looked, caller, password).await?;
    let nonce = asking::random_id()?;
    let spent = Challenges(&app.database)
        .verify(&looked.spend(&nonce))
        .await;
    let account = looked.spent(app, spent).await?;
    app.trace.by(account.user.id);
    app.trace.did(Action::EmailVerified, Some(account.user.id));
    Ok(())
}

/// `POST /api/auth/email/confirm`.
pub(super) async fn confirm(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let (shown, caller, password) = sent(app, request).await?;
    confirm_by(app, request, shown, caller.as_ref(), password.as_deref()).await?;
    Ok(Reply::empty())
}

/// Gives an account its new address.
pub(crate) async fn confirm_by(
    app: &App,
    request: &Incoming,
    shown: Shown,
    caller: Option<&Caller>,
    password: Option<&str>,
) -> Result<(), Refused> {
    // A code of a new address is counted whoever types it: it is not the account's address yet.
    let looked = shown.look(app, Kind::EmailChange, None).await?;
    authorized(app, request, &looked, caller, password).await?;
    let account = &looked.open.account;
    let former = account.user.email.as_deref().unwrap_or_default();
    let former = Former {
        id: &ChallengeId::new(random::bytes().map_err(Unexpected::from)?),
        recipient_hash: &asking::recipient_hash(app, former)?,
        browser: &asking::browser(request)?.code(),
        is_told: app.sends_notices(),
    };
    let nonce = asking::random_id()?;
    let spent = Challenges(&app.database)
        .change_email(&looked.spend(&nonce), &former)
        .await;
    let (account, mail) = looked.spent(app, spent).await?;
    app.trace.by(account.user.id);
    app.trace.did(Action::EmailChange, Some(account.user.id));
    asking::send(app, mail);
    Ok(())
}

/// `POST /api/auth/email/revert`.
pub(super) async fn revert(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    throttle::admit(&app.sign_in_limit, request).await?;
    let mut members = body::object(request).await?;
    let [token] = fields::required(&mut members, "token")?;
    revert_by(app, Shown::link(&fields::string(token)?)?).await?;
    Ok(Reply::empty())
}

/// Gives an account its former address back.
pub(crate) async fn revert_by(app: &App, shown: Shown) -> Result<(), Refused> {
    let looked = shown.look(app, Kind::EmailRevert, None).await?;
    let nonce = asking::random_id()?;
    let spent = Challenges(&app.database)
        .revert_email(&looked.spend(&nonce))
        .await;
    let account = looked.spent(app, spent).await?;
    app.trace.did(Action::EmailRevert, Some(account.user.id));
    Ok(())
}

/// What a request shows, and by whom: the account's access token or its password.
///
/// Codes are guessed at, as passwords are. A link is not, and where it comes with a password that is what
/// counts.
async fn sent(
    app: &App,
    request: &Incoming,
) -> Result<(Shown, Option<Caller>, Option<String>), Refused> {
    let caller = caller::optional(app, request).await?;
    let mut members = body::object(request).await?;
    let password = fields::optional(&mut members, "password")?;
    let shown = Shown::take(&mut members)?;
    if matches!(shown, Shown::Code(..)) {
        throttle::admit(&app.sign_in_limit, request).await?;
    }
    Ok((shown, caller, password))
}

/// Whether whoever shows it may use it: a code was typed where it was asked for, a link needs the
/// account's access token or its password.
async fn authorized(
    app: &App,
    request: &Incoming,
    looked: &Looked,
    caller: Option<&Caller>,
    password: Option<&str>,
) -> Result<(), Refused> {
    let account = &looked.open.account;
    let is_owner = caller.is_some_and(|caller| caller.account.user.id == account.user.id);
    if looked.by_code() || is_owner {
        return Ok(());
    }
    let Some(password) = password.filter(|password| !password.is_empty()) else {
        return Err(Refused::PasswordRequired);
    };
    let address = throttle::admit(&app.sign_in_limit, request).await?;
    match password::confirm(app, request, &address, account, password).await {
        Ok(Some(_)) => Ok(()),
        // It was changed a moment ago, which has voided the link.
        Ok(None) => Err(looked.dead()),
        Err(Refused::Credentials) => Err(Refused::WrongPassword),
        Err(refused) => Err(refused),
    }
}

fn accepted(id: &ChallengeId) -> Reply {
    Reply::json(202, &json!({ "id": id.as_str() }))
}
