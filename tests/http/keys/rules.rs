//! A key has one algorithm, old secrets verify alone, and clocks may differ.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{
    ALGORITHM, CHEAP_PASSWORDS, ED25519, HMAC, ISSUER, OTHER_HMAC, P256, Pair, REVOKED, Retired,
    SIGNATURE, as_jwk, assert_good, assert_refused, get, header_of, jwks, refresh, settings,
    sign_hmac, start,
};
use crate::harness::{self, Account, SECRET, Server};
use crate::operations::every_route_answers_500;

fn claims_of(id: u64) -> Value {
    json!({ "identity": id, "iat": harness::now(), "exp": harness::now() + 60 })
}

/// A public key says nothing that the secret of refresh tokens could follow from.
#[wasm_bindgen_test]
async fn a_public_key_verifies_access_tokens_alone() {
    let mut public = ED25519.jwk();
    public.as_object_mut().unwrap().remove("d");
    let none = Retired::new(&[]);
    let listed = Retired {
        keys: public.to_string(),
        ..Retired::new(&[])
    };
    let servers =
        Server::start_sharing_database(&[settings(&ED25519, &none), settings(&HMAC, &listed)])
            .await;
    let account = Account::register(&servers[0]).await;
    let mut session = Pair::open(&servers[0], &account).await;
    assert_good(&servers[1], &session.access, "a public key").await;
    let answer = refresh(&servers[1], &session.refresh).await;
    assert_eq!(
        (answer.status, answer.json()),
        (401, json!({ "msg": REVOKED }))
    );
    session.refresh(&servers[0], "the private key").await;
    servers[0].clone().stop().await;
}

#[wasm_bindgen_test]
async fn public_keys_are_no_secrets() {
    // With and without a key of HMAC that might have signed.
    let keys: [(_, &[_]); 4] = [
        (&ED25519, &[]),
        (&ED25519, &[&HMAC]),
        (&P256, &[]),
        (&P256, &[&HMAC]),
    ];
    let servers = start(keys).await;
    let account = Account::register(&servers[0]).await;
    let claims = claims_of(account.id);
    for (server, (_, retired)) in servers.iter().zip(keys) {
        let text = if retired.is_empty() {
            ALGORITHM
        } else {
            SIGNATURE
        };
        let set = server.request("GET", "/.well-known/jwks.json").send().await;
        let jwk = &set.json()["keys"][0];
        for secret in public_forms(jwk, set.text()) {
            for (header, text) in [
                (json!({ "alg": "HS256", "typ": "JWT" }), text),
                (json!({ "alg": "HS256", "kid": "unknown" }), text),
                (json!({ "alg": "HS256", "kid": jwk["kid"] }), ALGORITHM),
            ] {
                let token = sign_hmac(&secret, &header, &claims);
                assert_refused(server, &token, text, &header.to_string()).await;
            }
        }
    }
    servers[0].clone().stop().await;
}

/// What an attacker might take for the secret (RFC 8725 section 2.1).
fn public_forms(jwk: &Value, set: &str) -> Vec<Vec<u8>> {
    let x = jwk["x"].as_str().unwrap();
    let x_octets = Base64UrlUnpadded::decode_vec(x).unwrap();
    // SubjectPublicKeyInfo (RFC 8410 section 4, RFC 5480 section 2).
    let (prefix, point) = match jwk["y"].as_str() {
        None => ("MCowBQYDK2VwAyEA", x_octets.clone()),
        Some(y) => (
            "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE",
            [x_octets.clone(), Base64UrlUnpadded::decode_vec(y).unwrap()].concat(),
        ),
    };
    let der = [Base64::decode_vec(prefix).unwrap(), point.clone()].concat();
    let lines: Vec<_> = Base64::encode_string(&der)
        .as_bytes()
        .chunks(64)
        .map(|line| str::from_utf8(line).unwrap().to_owned())
        .collect();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----",
        lines.join("\n")
    );
    vec![
        x_octets,
        x.into(),
        point,
        jwk.to_string().into(),
        set.into(),
        set.trim_end().into(),
        der,
        pem.clone().into(),
        format!("{pem}\n").into(),
        jwk["kid"].as_str().unwrap().into(),
        Vec::new(),
    ]
}

