//! Failures of a name from an address, and of an address: how they are counted, and for how long.

use futures_util::future::join_all;
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{DAY, SECOND, WRONG, fail, failures};
use crate::harness::{
    Account, PASSWORD, QUICK, Server, sign_in, sign_in_from, unique, unique_address,
};

#[wasm_bindgen_test]
async fn a_pair_waits_longer_after_each_failure() {
    // With an account and without one, each with a clock of its own.
    let checks = [true, false].map(async |is_known| {
        let server = Server::start_with_clock(&QUICK).await;
        let account = Account::register(&server).await;
        let email = if is_known {
            &account.email
        } else {
            "nobody@example.com"
        };
        let address = unique_address();
        let mut ahead = 0.0;
        server.set_clock(ahead);
        for _ in 0..4 {
            assert_eq!(fail(&server, &address, email).await, None);
        }
        for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
            assert_eq!(fail(&server, &address, email).await, None, "{seconds}");
            let waits = fail(&server, &address, email).await.expect("a wait");
            assert!(waits.abs_diff(seconds) <= 1, "{waits} for {seconds}");
            // Where there is an account, its password is not looked at either.
            let right = sign_in_from(&server, &address, email, PASSWORD).await;
            assert_eq!(right.status, 429);
            let elsewhere = sign_in(&server, email, WRONG).await;
            assert_eq!(elsewhere.status, 401);
            ahead += seconds as f64 * SECOND;
            server.set_clock(ahead);
        }
        assert_eq!(fail(&server, &address, email).await, None);
        // A quarter of an hour after the wait nothing is left of it.
        server.set_clock(ahead + 2.0 * 900.0 * SECOND);
        for _ in 0..5 {
            assert_eq!(fail(&server, &address, email).await, None);
        }
        assert_eq!(fail(&server, &address, email).await, Some(1));
        server.stop().await;
    });
    join_all(checks).await;
}

