//! The keys of access tokens: a change of keys without a failed request, one algorithm a key, old secrets, clocks
//! that differ.

use base64ct::{Base64UrlUnpadded, Encoding};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{self, Account, Answer, PASSWORD, Server, Setting};

mod change;
mod key_set;
mod rules;

const ISSUER: &str = "edge-auth";
const REVOKED: &str = "Token has been revoked";
const ALGORITHM: &str = "The specified alg value is not allowed";
const SIGNATURE: &str = "Signature verification failed";

/// A secret, or the text of a private JWK.
struct Key {
    algorithm: &'static str,
    text: &'static str,
}

const HMAC: Key = Key {
    algorithm: "HS256",
    text: "forty-eight-characters-without-any-white-space-.",
};

const OTHER_HMAC: Key = Key {
    algorithm: "HS256",
    text: "forty-eight-other-characters-and-no-white-space.",
};

/// RFC 8037 appendix A.1.
const ED25519: Key = Key {
    algorithm: "EdDSA",
    text: r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
};

/// RFC 7515 appendix A.3.
const P256: Key = Key {
    algorithm: "ES256",
    text: r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#,
};

impl Key {
    fn is_secret(&self) -> bool {
        self.algorithm == "HS256"
    }

    fn jwk(&self) -> Value {
        serde_json::from_str(self.text).unwrap()
    }

    /// The `kid` of its tokens.
    async fn kid(&self) -> String {
        if self.is_secret() {
            let hash = harness::hmac("sha256", self.text.as_bytes(), b"edge-auth kid");
            harness::base64url(&hash[..16])
        } else {
            harness::jose_thumbprint(&self.jwk()).await
        }
    }

    /// A token that others than the Worker sign.
    async fn sign(&self, header: &Value, claims: &Value) -> String {
        if self.is_secret() {
            sign_hmac(self.text.as_bytes(), header, claims)
        } else {
            harness::jose_sign_by_jwk(header, claims, &self.jwk()).await
        }
    }
}

/// `JWT_SECRETS_RETIRED` and `JWT_KEYS_RETIRED`.
struct Retired {
    secrets: String,
    keys: String,
}

impl Retired {
    fn new(retired: &[&Key]) -> Self {
        let texts = |secret| {
            let chosen = retired.iter().filter(|key| key.is_secret() == secret);
            let texts: Vec<_> = chosen.map(|key| key.text).collect();
            texts.join("\n")
        };
        Self {
            secrets: texts(true),
            keys: texts(false),
        }
    }
}

/// The settings of these keys, and of a password's hash that costs little.
fn settings<'a>(active: &Key, retired: &'a Retired) -> Vec<Setting<'a>> {
    let secret = active.is_secret().then_some(active.text);
    let private = (!active.is_secret()).then_some(active.text);
    let unless_empty = |text: &'a String| Some(text.as_str()).filter(|text| !text.is_empty());
    let mut settings = CHEAP_PASSWORDS.to_vec();
    settings.extend([
        ("JWT_ALGORITHM", Some(active.algorithm)),
        ("JWT_SECRET", secret),
        ("JWT_PRIVATE_KEY", private),
        ("JWT_SECRETS_RETIRED", unless_empty(&retired.secrets)),
        ("JWT_KEYS_RETIRED", unless_empty(&retired.keys)),
    ]);
    settings
}

const CHEAP_PASSWORDS: [Setting<'static>; 2] = [
    ("PASSWORD_HASH", Some("argon2id")),
    ("SIGN_IN_FLOOR_MS", Some("100")),
];

/// Servers with these active and retired keys, on one database.
async fn start<const N: usize>(keys: [(&Key, &[&Key]); N]) -> Vec<Server> {
    let keys = keys.map(|(active, retired)| (active, Retired::new(retired)));
    let settings = keys
        .iter()
        .map(|(active, retired)| settings(active, retired));
    Server::start_sharing_database(&settings.collect::<Vec<_>>()).await
}

/// A token like the old Flask service's, but for the header.
fn sign_hmac(secret: &[u8], header: &Value, claims: &Value) -> String {
    let segment = |value: &Value| harness::base64url(value.to_string().as_bytes());
    let message = format!("{}.{}", segment(header), segment(claims));
    let signature = harness::hmac("sha256", secret, message.as_bytes());
    format!("{message}.{}", harness::base64url(&signature))
}

/// A secret in the form of `JWT_KEYS_RETIRED`.
fn as_jwk(secret: &str) -> String {
    json!({ "kty": "oct", "k": harness::base64url(secret.as_bytes()) }).to_string()
}

fn header_of(token: &str) -> Value {
    let header = Base64UrlUnpadded::decode_vec(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice(&header).unwrap()
}

async fn jwks(server: &Server) -> Value {
    let request = server.request("GET", "/.well-known/jwks.json");
    request.send().await.json()
}

async fn get(server: &Server, path: &str, authorization: &str) -> Answer {
    let request = server.request("GET", path);
    request.header("Authorization", authorization).send().await
}

/// Asks every kind of protected route with both schemes.
async fn answers(server: &Server, token: &str) -> Vec<(String, Answer)> {
    let paths = ["/api/auth/me", "/api/auth/sessions", "/verify"];
    let routes = paths
        .into_iter()
        .flat_map(|path| [(path, "Bearer"), (path, "JWT")]);
    let ask = async |(path, scheme): (&str, &str)| {
        let answer = get(server, path, &format!("{scheme} {token}")).await;
        (format!("{path}, {scheme}"), answer)
    };
    join_all(routes.map(ask)).await
}

async fn assert_good(server: &Server, token: &str, case: &str) {
    for (route, answer) in answers(server, token).await {
        assert_eq!(answer.status, 200, "{case}: {route}: {}", answer.text());
    }
}

/// Every protected route refuses the token in these words.
async fn assert_refused(server: &Server, token: &str, text: &str, case: &str) {
    for (route, answer) in answers(server, token).await {
        let body = answer.json();
        let member = if route == "/verify, JWT" {
            "description"
        } else {
            "msg"
        };
        assert_eq!(
            (answer.status, &body[member]),
            (401, &text.into()),
            "{case}: {route}"
        );
    }
}

/// An access token and a refresh token of one session.
struct Pair {
    access: String,
    refresh: String,
}

impl Pair {
    fn of(answer: &Answer, case: &str) -> Self {
        assert_eq!(answer.status, 200, "{case}: {}", answer.text());
        let body = answer.json();
        let text = |member: &str| body[member].as_str().unwrap().to_owned();
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }

    /// Opens a session.
    async fn open(server: &Server, account: &Account) -> Self {
        let body = json!({
            "email": account.email, "password": PASSWORD, "scope": "offline_access",
        });
        let request = server.request("POST", "/api/auth/login").json(body);
        Self::of(&request.send().await, "login")
    }

    async fn refresh(&mut self, server: &Server, case: &str) {
        *self = Self::of(&refresh(server, &self.refresh).await, case);
    }
}

async fn refresh(server: &Server, token: &str) -> Answer {
    let request = server.request("POST", "/api/auth/refresh");
    request.json(json!({ "refresh_token": token })).send().await
}
