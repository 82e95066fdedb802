//! All SQL. A statement lives beside the table it reads, its index in `schema.sql`.

pub mod users;

use std::fmt;

use js_sys::Array;
use wasm_bindgen::JsCast;
use worker::{D1Database, D1PreparedStatement};

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
    let rows = statement.raw_js_value().await?;
    Ok(rows.into_iter().next().map(|row| Row(row.unchecked_into())))
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
