//! What people do with their own passkeys.

use super::{Passkey, Passkeys, answer, answered, passkey, passkey_columns, truth};
use crate::store::outbox::{Notice, Queued, queued};
use crate::store::recovery_codes::useless_deleted;
use crate::store::{
    Authority, Statement, StoreError, caller_may, id_number, millis, or_null, tickets,
};
use edge_auth_core::account::Name;
use edge_auth_core::passkey::{Challenge, NewPasskey, PasskeyId};
use edge_auth_core::time::UnixMillis;

/// The most passkeys of an account: no list grows without end, and nobody owns as many devices.
pub const MOST_PASSKEYS: u32 = 20;

/// A passkey to be stored.
#[derive(Debug)]
pub struct Registered<'a> {
    /// What clients know it by.
    pub id: &'a PasskeyId,
    /// What its authenticator said.
    pub passkey: &'a NewPasskey,
    /// What its owner calls it.
    pub name: &'a Name,
    /// Whether it makes every other way to sign in ask for a second factor.
    pub second_factor: bool,
    /// What it answered, and spends.
    pub challenge: &'a Challenge,
    /// How the account's owner is told, if at all.
    pub notice: Option<Notice<'a>>,
    /// The time.
    pub now: UnixMillis,
}

/// Why a passkey was not stored.
#[derive(Debug)]
pub enum InsertError {
    /// There is one of that id already, whosever it is.
    AlreadyRegistered,
    /// The account has as many as it may.
    TooMany,
    /// The database failed.
    Store(StoreError),
}

impl From<StoreError> for InsertError {
    fn from(error: StoreError) -> Self {
        if error.is_duplicate_of("passkeys.credential_id") {
            Self::AlreadyRegistered
        } else {
            Self::Store(error)
        }
    }
}

/// What its owner changes of a passkey.
#[derive(Debug)]
pub struct PasskeyChange<'a> {
    /// What it is called from now on.
    pub name: Option<&'a Name>,
    /// Whether it makes every other way to sign in ask for a second factor, where that changes.
    pub second_factor: Option<bool>,
    /// Whether mail is set up, so that a code to the account's address is a way to sign in.
    pub mail_is_set_up: bool,
    /// How the account's owner is told, if at all.
    pub notice: Option<Notice<'a>>,
}

const ANSWERED_BY_CALLER: &str = answered!(caller_may!("?3"));

/// After the statement that spent its challenge.
const INSERT: &str = concat!(
    "INSERT INTO passkeys (credential_id, user_id, id, public_key, sign_count, backup_eligible, \
       backed_up, user_verified, second_factor, name, created_at, transports) \
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12 WHERE changes() = 1 \
       AND (SELECT count(*) FROM passkeys WHERE user_id = ?2) < ?13 RETURNING ",
    passkey_columns!()
);

/// Whether account ?1 signs in by something else than passkeys. `$mail` is whether mail is set up: then a
/// code to its address is a way.
macro_rules! has_other_way {
    ($mail:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM users WHERE users.id = ?1 AND (password_hash IS NOT NULL OR (",
            $mail,
            " AND email IS NOT NULL)))"
        )
    };
}

/// Whether account `$user` has a passkey other than `$id` that is a whole sign-in: one without user
/// verification that is a second factor is half of one.
macro_rules! has_lone_passkey {
    ($user:literal, $id:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM passkeys AS other WHERE other.user_id = ",
            $user,
            " AND other.id <> ",
            $id,
            " AND (other.user_verified = 1 OR other.second_factor = 0))"
        )
    };
}
pub(in crate::store) use has_lone_passkey;

/// A passkey that is half of a sign-in is not made so where nothing else is the other half. ?6 is whether
/// mail is set up.
const CHANGE: &str = concat!(
    "UPDATE passkeys SET name = coalesce(?3, name), second_factor = coalesce(?4, second_factor) \
     WHERE user_id = ?1 AND id = ?2 AND ",
    caller_may!("?5"),
    " AND (coalesce(?4, 0) = 0 OR user_verified = 1 OR ",
    has_other_way!("?6"),
    " OR EXISTS (SELECT 1 FROM passkeys AS other WHERE other.user_id = ?1 AND other.id <> ?2)) \
     RETURNING ",
    passkey_columns!()
);

