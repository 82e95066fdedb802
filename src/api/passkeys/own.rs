//! What the caller does with their own passkeys, however it is known who calls.

use edge_auth_core::account::Name;
use edge_auth_core::mail;
use edge_auth_core::passkey::{self, CreationUser, PasskeyId, Purpose, Registration};
use serde_json::Value;

use super::relying_party;
use crate::api::{asking, factors};
use crate::app::{App, Unexpected};
use crate::http::Refused;
use crate::http::caller::{self, Caller};
use crate::http::refused::{LAST_PASSKEY, PASSKEY_TAKEN, TOO_MANY_PASSKEYS};
use crate::platform::http::Incoming;
use crate::platform::{clock, random, unicode};
use crate::store::audit::Action;
use crate::store::passkeys::{
    InsertError, MOST_PASSKEYS, Passkey, PasskeyChange, Passkeys, Registered,
};

/// What a passkey is called that was given no name.
const NAMELESS: &str = "Passkey";

/// A passkey to be added.
pub(crate) struct New<'a> {
    /// What its owner calls it.
    pub(crate) name: Option<Name>,
    /// Whether it makes every other way to sign in ask for a second factor.
    pub(crate) second_factor: bool,
    /// The browser's answer: a `RegistrationResponseJSON`.
    pub(crate) credential: &'a Value,
}

/// What is changed of a passkey.
pub(crate) struct Changes {
    /// What its owner calls it.
    pub(crate) name: Option<Name>,
    /// Whether it makes every other way to sign in ask for a second factor.
    pub(crate) second_factor: Option<bool>,
}

/// The options by which a browser makes a passkey of the caller's, who showed who they are a short while
/// ago. Nothing is written.
pub(crate) async fn creation_options(app: &App, caller: &Caller) -> Result<Value, Refused> {
    let rp = relying_party(app)?;
    caller::recent(caller)?;
    factors::on(app, caller).await?;
    let user = &caller.account.user;
    let (handle, have) = Passkeys(&app.database).handle(user.id).await?;
    if u32::try_from(have.len()).is_ok_and(|count| count >= MOST_PASSKEYS) {
        return Err(Refused::Conflict(TOO_MANY_PASSKEYS));
    }
    let name = user.email.as_deref().or(user.username.as_deref());
    let creation_user = CreationUser {
        handle: &handle,
        name: name.unwrap_or_default(),
        display_name: &user.name,
    };
    let challenge = challenge(app, Purpose::Registration(user.id))?;
    let options = passkey::creation_options(rp, &creation_user, &challenge, &have);
    Ok(options)
}

/// A new challenge.
pub(super) fn challenge(app: &App, purpose: Purpose<'_>) -> Result<String, Unexpected> {
    let keys = &app.config.passkey_keys;
    let challenge = keys.challenge(purpose, clock::now(), &random::bytes()?);
    challenge.ok_or_else(|| Unexpected::new("no key for challenges"))
}

/// The caller's passkeys, the oldest first.
pub(crate) async fn list(app: &App, caller: &Caller) -> Result<Vec<Passkey>, Refused> {
    let passkeys = Passkeys(&app.database);
    Ok(passkeys.list(caller.account.user.id).await?)
}

