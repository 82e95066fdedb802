//! What the owners of accounts are told: each thing once, at proven addresses alone, with `NOTICES = on`.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{
    FORGOT, NEW_PASSWORD, RESET, by_code, mail_of, post, post_as, registered, settings, verified,
};
use crate::harness::{Account, MAIL, PASSWORD, Server, open, refresh, refreshed, sign_in_from};

const PASSWORD_CHANGED: &str = "Your password at auth.example.com was changed";
const SESSION_ENDED: &str = "A session was ended at auth.example.com";
const UNFAMILIAR: &str = "A new sign-in at auth.example.com";

const HOME: &str = "192.0.2.1";
const AWAY: &str = "198.51.100.1";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// An account that registered from [`HOME`]; its address is proven or not.
async fn at_home(server: &Server, is_proven: bool) -> Account {
    let account = Account::register_from(server, HOME).await;
    server.mail_to(&account.email).await;
    if is_proven {
        let statement = "UPDATE users SET email_verified_at = 1 WHERE id = ?";
        server.sql(statement, &[account.id.into()]).await;
    }
    account
}

/// The subjects of what was sent to `account` since, and to nobody else.
async fn subjects(server: &Server, account: &Account) -> Vec<String> {
    let mails = server.mail().await;
    assert!(
        mails.iter().all(|mail| mail.to == account.email),
        "{mails:?}"
    );
    mails.into_iter().map(|mail| mail.subject).collect()
}

async fn sign_in_at(server: &Server, account: &Account, address: &str, password: &str) -> u16 {
    sign_in_from(server, address, &account.email, password)
        .await
        .status
}

#[wasm_bindgen_test]
async fn a_sign_in_from_an_address_that_is_not_familiar_is_told_once() {
    let server = Server::start_with_clock(&settings()).await;
    let account = at_home(&server, true).await;
    assert_eq!(sign_in_at(&server, &account, HOME, PASSWORD).await, 200);
    assert_eq!(server.mail().await, []);
    let body = json!({ "email": account.email, "password": PASSWORD });
    let request = server.request("POST", "/api/auth/login").json(body);
    let request = request.header("CF-Connecting-IP", AWAY);
    let answer = request.header("User-Agent", FIREFOX).send().await;
    assert_eq!(answer.status, 200);
    let mail = server.mail_to(&account.email).await;
    assert_eq!(mail.subject, UNFAMILIAR);
    assert!(mail.text.contains("Firefox on Linux"), "{}", mail.text);
    assert!(mail.text.contains(" UTC"), "{}", mail.text);
    assert!(
        !mail.text.contains("Mozilla") && !mail.text.contains(AWAY),
        "{}",
        mail.text
    );
    // From then on it is, after failures as well, and when that is written anew.
    assert_eq!(sign_in_at(&server, &account, AWAY, NEW_PASSWORD).await, 401);
    assert_eq!(sign_in_at(&server, &account, AWAY, PASSWORD).await, 200);
    let day = 86_400_000.0;
    server.set_clock(2.0 * day);
    assert_eq!(sign_in_at(&server, &account, AWAY, PASSWORD).await, 200);
    assert_eq!(server.mail().await, []);
    // A month later it is no longer.
    server.set_clock(40.0 * day);
    assert_eq!(sign_in_at(&server, &account, AWAY, PASSWORD).await, 200);
    assert_eq!(subjects(&server, &account).await, [UNFAMILIAR]);
    // Wrong passwords, however many there are, are told to nobody.
    for nth in 0..4 {
        let address = format!("203.0.113.{nth}");
        assert_eq!(
            sign_in_at(&server, &account, &address, NEW_PASSWORD).await,
            401
        );
    }
    assert_eq!(server.mail().await, []);
    // The other dialect signs in too.
    let body = json!({ "username": account.username, "password": PASSWORD });
    assert_eq!(post(&server, "/auth", body).await.status, 200);
    assert_eq!(subjects(&server, &account).await, [UNFAMILIAR]);
    server.stop().await;
}

