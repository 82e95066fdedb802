//! Access tokens over HTTP: other libraries, attacks (RFC 8725), tokens of the old service.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::harness::{self, Account, Answer, SECRET, Server, me, signed};

pub(crate) async fn verify(server: &Server, authorization: &str) -> Answer {
    let request = server.request("GET", "/verify");
    request.header("Authorization", authorization).send().await
}

fn segment(value: &Value) -> String {
    harness::base64url(value.to_string().as_bytes())
}

#[wasm_bindgen_test]
async fn jose_accepts_our_tokens_and_we_accept_jose_s() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    let claims = harness::jose_verify(&account.access_token, SECRET)
        .await
        .unwrap();
    let now = harness::now();
    assert_eq!(claims["iss"], "edge-auth");
    assert_eq!(claims["sub"], account.id.to_string());
    assert_eq!(claims["identity"], account.id);
    assert_eq!(claims["type"], "access");
    assert_eq!(claims["role"], "customer");
    assert_eq!(claims["iat"], claims["nbf"]);
    assert!(claims["iat"].as_u64().unwrap().abs_diff(now) <= 5);
    assert!(
        harness::jose_verify(&account.access_token, "another secret")
            .await
            .is_err()
    );

    let header = json!({ "alg": "HS256" });
    let claims = json!({ "sub": account.id.to_string(), "exp": now + 60 });
    let token = harness::jose_sign(header, claims, SECRET).await;
    assert_eq!(
        verify(&server, &format!("Bearer {token}")).await.status,
        200
    );
}

#[wasm_bindgen_test]
async fn every_token_has_an_id_of_its_own() {
    let server = Server::shared().await;
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let account = Account::register(&server).await;
        let answer = verify(&server, &account.bearer()).await;
        assert!(ids.insert(answer.headers.get("X-Auth-Token-Id").unwrap()));
    }
}

#[wasm_bindgen_test]
async fn attacks_are_refused() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    let claims = json!({ "sub": account.id.to_string(), "exp": harness::now() + 60 });
    let sign = |hash: &str, key: &[u8], header: &Value, claims: &Value| {
        let message = format!("{}.{}", segment(header), segment(claims));
        let signature = harness::hmac(hash, key, message.as_bytes());
        format!("{message}.{}", harness::base64url(&signature))
    };
    let ours = |header: &Value| sign("sha256", SECRET.as_bytes(), header, &claims);
    let attacker = [b'a'; 32];
    let jwk = json!({ "kty": "oct", "k": harness::base64url(&attacker) });
    let good = ours(&json!({ "alg": "HS256" }));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let repeated = format!(r#"{{"sub":"1","sub":"{}","exp":9999999999}}"#, account.id);
    let repeated = format!(
        "{}.{}",
        segment(&json!({ "alg": "HS256" })),
        harness::base64url(repeated.as_bytes())
    );
    let repeated_signature = harness::hmac("sha256", SECRET.as_bytes(), repeated.as_bytes());

    assert_eq!(verify(&server, &format!("Bearer {good}")).await.status, 200);
    let not_allowed = "The specified alg value is not allowed";
    let failed = "Signature verification failed";
    let mut attacks = vec![
        (format!("{message}."), failed),
        (message.to_owned(), "Not enough segments"),
        (format!("{good}="), "Invalid crypto padding"),
        (format!("{message}.{}", &signature[..40]), failed),
        (
            format!("{repeated}.{}", harness::base64url(&repeated_signature)),
            "Invalid payload string",
        ),
        (
            sign(
                "sha256",
                &attacker,
                &json!({ "alg": "HS256", "jwk": jwk }),
                &claims,
            ),
            failed,
        ),
        (
            sign("sha256", b"", &json!({ "alg": "HS256" }), &claims),
            failed,
        ),
        (
            ours(&json!({ "alg": "HS256", "crit": ["exp"] })),
            "Unsupported critical extension: exp",
        ),
        (
            ours(&json!({ "alg": "HS256", "kid": 1 })),
            "Key ID header parameter must be a string",
        ),
        (
            sign(
                "sha384",
                SECRET.as_bytes(),
                &json!({ "alg": "HS384" }),
                &claims,
            ),
            not_allowed,
        ),
        (
            sign(
                "sha512",
                SECRET.as_bytes(),
                &json!({ "alg": "HS512" }),
                &claims,
            ),
            not_allowed,
        ),
        (ours(&json!({ "alg": "ES256" })), not_allowed),
        (ours(&json!({ "alg": "RS256" })), not_allowed),
    ];
    for none in ["none", "None", "NONE", "nOnE"] {
        attacks.push((
            format!("{}.{}.", segment(&json!({ "alg": none })), segment(&claims)),
            not_allowed,
        ));
    }
    for (token, text) in attacks {
        let answer = verify(&server, &format!("Bearer {token}")).await;
        assert_eq!(
            (answer.status, answer.json()),
            (401, json!({ "msg": text })),
            "{token}"
        );
    }
}

#[wasm_bindgen_test]
async fn a_token_of_100_kb_is_refused() {
    let server = Server::shared().await;
    let claims = json!({ "sub": "1", "exp": harness::now() + 60, "x": "y".repeat(75_000) });
    let token = harness::signed(&claims);
    assert!(token.len() > 100_000);
    let answer = verify(&server, &format!("Bearer {token}")).await;
    assert_eq!(
        (answer.status, answer.json()),
        (401, json!({ "msg": "Not enough segments" }))
    );
    assert_eq!(server.request("GET", "/healthz").send().await.status, 200);
}

#[wasm_bindgen_test]
async fn tokens_of_the_old_service_are_told_by_their_time() {
    let server = Server::shared_quick().await;
    let account = Account::register(&server).await;
    let statement = "UPDATE users SET tokens_valid_after = ? WHERE id = ?";
    let change = harness::now() - 60;
    server
        .sql(statement, &[change.into(), account.id.into()])
        .await;
    for (issued_at, status) in [
        (json!(change - 1), 401),
        (json!(change), 401),
        (json!(change + 1), 200),
        (json!(null), 401),
    ] {
        let token = signed(&json!({
            "identity": account.id, "iat": issued_at, "exp": harness::now() + 600, "jti": "a.1",
        }));
        assert_eq!(me(&server, &token).await, status, "{issued_at}");
    }
}
