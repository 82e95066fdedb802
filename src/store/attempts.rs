//! The table `attempts`. What is counted also decides, in one transaction: of many tries at once no
//! more are let through than of as many in a row (contract, "Too many attempts").
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

use super::{Authority, Database, Row, Statement, StoreError, caller_may, number};
use edge_auth_core::account::UserId;
use edge_auth_core::throttle::{AccountKeys, AddressHash, AttemptKey, AttemptKeys, NameHash};

/// The counted attempts in a D1 database. Times are Unix time in milliseconds.
#[derive(Debug)]
pub struct Attempts<'a>(pub &'a Database);

/// How long less than five failures of a pair, or those of an address, are in a row, in milliseconds.
const MINUTE: u64 = 60 * 1000;

/// How long a counted failure keeps an account's others, in milliseconds.
const DAY: u64 = 24 * 60 * 60 * 1000;

/// How long an address is familiar at the least after what makes it so, in milliseconds.
const FAMILIAR: u64 = 30 * DAY;

/// How long it is once that is written: nothing need be written again for a day.
const FAMILIAR_WHEN_WRITTEN: u64 = 31 * DAY;

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

/// Until when a client has to wait, Unix time in milliseconds, if that is to come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Closed {
    /// With this name from this address.
    pub pair: Option<u64>,
    /// From this address, whatever the name.
    pub address: Option<u64>,
}

impl Closed {
    /// From this address until `time`.
    #[must_use]
    pub fn address(time: u64) -> Self {
        Self {
            pair: None,
            address: Some(time),
        }
    }
}

/// A new row of one failure, whose run ends after ?3 milliseconds.
macro_rules! insert_failure {
    () => {
        "INSERT INTO attempts (key, failures, counted_at, closed_until, expires_at, familiar_until) \
         VALUES (?1, 1, ?2, 0, ?2 + ?3, 0) ON CONFLICT (key) DO UPDATE SET counted_at = ?2, "
    };
}

/// The wait after one failure more than `failures`, in milliseconds.
macro_rules! wait {
    () => {
        concat!(
            "min(",
            longest_wait!(),
            ", 1000 << min(failures + 1 - ",
            failures_of_a_pair!(),
            ", 10))"
        )
    };
}

const PAIR_FAILED: &str = concat!(
    insert_failure!(),
    "failures = CASE WHEN expires_at > ?2 THEN failures + 1 ELSE 1 END, \
     closed_until = CASE WHEN expires_at > ?2 AND failures + 1 >= ",
    failures_of_a_pair!(),
    " THEN ?2 + ",
    wait!(),
    " ELSE 0 END, \
     expires_at = CASE WHEN expires_at <= ?2 THEN ?2 + ?3 WHEN failures + 1 >= ",
    failures_of_a_pair!(),
    " THEN ?2 + ",
    longest_wait!(),
    " + ",
    wait!(),
    " ELSE expires_at END \
     WHERE closed_until <= ?2"
);

const ADDRESS_FAILED: &str = concat!(
    insert_failure!(),
    "failures = CASE WHEN expires_at > ?2 THEN failures + 1 ELSE 1 END, \
     closed_until = CASE WHEN expires_at > ?2 AND failures + 1 >= ",
    failures_of_an_address!(),
    " THEN expires_at ELSE 0 END, \
     expires_at = CASE WHEN expires_at > ?2 THEN expires_at ELSE ?2 + ?3 END \
     WHERE closed_until <= ?2 RETURNING closed_until"
);

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

/// One failure more in the row of an account, which counts no longer once ten a day have been taken
/// off to the last.
macro_rules! one_more_failure {
    () => {
        concat!(
            "ON CONFLICT (key) DO UPDATE SET failures = ",
            failures_left!("attempts", "?3"),
            " + 1, counted_at = ?3, expires_at = ?3 + 86400000 * (2 + ",
            failures_left!("attempts", "?3"),
            " / ",
            failures_a_day!(),
            ")"
        )
    };
}

