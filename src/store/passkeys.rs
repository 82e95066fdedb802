//! The tables `passkeys` and `answered_challenges`.

use wasm_bindgen::JsValue;

use super::outbox::{Notice, Queued, queued};
use super::users::{SIGNING_IN_COLUMNS, SigningIn, columns, signing_in, signing_in_columns};
use super::{
    Authority, Database, Row, Statement, StoreError, caller_may, id_number, millis, number,
    or_null, tickets,
};
use edge_auth_core::account::{Name, UserId};
use edge_auth_core::passkey::{
    Challenge, CredentialId, Descriptor, NewPasskey, PasskeyId, StoredPasskey, UserHandle, Verified,
};
use edge_auth_core::time::UnixMillis;

/// The passkeys in a D1 database.
#[derive(Debug)]
pub struct Passkeys<'a>(pub &'a Database);

/// The most passkeys of an account: no list grows without end, and nobody owns as many devices.
pub const MOST_PASSKEYS: u32 = 20;

/// A passkey as its owner sees it.
#[derive(Debug, PartialEq, Eq)]
pub struct Passkey {
    /// A UUID.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// When it was registered, UTC, as in `2024-01-15T10:30:00`.
    pub created_at: String,
    /// When it was last used, in the same form.
    pub last_used_at: Option<String>,
    /// Whether it was backed up when it was last used.
    pub backed_up: bool,
    /// Whether its user was verified at registration.
    pub user_verified: bool,
    /// Whether every other way to sign in asks for a second factor.
    pub second_factor: bool,
}

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
    /// How the account's owner is told, if at all.
    pub notice: Option<Notice<'a>>,
}

/// A passkey by which somebody signs in, and whose it is.
#[derive(Debug)]
pub struct Owned {
    /// The account.
    pub owner: SigningIn,
    /// What an assertion is checked by.
    pub passkey: StoredPasskey,
}

/// A passkey that was used as it should.
#[derive(Debug)]
pub struct Used<'a> {
    /// What its authenticator said.
    pub verified: &'a Verified,
    /// Whose it is.
    pub user_id: UserId,
    /// The account's epoch when it was looked up.
    pub epoch: u64,
    /// What it answered, and spends.
    pub challenge: &'a Challenge,
    /// How the account's owner is told of a counter that did not grow, if at all.
    pub notice: Option<Notice<'a>>,
    /// The time.
    pub now: UnixMillis,
}

/// The columns of a [`Passkey`], in the order in which `passkey` reads them.
macro_rules! passkey_columns {
    () => {
        "id, name, strftime('%Y-%m-%dT%H:%M:%S', created_at / 1000, 'unixepoch'), \
         strftime('%Y-%m-%dT%H:%M:%S', last_used_at / 1000, 'unixepoch'), \
         backed_up, user_verified, second_factor"
    };
}

const LIST: &str = concat!(
    "SELECT ",
    passkey_columns!(),
    " FROM passkeys WHERE user_id = ?1 ORDER BY created_at, id"
);

const LOOK: &str = concat!(
    "SELECT ",
    passkey_columns!(),
    " FROM passkeys WHERE user_id = ?1 AND id = ?2"
);

/// D1 gives no bytes in a form that is cheap to read.
const HANDLE: &str = "SELECT hex(user_handle) FROM users WHERE id = ?1";

const DESCRIPTORS: &str =
    "SELECT credential_id, transports FROM passkeys WHERE user_id = ?1 ORDER BY created_at, id";

/// Spends the challenge ?1, which is refused by its age from ?2 on.
macro_rules! answered {
    ($condition:expr) => {
        concat!(
            "INSERT INTO answered_challenges (digest, expires_at) SELECT ?1, ?2 WHERE ",
            $condition,
            " ON CONFLICT (digest) DO NOTHING RETURNING 1"
        )
    };
}

const ANSWERED_BY_CALLER: &str = answered!(caller_may!("?3"));

