//! Passkeys are added, listed, changed and removed.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{
    CREATION_OPTIONS, INVALID, NOT_FOUND, NOT_RECENT, ORIGIN, PASSKEYS, REQUEST_OPTIONS, RP_ID,
    add, authenticator, counts, creation_options, list, path, send, settings, try_add, written,
};
use crate::harness::{
    Account, Authenticator, Server, assert_no_content, base64url, by_two_factors, seen, unique,
};
use crate::mail::{account_of, verified};

const MINUTE: f64 = 60_000.0;

async fn subjects(server: &Server) -> Vec<String> {
    let mails = server.mail().await;
    mails.into_iter().map(|mail| mail.subject).collect()
}

#[wasm_bindgen_test]
async fn a_passkey_is_added_listed_changed_and_removed() {
    let server = Server::start(&settings()).await;
    let ann = by_two_factors(&server, &verified(&server).await).await;
    server.mail().await;
    assert_eq!(list(&server, &ann).await, [] as [Value; 0]);
    let options = creation_options(&server, &ann).await;
    assert_eq!(options["rp"], json!({ "id": RP_ID, "name": RP_ID }));
    assert_eq!(options["user"]["name"], ann.email);
    assert_eq!(options["user"]["displayName"], "Ann Lee");
    assert_eq!(options["user"]["id"].as_str().unwrap().len(), 86);
    assert_eq!(options["excludeCredentials"], json!([]));
    // Nothing was written for the asking.
    assert_eq!(written(&server).await, counts(0, 0));

    let mut authenticator = authenticator();
    let body = json!({ "name": " Ann's key ", "credential": authenticator.create(&options) });
    let answer = send(&server, &ann, "POST", PASSKEYS, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let mut passkey = answer.json()["passkey"].clone();
    let created_at = passkey["created_at"].as_str().unwrap().to_owned();
    assert_eq!((created_at.len(), &created_at[10..11]), (19, "T"));
    let id = passkey["id"].as_str().unwrap().to_owned();
    let expected = json!({
        "id": id, "name": "Ann's key", "created_at": created_at, "last_used_at": null,
        "backed_up": true, "user_verified": true, "second_factor": false,
    });
    assert_eq!(passkey, expected);
    assert_eq!((id.len(), &id[14..15]), (36, "4"));
    assert_eq!(
        subjects(&server).await,
        ["A passkey was added at auth.example.com"]
    );
    assert_eq!(written(&server).await, counts(1, 1));
    assert_eq!(list(&server, &ann).await, [passkey.clone()]);

    // Its authenticator makes no other one, and the account is known to it by the same handle.
    let again = creation_options(&server, &ann).await;
    assert_eq!(again["user"]["id"], options["user"]["id"]);
    assert_ne!(again["challenge"], options["challenge"]);
    let excluded = json!([{
        "type": "public-key",
        "id": body_id(&mut authenticator, &again),
        "transports": ["internal", "hybrid"],
    }]);
    assert_eq!(again["excludeCredentials"], excluded);

    for (change, name, second_factor, subject) in [
        (json!({ "name": "Old key" }), "Old key", false, None),
        (
            json!({ "second_factor": true }),
            "Old key",
            true,
            Some("switched on"),
        ),
        (json!({ "second_factor": true }), "Old key", true, None),
        (json!({}), "Old key", true, None),
        (
            json!({ "name": "Key", "second_factor": false }),
            "Key",
            false,
            Some("switched off"),
        ),
    ] {
        let answer = send(&server, &ann, "PATCH", &path(&passkey), change.clone()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        passkey["name"] = name.into();
        passkey["second_factor"] = second_factor.into();
        assert_eq!(answer.json(), json!({ "passkey": passkey }), "{change}");
        let factors = &account_of(&server, &ann.access_token).await["second_factors"];
        let expected: &[&str] = if second_factor { &["passkey"] } else { &[] };
        assert_eq!(*factors, json!(expected));
        let told = subjects(&server).await;
        assert_eq!(
            told.len(),
            usize::from(subject.is_some()),
            "{change} {told:?}"
        );
        assert!(
            told.iter().all(|told| told.contains(subject.unwrap())),
            "{told:?}"
        );
    }

    assert_no_content(&send(&server, &ann, "DELETE", &path(&passkey), Value::Null).await);
    assert_eq!(
        subjects(&server).await,
        ["A passkey was removed at auth.example.com"]
    );
    assert_eq!(list(&server, &ann).await, [] as [Value; 0]);
    let answer = send(&server, &ann, "DELETE", &path(&passkey), Value::Null).await;
    assert_eq!(seen(&answer), NOT_FOUND);
    let trail = "SELECT action FROM audit WHERE user_id = ? AND action LIKE 'passkey%' ORDER BY id";
    let trail = server.sql(trail, &[ann.id.into()]).await;
    let actions: Vec<_> = trail.iter().map(|event| event["action"].as_str()).collect();
    let expected = [
        "passkey_added",
        "passkey_changed",
        "passkey_changed",
        "passkey_removed",
    ];
    assert_eq!(actions, expected.map(Some));
    server.stop().await;
}

fn body_id(authenticator: &mut Authenticator, options: &Value) -> Value {
    authenticator.create(options)["id"].clone()
}

#[wasm_bindgen_test]
async fn each_algorithm_and_a_second_factor_from_the_start() {
    let server = Server::start(&settings()).await;
    let registered = Account::register(&server).await;
    let ann = by_two_factors(&server, &registered).await;
    let mut edwards = Authenticator::ed25519(2, RP_ID, ORIGIN);
    let body = json!({ "name": null, "second_factor": true });
    let answer = try_add(&server, &ann, &mut edwards, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let passkey = &answer.json()["passkey"];
    assert_eq!(
        (&passkey["name"], &passkey["second_factor"]),
        (&"Passkey".into(), &true.into())
    );
    // With one factor alone nothing more is changed.
    let answer = send(&server, &registered, "POST", CREATION_OPTIONS, Value::Null).await;
    let one_factor = (403, "{\"error\":\"Second factor required\"}\n");
    assert_eq!(seen(&answer), one_factor);
    // Whose user was not verified.
    let mut plain = authenticator();
    plain.flags = 1;
    let answer = try_add(&server, &ann, &mut plain, json!({})).await;
    let passkey = answer.json()["passkey"].clone();
    let flags = (&passkey["user_verified"], &passkey["backed_up"]);
    assert_eq!(flags, (&false.into(), &false.into()));
    assert_eq!(list(&server, &ann).await.len(), 2);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_challenge_is_answered_once_in_time_and_by_whom_it_is_for() {
    let server = Server::start_with_clock(&settings()).await;
    let (ann, bob) = (
        Account::register(&server).await,
        Account::register(&server).await,
    );
    let options = creation_options(&server, &ann).await;
    let post = async |account: &Account, credential: Value| {
        let body = json!({ "credential": credential });
        let answer = send(&server, account, "POST", PASSKEYS, body).await;
        (answer.status, answer.text().to_owned())
    };
    let invalid = (INVALID.0, INVALID.1.to_owned());
    // Another account's answer.
    assert_eq!(post(&bob, authenticator().create(&options)).await, invalid);
    // The same answer and another one, once it is spent.
    let credential = authenticator().create(&options);
    assert_eq!(post(&ann, credential.clone()).await.0, 201);
    assert_eq!(post(&ann, credential).await, invalid);
    assert_eq!(post(&ann, authenticator().create(&options)).await, invalid);
    // A challenge for signing in.
    let request = server.request("POST", REQUEST_OPTIONS).send().await.json();
    assert_eq!(post(&ann, authenticator().create(&request)).await, invalid);
    assert_eq!(written(&server).await, counts(1, 1));
    // Two at once.
    let options = creation_options(&server, &ann).await;
    let (one, other) = (
        authenticator().create(&options),
        authenticator().create(&options),
    );
    let answers = futures_util::future::join(post(&ann, one), post(&ann, other)).await;
    let mut statuses = [answers.0.0, answers.1.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 400]);
    // After five minutes.
    let options = creation_options(&server, &ann).await;
    server.set_clock(5.0 * MINUTE + 1000.0);
    assert_eq!(post(&ann, authenticator().create(&options)).await, invalid);
    let options = creation_options(&server, &ann).await;
    server.set_clock(9.0 * MINUTE);
    assert_eq!(post(&ann, authenticator().create(&options)).await.0, 201);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_passkey_is_one_accounts_alone() {
    let server = Server::start(&settings()).await;
    let (ann, bob) = (
        Account::register(&server).await,
        Account::register(&server).await,
    );
    let (mut authenticator, passkey) = add(&server, &ann, json!({})).await;
    for account in [&ann, &bob] {
        let answer = try_add(&server, account, &mut authenticator, json!({})).await;
        let expected = (409, "{\"error\":\"Passkey already registered\"}\n");
        assert_eq!(seen(&answer), expected);
    }
    assert_eq!(written(&server).await, counts(1, 1));
    for method in ["PATCH", "DELETE"] {
        let body = json!({ "name": "Bob's" });
        let answer = send(&server, &bob, method, &path(&passkey), body).await;
        assert_eq!(seen(&answer), NOT_FOUND, "{method}");
    }
    assert_eq!(list(&server, &bob).await, [] as [Value; 0]);
    assert_eq!(list(&server, &ann).await, [passkey]);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn what_matters_wants_a_recent_sign_in() {
    let server = Server::start_with_clock(&settings()).await;
    let ann = Account::register(&server).await;
    let (_, passkey) = add(&server, &ann, json!({})).await;
    server.set_clock(11.0 * MINUTE);
    let factor = json!({ "second_factor": true });
    for (method, path, body) in [
        ("POST", CREATION_OPTIONS.to_owned(), Value::Null),
        ("PATCH", path(&passkey), factor),
        ("DELETE", path(&passkey), Value::Null),
    ] {
        let answer = send(&server, &ann, method, &path, body).await;
        assert_eq!(seen(&answer), NOT_RECENT, "{method} {path}");
    }
    let name = json!({ "name": "New", "second_factor": false });
    let answer = send(&server, &ann, "PATCH", &path(&passkey), name).await;
    assert_eq!(answer.status, 200);
    assert_eq!(list(&server, &ann).await[0]["name"], "New");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn an_account_has_twenty_at_most() {
    let server = Server::start(&settings()).await;
    let ann = Account::register(&server).await;
    let (_, first) = add(&server, &ann, json!({})).await;
    let statement = "INSERT INTO passkeys SELECT ?1, user_id, id || ?1, public_key, \
        sign_count, backup_eligible, backed_up, user_verified, second_factor, name, created_at, \
        last_used_at, transports FROM passkeys WHERE id = ?2";
    for _ in 0..18 {
        let credential_id = base64url(unique("another passkey ").as_bytes());
        let values = [credential_id.into(), first["id"].clone()];
        server.sql(statement, &values).await;
    }
    let options = creation_options(&server, &ann).await;
    assert_eq!(options["excludeCredentials"].as_array().unwrap().len(), 19);
    add(&server, &ann, json!({})).await;
    let too_many = (409, "{\"error\":\"Too many passkeys\"}\n");
    let body = json!({ "credential": authenticator().create(&options) });
    let answer = send(&server, &ann, "POST", PASSKEYS, body).await;
    assert_eq!(seen(&answer), too_many);
    let answer = send(&server, &ann, "POST", CREATION_OPTIONS, Value::Null).await;
    assert_eq!(seen(&answer), too_many);
    assert_eq!(list(&server, &ann).await.len(), 20);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn anybody_is_given_options_to_sign_in() {
    let server = Server::start_with_seen_queries(&settings()).await;
    let before = server.logs().await.len();
    let answer = server.request("POST", REQUEST_OPTIONS).send().await;
    assert_eq!(answer.status, 200);
    let options = answer.json();
    let challenge = options["challenge"].as_str().unwrap();
    let expected = json!({
        "challenge": challenge, "timeout": 300_000, "rpId": RP_ID, "allowCredentials": [],
        "userVerification": "preferred",
    });
    assert_eq!(options, expected);
    let logs = server.logs().await.split_off(before);
    assert!(
        !logs.iter().any(|line| line.starts_with("query: ")),
        "{logs:?}"
    );
    server.stop().await;
}
