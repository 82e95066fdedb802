//! Accounts that administrators make for others.

use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{account_of, post, post_as, registered, settings};
use crate::harness::{Answer, PASSWORD, QUICK, Server, unique};

#[wasm_bindgen_test]
async fn an_invitation_is_accepted_with_a_password_or_without() {
    let mut settings = settings();
    settings.push(("REGISTRATION", Some("open")));
    let server = Server::start(&settings).await;
    let (admin, _) = registered(&server).await;
    let statement = "UPDATE users SET role = 'admin' WHERE id = ?";
    server.sql(statement, &[admin.id.into()]).await;
    let path = "/api/admin/users";
    for password in [None, Some(PASSWORD)] {
        let email = format!("{}@example.com", unique("guest"));
        let body = json!({ "email": email, "name": "Guest" });
        let answer = post_as(&server, &admin.access_token, path, body.clone()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let id = answer.json()["user"]["id"].clone();
        server.mail_to(&email).await;
        let answer = post_as(&server, &admin.access_token, path, body).await;
        assert_eq!(answer.status, 409);
        let again = format!("{path}/{id}/invitation");
        let answer = post_as(&server, &admin.access_token, &again, json!({})).await;
        assert_eq!((answer.status, answer.json()), (202, json!({})));
        let mail = server.mail_to(&email).await;
        let body = json!({ "token": mail.token(), "password": password, "name": "Ann" });
        let answer = post(&server, "/api/auth/invitation", body.clone()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        let now = account_of(&server, &token).await;
        assert_eq!(now["user"]["name"], "Ann");
        assert_eq!(now["email_verified"], true);
        assert_eq!(now["has_password"], password.is_some());
        let answer = post(&server, "/api/auth/invitation", body).await;
        assert_eq!(answer.status, 400);
        let answer = post_as(&server, &admin.access_token, &again, json!({})).await;
        assert_eq!(answer.status, 409);
    }
    server.stop().await;
}

/// What `make invite` makes, of these bytes instead of random ones: an identifier, a token that begins with it, and the
/// digest of the rest.
const ID: &str = "AAECAwQFBgcICQoLDA0ODw";
const TOKEN: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v";
const DIGEST: &str = "icdGBFLt3_EZ_qBBnnhcdN4v-xOdvnQyOspKAeGYpdw";

/// Writes a challenge as `make invite` does, for a new account of that address.
async fn operator_invites(server: &Server, id: &str, kind: &str, email: &str) {
    let statement = "INSERT INTO users (email, name, role) VALUES (?, 'Guest', 'admin')";
    server.sql(statement, &[email.into()]).await;
    let statement = "INSERT INTO challenges \
          (id, kind, recipient_hash, user_id, email, created_at, expires_at, link_digest, browser) \
        SELECT ?1, ?2, ?3, id, email, unixepoch() * 1000, unixepoch() * 1000 + 60000, ?3, 'unknown unknown' \
        FROM users WHERE email = ?4";
    let values = [id.into(), kind.into(), DIGEST.into(), email.into()];
    server.sql(statement, &values).await;
}

/// The page of a link of that kind.
async fn page(server: &Server, kind: &str, token: &str) -> Answer {
    let target = format!("/account/confirm?kind={kind}&id={ID}&token={token}");
    server.request("GET", &target).send().await
}

#[wasm_bindgen_test]
async fn an_operators_link_is_good_where_no_mail_is_sent() {
    let server = Server::start(&QUICK).await;
    let email = format!("{}@example.com", unique("first"));
    operator_invites(&server, ID, "invitation", &email).await;
    for _ in 0..2 {
        let page = page(&server, "invitation", TOKEN).await;
        assert_eq!(page.status, 200, "{}", page.text());
        assert!(page.text().contains(&email), "{}", page.text());
    }
    // Whoever reads the database has the digest, and neither token nor key.
    let forged = format!("{ID}{DIGEST}");
    let last = TOKEN.strip_suffix('v').unwrap();
    for token in [forged.as_str(), DIGEST, ID, &format!("{last}w")] {
        let body = json!({ "token": token, "password": PASSWORD });
        let answer = post(&server, "/api/auth/invitation", body).await;
        assert_eq!(answer.status, 400, "{token}");
        assert_eq!(answer.json(), json!({ "error": "Invalid or expired link" }));
    }
    let weak = json!({ "token": TOKEN, "password": "password" });
    let answer = post(&server, "/api/auth/invitation", weak).await;
    assert_eq!(answer.status, 400);
    let body = json!({ "token": TOKEN, "password": PASSWORD });
    let answer = post(&server, "/api/auth/invitation", body.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["user"]["role"], "admin");
    let bearer = format!("Bearer {}", answer.json()["access_token"].as_str().unwrap());
    let users = server.request("GET", "/api/admin/users");
    let users = users.header("Authorization", &bearer).send().await;
    assert_eq!(users.status, 200);
    assert_eq!(page(&server, "invitation", TOKEN).await.status, 400);
    let answer = post(&server, "/api/auth/invitation", body).await;
    assert_eq!(answer.status, 400);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn an_operators_digest_opens_nothing_of_another_id_or_kind() {
    let server = Server::start(&settings()).await;
    let email = format!("{}@example.com", unique("first"));
    operator_invites(&server, &ID.replacen('A', "B", 1), "invitation", &email).await;
    let body = json!({ "token": TOKEN, "password": PASSWORD });
    let answer = post(&server, "/api/auth/invitation", body).await;
    assert_eq!(answer.status, 400);
    for (kind, path, more) in [
        ("reset", "/api/auth/password/reset", "new_password"),
        ("verification", "/api/auth/email/verify", "password"),
        ("email_change", "/api/auth/email/confirm", "password"),
        ("email_revert", "/api/auth/email/revert", "password"),
        ("sign_in", "/api/auth/code/verify", "scope"),
    ] {
        server.sql("DELETE FROM challenges", &[]).await;
        let email = format!("{}@example.com", unique("other"));
        operator_invites(&server, ID, kind, &email).await;
        assert_eq!(page(&server, kind, TOKEN).await.status, 400, "{kind}");
        let mut body = json!({ "token": TOKEN });
        body[more] = PASSWORD.into();
        let answer = post(&server, path, body).await;
        assert_eq!(answer.status, 400, "{kind}: {}", answer.text());
        assert_eq!(answer.json(), json!({ "error": "Invalid or expired link" }));
        // Nor as an invitation, which it is not.
        let body = json!({ "token": TOKEN });
        let answer = post(&server, "/api/auth/invitation", body).await;
        assert_eq!(answer.status, 400, "{kind}");
        let spent = "SELECT 1 FROM challenges WHERE spent_by IS NOT NULL";
        assert!(server.sql(spent, &[]).await.is_empty(), "{kind}");
    }
    server.stop().await;
}
