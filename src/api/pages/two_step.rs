//! The second step of an account's sign-ins: its authenticator app and its recovery codes.

use edge_auth_core::factor::RecoveryCode;

use super::security::{answer, not_done, submitted, to_sign_in};
use super::session::sign_in_page;
use super::sign_in::beside_field;
use crate::api::factors::{recovery_codes, totp};
use crate::app::App;
use crate::http::{Refused, Reply};
use crate::pages::Layout;
use crate::pages::form::{self, Around};
use crate::pages::security::Done;
use crate::pages::two_step;
use crate::platform::http::Incoming;

/// `POST /account/security/totp`: gives an authenticator app its secret.
pub(super) async fn set_up(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let Some((caller, _)) = submitted(app, request).await? else {
        return Ok(Reply::see_other(&sign_in_page(false)));
    };
    let new = match totp::enrol(app, request, &caller).await {
        Ok(new) => new,
        Err(refused) => return to_sign_in(refused),
    };
    let layout = Layout::of(request, app.config.site());
    let picture = new.qr_code()?.data_url();
    Ok(two_step::set_up(
        layout,
        &picture,
        &new.base32(),
        &new.uri(),
    ))
}

/// `POST /account/security/totp/verify`: takes its first code, and shows recovery codes.
pub(super) async fn verify(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let Some((caller, mut form)) = submitted(app, request).await? else {
        return Ok(Reply::see_other(&sign_in_page(false)));
    };
    let code = form.take("code");
    let verified = async {
        let code = code.ok_or(Refused::Missing("code"))?;
        totp::verify(app, request, &caller, &code).await
    };
    let refused = match verified.await {
        Ok(codes) => return Ok(codes_page(app, request, &codes, true)),
        Err(refused @ Refused::Conflict(_)) => {
            return not_done(app, request, &caller, refused).await;
        }
        Err(refused @ (Refused::WrongCode | Refused::Missing(_))) => refused,
        Err(refused) => return to_sign_in(refused),
    };
    let (status, problem) = beside_field(app, request, refused)?;
    let around = Around {
        layout: Layout::of(request, app.config.site()),
        status,
        hidden: &[],
        problem: Some(&problem),
    };
    Ok(form::totp_code(&around))
}

/// `POST /account/security/totp/off`.
pub(super) async fn switch_off(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let Some((caller, _)) = submitted(app, request).await? else {
        return Ok(Reply::see_other(&sign_in_page(false)));
    };
    if app.config.data_keys.is_none() {
        return Err(Refused::NotFound);
    }
    let switched_off = match totp::switch_off(app, request, &caller).await {
        // It is off already.
        Err(Refused::Conflict(totp::NOT_ON)) => Ok(()),
        switched_off => switched_off,
    };
    answer(switched_off, Done::TotpOff)
}

/// `POST /account/security/recovery-codes`: gives new ones.
pub(super) async fn replace_codes(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let Some((caller, _)) = submitted(app, request).await? else {
        return Ok(Reply::see_other(&sign_in_page(false)));
    };
    match recovery_codes::replace(app, request, &caller).await {
        Ok(codes) => Ok(codes_page(app, request, &codes, false)),
        Err(refused) => to_sign_in(refused),
    }
}

fn codes_page(app: &App, request: &Incoming, codes: &[RecoveryCode], is_first: bool) -> Reply {
    let codes: Vec<_> = codes.iter().map(RecoveryCode::grouped).collect();
    let texts: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
    let layout = Layout::of(request, app.config.site());
    two_step::recovery_codes(layout, &texts, is_first)
}
