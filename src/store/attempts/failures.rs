//! Counting failed attempts.

use wasm_bindgen::JsValue;

use super::{Attempts, CLOSED, Closed, MINUTE};
use crate::store::{Statement, StoreError, length, millis};
use edge_auth_core::throttle::{AccountKeys, AttemptKey, AttemptKeys};
use edge_auth_core::time::UnixMillis;

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

impl Attempts<'_> {
    /// Counts a wrong password. Says until when the pair was closed already, by itself or by its
    /// address, and until when the address is now.
    ///
    /// # Errors
    /// The database failed.
    pub async fn failed(
        &self,
        keys: &AttemptKeys,
        account: &AccountKeys,
        now: UnixMillis,
    ) -> Result<Closed, StoreError> {
        let [pair, address] = [&keys.pair, &keys.address].map(|key| JsValue::from(key.as_str()));
        let [here, everywhere] =
            [&account.here, &account.everywhere].map(|key| JsValue::from(key.as_str()));
        let at = millis(now);
        let run = |key: &JsValue| vec![key.clone(), at.clone(), length(MINUTE)];
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
    pub async fn address_failed(
        &self,
        key: &AttemptKey,
        now: UnixMillis,
    ) -> Result<Closed, StoreError> {
        let key = JsValue::from(key.as_str());
        let closed = vec![key.clone(), key.clone(), millis(now)];
        self.count(&[
            Statement(CLOSED, closed),
            Statement(ADDRESS_FAILED, vec![key, millis(now), length(MINUTE)]),
        ])
        .await
    }

    /// Runs the statements, of which [`CLOSED`] is the first and [`ADDRESS_FAILED`] the second.
    async fn count(&self, statements: &[Statement]) -> Result<Closed, StoreError> {
        let answers = self.0.batch_all(statements).await?;
        let time = |index, column| match answers.rows(index)?.first() {
            Some(row) => row.millis(column),
            None => Ok(None),
        };
        let now_closed = time(1, 0)?.filter(|time| *time > UnixMillis(0));
        Ok(Closed {
            pair: time(0, 0)?,
            address: time(0, 1)?.or(now_closed),
        })
    }
}
