//! What is done by mail.

mod address;
mod alike;
mod bad_input;
mod challenges;
mod changes;
mod codes;
mod invitations;
mod limits;
mod meanwhile;
mod notices;
mod outbox;
mod ownership;
mod required;
mod reset;
mod transports;
mod without_password;

use serde_json::{Value, json};

use crate::harness::{Account, Answer, MAIL, Mail, PASSWORD, QUICK, Server, Setting};

/// Settings with which mail is sent, and sign-ins are quick.
pub(crate) fn settings() -> Vec<Setting<'static>> {
    [&MAIL[..], &QUICK].concat()
}

pub(crate) async fn post(server: &Server, path: &str, body: Value) -> Answer {
    server.request("POST", path).json(body).send().await
}

pub(crate) async fn post_as(server: &Server, token: &str, path: &str, body: Value) -> Answer {
    let request = server.request("POST", path).json(body);
    let bearer = format!("Bearer {token}");
    request.header("Authorization", &bearer).send().await
}

/// An account whose address is not proven yet, and the link of its registration.
pub(crate) async fn registered(server: &Server) -> (Account, String) {
    let account = Account::register(server).await;
    let mail = server.mail_to(&account.email).await;
    (account, mail.token().to_owned())
}

/// An account whose address is proven.
pub(crate) async fn verified(server: &Server) -> Account {
    let (account, token) = registered(server).await;
    let path = "/api/auth/email/verify";
    let body = json!({ "token": token });
    let answer = post_as(server, &account.access_token, path, body).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    account
}

async fn sign_in_status(server: &Server, account: &Account, password: &str) -> u16 {
    let body = json!({ "email": account.email, "password": password });
    post(server, "/api/auth/login", body).await.status
}

/// What `GET /api/auth/account` says.
pub(crate) async fn account_of(server: &Server, token: &str) -> Value {
    let request = server.request("GET", "/api/auth/account");
    let bearer = format!("Bearer {token}");
    let answer = request.header("Authorization", &bearer).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["account"].clone()
}

const CODE: &str = "/api/auth/code";
const CODE_VERIFY: &str = "/api/auth/code/verify";
const CONFIRM: &str = "/api/auth/email/confirm";
const EMAIL: &str = "/api/auth/email";
const RESET: &str = "/api/auth/password/reset";
const REVERT: &str = "/api/auth/email/revert";
const VERIFICATION: &str = "/api/auth/email/verification";
const VERIFY: &str = "/api/auth/email/verify";
const FORGOT: &str = "/api/auth/password/forgot";

/// A password that none of the accounts had.
pub(crate) const NEW_PASSWORD: &str = "another correct horse";

/// Whether `password` is the account's.
pub(crate) async fn assert_password(server: &Server, account: &Account, password: &str) {
    let other = if password == PASSWORD {
        NEW_PASSWORD
    } else {
        PASSWORD
    };
    assert_eq!(sign_in_status(server, account, password).await, 200);
    assert_eq!(sign_in_status(server, account, other).await, 401);
}

/// The mail that a request to one of the account's own routes, or anybody's, has sent.
async fn mail_of(server: &Server, account: &Account, path: &str, body: Value) -> Mail {
    let answer = post_as(server, &account.access_token, path, body).await;
    assert_eq!(answer.status, 202, "{path}: {}", answer.text());
    let mut mails = server.mail().await;
    assert_eq!(mails.len(), 1, "{path}: {mails:?}");
    mails.remove(0)
}

fn by_code(mail: &Mail, rest: Value) -> Value {
    let mut body = rest;
    body["id"] = mail.parameter("id").into();
    body["code"] = mail.code().into();
    body
}

fn by_link(mail: &Mail, rest: Value) -> Value {
    let mut body = rest;
    body["token"] = mail.token().into();
    body
}

async fn is_good(server: &Server, mail: &Mail) -> bool {
    match server.request("GET", mail.path()).send().await.status {
        200 => true,
        400 => false,
        status => panic!("{status}"),
    }
}

async fn tries(server: &Server, mail: &Mail) -> Value {
    let statement = "SELECT tries FROM challenges WHERE id = ?";
    let rows = server.sql(statement, &[mail.parameter("id").into()]).await;
    rows[0]["tries"].clone()
}
