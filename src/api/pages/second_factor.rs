//! The end of a sign-in by two factors.

use edge_auth_core::factor::{RecoveryCode, TotpCode};
use edge_auth_core::sign_in::SignedIn;

use crate::api::sign_in::second_factor::{self, Factor};
use crate::api::sign_in::throttle;
use crate::app::App;
use crate::http::Refused;
use crate::platform::http::Incoming;

/// Whoever has shown the second factor `shown`, a one-time password or a recovery code, for `ticket`.
///
/// # Errors
/// [`Refused::SecondFactorWrong`]: the ticket is good for another try. [`Refused::Ticket`]: it is not.
pub(super) async fn complete(
    app: &App,
    request: &Incoming,
    ticket: &str,
    shown: &str,
) -> Result<SignedIn, Refused> {
    let address = throttle::admit(&app.sign_in_limit, request).await?;
    let factor = match TotpCode::parse(shown) {
        Some(code) => Factor::Totp(Some(code)),
        None => Factor::RecoveryCode(RecoveryCode::parse(shown)),
    };
    let completed = second_factor::complete(app, request, &address, ticket, factor).await?;
    Ok(completed.signed_in)
}
