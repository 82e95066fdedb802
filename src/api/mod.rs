//! What goes over the wire. Each dialect translates the rules' reasons into its own statuses and
//! bodies; `routes` holds the one table of paths.

mod accounts;
mod admin;
mod authorization;
mod body;
pub mod cors;
mod fields;
mod flask_jwt;
mod gateway;
mod health;
mod identity;
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
mod trace;
mod verify;

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use serde_json::json;

use crate::config::Config;
use crate::platform::HostError;
use crate::platform::rate_limit::RateLimit;
use crate::platform::turns::Turn;
use crate::platform::upstream::Services;
use crate::store::{Database, StoreError};

pub use reply::{Answer, Reply};
pub use routes::{answer, only_reads, pattern, unexpected};
pub use trace::Trace;

/// What a request is answered with: settings, database, rate limits, other services.
pub struct App {
    /// The settings.
    pub config: Rc<Config>,
    /// The database.
    pub database: Database,
    /// How often one client may try to sign in.
    pub sign_in_limit: RateLimit,
    /// How often one client may try to register.
    pub registration_limit: RateLimit,
    /// The services that requests under a protected prefix go on to.
    pub services: Services,
    /// What is told of the request afterwards.
    pub trace: Trace,
    /// The turn of a sign-in, which ends once its answer is on its way: the next one's derivation
    /// would delay it.
    pub turn: Cell<Option<Turn>>,
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
pub fn log(error: fmt::Arguments<'_>) {
    let line = json!({ "level": "error", "error": error.to_string() });
    worker::console_error!("{line}");
}
