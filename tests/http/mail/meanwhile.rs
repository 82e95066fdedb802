//! What others do between two steps of a request: whoever may do a thing is asked again in the statement that does it, and a
//! link or code is used up by one that looks at its account once more.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{
    CODE, CODE_VERIFY, CONFIRM, EMAIL, FORGOT, NEW_PASSWORD, RESET, REVERT, VERIFICATION, VERIFY,
    mail_of, post, post_as, registered, settings, verified,
};
use crate::harness::{Account, Answer, Mail, PASSWORD, RequestBuilder, Server, try_open, unique};

/// What others do to the caller's account, and how the request is refused.
const CALLERS: [(&str, (u16, &str)); 4] = [
    (
        "UPDATE users SET role = 'customer', epoch = epoch + 1 WHERE id = {id}",
        (401, "{\"msg\":\"Token has been revoked\"}\n"),
    ),
    (
        "UPDATE users SET disabled = 1 WHERE id = {id}",
        (401, "{\"msg\":\"Token has been revoked\"}\n"),
    ),
    (
        "DELETE FROM sessions WHERE user_id = {id}",
        (401, "{\"msg\":\"Token has been revoked\"}\n"),
    ),
    (
        "DELETE FROM users WHERE id = {id}",
        (404, "{\"error\":\"User not found\"}\n"),
    ),
];

async fn send_meanwhile(
    request: RequestBuilder<'_>,
    statement: &str,
    id: u64,
    after: usize,
) -> Answer {
    let statement = statement.replace("{id}", &id.to_string());
    let request = request.header("Meanwhile", &statement);
    let request = request.header("Meanwhile-After", &after.to_string());
    request.send().await
}

/// What any of these requests could have changed.
async fn written(server: &Server, id: u64) -> Vec<Value> {
    let mut rows = Vec::new();
    for statement in [
        "SELECT id, email, password_hash, email_verified_at FROM users WHERE id = ?1",
        "SELECT id, email, name FROM users WHERE id <> ?1 ORDER BY id",
        "SELECT id, kind, spent_by FROM challenges ORDER BY id",
        "SELECT id, kind FROM outbox",
        "SELECT id, user_id FROM sessions WHERE user_id <> ?1",
    ] {
        let values: &[Value] = if statement.contains("?1") {
            &[id.into()]
        } else {
            &[]
        };
        rows.extend(server.sql(statement, values).await);
    }
    rows
}

#[wasm_bindgen_test]
async fn callers_are_asked_again_when_what_they_asked_for_is_written() {
    let server = Server::start_with_meanwhile(&settings()).await;
    let guest = json!({ "email": "guest@example.com", "name": "Guest" });
    let new = json!({ "new_password": NEW_PASSWORD });
    let changes = [
        ("POST", EMAIL, json!({ "email": "new@example.com" }), 1),
        ("POST", VERIFICATION, json!({}), 1),
        ("DELETE", "/api/auth/password", json!({}), 1),
        ("POST", "/api/auth/password", new, 1),
        ("DELETE", "/api/auth/me", json!({}), 1),
        ("POST", "/api/admin/users", guest, 1),
        ("POST", "/api/admin/users/{guest}/invitation", json!({}), 2),
    ];
    for (method, path, body, after) in changes {
        for (statement, expected) in CALLERS {
            let (account, _) = registered(&server).await;
            let opened = try_open(&server, &account, PASSWORD).await.json();
            let bearer = format!("Bearer {}", opened["access_token"].as_str().unwrap());
            let set = match path {
                "/api/auth/password" if method == "POST" => {
                    "UPDATE users SET password_hash = NULL WHERE id = ?"
                }
                "/api/auth/me" => "UPDATE users SET password_hash = NULL WHERE id = ?",
                "/api/admin/users" => "UPDATE users SET role = 'admin' WHERE id = ?",
                EMAIL | VERIFICATION | "/api/auth/password" => {
                    "UPDATE users SET name = 'Ann' WHERE id = ?"
                }
                _ => "UPDATE users SET role = 'admin' WHERE id = ?",
            };
            server.sql(set, &[account.id.into()]).await;
            let mut other = String::new();
            if path.contains("{guest}") {
                let email = unique("guest") + "@example.com";
                let insert = "INSERT INTO users (email, name) VALUES (?, 'Guest') RETURNING id";
                other = server.sql(insert, &[email.into()]).await[0]["id"].to_string();
            }
            let before = written(&server, account.id).await;
            let path = path.replace("{guest}", &other);
            let request = server
                .request(method, &path)
                .header("Authorization", &bearer);
            let request = request.json(body.clone());
            let answer = send_meanwhile(request, statement, account.id, after).await;
            let case = format!("{method} {path} {statement}");
            assert_eq!((answer.status, answer.text()), expected, "{case}");
            let mut after = written(&server, account.id).await;
            if statement.starts_with("DELETE FROM users") {
                after.insert(0, before[0].clone());
                assert_eq!(after.len(), before.len(), "{case}");
            } else {
                assert_eq!(after, before, "{case}");
            }
            assert_eq!(server.mail().await, [], "{case}");
        }
    }
    server.stop().await;
}

