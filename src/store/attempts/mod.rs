//! The table `attempts`. What is counted also decides, in one transaction: of many tries at once no
//! more are let through than of as many in a row (docs/passwords.md, "Too many attempts").
//!
//! - After the fifth failure in a minute a pair of name and address waits, 1, 2, 4 … seconds and up
//!   to 15 minutes. Its failures are forgotten a minute after the first, or 15 minutes after a wait.
//! - After 30 failures in a minute an address waits for the minute to end.
//! - An account takes 80 failures from strange addresses, and ten more for each full day without
//!   one that was counted. What is refused beyond is not counted and extends nothing.
//! - An address that is familiar to the account counts by itself: 100 failures, and ten more a day
//!   (NIST SP 800-63B section 3.2.2 has 100 in a row). Beyond them it is a strange one.
//! - A right password takes back the failures of its own address at once, those of others once a
//!   day has passed since the last.

use wasm_bindgen::JsValue;

use super::{Database, StoreError, millis};
use edge_auth_core::throttle::AttemptKey;
use edge_auth_core::time::{Milliseconds, UnixMillis};

/// The counted attempts in a D1 database.
#[derive(Debug)]
pub struct Attempts<'a>(pub &'a Database);

/// How long less than five failures of a pair, or those of an address, are in a row.
const MINUTE: Milliseconds = Milliseconds(60 * 1000);

/// How long a counted failure keeps an account's others.
const DAY: Milliseconds = Milliseconds(24 * 60 * 60 * 1000);

/// How long an address is familiar at the least after what makes it so.
const FAMILIAR: Milliseconds = Milliseconds(30 * DAY.0);

/// How long it is once that is written: nothing need be written again for a day.
const FAMILIAR_WHEN_WRITTEN: Milliseconds = Milliseconds(31 * DAY.0);

/// The failures of a pair before it waits.
macro_rules! failures_of_a_pair {
    () => {
        "5"
    };
}

/// The failures of an address before it waits.
macro_rules! failures_of_an_address {
    () => {
        "30"
    };
}

/// The failures of an account from strange addresses.
macro_rules! failures_of_strangers {
    () => {
        "80"
    };
}

/// The failures of an account from one familiar address.
macro_rules! failures_of_a_familiar_address {
    () => {
        "100"
    };
}

/// The longest wait of a pair, and how long its failures outlive it, in milliseconds.
macro_rules! longest_wait {
    () => {
        "900000"
    };
}

/// The failures that an account forgets for each full day without a counted one.
macro_rules! failures_a_day {
    () => {
        "10"
    };
}

/// What is left at time `$now` of the failures of an account in the row `$row`. D1 binds every
/// number as a real one, whose division has a fraction.
macro_rules! failures_left {
    ($row:literal, $now:literal) => {
        concat!(
            "max(0, ",
            $row,
            ".failures - ",
            failures_a_day!(),
            " * CAST((",
            $now,
            " - ",
            $row,
            ".counted_at) / 86400000 AS INTEGER))"
        )
    };
}

/// Until when further tries of a pair or its address wait, and until when those of the address alone.
/// Always one row.
macro_rules! closed {
    ($pair:literal, $address:literal, $now:literal) => {
        concat!(
            "SELECT max(closed_until) AS closed_until, \
               max(CASE WHEN key = ",
            $address,
            " THEN closed_until END) AS address_closed_until FROM attempts WHERE key IN (",
            $pair,
            ", ",
            $address,
            ") AND closed_until > ",
            $now
        )
    };
}
pub(super) use closed;

const CLOSED: &str = closed!("?1", "?2", "?3");

/// Until when a client has to wait, if that is to come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Closed {
    /// With this name from this address.
    pub pair: Option<UnixMillis>,
    /// From this address, whatever the name.
    pub address: Option<UnixMillis>,
}

impl Closed {
    /// From this address until `time`.
    #[must_use]
    pub fn address(time: UnixMillis) -> Self {
        Self {
            pair: None,
            address: Some(time),
        }
    }
}

/// Whether the account of `$everywhere` still counts failures of strangers at time `$now`.
macro_rules! is_open_to_strangers {
    ($everywhere:literal, $now:literal) => {
        concat!(
            "NOT EXISTS (SELECT 1 FROM attempts AS account WHERE account.key = ",
            $everywhere,
            " AND ",
            failures_left!("account", $now),
            " >= ",
            failures_of_strangers!(),
            ")"
        )
    };
}

/// Whether the address of `$here` is familiar to its account at time `$now`, and has failures left.
macro_rules! is_familiar {
    ($here:literal, $now:literal, $compared:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM attempts AS here WHERE here.key = ",
            $here,
            " AND here.familiar_until > ",
            $now,
            " AND ",
            failures_left!("here", $now),
            $compared,
            failures_of_a_familiar_address!(),
            ")"
        )
    };
}

impl Attempts<'_> {
    /// Until when that key is closed, if that is to come.
    ///
    /// # Errors
    /// The database failed.
    pub async fn closed(
        &self,
        key: &AttemptKey,
        now: UnixMillis,
    ) -> Result<Option<UnixMillis>, StoreError> {
        let key = JsValue::from(key.as_str());
        let values = [key.clone(), key, millis(now)];
        let row = self.0.first(CLOSED, &values).await?;
        row.map_or(Ok(None), |row| row.millis(1))
    }
}

mod failures;
mod forgetting;
mod successes;

pub use successes::{Chance, Success};
