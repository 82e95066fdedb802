//! The table `users`.

use wasm_bindgen::JsValue;
use worker::D1Database;

use super::attempts::{Attempts, closed};
use super::sessions::{NewSession, Sessions};
use super::{Row, StoreError, batch, first, id_number, number, or_null};
use crate::auth::account::{Email, Name, SignInName, User, UserId, Username};
use crate::auth::attempt::AttemptKeys;

/// An account with what only the service may see.
#[derive(Debug)]
pub struct Account {
    /// What the account's owner sees.
    pub user: User,
    /// The stored password.
    pub password_hash: String,
    /// Whether sign-in and tokens are refused.
    pub disabled: bool,
    /// What tokens without a session must say, from 0.
    pub epoch: u64,
    /// Unix time in seconds up to which tokens of the old service, which has no epoch, are refused.
    pub tokens_valid_after: Option<u64>,
}

/// What a protected route needs to know.
#[derive(Debug)]
pub struct Holder {
    /// The account that a token was issued to.
    pub account: Account,
    /// Whether the token's session is the account's and not over.
    pub session_is_open: bool,
}

/// An account to be made.
#[derive(Debug)]
pub struct NewAccount<'a> {
    /// Must not be taken.
    pub email: &'a Email,
    /// Must not be taken, if there is one.
    pub username: Option<&'a Username>,
    /// The name that the person goes by.
    pub name: &'a Name,
    /// The stored password.
    pub password_hash: &'a str,
    /// Its first session, if it is to have one.
    pub session: Option<NewSession<'a>>,
}

/// What a sign-in needs to know.
#[derive(Debug)]
pub struct SignIn {
    /// The account of that name.
    pub account: Option<Account>,
    /// Until when the pair or the address has to wait, Unix time in milliseconds, if that is to
    /// come.
    pub closed_until: Option<u64>,
}

/// Why an account was not made.
#[derive(Debug, PartialEq, Eq)]
pub enum InsertError {
    /// Another account has the e-mail address, or the client's address has to wait.
    EmailTakenOrClosed,
    /// Another account has the username.
    UsernameTaken,
    /// The database failed.
    Store(StoreError),
}

/// Why an account was not changed.
#[derive(Debug, PartialEq, Eq)]
pub enum UpdateError {
    /// Another account has the username.
    UsernameTaken,
    /// The database failed.
    Store(StoreError),
}

/// The accounts in a D1 database.
#[derive(Debug)]
pub struct Users<'a>(pub &'a D1Database);

/// The columns of an [`Account`], in the order in which `account` reads them.
macro_rules! columns {
    () => {
        "id, email, username, name, role, created_at, updated_at, password_hash, disabled, epoch, \
         tokens_valid_after"
    };
}

/// The columns of an account, and their number.
const COLUMNS: u32 = 11;

fn account(row: &Row) -> Result<Account, StoreError> {
    Ok(Account {
        user: User {
            id: row.user_id(0)?,
            email: row.text(1),
            username: row.text(2),
            name: row.required_text(3)?,
            role: row.required_text(4)?,
            created_at: row.required_text(5)?,
            updated_at: row.required_text(6)?,
        },
        password_hash: row.required_text(7)?,
        disabled: row.integer(8)? != 0,
        epoch: row.time(9)?.unwrap_or_default(),
        tokens_valid_after: row.time(10)?,
    })
}

const HOLDER: &str = concat!(
    "SELECT ",
    columns!(),
    ", EXISTS (SELECT 1 FROM sessions WHERE sessions.id = ?2 AND user_id = users.id AND revoked = 0) \
     FROM users WHERE id = ?1"
);

/// One row in any case: the account, if there is one, and until when the attempt has to wait.
macro_rules! sign_in_by {
    ($column:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            ", closed_until FROM (",
            closed!("?2", "?3", "?4"),
            ") LEFT JOIN users ON ",
            $column,
            " = ?1"
        )
    };
}

const SIGN_IN_BY_EMAIL: &str = sign_in_by!("email");

const SIGN_IN_BY_USERNAME: &str = sign_in_by!("username_folded");

/// No row comes back where the e-mail address is taken or the client's is closed; a username that
/// is taken is refused by its index. One statement is atomic, so a race cannot come between the
/// question and the answer.
const INSERT: &str = concat!(
    "INSERT INTO users (email, username, username_folded, name, password_hash) ",
    "SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM users WHERE email = ?1) ",
    "AND NOT EXISTS (SELECT 1 FROM attempts WHERE key = ?6 AND closed_until > ?7) ",
    "RETURNING ",
    columns!()
);

const REPLACE_HASH: &str =
    "UPDATE users SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2";

const UPDATE_PROFILE: &str = concat!(
    "UPDATE users SET name = coalesce(?2, name), \
       username = CASE WHEN ?3 THEN ?4 ELSE username END, \
       username_folded = CASE WHEN ?3 THEN ?5 ELSE username_folded END, \
       updated_at = strftime('%Y-%m-%dT%H:%M:%S', 'now') \
     WHERE id = ?1 RETURNING ",
    columns!()
);

const CHANGE_PASSWORD: &str = "UPDATE users SET password_hash = ?2, epoch = epoch + 1, \
    tokens_valid_after = ?3, updated_at = strftime('%Y-%m-%dT%H:%M:%S', 'now') WHERE id = ?1";

/// Its sessions go with it by the schema.
const DELETE: &str = "DELETE FROM users WHERE id = ?1";

