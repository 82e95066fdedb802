//! The table `sessions`.

use wasm_bindgen::JsValue;

use super::{Database, Row, Statement, StoreError, id_number, number, or_null};
use crate::auth::account::UserId;
use crate::auth::session::{Lifetimes, RefreshToken, SessionId};

/// A session to be opened.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// Its identifier.
    pub id: &'a SessionId,
    /// The header `User-Agent` of the request that opens it.
    pub user_agent: Option<&'a str>,
    /// The most sessions that its user may have; the oldest ones go.
    pub limit: u32,
    /// Unix time in milliseconds.
    pub now: u64,
}

/// A session as its user sees it.
#[derive(Debug)]
pub struct Session {
    /// Its identifier.
    pub id: String,
    /// When it was opened, UTC, as in `2024-01-15T10:30:00`.
    pub created_at: String,
    /// When it was last refreshed, in the same form.
    pub last_used_at: String,
    /// What opened it, by its own words.
    pub user_agent: Option<String>,
}

/// What a refresh token is exchanged for.
#[derive(Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// An access token for this user, and the refresh token of this number.
    Next {
        /// The user.
        user_id: UserId,
        /// The user's role.
        role: String,
        /// The user's epoch.
        epoch: u64,
        /// The number of the refresh token that is not spent.
        generation: u32,
    },
    /// Nothing: the session is over.
    Revoked,
    /// Nothing: the token was spent long ago, which has ended this user's session.
    Reused(UserId),
}

/// The sessions in a D1 database.
#[derive(Debug)]
pub struct Sessions<'a>(pub &'a Database);

/// Only while the account is as it was when the password was looked at: one that is changed
/// meanwhile ends this session too.
const OPEN: &str = "INSERT INTO sessions (id, user_id, created_at, last_used_at, user_agent) \
    SELECT ?1, id, ?3, ?3, ?4 FROM users WHERE id = ?2 AND epoch = ?5 AND disabled = 0 RETURNING 1";

const TRIM: &str = "DELETE FROM sessions WHERE user_id = ?1 AND rowid IN \
    (SELECT rowid FROM sessions WHERE user_id = ?1 ORDER BY rowid DESC LIMIT -1 OFFSET ?2)";

const OPEN_FIRST: &str = "INSERT INTO sessions (id, user_id, created_at, last_used_at, user_agent) \
    SELECT ?1, id, ?3, ?3, ?4 FROM users WHERE email = ?2 AND password_hash = ?5";

/// Whether the token of number ?2 was spent less than 10 s before ?3.
macro_rules! spent_just_now {
    () => {
        "CAST(substr(spent, 13 * (generation - 1 - ?2) + 1, 13) AS INTEGER) > ?3 - 10000"
    };
}

/// The token of number ?2 is spent, or was just now, or long ago, which ends the session. A number
/// that is not yet due comes of a database that was restored.
const REFRESH: &str = concat!(
    "UPDATE sessions SET \
       revoked = generation > ?2 AND NOT ",
    spent_just_now!(),
    ", spent = CASE WHEN generation = ?2 THEN substr(printf('%013d', ?3) || spent, 1, 208) \
         WHEN generation < ?2 THEN printf('%013d', ?3) ELSE spent END, \
       generation = max(generation, ?2 + 1), \
       last_used_at = ?3 \
     WHERE id = ?1 AND revoked = 0 AND created_at > ?3 - ?4 AND last_used_at > ?3 - ?5 \
       AND EXISTS (SELECT 1 FROM users WHERE id = user_id AND disabled = 0) \
     RETURNING revoked, generation, user_id, \
       (SELECT role FROM users WHERE id = user_id), (SELECT epoch FROM users WHERE id = user_id)"
);

const LIST: &str = "SELECT id, strftime('%Y-%m-%dT%H:%M:%S', created_at / 1000, 'unixepoch'), \
      strftime('%Y-%m-%dT%H:%M:%S', last_used_at / 1000, 'unixepoch'), user_agent \
    FROM sessions WHERE user_id = ?1 AND revoked = 0 \
      AND created_at > ?2 - ?3 AND last_used_at > ?2 - ?4 ORDER BY rowid";

const CLOSE: &str = "DELETE FROM sessions WHERE id = ?1 RETURNING user_id";

const CLOSE_OF_USER: &str =
    "DELETE FROM sessions WHERE id = ?1 AND user_id = ?2 AND revoked = 0 RETURNING 1";

const CLOSE_OTHERS: &str = "DELETE FROM sessions WHERE user_id = ?1 AND id IS NOT ?2";

