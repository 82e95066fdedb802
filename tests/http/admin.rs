//! Administration: accounts, import, audit trail, the request log, read replication.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::given::{self, Account, PASSWORD, sign_in, stored_password, unique};
use crate::support::{Answer, Server};

const QUICK: [(&str, Option<&str>); 2] = [
    ("PASSWORD_HASH", Some("argon2id")),
    ("SIGN_IN_FLOOR_MS", Some("100")),
];
const FORBIDDEN: &str = "{\"error\":\"Forbidden\"}\n";
const NOT_FOUND: &str = "{\"error\":\"User not found\"}\n";
const DAY: f64 = 24.0 * 60.0 * 60.0 * 1000.0;

async fn admin(server: &Server) -> Account {
    let account = Account::register(server).await;
    let statement = "UPDATE users SET role = 'admin' WHERE id = ?";
    server.sql(statement, &[account.id.into()]).await;
    account
}

async fn get(server: &Server, account: &Account, path: &str) -> Answer {
    let request = server.request("GET", path);
    let request = request.header("Authorization", &account.bearer());
    request.send().await
}

async fn patch(server: &Server, account: &Account, id: impl ToString, body: Value) -> Answer {
    let path = format!("/api/admin/users/{}", id.to_string());
    let request = server.request("PATCH", &path);
    let request = request.header("Authorization", &account.bearer());
    request.json(body).send().await
}

async fn import(server: &Server, account: &Account, body: impl AsRef<[u8]>) -> Answer {
    let request = server.request("POST", "/api/admin/users/import");
    let request = request.header("Authorization", &account.bearer());
    let request = request.header("Content-Type", "application/x-ndjson; charset=utf-8");
    request.body(body).send().await
}

fn seen(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.text())
}

/// Asks until the Worker has done what it does after its answer.
async fn events(server: &Server, at_least: usize) -> Vec<Value> {
    for _ in 0..1000 {
        let rows = server.sql("SELECT * FROM audit ORDER BY id", &[]).await;
        if rows.len() >= at_least {
            return rows;
        }
    }
    panic!("fewer than {at_least} events");
}

