//! How long refused sign-ins take tells nothing of the account.

use futures_util::future::join_all;
use serde_json::{Value, json};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use crate::harness::{
    Account, Answer, PASSWORD, Server, stored_password, strangers_key, unique, unique_address,
};

/// As many are measured of each class, five at once.
const SAMPLES: usize = 50;
const AT_ONCE: usize = 5;

/// As many servers measure at once, each some classes and one after another: no class waits for the derivation of
/// another.
const SERVERS: usize = 3;

/// Short, so that hundreds of samples take less than a minute, and three times the dearest derivation, so that a busy
/// machine gets it done in that time.
const FLOOR_MS: f64 = 300.0;
const SETTINGS: [(&str, Option<&str>); 2] = [
    ("PASSWORD_HASH", Some("argon2id")),
    ("SIGN_IN_FLOOR_MS", Some("300")),
];

async fn timed(server: &Server, address: &str, email: &str, password: &str) -> (Answer, f64) {
    let body = json!({ "email": email, "password": password });
    let request = server.request("POST", "/api/auth/login").json(body);
    let request = request.header("CF-Connecting-IP", address);
    request.send_held_back(1).await
}

/// The stored hash of this beginning among those that the old libraries made.
fn old_hash(form: &str) -> String {
    let lines = include_str!("../../fixtures/old_hashes.jsonl").lines();
    let mut hashes = lines.map(|line| {
        let case: Value = serde_json::from_str(line).unwrap();
        case["hash"].as_str().unwrap().to_owned()
    });
    hashes.find(|hash| hash.starts_with(form)).expect(form)
}

/// What is refused, by which name and password.
async fn classes(server: &Server) -> Vec<(&'static str, String, String)> {
    let nul = format!("{PASSWORD}\0");
    let over_long = "x".repeat(1025);
    // Two derivations, as sent and normalized, where a password is of our own form.
    let wide = "ｗrong horse battery";
    let mut classes = vec![
        (
            "unknown",
            "nobody@example.com".to_owned(),
            PASSWORD.to_owned(),
        ),
        (
            "unknown, not in NFKC",
            "nobody@example.com".to_owned(),
            wide.to_owned(),
        ),
    ];
    for (class, password) in [
        ("wrong", "wrong horse battery"),
        ("wrong, not in NFKC", wide),
        ("disabled", PASSWORD),
        ("over-long", &over_long),
        ("with a NUL", &nul),
        ("right, closed to strangers", PASSWORD),
        ("without a password", PASSWORD),
    ] {
        let account = Account::register(server).await;
        match class {
            "disabled" => {
                let statement = "UPDATE users SET disabled = 1 WHERE id = ?";
                server.sql(statement, &[account.id.into()]).await;
            }
            "without a password" => {
                let statement = "UPDATE users SET password_hash = NULL WHERE id = ?";
                server.sql(statement, &[account.id.into()]).await;
            }
            "right, closed to strangers" => {
                let statement = "INSERT INTO attempts VALUES (?, 80, unixepoch() * 1000, 0, 0, 0)";
                server
                    .sql(statement, &[strangers_key(account.id).into()])
                    .await;
            }
            _ => {}
        }
        classes.push((class, account.email, password.to_owned()));
    }
    for (class, hash, password) in [
        (
            "damaged",
            "a hash that cannot be verified$".to_owned(),
            PASSWORD,
        ),
        (
            "WebCrypto",
            stored_password("sha256", "another", 1000),
            PASSWORD,
        ),
        ("bcrypt", old_hash("$2b$10"), PASSWORD),
        (
            "WebCrypto, not in NFKC",
            stored_password("sha256", "another", 1000),
            wide,
        ),
        (
            "werkzeug pbkdf2",
            old_hash("pbkdf2:sha256:260000"),
            PASSWORD,
        ),
        ("bcrypt, not in NFKC", old_hash("$2b$10"), wide),
        ("werkzeug scrypt", old_hash("scrypt:32768:8:1"), PASSWORD),
    ] {
        let email = format!("{}@example.com", unique("class"));
        let statement = "INSERT INTO users (email, name, password_hash) VALUES (?, 'Ann', ?)";
        let values = [email.as_str().into(), hash.into()];
        server.sql(statement, &values).await;
        classes.push((class, email, password.to_owned()));
    }
    classes
}

/// Five sign-ins of a class at once, from five addresses: they go one after another, each with its own floor. So what is
/// measured is the time from one answer to the next.
async fn burst(server: &Server, (class, email, password): &(&str, String, String)) -> Vec<f64> {
    let attempts = (0..AT_ONCE).map(|_| async {
        let address = format!("{}1", unique_address());
        let (answer, ms) = timed(server, &address, email, password).await;
        let expected = "{\"error\":\"Invalid email or password\"}\n";
        assert_eq!((answer.status, answer.text()), (401, expected), "{class}");
        ms
    });
    let mut answered = join_all(attempts).await;
    answered.sort_by(f64::total_cmp);
    let mut last = 0.0;
    let since = |ms| ms - std::mem::replace(&mut last, ms);
    answered.into_iter().map(since).collect()
}

