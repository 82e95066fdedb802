//! What an address may ask: requests a minute, and questions that tell who has an account.

use futures_util::future::join_all;
use serde_json::{Value, json};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use super::{TOO_MANY, fail};
use crate::harness::{Account, PASSWORD, QUICK, Server, measures_cpu, unique, unique_address};

/// The head of a request whose body never comes, and what is answered.
async fn head_alone(server: &Server, method: &str, path: &str, headers: &str) -> String {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: 100\r\nCF-Connecting-IP: 192.0.2.1\r\n{headers}\r\n"
    );
    String::from_utf8(server.raw(request.as_bytes()).await).unwrap()
}

#[wasm_bindgen_test]
async fn a_closed_address_is_refused_before_its_body_is_read() {
    let server = Server::start(&QUICK).await;
    let failed = join_all((0..30).map(|_| {
        let server = &server;
        async move { fail(server, "192.0.2.1", &unique("nobody@example.com")).await }
    }));
    assert_eq!(failed.await, [None; 30]);
    let routes = [
        ("/auth", "message"),
        ("/api/auth/login", "error"),
        ("/api/auth/register", "error"),
    ];
    for (path, member) in routes {
        let answer = head_alone(&server, "POST", path, "").await;
        assert!(answer.starts_with("HTTP/1.1 429 "), "{path} {answer}");
        let body = format!("{{\"{member}\":\"Too many requests\"}}\n");
        assert!(answer.contains(&body), "{path} {answer}");
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn no_password_is_hashed_for_a_closed_address_or_a_taken_name() {
    if !measures_cpu() {
        console_log!("skipped: CPU time is measured on Linux alone");
        return;
    }
    let server = Server::start(&[]).await;
    let account = Account::register(&server).await;
    let address = "192.0.2.1";
    let before = server.cpu_ms();
    let mut statuses = Vec::new();
    for _ in 0..40 {
        let body = json!({ "email": account.email, "password": PASSWORD, "name": "Ann" });
        let request = server.request("POST", "/api/auth/register");
        let request = request.header("CF-Connecting-IP", address).json(body);
        statuses.push(request.send().await.status);
    }
    assert_eq!(statuses, [[409; 30].as_slice(), &[429; 10]].concat());
    // A hash is some 90 ms, at the least 50 on a faster machine.
    let each = (server.cpu_ms() - before) / 40.0;
    assert!(each < 25.0, "{each} ms");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn asking_for_a_taken_username_is_a_failure() {
    let server = Server::start(&[]).await;
    let (account, other) = (
        Account::register(&server).await,
        Account::register(&server).await,
    );
    let address = "192.0.2.1";
    let patch = async |body: Value| {
        let request = server.request("PATCH", "/api/auth/me");
        let request = request.header("Authorization", &account.bearer());
        let request = request.header("CF-Connecting-IP", address).json(body);
        request.send().await
    };
    let asked = join_all((0..40).map(|_| patch(json!({ "username": other.username })))).await;
    let mut statuses: Vec<_> = asked.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [[409; 30].as_slice(), &[429; 10]].concat());
    let refused = patch(json!({ "username": unique("free") })).await;
    assert_eq!((refused.status, refused.text()), (429, TOO_MANY));
    // A name that everybody may have is no question.
    for body in [
        json!({ "name": "Ann" }),
        json!({ "username": account.username }),
    ] {
        assert_eq!(patch(body).await.status, 200);
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn the_rate_limit_counts_requests_of_an_address() {
    let server = Server::start(&[]).await;
    for (path, limit, refused) in [
        ("/api/auth/login", 300, TOO_MANY),
        ("/auth", 300, "{\"message\":\"Too many requests\"}\n"),
        ("/api/auth/register", 100, TOO_MANY),
    ] {
        let address = unique_address();
        let send = async |host: u32| {
            let address = format!("{address}{host:x}");
            let request = server.request("POST", path);
            request.header("CF-Connecting-IP", &address).send().await
        };
        // A window may end meanwhile.
        let mut sent = 0;
        let answer = loop {
            let answer = send(sent).await;
            sent += 1;
            if answer.status == 429 || sent > 2 * limit {
                break answer;
            }
        };
        assert_eq!((answer.status, answer.text()), (429, refused), "{path}");
        assert_eq!(answer.headers.get("Retry-After").as_deref(), Some("60"));
        assert!(sent > limit, "{path} {sent}");
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn without_its_rate_limit_the_database_still_counts() {
    let gone = [
        QUICK[0],
        QUICK[1],
        ("SIGN_INS", None),
        ("REGISTRATIONS", None),
    ];
    for (server, problem) in [
        (Server::start(&gone).await, "no such binding"),
        (
            Server::start_with_failing_rate_limits(&QUICK).await,
            "no rate limit today",
        ),
    ] {
        let account = Account::register(&server).await;
        for _ in 0..5 {
            assert_eq!(fail(&server, "192.0.2.1", &account.email).await, None);
        }
        assert_eq!(fail(&server, "192.0.2.1", &account.email).await, Some(1));
        let logs = server.logs().await;
        let lines = logs.iter().filter(|line| line.contains(problem));
        assert_eq!(lines.count(), 7, "{logs:?}");
        server.stop().await;
    }
}

#[wasm_bindgen_test]
async fn asking_who_has_an_account_is_a_failure() {
    let server = Server::start(&[]).await;
    let account = Account::register(&server).await;
    let address = "192.0.2.1";
    let register = async |email: &str, username: &str| {
        let body = json!({
            "email": email, "username": username, "password": PASSWORD, "name": "Ann",
        });
        let request = server.request("POST", "/api/auth/register");
        let request = request.header("CF-Connecting-IP", address).json(body);
        request.send().await
    };
    for asked in 0..30 {
        let answer = match asked % 2 {
            0 => register(&account.email, &unique("other")).await,
            _ => register(&format!("{}@example.com", unique("x")), &account.username).await,
        };
        assert_eq!(answer.status, 409, "{}", answer.text());
    }
    for email in [account.email.as_str(), "free@example.com"] {
        let answer = register(email, &unique("other")).await;
        assert_eq!((answer.status, answer.text()), (429, TOO_MANY), "{email}");
    }
    let free = "SELECT 1 FROM users WHERE email = 'free@example.com'";
    assert_eq!(server.sql(free, &[]).await.len(), 0);
    server.stop().await;
}
