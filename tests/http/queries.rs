//! How many D1 queries a route costs, and that each finds its rows by an index.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::given::{Account, PASSWORD};
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

#[wasm_bindgen_test]
async fn one_query_a_request_by_an_index() {
    let server = Server::start_with_seen_queries().await;
    let account = Account::register(&server).await;
    let new = json!({ "email": "new@example.com", "password": PASSWORD, "name": "New" });
    let taken = json!({ "email": account.email, "password": PASSWORD, "name": "New" });
    let by_email = json!({ "email": account.email, "password": PASSWORD });
    let by_name = json!({ "username": account.username, "password": PASSWORD });
    let unknown = json!({ "email": "nobody@example.com", "password": PASSWORD });
    let post = |path: &str, body: &Value| server.request("POST", path).json(body.clone());
    let get = |path: &str| {
        let request = server.request("GET", path);
        request.header("Authorization", &account.bearer())
    };
    for (request, status, count) in [
        (post("/api/auth/register", &new), 201, 1),
        (post("/api/auth/register", &taken), 409, 1),
        (post("/api/auth/register", &json!({})), 400, 0),
        (post("/api/auth/login", &by_email), 200, 1),
        (post("/api/auth/login", &unknown), 401, 1),
        (post("/api/auth/login", &json!({})), 400, 0),
        (post("/auth", &by_name), 200, 1),
        (post("/auth", &json!({})), 400, 0),
        (get("/api/auth/me"), 200, 1),
        (get("/verify"), 200, 1),
        (server.request("GET", "/api/auth/me"), 401, 0),
        (server.request("GET", "/healthz"), 200, 1),
        (server.request("GET", "/nowhere"), 404, 0),
    ] {
        let statements = queries(&server, request, status).await;
        assert_eq!(statements.len(), count, "{statements:?}");
        for statement in statements.iter().filter(|text| text.contains("WHERE")) {
            let values = vec![json!("1"); statement.matches('?').count().min(5)];
            let highest = (1..=5)
                .rev()
                .find(|n| statement.contains(&format!("?{n}")))
                .unwrap();
            let plan = format!("EXPLAIN QUERY PLAN {statement}");
            let steps = server
                .sql(&plan, &values[..highest.min(values.len())])
                .await;
            let details: Vec<_> = steps
                .iter()
                .filter_map(|step| step["detail"].as_str())
                .collect();
            assert!(
                details
                    .iter()
                    .any(|text| text.starts_with("SEARCH users USING ")),
                "{details:?}"
            );
            assert!(
                !details.iter().any(|text| text.starts_with("SCAN users")),
                "{details:?}"
            );
        }
    }
    server.stop().await;
}
