//! How a passkey is used: to sign in, as a second factor, or to show anew who one is.

use edge_auth_core::account::UserId;
use edge_auth_core::mail;
use edge_auth_core::passkey::{self, Assertion, Challenge, Purpose, Verified};
use edge_auth_core::proof::Method;
use edge_auth_core::sign_in::TicketDigest;
use serde_json::Value;

use super::own::challenge;
use super::relying_party;
use crate::api::asking;
use crate::app::App;
use crate::http::Refused;
use crate::platform::http::Incoming;
use crate::platform::{clock, rsa};
use crate::store::audit::Action;
use crate::store::passkeys::{Owned, Passkeys, Used};

/// Options by which whoever has a passkey signs in: no name is asked for, nothing is looked up, and
/// nothing is written.
pub(crate) fn sign_in_options(app: &App) -> Result<Value, Refused> {
    let rp = relying_party(app)?;
    let challenge = challenge(app, Purpose::SignIn)?;
    Ok(passkey::request_options(rp, &challenge, &[]))
}

/// Options for the passkeys of `user`, but the one that was the first factor, as the second factor of the
/// sign-in of that ticket.
pub(crate) async fn second_factor_options(
    app: &App,
    user: UserId,
    ticket: &TicketDigest,
    first_credential: Option<&str>,
) -> Result<Value, Refused> {
    let rp = relying_party(app)?;
    let mut passkeys = Passkeys(&app.database).descriptors(user).await?;
    passkeys.retain(|passkey| Some(passkey.credential_id.as_str()) != first_credential);
    if passkeys.is_empty() {
        // A browser would offer any, the first factor once more among them.
        return Err(Refused::Conflict("No other passkey"));
    }
    let ticket = ticket.as_str();
    let challenge = challenge(app, Purpose::SecondFactor { ticket })?;
    Ok(passkey::request_options(rp, &challenge, &passkeys))
}

/// A passkey that was shown as it should. It counts once [`spend`] has said so.
pub(crate) struct Shown {
    /// Whose it is, and what was stored of it.
    pub(crate) owned: Owned,
    /// What its authenticator said.
    pub(crate) verified: Verified,
    /// What it answered.
    pub(crate) challenge: Challenge,
}

impl Shown {
    /// As which factor it counts.
    pub(crate) fn method(&self) -> Method {
        Method::Passkey {
            is_synced: self.verified.backed_up,
            user_verified: self.verified.user_verified,
        }
    }
}

/// Checks an `AuthenticationResponseJSON`. `None` where no account has the passkey. Whose account is
/// disabled is refused as whoever shows what is wrong.
pub(crate) async fn shown(
    app: &App,
    credential: &Value,
    purpose: Purpose<'_>,
) -> Result<Option<Shown>, Refused> {
    let rp = relying_party(app)?;
    let assertion = Assertion::parse(credential)?;
    let keys = &app.config.passkey_keys;
    let challenge = keys.read(assertion.challenge(), purpose, clock::now())?;
    let passkeys = Passkeys(&app.database);
    let Some(owned) = passkeys.owned(assertion.credential_id()).await? else {
        return Ok(None);
    };
    let verification = assertion.check(&owned.passkey, rp, &challenge)?;
    let verified = rsa::verified(verification).await??;
    if owned.owner.account.disabled {
        return Err(Refused::Passkey);
    }
    Ok(Some(Shown {
        owned,
        verified,
        challenge,
    }))
}

/// Takes note of a passkey that was shown, and has its owner told of a counter that did not grow; false
/// where its challenge was answered before, or the account has changed meanwhile.
pub(crate) async fn spend(app: &App, request: &Incoming, shown: &Shown) -> Result<bool, Refused> {
    let account = &shown.owned.owner.account;
    let (notice_id, browser) = (asking::random_id()?, asking::browser(request)?.code());
    let used = Used {
        verified: &shown.verified,
        user_id: account.user.id,
        epoch: account.epoch,
        challenge: &shown.challenge,
        notice: app.notice(mail::Kind::PasskeyCounter, &notice_id, &browser),
        now: clock::now(),
    };
    let Some(mail) = Passkeys(&app.database).used(&used).await? else {
        return Ok(false);
    };
    if shown.verified.counter_went_back {
        app.trace.did(Action::PasskeyCounter, Some(account.user.id));
    }
    asking::send(app, mail);
    Ok(true)
}
