use std::sync::LazyLock;

use serde_json::json;

use super::super::issue::{Issue, sign};
use super::super::key::{RetiredKey, SigningKey};
use super::super::test_keys::{ed25519, hmac, p256};
use super::*;
use crate::json::NotAnObject;
use crate::proof::{Method, Proof};
use crate::sign_in::SignedIn;

const NOW: u64 = 1_700_000_000;
const ISSUER: &str = "edge-auth";

fn keys() -> Keys {
    hmac().into()
}

fn signed_in(epoch: u64, second: Option<Method>) -> SignedIn {
    let proof = Proof {
        auth_time: UnixSeconds(NOW),
        amr: Amr::of(Method::Password, second),
    };
    SignedIn::resumed(UserId::new(7).unwrap(), epoch, proof)
}

static SIGNED_IN: LazyLock<SignedIn> = LazyLock::new(|| signed_in(4, None));

fn issue() -> Issue<'static> {
    Issue {
        issuer: ISSUER,
        now: UnixSeconds(NOW),
        lifetime: Seconds(900),
        jti: [3; 16],
        signed_in: &SIGNED_IN,
        role: "customer",
        session: None,
    }
}

fn issued() -> String {
    sign(issue(), &hmac()).unwrap()
}

fn encode(text: &str) -> String {
    Base64UrlUnpadded::encode_string(text.as_bytes())
}

/// A token of exactly these texts, signed by our key.
fn signed(header: &str, payload: &str) -> String {
    signed_by(&hmac(), header, payload)
}

