//! Too many attempts: what waits, what does not, and that neither accounts nor passwords show.

use serde_json::Value;

use crate::harness::{Account, Answer, PASSWORD, Server, sign_in_from, strangers_key};

mod failures;
mod requests;
mod strangers;

const WRONG: &str = "wrong horse battery";
const TOO_MANY: &str = "{\"error\":\"Too many requests\"}\n";
const SECOND: f64 = 1000.0;
const DAY: f64 = 24.0 * 60.0 * 60.0 * SECOND;

/// The seconds of `Retry-After` where the answer is a 429, and nothing where it is a 401.
fn wait(answer: &Answer) -> Option<u64> {
    let retry_after = answer.headers.get("Retry-After");
    match answer.status {
        401 => assert_eq!(retry_after, None),
        429 => assert_eq!(answer.text(), TOO_MANY),
        _ => panic!("{} {}", answer.status, answer.text()),
    }
    retry_after.map(|seconds| seconds.parse().expect("whole seconds"))
}

async fn fail(server: &Server, address: &str, email: &str) -> Option<u64> {
    wait(&sign_in_from(server, address, email, WRONG).await)
}

async fn failures(server: &Server, account: &Account) -> Value {
    let statement = "SELECT failures FROM attempts WHERE key = ?";
    let rows = server
        .sql(statement, &[strangers_key(account.id).into()])
        .await;
    rows.first()
        .map_or(Value::Null, |row| row["failures"].clone())
}

/// What a right password is answered with from there.
async fn right(server: &Server, account: &Account, address: &str) -> u16 {
    let answer = sign_in_from(server, address, &account.email, PASSWORD).await;
    answer.status
}