/// Whoever has a token and the password would otherwise make an address familiar without a word.
#[wasm_bindgen_test]
async fn a_right_password_from_elsewhere_is_told_wherever_it_is_asked_for() {
    let server = Server::start(&settings()).await;
    let account = at_home(&server, true).await;
    let passwords = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    let request = server.request("POST", "/api/auth/password").json(passwords);
    let request = request.header("Authorization", &account.bearer());
    let answer = request.header("CF-Connecting-IP", AWAY).send().await;
    assert_eq!(answer.status, 204);
    let mut told = subjects(&server, &account).await;
    told.sort();
    assert_eq!(told, [UNFAMILIAR, PASSWORD_CHANGED]);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_session_that_ends_because_its_token_was_used_twice_is_told_once() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    let first = open(&server, &account).await;
    assert_eq!(subjects(&server, &account).await, [UNFAMILIAR]);
    let second = refreshed(&server, &first.refresh).await;
    let third = refreshed(&server, &second.refresh).await;
    // Two tabs at once are no theft.
    assert_eq!(refresh(&server, &first.refresh).await.status, 200);
    assert_eq!(server.mail().await, []);
    let statement =
        "UPDATE sessions SET spent = replace(spent, substr(spent, 1, 3), '100') WHERE id = ?";
    server
        .sql(statement, &[first.session().as_str().into()])
        .await;
    let answer = refresh(&server, &first.refresh).await;
    assert_eq!(answer.status, 401);
    assert_eq!(subjects(&server, &account).await, [SESSION_ENDED]);
    // It is over, whoever comes next, and with whichever of its tokens.
    for token in [&first.refresh, &second.refresh, &third.refresh] {
        assert_eq!(refresh(&server, token).await.status, 401);
    }
    assert_eq!(server.mail().await, []);
    server.stop().await;
}

/// Does everything that is told: changes the password twice, and resets it.
async fn everything(server: &Server, account: &Account) {
    let tokens = open(server, account).await;
    let next = refreshed(server, &tokens.refresh).await;
    refreshed(server, &next.refresh).await;
    let statement =
        "UPDATE sessions SET spent = replace(spent, substr(spent, 1, 3), '100') WHERE id = ?";
    server
        .sql(statement, &[tokens.session().as_str().into()])
        .await;
    assert_eq!(refresh(server, &tokens.refresh).await.status, 401);
    let token = &account.access_token;
    let passwords = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    let answer = post_as(server, token, "/api/auth/password", passwords).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
}

#[wasm_bindgen_test]
async fn nobody_is_told_at_an_address_that_is_not_proven() {
    let server = Server::start(&settings()).await;
    let account = registered(&server).await.0;
    everything(&server, &account).await;
    assert_eq!(server.mail().await, []);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn nobody_is_told_where_notices_are_off() {
    let settings = [&settings()[..], &[("NOTICES", Some("off"))]].concat();
    let server = Server::start(&settings).await;
    let account = verified(&server).await;
    everything(&server, &account).await;
    assert_eq!(server.mail().await, []);
    let mail = mail_of(&server, &account, FORGOT, json!({ "email": account.email })).await;
    let body = by_code(&mail, json!({ "new_password": "and once more a password" }));
    assert_eq!(post(&server, RESET, body).await.status, 204);
    assert_eq!(server.mail().await, []);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_new_password_is_told_whichever_way_it_came() {
    let server = Server::start(&settings()).await;
    let account = at_home(&server, true).await;
    let mail = mail_of(&server, &account, FORGOT, json!({ "email": account.email })).await;
    let body = by_code(&mail, json!({ "new_password": NEW_PASSWORD }));
    assert_eq!(post(&server, RESET, body).await.status, 204);
    assert_eq!(subjects(&server, &account).await, [PASSWORD_CHANGED]);
    let signed_in = sign_in_from(&server, HOME, &account.email, NEW_PASSWORD).await;
    let token_now = signed_in.json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    server.mail().await;
    let account = Account {
        access_token: token_now,
        ..account
    };
    let as_owner = async |method: &str, body: Value| {
        let request = server.request(method, "/api/auth/password").json(body);
        let request = request.header("CF-Connecting-IP", HOME);
        request
            .header("Authorization", &account.bearer())
            .send()
            .await
            .status
    };
    let passwords = json!({ "current_password": NEW_PASSWORD, "new_password": PASSWORD });
    assert_eq!(as_owner("POST", passwords).await, 204);
    assert_eq!(subjects(&server, &account).await, [PASSWORD_CHANGED]);
    server.stop().await;
}

/// A deployment without mail has a table of mail that nothing is written to.
#[wasm_bindgen_test]
async fn without_mail_nothing_is_kept_to_be_sent() {
    let mut settings = settings();
    settings.retain(|(name, _)| MAIL.iter().all(|(other, _)| other != name));
    let server = Server::start(&settings).await;
    let account = Account::register(&server).await;
    let statement = "UPDATE users SET email_verified_at = 1 WHERE id = ?";
    server.sql(statement, &[account.id.into()]).await;
    everything(&server, &account).await;
    assert_eq!(
        server.sql("SELECT * FROM outbox", &[]).await,
        Vec::<Value>::new()
    );
    assert_eq!(server.providers_received(), Vec::<Value>::new());
    server.stop().await;
}
