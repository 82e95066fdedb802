//! Passkeys: the caller's own, and what is asked for to use one.

mod bad_input;
mod meanwhile;
mod own;
mod sign_in;
mod ways;

use serde_json::{Value, json};

use crate::harness::{Account, Answer, Authenticator, MAIL, QUICK, Server, Setting, unique};

const PASSKEYS: &str = "/api/auth/passkeys";
const CREATION_OPTIONS: &str = "/api/auth/passkeys/options";
const REQUEST_OPTIONS: &str = "/api/auth/passkey/options";

const RP_ID: &str = "auth.example.com";
const ORIGIN: &str = "https://auth.example.com";

const INVALID: (u16, &str) = (400, "{\"error\":\"Invalid passkey\"}\n");
const NOT_FOUND: (u16, &str) = (404, "{\"error\":\"Not found\"}\n");
const NOT_RECENT: (u16, &str) = (403, "{\"error\":\"Recent sign-in required\"}\n");

/// Settings under which there are passkeys and mail, and sign-ins are quick.
fn settings() -> Vec<Setting<'static>> {
    [&MAIL[..], &QUICK].concat()
}

/// The same without mail.
fn without_mail() -> Vec<Setting<'static>> {
    [&MAIL[2..], &QUICK].concat()
}

/// An authenticator with an id that no other one has.
fn authenticator() -> Authenticator {
    let mut authenticator = Authenticator::p256(1, RP_ID, ORIGIN);
    authenticator.credential_id = unique("a passkey of the tests, number ").into_bytes();
    authenticator
}

async fn send(server: &Server, account: &Account, method: &str, path: &str, body: Value) -> Answer {
    let request = server.request(method, path);
    let request = request.header("Authorization", &account.bearer());
    match body {
        Value::Null => request.send().await,
        body => request.json(body).send().await,
    }
}

/// Creation options for the account.
async fn creation_options(server: &Server, account: &Account) -> Value {
    let answer = send(server, account, "POST", CREATION_OPTIONS, Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// The answer to a passkey of that authenticator, with other members of the body.
async fn try_add(
    server: &Server,
    account: &Account,
    authenticator: &mut Authenticator,
    mut body: Value,
) -> Answer {
    let options = creation_options(server, account).await;
    body["credential"] = authenticator.create(&options);
    send(server, account, "POST", PASSKEYS, body).await
}

/// A passkey of the account.
async fn add(server: &Server, account: &Account, body: Value) -> (Authenticator, Value) {
    let mut authenticator = authenticator();
    let answer = try_add(server, account, &mut authenticator, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    (authenticator, answer.json()["passkey"].clone())
}

/// The account's passkeys as it sees them.
async fn list(server: &Server, account: &Account) -> Vec<Value> {
    let answer = send(server, account, "GET", PASSKEYS, Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["passkeys"].as_array().unwrap().clone()
}

fn path(passkey: &Value) -> String {
    format!("{PASSKEYS}/{}", passkey["id"].as_str().unwrap())
}

/// How many passkeys there are, and how many challenges were answered.
async fn written(server: &Server) -> Vec<Value> {
    let statement = "SELECT (SELECT count(*) FROM passkeys) AS passkeys, \
                     (SELECT count(*) FROM answered_challenges) AS answered";
    server.sql(statement, &[]).await
}

fn counts(passkeys: u32, answered: u32) -> Vec<Value> {
    vec![json!({ "passkeys": passkeys, "answered": answered })]
}
