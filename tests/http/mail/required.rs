//! Settings that change what there is: `EMAIL_VERIFICATION = required`, and no mail at all.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{CODE, CODE_VERIFY, FORGOT, NEW_PASSWORD, RESET, by_code, post, post_as, settings};
use crate::harness::{
    Account, Mail, PASSWORD, QUICK, Server, Setting, Tokens, me, refresh, send_json, sign_in,
    unique,
};

fn required() -> Vec<Setting<'static>> {
    [&settings()[..], &[("EMAIL_VERIFICATION", Some("required"))]].concat()
}

/// Registers with a scope that asks for a session: the address, the username and the mail.
async fn register(server: &Server) -> (String, String, Mail) {
    let (email, username) = (unique("new") + "@example.com", unique("New"));
    let body = json!({
        "email": email, "username": username, "name": "Ann", "password": PASSWORD,
        "scope": "offline_access",
    });
    let answer = post(server, "/api/auth/register", body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let body = answer.json();
    let members: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["message", "user"]);
    assert_eq!(body["message"], "User registered successfully");
    assert_eq!(body["user"]["email"], email.as_str());
    let mail = server.mail_to(&email).await;
    (email, username, mail)
}

#[wasm_bindgen_test]
async fn nobody_signs_in_before_the_address_is_proven() {
    let server = Server::start(&required()).await;
    let (email, username, mail) = register(&server).await;
    assert_eq!(
        server.sql("SELECT id FROM sessions", &[]).await,
        Vec::<Value>::new()
    );
    let answer = sign_in(&server, &email, PASSWORD).await;
    assert_eq!(
        (answer.status, answer.text()),
        (403, "{\"error\":\"Email not verified\"}\n")
    );
    let login = json!({ "email": email, "password": PASSWORD, "scope": "offline_access" });
    let answer = post(&server, "/api/auth/login", login).await;
    assert_eq!(answer.status, 403);
    let body = json!({ "username": username, "password": PASSWORD });
    let answer = post(&server, "/auth", body.clone()).await;
    assert_eq!(
        (answer.status, answer.text()),
        (403, "{\"message\":\"Email not verified\"}\n")
    );
    assert_eq!(
        server.sql("SELECT id FROM sessions", &[]).await,
        Vec::<Value>::new()
    );
    // Who does not know the password learns nothing.
    let wrong = sign_in(&server, &email, NEW_PASSWORD).await;
    let nobody = sign_in(&server, "nobody@example.com", NEW_PASSWORD).await;
    assert_eq!((wrong.status, wrong.text()), (nobody.status, nobody.text()));
    assert_eq!(wrong.status, 401);
    let disable = "UPDATE users SET disabled = ? WHERE email = ?";
    server
        .sql(disable, &[1.into(), email.as_str().into()])
        .await;
    let disabled = sign_in(&server, &email, PASSWORD).await;
    assert_eq!(
        (disabled.status, disabled.text()),
        (nobody.status, nobody.text())
    );
    server
        .sql(disable, &[0.into(), email.as_str().into()])
        .await;
    let link = json!({ "token": mail.token(), "password": PASSWORD });
    assert_eq!(
        post(&server, "/api/auth/email/verify", link).await.status,
        204
    );
    server.mail().await;
    assert_eq!(sign_in(&server, &email, PASSWORD).await.status, 200);
    assert_eq!(post(&server, "/auth", body).await.status, 200);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_reset_and_a_code_prove_the_address_and_let_in() {
    let server = Server::start(&required()).await;
    let (email, _, _) = register(&server).await;
    post(&server, FORGOT, json!({ "email": email })).await;
    let mail = server.mail_to(&email).await;
    let body = by_code(&mail, json!({ "new_password": NEW_PASSWORD }));
    assert_eq!(post(&server, RESET, body).await.status, 204);
    assert_eq!(sign_in(&server, &email, NEW_PASSWORD).await.status, 200);
    server.mail().await;
    let (email, _, _) = register(&server).await;
    post(&server, CODE, json!({ "email": email })).await;
    let mail = server.mail_to(&email).await;
    let answer = post(
        &server,
        CODE_VERIFY,
        by_code(&mail, json!({ "scope": "offline_access" })),
    )
    .await;
    assert_eq!(answer.status, 200);
    let tokens = Tokens::of(&answer);
    assert_eq!(refresh(&server, &tokens.refresh).await.status, 200);
    server.stop().await;
}

/// What was opened before the setting was made goes on.
#[wasm_bindgen_test]
async fn sessions_and_tokens_from_before_go_on() {
    let each = [settings(), required()];
    let servers = Server::start_sharing_database(&each).await;
    let account = Account::register(&servers[0]).await;
    let body = json!({ "email": account.email, "password": PASSWORD, "scope": "offline_access" });
    let tokens = Tokens::of(&post(&servers[0], "/api/auth/login", body).await);
    let required = &servers[1];
    assert_eq!(
        sign_in(required, &account.email, PASSWORD).await.status,
        403
    );
    assert_eq!(me(required, &account.access_token).await, 200);
    assert_eq!(me(required, &tokens.access).await, 200);
    let refreshed = refresh(required, &tokens.refresh).await;
    assert_eq!(refreshed.status, 200);
    assert_eq!(me(required, &Tokens::of(&refreshed).access).await, 200);
    // An account that has no address has none to prove.
    let statement = "UPDATE users SET email = NULL WHERE id = ?";
    required.sql(statement, &[account.id.into()]).await;
    let body = json!({ "username": account.username, "password": PASSWORD });
    assert_eq!(post(required, "/auth", body).await.status, 200);
    required.clone().stop().await;
}

#[wasm_bindgen_test]
async fn without_mail_its_routes_are_not_there() {
    let settings = [
        &QUICK[..],
        &[("PUBLIC_URL", Some("https://auth.example.com"))],
    ]
    .concat();
    let server = Server::start(&settings).await;
    let account = Account::register(&server).await;
    let statement = "UPDATE users SET role = 'admin' WHERE id = ?";
    server.sql(statement, &[account.id.into()]).await;
    let token = &account.access_token;
    let members = json!({
        "email": account.email, "token": "A".repeat(64), "new_password": NEW_PASSWORD, "name": "Ann",
    });
    for path in [
        FORGOT,
        RESET,
        CODE,
        CODE_VERIFY,
        "/api/auth/email",
        "/api/auth/email/verification",
        "/api/auth/email/verify",
        "/api/auth/email/confirm",
        "/api/auth/email/revert",
        "/api/admin/users/1/invitation",
    ] {
        let answer = post_as(&server, token, path, members.clone()).await;
        assert_eq!(
            (answer.status, answer.text()),
            (404, "{\"error\":\"Not found\"}\n"),
            "{path}"
        );
    }
    // The list of accounts is there, and nobody can be added to it.
    let answer = post_as(&server, token, "/api/admin/users", members).await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.headers.get("Allow").as_deref(), Some("GET, HEAD"));
    let answer = send_json(&server, "GET", "/api/auth/account", token, json!({})).await;
    let account_now = answer.json()["account"].clone();
    assert_eq!(account_now["email_verified"], false);
    assert_eq!(account_now["pending_email"], Value::Null);
    let answer = send_json(&server, "DELETE", "/api/auth/password", token, json!({})).await;
    let seen = (answer.status, answer.text());
    assert_eq!(seen, (409, "{\"error\":\"No other way to sign in\"}\n"));
    assert_eq!(server.run_mail_cron().await, "ok");
    assert_eq!(
        server.sql("SELECT * FROM outbox", &[]).await,
        Vec::<Value>::new()
    );
    server.stop().await;
}