/// ?1 here, ?2 everywhere, ?3 now.
const FAILED_HERE: &str = concat!(
    "INSERT INTO attempts (key, failures, counted_at, closed_until, expires_at, familiar_until) \
     SELECT ?1, 1, ?3, 0, ?3 + 86400000, 0 WHERE ",
    is_open_to_strangers!("?2", "?3"),
    " OR ",
    is_familiar!("?1", "?3", " < "),
    one_more_failure!()
);

/// ?1 everywhere, ?2 here, ?3 now. Run after [`FAILED_HERE`], which has counted the failure.
const FAILED_EVERYWHERE: &str = concat!(
    "INSERT INTO attempts (key, failures, counted_at, closed_until, expires_at, familiar_until) \
     SELECT ?1, 1, ?3, 0, ?3 + 86400000, 0 WHERE ",
    is_open_to_strangers!("?1", "?3"),
    " AND NOT ",
    is_familiar!("?2", "?3", " <= "),
    one_more_failure!()
);

/// Whether a right password from `$here` takes failures in the row of `$everywhere` back: those of all
/// after a day, its own at once. A familiar address has none there.
macro_rules! takes_back {
    ($everywhere:literal, $here:literal, $now:literal) => {
        concat!(
            "key = ",
            $everywhere,
            " AND failures > 0 AND (counted_at <= ",
            $now,
            " - 86400000 OR EXISTS (SELECT 1 FROM attempts AS here WHERE here.key = ",
            $here,
            " AND here.familiar_until <= ",
            $now,
            " AND here.failures > 0))"
        )
    };
}

/// ?1 everywhere, ?2 here, ?3 now.
const TAKE_BACK: &str = concat!(
    "UPDATE attempts SET failures = CASE WHEN counted_at <= ?3 - 86400000 THEN 0 \
       ELSE max(0, failures - (SELECT here.failures FROM attempts AS here WHERE here.key = ?2)) END \
     WHERE ",
    takes_back!("?1", "?2", "?3")
);

/// Whether a right password counts, and what there is to write if it does. ?1 pair, ?2 address,
/// ?3 here, ?4 everywhere, ?5 now, ?6 until when the address need not be noted as familiar again.
const MAY_SUCCEED: &str = concat!(
    "SELECT NOT EXISTS (SELECT 1 FROM attempts WHERE key IN (?1, ?2) AND closed_until > ?5) \
       AND (",
    is_open_to_strangers!("?4", "?5"),
    " OR ",
    is_familiar!("?3", "?5", " < "),
    "), NOT EXISTS (SELECT 1 FROM attempts WHERE key = ?3 AND familiar_until >= ?6 AND failures = 0), \
      EXISTS (SELECT 1 FROM attempts WHERE key = ?1), \
      EXISTS (SELECT 1 FROM attempts WHERE ",
    takes_back!("?4", "?3", "?5"),
    ")"
);

/// ?1 here, ?2 now, ?3 until when it is familiar.
const FAMILIAR_HERE: &str = "INSERT INTO attempts \
    (key, failures, counted_at, closed_until, expires_at, familiar_until) \
    VALUES (?1, 0, ?2, 0, ?2, ?3) ON CONFLICT (key) DO UPDATE SET \
    failures = 0, expires_at = excluded.expires_at, familiar_until = excluded.familiar_until";

const FORGET: &str = "DELETE FROM attempts WHERE key = ?1";

/// ?1 the address's hash, ?2 now, ?3 until when it is familiar; only if ?4 has the stored password
/// ?5, which no two accounts share.
const REGISTERED: &str = "INSERT INTO attempts \
    (key, failures, counted_at, closed_until, expires_at, familiar_until) \
    SELECT 'user ' || id || ' ' || ?1, 0, ?2, 0, ?2, ?3 FROM users \
    WHERE email = ?4 AND password_hash = ?5";

