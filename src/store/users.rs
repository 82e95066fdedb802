//! The table `users`.

use serde_json::{Value, json};
use wasm_bindgen::JsValue;

use super::attempts::{Attempts, closed};
use super::sessions::{NewSession, Sessions};
use super::{Database, Row, Statement, StoreError, id_number, number, or_null};
use crate::auth::account::{Email, Name, SignInName, User, UserId, Username};
use crate::auth::attempt::AttemptKeys;
use crate::auth::import::ImportedAccount;

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

/// What an administrator changes; what is `None` stays.
#[derive(Debug)]
pub struct AdminChange<'a> {
    /// The role, one of `roles`.
    pub role: Option<&'a str>,
    /// Whether sign-in and tokens are refused.
    pub disabled: Option<bool>,
    /// The name that the person goes by.
    pub name: Option<&'a Name>,
    /// All roles, the one with the fewest rights first.
    pub roles: &'a [String],
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
    ") RETURNING 1"
);

const PAGE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM users WHERE id > ?1 ORDER BY id LIMIT ?2"
);

/// Which account ?1 a change is made to: role ?2, disabled ?3.
macro_rules! may_change {
    () => {
        concat!(
            "id = ?1 AND NOT (",
            is_last_admin!(),
            " AND (coalesce(?2, role) <> 'admin' OR coalesce(?3, disabled) = 1))"
        )
    };
}

/// Whether the change lowers the account's rights; ?4 lists the roles, the lowest first.
macro_rules! lowers {
    () => {
        "(coalesce(?3, 0) > disabled OR \
          instr(?4, ',' || coalesce(?2, role) || ',') < instr(?4, ',' || role || ','))"
    };
}

const CLOSE_IF_LOWERED: &str = concat!(
    "DELETE FROM sessions WHERE user_id IN (SELECT id FROM users WHERE ",
    may_change!(),
    " AND ",
    lowers!(),
    ")"
);

const CHANGE: &str = concat!(
    "UPDATE users SET tokens_valid_after = CASE WHEN ",
    lowers!(),
    " THEN ?6 ELSE tokens_valid_after END, epoch = epoch + ",
    lowers!(),
    ", role = coalesce(?2, role), disabled = coalesce(?3, disabled), name = coalesce(?5, name), \
     updated_at = strftime('%Y-%m-%dT%H:%M:%S', 'now') WHERE ",
    may_change!(),
    " RETURNING ",
    columns!()
);

/// ?1 is a list of lists. An account that is there already, or twice in the list, gives no row.
const IMPORT: &str = "INSERT INTO users \
      (email, username, username_folded, name, role, password_hash) \
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 \
    FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING RETURNING email, username_folded";

const TAKEN_EMAILS: &str =
    "SELECT email FROM users WHERE email IN (SELECT value FROM json_each(?1))";

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
        let Some(row) = self.0.first(HOLDER, &values).await? else {
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
        let values = vec![
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
                Statement(INSERT, values),
                Attempts::registered(keys, email.clone(), hash, now),
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
        let values = vec![id_number(id), password_hash.into(), number(now)];
        let statements = [
            Statement(CHANGE_PASSWORD, values),
            Sessions::others_closed(id, session),
        ];
        self.0.batch(&statements).await?;
        Ok(())
    }

    /// Deletes an account with its sessions, unless it is the last admin's, and says whether it
    /// did. Its id is never used again.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn delete(&self, id: UserId, attempts: &str) -> Result<bool, StoreError> {
        let statements = [
            Statement(DELETE, vec![id_number(id)]),
            Attempts::forgotten(attempts),
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
    /// admin's and would no longer be. Where it lowers the account's rights it ends its tokens and
    /// sessions. `now` is Unix time in seconds.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn change(
        &self,
        id: UserId,
        change: &AdminChange<'_>,
        now: u64,
    ) -> Result<Option<Account>, StoreError> {
        let roles = format!(",{},", change.roles.join(","));
        let disabled = change.disabled.map(u32::from);
        let values = vec![
            id_number(id),
            or_null(change.role),
            or_null(disabled),
            roles.into(),
        ];
        let more = [or_null(change.name.map(Name::as_str)), number(now)];
        let change = values.iter().cloned().chain(more).collect();
        let statements = [
            Statement(CLOSE_IF_LOWERED, values),
            Statement(CHANGE, change),
        ];
        let row = self.0.batch_for(1, &statements).await?;
        row.as_ref().map(account).transpose()
    }

    /// Adds accounts of another service, of which none has a value that the database refuses. Says
    /// which were not added, by their place, since their e-mail address or username is taken.
    ///
    /// # Errors
    /// The database failed, and none was added.
    pub async fn import(
        &self,
        accounts: &[&ImportedAccount],
    ) -> Result<Vec<(usize, &'static str)>, StoreError> {
        let email =
            |account: &ImportedAccount| account.email.as_ref().map(|e| e.as_str().to_owned());
        let folded = |account: &ImportedAccount| {
            let username = account.username.as_ref();
            username.map(|username| username.folded().to_owned())
        };
        let rows: Vec<_> = accounts
            .iter()
            .map(|account| {
                let username = account.username.as_ref().map(Username::as_str);
                json!([
                    email(account),
                    username,
                    folded(account),
                    account.name.as_str(),
                    account.role,
                    account.password_hash,
                ])
            })
            .collect();
        let rows = [JsValue::from(Value::from(rows).to_string())];
        let added = self.0.all(IMPORT, &rows);
        let mut added: Vec<_> = added
            .await?
            .iter()
            .map(|row| (row.text(0), row.text(1)))
            .collect();
        // Of two equal ones the first was added.
        let mut missing = Vec::new();
        for (index, account) in accounts.iter().enumerate() {
            let names = (email(account), folded(account));
            match added.iter().position(|added| *added == names) {
                Some(position) => drop(added.swap_remove(position)),
                None => missing.push((index, account)),
            }
        }
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        let emails: Vec<_> = missing
            .iter()
            .filter_map(|(_, account)| email(account))
            .collect();
        let emails = [JsValue::from(json!(emails).to_string())];
        let taken = self.0.all(TAKEN_EMAILS, &emails);
        let taken: Vec<_> = taken.await?.iter().filter_map(|row| row.text(0)).collect();
        let reason = |account| match email(account) {
            Some(email) if taken.contains(&email) => "Email already registered",
            _ => "Username already taken",
        };
        Ok(missing
            .into_iter()
            .map(|(index, account)| (index, reason(account)))
            .collect())
    }
}
