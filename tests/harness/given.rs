//! What tests start from: the secret, the clock, accounts.

use std::cell::Cell;

use base64ct::{Base64Unpadded, Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};

use super::{Answer, Server, Setting, base64url, hmac, pbkdf2};

/// The servers' `JWT_SECRET`.
pub(crate) const SECRET: &str = "forty-eight characters that only the tests know.";

/// The servers' `DATA_KEY`.
pub(crate) const DATA_KEY: &str = "VGhpcnR5LXR3byBieXRlcyB0aGF0IHRlc3RzIGtub3c";

/// A password that breaks no rule.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Settings for a sign-in in a fifth of the default's time, where that is not what is tested.
pub(crate) const QUICK: [Setting<'static>; 2] = [
    ("PASSWORD_HASH", Some("argon2id")),
    ("SIGN_IN_FLOOR_MS", Some("100")),
];

/// Unix time in whole seconds.
pub(crate) fn now() -> u64 {
    (js_sys::Date::now() / 1000.0) as u64
}

/// A text that no earlier call returned.
pub(crate) fn unique(prefix: &str) -> String {
    thread_local! {
        static NEXT: Cell<u32> = const { Cell::new(0) };
    }
    NEXT.set(NEXT.get() + 1);
    format!("{prefix}{}", NEXT.get())
}

/// An IPv6 address in a /64 of its own; a last group may follow.
pub(crate) fn unique_address() -> String {
    format!("2001:db8:0:{}::", unique(""))
}

/// An account that registered over HTTP, with [`PASSWORD`].
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) id: u64,
    pub(crate) email: String,
    pub(crate) username: String,
    pub(crate) access_token: String,
}

impl Account {
    pub(crate) async fn register(server: &Server) -> Self {
        Self::register_from(server, &format!("{}1", unique_address())).await
    }

    pub(crate) async fn register_from(server: &Server, address: &str) -> Self {
        let username = unique("Ann");
        let email = format!("{}@example.com", username.to_lowercase());
        let body = json!({
            "email": email, "username": username, "name": "Ann Lee", "password": PASSWORD,
        });
        let answer = server
            .request("POST", "/api/auth/register")
            .header("CF-Connecting-IP", address)
            .json(body)
            .send()
            .await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let body = answer.json();
        Self {
            id: body["user"]["id"].as_u64().unwrap(),
            email,
            username,
            access_token: body["access_token"].as_str().unwrap().to_owned(),
        }
    }

    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.access_token)
    }
}

/// The answer to `POST /api/auth/login`.
pub(crate) async fn sign_in(server: &Server, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    let request = server.request("POST", "/api/auth/login");
    request.json(body).send().await
}

/// The same from `address`.
pub(crate) async fn sign_in_from(
    server: &Server,
    address: &str,
    email: &str,
    password: &str,
) -> Answer {
    let body = json!({ "email": email, "password": password });
    let request = server.request("POST", "/api/auth/login");
    let request = request.header("CF-Connecting-IP", address);
    request.json(body).send().await
}

/// A stored password, derived by other hands than ours.
pub(crate) fn stored_password(hash: &str, password: &str, iterations: u32) -> String {
    let salt = b"a salt of 16 B..";
    let length = if hash == "sha512" { 64 } else { 32 };
    let key = pbkdf2(hash, password.as_bytes(), salt, iterations, length);
    format!(
        "$pbkdf2-{hash}$i={iterations}${}${}",
        Base64Unpadded::encode_string(salt),
        Base64Unpadded::encode_string(&key)
    )
}

/// The key under which the failures of strangers at an account are counted with [`SECRET`].
pub(crate) fn strangers_key(id: u64) -> String {
    let secret = hmac("sha256", SECRET.as_bytes(), b"edge-auth attempts");
    let everywhere = b"everywhere";
    let part = [&(everywhere.len() as u64).to_be_bytes()[..], everywhere].concat();
    let hash = base64url(&hmac("sha256", &secret, &part));
    format!("user {id} {hash}")
}

/// The claims of a token.
pub(crate) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("three segments");
    let payload = Base64UrlUnpadded::decode_vec(payload).expect("base64url");
    serde_json::from_slice(&payload).expect("JSON")
}

/// A token of these claims, signed as the old service did.
pub(crate) fn signed(claims: &Value) -> String {
    let header = base64url(br#"{"typ":"JWT","alg":"HS256"}"#);
    let message = format!("{header}.{}", base64url(claims.to_string().as_bytes()));
    let signature = hmac("sha256", SECRET.as_bytes(), message.as_bytes());
    format!("{message}.{}", base64url(&signature))
}
