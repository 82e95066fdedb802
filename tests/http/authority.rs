//! Whoever may do a thing is asked again in the statement that does it: a request that was let in does
//! nothing once its caller may no longer, whatever happened between.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::harness::{Account, PASSWORD, QUICK, RequestBuilder, Server, stored_password};

/// What others do to the account between two steps of its request, and how that is refused.
pub(crate) const MEANWHILE: [(&str, (u16, &str)); 4] = [
    (
        "UPDATE users SET role = 'customer', epoch = epoch + 1 WHERE id = {id}",
        (401, "{\"msg\":\"Token has been revoked\"}\n"),
    ),
    (
        "UPDATE users SET disabled = 1 WHERE id = {id}",
        (401, "{\"msg\":\"Token has been revoked\"}\n"),
    ),
    (
        "DELETE FROM sessions WHERE user_id = {id}",
        (401, "{\"msg\":\"Token has been revoked\"}\n"),
    ),
    (
        "DELETE FROM users WHERE id = {id}",
        (404, "{\"error\":\"User not found\"}\n"),
    ),
];

/// An account with a session of its own, an administrator's where `is_admin`.
async fn caller(server: &Server, is_admin: bool) -> (Account, String) {
    let account = Account::register(server).await;
    if is_admin {
        let statement = "UPDATE users SET role = 'admin' WHERE id = ?";
        server.sql(statement, &[account.id.into()]).await;
    }
    let body = json!({
        "email": account.email, "password": PASSWORD, "scope": "offline_access",
    });
    let request = server.request("POST", "/api/auth/login").json(body);
    let session = request.send().await.json();
    let token = session["access_token"].as_str().unwrap();
    (account, format!("Bearer {token}"))
}

/// Everything that a change could have changed but the account of that id.
async fn others(server: &Server, id: u64) -> Vec<Value> {
    let users = "SELECT * FROM users WHERE id <> ? ORDER BY id";
    let attempts = "SELECT key, failures FROM attempts WHERE failures > 10 ORDER BY key";
    let mut rows = server.sql(users, &[id.into()]).await;
    rows.extend(server.sql(attempts, &[]).await);
    rows
}

/// The request with a statement that runs after so many answers of the database.
pub(crate) fn meanwhile<'a>(
    request: RequestBuilder<'a>,
    statement: &str,
    id: u64,
    after: usize,
) -> RequestBuilder<'a> {
    let statement = statement.replace("{id}", &id.to_string());
    let request = request.header("Meanwhile", &statement);
    request.header("Meanwhile-After", &after.to_string())
}

