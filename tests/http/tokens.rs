//! Access tokens over HTTP: other libraries, attacks (RFC 8725), dialects of a refusal.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::given::{self, Account, SECRET};
use crate::support::{self, Answer, Server};

async fn verify(server: &Server, authorization: &str) -> Answer {
    let request = server.request("GET", "/verify");
    request.header("Authorization", authorization).send().await
}

fn segment(value: &Value) -> String {
    support::base64url(value.to_string().as_bytes())
}

#[wasm_bindgen_test]
async fn jose_accepts_our_tokens_and_we_accept_jose_s() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    let claims = support::jose_verify(&account.access_token, SECRET)
        .await
        .unwrap();
    let now = given::now();
    assert_eq!(claims["iss"], "edge-auth");
    assert_eq!(claims["sub"], account.id.to_string());
    assert_eq!(claims["identity"], account.id);
    assert_eq!(claims["type"], "access");
    assert_eq!(claims["role"], "customer");
    assert_eq!(claims["iat"], claims["nbf"]);
    assert!(claims["iat"].as_u64().unwrap().abs_diff(now) <= 5);
    assert!(
        support::jose_verify(&account.access_token, "another secret")
            .await
            .is_err()
    );

    let header = json!({ "alg": "HS256" });
    let claims = json!({ "sub": account.id.to_string(), "exp": now + 60 });
    let token = support::jose_sign(header, claims, SECRET).await;
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
    let claims = json!({ "sub": account.id.to_string(), "exp": given::now() + 60 });
    let sign = |hash: &str, key: &[u8], header: &Value, claims: &Value| {
        let message = format!("{}.{}", segment(header), segment(claims));
        let signature = support::hmac(hash, key, message.as_bytes());
        format!("{message}.{}", support::base64url(&signature))
    };
    let ours = |header: &Value| sign("sha256", SECRET.as_bytes(), header, &claims);
    let attacker = [b'a'; 32];
    let jwk = json!({ "kty": "oct", "k": support::base64url(&attacker) });
    let good = ours(&json!({ "alg": "HS256" }));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let repeated = format!(r#"{{"sub":"1","sub":"{}","exp":9999999999}}"#, account.id);
    let repeated = format!(
        "{}.{}",
        segment(&json!({ "alg": "HS256" })),
        support::base64url(repeated.as_bytes())
    );
    let repeated_signature = support::hmac("sha256", SECRET.as_bytes(), repeated.as_bytes());

    assert_eq!(verify(&server, &format!("Bearer {good}")).await.status, 200);
    let not_allowed = "The specified alg value is not allowed";
    let failed = "Signature verification failed";
    let mut attacks = vec![
        (format!("{message}."), failed),
        (message.to_owned(), "Not enough segments"),
        (format!("{good}="), "Invalid crypto padding"),
        (format!("{message}.{}", &signature[..40]), failed),
        (
            format!("{repeated}.{}", support::base64url(&repeated_signature)),
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
    let claims = json!({ "sub": "1", "exp": given::now() + 60, "x": "y".repeat(75_000) });
    let token = given::signed(&claims);
    assert!(token.len() > 100_000);
    let answer = verify(&server, &format!("Bearer {token}")).await;
    assert_eq!(
        (answer.status, answer.json()),
        (401, json!({ "msg": "Not enough segments" }))
    );
    assert_eq!(server.request("GET", "/healthz").send().await.status, 200);
}

#[wasm_bindgen_test]
async fn the_scheme_picks_the_dialect_of_verify() {
    let server = Server::shared().await;
    let first = json!({
        "description": "Not enough segments", "error": "Invalid token", "status_code": 401,
    });
    let second = json!({ "msg": "Not enough segments" });
    for (header, body, challenge) in [
        ("JWT x", &first, "JWT realm=\"Login Required\""),
        ("Basic x, jwt x", &first, "JWT realm=\"Login Required\""),
        ("Bearer x", &second, "Bearer"),
    ] {
        let answer = verify(&server, header).await;
        assert_eq!((answer.status, &answer.json()), (401, body), "{header}");
        assert_eq!(
            answer.headers.get("WWW-Authenticate").as_deref(),
            Some(challenge)
        );
    }
    // On `/api/*` it is always the second.
    let me = server
        .request("GET", "/api/auth/me")
        .header("Authorization", "JWT x");
    let answer = me.send().await;
    assert_eq!((answer.status, &answer.json()), (401, &second));
}

#[wasm_bindgen_test]
async fn verify_takes_any_method_and_follows_the_account() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let request = server.request(method, "/verify");
        let answer = request
            .header("Authorization", &account.bearer())
            .send()
            .await;
        assert_eq!(answer.status, 200, "{method}");
        assert_eq!(answer.body.is_empty(), method == "HEAD", "{method}");
    }
    let refusals = async |reason: &str, error: &str, description: &str| {
        let answer = verify(&server, &account.bearer()).await;
        assert_eq!(
            (answer.status, answer.json()),
            (401, json!({ "msg": reason }))
        );
        let answer = verify(&server, &format!("JWT {}", account.access_token)).await;
        let body = json!({ "description": description, "error": error, "status_code": 401 });
        assert_eq!((answer.status, answer.json()), (401, body));
    };
    server
        .sql(
            "UPDATE users SET disabled = 1 WHERE id = ?",
            &[account.id.into()],
        )
        .await;
    let revoked = "Token has been revoked";
    refusals(revoked, "Invalid token", revoked).await;
    server
        .sql("DELETE FROM users WHERE id = ?", &[account.id.into()])
        .await;
    let gone = format!("Error loading the user {}", account.id);
    refusals(&gone, "Invalid JWT", "User does not exist").await;
}

#[wasm_bindgen_test]
async fn odd_token_ids_do_not_break_the_answer() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    for (jti, header) in [
        (json!("a-b_c"), Some("a-b_c")),
        (json!("a\r\nX-Auth-Role: admin"), None),
        (json!("ä"), None),
        (json!(""), None),
        (json!(null), None),
    ] {
        let claims = json!({ "identity": account.id, "exp": given::now() + 60, "jti": jti });
        let answer = verify(&server, &format!("JWT {}", given::signed(&claims))).await;
        assert_eq!(answer.status, 200, "{jti}");
        assert_eq!(
            answer.headers.get("X-Auth-Token-Id").as_deref(),
            header,
            "{jti}"
        );
        assert_eq!(
            answer.headers.get("X-Auth-Role").as_deref(),
            Some("customer")
        );
    }
}
