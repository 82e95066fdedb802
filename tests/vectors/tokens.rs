//! Keys and signatures of access tokens: the examples of the RFCs, and Wycheproof.

use base64ct::{Base64UrlUnpadded, Encoding};
use edge_auth_core::time::UnixSeconds;
use edge_auth_core::token::{
    self, Algorithm, KeyError, Keys, PublicMembers, RetiredKey, SigningKey, TokenError,
};
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

fn hex(digits: &str) -> Vec<u8> {
    base16ct::mixed::decode_vec(digits).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn base64url(octets: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(octets)
}

fn retired(jwk: &Value) -> Result<RetiredKey, KeyError> {
    let mut keys = RetiredKey::from_jwks(&jwk.to_string(), false)?;
    assert_eq!(keys.len(), 1);
    Ok(keys.pop().unwrap())
}

/// RFC 8037 appendix A.1.
fn ed25519() -> Value {
    json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    })
}

/// RFC 7515 appendix A.3.
fn p256() -> Value {
    json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
    })
}

/// RFC 7515 appendix A.1, also RFC 7517 appendix A.3.
const HMAC_KEY: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuT\
                        wjAzZr1Z9CAow";

/// The payload of RFC 7515 appendices A.1 and A.3.
const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS\
                       9pc19yb290Ijp0cnVlfQ";

#[wasm_bindgen_test(unsupported = test)]
fn hs256_of_rfc_7515_a_1() {
    let key = SigningKey::from_secret(&Base64UrlUnpadded::decode_vec(HMAC_KEY).unwrap()).unwrap();
    let message = format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{PAYLOAD}");
    let signature = key.sign(message.as_bytes());
    let expected = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    assert_eq!(base64url(&signature), expected);
    assert!(key.verifies(message.as_bytes(), &signature));
}

#[wasm_bindgen_test(unsupported = test)]
fn ed25519_of_rfc_8037_appendix_a() {
    let key = SigningKey::from_jwk(&ed25519().to_string(), Algorithm::EdDsa).unwrap();
    assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let expected = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr\
                    _MuM0KAg";
    let signature = key.sign(message);
    assert_eq!(base64url(&signature), expected);
    assert!(key.verifies(message, &signature));
    // A.2: the public key.
    let mut public = ed25519();
    public.as_object_mut().unwrap().remove("d");
    assert!(retired(&public).unwrap().verifies(message, &signature));
}

#[wasm_bindgen_test(unsupported = test)]
fn es256_of_rfc_7515_a_3() {
    let key = SigningKey::from_jwk(&p256().to_string(), Algorithm::Es256).unwrap();
    let message = format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}");
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP\
                     3-Kg6NU1Q";
    let signature = Base64UrlUnpadded::decode_vec(signature).unwrap();
    assert!(key.verifies(message.as_bytes(), &signature));
    assert!(!key.verifies(b"another message", &signature));
}

#[wasm_bindgen_test(unsupported = test)]
fn es256_signs_as_rfc_6979_a_2_5() {
    let octets = |digits| base64url(&hex(digits));
    let jwk = json!({
        "kty": "EC",
        "crv": "P-256",
        "x": octets("60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"),
        "y": octets("7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299"),
        "d": octets("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721"),
    });
    let key = SigningKey::from_jwk(&jwk.to_string(), Algorithm::Es256).unwrap();
    for (message, r, s) in [
        (
            "sample",
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
            "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
        ),
        (
            "test",
            "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
            "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
        ),
    ] {
        assert_eq!(key.sign(message.as_bytes()), [hex(r), hex(s)].concat());
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn thumbprint_of_rfc_7638_3_1() {
    let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc\
             _BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQ\
             R0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bF\
             TWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let members = [("kty", "RSA"), ("n", n), ("e", "AQAB")];
    let members: PublicMembers = members.map(|(name, value)| (name, value.into())).into();
    let expected = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
    assert_eq!(token::thumbprint(&members), expected);
}

#[wasm_bindgen_test(unsupported = test)]
fn keys_of_rfc_7517_appendix_a() {
    // A.1 and A.2: the elliptic curve key is for encryption, and refused for that alone.
    let mut jwk = json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE",
        "use": "enc",
        "kid": "1",
    });
    assert_eq!(retired(&jwk).err(), Some(KeyError::Use));
    jwk.as_object_mut().unwrap().remove("use");
    let private = SigningKey::from_jwk(&jwk.to_string(), Algorithm::Es256).unwrap();
    jwk.as_object_mut().unwrap().remove("d");
    let signature = private.sign(b"message");
    assert!(retired(&jwk).unwrap().verifies(b"message", &signature));

    // A.3: one key for wrapping keys, one for HS256.
    let wrapping = json!({ "kty": "oct", "alg": "A128KW", "k": "GawgguFyGrWKav7AX4VKUg" });
    assert_eq!(retired(&wrapping).err(), Some(KeyError::Algorithm));
    let kid = "HMAC key used in JWS spec Appendix A.1 example";
    let hmac = retired(&json!({ "kty": "oct", "k": HMAC_KEY, "kid": kid })).unwrap();
    let secret = Base64UrlUnpadded::decode_vec(HMAC_KEY).unwrap();
    let signature = SigningKey::from_secret(&secret).unwrap().sign(b"message");
    assert!(hmac.verifies(b"message", &signature));
}