#[wasm_bindgen_test]
async fn administrators_are_asked_again_when_the_change_is_written() {
    let server = Server::start_with_meanwhile(&QUICK).await;
    let other = Account::register(&server).await;
    let statement = "INSERT INTO attempts VALUES ('user ' || ? || ' x', 80, 0, 0, 0, 0)";
    server.sql(statement, &[other.id.to_string().into()]).await;
    let hash = stored_password("sha256", PASSWORD, 1000);
    let line = json!({ "username": "imported", "password_hash": hash }).to_string();
    let path = format!("/api/admin/users/{}", other.id);
    // The method, the path, the body, and after how many answers of the database it writes.
    let changes = [
        (
            "PATCH",
            path.clone(),
            json!({ "role": "admin" }).to_string(),
            2,
        ),
        (
            "PATCH",
            path.clone(),
            json!({ "disabled": true }).to_string(),
            2,
        ),
        (
            "PATCH",
            "{self}".to_owned(),
            json!({ "role": "admin", "disabled": false, "name": "Self" }).to_string(),
            1,
        ),
        ("DELETE", format!("{path}/sessions"), String::new(), 1),
        ("POST", format!("{path}/unlock"), String::new(), 2),
        ("POST", "/api/admin/users/import".to_owned(), line, 1),
    ];
    for (method, path, body, after) in changes {
        for (statement, expected) in MEANWHILE {
            let (admin, bearer) = caller(&server, true).await;
            let path = path.replace("{self}", &format!("/api/admin/users/{}", admin.id));
            let before = others(&server, admin.id).await;
            let request = server
                .request(method, &path)
                .header("Authorization", &bearer);
            let media_type = match path.ends_with("import") {
                true => "application/x-ndjson",
                false => "application/json",
            };
            let request = request.header("Content-Type", media_type).body(&body);
            let answer = meanwhile(request, statement, admin.id, after).send().await;
            let seen = (answer.status, answer.text());
            assert_eq!(seen, expected, "{method} {path} {statement}");
            assert_eq!(
                others(&server, admin.id).await,
                before,
                "{method} {path} {statement}"
            );
            let rows = server
                .sql(
                    "SELECT role, disabled FROM users WHERE id = ?",
                    &[admin.id.into()],
                )
                .await;
            if statement.contains("customer") {
                assert_eq!(rows, [json!({ "role": "customer", "disabled": 0 })]);
            } else if statement.contains("disabled") {
                assert_eq!(rows, [json!({ "role": "admin", "disabled": 1 })]);
            }
        }
    }
    // Whoever is demoted without a word about tokens is forbidden.
    let (admin, bearer) = caller(&server, true).await;
    let request = server
        .request("PATCH", &path)
        .header("Authorization", &bearer);
    let request = request.json(json!({ "disabled": true }));
    let statement = "UPDATE users SET role = 'customer' WHERE id = {id}";
    let answer = meanwhile(request, statement, admin.id, 1).send().await;
    assert_eq!(
        (answer.status, answer.text()),
        (403, "{\"error\":\"Forbidden\"}\n")
    );
    server.stop().await;
}

