//! Failures of strangers at an account, and the addresses that are familiar to it.

use futures_util::future::join_all;
use serde_json::json;
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use super::{DAY, SECOND, WRONG, fail, failures, right};
use crate::harness::{
    Account, PASSWORD, QUICK, Server, sign_in, sign_in_from, stored_password, strangers_key,
    unique_address,
};

/// Sets the account's failures from strange addresses, of which the last is one from an address of
/// its own just now.
async fn set_failures(server: &Server, account: &Account, failures: u32) {
    fail(server, &unique_address(), &account.email).await;
    let statement = "UPDATE attempts SET failures = ? WHERE key = ?";
    let values = [failures.into(), strangers_key(account.id).into()];
    server.sql(statement, &values).await;
}

#[wasm_bindgen_test]
async fn many_guesses_at_once_are_counted_one_by_one() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    // The right one is among them, and comes too late to count.
    set_failures(&server, &account, 79).await;
    let guesses = (0..12).map(|guess| {
        let password = if guess == 11 { PASSWORD } else { WRONG };
        sign_in(&server, &account.email, password)
    });
    let answers = join_all(guesses).await;
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert!(statuses[..11].iter().all(|status| *status == 401));
    let after = failures(&server, &account).await;
    // Before the others' first it counts, and takes back nothing of theirs; after it comes too late.
    assert!(matches!(statuses[11], 200 | 401), "{statuses:?}");
    assert_eq!(after, 80);

    let one_address = (0..12).map(|_| fail(&server, "192.0.2.1", "nobody@example.com"));
    let waits = join_all(one_address).await;
    assert!(waits.iter().flatten().count() >= 6, "{waits:?}");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn an_account_under_attack_is_open_to_familiar_addresses_alone() {
    let server = Server::start_with_clock(&QUICK).await;
    let (home, away) = ("192.0.2.1", "198.51.100.1");
    let account = Account::register_from(&server, home).await;
    set_failures(&server, &account, 79).await;
    assert_eq!(fail(&server, "203.0.113.1", &account.email).await, None);
    // As a wrong password, so that nobody sees that there is an account.
    assert_eq!(right(&server, &account, away).await, 401);
    assert_eq!(right(&server, &account, "203.0.113.1").await, 401);
    assert_eq!(right(&server, &account, home).await, 200);
    // Neither more tries from elsewhere nor those from home change what strangers have left.
    assert_eq!(failures(&server, &account).await, 80);
    assert_eq!(fail(&server, home, &account.email).await, None);
    assert_eq!(failures(&server, &account).await, 80);
    // A day without failures, and a right password from home, take all of them back.
    server.set_clock(DAY + SECOND);
    assert_eq!(right(&server, &account, home).await, 200);
    assert_eq!(failures(&server, &account).await, 0);
    assert_eq!(right(&server, &account, away).await, 200);
    // What was familiar is so for 30 days.
    set_failures(&server, &account, 80).await;
    server.set_clock(31.0 * DAY);
    set_failures(&server, &account, 80).await;
    assert_eq!(right(&server, &account, home).await, 200);
    server.set_clock(63.0 * DAY);
    set_failures(&server, &account, 80).await;
    assert_eq!(right(&server, &account, home).await, 401);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn strangers_get_eighty_failures_and_ten_more_a_day() {
    let server = Server::start_with_clock(&QUICK).await;
    let account = Account::register(&server).await;
    set_failures(&server, &account, 78).await;
    for (counted, address) in [(79, "a::"), (80, "b::"), (80, "c::"), (80, "d::")] {
        assert_eq!(fail(&server, address, &account.email).await, None);
        assert_eq!(failures(&server, &account).await, counted);
    }
    // What is refused beyond is not counted and extends nothing.
    for hours in [6.0, 12.0, 18.0, 23.9] {
        server.set_clock(hours * DAY / 24.0);
        assert_eq!(fail(&server, &unique_address(), &account.email).await, None);
        assert_eq!(right(&server, &account, &unique_address()).await, 401);
        assert_eq!(server.run_cron().await, "ok");
    }
    server.set_clock(DAY + SECOND);
    for counted in 71..=80 {
        assert_eq!(fail(&server, &unique_address(), &account.email).await, None);
        assert_eq!(failures(&server, &account).await, counted);
    }
    assert_eq!(right(&server, &account, &unique_address()).await, 401);
    // The day begins anew with the last that was counted.
    server.set_clock(2.0 * DAY - SECOND);
    assert_eq!(right(&server, &account, &unique_address()).await, 401);
    server.set_clock(2.0 * DAY + 2.0 * SECOND);
    assert_eq!(right(&server, &account, &unique_address()).await, 200);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_familiar_address_has_failures_of_its_own() {
    let server = Server::start_with_clock(&QUICK).await;
    let home = "192.0.2.1";
    let account = Account::register_from(&server, home).await;
    set_failures(&server, &account, 80).await;
    assert_eq!(fail(&server, home, &account.email).await, None);
    let statement = "UPDATE attempts SET failures = 99 WHERE familiar_until > 0";
    server.sql(statement, &[]).await;
    assert_eq!(right(&server, &account, home).await, 200);
    assert_eq!(fail(&server, home, &account.email).await, None);
    server.sql(statement, &[]).await;
    assert_eq!(fail(&server, home, &account.email).await, None);
    // A hundred in a row; then it is as strange as others, and counts no further where they do not.
    assert_eq!(right(&server, &account, home).await, 401);
    assert_eq!(fail(&server, home, &account.email).await, None);
    let statement = "SELECT failures FROM attempts WHERE familiar_until > 0";
    let rows = server.sql(statement, &[]).await;
    assert_eq!(rows[0]["failures"], 100);
    server.set_clock(DAY + SECOND);
    assert_eq!(right(&server, &account, home).await, 200);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn an_address_is_familiar_to_the_account_by_whichever_name() {
    let server = Server::start(&QUICK).await;
    let home = "192.0.2.1";
    let account = Account::register(&server).await;
    let auth = async |address: &str| {
        let body = json!({ "username": account.username, "password": PASSWORD });
        let request = server.request("POST", "/auth");
        let request = request.header("CF-Connecting-IP", address).json(body);
        request.send().await.status
    };
    assert_eq!(auth(home).await, 200);
    set_failures(&server, &account, 80).await;
    assert_eq!(right(&server, &account, home).await, 200);
    assert_eq!(auth(home).await, 200);
    assert_eq!(auth("192.0.2.2").await, 401);
    // The other routes that take a password look at the same thing.
    let delete = async |address: &str| {
        let request = server.request("DELETE", "/api/auth/me");
        let request = request.header("Authorization", &account.bearer());
        let request = request.header("CF-Connecting-IP", address);
        request.json(json!({ "password": PASSWORD })).send().await
    };
    let change = async |address: &str| {
        let body = json!({ "current_password": PASSWORD, "new_password": PASSWORD });
        let request = server.request("POST", "/api/auth/password");
        let request = request.header("Authorization", &account.bearer());
        let request = request.header("CF-Connecting-IP", address);
        request.json(body).send().await.status
    };
    assert_eq!(delete("192.0.2.2").await.status, 403);
    assert_eq!(change("192.0.2.2").await, 403);
    assert_eq!(change(home).await, 204);
    // With the account goes what was familiar to it.
    let answer = sign_in_from(&server, home, &account.email, PASSWORD).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let request = server.request("DELETE", "/api/auth/me");
    let request = request.header("Authorization", &format!("Bearer {token}"));
    let request = request.header("CF-Connecting-IP", home);
    let deleted = request.json(json!({ "password": PASSWORD })).send().await;
    assert_eq!(deleted.status, 204);
    let statement = "SELECT key FROM attempts WHERE key LIKE 'user %'";
    assert!(server.sql(statement, &[]).await.is_empty());
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_refresh_makes_its_address_familiar() {
    let server = Server::start_with_clock(&QUICK).await;
    let account = Account::register(&server).await;
    let body = json!({
        "email": account.email, "password": PASSWORD, "scope": "offline_access",
    });
    let answer = server.request("POST", "/api/auth/login").json(body);
    let mut session = answer.send().await.json();
    let away = "198.51.100.1";
    for days in [0.0, 5.0, 10.0, 15.0, 20.0, 25.0] {
        server.set_clock(days * DAY);
        let body = json!({ "refresh_token": session["refresh_token"] });
        let request = server.request("POST", "/api/auth/refresh").json(body);
        let request = request.header("CF-Connecting-IP", away);
        session = request.send().await.json();
        assert!(session["refresh_token"].is_string(), "{session}");
    }
    server.set_clock(54.0 * DAY);
    set_failures(&server, &account, 80).await;
    assert_eq!(right(&server, &account, away).await, 200);
    assert_eq!(right(&server, &account, "198.51.100.2").await, 401);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn an_administrator_opens_an_account_at_once() {
    let server = Server::start(&QUICK).await;
    let (account, admin) = (
        Account::register(&server).await,
        Account::register(&server).await,
    );
    let unlock = async |id: &str, caller: &Account| {
        let path = format!("/api/admin/users/{id}/unlock");
        let request = server.request("POST", &path);
        let request = request.header("Authorization", &caller.bearer());
        let answer = request.send().await;
        (answer.status, answer.text().to_owned())
    };
    let id = account.id.to_string();
    assert_eq!(unlock(&id, &admin).await.0, 403);
    let statement = "UPDATE users SET role = 'admin' WHERE id = ?";
    server.sql(statement, &[admin.id.into()]).await;
    let away = "198.51.100.1";
    for _ in 0..5 {
        assert_eq!(fail(&server, away, &account.email).await, None);
    }
    set_failures(&server, &account, 80).await;
    assert_eq!(right(&server, &account, "198.51.100.2").await, 401);
    assert_eq!(right(&server, &account, away).await, 429);
    assert_eq!(unlock(&id, &admin).await, (204, String::new()));
    assert_eq!(right(&server, &account, "198.51.100.2").await, 200);
    assert_eq!(right(&server, &account, away).await, 200);
    let not_found = (404, "{\"error\":\"User not found\"}\n".to_owned());
    for nobody in ["999", "x", "0"] {
        assert_eq!(unlock(nobody, &admin).await, not_found);
    }
    let statement = "SELECT user_id, actor_id FROM audit WHERE action = 'unlock'";
    let rows = server.sql(statement, &[]).await;
    assert_eq!(
        rows,
        [json!({ "user_id": account.id, "actor_id": admin.id })]
    );
    server.stop().await;
}

#[wasm_bindgen_test]
async fn another_secret_forgets_what_closes_an_account_with_what_opens_it() {
    let mut other = QUICK.to_vec();
    let secret = "1".repeat(32);
    other.push(("JWT_SECRET", Some(&secret)));
    let servers = Server::start_sharing_database(&[QUICK.to_vec(), other]).await;
    let [before, after] = servers.as_slice() else {
        panic!("two Workers");
    };
    let home = "192.0.2.1";
    let account = Account::register_from(before, home).await;
    set_failures(before, &account, 80).await;
    assert_eq!(right(before, &account, "192.0.2.2").await, 401);
    for address in [home, "192.0.2.2"] {
        assert_eq!(right(after, &account, address).await, 200, "{address}");
    }
    before.clone().stop().await;
}

/// A thousand guesses at one account from a hundred addresses, while its owner signs in ten times.
#[wasm_bindgen_test]
async fn a_simulated_attack() {
    let server = Server::start(&QUICK).await;
    let home = "192.0.2.1";
    let account = Account::register_from(&server, home).await;
    let (mut looked_at, mut refused, mut owner) = (0, 0, 0);
    // A hash that costs little: what is counted does not depend on it. The owner's sign-in replaces it.
    let cheap = stored_password("sha256", PASSWORD, 1000);
    let statement = "UPDATE users SET password_hash = ? WHERE id = ?";
    let values = [cheap.into(), account.id.into()];
    for _ in 0..10 {
        server.sql(statement, &values).await;
        let guesses = (0..100).map(|host| {
            let (server, email) = (&server, &account.email);
            async move { fail(server, &format!("198.51.100.{host}"), email).await }
        });
        for wait in join_all(guesses).await {
            match wait {
                None => looked_at += 1,
                Some(_) => refused += 1,
            }
        }
        let answer = sign_in_from(&server, home, &account.email, PASSWORD).await;
        owner += u32::from(answer.status == 200);
    }
    let counted = failures(&server, &account).await;
    console_log!(
        "attack: 1000 guesses, {refused} answered 429, {looked_at} answered 401, of which \
         {counted} could have been right; the owner signed in {owner} times of 10"
    );
    assert_eq!((owner, counted), (10, json!(80)));
    assert!(looked_at <= 100 * 9 && refused >= 100, "{looked_at}");
    server.stop().await;
}
