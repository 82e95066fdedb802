//! Sessions of the pages, which a cookie names.

use super::{Sessions, earliest, is_open};
use crate::store::users::{Account, COLUMNS, account, columns};
use crate::store::{StoreError, millis};
use edge_auth_core::proof::{Amr, Proof};
use edge_auth_core::session::{Lifetimes, SessionId};
use edge_auth_core::time::{UnixMillis, UnixSeconds};

/// Whose session a page's cookie names.
#[derive(Debug)]
pub struct Visitor {
    /// The account, which is not disabled.
    pub account: Account,
    /// When and by what its owner last showed who they are.
    pub proof: Proof,
    /// When the session was opened.
    pub created_at: UnixMillis,
    /// When it was last written down that it is in use.
    pub last_used_at: UnixMillis,
}

const VISITOR: &str = concat!(
    "SELECT ",
    columns!(),
    ", auth_time, amr, opened_at, used_at FROM \
       (SELECT user_id AS holder, auth_time, amr, created_at AS opened_at, last_used_at AS used_at \
         FROM sessions WHERE sessions.id = ?1) \
     JOIN users ON users.id = holder \
     WHERE disabled = 0 AND EXISTS (SELECT 1 FROM sessions WHERE sessions.id = ?1 AND ",
    is_open!("?2", "?3"),
    ")"
);

/// Two visits at once write it down once.
const VISITED: &str = "UPDATE sessions SET last_used_at = ?3 WHERE id = ?1 AND last_used_at = ?2";

impl Sessions<'_> {
    /// Whose session `id` is, if it is not over.
    ///
    /// # Errors
    /// The database failed.
    pub async fn visitor(
        &self,
        id: &SessionId,
        lifetimes: Lifetimes,
        now: UnixMillis,
    ) -> Result<Option<Visitor>, StoreError> {
        let [created, used] = earliest(lifetimes, now);
        let values = [id.as_str().into(), created, used];
        let Some(row) = self.0.first(VISITOR, &values).await? else {
            return Ok(None);
        };
        let time = |column| row.millis(column).map(|time| time.unwrap_or(UnixMillis(0)));
        Ok(Some(Visitor {
            account: account(&row)?,
            proof: Proof {
                auth_time: row.seconds(COLUMNS)?.unwrap_or(UnixSeconds(0)),
                amr: Amr::stored(row.required_text(COLUMNS + 1)?),
            },
            created_at: time(COLUMNS + 2)?,
            last_used_at: time(COLUMNS + 3)?,
        }))
    }

    /// Writes down that the session `id` is in use at `now`, unless it was since `before`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn visited(
        &self,
        id: &SessionId,
        before: UnixMillis,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let values = [id.as_str().into(), millis(before), millis(now)];
        self.0.first(VISITED, &values).await?;
        Ok(())
    }
}