/// What was sent when there was mail is no way round routes that are not there any more.
#[wasm_bindgen_test]
async fn without_mail_the_links_of_before_have_no_page() {
    let without = [
        &QUICK[..],
        &[("PUBLIC_URL", Some("https://auth.example.com"))],
    ]
    .concat();
    let servers = Server::start_sharing_database(&[settings(), without]).await;
    let account = Account::register(&servers[0]).await;
    let of_registration = servers[0].mail_to(&account.email).await;
    post(&servers[0], FORGOT, json!({ "email": account.email })).await;
    let reset = servers[0].mail_to(&account.email).await;
    for mail in [&of_registration, &reset] {
        let page = servers[1].request("GET", mail.path()).send().await;
        assert_eq!(page.status, 400);
        let request = servers[1].request("POST", "/account/confirm");
        let request = request.header("Sec-Fetch-Site", "same-origin");
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        let (kind, token) = (mail.parameter("kind"), mail.token());
        let form =
            format!("kind={kind}&token={token}&password={PASSWORD}&new_password={NEW_PASSWORD}");
        let answer = request.body(form.replace(' ', "+")).send().await;
        assert_eq!(answer.status, 400);
        let page = servers[0].request("GET", mail.path()).send().await;
        assert_eq!(page.status, 200, "it is not used up");
    }
    servers[0].clone().stop().await;
}

/// As `make invite` writes it, which has none of the keys: of a link of zeros alone.
#[wasm_bindgen_test]
async fn an_operator_s_invitation_is_good_with_mail_and_without() {
    const DIGEST: &str = "Zmh6rfhivXdsj8GLjp-OIAiXFIVu4jOzkCpZHQ1fKSU";
    let token = "A".repeat(64);
    for settings in [QUICK.to_vec(), settings()] {
        let server = Server::start(&settings).await;
        let insert =
            "INSERT INTO users (email, name, role) VALUES ('first@example.com', 'First', 'admin')";
        server.sql(insert, &[]).await;
        let insert = "INSERT INTO challenges \
            (id, kind, recipient_hash, user_id, email, created_at, expires_at, browser, link_digest) \
            SELECT ?1, ?2, printf('%043d', 1), id, email, 1, 9e15, '', ?3 FROM users";
        let (invitation, reset) = ("A".repeat(22), format!("{}Q", "A".repeat(21)));
        for (id, kind) in [(&invitation, "invitation"), (&reset, "reset")] {
            server
                .sql(insert, &[id.as_str().into(), kind.into(), DIGEST.into()])
                .await;
        }
        let page = format!("/account/confirm?kind=invitation&id={invitation}&token={token}");
        assert_eq!(server.request("GET", &page).send().await.status, 200);
        let accept = async |token: &str| {
            let body = json!({ "token": token, "password": NEW_PASSWORD });
            post(&server, "/api/auth/invitation", body).await
        };
        let wrong = format!("{}E", "A".repeat(63));
        assert_eq!(accept(&wrong).await.status, 400);
        // No other kind of link is an operator's to make.
        let of_reset = format!("{}Q{}", "A".repeat(21), "A".repeat(42));
        let body = json!({ "token": of_reset, "new_password": NEW_PASSWORD });
        let answer = post(&server, RESET, body).await;
        assert!([400, 404].contains(&answer.status), "{}", answer.text());
        let answer = accept(&token).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let access_token = answer.json()["access_token"].as_str().unwrap().to_owned();
        let listed = send_json(&server, "GET", "/api/admin/users", &access_token, json!({})).await;
        assert_eq!(listed.status, 200);
        assert_eq!(accept(&token).await.status, 400);
        assert_eq!(
            sign_in(&server, "first@example.com", NEW_PASSWORD)
                .await
                .status,
            200
        );
        server.stop().await;
    }
}
