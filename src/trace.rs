//! What is told of a request once it has been answered: a line in the log, events in the audit
//! trail.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde_json::json;

use crate::store::audit::{Action, Event};
use edge_auth_core::account::UserId;

/// What has been found out so far.
#[derive(Debug, Default)]
pub struct Trace {
    user_id: Cell<Option<UserId>>,
    events: RefCell<Vec<Event>>,
}

impl Trace {
    /// Notes who sent the request.
    pub(crate) fn by(&self, user_id: UserId) {
        self.user_id.set(Some(user_id));
    }

    /// Notes an event for the audit trail.
    pub(crate) fn record(&self, event: Event) {
        self.events.borrow_mut().push(event);
    }

    /// Notes what an account did, or somebody in its name.
    pub(crate) fn did(&self, action: Action, user_id: Option<UserId>) {
        self.record(Event {
            action,
            user_id,
            actor_id: self.user_id.get(),
            detail: None,
        });
    }

    /// Who sent the request, where that is known.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        self.user_id.get()
    }

    /// Takes the events for the audit trail out.
    #[must_use]
    pub fn take_events(&self) -> Vec<Event> {
        self.events.take()
    }
}

/// Logs what only the operator can mend and what does not stop the request.
pub fn log(error: fmt::Arguments<'_>) {
    let line = json!({ "level": "error", "error": error.to_string() });
    worker::console_error!("{line}");
}