/// ?1 the account, ?2 the address's hash, ?3 now, ?4 until when it is familiar.
const REFRESHED: &str = "INSERT INTO attempts \
    (key, failures, counted_at, closed_until, expires_at, familiar_until) \
    SELECT 'user ' || id || ' ' || ?2, 0, ?3, 0, ?3, ?4 FROM users WHERE id = ?1 \
    ON CONFLICT (key) DO UPDATE SET familiar_until = excluded.familiar_until";

/// The keys of account ?1: `!` is the character after the space that ends its id.
macro_rules! of_account {
    () => {
        "key > 'user ' || ?1 || ' ' AND key < 'user ' || ?1 || '!'"
    };
}

const FORGET_ACCOUNT: &str = concat!(
    "DELETE FROM attempts WHERE ",
    of_account!(),
    " AND NOT EXISTS (SELECT 1 FROM users WHERE id = ?1)"
);

const UNLOCK: &str = concat!(
    "UPDATE attempts SET failures = 0 WHERE ",
    of_account!(),
    " AND failures > 0 AND ",
    caller_may!("?2")
);

/// The waits at the names ?1, a JSON array of hashes, from all addresses.
macro_rules! of_names {
    ($kind:literal) => {
        concat!(
            "DELETE FROM attempts WHERE key IN (SELECT one.key FROM json_each(?1) AS name \
             CROSS JOIN attempts AS one ON one.key > '",
            $kind,
            " ' || name.value || ' ' AND one.key < '",
            $kind,
            " ' || name.value || '!') AND ",
            caller_may!("?2")
        )
    };
}

const FORGET_PAIRS: &str = of_names!("pair");

const FORGET_NAMES: &str = of_names!("name");

