//! Protected prefixes, and what the services behind them are sent.

use serde_json::{Value, json};

use crate::harness::{Account, Answer, RequestBuilder, Server};

mod headers;
mod pass;
mod paths;
mod step_up;
mod verify;
mod web_sockets;

const NOT_FOUND: (u16, &str) = (404, "{\"error\":\"Not found\"}\n");
const FORBIDDEN: (u16, &str) = (403, "{\"error\":\"Forbidden\"}\n");

/// Prefixes of every kind.
fn protected() -> String {
    let entry = |prefix: &str, upstream: &str, dialect: &str| json!({ "prefix": prefix, "upstream": upstream, "dialect": dialect });
    let mut admin = entry("/up/admin/", "UPSTREAM", "JWT");
    admin["role"] = json!("admin");
    let mut secret = entry("/up/secret/", "UPSTREAM", "JWT");
    secret["role"] = json!("admin");
    let mut public = entry("/public/", "UPSTREAM", "Bearer");
    public["public_methods"] = json!(["GET", "OPTIONS"]);
    json!([
        entry("/up/", "UPSTREAM", "JWT"),
        entry("/bearer/", "UPSTREAM", "Bearer"),
        entry("/origin/", "https://books.example.com:8443", "JWT"),
        entry("/down/", "https://down.example", "JWT"),
        entry("/missing/", "NOT_BOUND", "JWT"),
        entry("/text/", "JWT_SECRET", "JWT"),
        entry("/database/", "DB", "JWT"),
        admin,
        secret,
        public,
    ])
    .to_string()
}

async fn start() -> Server {
    Server::start(&[("PROTECTED", Some(&protected()))]).await
}

/// A request with the account's token.
fn request<'a>(
    server: &'a Server,
    account: &Account,
    method: &str,
    path: &str,
) -> RequestBuilder<'a> {
    let request = server.request(method, path);
    request.header("Authorization", &format!("JWT {}", account.access_token))
}

/// What the upstream says that it received.
fn received(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// A header that the upstream received.
fn header<'a>(received: &'a Value, name: &str) -> Option<&'a str> {
    let headers = received["headers"].as_array().unwrap();
    let header = headers.iter().find(|header| header[0] == name)?;
    header[1].as_str()
}

/// What reached the upstream so far, a line a request.
async fn reached(server: &Server) -> usize {
    let logs = server.logs().await;
    let lines = logs.iter().filter(|line| line.starts_with("upstream: "));
    lines.count()
}

async fn make_admin(server: &Server, account: &Account) {
    let statement = "UPDATE users SET role = 'admin' WHERE id = ?";
    server.sql(statement, &[account.id.into()]).await;
}
