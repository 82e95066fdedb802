//! Dialect 2: `POST /api/auth/login`.

use futures_util::future::join_all;
use serde_json::json;
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use crate::accounts::{login, register};
use crate::harness::{self, Account, PASSWORD, Server, seen, unique};

#[wasm_bindgen_test]
async fn passwords_are_compared_after_nfkc() {
    let server = Server::shared().await;
    let email = format!("{}@example.com", unique("nfkc"));
    let body = json!({ "email": email, "password": "ﬁve Ångström", "name": "Ann" });
    assert_eq!(register(&server, body).await.status, 201);
    for password in [
        "ﬁve Ångström",
        "five A\u{30a}ngstro\u{308}m",
        "five Ångström",
    ] {
        let answer = login(&server, json!({ "email": email, "password": password })).await;
        assert_eq!(answer.status, 200, "{password}");
    }
    let answer = login(
        &server,
        json!({ "email": email, "password": "five Angstrom" }),
    )
    .await;
    assert_eq!(answer.status, 401);
}

#[wasm_bindgen_test]
async fn refused_sign_ins_look_alike() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    let disabled = Account::register(&server).await;
    let statement = "UPDATE users SET disabled = 1 WHERE id = ?";
    server.sql(statement, &[disabled.id.into()]).await;
    let mut imported = Vec::new();
    for hash in [
        "scrypt:32768:8:1$abcdefghijklmnop$00112233445566778899aabbccddeeff",
        "$2b$12$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghiu",
        "$pbkdf2-sha256$1000$BwcHBwcHBwcHBwcHBwcHBw$AQEBAQEBAQEBAQEBAQEBAQ",
        "a hash that cannot be verified$",
        "$argon2id$v=19$m=8,t=1,p=4$BwcHBwcHBwcHBwcHBwcHBw$AQEBAQEBAQEBAQEBAQEBAQ",
    ] {
        let email = format!("{}@example.com", unique("alike"));
        let statement = "INSERT INTO users (email, name, password_hash) VALUES (?, 'Ann', ?)";
        server
            .sql(statement, &[email.as_str().into(), hash.into()])
            .await;
        imported.push(email);
    }
    let over_long = "x".repeat(1025);
    let with_nul = format!("{PASSWORD}\0");
    let mut attempts = vec![
        (account.email.as_str(), "wrong horse battery"),
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
        (disabled.email.as_str(), PASSWORD),
        (account.email.as_str(), with_nul.as_str()),
        (account.email.as_str(), over_long.as_str()),
    ];
    attempts.extend(imported.iter().map(|email| (email.as_str(), PASSWORD)));
    // At once, but those of one name, of which each waits for the one before.
    let attempts = attempts.into_iter().map(async |(email, password)| {
        let started = js_sys::Date::now();
        let answer = login(&server, json!({ "email": email, "password": password })).await;
        let took = js_sys::Date::now() - started;
        let expected = "{\"error\":\"Invalid email or password\"}\n";
        assert_eq!(seen(&answer), (401, expected), "{email}");
        // The floor, less what the two clocks may differ by.
        assert!(took >= 495.0, "{email}: {took} ms");
        let names: Vec<_> = answer
            .headers
            .all()
            .map(|(name, _)| name.to_owned())
            .collect();
        names
    });
    let answers = join_all(attempts).await;
    assert!(
        answers.iter().all(|names| *names == answers[0]),
        "{answers:?}"
    );
}

#[wasm_bindgen_test]
async fn a_sign_in_costs_one_derivation_whether_or_not_the_account_exists() {
    if !harness::measures_cpu() {
        console_log!("skipped: CPU time is read from Linux' /proc");
        return;
    }
    let server = Server::shared().await;
    let (mut known, mut disabled, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..5 {
        known.push(Account::register(&server).await.email);
        let account = Account::register(&server).await;
        let statement = "UPDATE users SET disabled = 1 WHERE id = ?";
        server.sql(statement, &[account.id.into()]).await;
        disabled.push(account.email);
        unknown.push(format!("{}@example.com", unique("nobody")));
    }
    // Of five names at once: those of one would wait for each other.
    let cost = async |path: &str, field: &str, names: &[String], password: &str, status: u16| {
        let before = server.cpu_ms();
        let attempts = names.iter().map(async |name| {
            let body = json!({ field: name, "password": password });
            let answer = server.request("POST", path).json(body).send().await;
            assert_eq!(answer.status, status, "{path} {name}");
        });
        join_all(attempts).await;
        server.cpu_ms() - before
    };
    for (path, field) in [("/api/auth/login", "email"), ("/auth", "username")] {
        let right = cost(path, field, &known, PASSWORD, 200).await;
        for (what, names, password) in [
            ("wrong", &known, "wrong horse battery"),
            ("unknown", &unknown, PASSWORD),
            ("disabled", &disabled, PASSWORD),
            ("over-long", &known, &"x".repeat(1025)),
            ("with a NUL", &known, &format!("{PASSWORD}\0")),
        ] {
            let ms = cost(path, field, names, password, 401).await;
            let ratio = ms / right;
            assert!(
                (0.5..2.0).contains(&ratio),
                "{path} {what}: {ms} ms against {right} ms"
            );
        }
    }
}

#[wasm_bindgen_test]
async fn a_slow_body_does_not_wait_the_floor_out() {
    let server = Server::shared().await;
    let body = json!({ "email": "nobody@example.com", "password": PASSWORD }).to_string();
    let request = server.request("POST", "/api/auth/login");
    let request = request.header("Content-Type", "application/json");
    // The last byte comes when the floor of a timer that started with the request would be over.
    let (answer, waited) = request.body(body).send_held_back(600).await;
    assert_eq!(answer.status, 401);
    assert!(
        waited >= 495.0,
        "answered {waited} ms after the body was there"
    );
}
