//! Signing in: `POST /auth`, `POST /api/auth/login`, and what the other areas need of it.

mod auth;
pub(super) mod flow;
mod login;
pub(super) mod new_password;
pub(super) mod passkey;
pub(super) mod password;
pub(super) mod reauthenticate;
pub(super) mod second_factor;
pub(super) mod throttle;
pub(super) mod tokens;

use edge_auth_core::dialect::Dialect;

use crate::http::routes::{Method, Methods, Route, Surface, handler};

/// The routes of this area.
pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "/auth",
        methods: Methods::Each(&[Method::new("POST", handler!(auth::auth))]),
        surface: Surface::Api(Dialect::FlaskJwt),
    },
    Route::api(
        "/api/auth/login",
        &[Method::new("POST", handler!(login::login))],
    ),
    Route::api(
        "/api/auth/reauthenticate",
        &[Method::new(
            "POST",
            handler!(reauthenticate::reauthenticate),
        )],
    ),
    Route::api(
        "/api/auth/passkey",
        &[Method::new("POST", handler!(passkey::passkey))],
    ),
    Route::api(
        "/api/auth/second-factor",
        &[Method::new("POST", handler!(second_factor::second_factor))],
    ),
    Route::api(
        "/api/auth/second-factor/passkey-options",
        &[Method::new(
            "POST",
            handler!(second_factor::passkey_options),
        )],
    ),
];
