//! Dialect 2: register, login, me.

use futures_util::future::join_all;
use serde_json::{Value, json};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use crate::given::{self, Account, PASSWORD, unique};
use crate::support::{self, Answer, Server};

async fn register(server: &Server, body: Value) -> Answer {
    let request = server.request("POST", "/api/auth/register");
    request.json(body).send().await
}

async fn login(server: &Server, body: Value) -> Answer {
    let request = server.request("POST", "/api/auth/login");
    request.json(body).send().await
}

async fn users(server: &Server) -> u64 {
    let rows = server.sql("SELECT count(*) AS n FROM users", &[]).await;
    rows[0]["n"].as_u64().unwrap()
}

fn seen(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.text())
}

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
    let before = given::now();
    let account = Account::register(&server).await;
    let after = given::now();
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
async fn usernames_are_compared_in_one_width_and_case() {
    let server = Server::shared().await;
    let register_as = async |username: &str| {
        let email = format!("{}@example.com", unique("width"));
        let body =
            json!({ "email": email, "username": username, "name": "Ann", "password": PASSWORD });
        register(&server, body).await
    };
    let taken = (409, "{\"error\":\"Username already taken\"}\n");
    for (written, others) in [
        (
            "Ａｎｎｗｉｄｅ",
            &["annwide", "ANNWIDE", "ａｎｎwide", "𝐀𝐧𝐧𝐰𝐢𝐝𝐞"][..],
        ),
        (
            "ﬁnn.strauß",
            &["finn.strauss", "FINN.STRAUẞ", "ＦＩＮＮ.ＳＴＲＡＵＳＳ"],
        ),
        ("ｶﾞｶﾞｶﾞ", &["ガガガ", "カ\u{3099}ガガ"]),
    ] {
        let registered = register_as(written).await;
        assert_eq!(registered.status, 201, "{written}: {}", registered.text());
        // As its owner wrote it.
        assert_eq!(registered.json()["user"]["username"], written);
        for other in others {
            assert_eq!(
                seen(&register_as(other).await),
                taken,
                "{other} after {written}"
            );
            let body = json!({ "username": other, "password": PASSWORD });
            let signed_in = server.request("POST", "/auth").json(body).send().await;
            assert_eq!(signed_in.status, 200, "{other} for {written}");
        }
    }
}

#[wasm_bindgen_test]
async fn usernames_keep_the_rules_in_the_form_in_which_they_are_compared() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    let white_space = "username must not contain white space, control or format characters";
    let length = "username must be 3 to 64 characters long";
    for (username, error) in [
        ("ann＠example.com", "username must not contain @"),
        ("ann﹫example.com", "username must not contain @"),
        ("ann\u{a0}lee", white_space),
        ("ann\u{3000}lee", white_space),
        // A space and a combining mark.
        ("ann¨lee", white_space),
        // 66 characters.
        ("㌖㌖㌖㌖㌖㌖㌖㌖㌖㌖㌖", length),
        ("ｶﾞｶ", length),
    ] {
        let email = format!("{}@example.com", unique("rules"));
        let body =
            json!({ "email": email, "username": username, "name": "Ann", "password": PASSWORD });
        let expected = format!("{}\n", json!({ "error": error }));
        let answer = register(&server, body).await;
        assert_eq!(seen(&answer), (400, expected.as_str()), "{username}");
        let change = server.request("PATCH", "/api/auth/me");
        let change = change.header("Authorization", &account.bearer());
        let answer = change.json(json!({ "username": username })).send().await;
        assert_eq!(seen(&answer), (400, expected.as_str()), "{username}");
        // Nobody's name: a username is never taken for an address.
        let body = json!({ "username": username, "password": PASSWORD });
        let signed_in = server.request("POST", "/auth").json(body).send().await;
        assert_eq!(signed_in.status, 401, "{username}");
    }
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
    let mut answers = Vec::new();
    for (email, password) in attempts {
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
        answers.push(names);
    }
    assert!(
        answers.iter().all(|names| *names == answers[0]),
        "{answers:?}"
    );
}

#[wasm_bindgen_test]
async fn a_sign_in_costs_one_derivation_whether_or_not_the_account_exists() {
    if !support::measures_cpu() {
        console_log!("skipped: CPU time is read from Linux' /proc");
        return;
    }
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    let disabled = Account::register(&server).await;
    let statement = "UPDATE users SET disabled = 1 WHERE id = ?";
    server.sql(statement, &[disabled.id.into()]).await;
    let cost = async |path: &str, field: &str, name: &str, password: &str| {
        let before = server.cpu_ms();
        for _ in 0..5 {
            let body = json!({ field: name, "password": password });
            server.request("POST", path).json(body).send().await;
        }
        server.cpu_ms() - before
    };
    for (path, field) in [("/api/auth/login", "email"), ("/auth", "username")] {
        let right = cost(path, field, &account.email, PASSWORD).await;
        for (what, name, password) in [
            ("wrong", account.email.as_str(), "wrong horse battery"),
            ("unknown", "nobody@example.com", PASSWORD),
            ("disabled", disabled.email.as_str(), PASSWORD),
            ("over-long", account.email.as_str(), &"x".repeat(1025)),
            (
                "with a NUL",
                account.email.as_str(),
                &format!("{PASSWORD}\0"),
            ),
        ] {
            let ms = cost(path, field, name, password).await;
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

#[wasm_bindgen_test]
async fn me_follows_the_account() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    let me = async || {
        let request = server.request("GET", "/api/auth/me");
        request
            .header("Authorization", &account.bearer())
            .send()
            .await
    };
    assert_eq!(me().await.status, 200);

    let set_disabled = "UPDATE users SET disabled = ? WHERE id = ?";
    server
        .sql(set_disabled, &[1.into(), account.id.into()])
        .await;
    let answer = me().await;
    assert_eq!(
        seen(&answer),
        (401, "{\"msg\":\"Token has been revoked\"}\n")
    );
    assert_eq!(
        answer.headers.get("WWW-Authenticate").as_deref(),
        Some("Bearer")
    );
    server
        .sql(set_disabled, &[0.into(), account.id.into()])
        .await;
    assert_eq!(me().await.status, 200);

    server
        .sql("DELETE FROM users WHERE id = ?", &[account.id.into()])
        .await;
    let answer = me().await;
    assert_eq!(seen(&answer), (404, "{\"error\":\"User not found\"}\n"));
    assert_eq!(answer.headers.get("WWW-Authenticate"), None);
    // The next account does not inherit the id.
    assert!(Account::register(&server).await.id > account.id);
}

#[wasm_bindgen_test]
async fn an_account_without_an_email_shows_null() {
    let server = Server::shared().await;
    let username = unique("imported");
    let statement = "INSERT INTO users (username, username_folded, name, password_hash) \
                     VALUES (?1, ?1, 'Imported', ?2) RETURNING id";
    let hash = given::stored_password("sha512", PASSWORD, 210_000);
    let rows = server
        .sql(statement, &[username.as_str().into(), hash.into()])
        .await;
    let claims = json!({ "identity": rows[0]["id"], "exp": given::now() + 60 });
    let token = format!("JWT {}", given::signed(&claims));
    let me = server
        .request("GET", "/api/auth/me")
        .header("Authorization", &token)
        .send()
        .await;
    let user = me.json()["user"].clone();
    assert_eq!(user["email"], Value::Null);
    assert_eq!(user["username"], username);
}
