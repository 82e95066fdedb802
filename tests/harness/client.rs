//! What a client does: it signs in, opens sessions, sends its tokens and renews them.

use serde_json::{Value, json};

use super::{Account, Answer, PASSWORD, Server};

/// Status and body.
pub(crate) fn seen(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.text())
}

/// The tokens of a session's client.
#[derive(Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Tokens {
    pub(crate) fn of(answer: &Answer) -> Self {
        let body = answer.json();
        let text = |member: &str| body[member].as_str().expect(member).to_owned();
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }

    /// The claims of the access token.
    pub(crate) fn claims(&self) -> Value {
        super::claims(&self.access)
    }

    pub(crate) fn session(&self) -> String {
        self.claims()["sid"].as_str().unwrap().to_owned()
    }
}

pub(crate) async fn send(server: &Server, method: &str, path: &str, token: &str) -> Answer {
    let request = server.request(method, path);
    let request = request.header("Authorization", &format!("Bearer {token}"));
    request.send().await
}

pub(crate) async fn send_json(
    server: &Server,
    method: &str,
    path: &str,
    token: &str,
    body: Value,
) -> Answer {
    let request = server.request(method, path);
    let request = request.header("Authorization", &format!("Bearer {token}"));
    request.json(body).send().await
}

pub(crate) async fn try_open(server: &Server, account: &Account, password: &str) -> Answer {
    let body = json!({
        "email": account.email, "password": password, "scope": "offline_access",
    });
    let request = server.request("POST", "/api/auth/login");
    request.json(body).send().await
}

pub(crate) async fn open(server: &Server, account: &Account) -> Tokens {
    Tokens::of(&try_open(server, account, PASSWORD).await)
}

pub(crate) async fn refresh(server: &Server, token: &str) -> Answer {
    send(server, "POST", "/api/auth/refresh", token).await
}

pub(crate) async fn refreshed(server: &Server, token: &str) -> Tokens {
    let answer = refresh(server, token).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    Tokens::of(&answer)
}

/// The account with the token of a session that says two factors.
pub(crate) async fn by_two_factors(server: &Server, account: &Account) -> Account {
    let tokens = open(server, account).await;
    let statement = "UPDATE sessions SET amr = 'pwd otp mfa' WHERE id = ?";
    server.sql(statement, &[tokens.session().into()]).await;
    Account {
        access_token: refreshed(server, &tokens.refresh).await.access,
        ..account.clone()
    }
}

pub(crate) async fn me(server: &Server, token: &str) -> u16 {
    send(server, "GET", "/api/auth/me", token).await.status
}

pub(crate) fn assert_no_content(answer: &Answer) {
    assert_eq!(seen(answer), (204, ""));
    assert_eq!(answer.headers.get("Content-Type"), None);
    let caching = answer.headers.get("Cache-Control");
    assert_eq!(caching.as_deref(), Some("no-store"));
}
