//! One-time passwords, recovery codes, and the key under which they are stored.

mod data_key;
mod meanwhile;
mod recovery_codes;
mod totp;

use serde_json::{Value, json};

use crate::harness::{
    Account, Answer, PASSWORD, Server, Tokens, hmac, now, open, refreshed, send, send_json,
    try_open,
};

/// The secret of an authenticator app.
#[derive(Clone, PartialEq)]
pub(crate) struct App(pub(crate) Vec<u8>);

impl App {
    /// An app that was told a secret in base32 (RFC 4648 section 6).
    pub(crate) fn new(base32: &str) -> Self {
        let (mut bits, mut count, mut secret) = (0_u32, 0, Vec::new());
        for digit in base32.bytes() {
            let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
            let digit = digits.iter().position(|each| *each == digit).unwrap();
            bits = (bits << 5 | digit as u32) & 0xfff;
            count += 5;
            if count >= 8 {
                count -= 8;
                secret.push((bits >> count) as u8);
            }
        }
        Self(secret)
    }

    /// The code of a step (RFC 6238), by Node's HMAC.
    pub(crate) fn code(&self, step: u64) -> String {
        let hash = hmac("sha1", &self.0, &step.to_be_bytes());
        let offset = usize::from(hash[19] & 15);
        let four = <[u8; 4]>::try_from(&hash[offset..offset + 4]).unwrap();
        format!(
            "{:06}",
            (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000
        )
    }

    /// One that is not the code of a step near that one.
    pub(crate) fn wrong_code(&self, step: u64) -> String {
        let near: Vec<_> = (step - 3..=step + 3).map(|step| self.code(step)).collect();
        let mut codes = (0..10).map(|digit| format!("{digit}").repeat(6));
        codes.find(|code| !near.contains(code)).unwrap()
    }
}

/// The present step.
pub(crate) fn step_now() -> u64 {
    now() / 30
}

/// Sets the clock so many seconds after the middle of a step.
pub(crate) fn at(server: &Server, step: u64, seconds: i64) {
    let time = (step as i64 * 30 + 15 + seconds) as f64 * 1000.0;
    server.set_clock(time - js_sys::Date::now());
}

pub(crate) async fn begun(server: &Server, token: &str) -> App {
    let answer = send(server, "POST", "/api/auth/totp", token).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    App::new(answer.json()["secret"].as_str().unwrap())
}

async fn verify(server: &Server, token: &str, code: &str) -> Answer {
    let path = "/api/auth/totp/verify";
    send_json(server, "POST", path, token, json!({ "code": code })).await
}

/// Ten recovery codes.
fn codes_of(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let codes: Vec<String> =
        serde_json::from_value(answer.json()["recovery_codes"].clone()).unwrap();
    assert_eq!(codes.len(), 10);
    codes
}

/// An account with one-time passwords on.
pub(crate) struct Enrolled {
    pub(crate) account: Account,
    pub(crate) app: App,
    pub(crate) recovery_codes: Vec<String>,
    /// Those of the session that switched them on, which has shown two factors.
    pub(crate) tokens: Tokens,
}

/// One whose first code was that of `step`.
pub(crate) async fn enrolled(server: &Server, step: u64) -> Enrolled {
    let account = Account::register(server).await;
    enrol(server, account, step).await
}

/// The same of an account that is there.
pub(crate) async fn enrol(server: &Server, account: Account, step: u64) -> Enrolled {
    let tokens = open(server, &account).await;
    let app = begun(server, &tokens.access).await;
    let answer = verify(server, &tokens.access, &app.code(step)).await;
    Enrolled {
        recovery_codes: codes_of(&answer),
        tokens: refreshed(server, &tokens.refresh).await,
        account,
        app,
    }
}

/// The ticket of a password that was right.
pub(crate) async fn ticket(server: &Server, account: &Account) -> String {
    let answer = try_open(server, account, PASSWORD).await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    answer.json()["ticket"].as_str().unwrap().to_owned()
}

/// Shows a second factor with a ticket: `totp` or `recovery_code`.
pub(crate) async fn show(server: &Server, ticket: &str, factor: &str, code: &str) -> Answer {
    let mut body = json!({ "ticket": ticket });
    body[factor] = Value::from(code);
    let request = server.request("POST", "/api/auth/second-factor");
    request.json(body).send().await
}

/// The status of a whole sign-in.
async fn sign_in(server: &Server, account: &Account, factor: &str, code: &str) -> u16 {
    let ticket = ticket(server, account).await;
    show(server, &ticket, factor, code).await.status
}

const INVALID: (u16, &str) = (400, "{\"error\":\"Invalid code\"}\n");
const ONE_FACTOR: (u16, &str) = (403, "{\"error\":\"Second factor required\"}\n");
const NOT_RECENT: (u16, &str) = (403, "{\"error\":\"Recent sign-in required\"}\n");
const NOT_ON: (u16, &str) = (409, "{\"error\":\"TOTP is not on\"}\n");
const NOT_BEGUN: (u16, &str) = (409, "{\"error\":\"There is no new TOTP secret\"}\n");
const NOTHING_ON: (u16, &str) = (409, "{\"error\":\"No second factor is on\"}\n");

/// A passkey that a sign-in asks for, as far as the database is concerned.
async fn add_passkey(server: &Server, account: &Account) {
    let statement = "INSERT INTO passkeys (credential_id, user_id, id, public_key, sign_count, \
        backup_eligible, backed_up, user_verified, second_factor, name, created_at) \
        VALUES ('key' || ?1, ?1, 'key', 'AA', 0, 0, 0, 0, 1, 'Key', 0)";
    server.sql(statement, &[account.id.into()]).await;
}
