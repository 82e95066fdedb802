//! Signing in by a passkey: as the only factor, as the first and as the second one, and to show anew who
//! one is.

use futures_util::future::join_all;
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{REQUEST_OPTIONS, add, authenticator, creation_options, list, settings};
use crate::harness::{
    Account, Answer, Authenticator, Mail, PASSWORD, Server, USER_PRESENT, USER_VERIFIED, claims,
    seen, sign_in_from,
};
use crate::mail::{post, post_as, verified};

const PASSKEY: &str = "/api/auth/passkey";
const SECOND_FACTOR: &str = "/api/auth/second-factor";
const SECOND_FACTOR_OPTIONS: &str = "/api/auth/second-factor/passkey-options";
const REAUTHENTICATE: &str = "/api/auth/reauthenticate";
const INVALID: (u16, &str) = (401, "{\"error\":\"Invalid passkey\"}\n");
const UNKNOWN: (u16, &str) = (
    401,
    "{\"error\":\"Invalid passkey\",\"unknown_credential\":true}\n",
);
const WRONG: (u16, &str) = (401, "{\"error\":\"Invalid code\"}\n");

async fn options(server: &Server) -> Value {
    let answer = server.request("POST", REQUEST_OPTIONS).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn show(server: &Server, credential: Value) -> Answer {
    post(server, PASSKEY, json!({ "credential": credential })).await
}

async fn sign_in(server: &Server, authenticator: &mut Authenticator) -> Answer {
    let options = options(server).await;
    show(server, authenticator.get(&options)).await
}

/// The ticket for the password of the account.
async fn ticket(server: &Server, account: &Account) -> Value {
    let body = json!({ "email": account.email, "password": PASSWORD });
    let answer = post(server, "/api/auth/login", body).await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert_eq!(answer.json()["second_factors"], json!(["passkey"]));
    answer.json()["ticket"].clone()
}

async fn ticket_options(server: &Server, ticket: &Value) -> Value {
    let answer = post(server, SECOND_FACTOR_OPTIONS, json!({ "ticket": ticket })).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn complete(server: &Server, ticket: &Value, credential: Value) -> Answer {
    let body = json!({ "ticket": ticket, "passkey": credential });
    post(server, SECOND_FACTOR, body).await
}

fn amr(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    claims(answer.json()["access_token"].as_str().unwrap())["amr"].clone()
}

#[wasm_bindgen_test]
async fn a_passkey_signs_in_without_a_name() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    let (mut own, passkey) = add(&server, &account, json!({})).await;
    assert_eq!(passkey["last_used_at"], json!(null));
    let options = options(&server).await;
    assert_eq!(options["allowCredentials"], json!([]));
    let credential = own.get(&options);
    let body = json!({ "credential": credential, "scope": "offline_access" });
    let answer = post(&server, PASSKEY, body.clone()).await;
    assert_eq!(amr(&answer), json!(["swk", "user", "mfa"]));
    let signed_in = answer.json();
    assert_eq!(signed_in["message"], "Login successful");
    assert_eq!(signed_in["user"]["id"], account.id);
    assert!(signed_in["refresh_token"].is_string());
    assert!(list(&server, &account).await[0]["last_used_at"].is_string());
    // What was shown once is not shown again.
    assert_eq!(seen(&post(&server, PASSKEY, body).await), INVALID);
    let credential = own.get(&self::options(&server).await);
    let both = [credential.clone(), credential].map(|credential| show(&server, credential));
    let mut statuses: Vec<_> = join_all(both).await.iter().map(|a| a.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    // Other algorithms.
    let mut edwards = Authenticator::ed25519(7, super::RP_ID, super::ORIGIN);
    edwards.flags = USER_PRESENT;
    let answer = super::try_add(&server, &account, &mut edwards, json!({})).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(amr(&sign_in(&server, &mut edwards).await), json!(["hwk"]));
    server.stop().await;
}

#[wasm_bindgen_test]
async fn whatever_is_wrong_signs_nobody_in() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    let other = Account::register(&server).await;
    let (mut own, _) = add(&server, &account, json!({})).await;
    let (others, _) = add(&server, &other, json!({})).await;
    let mut unknown = authenticator();
    unknown.user_handle.clone_from(&own.user_handle);
    assert_eq!(seen(&sign_in(&server, &mut unknown).await), UNKNOWN);
    let options = options(&server).await;
    let good = own.get(&options);
    // Every member cut, or of another type.
    let members = [
        "clientDataJSON",
        "authenticatorData",
        "signature",
        "userHandle",
    ];
    for member in members {
        for value in [
            Value::Null,
            json!(1),
            json!(""),
            json!("AA"),
            json!(format!("{}A", good["response"][member].as_str().unwrap())),
        ] {
            let mut credential = good.clone();
            credential["response"][member] = value.clone();
            assert_eq!(
                seen(&show(&server, credential).await),
                INVALID,
                "{member} {value}"
            );
        }
    }
    for value in [json!(null), json!("a"), json!({}), json!([]), json!(1)] {
        let expected = if value.is_null() { 400 } else { 401 };
        assert_eq!(show(&server, value).await.status, expected);
    }
    // Another's id with this one's answer.
    let mut swapped = good.clone();
    let id = others.id();
    swapped["id"] = id.clone().into();
    swapped["rawId"] = id.into();
    assert_eq!(seen(&show(&server, swapped).await), INVALID);
    // Another's handle, origin, relying party, page around it, or no presence.
    type Change = fn(&mut Authenticator);
    let changes: [(&str, Change); 7] = [
        ("handle", |own| own.user_handle = Some("AAAA".to_owned())),
        ("no handle", |own| own.user_handle = None),
        ("origin", |own| {
            own.origin = "https://evil.example".to_owned()
        }),
        ("relying party", |own| own.rp_id = "evil.example".to_owned()),
        ("cross origin", |own| {
            own.client_data
                .insert("crossOrigin".to_owned(), json!(true));
        }),
        ("top origin", |own| {
            let top = json!("https://evil.example");
            own.client_data.insert("topOrigin".to_owned(), top);
        }),
        ("absent", |own| own.flags &= !USER_PRESENT),
    ];
    for (what, change) in changes {
        let mut changed = own.clone();
        change(&mut changed);
        assert_eq!(
            seen(&show(&server, changed.get(&options)).await),
            INVALID,
            "{what}"
        );
    }
    // A challenge that is for something else, or of nobody's.
    let creation = creation_options(&server, &account).await;
    assert_eq!(seen(&show(&server, own.get(&creation)).await), INVALID);
    let forged = json!({ "challenge": "AAAA" });
    assert_eq!(seen(&show(&server, own.get(&forged)).await), INVALID);
    // All of that used nothing up.
    assert_eq!(show(&server, good).await.status, 200);
    // An account that is disabled is refused as what is wrong is.
    let statement = "UPDATE users SET disabled = 1 WHERE id = ?";
    server.sql(statement, &[account.id.into()]).await;
    assert_eq!(seen(&sign_in(&server, &mut own).await), INVALID);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_challenge_is_good_for_five_minutes() {
    let server = Server::start_with_clock(&settings()).await;
    let account = verified(&server).await;
    let (mut own, _) = add(&server, &account, json!({})).await;
    let options = options(&server).await;
    server.set_clock(299_000.0);
    assert_eq!(show(&server, own.get(&options)).await.status, 200);
    let options = self::options(&server).await;
    server.set_clock(299_000.0 + 301_000.0);
    assert_eq!(seen(&show(&server, own.get(&options)).await), INVALID);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_passkey_is_the_second_factor_of_any_other() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    let (other, _) = add(&server, &account, json!({})).await;
    let (mut own, _) = add(&server, &account, json!({ "second_factor": true })).await;
    // It is two factors by itself.
    assert_eq!(
        amr(&sign_in(&server, &mut own).await),
        json!(["swk", "user", "mfa"])
    );
    let first = ticket(&server, &account).await;
    let options = ticket_options(&server, &first).await;
    let allowed = options["allowCredentials"].as_array().unwrap();
    let ids: Vec<_> = allowed.iter().map(|each| each["id"].clone()).collect();
    assert_eq!(ids, [other.id(), own.id()]);
    // Neither a challenge of a sign-in nor that of another ticket is good here, nor this one there.
    let second = ticket(&server, &account).await;
    let of_sign_in = own.get(&self::options(&server).await);
    assert_eq!(seen(&complete(&server, &first, of_sign_in).await), WRONG);
    let of_second = own.get(&ticket_options(&server, &second).await);
    assert_eq!(seen(&complete(&server, &first, of_second).await), WRONG);
    assert_eq!(seen(&show(&server, own.get(&options)).await), INVALID);
    let answer = complete(&server, &first, own.get(&options)).await;
    assert_eq!(amr(&answer), json!(["pwd", "swk", "user", "mfa"]));
    assert_eq!(
        complete(&server, &first, own.get(&options)).await.status,
        401
    );
    // Without user verification it is one factor, and not the same one twice.
    own.flags &= !USER_VERIFIED;
    let answer = sign_in(&server, &mut own).await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    let ticket_of_own = answer.json()["ticket"].clone();
    let options = ticket_options(&server, &ticket_of_own).await;
    let allowed = options["allowCredentials"].as_array().unwrap();
    assert_eq!((allowed.len(), &allowed[0]["id"]), (1, &other.id().into()));
    let again = own.get(&options);
    assert_eq!(seen(&complete(&server, &ticket_of_own, again).await), WRONG);
    let third = ticket(&server, &account).await;
    let options = ticket_options(&server, &third).await;
    let answer = complete(&server, &third, own.get(&options)).await;
    assert_eq!(amr(&answer), json!(["pwd", "swk", "mfa"]));
    server.stop().await;
}

#[wasm_bindgen_test]
async fn another_accounts_passkey_is_no_second_factor() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    let (mut own, _) = add(&server, &account, json!({ "second_factor": true })).await;
    let other = Account::register(&server).await;
    let (mut others, _) = add(&server, &other, json!({})).await;
    let ticket = ticket(&server, &account).await;
    let options = ticket_options(&server, &ticket).await;
    let answer = complete(&server, &ticket, others.get(&options)).await;
    assert_eq!(seen(&answer), WRONG);
    // The only one is no second factor of itself.
    own.flags &= !USER_VERIFIED;
    let answer = sign_in(&server, &mut own).await;
    let body = json!({ "ticket": answer.json()["ticket"] });
    let answer = post(&server, SECOND_FACTOR_OPTIONS, body).await;
    assert_eq!(seen(&answer), (409, "{\"error\":\"No other passkey\"}\n"));
    server.stop().await;
}

#[wasm_bindgen_test]
async fn limits_on_passwords_bind_no_passkey_and_it_takes_failures_back() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    let (mut own, _) = add(&server, &account, json!({})).await;
    let address = "192.0.2.77";
    for _ in 0..6 {
        sign_in_from(&server, address, &account.email, "wrong password").await;
    }
    let answer = sign_in_from(&server, address, &account.email, PASSWORD).await;
    assert_eq!(answer.status, 429);
    let body = json!({ "credential": own.get(&options(&server).await) });
    let request = server.request("POST", PASSKEY).json(body);
    let answer = request.header("CF-Connecting-IP", address).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let statement = "SELECT coalesce(sum(failures), 0) AS failures FROM attempts WHERE key LIKE ?";
    let key = format!("user {} %", account.id);
    let left = server.sql(statement, &[key.into()]).await;
    assert_eq!(left[0]["failures"], 0);
    let answer = sign_in_from(&server, address, &account.email, PASSWORD).await;
    assert_eq!(answer.status, 200);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_counter_that_does_not_grow_refuses_nobody_and_is_told() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    let (mut own, _) = add(&server, &account, json!({})).await;
    own.sign_count = 5;
    assert_eq!(sign_in(&server, &mut own).await.status, 200);
    server.mail().await;
    own.sign_count = 4;
    assert_eq!(sign_in(&server, &mut own).await.status, 200);
    let mails = server.mail().await;
    let tells = |mail: &Mail| mail.subject.contains("passkey");
    assert!(mails.iter().any(tells), "{mails:?}");
    let statement = "SELECT count(*) AS rows FROM audit WHERE action = 'passkey_counter'";
    assert_eq!(server.sql(statement, &[]).await[0]["rows"], 1);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_passkey_shows_anew_who_it_is() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    let (mut own, _) = add(&server, &account, json!({})).await;
    let other = Account::register(&server).await;
    let again = |credential: Value, token: String| {
        let server = &server;
        async move {
            let body = json!({ "passkey": credential });
            post_as(server, &token, REAUTHENTICATE, body).await
        }
    };
    let wrong = (403, "{\"error\":\"Wrong password\"}\n");
    let credential = own.get(&options(&server).await);
    let answer = again(credential.clone(), other.access_token.clone()).await;
    assert_eq!(seen(&answer), wrong);
    let answer = again(credential.clone(), account.access_token.clone()).await;
    assert_eq!(amr(&answer), json!(["swk", "user", "mfa"]));
    let answer = again(credential, account.access_token.clone()).await;
    assert_eq!(seen(&answer), wrong);
    // Where a second factor is on it has to be two in one.
    let (mut second, _) = add(&server, &account, json!({ "second_factor": true })).await;
    second.flags &= !USER_VERIFIED;
    let credential = second.get(&options(&server).await);
    let answer = again(credential, account.access_token.clone()).await;
    assert_eq!(
        seen(&answer),
        (403, "{\"error\":\"Second factor required\"}\n")
    );
    server.stop().await;
}
