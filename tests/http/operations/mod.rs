//! What operators rely on: settings, schema, queries, log, health.

use serde_json::{Value, json};

use crate::harness::{Server, Setting};

mod bookmark;
mod configuration;
mod factor_queries;
mod health;
mod log;
mod mail_queries;
mod passkey_queries;
mod purges;
pub(crate) mod queries;
mod schema;

const PATHS: [(&str, &str); 6] = [
    ("POST", "/auth"),
    ("POST", "/api/auth/register"),
    ("GET", "/api/auth/me"),
    ("GET", "/verify"),
    ("GET", "/healthz"),
    ("GET", "/nowhere"),
];

/// Starts a Worker with each of these settings: on every route each answers 500, and what the log says of it holds the
/// text beside them.
pub(crate) async fn every_route_answers_500(wrong: &[(&[Setting<'_>], &str)]) {
    let each: Vec<_> = wrong
        .iter()
        .map(|(settings, _)| settings.to_vec())
        .collect();
    let servers = Server::start_sharing_database(&each).await;
    for (server, (settings, named)) in servers.iter().zip(wrong) {
        for (method, path) in PATHS {
            let case = format!("{settings:?} {path}");
            let answer = server.request(method, path).send().await;
            let expected = if path == "/auth" {
                "{\"message\":\"Internal server error\"}\n"
            } else {
                "{\"error\":\"Internal server error\"}\n"
            };
            assert_eq!((answer.status, answer.text()), (500, expected), "{case}");
            let caching = answer.headers.get("Cache-Control");
            assert_eq!(caching.as_deref(), Some("no-store"), "{case}");
            let id = answer.headers.get("X-Request-Id").unwrap();
            let logs = server.logs().await;
            let entry: Value = logs
                .iter()
                .filter_map(|line| serde_json::from_str(line).ok())
                .find(|entry: &Value| entry["request_id"] == id)
                .unwrap();
            let error = entry["error"].as_str().unwrap();
            assert!(error.contains(named), "{case}: {entry}");
        }
    }
    servers[0].clone().stop().await;
}

/// The tables that grow with the users.
const GROWING: [&str; 11] = [
    "users",
    "attempts",
    "sessions",
    "audit",
    "challenges",
    "outbox",
    "identities",
    "passkeys",
    "answered_challenges",
    "recovery_codes",
    "totp",
];

/// Those of a statement, and the names by which it calls them.
fn growing(statement: &str) -> Vec<&str> {
    let words: Vec<_> = statement
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .collect();
    let mut names = Vec::new();
    for (index, word) in words.iter().enumerate() {
        if GROWING.contains(word) {
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
pub(crate) async fn check_plan(server: &Server, statement: &str) {
    let highest = (1..=20)
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
