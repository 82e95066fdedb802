//! All SQL. A statement lives beside the table it reads, its index in `schema.sql`.

pub mod attempts;
pub mod sessions;
pub mod users;

use std::fmt;

use js_sys::{Array, Object, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::{D1Database, D1PreparedStatement};

use crate::auth::account::UserId;

#[wasm_bindgen]
extern "C" {
    /// A database as JavaScript knows it: the crate gives a batch's rows through serde alone.
    type JsDatabase;

    #[wasm_bindgen(method, catch)]
    async fn batch(this: &JsDatabase, statements: &Array) -> Result<JsValue, JsValue>;
}

/// The database refused or failed. The text is for the log, never for a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError(String);

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl From<worker::Error> for StoreError {
    fn from(error: worker::Error) -> Self {
        match &error {
            // Not by `Display`, which shows only a cause that not every D1 error has.
            worker::Error::D1(error) => {
                let error: &js_sys::Error = error.as_ref();
                Self(String::from(error.message()))
            }
            _ => Self(error.to_string()),
        }
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
            .is_some_and(|rest| !rest.starts_with(|c: char| c == '_' || c.is_alphanumeric()))
    }
}

/// Whether the database answers and has its schema.
///
/// # Errors
/// It does not.
pub async fn ping(database: &D1Database) -> Result<(), StoreError> {
    first(&database.prepare("SELECT 1 FROM users LIMIT 1")).await?;
    Ok(())
}

/// The first row of `statement`'s answer.
async fn first(statement: &D1PreparedStatement) -> Result<Option<Row>, StoreError> {
    Ok(all(statement).await?.into_iter().next())
}

/// The rows of `statement`'s answer.
async fn all(statement: &D1PreparedStatement) -> Result<Vec<Row>, StoreError> {
    let rows = statement.raw_js_value().await?;
    Ok(rows
        .into_iter()
        .map(|row| Row(row.unchecked_into()))
        .collect())
}

/// The first row of the first statement's answer. All of them happen, or none.
async fn batch(
    database: &D1Database,
    statements: &[D1PreparedStatement],
) -> Result<Option<Row>, StoreError> {
    let statements = statements
        .iter()
        .map(|statement| JsValue::from(statement.inner()));
    let database: &JsDatabase = AsRef::<JsValue>::as_ref(database).unchecked_ref();
    let answers = database.batch(&statements.collect()).await?;
    let answer = Reflect::get_u32(&answers, 0)?;
    let rows = Reflect::get(&answer, &JsValue::from("results"))?;
    let row = Reflect::get_u32(&rows, 0)?;
    // An object here, whose members come in the order of the columns.
    Ok(row.dyn_ref().map(|row: &Object| Row(Object::values(row))))
}

/// An integer of up to 2^53 - 1, as JavaScript has it.
#[allow(clippy::cast_precision_loss)]
fn number(integer: u64) -> JsValue {
    JsValue::from_f64(integer as f64)
}

/// An id as JavaScript has it: exact, since it is at most 2^53 - 1.
#[allow(clippy::cast_precision_loss)]
fn id_number(id: UserId) -> JsValue {
    JsValue::from_f64(id.get() as f64)
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

    /// The user's id in `column`.
    fn user_id(&self, column: u32) -> Result<UserId, StoreError> {
        UserId::new(self.integer(column)?).ok_or_else(|| Self::unexpected(column))
    }

    /// The Unix time in `column`, if it is not null.
    fn time(&self, column: u32) -> Result<Option<u64>, StoreError> {
        if self.is_null(column) {
            return Ok(None);
        }
        let time = u64::try_from(self.integer(column)?);
        time.map(Some).map_err(|_| Self::unexpected(column))
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
