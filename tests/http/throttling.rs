//! Too many attempts: what waits, what does not, and that neither accounts nor passwords show.

use futures_util::future::join_all;
use serde_json::{Value, json};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use crate::given::{
    Account, PASSWORD, sign_in, sign_in_from, strangers_key, unique, unique_address,
};
use crate::support::{Answer, Server, measures_cpu};

const WRONG: &str = "wrong horse battery";
const TOO_MANY: &str = "{\"error\":\"Too many requests\"}\n";
const SECOND: f64 = 1000.0;
/// A sign-in in a fifth of the default's time, where that is not what is tested.
const QUICK: [(&str, Option<&str>); 2] = [
    ("PASSWORD_HASH", Some("argon2id")),
    ("SIGN_IN_FLOOR_MS", Some("100")),
];
const DAY: f64 = 24.0 * 60.0 * 60.0 * SECOND;

/// The seconds of `Retry-After` where the answer is a 429, and nothing where it is a 401.
fn wait(answer: &Answer) -> Option<u64> {
    let retry_after = answer.headers.get("Retry-After");
    match answer.status {
        401 => assert_eq!(retry_after, None),
        429 => assert_eq!(answer.text(), TOO_MANY),
        _ => panic!("{} {}", answer.status, answer.text()),
    }
    retry_after.map(|seconds| seconds.parse().expect("whole seconds"))
}

async fn fail(server: &Server, address: &str, email: &str) -> Option<u64> {
    wait(&sign_in_from(server, address, email, WRONG).await)
}

/// Sets the account's failures from strange addresses, of which the last is one from an address of
/// its own just now.
async fn set_failures(server: &Server, account: &Account, failures: u32) {
    fail(server, &unique_address(), &account.email).await;
    let statement = "UPDATE attempts SET failures = ? WHERE key = ?";
    let values = [failures.into(), strangers_key(account.id).into()];
    server.sql(statement, &values).await;
}

async fn failures(server: &Server, account: &Account) -> Value {
    let statement = "SELECT failures FROM attempts WHERE key = ?";
    let rows = server
        .sql(statement, &[strangers_key(account.id).into()])
        .await;
    rows.first()
        .map_or(Value::Null, |row| row["failures"].clone())
}

