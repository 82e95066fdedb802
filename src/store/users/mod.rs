//! The table `users`.

mod admin;
mod import;
mod own;
mod signing_in;

use wasm_bindgen::JsValue;

use super::attempts::Attempts;
use super::challenges::NewChallenge;
use super::outbox::{Queued, queued};
use super::sessions::{NewSession, Sessions, earliest, is_open};
use super::{Database, Row, Statement, StoreError, id_number, millis, or_null};
use edge_auth_core::account::{Email, Name, User, UserId, Username};
use edge_auth_core::proof::Proof;
use edge_auth_core::session::{Lifetimes, SessionId};
use edge_auth_core::throttle::{AddressHash, AttemptKey};
use edge_auth_core::time::{UnixMillis, UnixSeconds};

pub use admin::{AdminChange, InvitedAccount};
pub use import::NotImported;
pub use own::{PasswordChange, UpdateError};
pub(super) use signing_in::{SIGNING_IN_COLUMNS, signing_in, signing_in_columns};
pub use signing_in::{SignIn, SigningIn};

/// An account with what only the service may see.
#[derive(Debug)]
pub struct Account {
    /// What the account's owner sees.
    pub user: User,
    /// When the e-mail address was proven, if it was.
    pub email_verified_at: Option<UnixMillis>,
    /// Whether it signs in by a password.
    pub has_password: bool,
    /// Whether sign-in and tokens are refused.
    pub disabled: bool,
    /// What sessions, and tokens without one, must say, from 0.
    pub epoch: u64,
    /// The time up to which tokens of the old service, which has no epoch, are refused.
    pub tokens_valid_after: Option<UnixSeconds>,
}

impl Account {
    /// Whether `now` is this account, with the rights and the password that it had.
    pub(crate) fn is_still(&self, now: &Self) -> bool {
        now.user.id == self.user.id && now.epoch == self.epoch && !now.disabled
    }
}

/// What a protected route needs to know.
#[derive(Debug)]
pub struct Holder {
    /// The account that a token was issued to.
    pub account: Account,
    /// Whether the token's session is the account's and not over.
    pub session_is_open: bool,
}

/// Whether an account can be made.
#[derive(Debug)]
pub struct Vacancy {
    /// Until when the client's address has to wait, if that is to come.
    pub closed_until: Option<UnixMillis>,
    /// Whether another account has the e-mail address.
    pub email_is_taken: bool,
    /// Whether another account has the username.
    pub username_is_taken: bool,
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
    /// The language in which mail to it is written.
    pub language: &'a str,
    /// Its first session, if it is to have one.
    pub session: Option<NewSession<'a>>,
    /// When and by what its owner has shown who they are.
    pub proof: &'a Proof,
    /// What is sent to have its address proven, where mail is sent.
    pub verification: Option<NewChallenge<'a>>,
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

/// The accounts in a D1 database.
#[derive(Debug)]
pub struct Users<'a>(pub &'a Database);

/// The columns of an [`Account`], in the order in which `account` reads them.
macro_rules! columns {
    () => {
        "id, email, username, name, role, created_at, updated_at, password_hash IS NOT NULL, disabled, \
         epoch, tokens_valid_after, email_verified_at"
    };
}
pub(super) use columns;

/// The columns of an account, and their number.
pub(super) const COLUMNS: u32 = 12;

pub(super) fn account(row: &Row) -> Result<Account, StoreError> {
    Ok(Account {
        user: User {
            id: row.user_id(0)?,
            email: row.text(1),
            username: row.text(2),
            name: row.required_text(3)?,
            role: row.role(4)?,
            created_at: row.required_text(5)?,
            updated_at: row.required_text(6)?,
        },
        has_password: row.integer(7)? != 0,
        disabled: row.integer(8)? != 0,
        epoch: row.unsigned(9)?.unwrap_or_default(),
        tokens_valid_after: row.seconds(10)?,
        email_verified_at: row.millis(11)?,
    })
}

const HOLDER: &str = concat!("SELECT ", columns!(), " FROM users WHERE id = ?1");

const HOLDER_OF_SESSION: &str = concat!(
    "SELECT ",
    columns!(),
    ", EXISTS (SELECT 1 FROM sessions WHERE sessions.id = ?2 AND ",
    is_open!("?3", "?4"),
    ") FROM users WHERE id = ?1"
);

const VACANCY: &str = "SELECT \
    (SELECT closed_until FROM attempts WHERE key = ?1 AND closed_until > ?2), \
    EXISTS (SELECT 1 FROM users WHERE email = ?3), \
    EXISTS (SELECT 1 FROM users WHERE username_folded = ?4)";

