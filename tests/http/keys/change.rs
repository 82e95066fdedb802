//! Keys are changed without a failed request.

use futures_util::future::join_all;
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{
    ALGORITHM, ED25519, HMAC, ISSUER, Key, OTHER_HMAC, P256, Pair, REVOKED, SIGNATURE, assert_good,
    assert_refused, get, header_of, jwks, refresh, start,
};
use crate::harness::{self, Account, PASSWORD, Server};

/// Servers at each stage of a change from `old` to `new`, on one database. A stage is reached from the one before
/// by settings that are changed one after another: the retired ones, then the active one. While one is rolled out,
/// both stages answer.
async fn stages<'a>(old: &'a Key, new: &'a Key) -> Vec<(&'a Key, Server)> {
    let stages: [(_, &[_]); 6] = [
        (old, &[]),
        (old, &[new]),
        (old, &[new, old]),
        (new, &[new, old]),
        (new, &[old]),
        (new, &[]),
    ];
    let servers = start(stages).await;
    stages
        .map(|(active, _)| active)
        .into_iter()
        .zip(servers)
        .collect()
}

async fn no_request_fails_while_keys_change(old: &Key, new: &Key) {
    let stages = stages(old, new).await;
    let account = Account::register(&stages[0].1).await;
    tokens_are_good_one_stage_on_and_one_back(&stages, &account).await;
    sessions_go_on(&stages, &account).await;
    join_all((0..3).map(|_| traffic(&stages, &account))).await;
    the_old_key_is_good_until_it_is_dropped(&stages, &account).await;
    stages[0].1.clone().stop().await;
}

async fn tokens_are_good_one_stage_on_and_one_back(stages: &[(&Key, Server)], account: &Account) {
    for (i, (active, issuer)) in stages.iter().enumerate() {
        let answer = harness::sign_in(issuer, &account.email, PASSWORD).await;
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        let header = json!({ "alg": active.algorithm, "kid": active.kid().await, "typ": "JWT" });
        assert_eq!(header_of(&token), header, "stage {i}");
        let session = Pair::open(issuer, account).await;
        for (j, (_, server)) in stages.iter().enumerate() {
            if i.abs_diff(j) > 1 {
                continue;
            }
            let case = format!("of stage {i} at stage {j}");
            assert_good(server, &token, &case).await;
            assert_good(server, &session.access, &case).await;
            if !active.is_secret() {
                // Who verifies alone may still have the key set of the stage before.
                let set = jwks(server).await;
                let verified = harness::jose_verify_by_jwks(&token, &set, ISSUER, active.algorithm);
                verified.await.expect(&case);
            }
        }
    }
}

/// Refresh tokens of each stage are good at the next, and the reverse.
async fn sessions_go_on(stages: &[(&Key, Server)], account: &Account) {
    let mut session = Pair::open(&stages[0].1, account).await;
    for (i, pair) in stages.windows(2).enumerate() {
        for (_, server) in [&pair[0], &pair[1], &pair[0], &pair[1]] {
            let case = format!("refresh between stages {i} and {}", i + 1);
            session.refresh(server, &case).await;
        }
    }
    assert_good(&stages[5].1, &session.access, "refreshed to the end").await;
}

/// A client whose requests are answered by old and new settings by turns.
async fn traffic(stages: &[(&Key, Server)], account: &Account) {
    let mut session = Pair::open(&stages[0].1, account).await;
    for (i, pair) in stages.windows(2).enumerate() {
        let mut next = [0, 0, 1, 0, 1, 1].into_iter().cycle();
        for _ in 0..4 {
            for path in ["/api/auth/me", "/verify", "/api/auth/sessions"] {
                let (_, server) = &pair[next.next().unwrap()];
                let answer = get(server, path, &format!("Bearer {}", session.access)).await;
                assert_eq!(
                    answer.status,
                    200,
                    "{path} from stage {i}: {}",
                    answer.text()
                );
            }
            let (_, server) = &pair[next.next().unwrap()];
            session
                .refresh(server, &format!("refresh from stage {i}"))
                .await;
        }
    }
}

async fn the_old_key_is_good_until_it_is_dropped(stages: &[(&Key, Server)], account: &Account) {
    let mut session = Pair::open(&stages[0].1, account).await;
    let left = Pair::open(&stages[0].1, account).await;
    for (i, (_, server)) in stages[..5].iter().enumerate() {
        let case = format!("of the old key at stage {i}");
        for token in [&account.access_token, &session.access] {
            assert_good(server, token, &case).await;
        }
    }
    let (old, new) = (stages[0].0, stages[5].0);
    let text = if old.algorithm == new.algorithm {
        SIGNATURE
    } else {
        ALGORITHM
    };
    let (_, dropped) = &stages[5];
    for token in [&account.access_token, &session.access] {
        assert_refused(dropped, token, text, "the old key dropped").await;
    }
    // A session that saw the new key goes on; one that did not is over.
    session.refresh(&stages[4].1, "the old key retired").await;
    session.refresh(dropped, "the old key dropped").await;
    assert_good(dropped, &session.access, "the old key dropped").await;
    let answer = refresh(dropped, &left.refresh).await;
    assert_eq!(
        (answer.status, answer.json()),
        (401, json!({ "msg": REVOKED }))
    );
}

#[wasm_bindgen_test]
async fn from_hs256_to_eddsa() {
    no_request_fails_while_keys_change(&HMAC, &ED25519).await;
}

#[wasm_bindgen_test]
async fn from_eddsa_to_es256() {
    no_request_fails_while_keys_change(&ED25519, &P256).await;
}

#[wasm_bindgen_test]
async fn from_hs256_to_hs256() {
    no_request_fails_while_keys_change(&HMAC, &OTHER_HMAC).await;
}
