//! Changes of an address: who has the last word, and what others learn of one that is taken.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{
    CODE, CONFIRM, EMAIL, FORGOT, NEW_PASSWORD, RESET, REVERT, VERIFICATION, by_code, by_link,
    is_good, mail_of, post, post_as, registered, settings, tries, verified,
};
use crate::harness::{Account, Answer, Mail, PASSWORD, Server, unique};

/// Changes the address of an account to `new`: the link that takes that back.
async fn moved(server: &Server, account: &Account, new: &str) -> Mail {
    let mail = mail_of(server, account, EMAIL, json!({ "email": new })).await;
    let answer = post(server, CONFIRM, by_code(&mail, json!({}))).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    let mut mails = server.mail().await;
    assert_eq!(mails.len(), 1);
    mails.remove(0)
}

async fn email_of(server: &Server, account: &Account) -> String {
    let rows = server
        .sql("SELECT email FROM users WHERE id = ?", &[account.id.into()])
        .await;
    rows[0]["email"].as_str().unwrap().to_owned()
}

#[wasm_bindgen_test]
async fn the_last_address_that_was_somebody_s_own_wins_a_chain_of_changes() {
    let server = Server::start(&settings()).await;
    let revert = |mail: &Mail| post(&server, REVERT, json!({ "token": mail.token() }));
    for first_first in [true, false] {
        let account = verified(&server).await;
        let (b, c) = (unique("b") + "@example.com", unique("c") + "@example.com");
        let to_a = moved(&server, &account, &b).await;
        assert_eq!(to_a.to, account.email);
        let to_b = moved(&server, &account, &c).await;
        assert_eq!(to_b.to, b);
        // Whoever has the address now changes the password, and resets it: both links outlive that.
        let passwords = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
        let answer = post_as(
            &server,
            &account.access_token,
            "/api/auth/password",
            passwords,
        )
        .await;
        // Another session's token is over; whoever changed the password has none.
        assert_eq!(answer.status, 204, "{}", answer.text());
        let of_thief = post(&server, FORGOT, json!({ "email": c })).await;
        assert_eq!(of_thief.status, 202);
        let mails = server.mail().await;
        let is_reset = |mail: &&Mail| mail.text.contains("kind=reset");
        let reset = mails.iter().find(is_reset).unwrap();
        let body = by_link(reset, json!({ "new_password": "and once more a password" }));
        assert_eq!(post(&server, RESET, body).await.status, 204);
        // Of the thief's as well there is something pending.
        post(&server, CODE, json!({ "email": c })).await;
        let mails = server.mail().await;
        let code = mails
            .iter()
            .find(|mail| mail.text.contains("kind=sign_in"))
            .unwrap();
        assert!(is_good(&server, &to_a).await && is_good(&server, &to_b).await);
        if first_first {
            assert_eq!(revert(&to_a).await.status, 204);
            assert_eq!(email_of(&server, &account).await, account.email);
            assert_eq!(revert(&to_b).await.status, 400, "what came later is void");
            assert_eq!(email_of(&server, &account).await, account.email);
        } else {
            assert_eq!(revert(&to_b).await.status, 204);
            assert_eq!(email_of(&server, &account).await, b);
            assert_eq!(revert(&to_a).await.status, 204, "what came before is not");
            assert_eq!(email_of(&server, &account).await, account.email);
        }
        assert!(!is_good(&server, code).await);
        assert_eq!(revert(&to_a).await.status, 400);
        server.mail().await;
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn an_address_that_was_taken_meanwhile_uses_nothing_up() {
    let server = Server::start(&settings()).await;
    let delete = "DELETE FROM users WHERE email = ?";
    let register = |email: &str| {
        let statement = "INSERT INTO users (email, name, password_hash) \
            VALUES (?, 'Bob', 'a hash that cannot be verified$')";
        let values = [Value::from(email)];
        let server = server.clone();
        async move { server.sql(statement, &values).await }
    };
    let taken = json!({ "error": "Email already registered" });
    for use_code in [true, false] {
        let account = verified(&server).await;
        let new = unique("taken") + "@example.com";
        let mail = mail_of(&server, &account, EMAIL, json!({ "email": new })).await;
        register(&new).await;
        let body = if use_code {
            by_code(&mail, json!({}))
        } else {
            by_link(&mail, json!({}))
        };
        for _ in 0..6 {
            let answer = post_as(&server, &account.access_token, CONFIRM, body.clone()).await;
            assert_eq!((answer.status, answer.json()), (409, taken.clone()));
        }
        assert_eq!(tries(&server, &mail).await, 0);
        assert_eq!(email_of(&server, &account).await, account.email);
        assert_eq!(
            server.mail().await,
            [],
            "nobody is told of a change that was none"
        );
        server.sql(delete, &[new.as_str().into()]).await;
        let answer = post_as(&server, &account.access_token, CONFIRM, body).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
        let back = server.mail_to(&account.email).await;
        // The same for who takes it back.
        register(&account.email).await;
        let body = json!({ "token": back.token() });
        let answer = post(&server, REVERT, body.clone()).await;
        assert_eq!((answer.status, answer.json()), (409, taken.clone()));
        assert_eq!(email_of(&server, &account).await, new);
        server.sql(delete, &[account.email.as_str().into()]).await;
        assert_eq!(post(&server, REVERT, body).await.status, 204);
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn whoever_wants_an_address_that_is_taken_learns_nothing_of_it() {
    let server = Server::start(&settings()).await;
    let holder = verified(&server).await;
    let mut statement = "UPDATE users SET language = 'de' WHERE id = ?";
    server.sql(statement, &[holder.id.into()]).await;
    for case in ["proven", "unproven", "disabled"] {
        let account = verified(&server).await;
        if case == "disabled" {
            statement = "UPDATE users SET disabled = 1 WHERE id = ?";
            server.sql(statement, &[holder.id.into()]).await;
        } else if case == "unproven" {
            statement = "UPDATE users SET email_verified_at = NULL WHERE id = ?";
            server.sql(statement, &[holder.id.into()]).await;
        }
        let token = &account.access_token;
        let before = server
            .sql("SELECT * FROM users WHERE id = ?", &[holder.id.into()])
            .await;
        let free = json!({ "email": unique("free") + "@example.com" });
        let of_free = post_as(&server, token, EMAIL, free).await;
        server.mail().await;
        let of_taken = post_as(&server, token, EMAIL, json!({ "email": holder.email })).await;
        assert_eq!((of_free.status, of_taken.status), (202, 202));
        let names = |answer: &Answer| -> Vec<String> {
            answer
                .headers
                .all()
                .map(|(name, value)| format!("{name}: {value}"))
                .collect()
        };
        assert_eq!(names(&of_free), names(&of_taken));
        assert_eq!(of_free.body.len(), of_taken.body.len());
        // It says so there, in the language of who reads it, with neither link nor code.
        let mail = server.mail_to(&holder.email).await;
        assert!(mail.subject.contains("auth.example.com") && mail.html.contains("lang=\"de\""));
        assert!(!mail.text.contains("https://"), "{}", mail.text);
        assert!(
            !mail
                .text
                .lines()
                .any(|line| line.trim().len() == 6 && line.trim().parse::<u32>().is_ok())
        );
        let after = server
            .sql("SELECT * FROM users WHERE id = ?", &[holder.id.into()])
            .await;
        assert_eq!(after, before);
    }
    server.stop().await;
}

/// An account that was imported without an address is given one.
#[wasm_bindgen_test]
async fn an_account_without_an_address_gets_its_first_one() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    let statement = "UPDATE users SET email = NULL, email_verified_at = NULL WHERE id = ?";
    server.sql(statement, &[account.id.into()]).await;
    let token = &account.access_token;
    let answer = post_as(&server, token, VERIFICATION, json!({})).await;
    assert_eq!(
        (answer.status, answer.json()),
        (409, json!({ "error": "No email address" }))
    );
    let new = unique("first") + "@example.com";
    for use_code in [false, true] {
        let mail = mail_of(&server, &account, EMAIL, json!({ "email": new })).await;
        assert_eq!(
            super::account_of(&server, token).await["pending_email"],
            new.as_str()
        );
        assert!(is_good(&server, &mail).await);
        if use_code {
            let answer = post(&server, CONFIRM, by_code(&mail, json!({}))).await;
            assert_eq!(answer.status, 204, "{}", answer.text());
        }
    }
    let now = super::account_of(&server, token).await;
    assert_eq!(now["user"]["email"], new.as_str());
    assert_eq!(now["email_verified"], true);
    // There is nobody to give it back to.
    assert_eq!(server.mail().await, []);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn an_account_that_is_deleted_leaves_no_address_and_still_counts() {
    let server = Server::start(&settings()).await;
    let (account, verification) = registered(&server).await;
    let body = json!({ "email": "new@example.com" });
    let path = "/api/auth/email";
    let answer = post_as(&server, &account.access_token, path, body).await;
    assert_eq!(answer.status, 202);
    server.mail().await;
    let delete = server.request("DELETE", "/api/auth/me");
    let delete = delete.header("Authorization", &account.bearer());
    let delete = delete.json(json!({ "password": PASSWORD }));
    assert_eq!(delete.send().await.status, 204);
    let statement =
        "SELECT count(*) AS rows, count(email) + count(new_email) AS addresses FROM challenges";
    let left = server.sql(statement, &[]).await;
    assert_eq!(left, [json!({ "rows": 2, "addresses": 0 })]);
    let body = json!({ "token": verification, "password": PASSWORD });
    let answer = post(&server, "/api/auth/email/verify", body).await;
    assert_eq!(answer.status, 400);
    server.stop().await;
}