/// By the passkey ?3 of account ?4, which is as it was when it was looked up.
const ANSWERED_BY_OWNER: &str = answered!(
    "EXISTS (SELECT 1 FROM passkeys JOIN users ON users.id = passkeys.user_id \
       WHERE credential_id = ?3 AND users.id = ?4 AND users.epoch = ?5 AND users.disabled = 0)"
);

/// After the statement that spent its challenge.
const INSERT: &str = concat!(
    "INSERT INTO passkeys (credential_id, user_id, id, public_key, sign_count, backup_eligible, \
       backed_up, user_verified, second_factor, name, created_at, transports) \
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12 WHERE changes() = 1 \
       AND (SELECT count(*) FROM passkeys WHERE user_id = ?2) < ?13 RETURNING ",
    passkey_columns!()
);

const CHANGE: &str = concat!(
    "UPDATE passkeys SET name = coalesce(?3, name), second_factor = coalesce(?4, second_factor) \
     WHERE user_id = ?1 AND id = ?2 AND ",
    caller_may!("?5"),
    " RETURNING ",
    passkey_columns!()
);

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
pub(super) use has_lone_passkey;

/// Not the last way to sign in. ?4 is whether mail is set up: then a code to the account's address is
/// another one.
const DELETE: &str = concat!(
    "DELETE FROM passkeys WHERE user_id = ?1 AND id = ?2 AND ",
    caller_may!("?3"),
    " AND (EXISTS (SELECT 1 FROM users WHERE users.id = ?1 \
         AND (password_hash IS NOT NULL OR (?4 AND email IS NOT NULL))) OR ",
    has_lone_passkey!("?1", "?2"),
    ") RETURNING 1"
);

const OWNED: &str = concat!(
    "SELECT ",
    signing_in_columns!(),
    ", public_key, sign_count, backup_eligible, user_verified, hex(user_handle) \
     FROM users JOIN (SELECT user_id AS owner_id, public_key, sign_count, backup_eligible, user_verified \
       FROM passkeys WHERE credential_id = ?1) ON users.id = owner_id"
);

/// After the statement that spent the challenge.
const USED: &str = "UPDATE passkeys SET sign_count = ?2, backed_up = ?3, last_used_at = ?4 \
    WHERE credential_id = ?1 AND changes() = 1";

