//! `POST /api/admin/users/import`.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{admin, import};
use crate::harness::{self, PASSWORD, QUICK, Server, seen, sign_in, stored_password};

#[wasm_bindgen_test]
async fn users_and_their_hashes_are_imported() {
    let server = Server::start(&QUICK).await;
    let admin = admin(&server).await;
    let hash = stored_password("sha256", "old password", 29000);
    let line = |members: &str| format!("{{{members},\"password_hash\":\"{hash}\"}}");
    let body = [
        format!("\u{feff}{}\r", line(r#""email":"One@Example.com","name":"One""#)),
        String::new(),
        line(r#""username":"two","role":"admin""#),
        "nonsense".to_owned(),
        line(r#""email":"one@example.com","name":"One again""#),
        line(r#""email":"three@example.com","username":"TWO","name":"Three""#),
        line(&format!(r#""email":"{}","name":"Taken""#, admin.email)),
        r#"{"username":"four","password_hash":"scrypt:33554432:8:1$abc$00112233445566778899aabbccddeeff"}"#.to_owned(),
        line(r#""username":"five","role":"king""#),
        format!("{{\"username\":\"six\",\"password_hash\":\"{}\"}}", "x".repeat(1 << 20)),
        line(r#""username":"seven""#),
        r#"{"username":"eight","password_ha"#.to_owned(),
    ];
    let answer = import(&server, &admin, body.join("\n")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let skipped = json!([
        { "line": 4, "error": "line must be a JSON object" },
        { "line": 5, "error": "Already imported" },
        { "line": 6, "error": "Username already taken" },
        { "line": 7, "error": "Email already registered" },
        { "line": 8, "error": "password_hash takes more than 64 MiB of memory" },
        { "line": 9, "error": "role is not known" },
        { "line": 10, "error": "line is longer than 16 KiB" },
        { "line": 12, "error": "line must be a JSON object" },
    ]);
    assert_eq!(answer.json(), json!({ "imported": 3, "skipped": skipped }));
    let signed_in = sign_in(&server, "one@example.com", "old password").await;
    assert_eq!(signed_in.status, 200);
    assert_eq!(signed_in.json()["user"]["role"], "customer");
    let body = json!({ "username": "two", "password": "old password" });
    let two = server.request("POST", "/auth").json(body).send().await;
    assert_eq!(two.status, 200);
    let token = two.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(harness::claims(&token)["role"], "admin");
    let rows = "SELECT password_hash FROM users WHERE email = 'one@example.com'";
    let row = &server.sql(rows, &[]).await[0]["password_hash"];
    assert!(row.as_str().unwrap().starts_with("$argon2id$"), "{row}");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_hash_with_a_control_character_loses_no_other_line() {
    let server = Server::start(&QUICK).await;
    let admin = admin(&server).await;
    let good = |username: &str| {
        let hash = stored_password("sha256", "old password", 1000);
        json!({ "username": username, "password_hash": hash })
    };
    // The salt of werkzeug's form may be any text.
    let bad = |username: &str, salt: &str| {
        let hash = format!("pbkdf2:sha256:1000${salt}${}", "ab".repeat(32));
        json!({ "username": username, "password_hash": hash })
    };
    let body = [
        good("first"),
        bad("second", "\0"),
        good("third"),
        bad("fourth", "salt\u{1f}"),
        good("fifth"),
        bad("sixth", "\u{7f}\u{85}"),
    ];
    let body: Vec<_> = body.iter().map(Value::to_string).collect();
    let answer = import(&server, &admin, body.join("\n")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let error = "password_hash must not contain control characters";
    let skipped = json!([
        { "line": 2, "error": error },
        { "line": 4, "error": error },
        { "line": 6, "error": error },
    ]);
    assert_eq!(answer.json(), json!({ "imported": 3, "skipped": skipped }));
    for username in ["first", "third", "fifth"] {
        let body = json!({ "username": username, "password": "old password" });
        let answer = server.request("POST", "/auth").json(body).send().await;
        assert_eq!(answer.status, 200, "{username}");
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn an_import_may_be_sent_again() {
    let server = Server::start(&QUICK).await;
    let admin = admin(&server).await;
    let hash = stored_password("sha256", PASSWORD, 1000);
    let line = |n: usize| {
        json!({ "email": format!("user{n}@example.com"), "name": "User", "password_hash": hash })
            .to_string()
    };
    let lines: Vec<_> = (0..10_000).map(line).collect();
    let part = lines[..1234].join("\n");
    let answer = import(&server, &admin, part).await.json();
    assert_eq!(answer["imported"], 1234);
    let whole = lines.join("\n");
    let answer = import(&server, &admin, &whole).await.json();
    assert_eq!(answer["imported"], 10_000 - 1234);
    let skipped = answer["skipped"].as_array().unwrap();
    assert_eq!(skipped.len(), 1234);
    let expected = json!({ "line": 1234, "error": "Already imported" });
    assert_eq!(skipped[1233], expected);

    let count = "SELECT count(*) AS n FROM users";
    assert_eq!(server.sql(count, &[]).await, [json!({ "n": 10_001 })]);
    let too_large = "{\"error\":\"Request body too large\"}\n";
    let one_more = format!("{whole}\n{}", line(10_000));
    let answer = import(&server, &admin, &one_more).await;
    assert_eq!(seen(&answer), (413, too_large));
    // Read no further than its length.
    let request = server.request("POST", "/api/admin/users/import");
    let request = request.header("Authorization", &admin.bearer());
    let request = request.header("Content-Type", "application/x-ndjson");
    let request = request.header("Content-Length", "8388609").body("\n");
    assert_eq!(seen(&request.send().await), (413, too_large));
    assert_eq!(server.sql(count, &[]).await, [json!({ "n": 10_001 })]);
    for media_type in ["application/json", "text/plain", ""] {
        let request = server.request("POST", "/api/admin/users/import");
        let request = request.header("Authorization", &admin.bearer());
        let request = request.header("Content-Type", media_type).body("{}");
        let expected = "{\"error\":\"Content-Type must be application/x-ndjson\"}\n";
        assert_eq!(seen(&request.send().await), (415, expected));
    }
    let nothing = import(&server, &admin, "\n\r\n").await;
    assert_eq!(seen(&nothing), (200, "{\"imported\":0,\"skipped\":[]}\n"));
    server.stop().await;
}

#[wasm_bindgen_test]
async fn an_import_tells_who_is_there_from_who_is_lost() {
    let server = Server::start(&QUICK).await;
    let admin = admin(&server).await;
    let hash = stored_password("sha256", "old password", 1000);
    let other_hash = stored_password("sha512", "old password", 1000);
    let line = |id: u32, email: &str, username: &str, hash: &str| {
        let line = json!({
            "id": id, "email": email, "username": username, "name": "Old", "password_hash": hash,
        });
        line.to_string()
    };
    let body = [
        line(7, "one@example.com", "one", &hash),
        line(8, "two@example.com", "two", &hash),
        json!({ "username": "three", "password_hash": hash }).to_string(),
    ];
    let answer = import(&server, &admin, body.join("\n")).await.json();
    assert_eq!(answer, json!({ "imported": 3, "skipped": [] }));
    // The first right sign-in replaces a hash, which changes nothing of whose account it is.
    let answer = sign_in(&server, "one@example.com", "old password").await;
    assert_eq!(answer.status, 200);
    let rows = "SELECT password_hash FROM users WHERE email = 'one@example.com'";
    let replaced = server.sql(rows, &[]).await[0]["password_hash"].clone();
    assert_ne!(replaced, hash.as_str());

    let taken = "Email already registered";
    let username_taken = "Username already taken";
    let there = "Already imported";
    for (line, expected) in [
        (body[0].clone(), there),
        (body[1].clone(), there),
        (body[2].clone(), there),
        (line(7, "ONE@example.com", "ONE", &hash), there),
        (line(7, "one@example.com", "one", &other_hash), taken),
        (line(8, "one@example.com", "one", &hash), taken),
        (line(7, "one@example.com", "two", &hash), taken),
        (line(9, "new@example.com", "one", &hash), username_taken),
        (
            json!({ "username": "three", "password_hash": other_hash }).to_string(),
            username_taken,
        ),
        (line(9, &admin.email, "new", &hash), taken),
    ] {
        let answer = import(&server, &admin, &line).await.json();
        let expected = json!({ "imported": 0, "skipped": [{ "line": 1, "error": expected }] });
        assert_eq!(answer, expected, "{line}");
    }
    // An account that came here in another way, under the id of the line.
    let statement = "INSERT INTO users (id, email, name, password_hash) VALUES (900, ?, 'Old', ?)";
    server
        .sql(
            statement,
            &["kept@example.com".into(), hash.as_str().into()],
        )
        .await;
    for (id, expected) in [(900, there), (901, taken)] {
        let line = json!({
            "id": id, "email": "kept@example.com", "name": "Old", "password_hash": hash,
        });
        let answer = import(&server, &admin, line.to_string()).await.json();
        assert_eq!(answer["skipped"][0]["error"], expected, "{id}");
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn an_import_forgets_failures_of_its_names_from_before() {
    let server = Server::start(&QUICK).await;
    let admin = admin(&server).await;
    let address = "192.0.2.1";
    let hash = stored_password("sha256", PASSWORD, 1000);
    let signs_in = async |path: &str, name: &str, value: &str| {
        let request = server.request("POST", path);
        let request = request.header("CF-Connecting-IP", address);
        let body = json!({ name: value, "password": PASSWORD });
        request.json(body).send().await.status
    };
    let (login, auth) = ("/api/auth/login", "/auth");
    for status in [401, 401, 401, 401, 401, 429] {
        assert_eq!(signs_in(login, "email", "one@example.com").await, status);
        assert_eq!(signs_in(auth, "username", "one").await, status);
    }
    let line = json!({
        "email": "One@example.com", "username": "ONE", "name": "One", "password_hash": hash,
    });
    let answer = import(&server, &admin, line.to_string()).await.json();
    assert_eq!(answer["imported"], 1, "{answer}");
    assert_eq!(signs_in(login, "email", "one@example.com").await, 200);
    assert_eq!(signs_in(auth, "username", "one").await, 200);
    server.stop().await;
}