/// Not the last way to sign in. ?4 is whether mail is set up: then a code to the account's address is
/// another one.
const DELETE: &str = concat!(
    "DELETE FROM passkeys WHERE user_id = ?1 AND id = ?2 AND ",
    caller_may!("?3"),
    " AND (",
    has_other_way!("?4"),
    " OR ",
    has_lone_passkey!("?1", "?2"),
    ") RETURNING 1"
);

impl Passkeys<'_> {
    /// Stores a passkey of the caller's; `None` where its challenge was answered before, or the caller may
    /// not any more. Gives the mail that tells of it.
    ///
    /// # Errors
    /// See [`InsertError`]. Nothing has changed, but that the challenge is spent where there are too many.
    pub async fn insert(
        &self,
        new: &Registered<'_>,
        authority: &Authority<'_>,
    ) -> Result<Option<(Passkey, Option<Queued>)>, InsertError> {
        let (user, made) = (authority.user_id, new.passkey);
        let mut answered = answer(new.challenge);
        answered.push(authority.value());
        let values = vec![
            made.credential_id.as_str().into(),
            id_number(user),
            new.id.as_str().into(),
            made.public_key.as_str().into(),
            made.sign_count.into(),
            truth(made.backup_eligible),
            truth(made.backed_up),
            truth(made.user_verified),
            truth(new.second_factor),
            new.name.as_str().into(),
            millis(new.now),
            made.transports.join(" ").into(),
            MOST_PASSKEYS.into(),
        ];
        let mut statements = vec![
            Statement(ANSWERED_BY_CALLER, answered),
            Statement(INSERT, values),
        ];
        statements.extend(new.notice.map(|notice| notice.right_after(user)));
        statements.push(tickets::voided(user, authority));
        let answers = self.0.batch_all(&statements).await?;
        if answers.rows(0)?.is_empty() {
            return Ok(None);
        }
        let rows = answers.rows(1)?;
        let row = rows.first().ok_or(InsertError::TooMany)?;
        let mail = match new.notice {
            Some(_) => answers.rows(2)?.first().map(queued).transpose()?,
            None => None,
        };
        Ok(Some((passkey(row)?, mail)))
    }

    /// Changes a passkey of the caller's; `None` where there is none of that `id`, it would be half of
    /// the only way to sign in, or the caller may not any more. Gives the mail that tells of it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn change(
        &self,
        id: &str,
        change: &PasskeyChange<'_>,
        authority: &Authority<'_>,
    ) -> Result<Option<(Passkey, Option<Queued>)>, StoreError> {
        let user = authority.user_id;
        let values = vec![
            id_number(user),
            id.into(),
            or_null(change.name.map(Name::as_str)),
            or_null(change.second_factor.map(u32::from)),
            authority.value(),
            truth(change.mail_is_set_up),
        ];
        let mut statements = vec![Statement(CHANGE, values)];
        statements.extend(change.notice.map(|notice| notice.right_after(user)));
        if change.second_factor.is_some() {
            statements.push(useless_deleted(authority));
            statements.push(tickets::voided(user, authority));
        }
        let answers = self.0.batch_all(&statements).await?;
        let rows = answers.rows(0)?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let mail = match change.notice {
            Some(_) => answers.rows(1)?.first().map(queued).transpose()?,
            None => None,
        };
        Ok(Some((passkey(row)?, mail)))
    }

    /// Deletes a passkey of the caller's; `None` where there is none of that `id`, it is the last way to
    /// sign in, or the caller may not any more. Gives the mail that tells of it.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn delete(
        &self,
        id: &str,
        mail_is_set_up: bool,
        notice: Option<Notice<'_>>,
        authority: &Authority<'_>,
    ) -> Result<Option<Option<Queued>>, StoreError> {
        let user = authority.user_id;
        let values = vec![
            id_number(user),
            id.into(),
            authority.value(),
            truth(mail_is_set_up),
        ];
        let mut statements = vec![Statement(DELETE, values)];
        statements.extend(notice.map(|notice| notice.right_after(user)));
        statements.push(useless_deleted(authority));
        statements.push(tickets::voided(user, authority));
        let answers = self.0.batch_all(&statements).await?;
        if answers.rows(0)?.is_empty() {
            return Ok(None);
        }
        let mail = match notice {
            Some(_) => answers.rows(1)?.first().map(queued).transpose()?,
            None => None,
        };
        Ok(Some(mail))
    }
}