/// Adds a passkey of the caller's; `None` where its challenge was answered before, or the caller may not
/// any more. That the caller showed who they are a short while ago says the challenge, which no other
/// caller is given.
pub(crate) async fn add(
    app: &App,
    request: &Incoming,
    caller: &Caller,
    new: New<'_>,
) -> Result<Option<Passkey>, Refused> {
    let rp = relying_party(app)?;
    let user = caller.account.user.id;
    let now = clock::now();
    let registration = Registration::parse(new.credential)?;
    let purpose = Purpose::Registration(user);
    let keys = &app.config.passkey_keys;
    let challenge = keys.read(registration.challenge(), purpose, now)?;
    let made = registration.check(rp, &challenge)?;
    let name = match new.name {
        Some(name) => name,
        None => Name::parse(NAMELESS, unicode::HOST)?,
    };
    let (notice_id, browser) = (asking::random_id()?, asking::browser(request)?.code());
    let registered = Registered {
        id: &PasskeyId::new(random::bytes()?),
        passkey: &made,
        name: &name,
        second_factor: new.second_factor,
        challenge: &challenge,
        notice: app.notice(mail::Kind::PasskeyAdded, &notice_id, &browser),
        now,
    };
    let authority = caller.authority(None);
    let passkeys = Passkeys(&app.database);
    match passkeys.insert(&registered, &authority).await {
        Ok(Some((passkey, mail))) => {
            app.trace.did(Action::PasskeyAdded, Some(user));
            asking::send(app, mail);
            Ok(Some(passkey))
        }
        Ok(None) => Ok(None),
        Err(InsertError::TooMany) => Err(Refused::Conflict(TOO_MANY_PASSKEYS)),
        Err(InsertError::AlreadyRegistered) => Err(Refused::Conflict(PASSKEY_TAKEN)),
        Err(InsertError::Store(error)) => Err(error.into()),
    }
}

/// Changes a passkey of the caller's; `None` where there is none of that id, or the caller may not any
/// more. Whether it is a second factor is changed by who showed who they are a short while ago.
pub(crate) async fn change(
    app: &App,
    request: &Incoming,
    caller: &Caller,
    id: &str,
    changes: Changes,
) -> Result<Option<Passkey>, Refused> {
    let user = caller.account.user.id;
    let passkeys = Passkeys(&app.database);
    let Some(before) = passkeys.look(user, id).await? else {
        return Ok(None);
    };
    // What is so already is no change, and asks nothing.
    let name = changes.name.filter(|name| name.as_str() != before.name);
    let second_factor = changes.second_factor;
    let second_factor = second_factor.filter(|new| *new != before.second_factor);
    if second_factor.is_some() {
        caller::recent(caller)?;
        factors::on(app, caller).await?;
    } else if name.is_none() {
        return Ok(Some(before));
    }
    let (notice_id, browser) = (asking::random_id()?, asking::browser(request)?.code());
    let notice = second_factor.and_then(|is_on| {
        let kind = if is_on {
            mail::Kind::SecondFactorOn
        } else {
            mail::Kind::SecondFactorOff
        };
        app.notice(kind, &notice_id, &browser)
    });
    let change = PasskeyChange {
        name: name.as_ref(),
        second_factor,
        mail_is_set_up: app.config.mail.is_some(),
        notice,
    };
    let authority = caller.authority(None);
    let Some((passkey, mail)) = passkeys.change(id, &change, &authority).await? else {
        return Ok(None);
    };
    if second_factor.is_some() {
        app.trace.did(Action::PasskeyChanged, Some(user));
    }
    asking::send(app, mail);
    Ok(Some(passkey))
}

/// Removes a passkey of the caller's, who showed who they are a short while ago; false where it is not
/// removed, for the reason that [`why_not`] finds, or since the caller may not any more.
pub(crate) async fn remove(
    app: &App,
    request: &Incoming,
    caller: &Caller,
    id: &str,
) -> Result<bool, Refused> {
    caller::recent(caller)?;
    factors::on(app, caller).await?;
    let (notice_id, browser) = (asking::random_id()?, asking::browser(request)?.code());
    let notice = app.notice(mail::Kind::PasskeyRemoved, &notice_id, &browser);
    let (passkeys, authority) = (Passkeys(&app.database), caller.authority(None));
    let is_by_mail = app.config.mail.is_some();
    let Some(mail) = passkeys.delete(id, is_by_mail, notice, &authority).await? else {
        return Ok(false);
    };
    let user = caller.account.user.id;
    app.trace.did(Action::PasskeyRemoved, Some(user));
    asking::send(app, mail);
    Ok(true)
}

/// Why a passkey of the caller's, who may, was not removed or changed.
pub(crate) async fn why_not(app: &App, caller: &Caller, id: &str) -> Result<Refused, Refused> {
    let passkeys = Passkeys(&app.database);
    let there = passkeys.look(caller.account.user.id, id).await?;
    Ok(match there {
        Some(_) => Refused::Conflict(LAST_PASSKEY),
        None => Refused::NotFound,
    })
}
