//! Too many attempts.

use std::cell::RefCell;
use std::collections::HashMap;

use super::reply::{Dialect, Reply};
use super::{App, Unexpected, log};
use crate::platform::clock;
use crate::platform::http::Incoming;
use crate::platform::rate_limit::RateLimit;
use crate::store::attempts::{Attempts, Closed};
use crate::store::audit::Action;
use edge_auth_core::throttle::{AddressHash, ClientAddress};

/// The period of the rate limits in `wrangler.toml`, in seconds.
const RATE_LIMIT_PERIOD: u64 = 60;

/// The most closed addresses that an isolate remembers.
const MAX_REMEMBERED: usize = 1000;

thread_local! {
    /// The addresses that the database was found to have closed, and until when. They are refused
    /// before their request is looked at, and without a query.
    static CLOSED: RefCell<HashMap<String, u64>> = RefCell::default();
}

/// Remembers until when `address` is closed, if it is.
pub(super) fn remember(address: &ClientAddress, closed: Closed) {
    let Some(time) = closed.address else {
        return;
    };
    let now = clock::now_ms();
    CLOSED.with_borrow_mut(|addresses| {
        if addresses.len() >= MAX_REMEMBERED {
            addresses.retain(|_, until| *until > now);
        }
        if addresses.len() < MAX_REMEMBERED {
            addresses.insert(address.as_str().to_owned(), time);
        }
    });
}

/// Until when `address` is known to be closed.
fn remembered(address: &ClientAddress) -> Option<u64> {
    let until = CLOSED.with_borrow(|addresses| addresses.get(address.as_str()).copied());
    until.filter(|time| *time > clock::now_ms())
}

/// An attempt that has to wait so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany(u64);

impl TooMany {
    /// Too many until `time`, Unix time in milliseconds.
    pub(super) fn until(time: u64) -> Self {
        Self(time.saturating_sub(clock::now_ms()).div_ceil(1000).max(1))
    }

    /// The 429 (RFC 6585 section 4).
    pub(super) fn reply(self, dialect: Dialect) -> Reply {
        let reply = dialect.error(429, "Too many requests");
        reply.with("Retry-After", self.0.to_string())
    }
}

/// Where `request` came from, unless `limit` has had too many from there, or that address is known
/// to be closed. A limit that fails stops nobody; the failures that the database counts still do.
pub(super) async fn admit(
    limit: &RateLimit,
    request: &Incoming,
) -> Result<Result<ClientAddress, TooMany>, Unexpected> {
    let address = ClientAddress::parse(request.header("CF-Connecting-IP")?.as_deref());
    if let Some(time) = remembered(&address) {
        return Ok(Err(TooMany::until(time)));
    }
    let allowed = limit
        .allows(address.as_str())
        .await
        .unwrap_or_else(|error| {
            log(format_args!("rate limit: {error}"));
            true
        });
    Ok(if allowed {
        Ok(address)
    } else {
        Err(TooMany(RATE_LIMIT_PERIOD))
    })
}

/// The answer `taken` to a client that is told that a name is taken: to ask who has an account is a
/// failure, as a wrong password is. `hash` is that of its address.
pub(super) async fn name_taken(
    app: &App,
    address: &ClientAddress,
    hash: &AddressHash,
    taken: &str,
) -> Result<Reply, Unexpected> {
    let attempts = Attempts(&app.database);
    let closed = attempts
        .address_failed(&hash.key(), clock::now_ms())
        .await?;
    remember(address, closed);
    if let Some(time) = closed.pair {
        return Ok(TooMany::until(time).reply(Dialect::Accounts));
    }
    app.trace.did(Action::NameTaken, None);
    Ok(Dialect::Accounts.error(409, taken))
}
