//! What accounts' owners do with them.

use edge_auth_core::account::{Name, User, Username};
use edge_auth_core::throttle::AttemptKey;
use edge_auth_core::time::{UnixMillis, UnixSeconds};

use super::{Users, account, columns, is_last_admin};
use crate::store::attempts::Attempts;
use crate::store::sessions::Sessions;
use crate::store::{
    Authority, Statement, StoreError, caller_may, id_number, millis, or_null, seconds,
};

/// Why an account was not changed.
#[derive(Debug, PartialEq, Eq)]
pub enum UpdateError {
    /// Another account has the username.
    UsernameTaken,
    /// The database failed.
    Store(StoreError),
}

/// ?7 is the key of the client's address, ?8 the time: whoever may not ask whether a name is taken
/// is told nothing.
const UPDATE_PROFILE: &str = concat!(
    "UPDATE users SET name = coalesce(?2, name), \
       username = CASE WHEN ?3 THEN ?4 ELSE username END, \
       username_folded = CASE WHEN ?3 THEN ?5 ELSE username_folded END, \
       updated_at = strftime('%Y-%m-%dT%H:%M:%S', 'now') \
     WHERE id = ?1 AND ",
    caller_may!("?6"),
    " AND NOT (?4 IS NOT NULL AND EXISTS \
       (SELECT 1 FROM attempts WHERE key = ?7 AND closed_until > ?8)) RETURNING ",
    columns!()
);

/// Only at the epoch at which the stored password was checked.
const CHANGE_PASSWORD: &str = concat!(
    "UPDATE users SET password_hash = ?2, epoch = epoch + 1, tokens_valid_after = ?3, \
       updated_at = strftime('%Y-%m-%dT%H:%M:%S', 'now') \
     WHERE id = ?1 AND ",
    caller_may!("?4"),
    " RETURNING 1"
);

/// Its sessions go with it by the schema.
const DELETE: &str = concat!(
    "DELETE FROM users WHERE id = ?1 AND NOT (",
    is_last_admin!(),
    ") AND ",
    caller_may!("?2"),
    " RETURNING 1"
);

impl Users<'_> {
    /// Changes what is given of the caller's account; `Some(None)` takes the username away. `None`
    /// where the caller may not, or the address of that key is closed.
    ///
    /// # Errors
    /// See [`UpdateError`].
    pub async fn update_profile(
        &self,
        name: Option<&Name>,
        username: Option<Option<&Username>>,
        authority: &Authority<'_>,
        address: &AttemptKey,
        now: UnixMillis,
    ) -> Result<Option<User>, UpdateError> {
        let new = username.flatten();
        let values = [
            id_number(authority.user_id),
            or_null(name.map(Name::as_str)),
            username.is_some().into(),
            or_null(new.map(Username::as_str)),
            or_null(new.map(Username::folded)),
            authority.value(),
            address.as_str().into(),
            millis(now),
        ];
        let updated = async {
            self.0
                .first(UPDATE_PROFILE, &values)
                .await?
                .as_ref()
                .map(account)
                .transpose()
        };
        match updated.await {
            Ok(account) => Ok(account.map(|account| account.user)),
            Err(error) if error.is_duplicate_of("users.username_folded") => {
                Err(UpdateError::UsernameTaken)
            }
            Err(error) => Err(UpdateError::Store(error)),
        }
    }

    /// Stores a new password of the caller and ends every token and session but the caller's; false
    /// where the caller may not.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn change_password(
        &self,
        password_hash: &str,
        authority: &Authority<'_>,
        now: UnixSeconds,
    ) -> Result<bool, StoreError> {
        let id = authority.user_id;
        let values = vec![
            id_number(id),
            password_hash.into(),
            seconds(now),
            authority.value(),
        ];
        let statements = [
            Statement(CHANGE_PASSWORD, values),
            Sessions::kept(id, authority.session, password_hash),
        ];
        Ok(self.0.batch(&statements).await?.is_some())
    }

    /// Deletes the caller's account with its sessions, unless it is the last admin's or the caller
    /// may not, and says whether it did. Its id is never used again.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn delete(&self, authority: &Authority<'_>) -> Result<bool, StoreError> {
        let id = authority.user_id;
        let statements = [
            Statement(DELETE, vec![id_number(id), authority.value()]),
            Attempts::account_forgotten(id),
        ];
        Ok(self.0.batch(&statements).await?.is_some())
    }
}
