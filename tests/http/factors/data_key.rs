//! The key under which secrets are stored: changed, lost, never there.

use wasm_bindgen_test::wasm_bindgen_test;

use super::{begun, enrolled, show, sign_in, step_now, ticket, verify};
use crate::harness::{Account, DATA_KEY, QUICK, Server, Setting, send};

const NEW_KEY: &str = "QW5vdGhlciAzMiBieXRlcyB0aGF0IHRlc3RzIGtub3c";

fn with<'a>(settings: &[Setting<'a>]) -> Vec<Setting<'a>> {
    [&QUICK, settings].concat()
}

#[wasm_bindgen_test]
async fn a_secret_moves_to_a_new_key_when_it_is_used() {
    let retired = [
        ("DATA_KEY", Some(NEW_KEY)),
        ("DATA_KEYS_RETIRED", Some(DATA_KEY)),
    ];
    let servers = Server::start_sharing_database(&[
        with(&[]),
        with(&retired),
        with(&[("DATA_KEY", Some(NEW_KEY))]),
    ])
    .await;
    let [old, both, new] = &servers[..] else {
        panic!("three servers");
    };
    let step = step_now();
    let (used, unused) = (enrolled(old, step).await, enrolled(old, step).await);
    let code = used.app.code(step + 1);
    assert_eq!(sign_in(both, &used.account, "totp", &code).await, 200);
    // A recovery code is good under the key that it was made under.
    let codes = &unused.recovery_codes;
    let recover =
        async |server, code| sign_in(server, &unused.account, "recovery_code", code).await;
    assert_eq!(recover(both, &codes[0]).await, 200);
    assert_eq!(recover(new, &codes[1]).await, 401);
    // Without the old key, the secret that was used since can be read, and the other one cannot.
    assert_eq!(sign_in(new, &used.account, "totp", &code).await, 401);
    let ticket = ticket(new, &unused.account).await;
    let answer = show(new, &ticket, "totp", &unused.app.code(step + 1)).await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.text(), "{\"error\":\"Internal server error\"}\n");
    let named = |line: &String| line.contains("DATA_KEY") && line.contains("\"error\"");
    assert!(new.logs().await.iter().any(named));
    servers[0].clone().stop().await;
}

#[wasm_bindgen_test]
async fn without_a_key_nothing_is_switched_on_and_nobody_signed_in_by_less() {
    let servers = Server::start_sharing_database(&[with(&[]), with(&[("DATA_KEY", None)])]).await;
    let [there, lost] = &servers[..] else {
        panic!("two servers");
    };
    let step = step_now();
    let user = enrolled(there, step).await;
    let begins = Account::register(there).await;
    let app = begun(there, &begins.access_token).await;
    for path in ["/api/auth/totp", "/api/auth/recovery-codes"] {
        let answer = send(lost, "POST", path, &user.tokens.access).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    let answer = verify(lost, &begins.access_token, &app.code(step)).await;
    assert_eq!(answer.status, 404);
    let account = &user.account;
    let ticket = ticket(lost, account).await;
    let answer = show(lost, &ticket, "totp", &user.app.code(step + 1)).await;
    assert_eq!(answer.status, 500);
    assert!(
        lost.logs()
            .await
            .iter()
            .any(|line| line.contains("DATA_KEY"))
    );
    let code = &user.recovery_codes[0];
    assert_eq!(sign_in(lost, account, "recovery_code", code).await, 401);
    // Whoever has shown two factors before the key was lost may switch them off.
    let answer = send(lost, "DELETE", "/api/auth/totp", &user.tokens.access).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    servers[0].clone().stop().await;
}
