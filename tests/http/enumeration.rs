//! How long refused sign-ins take tells nothing of the account.

use futures_util::future::join_all;
use serde_json::{Value, json};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use crate::given::{Account, PASSWORD, stored_password, unique};
use crate::support::{Answer, Server};

const SAMPLES: usize = 50;

/// Short, so that hundreds of samples take a minute, and eight times the derivation of a new
/// password.
const SETTINGS: [(&str, Option<&str>); 2] = [
    ("PASSWORD_HASH", Some("argon2id")),
    ("SIGN_IN_FLOOR_MS", Some("300")),
];

/// Attempts that run at once: their derivations together stay well within the floor.
const AT_ONCE: usize = 2;

async fn timed(server: &Server, email: &str, password: &str) -> (Answer, f64) {
    let body = json!({ "email": email, "password": password });
    let request = server.request("POST", "/api/auth/login").json(body);
    request.send_held_back(1).await
}

/// The stored hash of this beginning among those that the old libraries made.
fn old_hash(form: &str) -> String {
    let lines = include_str!("../fixtures/old_hashes.jsonl").lines();
    let mut hashes = lines.map(|line| {
        let case: Value = serde_json::from_str(line).unwrap();
        case["hash"].as_str().unwrap().to_owned()
    });
    hashes.find(|hash| hash.starts_with(form)).expect(form)
}

#[wasm_bindgen_test]
async fn medians_do_not_tell_one_refusal_from_another() {
    let server = Server::start(&SETTINGS).await;
    let nul = format!("{PASSWORD}\0");
    let over_long = "x".repeat(1025);
    let mut classes = vec![("unknown", "nobody@example.com".to_owned(), PASSWORD)];
    for (class, password) in [
        ("wrong", "wrong horse battery"),
        ("disabled", PASSWORD),
        ("over-long", &over_long),
        ("with a NUL", &nul),
        ("right, closed to strangers", PASSWORD),
    ] {
        let account = Account::register(&server).await;
        match class {
            "disabled" => {
                let statement = "UPDATE users SET disabled = 1 WHERE id = ?";
                server.sql(statement, &[account.id.into()]).await;
            }
            "right, closed to strangers" => {
                let statement = "INSERT INTO attempts VALUES (?, 80, 0, 0, 0)";
                let key = format!("user {}", account.id);
                server.sql(statement, &[key.into()]).await;
            }
            _ => {}
        }
        classes.push((class, account.email, password));
    }
    for (class, hash) in [
        ("bcrypt", old_hash("$2b$10")),
        ("werkzeug scrypt", old_hash("scrypt:32768:8:1")),
        ("werkzeug pbkdf2", old_hash("pbkdf2:sha256:260000")),
        ("WebCrypto", stored_password("sha256", PASSWORD, 1000)),
        ("damaged", "a hash that cannot be verified$".to_owned()),
    ] {
        let email = format!("{}@example.com", unique("class"));
        let statement = "INSERT INTO users (email, name, password_hash) VALUES (?, 'Ann', ?)";
        let values = [email.as_str().into(), hash.into()];
        server.sql(statement, &values).await;
        classes.push((class, email, "wrong horse battery"));
    }

    let mut times = vec![Vec::new(); classes.len()];
    let turns: Vec<_> = (0..SAMPLES * classes.len()).collect();
    for turn in turns.chunks(AT_ONCE) {
        let attempts = turn.iter().map(|turn| {
            let (server, index) = (&server, turn % classes.len());
            let (class, email, password) = &classes[index];
            async move {
                let (answer, ms) = timed(server, email, password).await;
                let expected = "{\"error\":\"Invalid email or password\"}\n";
                assert_eq!((answer.status, answer.text()), (401, expected), "{class}");
                (index, ms)
            }
        });
        for (class, ms) in join_all(attempts).await {
            times[class].push(ms);
        }
    }
    let mut medians = Vec::new();
    for ((class, ..), times) in classes.iter().zip(&mut times) {
        times.sort_by(f64::total_cmp);
        let at = |percent: usize| times[times.len() * percent / 100];
        console_log!(
            "{class}: median {:.1} ms, from {:.1} (5 %) to {:.1} (95 %)",
            at(50),
            at(5),
            at(95)
        );
        assert!(at(0) >= 290.0, "{class}: {} ms", at(0));
        medians.push(at(50));
    }
    medians.sort_by(f64::total_cmp);
    // The cheapest and the dearest derivation are 90 ms apart; a busy machine has its share of the rest.
    let spread = medians[medians.len() - 1] - medians[0];
    assert!(spread < 25.0, "{medians:?}");
    server.stop().await;
}
