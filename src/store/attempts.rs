//! The table `attempts`. What is counted also decides, in one transaction: of many tries at once no
//! more are let through than of as many in a row.
//!
//! - After the fifth failure in a minute a pair of name and address waits, 1, 2, 4 … seconds and up
//!   to 15 minutes (contract, "Too many attempts"). Its failures are forgotten a minute after the
//!   first, or 15 minutes after a wait.
//! - After 30 failures in a minute an address waits for the minute to end.
//! - After 100 failures in a row an account takes no password (NIST SP 800-63B section 5.2.2), and
//!   after 80 only from where it had the right one in the last 30 days. A right password takes back
//!   its pair's failures, and all others once a day has passed since the last.

use wasm_bindgen::JsValue;

use super::{Database, Statement, StoreError, number};
use crate::auth::attempt::AttemptKeys;

/// The counted attempts in a D1 database. Times are Unix time in milliseconds.
#[derive(Debug)]
pub struct Attempts<'a>(pub &'a Database);

/// How long less than five failures of a pair, or those of an address, are in a row, in milliseconds.
const MINUTE: u64 = 60 * 1000;

/// How long a failure keeps an account's others from being taken back, in milliseconds.
const DAY: u64 = 24 * 60 * 60 * 1000;

/// How long the right password makes an address familiar, in milliseconds.
const FAMILIAR: u64 = 30 * DAY;

/// Until when further tries by any of two keys wait. Always one row.
macro_rules! closed {
    ($one:literal, $other:literal, $now:literal) => {
        concat!(
            "SELECT max(closed_until) AS closed_until FROM attempts ",
            "WHERE key IN (",
            $one,
            ", ",
            $other,
            ") AND closed_until > ",
            $now
        )
    };
}
pub(super) use closed;

const CLOSED: &str = closed!("?1", "?2", "?3");

/// A new row of one failure, whose run ends after ?3 milliseconds.
macro_rules! insert_failure {
    () => {
        "INSERT INTO attempts (key, failures, closed_until, expires_at, familiar_until) \
         VALUES (?1, 1, 0, ?2 + ?3, 0) ON CONFLICT (key) DO UPDATE SET "
    };
}

/// The wait after one failure more than `failures`, in milliseconds.
macro_rules! wait {
    () => {
        "min(900000, 1000 << min(failures - 4, 10))"
    };
}

const PAIR_FAILED: &str = concat!(
    insert_failure!(),
    "failures = CASE WHEN expires_at > ?2 THEN failures + 1 ELSE 1 END, \
     closed_until = CASE WHEN expires_at > ?2 AND failures >= 4 THEN ?2 + ",
    wait!(),
    " ELSE 0 END, \
     expires_at = CASE WHEN expires_at <= ?2 THEN ?2 + ?3 WHEN failures >= 4 THEN ?2 + 900000 + ",
    wait!(),
    " ELSE expires_at END \
     WHERE closed_until <= ?2"
);

const ADDRESS_FAILED: &str = concat!(
    insert_failure!(),
    "failures = CASE WHEN expires_at > ?2 THEN failures + 1 ELSE 1 END, \
     closed_until = CASE WHEN expires_at > ?2 AND failures >= 29 THEN expires_at ELSE 0 END, \
     expires_at = CASE WHEN expires_at > ?2 THEN expires_at ELSE ?2 + ?3 END \
     WHERE closed_until <= ?2"
);

/// Strange addresses count no further than they are let in, so that they leave the familiar ones
/// theirs.
const ACCOUNT_FAILED: &str = concat!(
    insert_failure!(),
    "failures = failures + (failures < 80 OR EXISTS (SELECT 1 FROM attempts AS pair \
       WHERE pair.key = ?4 AND pair.familiar_until > ?2)), \
     expires_at = ?2 + ?3"
);

/// ?1 pair, ?2 address, ?3 account, ?4 now, ?5 until when the pair is familiar.
const SUCCEEDED: &str = "WITH open AS (SELECT 1 WHERE \
      NOT EXISTS (SELECT 1 FROM attempts WHERE key IN (?1, ?2) AND closed_until > ?4) AND \
      NOT EXISTS (SELECT 1 FROM attempts WHERE key = ?3 AND failures >= CASE WHEN EXISTS \
        (SELECT 1 FROM attempts WHERE key = ?1 AND familiar_until > ?4) THEN 100 ELSE 80 END)) \
    INSERT INTO attempts (key, failures, closed_until, expires_at, familiar_until) \
    SELECT ?1, 0, 0, ?4, ?5 FROM open \
    UNION ALL \
    SELECT ?3, CASE WHEN expires_at > ?4 THEN max(0, failures - coalesce(\
        (SELECT pair.failures FROM attempts AS pair WHERE pair.key = ?1), 0)) ELSE 0 END, \
      0, expires_at, 0 FROM open, attempts WHERE key = ?3 \
    ON CONFLICT (key) DO UPDATE SET failures = excluded.failures, \
      closed_until = excluded.closed_until, expires_at = excluded.expires_at, \
      familiar_until = excluded.familiar_until \
    RETURNING 1";

