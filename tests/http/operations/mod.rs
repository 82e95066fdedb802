//! What operators rely on: settings, schema, queries, log, health.

use serde_json::{Value, json};

use crate::harness::Server;

mod bookmark;
mod configuration;
mod health;
mod log;
mod purges;
mod queries;
mod schema;

const PATHS: [(&str, &str); 6] = [
    ("POST", "/auth"),
    ("POST", "/api/auth/register"),
    ("GET", "/api/auth/me"),
    ("GET", "/verify"),
    ("GET", "/healthz"),
    ("GET", "/nowhere"),
];

pub(crate) async fn every_route_answers_500(overrides: &[(&str, Option<&str>)], named: &str) {
    let server = Server::start(overrides).await;
    for (method, path) in PATHS {
        let answer = server.request(method, path).send().await;
        let expected = if path == "/auth" {
            "{\"message\":\"Internal server error\"}\n"
        } else {
            "{\"error\":\"Internal server error\"}\n"
        };
        assert_eq!((answer.status, answer.text()), (500, expected), "{path}");
        assert_eq!(
            answer.headers.get("Cache-Control").as_deref(),
            Some("no-store")
        );
        let id = answer.headers.get("X-Request-Id").unwrap();
        let logs = server.logs().await;
        let entry: Value = logs
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .find(|entry: &Value| entry["request_id"] == id)
            .unwrap();
        assert!(entry["error"].as_str().unwrap().contains(named), "{entry}");
    }
    server.stop().await;
}

/// The tables that grow with the users, and the names by which a statement calls them.
fn growing(statement: &str) -> Vec<&str> {
    let words: Vec<_> = statement
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .collect();
    let mut names = Vec::new();
    for (index, word) in words.iter().enumerate() {
        if ["users", "attempts", "sessions", "audit"].contains(word) {
            names.push(*word);
            if let [Some(&"AS"), Some(alias)] = [words.get(index + 1), words.get(index + 2)] {
                names.push(*alias);
            }
        }
    }
    names
}

/// Has the database explain a statement, with any values: each table that grows is searched by an
/// index, by whatever name the statement calls it.
async fn check_plan(server: &Server, statement: &str) {
    let highest = (1..=9)
        .rev()
        .find(|n| statement.contains(&format!("?{n}")))
        .unwrap_or(0);
    let values = vec![json!("[1]"); highest];
    let plan = format!("EXPLAIN QUERY PLAN {statement}");
    let steps = server.sql(&plan, &values).await;
    let details: Vec<_> = steps
        .iter()
        .filter_map(|step| step["detail"].as_str())
        .collect();
    for name in growing(statement) {
        let scan = format!("SCAN {name}");
        let is_scan = |text: &&str| **text == scan || text.starts_with(&format!("{scan} "));
        assert!(!details.iter().any(is_scan), "{statement}: {details:?}");
    }
}
