//! How many mails go out: three in a quarter of an hour and ten a day of each kind to one address, ten a day for one account.

use futures_util::future::join_all;
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{CODE, EMAIL, FORGOT, VERIFICATION, post, post_as, registered, settings, verified};
use crate::harness::{Answer, PASSWORD, Server, sign_in, unique, unique_address};

const MINUTE: f64 = 60_000.0;

/// Asked for this often at this time, in minutes; so many of them count.
const TIMES: [(f64, usize, usize); 9] = [
    (0.0, 5, 3),
    (14.0, 2, 0),
    (16.0, 5, 3),
    (32.0, 5, 3),
    // Ten a day.
    (48.0, 5, 1),
    (64.0, 5, 0),
    (1430.0, 2, 0),
    // A day after the first three.
    (1442.0, 5, 3),
    (1458.0, 5, 3),
];

#[wasm_bindgen_test]
async fn three_in_a_quarter_of_an_hour_and_ten_a_day_go_to_one_address() {
    let server = Server::start_with_clock(&settings()).await;
    let account = verified(&server).await;
    let disabled = verified(&server).await;
    let disable = "UPDATE users SET disabled = 1 WHERE id = ?";
    server.sql(disable, &[disabled.id.into()]).await;
    for (path, kind) in [(FORGOT, "reset"), (CODE, "sign_in")] {
        for (email, is_sent) in [
            (account.email.as_str(), true),
            (disabled.email.as_str(), false),
            ("nobody@example.com", false),
        ] {
            for (minutes, asked, counted) in TIMES {
                server.set_clock(minutes * MINUTE);
                let rows = format!("SELECT count(*) AS n FROM challenges WHERE kind = '{kind}'");
                let count = async || server.sql(&rows, &[]).await[0]["n"].as_u64().unwrap();
                let before = count().await;
                for _ in 0..asked {
                    let answer = post(&server, path, json!({ "email": email })).await;
                    assert_eq!(answer.status, 202);
                    assert_eq!(answer.json()["id"].as_str().unwrap().len(), 22);
                }
                let mails = server.mail().await.len();
                let case = format!("{path} {email} {minutes}");
                assert_eq!(mails, if is_sent { counted } else { 0 }, "{case}");
                // What is written says nothing of who has an account.
                assert_eq!(count().await - before, counted as u64, "{case}");
            }
        }
    }
    // One who registers has an address that is another kind of mail's.
    server.set_clock(0.0);
    registered(&server).await;
    server.stop().await;
}

#[wasm_bindgen_test]
async fn the_mail_of_a_registration_is_the_first_of_three() {
    let server = Server::start(&settings()).await;
    let (account, _) = registered(&server).await;
    let mut sent = 0;
    for _ in 0..5 {
        let answer = post_as(&server, &account.access_token, VERIFICATION, json!({})).await;
        assert_eq!(answer.status, 202);
        assert_eq!(answer.json()["id"].as_str().unwrap().len(), 22);
        sent += server.mail().await.len();
    }
    assert_eq!(sent, 2);
    server.stop().await;
}

fn assert_too_many(answer: &Answer) {
    let seen = (answer.status, answer.text());
    assert_eq!(seen, (429, "{\"error\":\"Too many requests\"}\n"));
    assert_eq!(answer.headers.get("Retry-After").as_deref(), Some("900"));
}

