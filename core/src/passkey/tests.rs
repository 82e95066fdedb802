//! The published vectors, and ceremonies of our own in which one thing is wrong.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};

use super::challenge::Ceremony;
use super::*;
use crate::account::UserId;
use crate::keyed_hash::KeyedHash;
use crate::time::UnixMillis;

use authenticator::{
    Authenticator, BACKED_UP, BACKUP_ELIGIBLE, USER_PRESENT, USER_VERIFIED, attestation_object,
};

#[allow(dead_code, reason = "the tests over HTTP use the rest")]
#[path = "../../../tests/harness/authenticator.rs"]
mod authenticator;

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const ORIGIN: &str = "https://auth.example.com";

fn rp() -> RelyingParty {
    RelyingParty {
        id: "example.com".to_owned(),
        name: "Example".to_owned(),
        origins: vec![
            ORIGIN.to_owned(),
            "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU".to_owned(),
        ],
    }
}

fn handle() -> UserHandle {
    UserHandle::parse(&Base64UrlUnpadded::encode_string(&[9; 64])).unwrap()
}

fn registration_purpose() -> Purpose<'static> {
    Purpose::Registration(UserId::new(7).unwrap())
}

fn keys() -> PasskeyKeys {
    PasskeyKeys::new([KeyedHash::new(&[1; 32])])
}

fn creation() -> Value {
    let text = keys().challenge(registration_purpose(), NOW, &[3; 16]);
    let user = CreationUser {
        handle: &handle(),
        name: "ann@example.com",
        display_name: "Ann",
    };
    creation_options(&rp(), &user, &text.unwrap(), &[])
}

fn request(purpose: Purpose<'_>) -> Value {
    let text = keys().challenge(purpose, NOW, &[4; 16]).unwrap();
    request_options(&rp(), &text, &[])
}

fn register(json: &Value) -> Result<NewPasskey, InvalidPasskey> {
    let registration = Registration::parse(json)?;
    let challenge = keys().read(registration.challenge(), registration_purpose(), NOW)?;
    registration.check(&rp(), &challenge)
}

fn assert_for(
    purpose: Purpose<'_>,
    json: &Value,
    stored: &StoredPasskey,
) -> Result<Verified, InvalidPasskey> {
    let assertion = Assertion::parse(json)?;
    let challenge = keys().read(assertion.challenge(), purpose, NOW)?;
    match assertion.check(stored, &rp(), &challenge)? {
        Verification::Done(verified) => Ok(verified),
        Verification::ByHost(_) => panic!("an RSA key"),
    }
}

fn sign_in(json: &Value, stored: &StoredPasskey) -> Result<Verified, InvalidPasskey> {
    assert_for(Purpose::SignIn, json, stored)
}

fn stored(passkey: NewPasskey) -> StoredPasskey {
    StoredPasskey {
        credential_id: passkey.credential_id,
        public_key: passkey.public_key,
        sign_count: passkey.sign_count,
        backup_eligible: passkey.backup_eligible,
        user_verified: passkey.user_verified,
        user_handle: handle(),
    }
}

fn authenticator() -> Authenticator {
    Authenticator::p256(1, "example.com", ORIGIN)
}

/// An authenticator with a passkey that is registered.
fn registered() -> (Authenticator, StoredPasskey) {
    let mut authenticator = authenticator();
    let passkey = register(&authenticator.create(&creation())).unwrap();
    (authenticator, stored(passkey))
}

mod vectors {
    use super::*;

    fn rp() -> RelyingParty {
        RelyingParty {
            id: "example.org".to_owned(),
            name: String::new(),
            origins: vec!["https://example.org".to_owned()],
        }
    }

