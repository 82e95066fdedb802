//! How many queries a request costs, by which index, and how many rows it writes.

use serde_json::{Value, json};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use super::{check_plan, growing};
use crate::harness::{self, Account, PASSWORD, RequestBuilder, Server};

/// The statements that a request made the Worker prepare.
pub(crate) async fn queries(
    server: &Server,
    request: RequestBuilder<'_>,
    status: u16,
) -> Vec<String> {
    let before = server.logs().await.len();
    let answer = request.send().await;
    assert_eq!(answer.status, status, "{}", answer.text());
    let lines = server.logs().await.split_off(before);
    let statements = lines.iter().filter_map(|line| line.strip_prefix("query: "));
    statements.map(str::to_owned).collect()
}

#[wasm_bindgen_test]
async fn a_scan_is_found_by_whatever_name() {
    let server = Server::shared().await;
    let explain = |statement: &'static str| {
        let server = server.clone();
        async move {
            let steps = server
                .sql(&format!("EXPLAIN QUERY PLAN {statement}"), &[])
                .await;
            format!("{steps:?}")
        }
    };
    // What the check looks for is what SQLite says.
    let plain = explain("SELECT name FROM users WHERE name = 'x'").await;
    assert!(plain.contains("SCAN users"), "{plain}");
    let aliased = explain("SELECT one.name FROM users AS one WHERE one.name = 'x'").await;
    assert!(aliased.contains("SCAN one"), "{aliased}");
    let statement = "SELECT one.name FROM users AS one JOIN sessions WHERE one.name = 'x'";
    assert_eq!(growing(statement), ["users", "one", "sessions"]);
}

/// The rows that a request made the database write, its audit trail among them.
async fn rows_written(server: &Server, request: RequestBuilder<'_>, status: u16) -> u32 {
    let count = async || -> u32 {
        let lines = server.logs().await;
        let rows = lines
            .iter()
            .filter_map(|line| line.strip_prefix("rows written: "));
        rows.map(|rows| rows.parse::<u32>().unwrap()).sum()
    };
    let events = "SELECT coalesce(sum(count), 0) AS n FROM audit";
    let (before, trail) = (count().await, server.sql(events, &[]).await);
    let answer = request.send().await;
    assert_eq!(answer.status, status, "{}", answer.text());
    // Until the Worker has done what it does after its answer, where it does anything.
    if answer.status != 200 || answer.text().contains("Login") {
        for _ in 0..1000 {
            if server.sql(events, &[]).await != trail {
                break;
            }
        }
    }
    count().await - before
}