#[wasm_bindgen_test]
async fn a_change_of_address_is_asked_for_thrice_and_by_one_account_ten_times_a_day() {
    let server = Server::start(&settings()).await;
    let accounts = [verified(&server).await, verified(&server).await];
    // One address, whoever asks.
    for nth in 0..5 {
        let token = &accounts[nth % 2].access_token;
        let answer = post_as(
            &server,
            token,
            EMAIL,
            json!({ "email": "same@example.com" }),
        )
        .await;
        if nth < 3 {
            assert_eq!(answer.status, 202);
        } else {
            assert_too_many(&answer);
        }
    }
    server.mail().await;
    // One account, whatever address. It has asked twice.
    for nth in 0..12 {
        let email = unique("other") + "@example.com";
        let answer = post_as(
            &server,
            &accounts[0].access_token,
            EMAIL,
            json!({ "email": email }),
        )
        .await;
        if nth < 8 {
            assert_eq!(answer.status, 202);
        } else {
            assert_too_many(&answer);
        }
    }
    assert_eq!(server.mail().await.len(), 8);
    let email = unique("other") + "@example.com";
    let answer = post_as(
        &server,
        &accounts[1].access_token,
        EMAIL,
        json!({ "email": email }),
    )
    .await;
    assert_eq!(answer.status, 202, "another account has ten of its own");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn an_invitation_is_sent_thrice_to_one_address_and_to_as_many_as_there_are() {
    let server = Server::start(&settings()).await;
    let (admin, _) = registered(&server).await;
    let statement = "UPDATE users SET role = 'admin' WHERE id = ?";
    server.sql(statement, &[admin.id.into()]).await;
    let invite = async |email: &str| {
        let body = json!({ "email": email, "name": "Guest" });
        let answer = post_as(&server, &admin.access_token, "/api/admin/users", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["user"]["id"].clone()
    };
    let id = invite("guest@example.com").await;
    for nth in 0..4 {
        let path = format!("/api/admin/users/{id}/invitation");
        let answer = post_as(&server, &admin.access_token, &path, json!({})).await;
        if nth < 2 {
            assert_eq!(answer.status, 202);
        } else {
            assert_too_many(&answer);
        }
    }
    assert_eq!(server.mail().await.len(), 3);
    for _ in 0..15 {
        invite(&(unique("guest") + "@example.com")).await;
    }
    assert_eq!(server.mail().await.len(), 15);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn mails_are_limited_by_the_address_that_asks_for_them_as_registrations_are() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    for path in [FORGOT, CODE, VERIFICATION] {
        let address = unique_address() + "1";
        let (mut refused, mut sent) = (None, 0);
        // A window may end meanwhile.
        while refused.is_none() && sent < 400 {
            let asked = (0..10).map(|_| {
                let email = unique("nobody") + "@example.com";
                let request = server.request("POST", path).json(json!({ "email": email }));
                let request = request.header("Authorization", &account.bearer());
                request.header("CF-Connecting-IP", &address).send()
            });
            for answer in join_all(asked).await {
                assert!([202, 429].contains(&answer.status), "{}", answer.text());
                sent += 1;
                if answer.status == 429 {
                    refused = Some(answer);
                }
            }
        }
        let refused = refused.expect("one that is refused");
        assert_eq!(
            refused.headers.get("Retry-After").as_deref(),
            Some("60"),
            "{path}"
        );
        assert!(sent > 100, "{path} {sent}");
    }
    server.stop().await;
}

/// A right password asks for the mail there, and is refused in the same words beyond the limit.
#[wasm_bindgen_test]
async fn sign_ins_before_the_address_is_proven_ask_for_three_mails_at_most() {
    let settings = [&settings()[..], &[("EMAIL_VERIFICATION", Some("required"))]].concat();
    let server = Server::start(&settings).await;
    let email = unique("new") + "@example.com";
    let body = json!({ "email": email, "name": "Ann", "password": PASSWORD });
    let registered = post(&server, "/api/auth/register", body).await;
    assert_eq!(registered.status, 201);
    for _ in 0..6 {
        let answer = sign_in(&server, &email, PASSWORD).await;
        let seen = (answer.status, answer.text());
        assert_eq!(seen, (403, "{\"error\":\"Email not verified\"}\n"));
    }
    let mails = server.mail().await;
    assert_eq!(mails.len(), 3);
    for mail in &mails {
        let page = server.request("GET", mail.path()).send().await;
        assert_eq!(page.status, 200);
    }
    server.stop().await;
}
