//! What deletes rows that no longer count. A purge goes through a table by its key, in steps of a
//! bounded number of rows, and the next one goes on where it ended: no statement is longer for there
//! being more users, and no column has an index that every write would have to keep.

use wasm_bindgen::JsValue;

use super::{Database, Statement, StoreError, millis, sessions};
use edge_auth_core::session::Lifetimes;
use edge_auth_core::time::UnixMillis;

/// The purges of a D1 database.
#[derive(Debug)]
pub struct Purges<'a>(pub &'a Database);

/// The rows that a step looks at.
const ROWS: u32 = 20_000;

/// The steps of one purge. All of them are within the 50 queries of an event on the free plan.
const STEPS: u32 = 5;

/// Greater than every key: keys are ASCII.
const LAST: &str = "~";

const STARTS: &str = "SELECT after_key FROM purges WHERE table_name = ?1";

const ENDS: &str = "INSERT INTO purges (table_name, after_key) VALUES (?1, ?2) \
    ON CONFLICT (table_name) DO UPDATE SET after_key = excluded.after_key \
    WHERE after_key <> excluded.after_key";

/// A table with a text as its key.
struct Table {
    name: &'static str,
    /// The last key of a step after ?1 that has ?2 rows; none if there are fewer.
    step: &'static str,
    /// Deletes what no longer counts after ?1 and up to ?2.
    delete: &'static str,
}

const ATTEMPTS: Table = Table {
    name: "attempts",
    step: "SELECT key FROM attempts WHERE key > ?1 ORDER BY key LIMIT 1 OFFSET ?2 - 1",
    delete: "DELETE FROM attempts WHERE key > ?1 AND key <= ?2 \
        AND expires_at <= ?3 AND familiar_until <= ?3",
};

const SESSIONS: Table = Table {
    name: "sessions",
    step: "SELECT id FROM sessions WHERE id > ?1 ORDER BY id LIMIT 1 OFFSET ?2 - 1",
    delete: "DELETE FROM sessions WHERE id > ?1 AND id <= ?2 AND (revoked = 1 \
        OR created_at <= ?3 OR last_used_at <= ?4 \
        OR epoch < (SELECT epoch FROM users WHERE users.id = user_id))",
};

/// A day is what the limits look back.
const CHALLENGES: Table = Table {
    name: "challenges",
    step: "SELECT id FROM challenges WHERE id > ?1 ORDER BY id LIMIT 1 OFFSET ?2 - 1",
    delete: "DELETE FROM challenges WHERE id > ?1 AND id <= ?2 \
        AND created_at <= ?3 - 86400000 AND (expires_at <= ?3 OR spent_by IS NOT NULL)",
};

const TICKETS: Table = Table {
    name: "tickets",
    step: "SELECT digest FROM tickets WHERE digest > ?1 ORDER BY digest LIMIT 1 OFFSET ?2 - 1",
    delete: "DELETE FROM tickets WHERE digest > ?1 AND digest <= ?2 AND expires_at <= ?3",
};

const ANSWERED_CHALLENGES: Table = Table {
    name: "answered_challenges",
    step: "SELECT digest FROM answered_challenges WHERE digest > ?1 \
        ORDER BY digest LIMIT 1 OFFSET ?2 - 1",
    // A minute later, since clocks differ: until then one that comes again is known.
    delete: "DELETE FROM answered_challenges WHERE digest > ?1 AND digest <= ?2 \
        AND expires_at <= ?3 - 60000",
};

/// The last of the ?2 oldest entries if it was made by ?1.
const OLD_AUDIT: &str = "SELECT max(id) FROM \
    (SELECT id, at FROM audit WHERE id > 0 ORDER BY id LIMIT ?2) AS oldest WHERE oldest.at <= ?1";

const DELETE_AUDIT: &str = "DELETE FROM audit WHERE id <= ?1 AND at <= ?2";

impl Purges<'_> {
    /// Deletes the attempts that no longer count.
    ///
    /// # Errors
    /// The database failed.
    pub async fn attempts(&self, now: UnixMillis) -> Result<(), StoreError> {
        self.walk(&ATTEMPTS, &[millis(now)]).await
    }

    /// Deletes the sessions that are over.
    ///
    /// # Errors
    /// The database failed.
    pub async fn sessions(&self, lifetimes: Lifetimes, now: UnixMillis) -> Result<(), StoreError> {
        let earliest = sessions::earliest(lifetimes, now);
        self.walk(&SESSIONS, &earliest).await
    }

    /// Deletes the challenges that are good no more, and that no limit counts.
    ///
    /// # Errors
    /// The database failed.
    pub async fn challenges(&self, now: UnixMillis) -> Result<(), StoreError> {
        self.walk(&CHALLENGES, &[millis(now)]).await
    }

    /// Deletes what is left of sign-ins by second factors and by passkeys that nothing can come of.
    ///
    /// # Errors
    /// The database failed.
    pub async fn sign_ins(&self, now: UnixMillis) -> Result<(), StoreError> {
        self.walk(&TICKETS, &[millis(now)]).await?;
        self.walk(&ANSWERED_CHALLENGES, &[millis(now)]).await
    }

    /// Deletes the entries of the audit trail that are not younger than `time`, the oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn audit(&self, time: UnixMillis) -> Result<(), StoreError> {
        for _ in 0..STEPS {
            let values = [millis(time), ROWS.into()];
            let row = self.0.first(OLD_AUDIT, &values).await?;
            let Some(last) = row.map_or(Ok(None), |row| row.optional_integer(0))? else {
                break;
            };
            // Exact: ids are counted from 1.
            #[allow(clippy::cast_precision_loss)]
            let values = [JsValue::from_f64(last as f64), millis(time)];
            self.0.first(DELETE_AUDIT, &values).await?;
        }
        Ok(())
    }

    async fn walk(&self, table: &Table, values: &[JsValue]) -> Result<(), StoreError> {
        let row = self.0.first(STARTS, &[table.name.into()]).await?;
        let mut start = row.and_then(|row| row.text(0)).unwrap_or_default();
        for _ in 0..STEPS {
            let bounds = [JsValue::from(&start), ROWS.into()];
            let row = self.0.first(table.step, &bounds).await?;
            let end = row.and_then(|row| row.text(0));
            let bounds = [&*start, end.as_deref().unwrap_or(LAST)].map(JsValue::from);
            let next = end.clone().unwrap_or_default();
            let statements = [
                Statement(table.delete, [&bounds[..], values].concat()),
                Statement(ENDS, vec![table.name.into(), next.as_str().into()]),
            ];
            self.0.batch(&statements).await?;
            if end.is_none() {
                break;
            }
            start = next;
        }
        Ok(())
    }
}
