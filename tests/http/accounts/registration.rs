//! `POST /api/auth/register`: what is taken, what is refused, and in which order.

use futures_util::future::join_all;
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{login, register, users};
use crate::harness::{self, Account, PASSWORD, Server, seen, unique};

#[wasm_bindgen_test]
async fn register_login_me() {
    let server = Server::shared().await;
    let email = format!("{}@example.com", unique("whole"));
    let body = json!({ "email": email, "password": PASSWORD, "name": "Ann Lee" });
    let registered = register(&server, body).await;
    assert_eq!(registered.status, 201, "{}", registered.text());
    let registered = registered.json();
    let user = &registered["user"];
    let keys: Vec<_> = user.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["created_at", "email", "id", "name", "role", "updated_at"]
    );
    assert_eq!(user["email"], email);
    assert_eq!(user["name"], "Ann Lee");
    assert_eq!(user["role"], "customer");
    assert!(user["id"].as_u64().unwrap() > 0);
    assert_eq!(registered["message"], "User registered successfully");
    assert_eq!(registered.as_object().unwrap().len(), 3);

    let signed_in = login(&server, json!({ "email": email, "password": PASSWORD })).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text());
    let signed_in = signed_in.json();
    assert_eq!(signed_in["message"], "Login successful");
    assert_eq!(&signed_in["user"], user);
    assert_eq!(signed_in.as_object().unwrap().len(), 3);

    for answer in [&registered, &signed_in] {
        let token = answer["access_token"].as_str().unwrap();
        let request = server.request("GET", "/api/auth/me");
        let me = request
            .header("Authorization", &format!("Bearer {token}"))
            .send()
            .await;
        assert_eq!((me.status, me.json()), (200, json!({ "user": user })));
    }
}

#[wasm_bindgen_test]
async fn times_are_utc_seconds() {
    let server = Server::shared().await;
    let before = harness::now();
    let account = Account::register(&server).await;
    let after = harness::now();
    let request = server.request("GET", "/api/auth/me");
    let me = request
        .header("Authorization", &account.bearer())
        .send()
        .await
        .json();
    let created_at = me["user"]["created_at"].as_str().unwrap();
    assert_eq!(created_at.len(), "2024-01-15T10:30:00".len());
    let date = js_sys::Date::new(&format!("{created_at}Z").into());
    let seconds = (date.get_time() / 1000.0) as u64;
    assert!((before..=after).contains(&seconds), "{created_at}");
    assert_eq!(me["user"]["updated_at"], created_at);
}