/// The names of some classes, and how long each sample of them took.
async fn measure(remainder: usize) -> Vec<(&'static str, Vec<f64>)> {
    let server = Server::start(&SETTINGS).await;
    let classes = classes(&server).await;
    let classes: Vec<_> = classes
        .into_iter()
        .skip(remainder)
        .step_by(SERVERS)
        .collect();
    let mut times = vec![Vec::new(); classes.len()];
    for _ in 0..SAMPLES / AT_ONCE {
        for (class, times) in classes.iter().zip(&mut times) {
            times.extend(burst(&server, class).await);
        }
    }
    server.stop().await;
    classes
        .into_iter()
        .map(|class| class.0)
        .zip(times)
        .collect()
}

/// What tells classes apart does so each time it is measured; what else a busy machine does, does not.
#[wasm_bindgen_test]
async fn medians_do_not_tell_one_refusal_from_another() {
    for tries_left in (0..3).rev() {
        let spread = spread_of_medians().await;
        // The cheapest and the dearest derivation are 90 ms apart; a busy machine has its share of the rest.
        if spread < 25.0 {
            return;
        }
        assert!(tries_left > 0, "{spread} ms between the medians");
    }
}

/// The time between the least and the greatest median of the classes.
async fn spread_of_medians() -> f64 {
    let mut times = join_all((0..SERVERS).map(measure)).await.concat();
    assert_eq!(times.len(), 16);
    let mut medians = Vec::new();
    for (class, times) in &mut times {
        assert_eq!(times.len(), SAMPLES, "{class}");
        times.sort_by(f64::total_cmp);
        let at = |percent: usize| times[times.len() * percent / 100];
        console_log!(
            "{class}: median {:.1} ms, from {:.1} (5 %) to {:.1} (95 %)",
            at(50),
            at(5),
            at(95)
        );
        medians.push(at(50));
    }
    medians.sort_by(f64::total_cmp);
    assert!(medians[0] >= FLOOR_MS - 10.0, "{medians:?}");
    medians[medians.len() - 1] - medians[0]
}

/// The same from one address over several names, and of one name: none is answered sooner than those
/// before it and its own floor allow.
#[wasm_bindgen_test]
async fn sign_ins_of_one_name_or_one_address_go_one_after_another() {
    let server = Server::start(&SETTINGS).await;
    let account = Account::register(&server).await;
    let from_one_address = unique_address();
    for (addresses, emails) in [(1, 5), (5, 1)] {
        let attempts = (0..5).map(|n| {
            let (server, account, shared) = (&server, &account, &from_one_address);
            async move {
                let address = match addresses {
                    1 => format!("{shared}1"),
                    _ => format!("{}1", unique_address()),
                };
                let email = match (emails, n) {
                    (1, _) | (_, 0) => account.email.clone(),
                    _ => format!("{}@example.com", unique("nobody")),
                };
                timed(server, &address, &email, "wrong horse battery")
                    .await
                    .1
            }
        });
        let mut answered = join_all(attempts).await;
        answered.sort_by(f64::total_cmp);
        for (turn, ms) in (1..).zip(&answered) {
            let floor = f64::from(turn) * FLOOR_MS;
            assert!(*ms >= floor - 10.0, "{answered:?}");
        }
    }
    // Others do not wait for them.
    let strangers = (0..5).map(|_| async {
        let address = format!("{}1", unique_address());
        let email = format!("{}@example.com", unique("nobody"));
        timed(&server, &address, &email, PASSWORD).await.1
    });
    let answered = join_all(strangers).await;
    assert!(
        answered.iter().all(|ms| *ms < 4.0 * FLOOR_MS),
        "{answered:?}"
    );
    server.stop().await;
}

/// When a line is full nobody waits in it: a flood must not keep an owner out. Those that are refused
/// then are answered no sooner than the whole line would be.
#[wasm_bindgen_test]
async fn tries_beyond_a_full_line_tell_nothing_and_keep_nobody_out() {
    const AHEAD: usize = 16;
    let settings = [SETTINGS[0], ("SIGN_IN_FLOOR_MS", Some("100"))];
    let server = Server::start(&settings).await;
    let account = Account::register(&server).await;
    let hash = stored_password("sha256", "another", 1000);
    let cheap = format!("{}@example.com", unique("cheap"));
    let statement = "INSERT INTO users (email, name, password_hash) VALUES (?, 'Ann', ?)";
    server
        .sql(statement, &[cheap.as_str().into(), hash.into()])
        .await;
    for email in ["nobody@example.com", cheap.as_str(), account.email.as_str()] {
        let began = js_sys::Date::now();
        let tries = (0..AHEAD + 4).map(|n| {
            let (server, account) = (&server, &account);
            async move {
                let address = format!("{}1", unique_address());
                let is_owner = n == AHEAD + 3 && email == account.email;
                let password = if is_owner {
                    PASSWORD
                } else {
                    "wrong horse battery"
                };
                let (answer, ms) = timed(server, &address, email, password).await;
                assert_eq!(answer.status, if is_owner { 200 } else { 401 });
                // Not even behind a line that is full does the owner wait longer than that line.
                assert!(!is_owner || ms < 3000.0, "{ms}");
                js_sys::Date::now() - began
            }
        });
        let mut ended = join_all(tries).await;
        ended.sort_by(f64::total_cmp);
        // In whichever order they came: those in line end one after another, and those who found it
        // full no sooner than its last.
        let late = ended.iter().filter(|ms| **ms >= 1590.0).count();
        assert!(late >= 4, "{email}: {ended:?}");
    }
    server.stop().await;
}