/// What a sign-in costs is for the most part what it writes: a row costs as much as 50 ms of CPU.
#[wasm_bindgen_test]
async fn nothing_is_written_that_changes_nothing() {
    let server = Server::start_with_counted_rows(&[
        ("PASSWORD_HASH", Some("argon2id")),
        ("SIGN_IN_FLOOR_MS", Some("100")),
    ])
    .await;
    let from = |path: &str, address: &str, body: Value| {
        let request = server.request("POST", path);
        request.header("CF-Connecting-IP", address).json(body)
    };
    let new = json!({
        "email": "ann@example.com", "username": "ann", "password": PASSWORD, "name": "Ann",
    });
    let nameless = json!({ "email": "bob@example.com", "password": PASSWORD, "name": "Bob" });
    let right = json!({ "email": "ann@example.com", "password": PASSWORD });
    let wrong = json!({ "email": "ann@example.com", "password": "wrong horse battery" });
    let unknown = json!({ "email": "nobody@example.com", "password": PASSWORD });
    let with_session = json!({
        "email": "ann@example.com", "password": PASSWORD, "scope": "offline_access",
    });
    let (register, login) = ("/api/auth/register", "/api/auth/login");
    let (home, away) = ("192.0.2.1", "198.51.100.1");
    let mut counted = Vec::new();
    for (what, request, status) in [
        // The account, its three indexes with the counter of ids, where it is familiar, the event.
        ("registration", from(register, home, new), 201),
        (
            "registration without a username",
            from(register, home, nameless),
            201,
        ),
        ("right sign-in", from(login, home, right.clone()), 200),
        (
            "right sign-in from a new address",
            from(login, away, right.clone()),
            200,
        ),
        (
            "right sign-in from there again",
            from(login, away, right.clone()),
            200,
        ),
        (
            "right sign-in that opens a session",
            from(login, home, with_session.clone()),
            200,
        ),
        ("wrong sign-in", from(login, away, wrong.clone()), 401),
        ("wrong sign-in again", from(login, away, wrong.clone()), 401),
        (
            "wrong sign-in of nobody",
            from(login, "192.0.2.9", unknown),
            401,
        ),
        (
            "right sign-in after wrong ones",
            from(login, away, right.clone()),
            200,
        ),
    ] {
        counted.push((what, rows_written(&server, request, status).await));
    }
    console_log!("rows written: {counted:?}");
    let expected = [
        ("registration", 7),
        ("registration without a username", 6),
        ("right sign-in", 1),
        ("right sign-in from a new address", 2),
        ("right sign-in from there again", 1),
        ("right sign-in that opens a session", 3),
        ("wrong sign-in", 5),
        ("wrong sign-in again", 4),
        ("wrong sign-in of nobody", 6),
        ("right sign-in after wrong ones", 3),
    ];
    assert_eq!(counted, expected);
    let session = from(login, home, with_session).send().await.json();
    let body = json!({ "refresh_token": session["refresh_token"] });
    for (address, expected) in [(home, 1), ("192.0.2.8", 2), ("192.0.2.8", 1)] {
        let request = from("/api/auth/refresh", address, body.clone());
        assert_eq!(
            rows_written(&server, request, 200).await,
            expected,
            "refresh"
        );
    }
    let bearer = format!("Bearer {}", session["access_token"].as_str().unwrap());
    for (method, path) in [
        ("GET", "/api/auth/me"),
        ("GET", "/verify"),
        ("PATCH", "/api/auth/me"),
    ] {
        let request = server
            .request(method, path)
            .header("Authorization", &bearer);
        let request = request.json(json!({ "name": "Ann", "username": "ann" }));
        assert_eq!(
            rows_written(&server, request, 200).await,
            0,
            "{method} {path}"
        );
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn as_few_queries_as_will_do_each_by_an_index() {
    let server = Server::start_with_seen_queries(&[]).await;
    let account = Account::register(&server).await;
    let new = json!({ "email": "new@example.com", "password": PASSWORD, "name": "New" });
    let taken = json!({ "email": account.email, "password": PASSWORD, "name": "New" });
    let by_email = json!({ "email": account.email, "password": PASSWORD });
    let by_name = json!({ "username": account.username, "password": PASSWORD });
    let wrong = json!({ "email": account.email, "password": "wrong horse battery" });
    let unknown = json!({ "email": "nobody@example.com", "password": PASSWORD });
    let post = |path: &str, body: &Value| server.request("POST", path).json(body.clone());
    let get = |path: &str| {
        let request = server.request("GET", path);
        request.header("Authorization", &account.bearer())
    };
    let with_scope = |body: &Value| {
        let mut body = body.clone();
        body["scope"] = json!("offline_access");
        body
    };
    let other = json!({ "email": "other@example.com", "password": PASSWORD, "name": "New" });
    let session = post("/api/auth/login", &with_scope(&by_email));
    let session = session.send().await.json();
    let bearer = |token: &str| format!("Bearer {token}");
    let refresh = |token: &str| {
        let request = server.request("POST", "/api/auth/refresh");
        request.header("Authorization", &bearer(token))
    };
    let with_token = |method: &str, path: &str| {
        let token = session["access_token"].as_str().unwrap();
        let request = server.request(method, path);
        request.header("Authorization", &bearer(token))
    };
    let change = json!({ "current_password": PASSWORD, "new_password": "another horse battery" });
    let leaver = Account::register(&server).await;
    let delete = server.request("DELETE", "/api/auth/me");
    let delete = delete.header("Authorization", &leaver.bearer());
    let delete = delete.json(json!({ "password": PASSWORD }));
    let admin = Account::register(&server).await;
    let statement = "UPDATE users SET role = 'admin' WHERE id = ?";
    server.sql(statement, &[admin.id.into()]).await;
    let as_admin = |method: &str, path: &str| {
        let request = server.request(method, path);
        request.header("Authorization", &admin.bearer())
    };
    let path = format!("/api/admin/users/{}", account.id);
    let hash = harness::stored_password("sha256", PASSWORD, 1000);
    let line = json!({ "username": "imported", "password_hash": hash });
    let import = as_admin("POST", "/api/admin/users/import");
    let import = import.header("Content-Type", "application/x-ndjson");
    let import = import.body(line.to_string());
    for (request, status, count) in [
        // Whether there can be such an account; the account and where it was made, at once. After
        // the answer, the audit trail.
        (post("/api/auth/register", &new), 201, 1 + 2 + 1),
        // And that this was a failure.
        (post("/api/auth/register", &taken), 409, 1 + 2 + 1),
        (post("/api/auth/register", &json!({})), 400, 0),
        // The account, and whether the password may be right, and that the address is familiar now,
        // or all that a wrong one counts for.
        (post("/api/auth/login", &by_email), 200, 1 + 1 + 1 + 1),
        (post("/api/auth/login", &wrong), 401, 1 + 5 + 1),
        (post("/api/auth/login", &unknown), 401, 1 + 5 + 1),
        (post("/api/auth/login", &json!({})), 400, 0),
        (post("/auth", &by_name), 200, 1 + 1 + 1 + 1),
        (post("/auth", &json!({})), 400, 0),
        (get("/api/auth/me"), 200, 1),
        (get("/verify"), 200, 1),
        (get("/.well-known/jwks.json"), 200, 0),
        // The session and its trimming on top; with the account at once.
        (
            post("/api/auth/login", &with_scope(&by_email)),
            200,
            1 + 1 + 1 + 2 + 1,
        ),
        (
            post("/api/auth/register", &with_scope(&other)),
            201,
            1 + 3 + 1,
        ),
        // And that the address is familiar now.
        (
            refresh(session["refresh_token"].as_str().unwrap()),
            200,
            1 + 1,
        ),
        (refresh("nonsense"), 401, 0),
        (with_token("GET", "/api/auth/me"), 200, 1),
        (with_token("GET", "/verify"), 200, 1),
        (with_token("GET", "/api/auth/sessions"), 200, 1 + 1),
        // With the tickets, which that voids; where nothing was changed, whether the caller still may.
        (with_token("DELETE", "/api/auth/sessions/x"), 404, 1 + 2 + 1),
        (with_token("DELETE", "/api/auth/sessions"), 204, 1 + 3),
        (with_token("PATCH", "/api/auth/me").json(json!({})), 200, 1),
        (
            with_token("PATCH", "/api/auth/me").json(json!({ "name": "A" })),
            200,
            1 + 1,
        ),
        // The caller, the check of the password, the change with what was sent by mail, which it voids.
        (
            with_token("POST", "/api/auth/password").json(change),
            204,
            1 + 3 + 3 + 1,
        ),
        (with_token("POST", "/api/auth/logout"), 204, 1 + 1),
        (with_token("POST", "/api/auth/logout"), 204, 1),
        (delete, 204, 1 + 3 + 3 + 1),
        (as_admin("GET", "/api/admin/users"), 200, 1 + 1),
        (as_admin("GET", "/api/admin/audit"), 200, 1 + 1),
        (as_admin("PATCH", &path).json(json!({})), 200, 1 + 1),
        // The account as it was and as it is, the tickets, and afterwards the audit trail.
        (
            as_admin("PATCH", &path).json(json!({ "disabled": true })),
            200,
            1 + 3 + 1,
        ),
        (
            as_admin("PATCH", "/api/admin/users/999").json(json!({ "name": "A" })),
            404,
            1 + 1,
        ),
        (
            as_admin("POST", &format!("{path}/unlock")),
            204,
            1 + 1 + 3 + 1,
        ),
        (
            as_admin("DELETE", &format!("{path}/sessions")),
            204,
            1 + 1 + 1,
        ),
        // Whether the caller may, the accounts, the audit trail, what names had failed before.
        (import, 200, 1 + 5),
        (server.request("GET", "/api/auth/me"), 401, 0),
        (server.request("GET", "/healthz"), 200, 1),
        (server.request("GET", "/nowhere"), 404, 0),
    ] {
        let statements = queries(&server, request, status).await;
        assert_eq!(statements.len(), count, "{statements:?}");
        for statement in &statements {
            // Whether the database answers and has its schema.
            if statement != "SELECT 1 FROM users LIMIT 1" {
                check_plan(&server, statement).await;
            }
        }
    }
    server.stop().await;
}