/// Runs `holds` over every test of a file, with its group, and compares with the file's result,
/// but for the tests of `exceptions`, of which it has to differ.
fn wycheproof(
    file: &str,
    count: usize,
    exceptions: &[u64],
    holds: impl Fn(&Value, &Value) -> bool,
) {
    let file: Value = serde_json::from_str(file).unwrap();
    let mut evaluated = 0;
    for group in file["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            let valid = match text(&test["result"]) {
                "valid" => true,
                "invalid" => false,
                other => panic!("result {other}"),
            };
            let differs = exceptions.contains(&test["tcId"].as_u64().unwrap());
            assert_eq!(holds(group, test), valid != differs, "{test}");
            evaluated += 1;
        }
    }
    assert_eq!(evaluated, count);
    assert_eq!(file["numberOfTests"], count);
}

#[wasm_bindgen_test(unsupported = test)]
fn wycheproof_ed25519() {
    let file = include_str!("../fixtures/wycheproof/ed25519_test.json");
    wycheproof(file, 151, &[], |group, test| {
        let key = retired(&group["publicKeyJwk"]).unwrap();
        key.verifies(&hex(text(&test["msg"])), &hex(text(&test["sig"])))
    });
}

#[wasm_bindgen_test(unsupported = test)]
fn wycheproof_ecdsa_p256_sha256() {
    let file = include_str!("../fixtures/wycheproof/ecdsa_secp256r1_sha256_p1363_test.json");
    wycheproof(file, 262, &[], |group, test| {
        let point = hex(text(&group["publicKey"]["uncompressed"]));
        let (x, y) = point.strip_prefix(&[4]).unwrap().split_at(32);
        let [x, y] = [x, y].map(base64url);
        let key = retired(&json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })).unwrap();
        key.verifies(&hex(text(&test["msg"])), &hex(text(&test["sig"])))
    });
}

#[wasm_bindgen_test(unsupported = test)]
fn wycheproof_hmac_sha256() {
    let file = include_str!("../fixtures/wycheproof/hmac_sha256_test.json");
    wycheproof(file, 87, &[], |_, test| {
        let key = RetiredKey::from_secret(&hex(text(&test["key"])), true).unwrap();
        key.verifies(&hex(text(&test["msg"])), &hex(text(&test["tag"])))
    });
}

/// Whether the token that is a test's `jws` is verified by `jwk`, whatever its payload, which in
/// most is no JSON.
fn jws_holds(jwk: &Value, test: &Value) -> bool {
    let jwk = match jwk {
        Value::Object(set) if set.contains_key("keys") => &set["keys"][0],
        jwk => jwk,
    };
    let Ok(key) = retired(jwk) else {
        return false;
    };
    // None of the tests is of EdDSA.
    let active = SigningKey::from_jwk(&ed25519().to_string(), Algorithm::EdDsa).unwrap();
    let keys = Keys {
        active,
        retired: vec![key],
    };
    let jws = match &test["jws"] {
        Value::String(jws) => jws.clone(),
        serialization => serialization.to_string(),
    };
    match token::verify(&jws, "edge-auth", UnixSeconds(0), &keys) {
        Ok(_) => true,
        Err(error) => !matches!(
            error,
            TokenError::NotEnoughSegments
                | TokenError::Padding(_)
                | TokenError::Header(_)
                | TokenError::KeyIdNotAString
                | TokenError::Critical(_)
                | TokenError::AlgorithmMissing
                | TokenError::AlgorithmNotAllowed
                | TokenError::Signature { .. }
        ),
    }
}

/// The same by the private key and, where there is one, by the public key.
fn both_hold(group: &Value, test: &Value) -> bool {
    let holds = jws_holds(&group["private"], test);
    if let Some(public) = group.get("public") {
        assert_eq!(jws_holds(public, test), holds, "{test}");
    }
    holds
}

#[wasm_bindgen_test(unsupported = test)]
fn wycheproof_json_web_signature() {
    let file = include_str!("../fixtures/wycheproof/json_web_signature_test.json");
    // 367 and 370 are named after a padding that they do not have: their text is that of 357, which
    // is valid. 372 and 373 have a `?` in a segment, which RFC 7515 section 2 does not allow.
    wycheproof(file, 81, &[367, 370, 372, 373], both_hold);
}

#[wasm_bindgen_test(unsupported = test)]
fn wycheproof_json_web_key() {
    let file = include_str!("../fixtures/wycheproof/json_web_key_test.json");
    wycheproof(file, 11, &[], both_hold);
}
