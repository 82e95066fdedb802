//! What accounts' owners do with them.

use edge_auth_core::account::{Name, User, UserId, Username};
use edge_auth_core::throttle::AttemptKey;
use edge_auth_core::time::{UnixMillis, UnixSeconds};

use super::{Users, account, columns, is_last_admin};
use crate::store::attempts::Attempts;
use crate::store::challenges::voided_by_password;
use crate::store::outbox::{Notice, Queued, queued};
use crate::store::passkeys::has_lone_passkey;
use crate::store::sessions::Sessions;
use crate::store::{
    Authority, Row, Statement, StoreError, caller_may, id_number, millis, or_null, seconds,
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

/// A new password of the caller's, or that it has none any more.
#[derive(Debug)]
pub struct PasswordChange<'a> {
    /// As it is stored.
    pub password_hash: Option<&'a str>,
    /// Whether there was one when the caller was asked who it is.
    pub had_password: bool,
    /// Whether mail is set up, so that a code to the account's address is a way to sign in.
    pub mail_is_set_up: bool,
    /// How the account's owner is told, if at all.
    pub notice: Option<Notice<'a>>,
}

/// Only at the epoch at which the stored password was checked, and not the last way to sign in: ?6 is
/// whether a code by mail is another one.
const CHANGE_PASSWORD: &str = concat!(
    "UPDATE users SET password_hash = ?2, epoch = epoch + 1, tokens_valid_after = ?3, \
       updated_at = strftime('%Y-%m-%dT%H:%M:%S', 'now') \
     WHERE id = ?1 AND (password_hash IS NOT NULL) = ?5 AND (?2 IS NOT NULL OR (?6 AND email IS NOT NULL) OR ",
    has_lone_passkey!("users.id", "''"),
    ") AND ",
    caller_may!("?4"),
    " RETURNING 1"
);

/// By which ways an account signs in beside its password.
#[derive(Debug)]
pub struct Ways {
    /// Whether one-time passwords are on.
    pub totp: bool,
    /// How many passkeys it has.
    pub passkeys: u64,
    /// How many of them are a second factor.
    pub second_factor_passkeys: u64,
    /// How many recovery codes are left.
    pub recovery_codes: u64,
    /// The address that it is to have, once that is proven.
    pub pending_email: Option<String>,
}

const WAYS: &str = "SELECT \
    EXISTS (SELECT 1 FROM totp WHERE user_id = ?1 AND secret IS NOT NULL), \
    (SELECT count(*) FROM passkeys WHERE user_id = ?1), \
    (SELECT count(*) FROM passkeys WHERE user_id = ?1 AND second_factor = 1), \
    (SELECT count(*) FROM recovery_codes WHERE user_id = ?1), \
    (SELECT new_email FROM challenges JOIN users ON users.id = user_id \
      WHERE user_id = ?1 AND kind = 'email_change' AND spent_by IS NULL AND expires_at > ?2 \
        AND challenges.email IS users.email \
      ORDER BY challenges.created_at DESC LIMIT 1)";

/// What was sent to the account ?1, which is deleted a statement later, goes on to count against the limits
/// and names nobody.
const FORGET_ADDRESSES: &str = concat!(
    "UPDATE challenges SET email = NULL, new_email = NULL, spent_by = coalesce(spent_by, 'void') \
     WHERE user_id = ?1 AND EXISTS (SELECT 1 FROM users WHERE id = ?1 AND NOT (",
    is_last_admin!(),
    ")) AND ",
    caller_may!("?2")
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
    /// By which ways the account of that id signs in.
    ///
    /// # Errors
    /// The database failed.
    pub async fn ways(&self, id: UserId, now: UnixMillis) -> Result<Ways, StoreError> {
        let row = self.0.first(WAYS, &[id_number(id), millis(now)]).await?;
        let row = row.ok_or_else(Row::missing)?;
        let count = |column| row.unsigned(column).map(Option::unwrap_or_default);
        Ok(Ways {
            totp: row.integer(0)? != 0,
            passkeys: count(1)?,
            second_factor_passkeys: count(2)?,
            recovery_codes: count(3)?,
            pending_email: row.text(4),
        })
    }

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

    /// Stores a new password of the caller, ends every token and session but the caller's and voids what
    /// was sent by mail; `None` where the caller may not. Gives the mail that tells of it.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn change_password(
        &self,
        change: &PasswordChange<'_>,
        authority: &Authority<'_>,
        now: UnixSeconds,
    ) -> Result<Option<Option<Queued>>, StoreError> {
        let id = authority.user_id;
        let values = vec![
            id_number(id),
            or_null(change.password_hash),
            seconds(now),
            authority.value(),
            u32::from(change.had_password).into(),
            u32::from(change.mail_is_set_up).into(),
        ];
        let mut statements = vec![
            Statement(CHANGE_PASSWORD, values),
            Sessions::kept(id, authority.session, change.password_hash),
            voided_by_password(id, change.password_hash),
        ];
        let notice = change.notice;
        statements.extend(notice.map(|notice| notice.of_password(id, change.password_hash)));
        let answers = self.0.batch_all(&statements).await?;
        if answers.rows(0)?.is_empty() {
            return Ok(None);
        }
        let mail = match change.notice {
            Some(_) => answers.rows(3)?.first().map(queued).transpose()?,
            None => None,
        };
        Ok(Some(mail))
    }

    /// Deletes the caller's account with its sessions, unless it is the last admin's or the caller
    /// may not, and says whether it did. Its id is never used again.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn delete(&self, authority: &Authority<'_>) -> Result<bool, StoreError> {
        let id = authority.user_id;
        let values = vec![id_number(id), authority.value()];
        let statements = [
            Statement(FORGET_ADDRESSES, values.clone()),
            Statement(DELETE, values),
            Attempts::account_forgotten(id),
        ];
        let answers = self.0.batch_all(&statements).await?;
        Ok(!answers.rows(1)?.is_empty())
    }
}
