//! The schema: its constraints, and that the migrations add up to it.

use serde_json::Value;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::harness::{Server, migrations, schema_after};

const SCHEMA: &str = include_str!("../../../schema.sql");

const HASH: &str = "'$pbkdf2-sha512$i=210000$c2FsdA$aGFzaA'";

/// Whether the table takes a row of these columns and SQL values.
async fn takes(server: &Server, columns: &str, values: &str) -> bool {
    let statement = format!("INSERT INTO users ({columns}) VALUES ({values})");
    match server.try_sql(&statement, &[]).await {
        Ok(_) => true,
        Err(error) => {
            assert!(
                error.contains("constraint") || error.contains("cannot store"),
                "{error}"
            );
            false
        }
    }
}

#[wasm_bindgen_test]
async fn constraints() {
    let server = Server::start(&[]).await;
    let account = "email, name, password_hash";
    assert!(takes(&server, account, &format!("'a@example.com', 'A', {HASH}")).await);
    for email in [
        "'a@example.com'",
        "'A@EXAMPLE.com'",
        "'B@example.com'",
        "'b'",
        "'b@localhost'",
        "'b@b@example.com'",
        "'b c@example.com'",
        "'ä@example.com'",
        "''",
        "NULL",
        "1",
        "x'00'",
    ] {
        let values = format!("{email}, 'A', {HASH}");
        assert!(!takes(&server, account, &values).await, "{email}");
    }
    for (column, value) in [
        ("name", "''"),
        ("name", "NULL"),
        ("role", "''"),
        ("role", "'a b'"),
        ("role", "NULL"),
        ("disabled", "2"),
        ("disabled", "NULL"),
        ("disabled", "'yes'"),
        ("uuid", "NULL"),
        ("uuid", "'00000000-0000-1000-8000-000000000000'"),
        ("uuid", "'00000000-0000-4000-8000-00000000000A'"),
        ("user_metadata", "'[]'"),
        ("app_metadata", "NULL"),
        ("user_handle", "x'00'"),
        ("password_hash", "''"),
        ("password_hash", "'correct horse battery staple'"),
        ("created_at", "'yesterday'"),
        ("created_at", "'2024-01-15 10:30:00'"),
        ("updated_at", "NULL"),
        ("username", "'alone'"),
        ("username_folded", "'alone'"),
    ] {
        let mut row = vec![
            ("email", "'b@example.com'"),
            ("name", "'B'"),
            ("password_hash", HASH),
        ];
        row.retain(|(name, _)| *name != column);
        row.push((column, value));
        let columns: Vec<_> = row.iter().map(|(name, _)| *name).collect();
        let values: Vec<_> = row.iter().map(|(_, value)| *value).collect();
        assert!(
            !takes(&server, &columns.join(", "), &values.join(", ")).await,
            "{column} {value}"
        );
    }
    let named = "username, username_folded, name, password_hash";
    assert!(takes(&server, named, &format!("'Ann', 'ann', 'A', {HASH}")).await);
    assert!(!takes(&server, named, &format!("'ANN', 'ann', 'A', {HASH}")).await);
    server.stop().await;
}

/// The tables and indexes after these SQL texts, without what says nothing: comments, white space, the quotes that
/// `ALTER TABLE` puts round a name.
async fn normalized(texts: &[&str]) -> Vec<String> {
    let objects = schema_after(texts).await;
    let text = |object: &Value, key: &str| object[key].as_str().unwrap_or_default().to_owned();
    let normalized = objects.iter().map(|object| {
        let [kind, name, table] = ["type", "name", "tbl_name"].map(|key| text(object, key));
        format!("{kind} {name} {table} {}", tokens(&text(object, "sql")))
    });
    normalized.collect()
}

fn tokens(sql: &str) -> String {
    let mut tokens = String::new();
    let mut chars = sql.chars().peekable();
    let mut in_word = false;
    while let Some(c) = chars.next() {
        let word = c.is_alphanumeric() || c == '_';
        if !(word && in_word) {
            tokens.push(' ');
        }
        in_word = word;
        match c {
            '-' if chars.peek() == Some(&'-') => while chars.next_if(|c| *c != '\n').is_some() {},
            '\'' => {
                tokens.push(c);
                tokens.extend(chars.by_ref().take_while(|c| *c != '\''));
                tokens.push(c);
            }
            '"' => {}
            c if c.is_whitespace() => {}
            c => tokens.push(c),
        }
    }
    tokens
        .split(' ')
        .filter(|token| !token.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[wasm_bindgen_test]
async fn migrations_add_up_to_the_schema() {
    let migrations = migrations();
    let all = migrations.join("\n");
    let whole = normalized(&[SCHEMA]).await;
    assert!(!whole.is_empty());
    assert_eq!(normalized(&[&all]).await, whole);
    // A database that was made before there were migrations has what the first one makes.
    assert_eq!(normalized(&[&migrations[0], &all]).await, whole);

    for more in [
        "ALTER TABLE users ADD COLUMN more TEXT",
        "ALTER TABLE users DROP COLUMN tokens_valid_after",
        "ALTER TABLE sessions RENAME COLUMN spent TO spend",
        "CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT",
        "CREATE INDEX more ON users (name)",
        "DROP INDEX sessions_by_user",
        "DROP INDEX sessions_by_user; CREATE UNIQUE INDEX sessions_by_user ON sessions (user_id)",
    ] {
        assert_ne!(normalized(&[&all, more]).await, whole, "{more}");
    }
    // What is only written otherwise is no difference.
    let rewritten = "ALTER TABLE attempts RENAME TO tries; ALTER TABLE tries RENAME TO attempts";
    assert_eq!(normalized(&[&all, rewritten]).await, whole);
}
