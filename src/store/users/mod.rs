//! The table `users`.

mod import;

use wasm_bindgen::JsValue;

use super::attempts::{Attempts, Closed, closed};
use super::sessions::{NewSession, Sessions, earliest, is_open};
use super::{
    Authority, Database, Row, Statement, StoreError, caller_may, id_number, number, or_null,
};
use edge_auth_core::account::{Email, Name, Role, Roles, SignInName, User, UserId, Username};
use edge_auth_core::session::{Lifetimes, SessionId};
use edge_auth_core::throttle::{AddressHash, AttemptKey, AttemptKeys, NameHash};

pub use import::NotImported;

/// An account with what only the service may see.
#[derive(Debug)]
pub struct Account {
    /// What the account's owner sees.
    pub user: User,
    /// The stored password.
    pub password_hash: String,
    /// Whether sign-in and tokens are refused.
    pub disabled: bool,
    /// What sessions, and tokens without one, must say, from 0.
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

/// Whether an account can be made.
#[derive(Debug)]
pub struct Vacancy {
    /// Until when the client's address has to wait, Unix time in milliseconds, if that is to come.
    pub closed_until: Option<u64>,
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
    /// Its first session, if it is to have one.
    pub session: Option<NewSession<'a>>,
}

/// What a sign-in needs to know.
#[derive(Debug)]
pub struct SignIn {
    /// The account of that name.
    pub account: Option<Account>,
    /// Whether the attempt has to wait.
    pub closed: Closed,
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

/// What an administrator changes; what is `None` stays.
#[derive(Debug)]
pub struct AdminChange<'a> {
    /// The role, one of `roles`.
    pub role: Option<&'a Role>,
    /// Whether sign-in and tokens are refused.
    pub disabled: Option<bool>,
    /// The name that the person goes by.
    pub name: Option<&'a Name>,
    /// All roles, the one with the fewest rights first.
    pub roles: &'a Roles,
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
pub struct Users<'a>(pub &'a Database);

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
            role: row.role(4)?,
            created_at: row.required_text(5)?,
            updated_at: row.required_text(6)?,
        },
        password_hash: row.required_text(7)?,
        disabled: row.integer(8)? != 0,
        epoch: row.time(9)?.unwrap_or_default(),
        tokens_valid_after: row.time(10)?,
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

/// One row in any case: the account, if there is one, and until when the attempt has to wait.
macro_rules! sign_in_by {
    ($column:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            ", closed_until, address_closed_until FROM (",
            closed!("?2", "?3", "?4"),
            ") LEFT JOIN users ON ",
            $column,
            " = ?1"
        )
    };
}

const SIGN_IN_BY_EMAIL: &str = sign_in_by!("email");

const SIGN_IN_BY_USERNAME: &str = sign_in_by!("username_folded");

const VACANCY: &str = "SELECT \
    (SELECT closed_until FROM attempts WHERE key = ?1 AND closed_until > ?2), \
    EXISTS (SELECT 1 FROM users WHERE email = ?3), \
    EXISTS (SELECT 1 FROM users WHERE username_folded = ?4)";

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

/// Whether ?1 is the only account left that may use the administration.
macro_rules! is_last_admin {
    () => {
        "role = 'admin' AND disabled = 0 AND NOT EXISTS (SELECT 1 FROM users AS other \
         WHERE other.role = 'admin' AND other.disabled = 0 AND other.id <> ?1)"
    };
}

/// Its sessions go with it by the schema.
const DELETE: &str = concat!(
    "DELETE FROM users WHERE id = ?1 AND NOT (",
    is_last_admin!(),
    ") AND ",
    caller_may!("?2"),
    " RETURNING 1"
);

const PAGE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM users WHERE id > ?1 ORDER BY id LIMIT ?2"
);

/// Whether the change lowers the account's rights; ?4 lists the roles, the lowest first.
macro_rules! lowers {
    () => {
        "(coalesce(?3, 0) > disabled OR \
          instr(?4, ',' || coalesce(?2, role) || ',') < instr(?4, ',' || role || ','))"
    };
}

/// Role ?2, disabled ?3, name ?5 of account ?1. The epoch ends its sessions and tokens.
const CHANGE: &str = concat!(
    "UPDATE users SET tokens_valid_after = CASE WHEN ",
    lowers!(),
    " THEN ?6 ELSE tokens_valid_after END, epoch = epoch + ",
    lowers!(),
    ", role = coalesce(?2, role), disabled = coalesce(?3, disabled), name = coalesce(?5, name), \
     updated_at = strftime('%Y-%m-%dT%H:%M:%S', 'now') WHERE id = ?1 AND NOT (",
    is_last_admin!(),
    " AND (coalesce(?2, role) <> 'admin' OR coalesce(?3, disabled) = 1)) AND ",
    caller_may!("?7"),
    " RETURNING ",
    columns!()
);

