//! The audit trail: what is in it, and what is not.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{admin, get, import, patch};
use crate::harness::{self, Account, PASSWORD, QUICK, Server, stored_password, unique};

const DAY: f64 = 24.0 * 60.0 * 60.0 * 1000.0;

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
async fn the_audit_trail_tells_who_did_what() {
    let server = Server::start_with_clock(&QUICK).await;
    let admin = admin(&server).await;
    let address = "192.0.2.1";
    let ann = Account::register_from(&server, address).await;
    events(&server, 2).await;
    harness::sign_in_from(&server, address, &ann.email, "wrong horse battery").await;
    events(&server, 3).await;
    harness::sign_in_from(&server, "192.0.2.2", "nobody@example.com", PASSWORD).await;
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
