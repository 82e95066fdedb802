//! Too many attempts.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::app::{App, Unexpected};
use crate::http::Refused;
use crate::http::refused::TooMany;
use crate::platform::http::Incoming;
use crate::platform::rate_limit::RateLimit;
use crate::platform::{clock, unicode};
use crate::store::attempts::{Attempts, Closed};
use crate::store::audit::Action;
use crate::store::users::Account;
use crate::trace::log;
use edge_auth_core::throttle::{AddressHash, AttemptedName, ClientAddress};
use edge_auth_core::time::{Seconds, UnixMillis};

/// The period of the rate limits in `wrangler.toml`.
const RATE_LIMIT_PERIOD: Seconds = Seconds(60);

/// The most closed addresses that an isolate remembers.
const MAX_REMEMBERED: usize = 1000;

thread_local! {
    /// The addresses that the database was found to have closed, and until when. They are refused
    /// before their request is looked at, and without a query.
    static CLOSED: RefCell<HashMap<String, UnixMillis>> = RefCell::default();
}

/// Remembers until when `address` is closed, if it is.
pub(crate) fn remember(address: &ClientAddress, closed: Closed) {
    let Some(time) = closed.address else {
        return;
    };
    let now = clock::now();
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
fn remembered(address: &ClientAddress) -> Option<UnixMillis> {
    let until = CLOSED.with_borrow(|addresses| addresses.get(address.as_str()).copied());
    until.filter(|time| *time > clock::now())
}

/// Where `request` came from, unless `limit` has had too many from there, or that address is known
/// to be closed. A limit that fails stops nobody; the failures that the database counts still do.
pub(crate) async fn admit(limit: &RateLimit, request: &Incoming) -> Result<ClientAddress, Refused> {
    let address = client_address(request)?;
    if let Some(time) = remembered(&address) {
        return Err(TooMany::until(time).into());
    }
    allow(limit, request).await
}

/// The same for what is not guessed at: failures with passwords do not count against it.
pub(crate) async fn allow(limit: &RateLimit, request: &Incoming) -> Result<ClientAddress, Refused> {
    let address = client_address(request)?;
    let allowed = limit
        .allows(address.as_str())
        .await
        .unwrap_or_else(|error| {
            log(format_args!("rate limit: {error}"));
            true
        });
    if allowed {
        Ok(address)
    } else {
        Err(TooMany(RATE_LIMIT_PERIOD).into())
    }
}

/// Where `request` came from.
pub(crate) fn client_address(request: &Incoming) -> Result<ClientAddress, Unexpected> {
    let header = request.header("CF-Connecting-IP")?;
    Ok(ClientAddress::parse(header.as_deref()))
}

/// The name by which tries of an account are counted that is not named.
pub(crate) fn main_name(account: &Account) -> AttemptedName {
    let user = &account.user;
    let name = user.email.as_ref().or(user.username.as_ref());
    AttemptedName::username(name.map_or("", String::as_str), unicode::HOST)
}

/// The refusal of a client that is told that a name is taken: to ask who has an account is a failure,
/// as a wrong password is. `hash` is that of its address.
pub(crate) async fn name_taken(
    app: &App,
    address: &ClientAddress,
    hash: &AddressHash,
    taken: &'static str,
) -> Refused {
    let attempts = Attempts(&app.database);
    let closed = match attempts.address_failed(&hash.key(), clock::now()).await {
        Ok(closed) => closed,
        Err(error) => return error.into(),
    };
    remember(address, closed);
    if let Some(time) = closed.pair {
        return TooMany::until(time).into();
    }
    app.trace.did(Action::NameTaken, None);
    Refused::Conflict(taken)
}