    fn text<'a>(vector: &'a Value, ceremony: &str, name: &str) -> &'a str {
        vector[ceremony][name].as_str().unwrap()
    }

    fn credential(vector: &Value, ceremony: &str) -> Value {
        let id = text(vector, "registration", "credential_id");
        json!({ "id": id, "rawId": id, "type": "public-key", "response": vector[ceremony] })
    }

    fn registration(vector: &Value) -> Result<NewPasskey, InvalidPasskey> {
        let challenge = text(vector, "registration", "challenge");
        let challenge = Challenge::of_others(challenge, Ceremony::Registration);
        Registration::parse(&credential(vector, "registration"))?.check(&rp(), &challenge)
    }

    fn assertion(vector: &Value, stored: &StoredPasskey) -> Result<Verification, InvalidPasskey> {
        let challenge = text(vector, "authentication", "challenge");
        let challenge = Challenge::of_others(challenge, Ceremony::KnownAccount);
        let json = credential(vector, "authentication");
        Assertion::parse(&json)?.check(stored, &rp(), &challenge)
    }

    fn all() -> Vec<Value> {
        let file = include_str!("../../../tests/fixtures/webauthn.jsonl");
        let lines = file.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.collect()
    }

    #[test]
    fn registrations_of_web_authentication_level_3() {
        let mut evaluated = Vec::new();
        for vector in all() {
            let name = vector["name"].as_str().unwrap().to_owned();
            let expected = match name.as_str() {
                "none.ES256.crossOrigin" | "none.ES256.topOrigin" => Err(InvalidPasskey::Embedded),
                "packed.ES384" | "packed.ES512" | "packed.Ed448" => Err(InvalidPasskey::Algorithm),
                _ => Ok(()),
            };
            assert_eq!(registration(&vector).map(|_| ()), expected, "{name}");
            evaluated.push(name);
        }
        assert_eq!(evaluated.len(), 15);
    }

    #[test]
    fn authentications_of_web_authentication_level_3() {
        let (mut done, mut by_host, mut embedded) = (0, 0, 0);
        for mut vector in all() {
            let name = vector["name"].as_str().unwrap().to_owned();
            if name.ends_with("Origin") {
                // The credential itself is like any other.
                let object = text(&vector, "registration", "attestationObject");
                let object = Base64UrlUnpadded::decode_vec(object).unwrap();
                let (_, data) = object.split_at(object.len() - 164);
                let data = authenticator_data::AuthenticatorData::parse(data).unwrap();
                let attested = data.attested.as_ref().unwrap();
                let stored = StoredPasskey {
                    credential_id: attested.credential_id.clone(),
                    public_key: attested.public_key.stored(),
                    sign_count: 0,
                    backup_eligible: data.backup_eligible(),
                    user_verified: false,
                    user_handle: handle(),
                };
                let refused = assertion(&vector, &stored).err();
                assert_eq!(refused, Some(InvalidPasskey::Embedded), "{name}");
                embedded += 1;
                continue;
            }
            let Ok(passkey) = registration(&vector) else {
                continue;
            };
            let stored = stored(passkey);
            match assertion(&vector, &stored).unwrap() {
                Verification::Done(verified) => {
                    assert_eq!(
                        (verified.sign_count, verified.counter_went_back),
                        (0, false)
                    );
                    done += 1;
                }
                Verification::ByHost(verification) => {
                    assert_eq!(name, "packed.RS256");
                    let [n, e] = verification.jwk_numbers();
                    assert_eq!((n.len(), e.as_str()), (582, "AQAB"));
                    assert_eq!(verification.signature().len(), 436);
                    assert_eq!(verification.message().len(), 37 + 32);
                    by_host += 1;
                    continue;
                }
            }
            // Each signature counts.
            let signature = text(&vector, "authentication", "signature");
            let mut signature = Base64UrlUnpadded::decode_vec(signature).unwrap();
            *signature.last_mut().unwrap() ^= 1;
            let signature = Base64UrlUnpadded::encode_string(&signature);
            vector["authentication"]["signature"] = signature.into();
            let refused = assertion(&vector, &stored).err();
            assert_eq!(refused, Some(InvalidPasskey::Signature), "{name}");
        }
        assert_eq!((done, by_host, embedded), (9, 1, 2));
    }

    #[test]
    fn the_longest_credential_id_passes() {
        let vectors = all();
        let long = vectors
            .iter()
            .find(|vector| vector["name"] == "none.ES256.long-credential-id");
        let passkey = registration(long.unwrap()).unwrap();
        assert_eq!(passkey.credential_id.as_str().len(), 1364);
    }
}

#[test]
fn a_passkey_is_registered_and_used() {
    let authenticators = [
        authenticator(),
        Authenticator::ed25519(2, "example.com", ORIGIN),
    ];
    for mut authenticator in authenticators {
        let passkey = register(&authenticator.create(&creation())).unwrap();
        assert_eq!(
            passkey.credential_id.as_str(),
            authenticator::base64url(&authenticator.credential_id)
        );
        assert!(passkey.backup_eligible && passkey.backed_up && passkey.user_verified);
        assert_eq!(passkey.transports, ["internal", "hybrid"]);
        let stored = stored(passkey);
        let answer = authenticator.get(&request(Purpose::SignIn));
        let assertion = Assertion::parse(&answer).unwrap();
        assert_eq!(assertion.credential_id(), &stored.credential_id);
        assert_eq!(assertion.user_handle(), Some(&handle()));
        let verified = sign_in(&answer, &stored).unwrap();
        assert_eq!(verified.credential_id, stored.credential_id);
        assert!(verified.backed_up && verified.is_of_two_factors());
    }
}

#[test]
fn two_factors_are_verified_at_registration_and_now() {
    for at_registration in [false, true] {
        for now in [false, true] {
            let (mut authenticator, mut stored) = registered();
            stored.user_verified = at_registration;
            if !now {
                authenticator.flags &= !USER_VERIFIED;
            }
            let verified = sign_in(&authenticator.get(&request(Purpose::SignIn)), &stored).unwrap();
            assert_eq!(verified.is_of_two_factors(), at_registration && now);
        }
    }
    let mut authenticator = authenticator();
    authenticator.flags &= !USER_VERIFIED;
    let passkey = register(&authenticator.create(&creation())).unwrap();
    assert!(!passkey.user_verified);
}

