//! Second factors: one-time passwords of an authenticator app, and recovery codes. A sign-in asks for them in
//! `sign_in/second_factor`.

pub(super) mod recovery_codes;
pub(super) mod totp;

use edge_auth_core::data_keys::DataKeys;

use crate::app::App;
use crate::http::Refused;
use crate::http::caller::{self, Caller};
use crate::http::routes::{Method, Route, handler};
use crate::store::totp::{On, TotpSecrets};

/// The routes of this area.
pub(super) const ROUTES: &[Route] = &[
    Route::api(
        "/api/auth/totp",
        &[
            Method::new("POST", handler!(totp::post)),
            Method::new("DELETE", handler!(totp::delete)),
        ],
    ),
    Route::api(
        "/api/auth/totp/verify",
        &[Method::new("POST", handler!(totp::post_verify))],
    ),
    Route::api(
        "/api/auth/recovery-codes",
        &[Method::new("POST", handler!(recovery_codes::post))],
    ),
];

/// The keys of what is stored. Where there are none, there is nothing at these paths, as without mail there
/// is nothing at those that send it.
fn data_keys(app: &App) -> Result<&DataKeys, Refused> {
    app.config.data_keys.as_ref().ok_or(Refused::NotFound)
}

/// Which second factors of the caller are on; refused where one is and the caller has not shown two.
pub(crate) async fn on(app: &App, caller: &Caller) -> Result<On, Refused> {
    let on = TotpSecrets(&app.database)
        .on(caller.account.user.id)
        .await?;
    if on.any() {
        caller::by_two_factors(caller)?;
    }
    Ok(on)
}
