//! What operators and other services ask of this one itself.

mod health;
mod jwks;

use crate::http::routes::{Method, Route, handler};

/// The routes of this area.
pub(super) const ROUTES: &[Route] = &[
    Route::api(
        "/.well-known/jwks.json",
        &[Method::new("GET", handler!(jwks::jwks))],
    ),
    Route::api("/healthz", &[Method::new("GET", handler!(health::healthz))]),
];