impl Attempts<'_> {
    /// Until when that key is closed, if that is to come.
    ///
    /// # Errors
    /// The database failed.
    pub async fn closed(&self, key: &AttemptKey, now: u64) -> Result<Option<u64>, StoreError> {
        let key = JsValue::from(key.as_str());
        let values = [key.clone(), key, number(now)];
        let row = self.0.first(CLOSED, &values).await?;
        row.map_or(Ok(None), |row| row.time(1))
    }

    /// Takes note of the right password for `account`, unless the pair, the address or the account
    /// is closed; says whether it was taken. Where nothing changes, nothing is written.
    ///
    /// # Errors
    /// The database failed.
    pub async fn succeeded(
        &self,
        keys: &AttemptKeys,
        account: &AccountKeys,
        now: u64,
    ) -> Result<bool, StoreError> {
        let [pair, here, everywhere] =
            [&keys.pair, &account.here, &account.everywhere].map(|key| JsValue::from(key.as_str()));
        let values = [
            pair.clone(),
            keys.address.as_str().into(),
            here.clone(),
            everywhere.clone(),
            number(now),
            number(now + FAMILIAR),
        ];
        let row = self.0.first(MAY_SUCCEED, &values).await?;
        let row = row.ok_or_else(Row::missing)?;
        let says = |column| row.integer(column).map(|value| value != 0);
        if !says(0)? {
            return Ok(false);
        }
        let mut statements = Vec::new();
        if says(3)? {
            let values = vec![everywhere, here.clone(), number(now)];
            statements.push(Statement(TAKE_BACK, values));
        }
        if says(1)? {
            let until = number(now + FAMILIAR_WHEN_WRITTEN);
            statements.push(Statement(FAMILIAR_HERE, vec![here, number(now), until]));
        }
        if says(2)? {
            statements.push(Statement(FORGET, vec![pair]));
        }
        if !statements.is_empty() {
            self.0.batch(&statements).await?;
        }
        Ok(true)
    }

    /// The statement that makes an address familiar, to be run after the account was made.
    pub(super) fn registered(
        address: &AddressHash,
        email: JsValue,
        password_hash: &str,
        now: u64,
    ) -> Statement {
        let values = vec![
            address.as_str().into(),
            number(now),
            number(now + FAMILIAR_WHEN_WRITTEN),
            email,
            password_hash.into(),
        ];
        Statement(REGISTERED, values)
    }

    /// Takes note of a refresh from there.
    ///
    /// # Errors
    /// The database failed.
    pub async fn refreshed(
        &self,
        id: UserId,
        address: &AddressHash,
        now: u64,
    ) -> Result<(), StoreError> {
        let values = [
            super::id_text(id),
            address.as_str().into(),
            number(now),
            number(now + FAMILIAR_WHEN_WRITTEN),
        ];
        self.0.first(REFRESHED, &values).await?;
        Ok(())
    }

    /// The time up to which an address that is familiar for longer need not be noted again.
    pub(super) fn familiar_enough(now: u64) -> JsValue {
        number(now + FAMILIAR)
    }

    /// The statement that forgets all of an account, to be run after it was deleted.
    pub(super) fn account_forgotten(id: UserId) -> Statement {
        Statement(FORGET_ACCOUNT, vec![super::id_text(id)])
    }

    /// The statements that forget the failures of an account and the waits at its names.
    pub(super) fn unlocked(
        id: UserId,
        names: &[NameHash],
        authority: &Authority<'_>,
    ) -> [Statement; 2] {
        let [pairs, _] = Self::names_forgotten(names, authority);
        let values = vec![super::id_text(id), authority.value()];
        [Statement(UNLOCK, values), pairs]
    }

    /// The statements that forget what was counted of names before accounts had them.
    pub(super) fn names_forgotten(names: &[NameHash], authority: &Authority<'_>) -> [Statement; 2] {
        let names: Vec<_> = names.iter().map(NameHash::as_str).collect();
        let values = vec![
            serde_json::Value::from(names).to_string().into(),
            authority.value(),
        ];
        [
            Statement(FORGET_PAIRS, values.clone()),
            Statement(FORGET_NAMES, values),
        ]
    }

    /// Counts a wrong password. Says until when the pair was closed already, by itself or by its
    /// address, and until when the address is now.
    ///
    /// # Errors
    /// The database failed.
    pub async fn failed(
        &self,
        keys: &AttemptKeys,
        account: &AccountKeys,
        now: u64,
    ) -> Result<Closed, StoreError> {
        let [pair, address] = [&keys.pair, &keys.address].map(|key| JsValue::from(key.as_str()));
        let [here, everywhere] =
            [&account.here, &account.everywhere].map(|key| JsValue::from(key.as_str()));
        let at = number(now);
        let run = |key: &JsValue| vec![key.clone(), at.clone(), number(MINUTE)];
        let (pair_failed, address_failed) = (run(&pair), run(&address));
        let failed_here = vec![here.clone(), everywhere.clone(), at.clone()];
        let failed_everywhere = vec![everywhere, here, at.clone()];
        self.count(&[
            Statement(CLOSED, vec![pair, address, at.clone()]),
            Statement(ADDRESS_FAILED, address_failed),
            Statement(PAIR_FAILED, pair_failed),
            Statement(FAILED_HERE, failed_here),
            Statement(FAILED_EVERYWHERE, failed_everywhere),
        ])
        .await
    }

    /// Counts a failure of the address of this key alone; says the same as [`Attempts::failed`].
    ///
    /// # Errors
    /// The database failed.
    pub async fn address_failed(&self, key: &AttemptKey, now: u64) -> Result<Closed, StoreError> {
        let key = JsValue::from(key.as_str());
        let closed = vec![key.clone(), key.clone(), number(now)];
        self.count(&[
            Statement(CLOSED, closed),
            Statement(ADDRESS_FAILED, vec![key, number(now), number(MINUTE)]),
        ])
        .await
    }

    /// Runs the statements, of which [`CLOSED`] is the first and [`ADDRESS_FAILED`] the second.
    async fn count(&self, statements: &[Statement]) -> Result<Closed, StoreError> {
        let answers = self.0.batch_all(statements).await?;
        let time = |index, column| match answers.rows(index)?.first() {
            Some(row) => row.time(column),
            None => Ok(None),
        };
        let now_closed = time(1, 0)?.filter(|time| *time > 0);
        Ok(Closed {
            pair: time(0, 0)?,
            address: time(0, 1)?.or(now_closed),
        })
    }
}
