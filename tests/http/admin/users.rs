//! Accounts are listed and changed by administrators.

use futures_util::future::join;
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{admin, get, import, patch};
use crate::harness::{Account, PASSWORD, QUICK, Server, seen, sign_in, stored_password};

const FORBIDDEN: &str = "{\"error\":\"Forbidden\"}\n";
const NOT_FOUND: &str = "{\"error\":\"User not found\"}\n";

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
    let (first, second) = join(
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