impl Passkeys<'_> {
    /// The passkeys of `user`, the oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn list(&self, user: UserId) -> Result<Vec<Passkey>, StoreError> {
        let rows = self.0.all(LIST, &[id_number(user)]).await?;
        rows.iter().map(passkey).collect()
    }

    /// The passkey of `user` that clients know by `id`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn look(&self, user: UserId, id: &str) -> Result<Option<Passkey>, StoreError> {
        let row = self.0.first(LOOK, &[id_number(user), id.into()]).await?;
        row.as_ref().map(passkey).transpose()
    }

    /// What authenticators know `user` by, and the passkeys that they need not make again.
    ///
    /// # Errors
    /// The database failed, or there is no such account.
    pub async fn handle(&self, user: UserId) -> Result<(UserHandle, Vec<Descriptor>), StoreError> {
        let values = vec![id_number(user)];
        let statements = [
            Statement(HANDLE, values.clone()),
            Statement(DESCRIPTORS, values),
        ];
        let answers = self.0.batch_all(&statements).await?;
        let row = answers.rows(0)?.into_iter().next();
        let handle = user_handle(&row.ok_or_else(Row::missing)?, 0)?;
        let descriptors: Result<_, _> = answers.rows(1)?.iter().map(descriptor).collect();
        Ok((handle, descriptors?))
    }

    /// The passkeys of `user`, as a browser is told which ones will do.
    ///
    /// # Errors
    /// The database failed.
    pub async fn descriptors(&self, user: UserId) -> Result<Vec<Descriptor>, StoreError> {
        let rows = self.0.all(DESCRIPTORS, &[id_number(user)]).await?;
        rows.iter().map(descriptor).collect()
    }

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

    /// Changes a passkey of the caller's; `None` where there is none of that `id`, or the caller may
    /// not any more. Gives the mail that tells of it.
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
        ];
        let mut statements = vec![Statement(CHANGE, values)];
        statements.extend(change.notice.map(|notice| notice.right_after(user)));
        if change.second_factor.is_some() {
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

    /// The passkey of that id, and whose it is.
    ///
    /// # Errors
    /// The database failed.
    pub async fn owned(&self, id: &CredentialId) -> Result<Option<Owned>, StoreError> {
        let row = self.0.first(OWNED, &[id.as_str().into()]).await?;
        let owned = |row: Row| {
            let first = SIGNING_IN_COLUMNS;
            let sign_count = row.unsigned(first + 1)?.map(u32::try_from);
            Ok(Owned {
                owner: signing_in(&row)?,
                passkey: StoredPasskey {
                    credential_id: id.clone(),
                    public_key: row.required_text(first)?,
                    sign_count: match sign_count {
                        Some(Ok(count)) => count,
                        _ => return Err(Row::unexpected(first + 1)),
                    },
                    backup_eligible: row.integer(first + 2)? != 0,
                    user_verified: row.integer(first + 3)? != 0,
                    user_handle: user_handle(&row, first + 4)?,
                },
            })
        };
        row.map(owned).transpose()
    }

    /// Takes note of the use of a passkey, whose challenge it spends; `None` where that was spent
    /// before, or the account is another than it was. Gives the mail that tells of a counter that did
    /// not grow.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn used(&self, used: &Used<'_>) -> Result<Option<Option<Queued>>, StoreError> {
        let notice = used.notice.filter(|_| used.verified.counter_went_back);
        let mut statements = vec![answered_by_owner(used), noted(used.verified, used.now)];
        statements.extend(notice.map(|notice| notice.right_after(used.user_id)));
        let answers = self.0.batch_all(&statements).await?;
        if answers.rows(0)?.is_empty() {
            return Ok(None);
        }
        let mail = match notice {
            Some(_) => answers.rows(2)?.first().map(queued).transpose()?,
            None => None,
        };
        Ok(Some(mail))
    }
}

/// The statement that spends the challenge of a passkey that was used, and decides whether it counts.
fn answered_by_owner(used: &Used<'_>) -> Statement {
    let mut values = answer(used.challenge);
    values.extend([
        used.verified.credential_id.as_str().into(),
        id_number(used.user_id),
        number(used.epoch),
    ]);
    Statement(ANSWERED_BY_OWNER, values)
}

/// The statement that takes note of the use of a passkey, to be run right after the one that spent its
/// challenge.
pub(super) fn noted(verified: &Verified, now: UnixMillis) -> Statement {
    let values = vec![
        verified.credential_id.as_str().into(),
        verified.sign_count.into(),
        truth(verified.backed_up),
        millis(now),
    ];
    Statement(USED, values)
}

pub(super) fn answer(challenge: &Challenge) -> Vec<JsValue> {
    vec![challenge.digest().into(), millis(challenge.expires_at())]
}

/// A truth value as the columns have it.
fn truth(value: bool) -> JsValue {
    u32::from(value).into()
}

fn passkey(row: &Row) -> Result<Passkey, StoreError> {
    Ok(Passkey {
        id: row.required_text(0)?,
        name: row.required_text(1)?,
        created_at: row.required_text(2)?,
        last_used_at: row.text(3),
        backed_up: row.integer(4)? != 0,
        user_verified: row.integer(5)? != 0,
        second_factor: row.integer(6)? != 0,
    })
}

fn descriptor(row: &Row) -> Result<Descriptor, StoreError> {
    let id = CredentialId::parse(&row.required_text(0)?).map_err(|_| Row::unexpected(0))?;
    let transports = row.required_text(1)?;
    Ok(Descriptor {
        credential_id: id,
        transports: transports.split_whitespace().map(str::to_owned).collect(),
    })
}

fn user_handle(row: &Row, column: u32) -> Result<UserHandle, StoreError> {
    let handle = UserHandle::from_hex(&row.required_text(column)?);
    handle.ok_or_else(|| Row::unexpected(column))
}
