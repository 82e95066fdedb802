//! Recovery codes: each is good once, in place of another second factor.

use futures_util::future::join;
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{codes_of, enrolled, show, sign_in, step_now, ticket};
use crate::harness::{Server, Tokens, send};

#[wasm_bindgen_test]
async fn a_recovery_code_is_read_as_people_type_it_and_good_once() {
    let server = Server::shared_quick().await;
    let user = enrolled(&server, step_now()).await;
    let account = &user.account;
    let codes = &user.recovery_codes;
    let recover = async |code: &str| sign_in(&server, account, "recovery_code", code).await;
    assert_eq!(recover(&codes[0]).await, 200);
    assert_eq!(recover(&codes[0]).await, 401);
    assert_eq!(recover(&codes[1].to_lowercase()).await, 200);
    assert_eq!(recover(&codes[2].replace('-', "")).await, 200);
    assert_eq!(
        recover(&format!(" {} ", codes[3].replace('-', " "))).await,
        200
    );
    // What Crockford's alphabet has not is read as what it looks like.
    let alike = codes[4].replace('0', "O").replace('1', "l");
    assert_eq!(recover(&alike).await, 200);
    let cut = codes[5].strip_suffix(|_: char| true).unwrap();
    assert_eq!(recover(cut).await, 401);
    // Of two at once one is good.
    let (one, other) = (
        ticket(&server, account).await,
        ticket(&server, account).await,
    );
    let (one, other) = join(
        show(&server, &one, "recovery_code", &codes[5]),
        show(&server, &other, "recovery_code", &codes[5]),
    )
    .await;
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    // It shows no factor of its own, but that there were two.
    let ticket = ticket(&server, account).await;
    let answer = show(&server, &ticket, "recovery_code", &codes[6]).await;
    assert_eq!(Tokens::of(&answer).claims()["amr"], json!(["pwd", "mfa"]));
    let left = "SELECT count(*) AS n FROM recovery_codes WHERE user_id = ?";
    let left = server.sql(left, &[account.id.into()]).await;
    assert_eq!(left, [json!({ "n": 3 })]);
}

#[wasm_bindgen_test]
async fn a_code_of_another_account_is_not_good() {
    let server = Server::shared_quick().await;
    let (one, other) = (
        enrolled(&server, step_now()).await,
        enrolled(&server, step_now()).await,
    );
    let code = &other.recovery_codes[0];
    assert_eq!(
        sign_in(&server, &one.account, "recovery_code", code).await,
        401
    );
    assert_eq!(
        sign_in(&server, &other.account, "recovery_code", code).await,
        200
    );
}

#[wasm_bindgen_test]
async fn new_codes_void_the_old_ones_and_what_was_begun_with_them() {
    let server = Server::shared_quick().await;
    let user = enrolled(&server, step_now()).await;
    let account = &user.account;
    let void = ticket(&server, account).await;
    let path = "/api/auth/recovery-codes";
    let new = codes_of(&send(&server, "POST", path, &user.tokens.access).await);
    assert!(new.iter().all(|code| !user.recovery_codes.contains(code)));
    let dead = show(&server, &void, "recovery_code", &new[0]).await;
    assert_eq!(dead.status, 401, "{}", dead.text());
    let old = &user.recovery_codes[0];
    assert_eq!(sign_in(&server, account, "recovery_code", old).await, 401);
    assert_eq!(
        sign_in(&server, account, "recovery_code", &new[0]).await,
        200
    );
    // Of two sets at once one is left.
    let ask = || send(&server, "POST", path, &user.tokens.access);
    join(ask(), ask()).await;
    let left = "SELECT count(*) AS n FROM recovery_codes WHERE user_id = ?";
    let left = server.sql(left, &[account.id.into()]).await;
    assert_eq!(left, [json!({ "n": 10 })]);
}