#[test]
fn a_counter_has_to_grow_where_there_is_one() {
    for (before, now, went_back) in [
        (0, 0, false),
        (0, 1, false),
        (1, 2, false),
        (5, u32::MAX, false),
        (1, 0, true),
        (1, 1, true),
        (u32::MAX, 1, true),
    ] {
        let (mut authenticator, mut stored) = registered();
        (stored.sign_count, authenticator.sign_count) = (before, now);
        let verified = sign_in(&authenticator.get(&request(Purpose::SignIn)), &stored).unwrap();
        let counter = (verified.sign_count, verified.counter_went_back);
        assert_eq!(counter, (now, went_back), "{before} {now}");
    }
}

#[test]
fn client_data_is_compared_with_the_settings() {
    use InvalidPasskey::{ClientData, Embedded, Origin, Type};
    let app = "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
    for (name, value, expected) in [
        ("origin", json!(app), None),
        ("origin", json!("https://auth.example.com/"), Some(Origin)),
        (
            "origin",
            json!("https://auth.example.com:443"),
            Some(Origin),
        ),
        ("origin", json!("https://AUTH.example.com"), Some(Origin)),
        ("origin", json!("http://auth.example.com"), Some(Origin)),
        ("origin", json!("https://example.com"), Some(Origin)),
        ("origin", json!("null"), Some(Origin)),
        ("origin", json!(""), Some(Origin)),
        ("origin", json!([ORIGIN]), Some(ClientData)),
        ("origin", json!(null), Some(ClientData)),
        ("type", json!("payment.get"), Some(Type)),
        ("type", json!("webauthn"), Some(Type)),
        ("type", json!(null), Some(ClientData)),
        ("crossOrigin", json!(null), None),
        ("crossOrigin", json!(true), Some(Embedded)),
        ("crossOrigin", json!("false"), Some(Embedded)),
        ("crossOrigin", json!(0), Some(Embedded)),
        ("topOrigin", json!(ORIGIN), Some(Embedded)),
        ("topOrigin", json!(false), Some(Embedded)),
        ("challenge", json!(null), Some(ClientData)),
        ("challenge", json!(7), Some(ClientData)),
        ("tokenBinding", json!({ "status": "supported" }), None),
    ] {
        let (mut authenticator, stored) = registered();
        authenticator
            .client_data
            .insert(name.to_owned(), value.clone());
        let refused = register(&authenticator.create(&creation())).err();
        assert_eq!(refused, expected, "{name} {value}");
        let answer = authenticator.get(&request(Purpose::SignIn));
        let refused = sign_in(&answer, &stored).err();
        assert_eq!(refused, expected, "{name} {value}");
    }
}