#[wasm_bindgen_test]
async fn only_admins_may() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let routes = [
        ("GET", "/api/admin/users"),
        ("PATCH", "/api/admin/users/1"),
        ("POST", "/api/admin/users/import"),
        ("DELETE", "/api/admin/users/1/sessions"),
        ("POST", "/api/admin/users/1/unlock"),
        ("GET", "/api/admin/audit"),
    ];
    for (method, path) in routes {
        let request = server.request(method, path);
        assert_eq!(request.send().await.status, 401, "{path}");
        let request = server.request(method, path);
        let request = request.header("Authorization", &account.bearer());
        assert_eq!(seen(&request.send().await), (403, FORBIDDEN), "{path}");
    }
    // On the next request that reads the row, both ways.
    for (role, status) in [("admin", 200), ("customer", 403)] {
        let statement = "UPDATE users SET role = ? WHERE id = ?";
        server
            .sql(statement, &[role.into(), account.id.into()])
            .await;
        for path in ["/api/admin/users", "/api/admin/audit"] {
            assert_eq!(get(&server, &account, path).await.status, status, "{path}");
        }
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn accounts_are_listed_by_pages() {
    let server = Server::start(&QUICK).await;
    let admin = admin(&server).await;
    let line = |n: u32| {
        let hash = stored_password("sha256", PASSWORD, 1000);
        json!({ "username": format!("user{n}"), "password_hash": hash }).to_string()
    };
    let body: Vec<_> = (0..254).map(line).collect();
    let answer = import(&server, &admin, body.join("\n")).await.json();
    assert_eq!(answer, json!({ "imported": 254, "skipped": [] }));
    for (limit, per_page) in [
        ("", 50),
        ("limit=200&", 200),
        ("limit=255&", 0),
        ("limit=1&", 1),
    ] {
        let path = format!("/api/admin/users?{limit}");
        let page = get(&server, &admin, &path).await;
        if per_page == 0 {
            assert_eq!(page.status, 400);
            continue;
        }
        let page = page.json();
        let users = page["users"].as_array().unwrap();
        assert_eq!(users.len(), per_page);
        let last = users.last().unwrap();
        assert_eq!(page["next"], last["id"]);
        let path = format!("{path}after={}", page["next"]);
        let next = get(&server, &admin, &path).await.json();
        let first = &next["users"][0]["id"];
        assert!(first.as_u64() > last["id"].as_u64(), "{first} after {last}");
    }
    let all = get(&server, &admin, "/api/admin/users?after=55&limit=200").await;
    let all = all.json();
    assert_eq!(all["users"].as_array().unwrap().len(), 200);
    assert_eq!(all["next"], Value::Null);
    let members: Vec<_> = all["users"][0].as_object().unwrap().keys().collect();
    let expected = [
        "created_at",
        "disabled",
        "email",
        "id",
        "name",
        "role",
        "updated_at",
        "username",
    ];
    assert_eq!(members, expected);
    let beyond = get(&server, &admin, "/api/admin/users?after=9007199254740991").await;
    assert_eq!(seen(&beyond), (200, "{\"next\":null,\"users\":[]}\n"));
    for (query, name) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=1e2", "limit"),
        ("limit=", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("after=0", "after"),
        ("after=-1", "after"),
        ("after=x", "after"),
        ("after=9007199254740992", "after"),
        ("after=1%00", "after"),
    ] {
        for path in ["/api/admin/users", "/api/admin/audit"] {
            let answer = get(&server, &admin, &format!("{path}?{query}")).await;
            assert_eq!(answer.status, 400, "{query}");
            let error = answer.json()["error"].as_str().unwrap().to_owned();
            assert!(error.starts_with(name), "{query}: {error}");
        }
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn accounts_are_changed() {
    let settings = [
        QUICK[0],
        QUICK[1],
        ("ROLES", Some("customer, editor, admin")),
    ];
    let server = Server::start(&settings).await;
    let admin = admin(&server).await;
    let ann = Account::register(&server).await;
    let change = async |body: Value| {
        let answer = patch(&server, &admin, ann.id, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["user"].clone()
    };
    let me = async || get(&server, &ann, "/api/auth/me").await.status;
    let before = change(json!({})).await;
    assert_eq!(
        (&before["disabled"], &before["role"]),
        (&json!(false), &json!("customer"))
    );
    let raised = change(json!({ "role": "editor", "name": " Ann  B " })).await;
    assert_eq!(
        (&raised["role"], &raised["name"]),
        (&json!("editor"), &json!("Ann  B"))
    );
    // More rights end nothing.
    assert_eq!(me().await, 200);
    let verify = get(&server, &ann, "/verify").await;
    assert_eq!(verify.headers.get("X-Auth-Role").as_deref(), Some("editor"));

    // Fewer do, sessions too.
    let body = json!({ "email": ann.email, "password": PASSWORD, "scope": "offline_access" });
    let open = async || {
        let request = server.request("POST", "/api/auth/login");
        request.json(body.clone()).send().await.json()
    };
    for lower in [json!({ "role": "customer" }), json!({ "disabled": true })] {
        let session = open().await;
        change(lower).await;
        let bearer = format!("Bearer {}", session["access_token"].as_str().unwrap());
        let request = server.request("GET", "/api/auth/me");
        let answer = request.header("Authorization", &bearer).send().await;
        assert_eq!(answer.status, 401);
        let bearer = format!("Bearer {}", session["refresh_token"].as_str().unwrap());
        let request = server.request("POST", "/api/auth/refresh");
        let answer = request.header("Authorization", &bearer).send().await;
        assert_eq!(answer.status, 401);
    }
    assert_eq!(sign_in(&server, &ann.email, PASSWORD).await.status, 401);
    let enabled = change(json!({ "disabled": false })).await;
    assert_eq!(enabled["disabled"], false);
    assert_eq!(me().await, 401);
    assert_eq!(sign_in(&server, &ann.email, PASSWORD).await.status, 200);

    for (body, text) in [
        (json!({ "role": "king" }), "role is not known"),
        (json!({ "role": 1 }), "role must be a string"),
        (
            json!({ "disabled": "yes" }),
            "disabled must be true or false",
        ),
        (json!({ "disabled": 1 }), "disabled must be true or false"),
        (
            json!({ "name": "" }),
            "name must be 1 to 200 characters long",
        ),
        (json!([]), "Request body must be a JSON object"),
    ] {
        let answer = patch(&server, &admin, ann.id, body).await;
        let expected = format!("{{\"error\":\"{text}\"}}\n");
        assert_eq!(seen(&answer), (400, expected.as_str()));
    }
    for id in [
        "0",
        "-1",
        "999999",
        "9007199254740992",
        "99999999999999999999",
        "x",
        "%31",
    ] {
        for body in [json!({}), json!({ "disabled": true })] {
            let answer = patch(&server, &admin, id, body).await;
            assert_eq!(seen(&answer), (404, NOT_FOUND), "{id}");
        }
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn the_last_admin_stays() {
    let server = Server::start(&QUICK).await;
    let (one, two) = (admin(&server).await, admin(&server).await);
    let last = "{\"error\":\"The last admin cannot be demoted or disabled\"}\n";
    // Each would leave the other; both at once must not.
    let demote = json!({ "role": "customer" });
    let (first, second) = futures_util::future::join(
        patch(&server, &one, two.id, demote.clone()),
        patch(&server, &two, one.id, demote),
    )
    .await;
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert!(matches!(statuses, [200, 409 | 401 | 403]), "{statuses:?}");
    let admins = server.sql("SELECT id FROM users WHERE role = 'admin'", &[]);
    let admins = admins.await;
    assert_eq!(admins.len(), 1);
    let left = if admins[0]["id"] == one.id {
        &one
    } else {
        &two
    };
    for body in [
        json!({ "role": "customer" }),
        json!({ "disabled": true }),
        json!({ "role": "customer", "disabled": true, "name": "X" }),
    ] {
        let answer = patch(&server, left, left.id, body).await;
        assert_eq!(seen(&answer), (409, last));
    }
    let same = patch(
        &server,
        left,
        left.id,
        json!({ "role": "admin", "disabled": false }),
    )
    .await;
    assert_eq!(same.status, 200);
    let request = server.request("DELETE", "/api/auth/me");
    let request = request.header("Authorization", &left.bearer());
    let answer = request.json(json!({ "password": PASSWORD })).send().await;
    let expected = "{\"error\":\"The last admin cannot be deleted\"}\n";
    assert_eq!(seen(&answer), (409, expected));
    assert_eq!(get(&server, left, "/api/admin/users").await.status, 200);
    server.stop().await;
}

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
    assert_eq!(given::claims(&token)["role"], "admin");
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
async fn the_audit_trail_tells_who_did_what() {
    let server = Server::start_with_clock(&QUICK).await;
    let admin = admin(&server).await;
    let address = "192.0.2.1";
    let ann = Account::register_from(&server, address).await;
    events(&server, 2).await;
    given::sign_in_from(&server, address, &ann.email, "wrong horse battery").await;
    events(&server, 3).await;
    given::sign_in_from(&server, "192.0.2.2", "nobody@example.com", PASSWORD).await;
    events(&server, 4).await;
    let body = json!({ "username": ann.username, "password": PASSWORD });
    let request = server.request("POST", "/auth").json(body);
    let request = request.header("CF-Connecting-IP", "2001:db8::1");
    request.header("User-Agent", "curl/8").send().await;
    events(&server, 5).await;
    patch(
        &server,
        &admin,
        ann.id,
        json!({ "role": "admin", "name": "Ann" }),
    )
    .await;
    events(&server, 7).await;
    patch(&server, &admin, ann.id, json!({ "disabled": true })).await;
    events(&server, 8).await;
    let path = format!("/api/admin/users/{}/sessions", ann.id);
    let request = server.request("DELETE", &path);
    let request = request.header("Authorization", &admin.bearer());
    assert_eq!(request.send().await.status, 204);
    events(&server, 9).await;
    // What adds nothing changes nothing.
    import(&server, &admin, "nonsense").await;
    let hash = stored_password("sha256", PASSWORD, 1000);
    let line = json!({ "username": "imported", "password_hash": hash });
    import(&server, &admin, line.to_string()).await;
    let stored = events(&server, 10).await;

    let expected = [
        ("register", json!(admin.id), json!(admin.id), Value::Null),
        ("register", json!(ann.id), json!(ann.id), Value::Null),
        ("sign_in_failed", json!(ann.id), Value::Null, Value::Null),
        ("sign_in_failed", Value::Null, Value::Null, Value::Null),
        ("sign_in", json!(ann.id), json!(ann.id), Value::Null),
        (
            "role_change",
            json!(ann.id),
            json!(admin.id),
            json!("admin"),
        ),
        ("name_change", json!(ann.id), json!(admin.id), Value::Null),
        ("disable", json!(ann.id), json!(admin.id), Value::Null),
        ("sessions_end", json!(ann.id), json!(admin.id), Value::Null),
        ("import", Value::Null, json!(admin.id), json!("1")),
    ];
    let page = get(&server, &admin, "/api/admin/audit").await.json();
    let mut shown = page["events"].as_array().unwrap().clone();
    assert_eq!(page["next"], Value::Null);
    shown.reverse();
    assert_eq!(shown.len(), expected.len());
    for (event, (action, user_id, actor_id, detail)) in shown.iter().zip(expected) {
        assert_eq!(event["action"], action);
        assert_eq!(event["user_id"], user_id, "{action}");
        assert_eq!(event["actor_id"], actor_id, "{action}");
        assert_eq!(event["detail"], detail, "{action}");
        assert_eq!(event["at"].as_str().unwrap().len(), 19);
        assert_eq!(event["count"], 1);
    }
    assert_eq!(shown[2]["address"], address);
    assert_eq!(shown[4]["address"], "2001:db8:0:0::/64");
    assert_eq!(shown[4]["user_agent"], "curl/8");
    let text = format!("{stored:?}");
    for secret in [PASSWORD, "wrong horse", "example.com", "eyJ", &ann.username] {
        assert!(!text.contains(secret), "{secret}");
    }

    let page = get(&server, &admin, "/api/admin/audit?limit=3")
        .await
        .json();
    assert_eq!(page["events"].as_array().unwrap().len(), 3);
    let path = format!("/api/admin/audit?limit=7&after={}", page["next"]);
    let rest = get(&server, &admin, &path).await.json();
    assert_eq!(rest["events"].as_array().unwrap().len(), 7);
    assert_eq!(rest["next"], Value::Null);
    // Kept for 90 days.
    for (days, left) in [(89.0, 10), (91.0, 0)] {
        server.set_clock(days * DAY);
        server.request("GET", "/healthz").send().await;
        assert_eq!(server.run_cron().await, "ok");
        assert_eq!(events(&server, 0).await.len(), left, "{days}");
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn what_anybody_can_do_fills_no_trail() {
    let server = Server::start_with_clock(&QUICK).await;
    let admin = admin(&server).await;
    let ann = Account::register(&server).await;
    let (address, other) = ("192.0.2.1", "192.0.2.2");
    let fail = async |email: &str, from: &str| {
        let body = json!({ "email": email, "password": "wrong horse battery" });
        let request = server.request("POST", "/api/auth/login").json(body);
        let request = request.header("CF-Connecting-IP", from);
        let request = request.header("User-Agent", &"x".repeat(60_000));
        assert_eq!(request.send().await.status, 401);
    };
    let register = async || {
        let body = json!({ "email": ann.email, "password": PASSWORD, "name": "Ann" });
        let request = server.request("POST", "/api/auth/register").json(body);
        let request = request.header("CF-Connecting-IP", address);
        assert_eq!(request.send().await.status, 409);
    };
    // The clock stands still within a minute that has just begun.
    let ms = js_sys::Date::now();
    let minute = 60_000.0 - ms % 60_000.0;
    server.set_clock(minute);
    for _ in 0..3 {
        fail(&ann.email, address).await;
        register().await;
    }
    fail(&ann.email, other).await;
    fail(&unique("nobody@example.com"), other).await;
    server.set_clock(minute + 60_000.0);
    fail(&ann.email, address).await;
    // The last one is written after its answer.
    events(&server, 6).await;
    let page = get(&server, &admin, "/api/admin/audit").await.json();
    let mut shown: Vec<_> = page["events"].as_array().unwrap()[..4]
        .iter()
        .map(|event| {
            let agent = event["user_agent"].as_str().map_or(0, str::len);
            json!([
                event["action"],
                event["user_id"],
                event["address"],
                event["count"],
                agent
            ])
        })
        .collect();
    shown.reverse();
    let expected = [
        json!(["sign_in_failed", ann.id, address, 3, 256]),
        json!(["name_taken", null, address, 3, 0]),
        json!(["sign_in_failed", null, other, 2, 256]),
        json!(["sign_in_failed", ann.id, address, 1, 256]),
    ];
    assert_eq!(shown, expected);
    let long = "INSERT INTO audit (at, action, address, user_agent) VALUES (0, 'x', 'x', ?)";
    let refused = server.try_sql(long, &["x".repeat(257).into()]).await;
    assert!(refused.unwrap_err().contains("CHECK constraint"));
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

#[wasm_bindgen_test]
async fn every_session_of_an_account_is_ended() {
    let server = Server::start(&QUICK).await;
    let admin = admin(&server).await;
    let ann = Account::register(&server).await;
    let body = json!({ "email": ann.email, "password": PASSWORD, "scope": "offline_access" });
    let session = server.request("POST", "/api/auth/login").json(body);
    let session = session.send().await.json();
    let end = async |id: &str| {
        let path = format!("/api/admin/users/{id}/sessions");
        let request = server.request("DELETE", &path);
        let request = request.header("Authorization", &admin.bearer());
        let answer = request.send().await;
        (answer.status, answer.text().to_owned())
    };
    let me = async |token: &str| {
        let request = server.request("GET", "/api/auth/me");
        let request = request.header("Authorization", &format!("Bearer {token}"));
        request.send().await.status
    };
    let token = session["access_token"].as_str().unwrap();
    assert_eq!((me(token).await, me(&ann.access_token).await), (200, 200));
    assert_eq!(end(&ann.id.to_string()).await, (204, String::new()));
    assert_eq!((me(token).await, me(&ann.access_token).await), (401, 401));
    let body = json!({ "refresh_token": session["refresh_token"] });
    let refresh = server.request("POST", "/api/auth/refresh").json(body);
    assert_eq!(refresh.send().await.status, 401);
    assert_eq!(sign_in(&server, &ann.email, PASSWORD).await.status, 200);
    for nobody in ["999", "0", "x"] {
        assert_eq!(end(nobody).await, (404, NOT_FOUND.to_owned()));
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn sessions_leave_their_traces() {
    let server = Server::start_with_clock(&QUICK).await;
    let ann = Account::register(&server).await;
    let body = json!({ "email": ann.email, "password": PASSWORD, "scope": "offline_access" });
    let request = server.request("POST", "/api/auth/login").json(body);
    let session = request.send().await.json();
    let bearer = format!("Bearer {}", session["refresh_token"].as_str().unwrap());
    let refresh = async || {
        let request = server.request("POST", "/api/auth/refresh");
        request.header("Authorization", &bearer).send().await.status
    };
    assert_eq!(refresh().await, 200);
    server.set_clock(121_000.0);
    assert_eq!(refresh().await, 401);
    let change = json!({ "current_password": PASSWORD, "new_password": "another horse battery" });
    let request = server.request("POST", "/api/auth/password");
    let request = request.header("Authorization", &ann.bearer());
    assert_eq!(request.json(change).send().await.status, 204);
    let actions = events(&server, 4).await;
    let actions: Vec<_> = actions
        .iter()
        .map(|event| event["action"].as_str().unwrap())
        .collect();
    let expected = ["register", "sign_in", "refresh_reuse", "password_change"];
    assert_eq!(actions, expected);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn every_request_has_a_line_in_the_log() {
    let server = Server::start(&QUICK).await;
    let ann = Account::register(&server).await;
    let secret = "/api/auth/sessions/a-secret?token=another";
    for (method, path, token, route, status, queries, user) in [
        ("GET", "/api/auth/me", true, "/api/auth/me", 200, 1, true),
        ("DELETE", secret, true, "/api/auth/sessions/*", 404, 3, true),
        ("GET", "/api/auth/me", false, "/api/auth/me", 401, 0, false),
        ("GET", "/nowhere/ann@example.com", false, "", 404, 0, false),
        ("PROPFIND", "/auth", false, "/auth", 405, 0, false),
        ("GET", "/healthz", false, "/healthz", 200, 1, false),
    ] {
        let before = server.logs().await.len();
        let mut request = server.request(method, path);
        if token {
            request = request.header("Authorization", &ann.bearer());
        }
        assert_eq!(request.send().await.status, status, "{path}");
        let lines = server.logs().await.split_off(before);
        assert_eq!(lines.len(), 1, "{lines:?}");
        let mut line: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["request_id"].as_str().unwrap().len(), 22);
        assert!(line["duration_ms"].as_u64().unwrap() < 10_000);
        for varying in ["request_id", "duration_ms"] {
            line.as_object_mut().unwrap().remove(varying);
        }
        let user = if user { json!(ann.id) } else { Value::Null };
        let expected = json!({
            "level": "info", "method": method, "queries": queries, "route": route,
            "status": status, "user_id": user,
        });
        assert_eq!(line, expected);
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn reads_follow_writes_through_a_bookmark() {
    let plain = Server::start(&QUICK).await;
    let ann = Account::register(&plain).await;
    let answer = get(&plain, &ann, "/api/auth/me").await;
    assert_eq!(answer.headers.get("X-D1-Bookmark"), None);
    plain.stop().await;

    let settings = [QUICK[0], QUICK[1], ("READ_REPLICATION", Some("true"))];
    let server = Server::start_with_seen_sessions(&settings).await;
    let ann = Account::register(&server).await;
    let seen_session = async |request: crate::support::RequestBuilder<'_>| {
        let before = server.logs().await.len();
        let answer = request.send().await;
        let lines = server.logs().await.split_off(before);
        let session = lines.iter().find_map(|line| line.strip_prefix("session: "));
        (answer, session.map(str::to_owned))
    };
    let email = format!("{}@example.com", unique("replica"));
    let body = json!({ "email": email, "password": PASSWORD, "name": "Ann" });
    let register = server.request("POST", "/api/auth/register").json(body);
    let (answer, session) = seen_session(register).await;
    assert_eq!(
        (answer.status, session.as_deref()),
        (201, Some("first-primary"))
    );
    let bookmark = answer.headers.get("X-D1-Bookmark").expect("a bookmark");
    let me = || {
        let request = server.request("GET", "/api/auth/me");
        request.header("Authorization", &ann.bearer())
    };
    for (sent, expected) in [
        (None, "first-unconstrained"),
        (Some(bookmark.as_str()), bookmark.as_str()),
        (Some("first-primary"), "first-unconstrained"),
        (Some("'; DROP"), "first-unconstrained"),
        (Some(""), "first-unconstrained"),
    ] {
        let request = match sent {
            Some(text) => me().header("X-D1-Bookmark", text),
            None => me(),
        };
        let (answer, session) = seen_session(request).await;
        assert_eq!((answer.status, session.as_deref()), (200, Some(expected)));
        assert!(answer.headers.get("X-D1-Bookmark").is_some());
    }
    server.stop().await;
}