#[wasm_bindgen_test]
async fn a_kid_does_not_lend_another_key_s_algorithm() {
    let all = [&HMAC, &ED25519, &P256];
    let servers = start(all.map(|active| (active, &all[..]))).await;
    let account = Account::register(&servers[0]).await;
    let claims = claims_of(account.id);
    for server in &servers {
        for key in all {
            let own = json!({ "alg": key.algorithm, "kid": key.kid().await });
            let unnamed = json!({ "alg": key.algorithm });
            let unknown = json!({ "alg": key.algorithm, "kid": "unknown" });
            for header in [own, unnamed, unknown] {
                let token = key.sign(&header, &claims).await;
                assert_good(server, &token, &header.to_string()).await;
            }
            for other in all {
                if other.algorithm == key.algorithm {
                    continue;
                }
                let header = json!({ "alg": key.algorithm, "kid": other.kid().await });
                let token = key.sign(&header, &claims).await;
                assert_refused(server, &token, ALGORITHM, &header.to_string()).await;
            }
            for none in ["none", "None", "NONE", "nOnE", ""] {
                let header = json!({ "alg": none, "kid": key.kid().await });
                let token = sign_hmac(b"", &header, &claims);
                let message = token.rsplit_once('.').unwrap().0;
                for token in [&token, &format!("{message}.")] {
                    assert_refused(server, token, ALGORITHM, none).await;
                }
            }
        }
    }
    servers[0].clone().stop().await;
}

#[wasm_bindgen_test]
async fn two_keys_of_one_algorithm_do_not_lend_their_kid() {
    let servers = start([(&HMAC, &[&OTHER_HMAC])]).await;
    let server = &servers[0];
    let account = Account::register(server).await;
    let header = json!({ "alg": "HS256", "kid": OTHER_HMAC.kid().await });
    let token = HMAC.sign(&header, &claims_of(account.id)).await;
    assert_refused(server, &token, SIGNATURE, "another's kid").await;
    let token = OTHER_HMAC.sign(&header, &claims_of(account.id)).await;
    assert_good(server, &token, "its own kid").await;
    server.clone().stop().await;
}

/// The old Flask service's tokens have no `kid`.
#[wasm_bindgen_test]
async fn tokens_of_the_old_service_stay_good() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    let token = harness::signed(&claims_of(account.id));
    assert_eq!(header_of(&token), json!({ "alg": "HS256", "typ": "JWT" }));
    assert_good(&server, &token, "the active secret").await;

    // One with spaces in it, whose words are no secrets, and one as a JWK.
    let listed = Retired {
        secrets: SECRET.to_owned(),
        ..Retired::new(&[])
    };
    let as_jwk = Retired {
        keys: as_jwk(HMAC.text),
        ..Retired::new(&[])
    };
    let mut settings = [settings(&ED25519, &listed), settings(&ED25519, &as_jwk)];
    for settings in &mut settings {
        settings.push(("JWT_ACCEPT_FORGEABLE_TOKENS", Some("true")));
    }
    let servers = Server::start_sharing_database(&settings).await;
    let account = Account::register(&servers[0]).await;
    let claims = claims_of(account.id);
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let retired = [SECRET, HMAC.text];
    for (i, server) in servers.iter().enumerate() {
        let token = sign_hmac(retired[i].as_bytes(), &header, &claims);
        assert_good(server, &token, "a retired secret").await;
        let token = sign_hmac(retired[1 - i].as_bytes(), &header, &claims);
        assert_refused(server, &token, SIGNATURE, "no secret of ours").await;
    }
    let word = SECRET.split(' ').next().unwrap();
    let token = sign_hmac(word.as_bytes(), &header, &claims);
    assert_refused(&servers[0], &token, SIGNATURE, "a word of a secret").await;
    servers[0].clone().stop().await;
}

#[wasm_bindgen_test]
async fn a_weak_secret_is_refused_at_the_start() {
    let as_jwk = as_jwk("secret");
    let refused = "has a secret shorter than 32 bytes, with which tokens can be forged";
    every_route_answers_500(&[
        (
            &[("JWT_SECRETS_RETIRED", Some("secret"))],
            &format!("JWT_SECRETS_RETIRED {refused}"),
        ),
        (
            &[
                ("JWT_KEYS_RETIRED", Some(&as_jwk)),
                ("JWT_ACCEPT_FORGEABLE_TOKENS", Some("false")),
            ],
            &format!("JWT_KEYS_RETIRED {refused}"),
        ),
        // The active one has to be strong whatever the old service's was.
        (
            &[
                ("JWT_SECRET", Some("secret")),
                ("JWT_ACCEPT_FORGEABLE_TOKENS", Some("true")),
            ],
            "JWT_SECRET is shorter",
        ),
    ])
    .await;
}