#[wasm_bindgen_test]
async fn values_are_normalized() {
    let server = Server::shared().await;
    let local = unique("normal");
    let body = json!({
        "email": format!("  {}@EXAMPLE.com\t", local.to_uppercase()),
        "password": PASSWORD,
        "name": " Zoe\u{308} ",
        "username": "Zoe\u{308}-1",
    });
    let answer = register(&server, body).await;
    let user = answer.json()["user"].clone();
    assert_eq!(user["email"], format!("{local}@example.com"));
    assert_eq!(user["name"], "Zo\u{eb}");
    assert_eq!(user["username"], "Zo\u{eb}-1");
    // ASCII on the wire, as Flask writes it.
    assert!(
        answer.text().contains(r#""name":"Zo\u00eb""#),
        "{}",
        answer.text()
    );
    let email = format!("{}@Example.COM", local.to_uppercase());
    let answer = login(&server, json!({ "email": email, "password": PASSWORD })).await;
    assert_eq!(answer.json()["user"], user);
}

#[wasm_bindgen_test]
async fn missing_fields_come_before_other_problems() {
    let server = Server::shared().await;
    let before = users(&server).await;
    let missing = "{\"error\":\"Missing required fields: email, password, name\"}\n";
    for body in [
        json!({}),
        json!({ "password": PASSWORD, "name": "Ann" }),
        json!({ "email": "a@example.com", "name": "Ann" }),
        json!({ "email": "a@example.com", "password": PASSWORD }),
        json!({ "email": null, "password": PASSWORD, "name": "Ann" }),
        json!({ "email": "", "password": PASSWORD, "name": "Ann" }),
        json!({ "email": " \u{3000}", "password": PASSWORD, "name": "Ann" }),
        json!({ "email": "a@example.com", "password": null, "name": "Ann" }),
        json!({ "email": "a@example.com", "password": "", "name": "Ann" }),
        json!({ "email": "a@example.com", "password": PASSWORD, "name": "\n\t " }),
        // Also where other fields have problems of their own.
        json!({ "email": 1, "password": [], "name": " " }),
        json!({ "email": "no address", "password": "short", "name": null }),
        json!({ "email": "no address", "password": "", "name": 1, "username": 1 }),
    ] {
        let answer = register(&server, body.clone()).await;
        assert_eq!(seen(&answer), (400, missing), "{body}");
    }
    let missing = "{\"error\":\"Missing required fields: email, password\"}\n";
    for body in [
        json!({}),
        json!({ "password": PASSWORD }),
        json!({ "email": "a@example.com" }),
        json!({ "email": null, "password": PASSWORD }),
        json!({ "email": "a@example.com", "password": null }),
        json!({ "email": "  ", "password": PASSWORD }),
        json!({ "email": "a@example.com", "password": "" }),
        json!({ "email": 1, "password": "" }),
    ] {
        let answer = login(&server, body.clone()).await;
        assert_eq!(seen(&answer), (400, missing), "{body}");
    }
    assert_eq!(users(&server).await, before);
}

#[wasm_bindgen_test]
async fn broken_rules_are_named() {
    let server = Server::shared().await;
    let before = users(&server).await;
    for (field, value, error) in [
        ("email", json!(1), "email must be a string"),
        ("email", json!(true), "email must be a string"),
        ("email", json!(["a@example.com"]), "email must be a string"),
        ("email", json!("ann"), "email must contain exactly one @"),
        (
            "email",
            json!("a@localhost"),
            "email must have a domain with a dot after the @",
        ),
        ("email", json!("ä@example.com"), "email must be ASCII"),
        ("password", json!(12345678), "password must be a string"),
        ("password", json!({}), "password must be a string"),
        (
            "password",
            json!("seven77"),
            "password must be at least 8 characters long",
        ),
        (
            "password",
            json!("x".repeat(1025)),
            "password must be at most 1024 bytes long",
        ),
        (
            "password",
            json!("12345678\0"),
            "password must not contain NUL characters",
        ),
        (
            "password",
            json!("RULES@example.com"),
            "password must not be the email address or the part before its @",
        ),
        (
            "password",
            json!("QWERTYUIOP"),
            "password must not be one of the most common passwords",
        ),
        (
            "password",
            json!("rules of the house"),
            "password must not be the name",
        ),
        ("name", json!(1), "name must be a string"),
        (
            "name",
            json!("x".repeat(201)),
            "name must be 1 to 200 characters long",
        ),
        (
            "name",
            json!("a\0b"),
            "name must not contain control or format characters",
        ),
        (
            "name",
            json!("Ann \u{202e}eel"),
            "name must not contain control or format characters",
        ),
        ("username", json!(1), "username must be a string"),
        (
            "username",
            json!(""),
            "username must be 3 to 64 characters long",
        ),
        (
            "username",
            json!("a b"),
            "username must not contain white space, control or format characters",
        ),
        (
            "username",
            json!("an\u{200b}n"),
            "username must not contain white space, control or format characters",
        ),
        ("username", json!("a@b"), "username must not contain @"),
    ] {
        let mut body = json!({
            "email": "rules@example.com", "password": PASSWORD, "name": "Rules of the House",
        });
        body[field] = value;
        let answer = register(&server, body.clone()).await;
        let expected = format!("{}\n", json!({ "error": error }));
        assert_eq!(seen(&answer), (400, expected.as_str()), "{body}");
    }
    for (field, value, error) in [
        ("email", json!(1), "email must be a string"),
        ("password", json!(false), "password must be a string"),
        (
            "password",
            json!({ "$ne": "" }),
            "password must be a string",
        ),
    ] {
        let mut body = json!({ "email": "rules@example.com", "password": PASSWORD });
        body[field] = value;
        let answer = login(&server, body.clone()).await;
        let expected = format!("{}\n", json!({ "error": error }));
        assert_eq!(seen(&answer), (400, expected.as_str()), "{body}");
    }
    assert_eq!(users(&server).await, before);
}

#[wasm_bindgen_test]
async fn a_taken_email_comes_before_a_taken_username() {
    let server = Server::shared().await;
    let taken = Account::register(&server).await;
    let new = |email: &str, username: &str| json!({ "email": email, "username": username, "name": "Ann", "password": PASSWORD });
    let email_taken = (409, "{\"error\":\"Email already registered\"}\n");
    let username_taken = (409, "{\"error\":\"Username already taken\"}\n");
    let free = format!("{}@example.com", unique("free"));

    let answer = register(&server, new(&taken.email.to_uppercase(), &unique("Free"))).await;
    assert_eq!(seen(&answer), email_taken);
    let answer = register(&server, new(&taken.email, &taken.username)).await;
    assert_eq!(seen(&answer), email_taken);
    let answer = register(&server, new(&free, &taken.username.to_uppercase())).await;
    assert_eq!(seen(&answer), username_taken);
    let answer = register(&server, new(&free, &unique("Free"))).await;
    assert_eq!(answer.status, 201);
}

#[wasm_bindgen_test]
async fn a_race_for_one_address_has_one_winner() {
    let server = Server::shared().await;
    let email = format!("{}@example.com", unique("race"));
    let answers = join_all((0..8).map(|_| {
        register(
            &server,
            json!({ "email": email, "password": PASSWORD, "name": "Ann" }),
        )
    }))
    .await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
}

#[wasm_bindgen_test]
async fn nobody_registers_while_registration_is_closed() {
    let server = Server::start(&[("REGISTRATION", Some("closed"))]).await;
    let good = r#"{"email":"ann@example.com","password":"a quiet green field","name":"Ann"}"#;
    // Whatever comes, and nothing of it is looked at.
    for (media_type, body) in [
        ("application/json", good),
        ("application/json", "nonsense"),
        ("text/plain", good),
        ("", ""),
    ] {
        let request = server.request("POST", "/api/auth/register");
        let answer = request.header("Content-Type", media_type).body(body);
        let answer = answer.send().await;
        let expected = "{\"error\":\"Registration is closed\"}\n";
        assert_eq!((answer.status, answer.text()), (403, expected), "{body}");
    }
    let answer = server.request("GET", "/api/auth/register").send().await;
    assert_eq!(answer.status, 405);
    assert!(server.sql("SELECT 1 FROM users", &[]).await.is_empty());
    server.stop().await;
}
