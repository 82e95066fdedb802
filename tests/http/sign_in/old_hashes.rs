//! Accounts whose hashes come from old services: the old password signs in, and the hash becomes
//! one of the current default.

use futures_util::future::join_all;
use serde_json::Value;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::harness::{self, PASSWORD, Server, unique};

const HASHES: &str = include_str!("../../fixtures/old_hashes.jsonl");

const DEFAULT: &str = "$pbkdf2-sha512$i=210000$";

/// An account that was put into the database with a hash.
struct Imported<'a> {
    server: &'a Server,
    email: String,
}

impl<'a> Imported<'a> {
    async fn new(server: &'a Server, hash: &str) -> Self {
        let email = format!("{}@example.com", unique("imported"));
        let statement = "INSERT INTO users (email, name, password_hash) VALUES (?, 'Ann', ?)";
        server
            .sql(statement, &[email.as_str().into(), hash.into()])
            .await;
        Self { server, email }
    }

    async fn sign_in(&self, password: &str) -> u16 {
        let answer = harness::sign_in(self.server, &self.email, password).await;
        answer.status
    }

    async fn hash(&self) -> String {
        let statement = "SELECT password_hash FROM users WHERE email = ?";
        let rows = self
            .server
            .sql(statement, &[self.email.as_str().into()])
            .await;
        rows[0]["password_hash"].as_str().unwrap().to_owned()
    }
}

async fn check(server: &Server, case: &Value) {
    let kind = case["kind"].as_str().unwrap();
    let hash = case["hash"].as_str().unwrap();
    let right = case["right"][0].as_str().unwrap();
    let wrong = case["wrong"][0].as_str().unwrap();
    let account = Imported::new(server, hash).await;

    assert_eq!(account.sign_in(wrong).await, 401, "{hash}");
    assert_eq!(account.hash().await, hash, "a wrong password replaced it");

    let refused = [
        "argon2d",
        "passlib-pbkdf2-sha1",
        "werkzeug-pbkdf2-no-count",
        "bcrypt-nul",
    ];
    if refused.contains(&kind) {
        assert_eq!(account.sign_in(right).await, 401, "{hash}");
        assert_eq!(account.hash().await, hash);
        return;
    }
    assert_eq!(account.sign_in(right).await, 200, "{hash} {right}");
    // Those that are as strong as the default or stronger stay.
    let strong = [
        "pbkdf2:sha256:1000000$",
        "$argon2id$v=19$m=65536,",
        "$pbkdf2-sha512$i=210000",
    ];
    let replaced = account.hash().await;
    if strong.iter().any(|form| hash.starts_with(form)) {
        assert_eq!(replaced, hash);
    } else {
        assert!(replaced.starts_with(DEFAULT), "{hash} became {replaced}");
    }
    assert_eq!(
        account.sign_in(right).await,
        200,
        "the second time: {hash} {right}"
    );
    assert_eq!(account.sign_in(wrong).await, 401, "the second time: {hash}");
}

#[wasm_bindgen_test]
async fn old_passwords_sign_in_and_hashes_are_replaced() {
    let server = Server::shared().await;
    let cases: Vec<Value> = HASHES
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    join_all(cases.iter().map(|case| check(&server, case))).await;
}

#[wasm_bindgen_test]
async fn a_raised_cost_reaches_old_accounts() {
    let server = Server::shared().await;
    let hash = harness::stored_password("sha512", PASSWORD, 100_000);
    let account = Imported::new(&server, &hash).await;
    assert_eq!(account.sign_in(PASSWORD).await, 200);
    assert!(account.hash().await.starts_with(DEFAULT));
    let replaced = account.hash().await;
    assert_eq!(account.sign_in(PASSWORD).await, 200);
    assert_eq!(account.hash().await, replaced, "replaced once");
}

#[wasm_bindgen_test]
async fn a_disabled_account_keeps_its_hash() {
    let server = Server::shared().await;
    let hash = harness::stored_password("sha256", PASSWORD, 1_000);
    let account = Imported::new(&server, &hash).await;
    let statement = "UPDATE users SET disabled = 1 WHERE email = ?";
    server
        .sql(statement, &[account.email.as_str().into()])
        .await;
    assert_eq!(account.sign_in(PASSWORD).await, 401);
    assert_eq!(account.hash().await, hash);
}

#[wasm_bindgen_test]
async fn sign_ins_that_race_all_succeed() {
    let server = Server::shared().await;
    let hash = harness::stored_password("sha256", PASSWORD, 1_000);
    let account = Imported::new(&server, &hash).await;
    let statuses = join_all((0..4).map(|_| account.sign_in(PASSWORD))).await;
    assert_eq!(statuses, [200; 4]);
    assert!(account.hash().await.starts_with(DEFAULT));
    assert_eq!(account.sign_in(PASSWORD).await, 200);
}

/// The write of the new hash fails as it would if the database refused it; the sign-in does not.
#[wasm_bindgen_test]
async fn a_lost_write_costs_nobody_the_sign_in() {
    let server = Server::start(&[]).await;
    let hash = harness::stored_password("sha256", PASSWORD, 1_000);
    let account = Imported::new(&server, &hash).await;
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON users \
                  BEGIN SELECT RAISE(ABORT, 'refused'); END";
    server.sql(refuse, &[]).await;
    assert_eq!(account.sign_in(PASSWORD).await, 200);
    assert_eq!(account.hash().await, hash);
    assert!(server.logs().await.join("\n").contains("refused"));
    server.sql("DROP TRIGGER refuse", &[]).await;
    assert_eq!(account.sign_in(PASSWORD).await, 200);
    assert!(account.hash().await.starts_with(DEFAULT));
    server.stop().await;
}
