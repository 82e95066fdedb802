//! Administration: accounts, import, audit trail. For the role `admin`, as the database has it.

mod audit;
mod import;
mod invitations;
mod page;
mod users;

use edge_auth_core::account::Role;

use crate::app::App;
use crate::http::Refused;
use crate::http::caller::{self, Caller};
use crate::http::routes::{Method, Route, handler};
use crate::platform::http::Incoming;

/// The routes of this area.
pub(super) const ROUTES: &[Route] = &[
    Route::api(
        "/api/admin/users",
        &[
            Method::get(handler!(users::users)),
            Method::new("POST", handler!(invitations::invite)).by_mail(),
        ],
    ),
    // Before the one whose `*` it would pass for.
    Route::api(
        "/api/admin/users/import",
        &[Method::new("POST", handler!(import::import))],
    ),
    Route::api(
        "/api/admin/users/*",
        &[Method::new("PATCH", handler!(users::change_user, segment))],
    ),
    Route::api(
        "/api/admin/users/*/invitation",
        &[Method::new("POST", handler!(invitations::invite_again, segment)).by_mail()],
    ),
    Route::api(
        "/api/admin/users/*/second-factors",
        &[Method::new(
            "DELETE",
            handler!(users::forget_second_factors, segment),
        )],
    ),
    Route::api(
        "/api/admin/users/*/sessions",
        &[Method::new(
            "DELETE",
            handler!(users::end_sessions, segment),
        )],
    ),
    Route::api(
        "/api/admin/users/*/unlock",
        &[Method::new("POST", handler!(users::unlock, segment))],
    ),
    Route::api("/api/admin/audit", &[Method::get(handler!(audit::audit))]),
];

/// The administrator who sent a request.
async fn administrator(app: &App, request: &Incoming) -> Result<Caller, Refused> {
    let caller = caller::authenticate(app, request).await?;
    if caller.account.user.role == Role::ADMIN {
        Ok(caller)
    } else {
        Err(Refused::Forbidden)
    }
}

/// The same, after the database did not make the change of `before`.
async fn ask_again(app: &App, request: &Incoming, before: &Caller) -> Result<Caller, Refused> {
    // A role that is gone is told as such, although the epoch has changed with it.
    caller::unchanged(administrator(app, request).await?, before)
}
