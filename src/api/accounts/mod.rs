//! Accounts: registration, and what their owners do with them.

mod account;
mod me;
pub(super) mod password;
pub(super) mod register;

use crate::http::routes::{Method, Route, handler};

/// The routes of this area.
pub(super) const ROUTES: &[Route] = &[
    Route::api(
        "/api/auth/register",
        &[Method::new("POST", handler!(register::register))],
    ),
    Route::api(
        "/api/auth/me",
        &[
            Method::get(handler!(me::get)),
            Method::new("PATCH", handler!(me::patch)),
            Method::new("DELETE", handler!(me::delete)),
        ],
    ),
    Route::api("/api/auth/account", &[Method::get(handler!(account::get))]),
    Route::api(
        "/api/auth/password",
        &[
            Method::new("POST", handler!(password::change)),
            Method::new("DELETE", handler!(password::delete)),
        ],
    ),
];

/// The text of a 409.
const EMAIL_TAKEN: &str = "Email already registered";

/// The text of a 409.
const USERNAME_TAKEN: &str = "Username already taken";