#[wasm_bindgen_test]
async fn a_pair_waits_longer_after_each_failure() {
    let server = Server::start_with_clock(&QUICK).await;
    let account = Account::register(&server).await;
    for email in [account.email.as_str(), "nobody@example.com"] {
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
    }
    server.stop().await;
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
    let server = Server::shared().await;
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
    let server = Server::shared().await;
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
    let server = Server::start(&[]).await;
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

/// What a right password is answered with from there.
async fn right(server: &Server, account: &Account, address: &str) -> u16 {
    let answer = sign_in_from(server, address, &account.email, PASSWORD).await;
    answer.status
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

/// The head of a request whose body never comes, and what is answered.
async fn head_alone(server: &Server, method: &str, path: &str, headers: &str) -> String {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: 100\r\nCF-Connecting-IP: 192.0.2.1\r\n{headers}\r\n"
    );
    String::from_utf8(server.raw(request.as_bytes()).await).unwrap()
}

#[wasm_bindgen_test]
async fn a_closed_address_is_refused_before_its_body_is_read() {
    let server = Server::start(&QUICK).await;
    let failed = join_all((0..30).map(|_| {
        let server = &server;
        async move { fail(server, "192.0.2.1", &unique("nobody@example.com")).await }
    }));
    assert_eq!(failed.await, [None; 30]);
    let routes = [
        ("/auth", "message"),
        ("/api/auth/login", "error"),
        ("/api/auth/register", "error"),
    ];
    for (path, member) in routes {
        let answer = head_alone(&server, "POST", path, "").await;
        assert!(answer.starts_with("HTTP/1.1 429 "), "{path} {answer}");
        let body = format!("{{\"{member}\":\"Too many requests\"}}\n");
        assert!(answer.contains(&body), "{path} {answer}");
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn no_password_is_hashed_for_a_closed_address_or_a_taken_name() {
    if !measures_cpu() {
        console_log!("skipped: CPU time is measured on Linux alone");
        return;
    }
    let server = Server::start(&[]).await;
    let account = Account::register(&server).await;
    let address = "192.0.2.1";
    let before = server.cpu_ms();
    let mut statuses = Vec::new();
    for _ in 0..40 {
        let body = json!({ "email": account.email, "password": PASSWORD, "name": "Ann" });
        let request = server.request("POST", "/api/auth/register");
        let request = request.header("CF-Connecting-IP", address).json(body);
        statuses.push(request.send().await.status);
    }
    assert_eq!(statuses, [[409; 30].as_slice(), &[429; 10]].concat());
    // A hash is some 90 ms, at the least 50 on a faster machine.
    let each = (server.cpu_ms() - before) / 40.0;
    assert!(each < 25.0, "{each} ms");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn asking_for_a_taken_username_is_a_failure() {
    let server = Server::start(&[]).await;
    let (account, other) = (
        Account::register(&server).await,
        Account::register(&server).await,
    );
    let address = "192.0.2.1";
    let patch = async |body: Value| {
        let request = server.request("PATCH", "/api/auth/me");
        let request = request.header("Authorization", &account.bearer());
        let request = request.header("CF-Connecting-IP", address).json(body);
        request.send().await
    };
    let asked = join_all((0..40).map(|_| patch(json!({ "username": other.username })))).await;
    let mut statuses: Vec<_> = asked.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [[409; 30].as_slice(), &[429; 10]].concat());
    let refused = patch(json!({ "username": unique("free") })).await;
    assert_eq!((refused.status, refused.text()), (429, TOO_MANY));
    // A name that everybody may have is no question.
    for body in [
        json!({ "name": "Ann" }),
        json!({ "username": account.username }),
    ] {
        assert_eq!(patch(body).await.status, 200);
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn names_and_addresses_are_not_stored_and_all_accounts_cost_the_same() {
    let server = Server::start(&[]).await;
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

#[wasm_bindgen_test]
async fn the_rate_limit_counts_requests_of_an_address() {
    let server = Server::start(&[]).await;
    for (path, limit, refused) in [
        ("/api/auth/login", 300, TOO_MANY),
        ("/auth", 300, "{\"message\":\"Too many requests\"}\n"),
        ("/api/auth/register", 100, TOO_MANY),
    ] {
        let address = unique_address();
        let send = async |host: u32| {
            let address = format!("{address}{host:x}");
            let request = server.request("POST", path);
            request.header("CF-Connecting-IP", &address).send().await
        };
        // A window may end meanwhile.
        let mut sent = 0;
        let answer = loop {
            let answer = send(sent).await;
            sent += 1;
            if answer.status == 429 || sent > 2 * limit {
                break answer;
            }
        };
        assert_eq!((answer.status, answer.text()), (429, refused), "{path}");
        assert_eq!(answer.headers.get("Retry-After").as_deref(), Some("60"));
        assert!(sent > limit, "{path} {sent}");
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn without_its_rate_limit_the_database_still_counts() {
    let gone = [("SIGN_INS", None), ("REGISTRATIONS", None)];
    for (server, problem) in [
        (Server::start(&gone).await, "no such binding"),
        (
            Server::start_with_failing_rate_limits().await,
            "no rate limit today",
        ),
    ] {
        let account = Account::register(&server).await;
        for _ in 0..5 {
            assert_eq!(fail(&server, "192.0.2.1", &account.email).await, None);
        }
        assert_eq!(fail(&server, "192.0.2.1", &account.email).await, Some(1));
        let logs = server.logs().await;
        let lines = logs.iter().filter(|line| line.contains(problem));
        assert_eq!(lines.count(), 7, "{logs:?}");
        server.stop().await;
    }
}

#[wasm_bindgen_test]
async fn asking_who_has_an_account_is_a_failure() {
    let server = Server::start(&[]).await;
    let account = Account::register(&server).await;
    let address = "192.0.2.1";
    let register = async |email: &str, username: &str| {
        let body = json!({
            "email": email, "username": username, "password": PASSWORD, "name": "Ann",
        });
        let request = server.request("POST", "/api/auth/register");
        let request = request.header("CF-Connecting-IP", address).json(body);
        request.send().await
    };
    for asked in 0..30 {
        let answer = match asked % 2 {
            0 => register(&account.email, &unique("other")).await,
            _ => register(&format!("{}@example.com", unique("x")), &account.username).await,
        };
        assert_eq!(answer.status, 409, "{}", answer.text());
    }
    for email in [account.email.as_str(), "free@example.com"] {
        let answer = register(email, &unique("other")).await;
        assert_eq!((answer.status, answer.text()), (429, TOO_MANY), "{email}");
    }
    let free = "SELECT 1 FROM users WHERE email = 'free@example.com'";
    assert_eq!(server.sql(free, &[]).await.len(), 0);
    server.stop().await;
}

/// A thousand guesses at one account from a hundred addresses, while its owner signs in ten times.
#[wasm_bindgen_test]
async fn a_simulated_attack() {
    let server = Server::start(&QUICK).await;
    let home = "192.0.2.1";
    let account = Account::register_from(&server, home).await;
    let (mut looked_at, mut refused, mut owner) = (0, 0, 0);
    for _ in 0..10 {
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
