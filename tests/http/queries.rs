//! How many D1 queries a route costs, and that each finds its rows by an index.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::given::{self, Account, PASSWORD};
use crate::support::{RequestBuilder, Server};

/// The statements that a request made the Worker prepare.
async fn queries(server: &Server, request: RequestBuilder<'_>, status: u16) -> Vec<String> {
    let before = server.logs().await.len();
    let answer = request.send().await;
    assert_eq!(answer.status, status, "{}", answer.text());
    let lines = server.logs().await.split_off(before);
    let statements = lines.iter().filter_map(|line| line.strip_prefix("query: "));
    statements.map(str::to_owned).collect()
}

/// Has the database explain a statement, with any values: each table is searched by an index.
async fn check_plan(server: &Server, statement: &str) {
    let highest = (1..=9)
        .rev()
        .find(|n| statement.contains(&format!("?{n}")))
        .unwrap_or(0);
    let values = vec![json!(1); highest];
    let plan = format!("EXPLAIN QUERY PLAN {statement}");
    let steps = server.sql(&plan, &values).await;
    let details: Vec<_> = steps
        .iter()
        .filter_map(|step| step["detail"].as_str())
        .collect();
    for table in ["users", "attempts", "sessions", "audit"] {
        if statement.contains(&format!(" {table} ")) {
            let scan = format!("SCAN {table}");
            assert!(
                !details.iter().any(|text| text.starts_with(&scan)),
                "{statement}: {details:?}"
            );
        }
    }
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
    let hash = given::stored_password("sha256", PASSWORD, 1000);
    let line = json!({ "username": "imported", "password_hash": hash });
    let import = as_admin("POST", "/api/admin/users/import");
    let import = import.header("Content-Type", "application/x-ndjson");
    let import = import.body(line.to_string());
    for (request, status, count) in [
        // The account and where it was made, at once. After the answer, the audit trail.
        (post("/api/auth/register", &new), 201, 2 + 1),
        // And that this was a failure.
        (post("/api/auth/register", &taken), 409, 2 + 2),
        (post("/api/auth/register", &json!({})), 400, 0),
        // The account, and that the password was right or wrong.
        (post("/api/auth/login", &by_email), 200, 1 + 1 + 1),
        (post("/api/auth/login", &wrong), 401, 1 + 4 + 1),
        (post("/api/auth/login", &unknown), 401, 1 + 4 + 1),
        (post("/api/auth/login", &json!({})), 400, 0),
        (post("/auth", &by_name), 200, 1 + 1 + 1),
        (post("/auth", &json!({})), 400, 0),
        (get("/api/auth/me"), 200, 1),
        (get("/verify"), 200, 1),
        (get("/.well-known/jwks.json"), 200, 0),
        // The session and its trimming on top; with the account at once.
        (
            post("/api/auth/login", &with_scope(&by_email)),
            200,
            1 + 1 + 2 + 1,
        ),
        (post("/api/auth/register", &with_scope(&other)), 201, 3 + 1),
        (refresh(session["refresh_token"].as_str().unwrap()), 200, 1),
        (refresh("nonsense"), 401, 0),
        (with_token("GET", "/api/auth/me"), 200, 1),
        (with_token("GET", "/verify"), 200, 1),
        (with_token("GET", "/api/auth/sessions"), 200, 1 + 1),
        (with_token("DELETE", "/api/auth/sessions/x"), 404, 1 + 1),
        (with_token("DELETE", "/api/auth/sessions"), 204, 1 + 1),
        (with_token("PATCH", "/api/auth/me").json(json!({})), 200, 1),
        (
            with_token("PATCH", "/api/auth/me").json(json!({ "name": "A" })),
            200,
            1 + 1,
        ),
        // The caller, the check of the password, the change.
        (
            with_token("POST", "/api/auth/password").json(change),
            204,
            1 + 2 + 2 + 1,
        ),
        (with_token("POST", "/api/auth/logout"), 204, 1 + 1),
        (with_token("POST", "/api/auth/logout"), 204, 1),
        (delete, 204, 1 + 2 + 2 + 1),
        (as_admin("GET", "/api/admin/users"), 200, 1 + 1),
        (as_admin("GET", "/api/admin/audit"), 200, 1 + 1),
        (as_admin("PATCH", &path).json(json!({})), 200, 1 + 1),
        // The account with its sessions, and afterwards the audit trail.
        (
            as_admin("PATCH", &path).json(json!({ "disabled": true })),
            200,
            1 + 2 + 1,
        ),
        (
            as_admin("PATCH", "/api/admin/users/999").json(json!({ "name": "A" })),
            404,
            1 + 2 + 1,
        ),
        (import, 200, 1 + 1 + 1),
        (server.request("GET", "/api/auth/me"), 401, 0),
        (server.request("GET", "/healthz"), 200, 1),
        (server.request("GET", "/nowhere"), 404, 0),
    ] {
        let statements = queries(&server, request, status).await;
        assert_eq!(statements.len(), count, "{statements:?}");
        for statement in &statements {
            if !statement.contains("LIMIT 1") {
                check_plan(&server, statement).await;
            }
        }
    }
    server.stop().await;
}