#[wasm_bindgen_test]
async fn a_weak_secret_verifies_tokens_without_a_kid_alone() {
    let listed = Retired {
        secrets: "secret".to_owned(),
        ..Retired::new(&[])
    };
    let as_jwk = Retired {
        keys: as_jwk("secret"),
        ..Retired::new(&[])
    };
    let keys = [(&HMAC, &listed), (&ED25519, &listed), (&ED25519, &as_jwk)];
    let settings = keys.map(|(active, retired)| {
        let mut settings = settings(active, retired);
        settings.push(("JWT_ACCEPT_FORGEABLE_TOKENS", Some("true")));
        settings
    });
    let servers = Server::start_sharing_database(&settings).await;
    for (server, (active, _)) in servers.iter().zip(keys) {
        let account = Account::register(server).await;
        let claims = claims_of(account.id);
        let header = json!({ "alg": "HS256", "typ": "JWT" });
        let token = sign_hmac(b"secret", &header, &claims);
        assert_good(server, &token, "no kid").await;
        let kid = harness::hmac("sha256", b"secret", b"edge-auth kid");
        for kid in [
            "",
            "x",
            &active.kid().await,
            &harness::base64url(&kid[..16]),
        ] {
            let header = json!({ "alg": "HS256", "typ": "JWT", "kid": kid });
            let token = sign_hmac(b"secret", &header, &claims);
            let text = if active.is_secret() {
                SIGNATURE
            } else {
                ALGORITHM
            };
            assert_refused(server, &token, text, kid).await;
        }
        let token = sign_hmac(b"secrets", &header, &claims);
        assert_refused(server, &token, SIGNATURE, "another secret").await;
        assert_good(server, &account.access_token, "the active key").await;
    }
    servers[0].clone().stop().await;
}

/// Sets the clock to the beginning of that second.
fn set_time(server: &Server, seconds: u64) {
    server.set_clock(seconds as f64 * 1000.0 - js_sys::Date::now());
}

#[wasm_bindgen_test]
async fn clocks_may_differ_by_ten_seconds() {
    let server = Server::start_with_clock(&CHEAP_PASSWORDS).await;
    let account = Account::register(&server).await;
    let now = harness::now() + 60;
    let asked = async |claims: &Value| {
        let mut all = json!({ "sub": account.id.to_string(), "exp": now + 60 });
        let members = all.as_object_mut().unwrap();
        members.extend(claims.as_object().unwrap().clone());
        set_time(&server, now);
        let authorization = format!("Bearer {}", harness::signed(&all));
        get(&server, "/api/auth/me", &authorization).await
    };
    for claims in [
        json!({ "iat": now + 10 }),
        json!({ "nbf": now + 10 }),
        json!({ "exp": now + 1 }),
    ] {
        let answer = asked(&claims).await;
        assert_eq!(answer.status, 200, "{claims}: {}", answer.text());
    }
    for (claims, text) in [
        (
            json!({ "iat": now + 11 }),
            "The token is not yet valid (iat)",
        ),
        (
            json!({ "nbf": now + 11 }),
            "The token is not yet valid (nbf)",
        ),
        // No leeway.
        (json!({ "exp": now }), "Token has expired"),
        (json!({ "exp": now - 1 }), "Token has expired"),
    ] {
        let answer = asked(&claims).await;
        let expected = (401, json!({ "msg": text }));
        assert_eq!((answer.status, answer.json()), expected, "{claims}");
    }

    // A token of ours, of a clock that is ahead.
    for (ahead, status) in [(10, 200), (11, 401)] {
        set_time(&server, now + ahead);
        let account = Account::register(&server).await;
        for path in ["/api/auth/me", "/api/auth/sessions", "/verify"] {
            set_time(&server, now);
            let answer = get(&server, path, &account.bearer()).await;
            assert_eq!(answer.status, status, "{path}: {ahead} s");
        }
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn made_keys_start_a_server() {
    for (algorithm, setting) in [
        ("HS256", "JWT_SECRET"),
        ("EdDSA", "JWT_PRIVATE_KEY"),
        ("ES256", "JWT_PRIVATE_KEY"),
    ] {
        let key = harness::make_key(algorithm);
        assert_ne!(key, harness::make_key(algorithm));
        let mut settings = CHEAP_PASSWORDS.to_vec();
        settings.extend([
            ("JWT_SECRET", None),
            ("JWT_ALGORITHM", Some(algorithm)),
            (setting, Some(&key)),
        ]);
        let server = Server::start(&settings).await;
        let account = Account::register(&server).await;
        let token = &account.access_token;
        assert_good(&server, token, algorithm).await;
        let set = jwks(&server).await;
        if algorithm == "HS256" {
            harness::jose_verify(token, &key).await.unwrap();
            assert_eq!(set, json!({ "keys": [] }));
        } else {
            let verified = harness::jose_verify_by_jwks(token, &set, ISSUER, algorithm).await;
            assert_eq!(verified.unwrap()["payload"]["identity"], account.id);
        }
        server.stop().await;
    }
}