/// ?1 pair, ?2 now, ?3 until when it is familiar; only if ?4 has the stored password ?5, which no
/// two accounts share.
const REGISTERED: &str = "INSERT INTO attempts \
    (key, failures, closed_until, expires_at, familiar_until) \
    SELECT ?1, 0, 0, ?2, ?3 \
    WHERE EXISTS (SELECT 1 FROM users WHERE email = ?4 AND password_hash = ?5) \
    ON CONFLICT (key) DO UPDATE SET familiar_until = excluded.familiar_until";

const FORGET: &str = "DELETE FROM attempts WHERE key = ?1";

/// Those of a user stay: 100 failures in a row are 100 in however long a time.
const PURGE: &str = "DELETE FROM attempts WHERE expires_at <= ?1 AND familiar_until <= ?1 \
    AND (failures = 0 OR key NOT GLOB 'user *')";

impl Attempts<'_> {
    /// Takes note of the right password for `account`, unless the pair, the address or the account
    /// is closed; says whether it was taken.
    ///
    /// # Errors
    /// The database failed.
    pub async fn succeeded(
        &self,
        keys: &AttemptKeys,
        account: &str,
        now: u64,
    ) -> Result<bool, StoreError> {
        let values = [
            keys.pair.as_str().into(),
            keys.address.as_str().into(),
            account.into(),
            number(now),
            number(now + FAMILIAR),
        ];
        Ok(self.0.first(SUCCEEDED, &values).await?.is_some())
    }

    /// The statement that makes a pair familiar, to be run after the account was made.
    pub(super) fn registered(
        keys: &AttemptKeys,
        email: JsValue,
        password_hash: &str,
        now: u64,
    ) -> Statement {
        let values = vec![
            keys.pair.as_str().into(),
            number(now),
            number(now + FAMILIAR),
            email,
            password_hash.into(),
        ];
        Statement(REGISTERED, values)
    }

    /// The statement that forgets the failures of an account.
    pub(super) fn forgotten(account: &str) -> Statement {
        Statement(FORGET, vec![account.into()])
    }

    /// Counts a wrong password; says until when the pair or the address was closed already.
    ///
    /// # Errors
    /// The database failed.
    pub async fn failed(
        &self,
        keys: &AttemptKeys,
        account: &str,
        now: u64,
    ) -> Result<Option<u64>, StoreError> {
        let pair = JsValue::from(keys.pair.as_str());
        let address = JsValue::from(keys.address.as_str());
        let at = number(now);
        let closed = vec![pair.clone(), address.clone(), at.clone()];
        let pair_failed = vec![pair.clone(), at.clone(), number(MINUTE)];
        let address_failed = vec![address, at.clone(), number(MINUTE)];
        let account_failed = vec![account.into(), at, number(DAY), pair];
        self.count(&[
            Statement(CLOSED, closed),
            Statement(PAIR_FAILED, pair_failed),
            Statement(ADDRESS_FAILED, address_failed),
            Statement(ACCOUNT_FAILED, account_failed),
        ])
        .await
    }

    /// Counts a failure of the address of this key alone; says until when it was closed already.
    ///
    /// # Errors
    /// The database failed.
    pub async fn address_failed(&self, key: &str, now: u64) -> Result<Option<u64>, StoreError> {
        let key = JsValue::from(key);
        let closed = vec![key.clone(), key.clone(), number(now)];
        self.count(&[
            Statement(CLOSED, closed),
            Statement(ADDRESS_FAILED, vec![key, number(now), number(MINUTE)]),
        ])
        .await
    }

    /// Deletes what no longer counts.
    ///
    /// # Errors
    /// The database failed.
    pub async fn purge(&self, now: u64) -> Result<(), StoreError> {
        self.0.first(PURGE, &[number(now)]).await?;
        Ok(())
    }

    /// Runs the statements, of which [`CLOSED`] is the first.
    async fn count(&self, statements: &[Statement]) -> Result<Option<u64>, StoreError> {
        let row = self.0.batch(statements).await?;
        row.map_or(Ok(None), |row| row.time(0))
    }
}
