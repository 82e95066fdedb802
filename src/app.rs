//! What a request is answered with.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use crate::config::Config;
use crate::platform::HostError;
use crate::platform::rate_limit::RateLimit;
use crate::platform::turns::Turn;
use crate::platform::upstream::Services;
use crate::store::{Database, StoreError};
use crate::trace::Trace;

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
    /// What went wrong, for the log.
    pub(crate) fn new(text: impl fmt::Display) -> Self {
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
