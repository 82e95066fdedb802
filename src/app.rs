//! What a request is answered with.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use crate::config::Config;
use crate::platform::HostError;
use crate::platform::clock;
use crate::platform::rate_limit::RateLimit;
use crate::platform::turns::Turn;
use crate::platform::upstream::Services;
use crate::store::outbox::{Notice, Queued};
use crate::store::{Database, StoreError};
use crate::trace::Trace;
use edge_auth_core::mail;

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
    /// The mail that is sent once the request is answered.
    pub mail: RefCell<Vec<Queued>>,
}

impl App {
    /// Whether nobody signs in before the address of the account is proven.
    pub(crate) fn requires_verification(&self) -> bool {
        let mail = self.config.mail.as_ref();
        mail.is_some_and(|mail| mail.is_verification_required)
    }

    /// Whether owners are told by mail of what happens to their accounts.
    pub(crate) fn sends_notices(&self) -> bool {
        let mail = self.config.mail.as_ref();
        mail.is_some_and(|mail| mail.sends_notices)
    }

    /// A notice of that kind, with that random id, of what that browser does now; none where owners are
    /// not told.
    pub(crate) fn notice<'a>(
        &self,
        kind: mail::Kind,
        id: &'a str,
        browser: &'a str,
    ) -> Option<Notice<'a>> {
        self.sends_notices().then(|| Notice {
            id,
            kind,
            browser,
            now: clock::now(),
        })
    }
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
