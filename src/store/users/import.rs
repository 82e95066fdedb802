//! Accounts of another service: adding them, and telling those that are there from those that are in
//! the way.

use edge_auth_core::account::import::ImportedAccount;
use edge_auth_core::account::{Email, UserId, Username};
use edge_auth_core::throttle::NameHash;
use serde_json::{Value, json};
use wasm_bindgen::JsValue;

use super::Users;
use crate::store::attempts::Attempts;
use crate::store::audit::{Audit, Origin};
use crate::store::{Authority, Row, Statement, StoreError, caller_may, millis};

/// Why a line of an import was not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotImported {
    /// The account is there, from the same line.
    AlreadyImported,
    /// Another account has the e-mail address, or the same one with another password.
    EmailTaken,
    /// The same of the username.
    UsernameTaken,
}

const MAY_ADMINISTER: &str = concat!("SELECT 1 WHERE ", caller_may!("?1"));

/// ?1 is a list of lists. An account that is there already, or twice in the list, gives no row.
const IMPORT: &str = concat!(
    "INSERT INTO users \
       (email, username, username_folded, name, role, password_hash, imported_hash_digest, email_verified_at) \
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, \
       value ->> 6, CASE WHEN value ->> 7 THEN ?3 END \
     FROM json_each(?1) WHERE ",
    caller_may!("?2"),
    " ON CONFLICT DO NOTHING RETURNING email, username_folded"
);

/// What the accounts have that are in the way of an import: ?1 lists e-mail addresses, ?2 usernames.
const IN_THE_WAY: &str = "SELECT email, username_folded, password_hash, imported_hash_digest, id \
    FROM users WHERE email IN (SELECT value FROM json_each(?1)) \
    UNION SELECT email, username_folded, password_hash, imported_hash_digest, id \
    FROM users WHERE username_folded IN (SELECT value FROM json_each(?2))";

impl Users<'_> {
    /// Adds accounts of another service, of which none has a value that the database refuses, with
    /// the event that tells of it. Failures of names from before are forgotten. Says which were not
    /// added, by their place, and why; `None` where the caller may not.
    ///
    /// # Errors
    /// The database failed, and none was added.
    pub async fn import(
        &self,
        accounts: &[&ImportedAccount],
        names: &[NameHash],
        authority: &Authority<'_>,
        origin: Origin<'_>,
    ) -> Result<Option<Vec<(usize, NotImported)>>, StoreError> {
        let rows: Vec<_> = accounts
            .iter()
            .map(|account| {
                let username = account.username.as_ref().map(Username::as_str);
                json!([
                    email(account),
                    username,
                    folded(account),
                    account.name.as_str(),
                    account.role.as_str(),
                    account.password_hash,
                    account.digest(),
                    account.email_verified,
                ])
            })
            .collect();
        let rows = JsValue::from(Value::from(rows).to_string());
        let [pairs, unknown] = Attempts::names_forgotten(names, authority);
        let statements = [
            Statement(MAY_ADMINISTER, vec![authority.value()]),
            Statement(IMPORT, vec![rows, authority.value(), millis(origin.now)]),
            Audit::imported(authority.user_id, origin),
            pairs,
            unknown,
        ];
        let answers = self.0.batch_all(&statements).await?;
        if answers.rows(0)?.is_empty() {
            return Ok(None);
        }
        let mut added: Vec<_> = answers
            .rows(1)?
            .iter()
            .map(|row| (row.text(0), row.text(1)))
            .collect();
        // Of two equal ones the first was added.
        let mut missing = Vec::new();
        for (index, account) in accounts.iter().enumerate() {
            let names = (email(account), folded(account));
            let names = (names.0.map(str::to_owned), names.1.map(str::to_owned));
            match added.iter().position(|added| *added == names) {
                Some(position) => drop(added.swap_remove(position)),
                None => missing.push((index, *account)),
            }
        }
        self.why_missing(missing).await.map(Some)
    }

    /// Why these were not added.
    async fn why_missing(
        &self,
        missing: Vec<(usize, &ImportedAccount)>,
    ) -> Result<Vec<(usize, NotImported)>, StoreError> {
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        let accounts = || missing.iter().map(|(_, account)| *account);
        let emails: Vec<_> = accounts().filter_map(email).collect();
        let usernames: Vec<_> = accounts().filter_map(folded).collect();
        let lists = [json!(emails), json!(usernames)].map(|list| list.to_string().into());
        let rows = self.0.all(IN_THE_WAY, &lists).await?;
        let rows = rows.iter().map(InTheWay::read);
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        let why = |account: &ImportedAccount| {
            let of_email = |row: &&InTheWay| email(account).is_some_and(|e| row.has_email(e));
            let of_username =
                |row: &&InTheWay| folded(account).is_some_and(|u| row.has_username(u));
            let by_email = rows.iter().find(of_email);
            let by_username = rows.iter().find(of_username);
            match (by_email, by_username) {
                (Some(row), other) => {
                    if row.is_from(account) && other.is_none_or(|other| other.id == row.id) {
                        NotImported::AlreadyImported
                    } else {
                        NotImported::EmailTaken
                    }
                }
                (None, Some(row)) if email(account).is_none() && row.is_from(account) => {
                    NotImported::AlreadyImported
                }
                (None, _) => NotImported::UsernameTaken,
            }
        };
        Ok(missing
            .iter()
            .map(|(index, account)| (*index, why(account)))
            .collect())
    }
}

fn email(account: &ImportedAccount) -> Option<&str> {
    account.email.as_ref().map(Email::as_str)
}

fn folded(account: &ImportedAccount) -> Option<&str> {
    account.username.as_ref().map(Username::folded)
}

/// An account that has a name of a line of an import.
struct InTheWay {
    email: Option<String>,
    username_folded: Option<String>,
    password_hash: Option<String>,
    imported_hash_digest: Option<String>,
    id: UserId,
}

impl InTheWay {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            email: row.text(0),
            username_folded: row.text(1),
            password_hash: row.text(2),
            imported_hash_digest: row.text(3),
            id: row.user_id(4)?,
        })
    }

    fn has_email(&self, email: &str) -> bool {
        self.email.as_deref() == Some(email)
    }

    fn has_username(&self, folded: &str) -> bool {
        self.username_folded.as_deref() == Some(folded)
    }

    /// Whether it is the account of that line: imported with this hash, which may have been replaced
    /// since, or brought here with it in another way, under the id of the line.
    fn is_from(&self, line: &ImportedAccount) -> bool {
        match &self.imported_hash_digest {
            Some(digest) => *digest == line.digest(),
            None => {
                self.password_hash.as_deref() == Some(&line.password_hash)
                    && line.id.is_none_or(|id| id == self.id)
            }
        }
    }
}