fn signed_by(key: &SigningKey, header: &str, payload: &str) -> String {
    let message = format!("{}.{}", encode(header), encode(payload));
    let signature = Base64UrlUnpadded::encode_string(&key.sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn with_claims(claims: &Value) -> String {
    signed(r#"{"alg":"HS256"}"#, &claims.to_string())
}

fn verified(token: &str) -> Result<AccessToken, TokenError> {
    verify(token, ISSUER, UnixSeconds(NOW), &keys())
}

fn claims_error(claims: &Value) -> TokenError {
    verified(&with_claims(claims)).unwrap_err()
}

fn header_error(header: &str) -> TokenError {
    let payload = json!({ "sub": "7", "exp": NOW + 60 }).to_string();
    verified(&signed(header, &payload)).unwrap_err()
}

#[test]
fn accepts_what_it_issues_until_it_expires() {
    let token = issued();
    let good = Ok(AccessToken {
        subject: Ok(UserId::new(7).unwrap()),
        jti: Some("AwMDAwMDAwMDAwMDAwMDAw.4".into()),
        epoch: Some(4),
        session: None,
        role: Some("customer".to_owned()),
        auth_time: Some(UnixSeconds(NOW)),
        amr: Amr::claimed(&[]),
        issued_at: Some(1_700_000_000.0),
        expires_at: 1_700_000_900.0,
    });
    assert_eq!(verify(&token, ISSUER, UnixSeconds(NOW), &keys()), good);
    assert_eq!(
        verify(&token, ISSUER, UnixSeconds(NOW + 899), &keys()),
        good
    );
    assert_eq!(
        verify(&token, ISSUER, UnixSeconds(NOW + 900), &keys()),
        Err(TokenError::Expired)
    );
    // A clock ten seconds behind ours, and one second more.
    assert_eq!(verify(&token, ISSUER, UnixSeconds(NOW - 10), &keys()), good);
    assert_eq!(
        verify(&token, ISSUER, UnixSeconds(NOW - 11), &keys()),
        Err(TokenError::InTheFuture(TimeClaim::IssuedAt))
    );
    assert_eq!(
        verify(&token, "other", UnixSeconds(NOW), &keys()),
        Err(TokenError::Issuer)
    );
}

#[test]
fn verifies_the_example_of_rfc_7515_a_1() {
    let key = Base64UrlUnpadded::decode_vec(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    )
    .unwrap();
    let key = SigningKey::from_secret(&key).unwrap().into();
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
                 eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                 cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
                 dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    // It names no subject, which is looked at after the signature.
    let at = |now| verify(token, "joe", UnixSeconds(now), &key);
    assert_eq!(at(1_300_819_379), Err(TokenError::SubjectMissing));
    let forged = token.replace("dBjft", "dBjfu");
    let error = verify(&forged, "joe", UnixSeconds(1_300_819_379), &key);
    assert_eq!(error, Err(TokenError::Signature { payload: None }));
}

#[test]
fn accepts_a_token_of_flask_jwt() {
    let claims = json!({ "exp": NOW + 300, "iat": NOW, "nbf": NOW, "identity": 7 });
    let token = signed(r#"{"typ":"JWT","alg":"HS256"}"#, &claims.to_string());
    let good = AccessToken {
        subject: Ok(UserId::new(7).unwrap()),
        jti: None,
        epoch: None,
        session: None,
        role: None,
        auth_time: None,
        amr: Amr::claimed(&[]),
        issued_at: Some(1_700_000_000.0),
        expires_at: 1_700_000_300.0,
    };
    assert_eq!(verified(&token), Ok(good));
}

/// The key as others may have it: its public half.
fn retired(key: SigningKey) -> RetiredKey {
    let jwks = Keys::from(key).jwks();
    let mut keys = RetiredKey::from_jwks(&jwks["keys"][0].to_string(), false).unwrap();
    keys.pop().unwrap()
}

#[test]
fn every_algorithm_issues_and_accepts() {
    for (key, algorithm) in [(hmac(), "HS256"), (ed25519(), "EdDSA"), (p256(), "ES256")] {
        let issue = Issue {
            signed_in: &signed_in(u64::MAX, Some(Method::OneTimePassword)),
            session: Some(&SessionId::claimed("the session".to_owned())),
            ..issue()
        };
        let token = sign(issue, &key).unwrap();
        let header = token.split_once('.').unwrap().0;
        let header = Base64UrlUnpadded::decode_vec(header).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        let expected = json!({ "alg": algorithm, "typ": "JWT", "kid": key.kid() });
        assert_eq!(header, expected);
        let token = verify(&token, ISSUER, UnixSeconds(NOW), &key.into()).unwrap();
        assert_eq!(token.subject, Ok(UserId::new(7).unwrap()));
        assert_eq!(token.session.unwrap().as_str(), "the session");
        assert_eq!(token.epoch, Some(u64::MAX));
        assert_eq!(token.amr.as_str(), "pwd otp mfa");
    }
}

#[test]
fn retired_keys_verify() {
    let payload = json!({ "sub": "7", "exp": NOW + 60 }).to_string();
    let keys = Keys {
        active: hmac(),
        retired: vec![retired(ed25519()), retired(p256())],
    };
    for (old, algorithm) in [(ed25519(), "EdDSA"), (p256(), "ES256")] {
        for header in [
            json!({ "alg": algorithm, "kid": old.kid() }),
            json!({ "alg": algorithm, "kid": "unknown" }),
            json!({ "alg": algorithm }),
        ] {
            let token = signed_by(&old, &header.to_string(), &payload);
            assert!(
                verify(&token, ISSUER, UnixSeconds(NOW), &keys).is_ok(),
                "{header}"
            );
            let without = verify(&token, ISSUER, UnixSeconds(NOW), &hmac().into());
            assert_eq!(without, Err(TokenError::AlgorithmNotAllowed), "{header}");
        }
    }
    // What is issued is signed by the active key.
    assert!(verify(&issued(), ISSUER, UnixSeconds(NOW), &hmac().into()).is_ok());
}

#[test]
fn weak_keys_verify_tokens_without_a_kid_alone() {
    let weak = || RetiredKey::from_secret(b"weak secret", true).unwrap();
    let payload = json!({ "sub": "7", "exp": NOW + 60 }).to_string();
    let by_weak = |header: &Value| {
        let message = format!("{}.{}", encode(&header.to_string()), encode(&payload));
        let key = jwt_compact::alg::Hs256Key::new(b"weak secret");
        let signature =
            jwt_compact::Algorithm::sign(&jwt_compact::alg::Hs256, &key, message.as_bytes());
        let signature = jwt_compact::AlgorithmSignature::as_bytes(&signature).into_owned();
        format!("{message}.{}", Base64UrlUnpadded::encode_string(&signature))
    };
    let keys = |active| Keys {
        active,
        retired: vec![weak()],
    };
    let without = json!({ "alg": "HS256" });
    for active in [hmac(), ed25519()] {
        assert!(verify(&by_weak(&without), ISSUER, UnixSeconds(NOW), &keys(active)).is_ok());
    }
    for kid in ["unknown", "", hmac().kid()] {
        let token = by_weak(&json!({ "alg": "HS256", "kid": kid }));
        assert_eq!(
            verify(&token, ISSUER, UnixSeconds(NOW), &keys(hmac())),
            Err(TokenError::Signature { payload: None })
        );
        assert_eq!(
            verify(&token, ISSUER, UnixSeconds(NOW), &keys(ed25519())),
            Err(TokenError::AlgorithmNotAllowed)
        );
    }
}

#[test]
fn algorithms_are_not_confused() {
    let payload = json!({ "sub": "7", "exp": NOW + 60 }).to_string();
    let all = || Keys {
        active: ed25519(),
        retired: vec![
            retired(p256()),
            RetiredKey::from_secret(&[b'x'; 32], false).unwrap(),
        ],
    };
    let error =
        |token: &str, keys: &Keys| verify(token, ISSUER, UnixSeconds(NOW), keys).unwrap_err();

    // The public key, which everybody has, as the secret of an HMAC.
    let jwks = all().jwks();
    for jwk in jwks["keys"].as_array().unwrap() {
        let x = jwk["x"].as_str().unwrap();
        let raw = Base64UrlUnpadded::decode_vec(x).unwrap();
        for secret in [raw, x.as_bytes().to_vec(), jwk.to_string().into_bytes()] {
            let attacker = SigningKey::from_secret(&secret).unwrap();
            let token = |header: &Value| signed_by(&attacker, &header.to_string(), &payload);
            let plain = token(&json!({ "alg": "HS256" }));
            assert_eq!(
                error(&plain, &all()),
                TokenError::Signature { payload: None }
            );
            let alone = ed25519().into();
            assert_eq!(error(&plain, &alone), TokenError::AlgorithmNotAllowed);
            let named = token(&json!({ "alg": "HS256", "kid": jwk["kid"] }));
            assert_eq!(error(&named, &all()), TokenError::AlgorithmNotAllowed);
        }
    }
    // The kid of one key, the algorithm and the signature of another.
    let token = |key: &SigningKey, alg, kid: &SigningKey| {
        let header = json!({ "alg": alg, "kid": kid.kid() });
        signed_by(key, &header.to_string(), &payload)
    };
    let (ed, p) = (ed25519(), p256());
    for mixed in [token(&p, "ES256", &ed), token(&ed, "EdDSA", &p)] {
        assert_eq!(error(&mixed, &all()), TokenError::AlgorithmNotAllowed);
    }
    // The signature of one key under the algorithm of another, of the same length.
    for mixed in [token(&p, "EdDSA", &ed), token(&ed, "ES256", &p)] {
        assert_eq!(
            error(&mixed, &all()),
            TokenError::Signature { payload: None }
        );
    }
    for none in ["none", "None", "NONE", "nOnE"] {
        let header = json!({ "alg": none }).to_string();
        let token = format!("{}.{}.", encode(&header), encode(&payload));
        assert_eq!(error(&token, &all()), TokenError::AlgorithmNotAllowed);
    }
}

#[test]
fn sessions_and_times_are_told() {
    let token = |name: &str, value: Value| {
        let mut claims = json!({ "sub": "7", "exp": NOW + 60 });
        claims[name] = value;
        verified(&with_claims(&claims)).unwrap()
    };
    assert_eq!(token("sid", json!("s")).session.unwrap().as_str(), "s");
    for odd in [json!(null), json!(1), json!(["s"]), json!({})] {
        assert_eq!(token("sid", odd).session, None);
    }
    assert_eq!(token("iat", json!(NOW)).issued_at, Some(1_700_000_000.0));
    assert_eq!(token("iat", json!(1.5)).issued_at, Some(1.5));
    assert_eq!(token("iat", json!(null)).issued_at, None);
    assert_eq!(token("jti", json!("x")).epoch, None);
}

#[test]
fn only_the_keys_own_algorithm() {
    for algorithm in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "",
        "HS384",
        "HS512",
        "hs256",
        "HS256 ",
        "RS256",
        "ES256",
        "EdDSA",
        "PS256",
        "dir",
        "A256GCMKW",
    ] {
        let header = json!({ "alg": algorithm }).to_string();
        assert_eq!(
            header_error(&header),
            TokenError::AlgorithmNotAllowed,
            "{algorithm}"
        );
    }
    for algorithm in [
        json!(null),
        json!(["HS256"]),
        json!(1),
        json!({ "HS256": 1 }),
    ] {
        let header = json!({ "alg": algorithm }).to_string();
        assert_eq!(
            header_error(&header),
            TokenError::AlgorithmNotAllowed,
            "{algorithm}"
        );
    }
    assert_eq!(header_error("{}"), TokenError::AlgorithmMissing);
}

#[test]
fn stripped_signatures_are_refused() {
    let token = issued();
    let (message, _) = token.rsplit_once('.').unwrap();
    assert_eq!(verified(message), Err(TokenError::NotEnoughSegments));
    assert_eq!(
        verified(&format!("{message}.")),
        Err(TokenError::Signature { payload: None })
    );
    let none = encode(r#"{"alg":"none"}"#);
    let payload = message.split_once('.').unwrap().1;
    assert_eq!(
        verified(&format!("{none}.{payload}.")),
        Err(TokenError::AlgorithmNotAllowed)
    );
}

#[test]
fn signatures_of_another_length_are_refused() {
    let token = issued();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let bytes = Base64UrlUnpadded::decode_vec(signature).unwrap();
    for length in [0, 1, 16, 31] {
        let short = Base64UrlUnpadded::encode_string(&bytes[..length]);
        let error = verified(&format!("{message}.{short}"));
        assert_eq!(
            error,
            Err(TokenError::Signature { payload: None }),
            "{length}"
        );
    }
    let long = Base64UrlUnpadded::encode_string(&[&bytes[..], &[0; 32]].concat());
    let error = verified(&format!("{message}.{long}"));
    assert_eq!(error, Err(TokenError::Signature { payload: None }));
}

#[test]
fn segments_are_strict_base64url() {
    let token = issued();
    let (message, signature) = token.rsplit_once('.').unwrap();
    for tail in ["=", "==", "!!!!", "A=", " ", "\n"] {
        let error = verified(&format!("{token}{tail}"));
        assert_eq!(
            error,
            Err(TokenError::Padding(Segment::Signature)),
            "{tail:?}"
        );
    }
    // The last of 43 characters carries four bits of the signature and two that must be 0.
    let (rest, last) = signature.split_at(42);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let index = alphabet.find(last).unwrap();
    let stray = alphabet.chars().nth(index + 1).unwrap();
    let error = verified(&format!("{message}.{rest}{stray}"));
    assert_eq!(error, Err(TokenError::Padding(Segment::Signature)));

    let (header, payload) = message.split_once('.').unwrap();
    let error = verified(&format!("{header}=.{payload}.{signature}"));
    assert_eq!(error, Err(TokenError::Padding(Segment::Header)));
    let error = verified(&format!("{header}.{payload}=.{signature}"));
    assert_eq!(error, Err(TokenError::Padding(Segment::Payload)));
    let error = verified(&format!("{header}.{payload}.{signature}.AAAA"));
    assert_eq!(error, Err(TokenError::Padding(Segment::Payload)));
    let standard = format!("{}.{payload}.{signature}", "+/+/");
    assert_eq!(
        verified(&standard),
        Err(TokenError::Padding(Segment::Header))
    );
}

#[test]
fn critical_extensions_are_refused() {
    let critical = |crit: Value| json!({ "alg": "HS256", "crit": crit, "b64": true, "x": 1 });
    for (crit, problem) in [
        (json!(["x"]), CriticalProblem::Unsupported("x".into())),
        (json!(["b64"]), CriticalProblem::Unsupported("b64".into())),
        (
            json!(["exp", "x"]),
            CriticalProblem::Unsupported("exp".into()),
        ),
        (json!([]), CriticalProblem::NotAList),
        (
            json!(["b64", "x"]),
            CriticalProblem::Unsupported("x".into()),
        ),
        (json!([1]), CriticalProblem::NotAList),
        (json!(["x", 1]), CriticalProblem::NotAList),
        (json!("x"), CriticalProblem::NotAList),
        (json!(null), CriticalProblem::NotAList),
    ] {
        let error = header_error(&critical(crit).to_string());
        assert_eq!(error, TokenError::Critical(problem));
    }
    assert_eq!(
        header_error(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#),
        TokenError::Critical(CriticalProblem::UnencodedPayload)
    );
}

#[test]
fn embedded_and_linked_keys_are_not_used() {
    let attacker = SigningKey::from_secret(&[b'a'; 32]).unwrap();
    let jwk = json!({ "kty": "oct", "k": Base64UrlUnpadded::encode_string(&[b'a'; 32]) });
    let payload = json!({ "sub": "7", "exp": NOW + 60 }).to_string();
    for header in [
        json!({ "alg": "HS256", "jwk": jwk }),
        json!({ "alg": "HS256", "jku": "https://attacker.example/jwks.json" }),
        json!({ "alg": "HS256", "x5u": "https://attacker.example/cert.pem" }),
        json!({ "alg": "HS256", "x5c": ["MIIB"] }),
        json!({ "alg": "HS256", "kid": "../../dev/null" }),
        json!({ "alg": "HS256", "kid": hmac().kid() }),
    ] {
        let error = verified(&signed_by(&attacker, &header.to_string(), &payload));
        assert_eq!(
            error,
            Err(TokenError::Signature { payload: None }),
            "{header}"
        );
    }
}

#[test]
fn any_string_is_a_kid() {
    let payload = json!({ "sub": "7", "exp": NOW + 60 }).to_string();
    assert!(verified(&signed(r#"{"alg":"HS256","kid":"other"}"#, &payload)).is_ok());
    assert!(verified(&signed(r#"{"alg":"HS256","kid":""}"#, &payload)).is_ok());
    for kid in ["7", "null", "[\"x\"]", "{}", "true"] {
        let header = format!(r#"{{"alg":"HS256","kid":{kid}}}"#);
        assert_eq!(header_error(&header), TokenError::KeyIdNotAString, "{kid}");
    }
}

#[test]
fn repeated_names_are_refused() {
    let payload = r#"{"sub":"7","exp":1700000060,"sub":"8"}"#;
    assert_eq!(
        verified(&signed(r#"{"alg":"HS256"}"#, payload)),
        Err(TokenError::Payload(NotAnObject::NotJson))
    );
    assert_eq!(
        header_error(r#"{"alg":"HS256","alg":"none"}"#),
        TokenError::Header(NotAnObject::NotJson)
    );
}

#[test]
fn parts_that_are_no_objects() {
    let payload = json!({ "sub": "7", "exp": NOW + 60 }).to_string();
    let header = r#"{"alg":"HS256"}"#;
    for (text, problem) in [
        ("[1]", NotAnObject::OtherType),
        ("null", NotAnObject::OtherType),
        ("\"x\"", NotAnObject::OtherType),
        ("nope", NotAnObject::NotJson),
        ("", NotAnObject::NotJson),
    ] {
        let error = verified(&signed(text, &payload));
        assert_eq!(error, Err(TokenError::Header(problem)), "{text}");
        let error = verified(&signed(header, text));
        assert_eq!(error, Err(TokenError::Payload(problem)), "{text}");
        let forged = signed(header, text).replace('.', "A.");
        assert!(verified(&forged).is_err());
    }
    // A forged token whose payload is none says both.
    let forged = format!("{}.{}.{}", encode(header), encode("[1]"), "A".repeat(43));
    assert_eq!(
        verified(&forged),
        Err(TokenError::Signature {
            payload: Some(NotAnObject::OtherType)
        })
    );
}

#[test]
fn texts_that_are_no_tokens() {
    for text in ["", "garbage", "a.b", "."] {
        assert_eq!(verified(text), Err(TokenError::NotEnoughSegments), "{text}");
    }
    assert_eq!(verified("a.b.c"), Err(TokenError::Padding(Segment::Header)));
    assert_eq!(
        verified(".."),
        Err(TokenError::Header(NotAnObject::NotJson))
    );
    assert_eq!(
        verified("aaaa.bbbb.cccc"),
        Err(TokenError::Header(NotAnObject::NotJson))
    );
    assert_eq!(verified("ä.ö.ü"), Err(TokenError::Padding(Segment::Header)));
}

#[test]
fn tokens_over_8_kib_are_not_looked_at() {
    let padded = |length: usize| {
        let claims = json!({ "sub": "7", "exp": NOW + 60, "x": "y".repeat(length) });
        with_claims(&claims)
    };
    assert!(padded(6_000).len() <= MAX_BYTES);
    assert!(verified(&padded(6_000)).is_ok());
    assert_eq!(verified(&padded(8_192)), Err(TokenError::NotEnoughSegments));
    assert_eq!(
        verified(&padded(100_000)),
        Err(TokenError::NotEnoughSegments)
    );
}

#[test]
fn times_are_numbers_within_their_bounds() {
    let good = |claims: Value| verified(&with_claims(&claims)).is_ok();
    assert!(good(json!({ "sub": "7", "exp": NOW + 1 })));
    assert!(good(json!({ "sub": "7", "exp": 9_999_999_999.9 })));
    assert!(good(
        json!({ "sub": "7", "exp": NOW + 1, "iat": NOW + 10, "nbf": NOW + 10 })
    ));
    assert!(good(
        json!({ "sub": "7", "exp": NOW + 1, "iat": null, "nbf": null })
    ));
    assert!(good(
        json!({ "sub": "7", "exp": NOW + 1, "iat": -1, "nbf": -1e300 })
    ));

    assert_eq!(
        claims_error(&json!({ "sub": "7" })),
        TokenError::ExpirationMissing
    );
    let exp = |exp: Value| claims_error(&json!({ "sub": "7", "exp": exp }));
    assert_eq!(exp(json!(null)), TokenError::ExpirationMissing);
    assert_eq!(exp(json!(NOW)), TokenError::Expired);
    assert_eq!(exp(json!(NOW - 60)), TokenError::Expired);
    assert_eq!(exp(json!(true)), TokenError::Expired);
    assert_eq!(exp(json!(-1)), TokenError::Expired);
    for odd in [json!("soon"), json!("9999999999"), json!([1]), json!({})] {
        let expected = TokenError::NotANumber(TimeClaim::ExpirationTime);
        assert_eq!(exp(odd.clone()), expected, "{odd}");
    }
    for (name, claim) in [("iat", TimeClaim::IssuedAt), ("nbf", TimeClaim::NotBefore)] {
        let with = |value: Value| {
            let mut claims = json!({ "sub": "7", "exp": NOW + 60 });
            claims[name] = value;
            claims_error(&claims)
        };
        assert_eq!(with(json!(NOW + 11)), TokenError::InTheFuture(claim));
        assert_eq!(with(json!(1e300)), TokenError::InTheFuture(claim));
        for odd in [json!("1"), json!(true), json!([]), json!({})] {
            assert_eq!(
                with(odd.clone()),
                TokenError::NotANumber(claim),
                "{name} {odd}"
            );
        }
    }
}

#[test]
fn numbers_that_only_python_has_are_refused() {
    for number in ["NaN", "Infinity", "-Infinity"] {
        let payload = format!(r#"{{"sub":"7","exp":{number}}}"#);
        let expected = TokenError::NotANumber(TimeClaim::ExpirationTime);
        assert_eq!(
            verified(&signed(r#"{"alg":"HS256"}"#, &payload)),
            Err(expected)
        );
        let payload = format!(r#"{{"sub":"7","exp":1700000060,"x":{number}}}"#);
        let expected = TokenError::Payload(NotAnObject::NotJson);
        assert_eq!(
            verified(&signed(r#"{"alg":"HS256"}"#, &payload)),
            Err(expected)
        );
    }
}

#[test]
fn other_claims_of_odd_types() {
    let with = |name: &str, value: &Value| {
        let mut claims = json!({ "sub": "7", "exp": NOW + 60 });
        claims[name] = value.clone();
        verified(&with_claims(&claims))
    };
    for value in [json!(1), json!(1.5), json!(true), json!([]), json!({})] {
        assert_eq!(with("iss", &value), Err(TokenError::Issuer), "{value}");
        assert_eq!(
            with("sub", &value),
            Err(TokenError::SubjectNotAString),
            "{value}"
        );
        assert_eq!(
            with("jti", &value),
            Err(TokenError::TokenIdNotAString),
            "{value}"
        );
        assert_eq!(
            with("type", &value),
            Err(TokenError::NotAnAccessToken),
            "{value}"
        );
        assert!(with("aud", &value).is_ok(), "{value}");
        assert!(with("fresh", &value).is_ok(), "{value}");
        assert!(with("role", &value).is_ok(), "{value}");
    }
    for name in ["iss", "jti", "type", "aud", "identity"] {
        assert!(with(name, &json!(null)).is_ok(), "{name}");
    }
    assert_eq!(
        with("type", &json!("refresh")),
        Err(TokenError::NotAnAccessToken)
    );
    assert_eq!(with("sub", &json!(null)), Err(TokenError::SubjectMissing));
}

#[test]
fn the_user_is_sub_else_identity() {
    let user = |claims: Value| {
        let mut all = json!({ "exp": NOW + 60 });
        all.as_object_mut()
            .unwrap()
            .extend(claims.as_object().unwrap().clone());
        verified(&with_claims(&all)).map(|token| token.subject.map(UserId::get))
    };
    assert_eq!(user(json!({ "sub": "7", "identity": 7 })), Ok(Ok(7)));
    assert_eq!(user(json!({ "sub": "7", "identity": "8" })), Ok(Ok(7)));
    assert_eq!(user(json!({ "identity": 8 })), Ok(Ok(8)));
    assert_eq!(user(json!({ "sub": null, "identity": 8 })), Ok(Ok(8)));
    assert_eq!(user(json!({})), Err(TokenError::SubjectMissing));
    let two = user(json!({ "sub": "7", "identity": 8 }));
    assert_eq!(two, Err(TokenError::SubjectsDiffer));
    let half = user(json!({ "sub": "7", "aud": "second-factor" }));
    assert_eq!(half, Err(TokenError::NotAnAccessToken));
    assert_eq!(user(json!({ "sub": "7", "aud": "anybody" })), Ok(Ok(7)));
    let unknown = |text: &str| Ok(Err(text.into()));
    for text in ["x", "", "-1", "0", "1.0", "99999999999999999999"] {
        assert_eq!(user(json!({ "sub": text, "identity": 8 })), unknown(text));
    }
    assert_eq!(user(json!({ "identity": "8" })), unknown("8"));
    assert_eq!(user(json!({ "identity": 8.0 })), unknown("8.0"));
    assert_eq!(user(json!({ "identity": true })), unknown("true"));
    assert_eq!(user(json!({ "identity": [8] })), unknown("[8]"));
    assert_eq!(user(json!({ "identity": -8 })), unknown("-8"));
}

#[test]
fn checks_run_in_the_old_libraries_order() {
    let expired = json!({ "exp": NOW - 60, "iat": NOW + 120, "nbf": NOW + 120 });
    assert_eq!(
        claims_error(&expired),
        TokenError::InTheFuture(TimeClaim::IssuedAt)
    );
    let expired = json!({ "exp": NOW - 60, "nbf": NOW + 120 });
    assert_eq!(
        claims_error(&expired),
        TokenError::InTheFuture(TimeClaim::NotBefore)
    );
    let no_subject = json!({ "exp": NOW - 60 });
    assert_eq!(claims_error(&no_subject), TokenError::SubjectMissing);
    let refresh = json!({ "exp": NOW - 60, "sub": "7", "type": "refresh" });
    assert_eq!(claims_error(&refresh), TokenError::Expired);
}