const PURGE: &str = "DELETE FROM sessions \
    WHERE revoked = 1 OR created_at <= ?1 - ?2 OR last_used_at <= ?1 - ?3";

impl Sessions<'_> {
    /// Opens a session of `user` at that epoch; false where the account has changed meanwhile.
    ///
    /// # Errors
    /// The database failed.
    pub async fn open(
        &self,
        user: UserId,
        epoch: u64,
        new: &NewSession<'_>,
    ) -> Result<bool, StoreError> {
        let values = vec![
            new.id.as_str().into(),
            id_number(user),
            number(new.now),
            or_null(new.user_agent),
            number(epoch),
        ];
        let statements = [
            Statement(OPEN, values),
            Statement(TRIM, vec![id_number(user), new.limit.into()]),
        ];
        Ok(self.0.batch(&statements).await?.is_some())
    }

    /// The statement that opens the first session of an account, to be run after it was made with
    /// that e-mail address and stored password.
    pub(super) fn opened_first(
        email: JsValue,
        password_hash: &str,
        new: &NewSession<'_>,
    ) -> Statement {
        let values = vec![
            new.id.as_str().into(),
            email,
            number(new.now),
            or_null(new.user_agent),
            password_hash.into(),
        ];
        Statement(OPEN_FIRST, values)
    }

    /// Spends `token`.
    ///
    /// # Errors
    /// The database failed. Whether or not the token was spent, it is good for 10 s.
    pub async fn refresh(
        &self,
        token: &RefreshToken,
        lifetimes: Lifetimes,
        now: u64,
    ) -> Result<Refreshed, StoreError> {
        let values = [
            token.session.as_str().into(),
            token.generation.into(),
            number(now),
            number(lifetimes.absolute),
            number(lifetimes.idle),
        ];
        let Some(row) = self.0.first(REFRESH, &values).await? else {
            return Ok(Refreshed::Revoked);
        };
        let user_id = row.user_id(2)?;
        if row.integer(0)? != 0 {
            return Ok(Refreshed::Reused(user_id));
        }
        Ok(Refreshed::Next {
            generation: u32::try_from(row.integer(1)?).map_err(|_| Row::unexpected(1))?,
            user_id,
            role: row.required_text(3)?,
            epoch: row.time(4)?.unwrap_or_default(),
        })
    }

    /// The sessions of `user` that are not over, the oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn list(
        &self,
        user: UserId,
        lifetimes: Lifetimes,
        now: u64,
    ) -> Result<Vec<Session>, StoreError> {
        let values = [
            id_number(user),
            number(now),
            number(lifetimes.absolute),
            number(lifetimes.idle),
        ];
        let rows = self.0.all(LIST, &values).await?;
        let session = |row: Row| {
            Ok(Session {
                id: row.required_text(0)?,
                created_at: row.required_text(1)?,
                last_used_at: row.required_text(2)?,
                user_agent: row.text(3),
            })
        };
        rows.into_iter().map(session).collect()
    }

    /// Ends a session, if there is one of that identifier; whose it was.
    ///
    /// # Errors
    /// The database failed.
    pub async fn close(&self, id: &str) -> Result<Option<UserId>, StoreError> {
        let row = self.0.first(CLOSE, &[id.into()]).await?;
        row.map(|row| row.user_id(0)).transpose()
    }

    /// Ends a session of `user`; false where there is none of that identifier.
    ///
    /// # Errors
    /// The database failed.
    pub async fn close_of_user(&self, id: &str, user: UserId) -> Result<bool, StoreError> {
        let values = [id.into(), id_number(user)];
        Ok(self.0.first(CLOSE_OF_USER, &values).await?.is_some())
    }

    /// Ends the sessions of `user` but `current`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn close_others(
        &self,
        user: UserId,
        current: Option<&str>,
    ) -> Result<(), StoreError> {
        self.0.batch(&[Self::others_closed(user, current)]).await?;
        Ok(())
    }

    /// The statement of [`Sessions::close_others`].
    pub(super) fn others_closed(user: UserId, current: Option<&str>) -> Statement {
        Statement(CLOSE_OTHERS, vec![id_number(user), or_null(current)])
    }

    /// Deletes the sessions that are over.
    ///
    /// # Errors
    /// The database failed.
    pub async fn purge(&self, lifetimes: Lifetimes, now: u64) -> Result<(), StoreError> {
        let values = [
            number(now),
            number(lifetimes.absolute),
            number(lifetimes.idle),
        ];
        self.0.first(PURGE, &values).await?;
        Ok(())
    }
}
