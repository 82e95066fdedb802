//! The table `users`.

use wasm_bindgen::JsValue;
use worker::D1Database;

use super::{Row, StoreError, first};
use crate::auth::account::{Email, Name, SignInName, User, UserId, Username};

/// An account with what only the service may see.
#[derive(Debug)]
pub struct Account {
    /// What the account's owner sees.
    pub user: User,
    /// The stored password.
    pub password_hash: String,
    /// Whether sign-in and tokens are refused.
    pub disabled: bool,
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
}

/// Why an account was not made.
#[derive(Debug, PartialEq, Eq)]
pub enum InsertError {
    /// Another account has the e-mail address.
    EmailTaken,
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
        "id, email, username, name, role, created_at, updated_at, password_hash, disabled"
    };
}

fn account(row: &Row) -> Result<Account, StoreError> {
    let id = row.integer(0)?;
    Ok(Account {
        user: User {
            id: UserId::new(id).ok_or_else(|| StoreError(format!("unexpected user id {id}")))?,
            email: row.text(1),
            username: row.text(2),
            name: row.required_text(3)?,
            role: row.required_text(4)?,
            created_at: row.required_text(5)?,
            updated_at: row.required_text(6)?,
        },
        password_hash: row.required_text(7)?,
        disabled: row.integer(8)? != 0,
    })
}

const BY_ID: &str = concat!("SELECT ", columns!(), " FROM users WHERE id = ?1");

const BY_EMAIL: &str = concat!("SELECT ", columns!(), " FROM users WHERE email = ?1");

const BY_USERNAME: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM users WHERE username_folded = ?1"
);

/// No row comes back where the e-mail address is taken; a username that is taken is refused by
/// its index. One statement is atomic, so a race cannot come between the question and the answer.
const INSERT: &str = concat!(
    "INSERT INTO users (email, username, username_folded, name, password_hash) ",
    "SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM users WHERE email = ?1) ",
    "RETURNING ",
    columns!()
);

const REPLACE_HASH: &str =
    "UPDATE users SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2";

impl Users<'_> {
    /// The account of that id.
    ///
    /// # Errors
    /// The database failed.
    pub async fn by_id(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.find(BY_ID, &[number(id)]).await
    }

    /// The account that signs in by that e-mail address.
    ///
    /// # Errors
    /// The database failed.
    pub async fn by_email(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        self.find(BY_EMAIL, &[email.as_str().into()]).await
    }

    /// The account that signs in by that name.
    ///
    /// # Errors
    /// The database failed.
    pub async fn by_sign_in_name(&self, name: &SignInName) -> Result<Option<Account>, StoreError> {
        match name {
            SignInName::Email(email) => self.by_email(email).await,
            SignInName::Username(username) => {
                self.find(BY_USERNAME, &[username.folded().into()]).await
            }
        }
    }

    /// Makes an account.
    ///
    /// # Errors
    /// See [`InsertError`]; a taken e-mail address comes before a taken username.
    pub async fn insert(&self, new: &NewAccount<'_>) -> Result<User, InsertError> {
        let values = [
            new.email.as_str().into(),
            or_null(new.username.map(Username::as_str)),
            or_null(new.username.map(Username::folded)),
            new.name.as_str().into(),
            new.password_hash.into(),
        ];
        match self.find(INSERT, &values).await {
            Ok(Some(account)) => Ok(account.user),
            Ok(None) => Err(InsertError::EmailTaken),
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
        let values = [number(id), old.into(), new.into()];
        self.0.prepare(REPLACE_HASH).bind(&values)?.run().await?;
        Ok(())
    }

    async fn find(
        &self,
        statement: &str,
        values: &[JsValue],
    ) -> Result<Option<Account>, StoreError> {
        let statement = self.0.prepare(statement).bind(values)?;
        first(&statement).await?.as_ref().map(account).transpose()
    }
}

/// D1 takes null, but not the undefined that `None` becomes.
fn or_null(text: Option<impl Into<JsValue>>) -> JsValue {
    text.map_or(JsValue::NULL, Into::into)
}

/// An id as JavaScript has it: exact, since it is at most 2^53 - 1.
#[allow(clippy::cast_precision_loss)]
fn number(id: UserId) -> JsValue {
    JsValue::from_f64(id.get() as f64)
}
