//! `GET /api/auth/account`: what the caller's account has beside what its user has always been told.

use serde_json::json;

use crate::api::sign_in::tokens::user_json;
use crate::app::App;
use crate::http::{Refused, Reply, caller};
use crate::platform::clock;
use crate::platform::http::Incoming;
use crate::store::users::Users;

/// `GET /api/auth/account`.
pub(super) async fn get(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let caller = caller::authenticate(app, request).await?;
    let account = &caller.account;
    let users = Users(&app.database);
    let ways = users.ways(account.user.id, clock::now()).await?;
    let mut second_factors = Vec::new();
    if ways.totp {
        second_factors.push("totp");
    }
    if ways.second_factor_passkeys > 0 {
        second_factors.push("passkey");
    }
    let body = json!({ "account": {
        "email_verified": account.email_verified_at.is_some(),
        "has_password": account.has_password,
        "passkeys": ways.passkeys,
        "pending_email": ways.pending_email,
        "recovery_codes_left": ways.recovery_codes,
        "second_factors": second_factors,
        "user": user_json(&account.user),
    } });
    Ok(Reply::json(200, &body))
}
