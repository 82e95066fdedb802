//! `/.well-known/jwks.json`: what others verify access tokens with.

use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{ED25519, HMAC, ISSUER, OTHER_HMAC, P256, Retired, as_jwk, jwks, settings, start};
use crate::harness::{self, Account, SECRET, Server};

#[wasm_bindgen_test]
async fn others_verify_by_the_key_set() {
    let keys: [(_, &[_]); 2] = [(&ED25519, &[&P256, &HMAC]), (&P256, &[&ED25519, &HMAC])];
    let servers = start(keys).await;
    for (server, (active, retired)) in servers.iter().zip(keys) {
        let account = Account::register(server).await;
        let token = &account.access_token;
        let set = jwks(server).await;
        let verified = harness::jose_verify_by_jwks(token, &set, ISSUER, active.algorithm).await;
        let verified = verified.unwrap();
        assert_eq!(verified["payload"]["sub"], account.id.to_string());
        let header = json!({ "alg": active.algorithm, "kid": active.kid().await, "typ": "JWT" });
        assert_eq!(verified["header"], header);

        let keys = set["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 2);
        for (jwk, key) in keys.iter().zip([active, retired[0]]) {
            assert_eq!(jwk["kid"], harness::jose_thumbprint(jwk).await);
            // The public members, and nothing else.
            let mut expected = key.jwk();
            let members = expected.as_object_mut().unwrap();
            members.remove("d");
            members.insert("alg".into(), key.algorithm.into());
            members.insert("use".into(), "sig".into());
            members.insert("kid".into(), key.kid().await.into());
            assert_eq!(*jwk, expected);
        }

        let other_key = json!({ "keys": [keys[1]] });
        for (keys, issuer) in [(&other_key, ISSUER), (&set, "another")] {
            let verified = harness::jose_verify_by_jwks(token, keys, issuer, active.algorithm);
            assert!(verified.await.is_err());
        }
    }
    servers[0].clone().stop().await;
}

#[wasm_bindgen_test]
async fn the_key_set_shows_no_secret() {
    let retired = Retired {
        keys: as_jwk(SECRET),
        ..Retired::new(&[&OTHER_HMAC])
    };
    let settings = [settings(&HMAC, &retired), settings(&ED25519, &retired)];
    let servers = Server::start_sharing_database(&settings).await;
    let request = servers[0].request("GET", "/.well-known/jwks.json");
    let answer = request.send().await;
    assert_eq!((answer.status, answer.text()), (200, "{\"keys\":[]}\n"));

    let set = jwks(&servers[1]).await;
    let keys = set["keys"].as_array().unwrap();
    let kids: Vec<_> = keys.iter().map(|jwk| &jwk["kid"]).collect();
    assert_eq!(kids, [&ED25519.kid().await]);
    servers[0].clone().stop().await;
}

#[wasm_bindgen_test]
async fn the_key_set_is_public_and_cached() {
    let server = Server::shared().await;
    let path = "/.well-known/jwks.json";
    for method in ["GET", "HEAD"] {
        let answer = server.request(method, path).send().await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body.is_empty(), method == "HEAD");
        for (name, value) in [
            ("Cache-Control", "public, max-age=300"),
            ("Content-Type", "application/json"),
            ("X-Content-Type-Options", "nosniff"),
        ] {
            let all = answer.headers.all();
            let of_name: Vec<_> = all
                .filter(|(found, _)| found.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
                .collect();
            assert_eq!(of_name, [value], "{method} {name}");
        }
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = server.request(method, path).send().await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.headers.get("Allow").as_deref(), Some("GET, HEAD"));
        assert_eq!(
            answer.headers.get("Cache-Control").as_deref(),
            Some("no-store")
        );
    }
}
