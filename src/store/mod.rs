//! All SQL. A statement lives beside the table it reads, its index in `schema.sql`.

pub mod attempts;
pub mod audit;
pub mod challenges;
pub mod outbox;
pub mod passkeys;
pub mod purges;
pub mod recovery_codes;
pub mod second_factors;
pub mod sessions;
pub mod tickets;
pub mod totp;
pub mod users;

use std::fmt;

use std::cell::Cell;

use js_sys::{Array, Object, Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use serde_json::json;

use crate::platform::calls::settled;
use edge_auth_core::account::{Role, UserId};
use edge_auth_core::session::SessionId;
use edge_auth_core::time::{Milliseconds, UnixMillis, UnixSeconds};

/// D1 as JavaScript knows it. `worker` gives rows through serde, whose code weighs more than all of this.
#[wasm_bindgen]
extern "C" {
    #[derive(Debug, Clone)]
    type JsDatabase;

    #[wasm_bindgen(method, catch)]
    fn prepare(this: &JsDatabase, statement: &str) -> Result<JsStatement, JsValue>;

    #[wasm_bindgen(method, catch, js_name = withSession)]
    fn with_session(this: &JsDatabase, start: &str) -> Result<JsDatabase, JsValue>;

    #[wasm_bindgen(method, catch, js_name = getBookmark)]
    fn get_bookmark(this: &JsDatabase) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn batch(this: &JsDatabase, statements: &Array) -> Result<Promise, JsValue>;

    type JsStatement;

    #[wasm_bindgen(method, catch, variadic)]
    fn bind(this: &JsStatement, values: &Array) -> Result<JsStatement, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn raw(this: &JsStatement) -> Result<Promise, JsValue>;
}

/// A D1 database, and how many statements it has been sent.
#[derive(Debug, Clone)]
pub struct Database {
    handle: JsDatabase,
    statements: Cell<u32>,
}

/// A statement with its values, `?1` first.
struct Statement(&'static str, Vec<JsValue>);

impl Database {
    /// The binding of that name in the Worker's environment; `None` where there is none.
    #[must_use]
    pub fn new(env: &JsValue, name: &str) -> Option<Self> {
        let handle = Reflect::get(env, &JsValue::from(name)).ok()?;
        handle.is_object().then(|| Self {
            handle: handle.unchecked_into(),
            statements: Cell::new(0),
        })
    }

    /// The same in a session (D1's Sessions API): `start` is a bookmark, `first-primary` or
    /// `first-unconstrained`.
    ///
    /// # Errors
    /// The database has no sessions.
    pub fn session(&self, start: &str) -> Result<Self, StoreError> {
        Ok(Self {
            handle: self.handle.with_session(start)?,
            statements: Cell::new(0),
        })
    }

    /// What a later session has to start at to see what this one has seen; `None` outside of one.
    #[must_use]
    pub fn bookmark(&self) -> Option<String> {
        self.handle.get_bookmark().ok()?.as_string()
    }

    /// How many statements have been sent so far.
    #[must_use]
    pub fn statements(&self) -> u32 {
        self.statements.get()
    }

    /// Whether the database answers and has its schema.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.first("SELECT 1 FROM users LIMIT 1", &[]).await?;
        Ok(())
    }

    fn prepare(&self, statement: &str, values: &[JsValue]) -> Result<JsStatement, StoreError> {
        self.statements.set(self.statements.get() + 1);
        let statement = self.handle.prepare(statement)?;
        Ok(statement.bind(&values.iter().collect())?)
    }

    /// The rows of the statement's answer.
    async fn all(
        &self,
        statement: &'static str,
        values: &[JsValue],
    ) -> Result<Vec<Row>, StoreError> {
        let rows = settled(self.prepare(statement, values)?.raw()?).await?;
        let rows = Array::from(&rows).into_iter();
        Ok(rows.map(|row| Row(row.unchecked_into())).collect())
    }

    /// The first row of the statement's answer.
    async fn first(
        &self,
        statement: &'static str,
        values: &[JsValue],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.all(statement, values).await?.into_iter().next())
    }

    /// Runs the statements, all of them or none; the first row of the first one's answer.
    async fn batch(&self, statements: &[Statement]) -> Result<Option<Row>, StoreError> {
        let answers = self.batch_all(statements).await?;
        Ok(answers.rows(0)?.into_iter().next())
    }

    /// The same with every answer.
    async fn batch_all(&self, statements: &[Statement]) -> Result<Answers, StoreError> {
        let prepared = Array::new();
        for Statement(text, values) in statements {
            prepared.push(&self.prepare(text, values)?.into());
        }
        Ok(Answers(settled(self.handle.batch(&prepared)?).await?))
    }
}