/// No row comes back where the e-mail address is taken or the client's is closed; a username that
/// is taken is refused by its index. One statement is atomic, so a race cannot come between the
/// question and the answer.
const INSERT: &str = concat!(
    "INSERT INTO users (email, username, username_folded, name, password_hash, language) ",
    "SELECT ?1, ?2, ?3, ?4, ?5, ?8 WHERE NOT EXISTS (SELECT 1 FROM users WHERE email = ?1) ",
    "AND NOT EXISTS (SELECT 1 FROM attempts WHERE key = ?6 AND closed_until > ?7) ",
    "RETURNING ",
    columns!()
);

const REPLACE_HASH: &str =
    "UPDATE users SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2";

/// Whether ?1 is the only account left that may use the administration.
macro_rules! is_last_admin {
    () => {
        "role = 'admin' AND disabled = 0 AND NOT EXISTS (SELECT 1 FROM users AS other \
         WHERE other.role = 'admin' AND other.disabled = 0 AND other.id <> ?1)"
    };
}
use is_last_admin;

impl Users<'_> {
    /// The account of that id, and whether that session is open to it; true without one.
    ///
    /// # Errors
    /// The database failed.
    pub async fn holder(
        &self,
        id: UserId,
        session: Option<&SessionId>,
        lifetimes: Lifetimes,
        now: UnixMillis,
    ) -> Result<Option<Holder>, StoreError> {
        let Some(session) = session else {
            let account = self.account(id).await?;
            return Ok(account.map(|account| Holder {
                account,
                session_is_open: true,
            }));
        };
        let [created, used] = earliest(lifetimes, now);
        let values = [id_number(id), session.as_str().into(), created, used];
        let Some(row) = self.0.first(HOLDER_OF_SESSION, &values).await? else {
            return Ok(None);
        };
        Ok(Some(Holder {
            account: account(&row)?,
            session_is_open: row.integer(COLUMNS)? != 0,
        }))
    }

    /// The account of that id.
    ///
    /// # Errors
    /// The database failed.
    pub async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        let row = self.0.first(HOLDER, &[id_number(id)]).await?;
        row.as_ref().map(account).transpose()
    }

    /// Whether an account of these names can be made from the address of that key.
    ///
    /// # Errors
    /// The database failed.
    pub async fn vacancy(
        &self,
        email: &Email,
        username: Option<&Username>,
        address: &AttemptKey,
        now: UnixMillis,
    ) -> Result<Vacancy, StoreError> {
        let values = [
            address.as_str().into(),
            millis(now),
            email.as_str().into(),
            or_null(username.map(Username::folded)),
        ];
        let row = self.0.first(VACANCY, &values).await?;
        let row = row.ok_or_else(Row::missing)?;
        Ok(Vacancy {
            closed_until: row.millis(0)?,
            email_is_taken: row.integer(1)? != 0,
            username_is_taken: row.integer(2)? != 0,
        })
    }

    /// Makes an account, to which the client's address from then on is familiar. Gives the mail that is
    /// to be sent.
    ///
    /// # Errors
    /// See [`InsertError`]; a taken e-mail address comes before a taken username.
    pub async fn insert(
        &self,
        new: &NewAccount<'_>,
        address: &AddressHash,
        now: UnixMillis,
    ) -> Result<(Account, Option<Queued>), InsertError> {
        let email = JsValue::from(new.email.as_str());
        let values = vec![
            email.clone(),
            or_null(new.username.map(Username::as_str)),
            or_null(new.username.map(Username::folded)),
            new.name.as_str().into(),
            new.password_hash.into(),
            address.key().as_str().into(),
            millis(now),
            new.language.into(),
        ];
        let inserted = async {
            let hash = new.password_hash;
            let mut statements = vec![
                Statement(INSERT, values),
                Attempts::registered(address, email.clone(), hash, now),
            ];
            if let Some(session) = &new.session {
                statements.push(Sessions::opened_first(
                    email.clone(),
                    hash,
                    new.proof,
                    session,
                ));
            }
            let mut mail = None;
            if let Some(verification) = &new.verification {
                statements.extend(verification.of_registration(email, hash));
                mail = u32::try_from(statements.len() - 1).ok();
            }
            let answers = self.0.batch_all(&statements).await?;
            let Some(row) = answers.rows(0)?.into_iter().next() else {
                return Ok(None);
            };
            let mail = match mail {
                Some(index) => answers.rows(index)?.first().map(queued).transpose()?,
                None => None,
            };
            Ok::<_, StoreError>(Some((account(&row)?, mail)))
        };
        match inserted.await {
            Ok(Some(made)) => Ok(made),
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
        self.0.first(REPLACE_HASH, &values).await?;
        Ok(())
    }
}