/// A link or a code, what is done with it, and what else it takes.
async fn shown(server: &Server, path: &str, is_proven: bool) -> (Account, Mail, Value) {
    let account = if path == VERIFY || !is_proven {
        registered(server).await.0
    } else {
        verified(server).await
    };
    let of_address = json!({ "email": account.email });
    let new = unique("new") + "@example.com";
    let (mail, rest) = match path {
        VERIFY => (
            mail_of(server, &account, VERIFICATION, json!({})).await,
            json!({}),
        ),
        RESET => {
            let mail = mail_of(server, &account, FORGOT, of_address).await;
            (mail, json!({ "new_password": NEW_PASSWORD }))
        }
        CODE_VERIFY => {
            let mail = mail_of(server, &account, CODE, of_address).await;
            (mail, json!({ "scope": "offline_access" }))
        }
        CONFIRM => (
            mail_of(server, &account, EMAIL, json!({ "email": new })).await,
            json!({}),
        ),
        REVERT => {
            let mail = mail_of(server, &account, EMAIL, json!({ "email": new })).await;
            let body = json!({ "id": mail.parameter("id"), "code": mail.code() });
            assert_eq!(post(server, CONFIRM, body).await.status, 204);
            (server.mail_to(&account.email).await, json!({}))
        }
        _ => {
            let admin = "UPDATE users SET role = 'admin' WHERE id = ?";
            let admin_account = Account::register(server).await;
            server.sql(admin, &[admin_account.id.into()]).await;
            server.mail().await;
            let body = json!({ "email": new, "name": "Guest" });
            let answer = post_as(
                server,
                &admin_account.access_token,
                "/api/admin/users",
                body,
            )
            .await;
            let mail = server.mail_to(&new).await;
            let id = answer.json()["user"]["id"].as_u64().unwrap();
            let rest = json!({ "password": NEW_PASSWORD, "scope": "offline_access" });
            return (
                Account {
                    id,
                    email: new,
                    ..account
                },
                mail,
                rest,
            );
        }
    };
    (account, mail, rest)
}