/// What the statements of a batch were answered with.
struct Answers(JsValue);

impl Answers {
    /// The rows of the answer to the statement of this index.
    fn rows(&self, index: u32) -> Result<Vec<Row>, StoreError> {
        let answer = Reflect::get_u32(&self.0, index)?;
        let rows = Reflect::get(&answer, &JsValue::from("results"))?;
        // Objects here, whose members come in the order of the columns.
        let rows = Array::from(&rows).into_iter();
        let row = |row: JsValue| Row(Object::values(row.unchecked_ref()));
        Ok(rows.map(row).collect())
    }
}

/// By whom a change is made. The statement that makes it asks again whether that account still may:
/// a body can be held back for a minute, and a role be taken away meanwhile.
#[derive(Debug, Clone)]
pub struct Authority<'a> {
    /// The account.
    pub user_id: UserId,
    /// Its epoch when its token was checked; it is another one after a change of password or rights.
    pub epoch: u64,
    /// The session of its token, which is still open.
    pub session: Option<&'a SessionId>,
    /// The role that it needs and still has, if it needs one.
    pub role: Option<Role>,
}

impl Authority<'_> {
    /// The value that [`caller_may`] asks.
    fn value(&self) -> JsValue {
        let session = self.session.map(SessionId::as_str);
        let role = self.role.as_ref().map(Role::as_str);
        let value = json!([self.user_id.get(), self.epoch, session, role]);
        value.to_string().into()
    }
}

/// Whether the caller `$caller`, the value of an [`Authority`], may still make a change.
macro_rules! caller_may {
    ($caller:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM users AS caller WHERE caller.id = ",
            $caller,
            " ->> 0 AND caller.epoch = ",
            $caller,
            " ->> 1 AND caller.disabled = 0 AND caller.role = coalesce(",
            $caller,
            " ->> 3, caller.role) AND (",
            $caller,
            " ->> 2 IS NULL OR EXISTS (SELECT 1 FROM sessions AS own WHERE own.id = ",
            $caller,
            " ->> 2 AND own.user_id = caller.id AND own.epoch = caller.epoch AND own.revoked = 0)))"
        )
    };
}
use caller_may;

/// The database refused or failed. The text is for the log, never for a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError(String);

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl From<JsValue> for StoreError {
    fn from(error: JsValue) -> Self {
        match error.dyn_ref::<js_sys::Error>() {
            Some(error) => Self(String::from(error.message())),
            None => Self(format!("{error:?}")),
        }
    }
}

impl StoreError {
    /// Whether a UNIQUE index on `column` (`table.column`) refused the row.
    fn is_duplicate_of(&self, column: &str) -> bool {
        self.0
            .split_once("UNIQUE constraint failed: ")
            .and_then(|(_, columns)| columns.strip_prefix(column))
            .is_some_and(|rest| !rest.starts_with(|c: char| c == '_' || c.is_ascii_alphanumeric()))
    }
}

/// An integer of up to 2^53 - 1, as JavaScript has it.
#[allow(clippy::cast_precision_loss)]
fn number(integer: u64) -> JsValue {
    JsValue::from_f64(integer as f64)
}

/// A point in time, for all columns but those in seconds.
fn millis(time: UnixMillis) -> JsValue {
    number(time.0)
}

/// A point in time, for a column in seconds.
fn seconds(time: UnixSeconds) -> JsValue {
    number(time.0)
}

