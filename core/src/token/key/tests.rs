use serde_json::json;

use super::super::keys::Keys;
use super::super::test_keys::{ED25519, P256, SECRET, ed25519, hmac, p256, public, retired};
use super::*;

#[test]
fn weak_secrets_are_refused() {
    assert_eq!(
        SigningKey::from_secret(&[b'x'; 31]).err(),
        Some(KeyError::Weak)
    );
    assert!(SigningKey::from_secret(&[b'x'; 32]).is_ok());
    let retired = |length, accept_weak| {
        let secret = [b'x'; 32];
        RetiredKey::from_secret(&secret[..length], accept_weak).err()
    };
    assert_eq!(retired(31, false), Some(KeyError::Weak));
    assert_eq!(retired(31, true), None);
    assert_eq!(retired(1, true), None);
    assert_eq!(retired(0, false), Some(KeyError::Empty));
    assert_eq!(retired(0, true), Some(KeyError::Empty));
    assert_eq!(retired(32, false), None);
    let oct = |k: &str, accept_weak| {
        RetiredKey::from_jwks(&json!({ "kty": "oct", "k": k }).to_string(), accept_weak).err()
    };
    assert_eq!(oct("c2hvcnQ", false), Some(KeyError::Weak));
    assert_eq!(oct("c2hvcnQ", true), None);
    assert_eq!(oct("", true), Some(KeyError::Empty));
}

#[test]
fn kid_of_a_secret_differs_and_hides_it() {
    let other = SigningKey::from_secret(b"0123456789abcdef0123456789abcdeg").unwrap();
    assert_ne!(hmac().kid(), other.kid());
    assert_eq!(hmac().kid(), hmac().kid());
    // As it has always been: issued tokens name it.
    assert_eq!(hmac().kid(), "WGytA7Hk7xMttu7hXBkoiw");
}

#[test]
fn nothing_secret_prints() {
    let oct = json!({ "kty": "oct", "k": Base64UrlUnpadded::encode_string(SECRET) });
    let mut all = retired(&format!("{ED25519}{P256}{oct}"));
    all.push(RetiredKey::from_secret(b"weak secret", true).unwrap());
    for active in [hmac(), ed25519(), p256()] {
        let kid = active.kid().to_owned();
        let retired = std::mem::take(&mut all);
        let keys = Keys { active, retired };
        let printed = format!("{keys:?}");
        assert!(printed.contains(&kid));
        let octets = format!("{:?}", &SECRET[..4]);
        for secret in [
            "01234567",
            "nWGxne_9",
            "jpsQnnGQ",
            "weak",
            octets.trim_matches(['[', ']']),
        ] {
            assert!(!printed.contains(secret), "{secret}: {printed}");
        }
        all = keys.retired;
    }
    assert_eq!(all.len(), 4);
}

#[test]
fn each_key_signs_by_its_own_algorithm() {
    for (key, algorithm, length) in [
        (hmac(), Algorithm::Hs256, 32),
        (ed25519(), Algorithm::EdDsa, 64),
        (p256(), Algorithm::Es256, 64),
    ] {
        assert_eq!(key.algorithm(), algorithm);
        let signature = key.sign(b"message");
        assert_eq!(signature.len(), length);
        assert_eq!(signature, key.sign(b"message"));
        assert!(key.verifies(b"message", &signature));
        assert!(!key.verifies(b"massage", &signature));
    }
}

#[test]
fn signatures_of_any_length_are_refused_without_a_panic() {
    for key in [hmac(), ed25519(), p256()] {
        let signature = key.sign(b"message");
        let long = [&signature[..], &[0; 70]].concat();
        for length in (0..long.len()).filter(|length| *length != signature.len()) {
            assert!(!key.verifies(b"message", &long[..length]), "{length}");
            assert!(!key.verifies(b"message", &vec![0; length]), "{length}");
            assert!(!key.verifies(b"message", &vec![0xff; length]), "{length}");
        }
    }
}

#[test]
fn the_active_key_is_one_private_jwk_of_the_algorithm() {
    let error = |text: &str, algorithm| SigningKey::from_jwk(text, algorithm).err();
    let ed = |text: &str| error(text, Algorithm::EdDsa);
    assert_eq!(ed(""), Some(KeyError::NotOne));
    assert_eq!(ed(&format!("{ED25519}{ED25519}")), Some(KeyError::NotOne));
    assert_eq!(ed(&format!("{ED25519} x")), Some(KeyError::NotJson));
    assert_eq!(ed(&public(ED25519)), Some(KeyError::Missing("d")));
    assert_eq!(ed(P256), Some(KeyError::OtherAlgorithm));
    assert_eq!(
        error(ED25519, Algorithm::Es256),
        Some(KeyError::OtherAlgorithm)
    );
    let weak = r#"{"kty":"oct","k":"c2hvcnQ"}"#;
    assert_eq!(ed(weak), Some(KeyError::OtherAlgorithm));
    assert_eq!(error(weak, Algorithm::Hs256), Some(KeyError::Weak));
    assert_eq!(ed(&format!(" {ED25519}\n")), None);
}

#[test]
fn both_halves_of_a_key_belong_together() {
    let with = |jwk: &str, member: &str, value: &str| {
        let mut jwk: Value = serde_json::from_str(jwk).unwrap();
        jwk[member] = value.into();
        RetiredKey::from_jwks(&jwk.to_string(), false).err()
    };
    // The x of RFC 8032 section 7.1, test 2, and the key of RFC 7517 appendix A.2.
    let other_x = "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw";
    assert_eq!(with(ED25519, "x", other_x), Some(KeyError::Mismatch));
    let other_d = "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE";
    assert_eq!(with(ED25519, "d", other_d), Some(KeyError::Mismatch));
    assert_eq!(with(P256, "d", other_d), Some(KeyError::Mismatch));
    assert_eq!(with(P256, "d", &"A".repeat(43)), Some(KeyError::Private));
    let too_big = Base64UrlUnpadded::encode_string(&[0xff; 32]);
    assert_eq!(with(P256, "d", &too_big), Some(KeyError::Private));
    assert_eq!(with(P256, "x", other_d), Some(KeyError::NotAPoint));
    assert_eq!(with(P256, "x", &too_big), Some(KeyError::NotAPoint));
    assert_eq!(with(P256, "y", &"A".repeat(43)), Some(KeyError::NotAPoint));
    // y = 2 is on no point of Ed25519, y = 1 the neutral element.
    let small = |first| {
        let mut y = [0; 32];
        y[0] = first;
        Base64UrlUnpadded::encode_string(&y)
    };
    assert_eq!(with(ED25519, "x", &small(2)), Some(KeyError::NotAPoint));
    assert_eq!(with(ED25519, "x", &small(1)), Some(KeyError::NotAPoint));
}

#[test]
fn retired_keys_are_public_private_or_symmetric() {
    let oct = json!({ "kty": "oct", "k": Base64UrlUnpadded::encode_string(SECRET) });
    let text = format!("{ED25519}{}\n\n {}\t{oct}", public(P256), public(ED25519));
    let all = retired(&text);
    assert_eq!(all.len(), 4);
    let signers = [ed25519(), p256(), ed25519(), hmac()];
    for (key, signer) in all.iter().zip(signers) {
        assert_eq!(key.key().kid(), Some(signer.kid()));
        assert!(key.verifies(b"message", &signer.sign(b"message")));
    }
    assert!(retired("").is_empty());
    assert!(retired(" \n").is_empty());
}