#[wasm_bindgen_test]
async fn links_and_codes_look_at_their_account_once_more_when_they_are_used_up() {
    let server = Server::start_with_meanwhile(&settings()).await;
    let invitation = "/api/auth/invitation";
    let disabled = "UPDATE users SET disabled = 1 WHERE id = {id}";
    let deleted = "DELETE FROM users WHERE id = {id}";
    let moved = "UPDATE users SET email = 'moved{id}@example.com' WHERE id = {id}";
    let revoked = "UPDATE users SET epoch = epoch + 1 WHERE id = {id}";
    let used = "UPDATE challenges SET spent_by = 'x' WHERE user_id = {id}";
    let proven = "UPDATE users SET email_verified_at = 1 WHERE id = {id}";
    let expired = "UPDATE challenges SET expires_at = 1 WHERE user_id = {id}";
    for (path, is_proven, statements) in [
        (
            VERIFY,
            false,
            vec![disabled, deleted, moved, revoked, used, proven, expired],
        ),
        (
            RESET,
            true,
            vec![disabled, deleted, moved, revoked, used, expired],
        ),
        (
            RESET,
            false,
            vec![disabled, deleted, moved, used, proven, expired],
        ),
        (
            CODE_VERIFY,
            true,
            vec![disabled, deleted, moved, revoked, used, expired],
        ),
        (
            CODE_VERIFY,
            false,
            vec![disabled, deleted, moved, revoked, used, proven, expired],
        ),
        (
            CONFIRM,
            true,
            vec![disabled, deleted, moved, revoked, used, expired],
        ),
        (
            CONFIRM,
            false,
            vec![disabled, deleted, moved, revoked, used, proven, expired],
        ),
        (
            REVERT,
            true,
            vec![disabled, deleted, revoked, used, expired],
        ),
        (
            invitation,
            false,
            vec![disabled, deleted, moved, revoked, used, proven, expired],
        ),
    ] {
        for statement in statements {
            let (account, mail, rest) = shown(&server, path, is_proven).await;
            let by_code = [VERIFY, CONFIRM].contains(&path);
            let mut body = rest;
            if by_code {
                body["id"] = mail.parameter("id").into();
                body["code"] = mail.code().into();
            } else {
                body["token"] = mail.token().into();
            }
            // What they have done by themselves.
            let rows = "SELECT email, password_hash, email_verified_at, epoch, disabled FROM users WHERE id = ?";
            let request = server.request("POST", path).json(body);
            let answer = send_meanwhile(request, statement, account.id, 1).await;
            let what = if by_code { "code" } else { "link" };
            let expected = format!("{{\"error\":\"Invalid or expired {what}\"}}\n");
            let case = format!("{path} {is_proven} {statement}");
            assert_eq!(
                (answer.status, answer.text()),
                (400, expected.as_str()),
                "{case}"
            );
            let now = server.sql(rows, &[account.id.into()]).await;
            if statement == deleted {
                assert_eq!(now, Vec::<Value>::new(), "{case}");
            } else {
                let epoch = u8::from(statement == revoked);
                assert_eq!(now[0]["epoch"], epoch, "{case}");
                assert_eq!(
                    now[0]["disabled"],
                    u8::from(statement == disabled),
                    "{case}"
                );
                let is_proven = is_proven || statement == proven;
                assert_eq!(
                    now[0]["email_verified_at"] != Value::Null,
                    is_proven,
                    "{case}"
                );
                assert_eq!(
                    now[0]["password_hash"] != Value::Null,
                    path != invitation,
                    "{case}"
                );
            }
            assert_eq!(server.mail().await, [], "{case}");
        }
    }
    server.stop().await;
}

/// A thief who registered the address of somebody else changes the password all the time.
#[wasm_bindgen_test]
async fn a_reset_of_an_unproven_account_is_not_overtaken_by_a_change_of_its_password() {
    let server = Server::start_with_meanwhile(&settings()).await;
    let change = "UPDATE users SET epoch = epoch + 1, password_hash = 'what the other one chose$' WHERE id = {id}";
    for (is_proven, status) in [(false, 204), (true, 400)] {
        let (account, mail, rest) = shown(&server, RESET, is_proven).await;
        let mut body = rest;
        body["token"] = mail.token().into();
        let request = server.request("POST", RESET).json(body);
        let answer = send_meanwhile(request, change, account.id, 1).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        let rows = "SELECT epoch, password_hash FROM users WHERE id = ?";
        let now = server.sql(rows, &[account.id.into()]).await;
        assert_eq!(now[0]["epoch"], if is_proven { 1 } else { 2 });
        let is_others = now[0]["password_hash"] == "what the other one chose$";
        assert_eq!(is_others, is_proven);
        let me = crate::harness::me(&server, &account.access_token).await;
        assert_eq!(me, 401);
        server.mail().await;
    }
    server.stop().await;
}

/// The account is changed once the link is used up: no session of before the change is opened.
#[wasm_bindgen_test]
async fn no_session_is_opened_of_an_account_that_has_changed_since() {
    let server = Server::start_with_meanwhile(&settings()).await;
    for path in [CODE_VERIFY, "/api/auth/invitation"] {
        let (account, mail, mut body) = shown(&server, path, true).await;
        body["token"] = mail.token().into();
        let request = server.request("POST", path).json(body);
        let statement = "UPDATE users SET epoch = epoch + 1 WHERE id = {id}";
        let answer = send_meanwhile(request, statement, account.id, 2).await;
        assert_eq!(answer.status, 401, "{}", answer.text());
        let sessions = "SELECT id FROM sessions WHERE user_id = ?";
        assert_eq!(
            server.sql(sessions, &[account.id.into()]).await,
            Vec::<Value>::new()
        );
        server.mail().await;
    }
    server.stop().await;
}
