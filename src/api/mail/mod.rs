//! What is done by mail: a forgotten password, a new address, signing in by a code, invitations
//! (docs/mail.md).

pub(super) mod address;
pub(super) mod code;
pub(super) mod invitation;
pub(super) mod reset;
pub(super) mod shown;

use edge_auth_core::account::Email;
use edge_auth_core::challenge::{ChallengeId, Kind};
use edge_auth_core::mail;
use serde_json::json;

use super::asking::Asking;
use super::sign_in::throttle;
use crate::app::App;
use crate::http::routes::{Method, Route, handler};
use crate::http::{Refused, Reply, body, fields};
use crate::platform::http::Incoming;
use crate::store::challenges::AskedBy;

/// The routes of this area.
pub(super) const ROUTES: &[Route] = &[
    Route::api(
        "/api/auth/password/forgot",
        &[Method::new("POST", handler!(reset::forgot)).by_mail()],
    ),
    Route::api(
        "/api/auth/password/reset",
        &[Method::new("POST", handler!(reset::reset)).by_mail()],
    ),
    Route::api(
        "/api/auth/email",
        &[Method::new("POST", handler!(address::change)).by_mail()],
    ),
    Route::api(
        "/api/auth/email/verification",
        &[Method::new("POST", handler!(address::verification)).by_mail()],
    ),
    Route::api(
        "/api/auth/email/verify",
        &[Method::new("POST", handler!(address::verify)).by_mail()],
    ),
    Route::api(
        "/api/auth/email/confirm",
        &[Method::new("POST", handler!(address::confirm)).by_mail()],
    ),
    Route::api(
        "/api/auth/email/revert",
        &[Method::new("POST", handler!(address::revert)).by_mail()],
    ),
    Route::api(
        "/api/auth/code",
        &[Method::new("POST", handler!(code::code)).by_mail()],
    ),
    Route::api(
        "/api/auth/code/verify",
        &[Method::new("POST", handler!(code::verify)).by_mail()],
    ),
    // Without mail as well: an operator makes the first invitation.
    Route::api(
        "/api/auth/invitation",
        &[Method::new("POST", handler!(invitation::accept))],
    ),
];

/// Asks in the name of whoever types an address. The answer, what is written and the time that it
/// takes are the same whether or not there is an account, and beyond the limits nothing is sent.
async fn asked_by_anybody(
    app: &App,
    request: &Incoming,
    kinds: (Kind, mail::Kind),
) -> Result<Reply, Refused> {
    throttle::admit(&app.registration_limit, request).await?;
    let mut members = body::object(request).await?;
    let [email] = fields::required(&mut members, "email")?;
    let id = ask(app, request, kinds, &fields::string(email)?).await?;
    Ok(Reply::json(202, &json!({ "id": id.as_str() })))
}

/// The same for a request that was admitted, with the address that was typed.
async fn ask(
    app: &App,
    request: &Incoming,
    kinds: (Kind, mail::Kind),
    email: &str,
) -> Result<ChallengeId, Refused> {
    let email = Email::parse(email)?;
    let asking = Asking::new(app, request, kinds, email.as_str())?;
    asking.ask(app, AskedBy::Anybody(email.as_str())).await?;
    Ok(asking.id)
}