#[test]
fn client_data_is_strict_json() {
    let (mut authenticator, stored) = registered();
    let answer = authenticator.get(&request(Purpose::SignIn));
    let good = Base64UrlUnpadded::decode_vec(text(&answer, "clientDataJSON")).unwrap();
    let good = String::from_utf8(good).unwrap();
    assert!(Assertion::parse(&with_client_data(&answer, good.as_bytes())).is_ok());
    let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
    for bad in [
        good.replacen('{', r#"{"type":"webauthn.get","#, 1),
        good.replacen('{', &format!(r#"{{"extra":{deep},"#), 1),
        format!("\u{feff}{good}"),
        format!("{good}{good}"),
        format!("[{good}]"),
        "null".to_owned(),
        "{}".to_owned(),
    ] {
        let refused = sign_in(&with_client_data(&answer, bad.as_bytes()), &stored).err();
        assert_eq!(refused, Some(InvalidPasskey::ClientData), "{bad}");
    }
    let refused = sign_in(
        &with_client_data(&answer, b"{\"challenge\":\"\xff\"}"),
        &stored,
    );
    assert_eq!(refused.err(), Some(InvalidPasskey::ClientData));
    let long = good.replacen('{', &format!(r#"{{"extra":"{}","#, "a".repeat(9000)), 1);
    let refused = sign_in(&with_client_data(&answer, long.as_bytes()), &stored).err();
    assert_eq!(refused, Some(InvalidPasskey::Form));
}

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer["response"][name].as_str().unwrap()
}

fn with_client_data(answer: &Value, bytes: &[u8]) -> Value {
    with(answer, "clientDataJSON", bytes)
}

fn with(answer: &Value, name: &str, bytes: &[u8]) -> Value {
    let mut answer = answer.clone();
    answer["response"][name] = Base64UrlUnpadded::encode_string(bytes).into();
    answer
}

#[test]
fn flags_are_present_and_do_not_contradict_each_other() {
    use InvalidPasskey::{Backup, RelyingParty, UserPresence};
    let all = USER_PRESENT | USER_VERIFIED | BACKUP_ELIGIBLE | BACKED_UP;
    for (flags, at_registration, later) in [
        (all, None, None),
        (all ^ USER_PRESENT, Some(UserPresence), Some(UserPresence)),
        (all ^ BACKED_UP, None, None),
        // Whether it may be backed up never changes.
        (USER_PRESENT, None, Some(Backup)),
        (USER_PRESENT | BACKED_UP, Some(Backup), Some(Backup)),
        // Reserved bits.
        (all | 0x22, None, None),
    ] {
        let (mut authenticator, stored) = registered();
        authenticator.flags = flags;
        let refused = register(&authenticator.create(&creation())).err();
        assert_eq!(refused, at_registration, "{flags:b}");
        let answer = authenticator.get(&request(Purpose::SignIn));
        assert_eq!(sign_in(&answer, &stored).err(), later, "{flags:b}");
    }
    let (mut authenticator, mut stored) = registered();
    stored.backup_eligible = false;
    let answer = authenticator.get(&request(Purpose::SignIn));
    assert_eq!(sign_in(&answer, &stored).err(), Some(Backup));

    let mut other = Authenticator::p256(1, "auth.example.com", ORIGIN);
    let refused = register(&other.create(&creation())).err();
    assert_eq!(refused, Some(RelyingParty));
    let (_, stored) = registered();
    let answer = other.get(&request(Purpose::SignIn));
    assert_eq!(sign_in(&answer, &stored).err(), Some(RelyingParty));
}

#[test]
fn a_challenge_is_answered_by_the_ceremony_that_it_is_for() {
    let (mut authenticator, stored) = registered();
    // An answer to another challenge than that which was read.
    let one = keys().challenge(Purpose::SignIn, NOW, &[1; 16]).unwrap();
    let other = keys().challenge(Purpose::SignIn, NOW, &[2; 16]).unwrap();
    let other = keys().read(&other, Purpose::SignIn, NOW).unwrap();
    let answer = authenticator.get(&json!({ "challenge": one }));
    let assertion = Assertion::parse(&answer).unwrap();
    assert_eq!(assertion.challenge(), one);
    let refused = assertion.check(&stored, &rp(), &other).err();
    assert_eq!(refused, Some(InvalidPasskey::Challenge));
    // A challenge of the other ceremony, whatever its text says.
    let answer = authenticator.get(&creation());
    let assertion = Assertion::parse(&answer).unwrap();
    let challenge = keys()
        .read(assertion.challenge(), registration_purpose(), NOW)
        .unwrap();
    let refused = assertion.check(&stored, &rp(), &challenge).err();
    assert_eq!(refused, Some(InvalidPasskey::Challenge));
    let answer = authenticator.create(&request(Purpose::SignIn));
    let registration = Registration::parse(&answer).unwrap();
    let challenge = keys().read(registration.challenge(), Purpose::SignIn, NOW);
    let refused = registration.check(&rp(), &challenge.unwrap()).err();
    assert_eq!(refused, Some(InvalidPasskey::Challenge));
    // An answer of the other ceremony.
    let (mut authenticator, stored) = registered();
    authenticator
        .client_data
        .insert("type".to_owned(), json!("webauthn.create"));
    let answer = authenticator.get(&request(Purpose::SignIn));
    assert_eq!(sign_in(&answer, &stored).err(), Some(InvalidPasskey::Type));
    assert!(Assertion::parse(&authenticator.create(&creation())).is_err());
    assert!(Registration::parse(&answer).is_err());
}

#[test]
fn the_user_handle_is_the_accounts() {
    let second = Purpose::SecondFactor { ticket: "a" };
    let other = Some(Base64UrlUnpadded::encode_string(&[8; 64]));
    let own = Some(handle().as_str().to_owned());
    let wrong = Some(InvalidPasskey::UserHandle);
    for (purpose, given, expected) in [
        (Purpose::SignIn, own.clone(), None),
        (Purpose::SignIn, other.clone(), wrong),
        (Purpose::SignIn, None, wrong),
        (second, own, None),
        (second, other, wrong),
        (second, None, None),
        (second, Some(String::new()), Some(InvalidPasskey::Form)),
    ] {
        let (mut authenticator, stored) = registered();
        authenticator.user_handle.clone_from(&given);
        let answer = authenticator.get(&request(purpose));
        let refused = assert_for(purpose, &answer, &stored).err();
        assert_eq!(refused, expected, "{purpose:?} {given:?}");
    }
}

#[test]
fn another_passkey_does_not_pass() {
    let (mut authenticator, stored) = registered();
    let answer = authenticator.get(&request(Purpose::SignIn));
    // Another key under the same id.
    let mut other = Authenticator::p256(2, "example.com", ORIGIN);
    let key = register(&other.create(&creation())).unwrap().public_key;
    let changed = StoredPasskey {
        public_key: key,
        ..stored.clone()
    };
    let refused = sign_in(&answer, &changed).err();
    assert_eq!(refused, Some(InvalidPasskey::Signature));
    // A key of another algorithm.
    let mut other = Authenticator::ed25519(1, "example.com", ORIGIN);
    let key = register(&other.create(&creation())).unwrap().public_key;
    let changed = StoredPasskey {
        public_key: key,
        ..stored.clone()
    };
    let refused = sign_in(&answer, &changed).err();
    assert_eq!(refused, Some(InvalidPasskey::Signature));
    // Another id.
    let id = CredentialId::parse("AQ").unwrap();
    let changed = StoredPasskey {
        credential_id: id,
        ..stored
    };
    let refused = sign_in(&answer, &changed).err();
    assert_eq!(refused, Some(InvalidPasskey::Credential));
    // An id at registration that is not that of the attested data.
    let mut answer = authenticator.create(&creation());
    answer["id"] = json!("AQ");
    answer["rawId"] = json!("AQ");
    assert_eq!(register(&answer).err(), Some(InvalidPasskey::Credential));
}

#[test]
fn extensions_are_well_formed_and_not_read() {
    let cbor = Some(InvalidPasskey::Cbor);
    let data = Some(InvalidPasskey::AuthenticatorData);
    for (extensions, expected) in [
        (&b"\xa0"[..], None),
        (b"\xa1\x6bcredProtect\x02", None),
        (b"\xa1\x6bhmac-secret\xf5", None),
        (b"\xa1\x61a\x58\x20", cbor),
        (b"\x80", cbor),
        (b"\xf6", cbor),
        (b"\xbf\xff", cbor),
        (b"\xa2\x61a\x01\x61a\x01", cbor),
        (b"\xa0\xa0", data),
        (b"\xa0\x00", data),
    ] {
        let (mut authenticator, stored) = registered();
        authenticator.extensions = extensions.to_vec();
        let refused = register(&authenticator.create(&creation())).err();
        assert_eq!(refused, expected, "{extensions:x?}");
        let answer = authenticator.get(&request(Purpose::SignIn));
        let refused = sign_in(&answer, &stored).err();
        assert_eq!(refused, expected, "{extensions:x?}");
    }
    // What the flags do not announce is too much; what they announce has to be there.
    let (mut authenticator, stored) = registered();
    let answer = authenticator.get(&request(Purpose::SignIn));
    let mut bytes = Base64UrlUnpadded::decode_vec(text(&answer, "authenticatorData")).unwrap();
    bytes.push(0xa0);
    let refused = sign_in(&with(&answer, "authenticatorData", &bytes), &stored).err();
    assert_eq!(refused, data);
    bytes.pop();
    for (flag, expected) in [(0x80, cbor), (0x40, data)] {
        bytes[32] ^= flag;
        let refused = sign_in(&with(&answer, "authenticatorData", &bytes), &stored).err();
        assert_eq!(refused, expected, "{flag:x}");
        bytes[32] ^= flag;
    }
}

#[test]
fn an_assertion_brings_no_credential() {
    // Signed as it should be, with attested data that has no place there.
    let (mut authenticator, stored) = registered();
    let created = authenticator.create(&creation());
    let object = Base64UrlUnpadded::decode_vec(text(&created, "attestationObject")).unwrap();
    let start = object.len() - 164;
    authenticator.flags |= 0x40;
    authenticator.extensions = object[start + 37..].to_vec();
    let answer = authenticator.get(&request(Purpose::SignIn));
    let mut bytes = Base64UrlUnpadded::decode_vec(text(&answer, "authenticatorData")).unwrap();
    bytes[32] &= !0x80;
    let refused = sign_in(&with(&answer, "authenticatorData", &bytes), &stored).err();
    assert_eq!(refused, Some(InvalidPasskey::AuthenticatorData));
}

#[test]
fn public_keys_are_those_of_the_algorithms_that_are_offered() {
    use InvalidPasskey::{Algorithm, Cbor, PublicKey};
    let own = authenticator().cose();
    let edwards = Authenticator::ed25519(2, "example.com", ORIGIN).cose();
    let changed = |cose: &[u8], index: usize, octet: u8| {
        let mut cose = cose.to_vec();
        cose[index] = octet;
        cose
    };
    let modulus = |length: usize, first: u8, last: u8| {
        let mut modulus = vec![0xff; length];
        modulus[0] = first;
        modulus[length - 1] = last;
        modulus
    };
    let rsa = |modulus: &[u8], exponent: &[u8]| {
        let head = b"\xa4\x01\x03\x03\x39\x01\x00\x20";
        let parts = [
            authenticator::bytes(modulus),
            vec![0x21],
            authenticator::bytes(exponent),
        ];
        [&head[..], &parts.concat()].concat()
    };
    let e = [1, 0, 1];
    let infinity = [&own[..10], &[0; 32], &own[42..45], &[0; 32]].concat();
    let small_order = [&edwards[..10], &[0; 32]].concat();
    let identity = [&edwards[..10], &[1], &[0; 31]].concat();
    let short = [&own[..8], &authenticator::bytes(&[1; 31]), &own[42..]].concat();
    for (what, cose, expected) in [
        ("own", own.clone(), None),
        ("Edwards", edwards.clone(), None),
        ("RSA 2048", rsa(&modulus(256, 0x80, 1), &e), None),
        ("RSA 4096", rsa(&modulus(512, 0xff, 1), &e), None),
        ("RSA with 3", rsa(&modulus(256, 0x80, 1), &[3]), None),
        ("RSA 2047", rsa(&modulus(256, 0x7f, 1), &e), Some(PublicKey)),
        ("RSA 2040", rsa(&modulus(255, 0xff, 1), &e), Some(PublicKey)),
        ("RSA 4097", rsa(&modulus(513, 0x01, 1), &e), Some(PublicKey)),
        (
            "leading zero",
            rsa(&modulus(257, 0, 1), &e),
            Some(PublicKey),
        ),
        ("even", rsa(&modulus(256, 0x80, 2), &e), Some(PublicKey)),
        (
            "RSA with 1",
            rsa(&modulus(256, 0x80, 1), &[1]),
            Some(PublicKey),
        ),
        (
            "RSA with 2",
            rsa(&modulus(256, 0x80, 1), &[2]),
            Some(PublicKey),
        ),
        (
            "RSA with 03",
            rsa(&modulus(256, 0x80, 1), &[0, 3]),
            Some(PublicKey),
        ),
        (
            "RSA with nothing",
            rsa(&modulus(256, 0x80, 1), &[]),
            Some(PublicKey),
        ),
        (
            "RSA with much",
            rsa(&modulus(256, 0x80, 1), &[1; 5]),
            Some(PublicKey),
        ),
        ("no modulus", rsa(&[], &e), Some(PublicKey)),
        // 1: key type, 3: algorithm, -1: curve.
        ("key type", changed(&own, 2, 1), Some(PublicKey)),
        ("key type text", changed(&own, 2, 0x60), Some(PublicKey)),
        ("algorithm", changed(&own, 4, 0x27), Some(PublicKey)),
        (
            "algorithm -37",
            [&own[..4], &[0x38, 0x24], &own[5..]].concat(),
            Some(Algorithm),
        ),
        ("algorithm 7", changed(&own, 4, 0x07), Some(Algorithm)),
        ("curve", changed(&own, 6, 2), Some(PublicKey)),
        (
            "off the curve",
            changed(&own, 20, own[20] ^ 1),
            Some(PublicKey),
        ),
        ("infinity", infinity, Some(PublicKey)),
        ("short", short, Some(PublicKey)),
        ("another label", changed(&own, 7, 0x23), Some(PublicKey)),
        ("label twice", changed(&own, 7, 0x22), Some(Cbor)),
        ("Ed25519 on Ed448", changed(&edwards, 6, 7), Some(PublicKey)),
        (
            "Ed25519 with ES256",
            changed(&edwards, 4, 0x26),
            Some(PublicKey),
        ),
        ("small order", small_order, Some(PublicKey)),
        ("identity", identity, Some(PublicKey)),
        (
            "more",
            [&[0xa6], &own[1..], b"\x02\x41\x01"].concat(),
            Some(PublicKey),
        ),
        ("less", [&[0xa4], &own[1..42]].concat(), Some(PublicKey)),
        ("nothing", vec![0xa0], Some(PublicKey)),
        ("no map", vec![0x80], Some(Cbor)),
        (
            "behind it",
            [&own[..], &[0]].concat(),
            Some(InvalidPasskey::AuthenticatorData),
        ),
    ] {
        let mut authenticator = authenticator();
        authenticator.cose = Some(cose);
        let refused = register(&authenticator.create(&creation())).err();
        assert_eq!(refused, expected, "{what}");
    }
}

#[test]
fn rsa_is_left_to_the_host() {
    let (mut authenticator, mut stored) = registered();
    let mut cose = b"\xa4\x01\x03\x03\x39\x01\x00\x20".to_vec();
    cose.extend(authenticator::bytes(&[0xff; 256]));
    cose.extend(b"\x21\x43\x01\x00\x01");
    stored.public_key = Base64UrlUnpadded::encode_string(&cose);
    let answer = authenticator.get(&request(Purpose::SignIn));
    assert_eq!(
        sign_in(&answer, &stored).err(),
        Some(InvalidPasskey::Signature)
    );
    let verification = |length: usize| {
        let answer = with(&answer, "signature", &vec![7; length]);
        let assertion = Assertion::parse(&answer)?;
        let challenge = keys().read(assertion.challenge(), Purpose::SignIn, NOW)?;
        match assertion.check(&stored, &rp(), &challenge)? {
            Verification::ByHost(verification) => Ok(verification),
            Verification::Done(_) => panic!("nothing was verified"),
        }
    };
    for length in [255, 257] {
        let refused = verification(length).err();
        assert_eq!(refused, Some(InvalidPasskey::Signature));
    }
    let refused = verification(256).unwrap().answered(false);
    assert_eq!(refused, Err(InvalidPasskey::Signature));
    let verified = verification(256).unwrap().answered(true).unwrap();
    assert_eq!(verified.credential_id, stored.credential_id);
}

#[test]
fn credential_ids_have_1_to_1023_bytes() {
    for (length, expected) in [
        (1, None),
        (1023, None),
        (1024, Some(InvalidPasskey::Form)),
        (2000, Some(InvalidPasskey::Form)),
        (0, Some(InvalidPasskey::Form)),
    ] {
        let mut authenticator = authenticator();
        authenticator.credential_id = vec![5; length];
        let answer = authenticator.create(&creation());
        assert_eq!(register(&answer).err(), expected, "{length}");
        // The same with an id outside that is short enough.
        let mut answer = answer;
        answer["id"] = json!("AQ");
        answer["rawId"] = json!("AQ");
        let inner = match expected {
            None => InvalidPasskey::Credential,
            Some(_) => InvalidPasskey::AuthenticatorData,
        };
        assert_eq!(register(&answer).err(), Some(inner), "{length}");
    }
}

/// Each member of `answer` and of its response, with what it becomes.
fn spoilt(answer: &Value, needed: &[&str]) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for name in needed {
        for value in [
            json!(null),
            json!(7),
            json!({}),
            json!(["AQ"]),
            json!(""),
            json!("ä"),
            json!("A"),
        ] {
            let mut answer = answer.clone();
            let member = match answer.get_mut(*name) {
                Some(member) => member,
                None => &mut answer["response"][*name],
            };
            *member = value.clone();
            all.push((format!("{name} {value}"), answer));
        }
    }
    all
}

#[test]
fn every_member_that_is_needed_is_there() {
    let (mut authenticator, stored) = registered();
    let outer = ["id", "rawId", "type", "response"];
    let created = authenticator.create(&creation());
    let inner = ["clientDataJSON", "attestationObject"];
    for (what, answer) in spoilt(&created, &[&outer[..], &inner].concat()) {
        assert_eq!(
            register(&answer).err(),
            Some(InvalidPasskey::Form),
            "{what}"
        );
    }
    let got = authenticator.get(&request(Purpose::SignIn));
    let inner = ["clientDataJSON", "authenticatorData", "signature"];
    for (what, answer) in spoilt(&got, &[&outer[..], &inner].concat()) {
        let refused = sign_in(&answer, &stored).err();
        assert_eq!(refused, Some(InvalidPasskey::Form), "{what}");
    }
    for json in [json!(null), json!([]), json!("a"), json!({})] {
        assert_eq!(Registration::parse(&json).err(), Some(InvalidPasskey::Form));
        assert_eq!(Assertion::parse(&json).err(), Some(InvalidPasskey::Form));
    }
    // Two ids, padding, and the alphabet with `+` and `/`.
    for (name, value) in [("rawId", "AQ"), ("type", "password")] {
        let mut answer = got.clone();
        answer[name] = value.into();
        assert_eq!(sign_in(&answer, &stored).err(), Some(InvalidPasskey::Form));
    }
    for text in ["AQ==", "+/8", "AR", "A Q"] {
        assert_eq!(
            CredentialId::parse(text),
            Err(InvalidPasskey::Form),
            "{text}"
        );
    }
}

#[test]
fn transports_are_hints_alone() {
    let mut answer = authenticator().create(&creation());
    let transports = |answer: &Value| register(answer).map(|passkey| passkey.transports);
    answer["response"]["transports"] = json!(["usb", "NFC", "smart-card", "", "a b", "new2"]);
    let expected = ["usb", "smart-card", "new2"].map(str::to_owned);
    assert_eq!(transports(&answer), Ok(expected.to_vec()));
    answer["response"]["transports"] = vec!["usb"; 20].into();
    assert_eq!(transports(&answer).unwrap().len(), 8);
    answer["response"]["transports"] = json!(null);
    assert_eq!(transports(&answer), Ok(Vec::new()));
    for value in [json!("usb"), json!([7]), json!({})] {
        answer["response"]["transports"] = value;
        assert_eq!(transports(&answer), Err(InvalidPasskey::Form));
    }
}

#[test]
fn no_cut_and_no_changed_bit_passes() {
    let (mut authenticator, stored) = registered();
    let answer = authenticator.get(&request(Purpose::SignIn));
    assert!(sign_in(&answer, &stored).is_ok());
    for name in [
        "clientDataJSON",
        "authenticatorData",
        "signature",
        "userHandle",
    ] {
        let bytes = Base64UrlUnpadded::decode_vec(text(&answer, name)).unwrap();
        for length in 0..bytes.len() {
            let cut = with(&answer, name, &bytes[..length]);
            assert!(sign_in(&cut, &stored).is_err(), "{name} {length}");
        }
        for index in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[index / 8] ^= 1 << (index % 8);
            let changed = with(&answer, name, &changed);
            assert!(sign_in(&changed, &stored).is_err(), "{name} {index}");
        }
        let longer = with(&answer, name, &[&bytes[..], &[0]].concat());
        assert!(sign_in(&longer, &stored).is_err(), "{name}");
    }
    // Nothing signs a registration, so a changed bit may make another one. None that is cut is whole.
    let answer = authenticator.create(&creation());
    let bytes = Base64UrlUnpadded::decode_vec(text(&answer, "attestationObject")).unwrap();
    for length in 0..bytes.len() {
        let cut = with(&answer, "attestationObject", &bytes[..length]);
        assert!(register(&cut).is_err(), "{length}");
    }
    for index in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[index / 8] ^= 1 << (index % 8);
        let _ = register(&with(&answer, "attestationObject", &changed));
    }
    let data = &bytes[bytes.len() - 164..];
    for length in 0..data.len() {
        let cut = attestation_object(&data[..length]);
        assert!(
            register(&with(&answer, "attestationObject", &cut)).is_err(),
            "{length}"
        );
    }
}

#[test]
fn attestation_objects_have_three_members_and_no_more() {
    let answer = authenticator().create(&creation());
    let bytes = Base64UrlUnpadded::decode_vec(text(&answer, "attestationObject")).unwrap();
    let data = &bytes[bytes.len() - 166..];
    let refused = |object: &[u8]| register(&with(&answer, "attestationObject", object)).err();
    let object = |parts: &[&[u8]]| parts.concat();
    let (fmt, statement, name) = (
        &b"\x63fmt\x64none"[..],
        &b"\x67attStmt\xa0"[..],
        &b"\x68authData"[..],
    );
    // In any order, with any statement that is well-formed.
    assert_eq!(
        refused(&object(&[b"\xa3", name, data, fmt, statement])),
        None
    );
    let other = b"\x67attStmt\x81\xa1\x63x5c\x81\x41\x00";
    assert_eq!(refused(&object(&[b"\xa3", fmt, other, name, data])), None);
    let nested = [&b"\x67attStmt"[..], &[0x81].repeat(10_000), &[0x00]].concat();
    let too_long = object(&[
        b"\xa3",
        fmt,
        b"\x67attStmt\x59\x60\x00",
        &[0; 24_576],
        name,
        data,
    ]);
    for (what, object, expected) in [
        (
            "no format",
            object(&[b"\xa2", statement, name, data]),
            InvalidPasskey::Cbor,
        ),
        (
            "no statement",
            object(&[b"\xa2", fmt, name, data]),
            InvalidPasskey::Cbor,
        ),
        (
            "no data",
            object(&[b"\xa2", fmt, statement]),
            InvalidPasskey::Cbor,
        ),
        (
            "more",
            object(&[b"\xa4", fmt, statement, name, data, b"\x61a\x01"]),
            InvalidPasskey::Cbor,
        ),
        (
            "twice",
            object(&[b"\xa4", fmt, fmt, statement, name, data]),
            InvalidPasskey::Cbor,
        ),
        (
            "trailing",
            object(&[b"\xa3", fmt, statement, name, data, b"\x00"]),
            InvalidPasskey::Cbor,
        ),
        (
            "indefinite",
            object(&[b"\xbf", fmt, statement, name, data, b"\xff"]),
            InvalidPasskey::Cbor,
        ),
        (
            "chunks",
            object(&[b"\xa3", fmt, statement, name, b"\x5f", data, b"\xff"]),
            InvalidPasskey::Cbor,
        ),
        (
            "text",
            object(&[b"\xa3", fmt, statement, name, b"\x61a"]),
            InvalidPasskey::Cbor,
        ),
        (
            "tag",
            object(&[b"\xd9\xd9\xf7\xa3", fmt, statement, name, data]),
            InvalidPasskey::Cbor,
        ),
        (
            "nested",
            object(&[b"\xa3", fmt, &nested, name, data]),
            InvalidPasskey::Cbor,
        ),
        ("long", too_long, InvalidPasskey::Form),
        ("array", b"\x83\x01\x02\x03".to_vec(), InvalidPasskey::Cbor),
    ] {
        assert_eq!(refused(&object), Some(expected), "{what}");
    }
}

#[test]
fn ids_are_random_uuids() {
    let id = |octet| PasskeyId::new([octet; 16]).as_str().to_owned();
    assert_eq!(id(0), "00000000-0000-4000-8000-000000000000");
    assert_eq!(id(0xff), "ffffffff-ffff-4fff-bfff-ffffffffffff");
}

#[test]
fn user_handles_are_read_from_the_database() {
    let digits = "09".repeat(64);
    assert_eq!(UserHandle::from_hex(&digits), Some(handle()));
    assert_eq!(UserHandle::from_hex("0A0b").unwrap().as_str(), "Cgs");
    for digits in ["", "0", "0g", &"00".repeat(65)] {
        assert_eq!(UserHandle::from_hex(digits), None);
    }
}
