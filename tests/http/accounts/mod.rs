//! Accounts: registration, profile, password, deletion.

use serde_json::Value;

use crate::harness::{Answer, Server};

mod breached;
mod deletion;
mod me;
mod password;
mod registration;
mod usernames;

const WRONG: &str = "{\"error\":\"Wrong password\"}\n";

pub(crate) async fn register(server: &Server, body: Value) -> Answer {
    let request = server.request("POST", "/api/auth/register");
    request.json(body).send().await
}

pub(crate) async fn login(server: &Server, body: Value) -> Answer {
    let request = server.request("POST", "/api/auth/login");
    request.json(body).send().await
}

async fn users(server: &Server) -> u64 {
    let rows = server.sql("SELECT count(*) AS n FROM users", &[]).await;
    rows[0]["n"].as_u64().unwrap()
}
