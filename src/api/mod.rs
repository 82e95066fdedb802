//! What goes over the wire. Each dialect translates the rules' reasons into its own statuses and
//! bodies; `routes` holds the one table of paths.

mod accounts;
mod authorization;
mod body;
mod fields;
mod flask_jwt;
mod health;
mod jwks;
mod me;
mod protected;
mod pyjwt;
mod reply;
mod routes;
mod sessions;
mod sign_in;
mod throttle;
mod tokens;
mod verify;

use std::fmt;

use serde_json::json;
use worker::D1Database;

use crate::config::Config;
use crate::platform::HostError;
use crate::platform::rate_limit::RateLimit;
use crate::store::StoreError;

pub use reply::Reply;
pub use routes::{answer, unexpected};

/// What a request is answered with: settings, database, rate limits.
#[derive(Debug)]
pub struct App<'a> {
    /// The settings.
    pub config: &'a Config,
    /// The database.
    pub database: D1Database,
    /// How often one client may try to sign in.
    pub sign_in_limit: RateLimit,
    /// How often one client may try to register.
    pub registration_limit: RateLimit,
}

/// Something that no client can do anything about. The text is for the log.
#[derive(Debug)]
pub struct Unexpected(String);

impl Unexpected {
    fn new(text: impl fmt::Display) -> Self {
        Self(text.to_string())
    }
}

impl fmt::Display for Unexpected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl From<HostError> for Unexpected {
    fn from(error: HostError) -> Self {
        Self::new(format_args!("host: {error}"))
    }
}

impl From<StoreError> for Unexpected {
    fn from(error: StoreError) -> Self {
        Self::new(format_args!("database: {error}"))
    }
}

/// Logs what only the operator can mend and what does not stop the request.
fn log(error: fmt::Arguments<'_>) {
    let line = json!({ "level": "error", "error": error.to_string() });
    worker::console_error!("{line}");
}
