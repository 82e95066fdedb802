//! What `schema.sql` holds even if the code is wrong.

use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::Server;

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
        ("password_hash", "NULL"),
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
