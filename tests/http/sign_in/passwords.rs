//! How passwords are stored and by which engine they are checked.

use base64ct::{Base64Unpadded, Encoding};
use futures_util::future::join_all;
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::harness::{self, Account, PASSWORD, Server, sign_in, unique};

async fn stored(server: &Server, account: &Account) -> String {
    let statement = "SELECT password_hash FROM users WHERE id = ?";
    let rows = server.sql(statement, &[account.id.into()]).await;
    rows[0]["password_hash"].as_str().unwrap().to_owned()
}

/// Checks a PHC string against other hands' PBKDF2.
fn check(phc: &str, hash: &str, iterations: u32, length: u32) {
    let parts: Vec<_> = phc.split('$').collect();
    assert_eq!(
        parts[..3],
        ["", &format!("pbkdf2-{hash}"), &format!("i={iterations}")]
    );
    let salt = Base64Unpadded::decode_vec(parts[3]).unwrap();
    assert_eq!(salt.len(), 16);
    let key = harness::pbkdf2(hash, PASSWORD.as_bytes(), &salt, iterations, length);
    assert_eq!(parts[4], Base64Unpadded::encode_string(&key));
    assert_eq!(parts.len(), 5);
}

#[wasm_bindgen_test]
async fn the_default_is_owasps_cost_for_sha_512() {
    let server = Server::shared().await;
    let one = stored(&server, &Account::register(&server).await).await;
    let other = stored(&server, &Account::register(&server).await).await;
    check(&one, "sha512", 210_000, 64);
    check(&other, "sha512", 210_000, 64);
    assert_ne!(one, other);
}

#[wasm_bindgen_test]
async fn settings_choose_hash_and_iterations() {
    let cases = [
        (
            vec![("PASSWORD_HASH", Some("pbkdf2-sha256"))],
            "sha256",
            600_000,
            32,
        ),
        (
            vec![("PASSWORD_ITERATIONS", Some("100000"))],
            "sha512",
            100_000,
            64,
        ),
        (
            vec![
                ("PASSWORD_HASH", Some("pbkdf2-sha256")),
                ("PASSWORD_ITERATIONS", Some("100000")),
            ],
            "sha256",
            100_000,
            32,
        ),
    ];
    let settings = cases.each_ref().map(|(settings, ..)| settings.clone());
    let servers = Server::start_sharing_database(&settings).await;
    for (server, (_, hash, iterations, length)) in servers.iter().zip(cases) {
        let account = Account::register(server).await;
        check(&stored(server, &account).await, hash, iterations, length);
        let answer = sign_in(server, &account.email, PASSWORD).await;
        assert_eq!(answer.status, 200);
    }
    servers[0].clone().stop().await;
}

#[wasm_bindgen_test]
async fn argon2id_is_a_setting() {
    let server = Server::start(&[("PASSWORD_HASH", Some("argon2id"))]).await;
    let account = Account::register(&server).await;
    let hash = stored(&server, &account).await;
    assert!(
        hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{hash}"
    );
    for (password, status) in [(PASSWORD, 200), ("wrong horse battery", 401)] {
        let answer = sign_in(&server, &account.email, password).await;
        assert_eq!(answer.status, status, "{password}");
    }
    assert_eq!(stored(&server, &account).await, hash);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_pepper_is_needed_until_it_is_retired_and_gone() {
    let (first, second) = ("first pepper ".repeat(3), "second pepper ".repeat(3));
    let (first, second) = (first.replace(' ', "-"), second.replace(' ', "-"));
    let insert = "INSERT INTO users (id, email, name, password_hash) VALUES (?, ?, 'Ann', ?)";

    let server = Server::start(&[("PASSWORD_PEPPER", Some(&first))]).await;
    let account = Account::register(&server).await;
    let hash = stored(&server, &account).await;
    assert!(hash.starts_with("$pbkdf2-sha512$i=210000,keyid="), "{hash}");
    assert_eq!(sign_in(&server, &account.email, PASSWORD).await.status, 200);
    assert_eq!(
        sign_in(&server, &account.email, "wrong horse battery")
            .await
            .status,
        401
    );
    assert_eq!(stored(&server, &account).await, hash);
    server.stop().await;
    let row = [
        account.id.into(),
        account.email.as_str().into(),
        hash.as_str().into(),
    ];

    let settings = [
        ("PASSWORD_PEPPER", Some(second.as_str())),
        ("PASSWORD_PEPPERS_RETIRED", Some(first.as_str())),
    ];
    let server = Server::start(&settings).await;
    server.sql(insert, &row).await;
    assert_eq!(
        sign_in(&server, &account.email, "wrong horse battery")
            .await
            .status,
        401
    );
    assert_eq!(stored(&server, &account).await, hash);
    assert_eq!(sign_in(&server, &account.email, PASSWORD).await.status, 200);
    assert_ne!(stored(&server, &account).await, hash, "the new pepper");
    assert_eq!(sign_in(&server, &account.email, PASSWORD).await.status, 200);
    server.stop().await;

    let server = Server::start(&[]).await;
    server.sql(insert, &row).await;
    assert_eq!(sign_in(&server, &account.email, PASSWORD).await.status, 401);
    let logs = server.logs().await.join("\n");
    assert!(
        logs.contains("the pepper of password_hash is not set"),
        "{logs}"
    );
    server.stop().await;
}

/// The servers of these tests refuse what production refuses, so a derivation above the limit that
/// succeeds was done by the crate.
#[wasm_bindgen_test]
async fn hashes_on_both_sides_of_cloudflares_limit_are_checked() {
    let server = Server::shared().await;
    let hashes = ["sha256", "sha512"].into_iter();
    let costs = hashes.flat_map(|hash| [1_000, 100_000, 100_001, 210_000].map(|i| (hash, i)));
    let checks = costs.map(async |(hash, iterations)| {
        let email = format!("{}@example.com", unique("limit"));
        let statement = "INSERT INTO users (email, name, password_hash) VALUES (?, 'Ann', ?)";
        let stored = harness::stored_password(hash, PASSWORD, iterations);
        server
            .sql(statement, &[email.as_str().into(), stored.into()])
            .await;
        for (password, status) in [(PASSWORD, 200), ("wrong horse battery", 401)] {
            let answer = sign_in(&server, &email, password).await;
            assert_eq!(answer.status, status, "{hash} {iterations} {password}");
        }
    });
    join_all(checks).await;
}

#[wasm_bindgen_test]
async fn passwords_reach_neither_console_nor_database() {
    let server = Server::start(&[]).await;
    let account = Account::register(&server).await;
    for password in [PASSWORD, "another secret text"] {
        sign_in(&server, &account.email, password).await;
    }
    let damaged = "UPDATE users SET password_hash = 'no hash that is known$'";
    server.sql(damaged, &[]).await;
    let answer = sign_in(&server, &account.email, PASSWORD).await;
    // Not told apart from a wrong password by the client, but by the log.
    assert_eq!(answer.status, 401);
    let logs = server.logs().await.join("\n");
    assert!(logs.contains("a form that is not known"), "{logs}");
    for secret in [
        PASSWORD,
        "another secret text",
        &account.access_token,
        harness::SECRET,
    ] {
        assert!(!logs.contains(secret), "{logs}");
    }
    let rows = server.sql("SELECT * FROM users", &[]).await;
    assert!(!json!(rows).to_string().contains(PASSWORD));
    server.stop().await;
}