#[wasm_bindgen_test]
async fn four_failures_a_minute_never_wait() {
    let server = Server::start_with_clock(&QUICK).await;
    let account = Account::register(&server).await;
    for minute in 0..3 {
        server.set_clock(f64::from(minute) * 61.0 * SECOND);
        for _ in 0..4 {
            assert_eq!(fail(&server, "192.0.2.1", &account.email).await, None);
        }
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn the_right_password_resets_its_pair() {
    let server = Server::shared_quick().await;
    let account = Account::register(&server).await;
    let (address, other) = (unique_address(), unique_address());
    for from in [&address, &other] {
        for _ in 0..4 {
            assert_eq!(fail(&server, from, &account.email).await, None);
        }
    }
    assert_eq!(failures(&server, &account).await, 8);
    let right = sign_in_from(&server, &address, &account.email, PASSWORD).await;
    assert_eq!(right.status, 200);
    assert_eq!(failures(&server, &account).await, 4);
    for _ in 0..5 {
        assert_eq!(fail(&server, &address, &account.email).await, None);
    }
    assert_eq!(fail(&server, &address, &account.email).await, Some(1));
    assert_eq!(fail(&server, &other, &account.email).await, None);
    assert_eq!(fail(&server, &other, &account.email).await, Some(1));
}

#[wasm_bindgen_test]
async fn both_dialects_count_for_one_name_and_word_it_their_way() {
    let server = Server::shared_quick().await;
    let account = Account::register(&server).await;
    let address = unique_address();
    let auth = async |username: &str| {
        let body = json!({ "username": username, "password": WRONG });
        let request = server.request("POST", "/auth");
        let request = request.header("CF-Connecting-IP", &address).json(body);
        request.send().await
    };
    for _ in 0..2 {
        assert_eq!(fail(&server, &address, &account.email).await, None);
        assert_eq!(auth(&account.email.to_uppercase()).await.status, 401);
    }
    assert_eq!(fail(&server, &address, &account.email).await, None);
    let answer = auth(&account.email).await;
    assert_eq!(
        (answer.status, answer.text()),
        (429, "{\"message\":\"Too many requests\"}\n")
    );
    assert_eq!(answer.headers.get("Retry-After").as_deref(), Some("1"));
    assert_eq!(auth(&account.username).await.status, 401);
}

#[wasm_bindgen_test]
async fn an_address_waits_for_the_minute_to_end() {
    let server = Server::start_with_clock(&QUICK).await;
    let account = Account::register(&server).await;
    let address = "192.0.2.1";
    let failed = join_all((0..30).map(|_| {
        let server = &server;
        async move { fail(server, address, &unique("nobody@example.com")).await }
    }));
    assert_eq!(failed.await, [None; 30]);
    let waits = fail(&server, address, "nobody@example.com").await;
    assert!((40..=60).contains(&waits.unwrap()), "{waits:?}");
    // Whatever the name, the right password and a registration too.
    let right = sign_in_from(&server, address, &account.email, PASSWORD).await;
    assert_eq!(right.status, 429);
    let body = json!({ "email": "new@example.com", "password": PASSWORD, "name": "New" });
    let request = server.request("POST", "/api/auth/register");
    let request = request.header("CF-Connecting-IP", address).json(body);
    assert_eq!(request.send().await.status, 429);
    // From elsewhere nothing waits.
    assert_eq!(sign_in(&server, &account.email, PASSWORD).await.status, 200);
    server.set_clock(61.0 * SECOND);
    let right = sign_in_from(&server, address, &account.email, PASSWORD).await;
    assert_eq!(right.status, 200);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn successes_are_not_counted() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    for _ in 0..40 {
        let answer = sign_in_from(&server, "192.0.2.1", &account.email, PASSWORD).await;
        assert_eq!(answer.status, 200);
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn ipv6_is_counted_by_64_bits_and_a_missing_address_with_all_others() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    for host in 1..=5 {
        let address = format!("2001:db8:0:1::{host}");
        assert_eq!(fail(&server, &address, &account.email).await, None);
    }
    let neighbour = "2001:db8:0:1:ffff::1";
    assert_eq!(fail(&server, neighbour, &account.email).await, Some(1));
    let stranger = "2001:db8:0:2::1";
    assert_eq!(fail(&server, stranger, &account.email).await, None);

    let body = json!({ "email": account.email, "password": WRONG }).to_string();
    let request = format!(
        "POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    for _ in 0..5 {
        let answer = server.raw(request.as_bytes()).await;
        assert!(answer.starts_with(b"HTTP/1.1 401 "), "{answer:?}");
    }
    let answer = server.raw(request.as_bytes()).await;
    assert!(answer.starts_with(b"HTTP/1.1 429 "), "{answer:?}");
    assert_eq!(fail(&server, "no address", &account.email).await, Some(1));
    server.stop().await;
}

#[wasm_bindgen_test]
async fn names_and_addresses_are_not_stored_and_all_accounts_cost_the_same() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let rows = async || {
        let rows = server.sql("SELECT * FROM attempts", &[]).await;
        assert!(
            rows.iter().all(|row| {
                let text = row.to_string();
                !text.contains("example") && !text.contains("192.0.2")
            }),
            "{rows:?}"
        );
        rows.len()
    };
    let before = rows().await;
    fail(&server, "192.0.2.1", &account.email).await;
    let known = rows().await - before;
    fail(&server, "192.0.2.2", "nobody@example.com").await;
    let unknown = rows().await - before - known;
    assert_eq!((known, unknown), (4, 4));
    server.stop().await;
}

#[wasm_bindgen_test]
async fn the_cron_trigger_deletes_what_has_expired() {
    let server = Server::start_with_clock(&QUICK).await;
    let account = Account::register(&server).await;
    for email in [account.email.as_str(), "nobody@example.com"] {
        fail(&server, "192.0.2.1", email).await;
    }
    let kinds = async || -> Vec<String> {
        let kind = "SELECT substr(key, 1, instr(key, ' ') - 1) AS kind FROM attempts ORDER BY key";
        let rows = server.sql(kind, &[]).await;
        rows.iter()
            .map(|row| row["kind"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = [
        "address", "name", "name", "pair", "pair", "user", "user", "user",
    ];
    assert_eq!(server.run_cron().await, "ok");
    assert_eq!(kinds().await, all);
    // The scheduled handler takes the clock of the last request.
    server.set_clock(3.0 * DAY);
    server.request("GET", "/healthz").send().await;
    assert_eq!(server.run_cron().await, "ok");
    // What is left is where the account was registered.
    assert_eq!(kinds().await, ["user"]);
    server.set_clock(32.0 * DAY);
    server.request("GET", "/healthz").send().await;
    assert_eq!(server.run_cron().await, "ok");
    assert!(kinds().await.is_empty());
    server.stop().await;
}