/// A length of time, to be added to what [`millis`] makes.
fn length(length: Milliseconds) -> JsValue {
    number(length.0)
}

/// An id as JavaScript has it: exact, since it is at most 2^53 - 1.
#[allow(clippy::cast_precision_loss)]
fn id_number(id: UserId) -> JsValue {
    JsValue::from_f64(id.get() as f64)
}

/// An id as part of a text: D1 binds every number as a real one, which would be written `7.0`.
fn id_text(id: UserId) -> JsValue {
    id.to_string().into()
}

/// D1 takes null, but not the undefined that `None` becomes.
fn or_null(value: Option<impl Into<JsValue>>) -> JsValue {
    value.map_or(JsValue::NULL, Into::into)
}

/// A row as D1 gives it: values by position. Names would cross the boundary once a column.
struct Row(Array);

impl Row {
    /// The text in `column`, if it is not null.
    fn text(&self, column: u32) -> Option<String> {
        self.0.get(column).as_string()
    }

    /// The text in `column`, which is never null.
    fn required_text(&self, column: u32) -> Result<String, StoreError> {
        self.text(column).ok_or_else(|| Self::unexpected(column))
    }

    /// The integer in `column`. JavaScript's numbers hold those up to 2^53 exactly.
    fn integer(&self, column: u32) -> Result<i64, StoreError> {
        // Saturating by definition, and SQLite's STRICT tables hold whole numbers here.
        #[allow(clippy::cast_possible_truncation)]
        let integer = self.0.get(column).as_f64().map(|number| number as i64);
        integer.ok_or_else(|| Self::unexpected(column))
    }

    /// The integer in `column`, if it is not null.
    fn optional_integer(&self, column: u32) -> Result<Option<i64>, StoreError> {
        if self.is_null(column) {
            return Ok(None);
        }
        self.integer(column).map(Some)
    }

    /// The user's id in `column`.
    fn user_id(&self, column: u32) -> Result<UserId, StoreError> {
        UserId::new(self.integer(column)?).ok_or_else(|| Self::unexpected(column))
    }

    /// The integer in `column`, which is never negative, if it is not null.
    fn unsigned(&self, column: u32) -> Result<Option<u64>, StoreError> {
        let integer = self.optional_integer(column)?.map(u64::try_from);
        integer.transpose().map_err(|_| Self::unexpected(column))
    }

    /// The point in time in `column`, if it is not null.
    fn millis(&self, column: u32) -> Result<Option<UnixMillis>, StoreError> {
        Ok(self.unsigned(column)?.map(UnixMillis))
    }

    /// The same of a column in seconds.
    fn seconds(&self, column: u32) -> Result<Option<UnixSeconds>, StoreError> {
        Ok(self.unsigned(column)?.map(UnixSeconds))
    }

    /// The role in `column`, which the table holds to be one.
    fn role(&self, column: u32) -> Result<Role, StoreError> {
        let role = Role::parse(&self.required_text(column)?);
        role.ok_or_else(|| Self::unexpected(column))
    }

    /// Whether `column` is null.
    fn is_null(&self, column: u32) -> bool {
        self.0.get(column).is_null()
    }

    fn missing() -> StoreError {
        StoreError("a row is missing".to_owned())
    }

    fn unexpected(column: u32) -> StoreError {
        StoreError(format!("unexpected value in column {column}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_told_by_column() {
        let error = |text: &str| StoreError(text.to_owned());
        let taken = error("D1_ERROR: UNIQUE constraint failed: users.email: SQLITE_CONSTRAINT");
        assert!(taken.is_duplicate_of("users.email"));
        assert!(!taken.is_duplicate_of("users.username_folded"));
        assert!(error("UNIQUE constraint failed: users.email").is_duplicate_of("users.email"));
        let other = error("UNIQUE constraint failed: users.email_folded");
        assert!(!other.is_duplicate_of("users.email"));
        assert!(!error("CHECK constraint failed: users.email").is_duplicate_of("users.email"));
    }
}
