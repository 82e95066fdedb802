//! The end of a sign-in by two factors.

use edge_auth_core::factor::{RecoveryCode, TotpCode};
use edge_auth_core::sign_in::SignedIn;
use serde_json::Value;

use crate::api::sign_in::second_factor::{self, Factor};
use crate::api::sign_in::throttle;
use crate::app::App;
use crate::http::Refused;
use crate::platform::http::Incoming;

/// What somebody typed: a one-time password or a recovery code.
pub(super) fn typed(text: &str) -> Factor {
    match TotpCode::parse(text) {
        Some(code) => Factor::Totp(Some(code)),
        None => Factor::RecoveryCode(RecoveryCode::parse(text)),
    }
}

/// Whoever has shown the second factor `shown` for `ticket`.
///
/// # Errors
/// [`Refused::SecondFactorWrong`]: the ticket is good for another try. [`Refused::Ticket`]: it is not.
pub(super) async fn complete(
    app: &App,
    request: &Incoming,
    ticket: &str,
    shown: Factor,
) -> Result<SignedIn, Refused> {
    let address = throttle::admit(&app.sign_in_limit, request).await?;
    let completed = second_factor::complete(app, request, &address, ticket, shown).await?;
    Ok(completed.signed_in)
}

/// Options for the passkeys that will do for `ticket`; `None` where there are none.
///
/// # Errors
/// [`Refused::Ticket`].
pub(super) async fn passkey_options(app: &App, ticket: &str) -> Result<Option<Value>, Refused> {
    match second_factor::options(app, ticket).await {
        Ok(options) => Ok(Some(options)),
        Err(Refused::Conflict(_)) => Ok(None),
        Err(refused) => Err(refused),
    }
}
