//! Administration: accounts, import, audit trail.

use serde_json::Value;

use crate::harness::{Account, Answer, Server};

mod audit;
mod import;
mod users;

async fn admin(server: &Server) -> Account {
    let account = Account::register(server).await;
    let statement = "UPDATE users SET role = 'admin' WHERE id = ?";
    server.sql(statement, &[account.id.into()]).await;
    account
}

pub(crate) async fn get(server: &Server, account: &Account, path: &str) -> Answer {
    let request = server.request("GET", path);
    let request = request.header("Authorization", &account.bearer());
    request.send().await
}

async fn patch(server: &Server, account: &Account, id: impl ToString, body: Value) -> Answer {
    let path = format!("/api/admin/users/{}", id.to_string());
    let request = server.request("PATCH", &path);
    let request = request.header("Authorization", &account.bearer());
    request.json(body).send().await
}

async fn import(server: &Server, account: &Account, body: impl AsRef<[u8]>) -> Answer {
    let request = server.request("POST", "/api/admin/users/import");
    let request = request.header("Authorization", &account.bearer());
    let request = request.header("Content-Type", "application/x-ndjson; charset=utf-8");
    request.body(body).send().await
}