#[wasm_bindgen_test]
async fn an_import_stops_at_the_chunk_where_its_caller_was_demoted() {
    let server = Server::start_with_meanwhile(&QUICK).await;
    let (admin, bearer) = caller(&server, true).await;
    let hash = stored_password("sha256", PASSWORD, 1000);
    let line = |n: usize| json!({ "username": format!("user{n}"), "password_hash": hash });
    let lines: Vec<_> = (0..1500).map(|n| line(n).to_string()).collect();
    let request = server.request("POST", "/api/admin/users/import");
    let request = request.header("Authorization", &bearer);
    let request = request.header("Content-Type", "application/x-ndjson");
    let request = request.body(lines.join("\n"));
    let statement = "UPDATE users SET role = 'customer' WHERE id = {id}";
    let answer = meanwhile(request, statement, admin.id, 2).send().await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    let imported = "SELECT count(*) AS n FROM users WHERE username LIKE 'user%'";
    assert_eq!(server.sql(imported, &[]).await, [json!({ "n": 500 })]);
    // It leaves its trace all the same.
    let events = "SELECT actor_id, detail FROM audit WHERE action = 'import'";
    let event = json!({ "actor_id": admin.id, "detail": "500" });
    assert_eq!(server.sql(events, &[]).await, [event]);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn everybody_is_asked_again_when_a_change_is_written() {
    let server = Server::start_with_meanwhile(&QUICK).await;
    let passwords = json!({
        "current_password": PASSWORD, "new_password": "another horse battery",
    });
    let changes = [
        ("PATCH", "/api/auth/me", json!({ "name": "Mallory" }), 1),
        ("PATCH", "/api/auth/me", json!({ "username": "Mallory" }), 1),
        // The password was looked at, and found right.
        ("POST", "/api/auth/password", passwords, 3),
        ("DELETE", "/api/auth/me", json!({ "password": PASSWORD }), 3),
        ("DELETE", "/api/auth/sessions", json!({}), 1),
    ];
    for (method, path, body, after) in changes {
        for (statement, expected) in MEANWHILE {
            let (account, bearer) = caller(&server, false).await;
            let more = json!({
                "email": account.email, "password": PASSWORD, "scope": "offline_access",
            });
            server
                .request("POST", "/api/auth/login")
                .json(more)
                .send()
                .await;
            let seen = "SELECT name, username, password_hash FROM users WHERE id = ?";
            let before = server.sql(seen, &[account.id.into()]).await;
            let request = server
                .request(method, path)
                .header("Authorization", &bearer);
            let answer = meanwhile(request.json(body.clone()), statement, account.id, after);
            let answer = answer.send().await;
            assert_eq!(
                (answer.status, answer.text()),
                expected,
                "{method} {path} {statement}"
            );
            if !statement.starts_with("DELETE FROM users") {
                let after = server.sql(seen, &[account.id.into()]).await;
                assert_eq!(after, before, "{method} {path} {statement}");
            }
            if statement.starts_with("UPDATE") {
                let sessions = "SELECT id FROM sessions WHERE user_id = ?";
                let sessions = server.sql(sessions, &[account.id.into()]).await;
                assert_eq!(sessions.len(), 2, "{method} {path} {statement}");
            }
        }
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn one_of_two_sessions_that_end_each_other_is_left() {
    let server = Server::start_with_meanwhile(&QUICK).await;
    let (account, bearer) = caller(&server, false).await;
    let body = json!({
        "email": account.email, "password": PASSWORD, "scope": "offline_access",
    });
    server
        .request("POST", "/api/auth/login")
        .json(body)
        .send()
        .await;
    let rows = "SELECT id FROM sessions WHERE user_id = ? ORDER BY created_at";
    let rows = server.sql(rows, &[account.id.into()]).await;
    let path = format!("/api/auth/sessions/{}", rows[1]["id"].as_str().unwrap());
    let request = server
        .request("DELETE", &path)
        .header("Authorization", &bearer);
    let own = rows[0]["id"].as_str().unwrap();
    let statement = format!("DELETE FROM sessions WHERE id = '{own}'");
    let answer = meanwhile(request, &statement, account.id, 1).send().await;
    assert_eq!(answer.status, 401);
    let left = "SELECT id FROM sessions WHERE user_id = ?";
    assert_eq!(server.sql(left, &[account.id.into()]).await.len(), 1);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_password_that_is_changed_meanwhile_is_no_other_reason() {
    let server = Server::start_with_meanwhile(&QUICK).await;
    // What a change of the caller's own password does, whose session goes on.
    let change = "UPDATE users SET epoch = epoch + 1 WHERE id = {id}";
    let and = "UPDATE sessions SET epoch = epoch + 1 WHERE user_id = {id}";
    let revoked = (401, "{\"msg\":\"Token has been revoked\"}\n");
    for (method, path, body) in [
        ("PATCH", "/api/auth/me", json!({ "name": "New" })),
        ("PATCH", "/api/auth/me", json!({ "username": "New" })),
        ("DELETE", "/api/auth/me", json!({ "password": PASSWORD })),
        ("PATCH", "/api/admin/users/1", json!({ "name": "New" })),
        ("DELETE", "/api/admin/users/1/sessions", json!({})),
        ("POST", "/api/admin/users/1/unlock", json!({})),
    ] {
        let (admin, bearer) = caller(&server, true).await;
        // The epochs of account and session are one; a trigger keeps them so, as the change does.
        let trigger = format!(
            "CREATE TRIGGER kept AFTER UPDATE OF epoch ON users BEGIN {}; END",
            and.replace("{id}", "NEW.id")
        );
        server.sql(&trigger, &[]).await;
        let request = server
            .request(method, path)
            .header("Authorization", &bearer);
        let after = if path.ends_with("sessions") { 1 } else { 2 };
        let after = if path == "/api/auth/me" && method == "PATCH" {
            1
        } else {
            after
        };
        let request = meanwhile(request.json(body), change, admin.id, after);
        let answer = request.send().await;
        assert_eq!((answer.status, answer.text()), revoked, "{method} {path}");
        server.sql("DROP TRIGGER kept", &[]).await;
    }
    server.stop().await;
}
