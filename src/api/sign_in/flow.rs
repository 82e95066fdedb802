//! What comes after a first factor, whatever it was: the account's second factor, if it has one on, or
//! tokens.

use edge_auth_core::mail;
use edge_auth_core::proof::Method;
use edge_auth_core::sign_in::{Next, SignedIn, Ticket};

use crate::api::asking::{self, Asking};
use crate::app::App;
use crate::http::Refused;
use crate::http::refused::SecondFactorRequired;
use crate::platform::http::Incoming;
use crate::platform::{clock, random};
use crate::store::attempts::{Attempts, Success};
use crate::store::audit::Action;
use crate::store::challenges::AskedBy;
use crate::store::tickets::{NewTicket, Tickets};
use crate::store::users::{Account, SigningIn};

/// A first factor that was right.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    /// By what.
    pub(crate) method: Method,
    /// The passkey that it was, if it was one.
    pub(crate) credential_id: Option<&'a str>,
    /// Whether a refresh token is asked for.
    pub(crate) offline_access: bool,
}

impl Shown<'_> {
    /// Something other than a passkey.
    pub(crate) fn by(method: Method, offline_access: bool) -> Self {
        Self {
            method,
            credential_id: None,
            offline_access,
        }
    }
}

/// Who is signed in; a ticket where the account asks for one factor more. Nobody is whose address has to
/// be proven first: then a mail goes there.
pub(crate) async fn after(
    app: &App,
    request: &Incoming,
    signing_in: &SigningIn,
    shown: Shown<'_>,
) -> Result<SignedIn, Refused> {
    let account = &signing_in.account;
    if app.requires_verification()
        && account.email_verified_at.is_none()
        && let Some(email) = &account.user.email
    {
        let asking = Asking::new(app, request, asking::VERIFICATION, email)?;
        asking
            .ask(app, AskedBy::FirstFactor(account.user.id))
            .await?;
        return Err(Refused::EmailNotVerified);
    }
    let half = match signing_in.by(shown.method).next(clock::now().seconds()) {
        Next::SignedIn(signed_in) => return Ok(signed_in),
        Next::SecondFactor(half) => half,
    };
    let ticket = Ticket::new(random::bytes()?);
    let new = NewTicket {
        digest: &ticket.digest(),
        half: &half,
        credential_id: shown.credential_id,
        offline_access: shown.offline_access,
        expires_at: clock::now().plus(Ticket::LIFE),
    };
    if !Tickets(&app.database).open(&new).await? {
        // It was changed a moment ago.
        return Err(Refused::Credentials);
    }
    app.trace.by(half.user_id());
    app.trace.did(Action::FirstFactor, Some(half.user_id()));
    Err(Refused::SecondFactor(Some(SecondFactorRequired {
        ticket,
        second_factors: signing_in.second_factors,
    })))
}

/// Takes note of a sign-in of `account`, and tells its owner if it came from an unfamiliar address.
pub(crate) async fn note(
    app: &App,
    request: &Incoming,
    account: &Account,
    success: Success,
) -> Result<(), Refused> {
    let (id, browser) = (asking::random_id()?, asking::browser(request)?.code());
    let unfamiliar = app
        .notice(mail::Kind::UnfamiliarSignIn, &id, &browser)
        .filter(|_| account.email_verified_at.is_some());
    let attempts = Attempts(&app.database);
    asking::send(app, attempts.succeeded(success, unfamiliar).await?);
    Ok(())
}