impl Users<'_> {
    /// The account of that id, and whether a session is open to it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn holder(
        &self,
        id: UserId,
        session: Option<&str>,
    ) -> Result<Option<Holder>, StoreError> {
        let values = [id_number(id), or_null(session)];
        let statement = self.0.prepare(HOLDER).bind(&values)?;
        let Some(row) = first(&statement).await? else {
            return Ok(None);
        };
        Ok(Some(Holder {
            account: account(&row)?,
            session_is_open: row.integer(COLUMNS)? != 0,
        }))
    }

    /// The account that signs in by that name, if there can be one, and whether the attempt of
    /// these keys has to wait.
    ///
    /// # Errors
    /// The database failed.
    pub async fn sign_in(
        &self,
        name: Option<&SignInName>,
        keys: &AttemptKeys,
        now: u64,
    ) -> Result<SignIn, StoreError> {
        let (statement, name) = match name {
            Some(SignInName::Username(username)) => (SIGN_IN_BY_USERNAME, username.folded().into()),
            Some(SignInName::Email(email)) => (SIGN_IN_BY_EMAIL, email.as_str().into()),
            None => (SIGN_IN_BY_EMAIL, JsValue::NULL),
        };
        let values = [
            name,
            keys.pair.as_str().into(),
            keys.address.as_str().into(),
            number(now),
        ];
        let statement = self.0.prepare(statement).bind(&values)?;
        let row = first(&statement).await?.ok_or_else(Row::missing)?;
        Ok(SignIn {
            account: if row.is_null(0) {
                None
            } else {
                Some(account(&row)?)
            },
            closed_until: row.time(COLUMNS)?,
        })
    }

    /// Makes an account, whose e-mail address from then on is familiar with the client's address
    /// of `keys`.
    ///
    /// # Errors
    /// See [`InsertError`]; a taken e-mail address comes before a taken username.
    pub async fn insert(
        &self,
        new: &NewAccount<'_>,
        keys: &AttemptKeys,
        now: u64,
    ) -> Result<Account, InsertError> {
        let email = JsValue::from(new.email.as_str());
        let values = [
            email.clone(),
            or_null(new.username.map(Username::as_str)),
            or_null(new.username.map(Username::folded)),
            new.name.as_str().into(),
            new.password_hash.into(),
            keys.address.as_str().into(),
            number(now),
        ];
        let inserted = async {
            let hash = new.password_hash;
            let mut statements = vec![
                self.0.prepare(INSERT).bind(&values)?,
                Attempts(self.0).registered(keys, email.clone(), hash, now)?,
            ];
            if let Some(session) = &new.session {
                statements.push(Sessions(self.0).opened_first(email, hash, session)?);
            }
            let row = batch(self.0, &statements).await?;
            row.as_ref().map(account).transpose()
        };
        match inserted.await {
            Ok(Some(account)) => Ok(account),
            Ok(None) => Err(InsertError::EmailTakenOrClosed),
            Err(error) if error.is_duplicate_of("users.username_folded") => {
                Err(InsertError::UsernameTaken)
            }
            Err(error) => Err(InsertError::Store(error)),
        }
    }

    /// Puts `new` in the place of the stored password `old`; nothing happens if it is another by
    /// now.
    ///
    /// # Errors
    /// The database failed.
    pub async fn replace_hash(&self, id: UserId, old: &str, new: &str) -> Result<(), StoreError> {
        let values = [id_number(id), old.into(), new.into()];
        self.0.prepare(REPLACE_HASH).bind(&values)?.run().await?;
        Ok(())
    }

    /// Changes what is given; `Some(None)` takes the username away. `None` where the account is
    /// gone.
    ///
    /// # Errors
    /// See [`UpdateError`].
    pub async fn update_profile(
        &self,
        id: UserId,
        name: Option<&Name>,
        username: Option<Option<&Username>>,
    ) -> Result<Option<User>, UpdateError> {
        let new = username.flatten();
        let values = [
            id_number(id),
            or_null(name.map(Name::as_str)),
            username.is_some().into(),
            or_null(new.map(Username::as_str)),
            or_null(new.map(Username::folded)),
        ];
        let updated = async {
            let statement = self.0.prepare(UPDATE_PROFILE).bind(&values)?;
            first(&statement).await?.as_ref().map(account).transpose()
        };
        match updated.await {
            Ok(account) => Ok(account.map(|account| account.user)),
            Err(error) if error.is_duplicate_of("users.username_folded") => {
                Err(UpdateError::UsernameTaken)
            }
            Err(error) => Err(UpdateError::Store(error)),
        }
    }

    /// Stores a new password and ends every token and session but `session`. `now` is Unix time in
    /// seconds.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn change_password(
        &self,
        id: UserId,
        password_hash: &str,
        session: Option<&str>,
        now: u64,
    ) -> Result<(), StoreError> {
        let values = [id_number(id), password_hash.into(), number(now)];
        let statements = [
            self.0.prepare(CHANGE_PASSWORD).bind(&values)?,
            Sessions(self.0).others_closed(id, session)?,
        ];
        batch(self.0, &statements).await?;
        Ok(())
    }

    /// Deletes an account with its sessions. Its id is never used again.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn delete(&self, id: UserId, attempts: &str) -> Result<(), StoreError> {
        let statements = [
            self.0.prepare(DELETE).bind(&[id_number(id)])?,
            Attempts(self.0).forgotten(attempts)?,
        ];
        batch(self.0, &statements).await?;
        Ok(())
    }
}
