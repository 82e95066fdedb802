//! The end of a sign-in by two factors.

use edge_auth_core::sign_in::SignedIn;

use crate::app::App;
use crate::http::Refused;
use crate::platform::http::Incoming;

/// Whoever has shown the second factor `shown`, a one-time password or a recovery code, for `ticket`.
///
/// # Errors
/// [`Refused::SecondFactorWrong`]: the ticket is good for another try. [`Refused::Ticket`]: it is not. No way in makes one of
/// these yet, since no account has a second factor, and so no ticket is good.
// Not waited for yet, as it will be.
#[allow(clippy::unused_async)]
pub(super) async fn complete(
    _app: &App,
    _request: &Incoming,
    _ticket: &str,
    _shown: &str,
) -> Result<SignedIn, Refused> {
    Err(Refused::Ticket)
}
