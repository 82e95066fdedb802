//! What people do with their own sessions.

use super::{Sessions, earliest, is_open};
use crate::store::{
    Authority, Row, Statement, StoreError, caller_may, id_number, or_null, seconds, tickets,
};
use edge_auth_core::account::UserId;
use edge_auth_core::proof::Proof;
use edge_auth_core::session::{Lifetimes, SessionId};
use edge_auth_core::time::UnixMillis;

/// A session as its user sees it.
#[derive(Debug)]
pub struct Session {
    /// Its identifier.
    pub id: String,
    /// When it was opened, UTC, as in `2024-01-15T10:30:00`.
    pub created_at: String,
    /// When it was last refreshed, in the same form.
    pub last_used_at: String,
    /// The same as a point in time.
    pub last_used: UnixMillis,
    /// What opened it, by its own words.
    pub user_agent: Option<String>,
}

const LIST: &str = concat!(
    "SELECT sessions.id, \
       strftime('%Y-%m-%dT%H:%M:%S', sessions.created_at / 1000, 'unixepoch'), \
       strftime('%Y-%m-%dT%H:%M:%S', last_used_at / 1000, 'unixepoch'), user_agent, last_used_at \
     FROM users JOIN sessions ON ",
    is_open!("?2", "?3"),
    " WHERE users.id = ?1 ORDER BY sessions.created_at"
);

const CLOSE: &str = "DELETE FROM sessions WHERE id = ?1 RETURNING user_id";

const CLOSE_OF_USER: &str = concat!(
    "DELETE FROM sessions WHERE id = ?1 AND user_id = ?2 AND revoked = 0 \
     AND epoch = (SELECT epoch FROM users WHERE users.id = ?2) AND ",
    caller_may!("?3"),
    " RETURNING 1"
);

/// The session ?1 of the caller ?2 has been shown anew who it is.
const PROVE_AGAIN: &str = concat!(
    "UPDATE sessions SET auth_time = ?3, amr = ?4 WHERE id = ?1 AND ",
    caller_may!("?2"),
    " RETURNING 1"
);

const MAY_CLOSE: &str = concat!("SELECT 1 WHERE ", caller_may!("?1"));

const CLOSE_OTHERS: &str = concat!(
    "DELETE FROM sessions WHERE user_id = ?1 AND id IS NOT ?2 AND ",
    caller_may!("?3")
);

impl Sessions<'_> {
    /// The sessions of `user` that are not over, the oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn list(
        &self,
        user: UserId,
        lifetimes: Lifetimes,
        now: UnixMillis,
    ) -> Result<Vec<Session>, StoreError> {
        let [created, used] = earliest(lifetimes, now);
        let values = [id_number(user), created, used];
        let rows = self.0.all(LIST, &values).await?;
        let session = |row: Row| {
            Ok(Session {
                id: row.required_text(0)?,
                created_at: row.required_text(1)?,
                last_used_at: row.required_text(2)?,
                user_agent: row.text(3),
                last_used: row.millis(4)?.unwrap_or(UnixMillis(0)),
            })
        };
        rows.into_iter().map(session).collect()
    }

    /// Takes note that the caller has shown anew who they are; false where the session is over.
    ///
    /// # Errors
    /// The database failed.
    pub async fn prove_again(
        &self,
        proof: &Proof,
        authority: &Authority<'_>,
    ) -> Result<bool, StoreError> {
        let values = [
            or_null(authority.session.map(SessionId::as_str)),
            authority.value(),
            seconds(proof.auth_time),
            proof.amr.as_str().into(),
        ];
        Ok(self.0.first(PROVE_AGAIN, &values).await?.is_some())
    }

    /// Ends a session, if there is one of that identifier; whose it was.
    ///
    /// # Errors
    /// The database failed.
    pub async fn close(&self, id: &SessionId) -> Result<Option<UserId>, StoreError> {
        let row = self.0.first(CLOSE, &[id.as_str().into()]).await?;
        row.map(|row| row.user_id(0)).transpose()
    }

    /// Ends a session of the caller's; false where there is none of that identifier, or the caller
    /// may no longer end any.
    ///
    /// # Errors
    /// The database failed.
    pub async fn close_of_caller(
        &self,
        id: &str,
        authority: &Authority<'_>,
    ) -> Result<bool, StoreError> {
        let values = vec![id.into(), id_number(authority.user_id), authority.value()];
        let statements = [
            Statement(CLOSE_OF_USER, values),
            tickets::voided_right_after(authority.user_id),
        ];
        Ok(self.0.batch(&statements).await?.is_some())
    }

    /// Ends the sessions of the caller but the one that asks; false where the caller may not.
    ///
    /// # Errors
    /// The database failed.
    pub async fn close_others(&self, authority: &Authority<'_>) -> Result<bool, StoreError> {
        let session = or_null(authority.session.map(SessionId::as_str));
        let values = vec![id_number(authority.user_id), session, authority.value()];
        let statements = [
            Statement(MAY_CLOSE, vec![authority.value()]),
            Statement(CLOSE_OTHERS, values),
            tickets::voided(authority.user_id, authority),
        ];
        Ok(self.0.batch(&statements).await?.is_some())
    }
}