const END_SESSIONS: &str = concat!(
    "UPDATE users SET epoch = epoch + 1, tokens_valid_after = ?2 WHERE id = ?1 AND ",
    caller_may!("?3"),
    " RETURNING 1"
);

const MAY_UNLOCK: &str = concat!("SELECT 1 FROM users WHERE id = ?1 AND ", caller_may!("?2"));

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
        now: u64,
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
        let row = self
            .0
            .first(statement, &values)
            .await?
            .ok_or_else(Row::missing)?;
        Ok(SignIn {
            account: if row.is_null(0) {
                None
            } else {
                Some(account(&row)?)
            },
            closed: Closed {
                pair: row.time(COLUMNS)?,
                address: row.time(COLUMNS + 1)?,
            },
        })
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
        now: u64,
    ) -> Result<Vacancy, StoreError> {
        let values = [
            address.as_str().into(),
            number(now),
            email.as_str().into(),
            or_null(username.map(Username::folded)),
        ];
        let row = self.0.first(VACANCY, &values).await?;
        let row = row.ok_or_else(Row::missing)?;
        Ok(Vacancy {
            closed_until: row.time(0)?,
            email_is_taken: row.integer(1)? != 0,
            username_is_taken: row.integer(2)? != 0,
        })
    }

    /// Makes an account, to which the client's address from then on is familiar.
    ///
    /// # Errors
    /// See [`InsertError`]; a taken e-mail address comes before a taken username.
    pub async fn insert(
        &self,
        new: &NewAccount<'_>,
        address: &AddressHash,
        now: u64,
    ) -> Result<Account, InsertError> {
        let email = JsValue::from(new.email.as_str());
        let values = vec![
            email.clone(),
            or_null(new.username.map(Username::as_str)),
            or_null(new.username.map(Username::folded)),
            new.name.as_str().into(),
            new.password_hash.into(),
            address.key().as_str().into(),
            number(now),
        ];
        let inserted = async {
            let hash = new.password_hash;
            let mut statements = vec![
                Statement(INSERT, values),
                Attempts::registered(address, email.clone(), hash, now),
            ];
            if let Some(session) = &new.session {
                statements.push(Sessions::opened_first(email, hash, session));
            }
            let row = self.0.batch(&statements).await?;
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
        self.0.first(REPLACE_HASH, &values).await?;
        Ok(())
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
        now: u64,
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
            number(now),
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
    /// where the caller may not. `now` is Unix time in seconds.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn change_password(
        &self,
        password_hash: &str,
        authority: &Authority<'_>,
        now: u64,
    ) -> Result<bool, StoreError> {
        let id = authority.user_id;
        let values = vec![
            id_number(id),
            password_hash.into(),
            number(now),
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

    /// The accounts after the one of id `after`, by id.
    ///
    /// # Errors
    /// The database failed.
    pub async fn page(&self, after: u64, limit: u32) -> Result<Vec<Account>, StoreError> {
        let rows = self.0.all(PAGE, &[number(after), limit.into()]).await?;
        rows.iter().map(account).collect()
    }

    /// Makes an administrator's change; `None` where there is no such account, or it is the last
    /// admin's and would no longer be, or the caller may not. Where it lowers the account's rights
    /// it ends its tokens and sessions. `now` is Unix time in seconds.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn change(
        &self,
        id: UserId,
        change: &AdminChange<'_>,
        authority: &Authority<'_>,
        now: u64,
    ) -> Result<Option<Account>, StoreError> {
        let values = [
            id_number(id),
            or_null(change.role.map(Role::as_str)),
            or_null(change.disabled.map(u32::from)),
            listed(change.roles).into(),
            or_null(change.name.map(Name::as_str)),
            number(now),
            authority.value(),
        ];
        let row = self.0.first(CHANGE, &values).await?;
        row.as_ref().map(account).transpose()
    }

    /// Ends every session and token of an account; false where there is none of that id, or the
    /// caller may not. `now` is Unix time in seconds.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn end_sessions(
        &self,
        id: UserId,
        authority: &Authority<'_>,
        now: u64,
    ) -> Result<bool, StoreError> {
        let values = [id_number(id), number(now), authority.value()];
        Ok(self.0.first(END_SESSIONS, &values).await?.is_some())
    }

    /// Forgets the failed sign-ins of an account of these names; false where there is none of that
    /// id, or the caller may not.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn unlock(
        &self,
        id: UserId,
        names: &[NameHash],
        authority: &Authority<'_>,
    ) -> Result<bool, StoreError> {
        let asked = Statement(MAY_UNLOCK, vec![id_number(id), authority.value()]);
        let [account, pairs] = Attempts::unlocked(id, names, authority);
        let row = self.0.batch(&[asked, account, pairs]).await?;
        Ok(row.is_some())
    }
}

/// The roles as [`CHANGE`] takes them, each between commas.
fn listed(roles: &Roles) -> String {
    roles
        .iter()
        .map(|role| format!(",{role}"))
        .collect::<String>()
        + ","
}
