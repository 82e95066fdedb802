//! RS256 by WebCrypto: the RSA credential of W3C's Web Authentication, Level 3.

use base64ct::{Base64UrlUnpadded, Encoding};
use edge_auth::platform::rsa;
use serde_json::Value;
use sha2::{Digest, Sha256};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::passwords::drive;

fn member(vector: &Value, ceremony: &str, name: &str) -> Vec<u8> {
    let text = vector[ceremony][name].as_str().unwrap();
    Base64UrlUnpadded::decode_vec(text).unwrap()
}

async fn verify(n: &[u8], e: &[u8], signature: &[u8], message: &[u8]) -> bool {
    let [n, e] = [n, e].map(Base64UrlUnpadded::encode_string);
    let answer = drive(rsa::verify(&n, &e, signature, message)).await;
    answer.unwrap()
}

#[wasm_bindgen_test]
async fn rs256_of_web_authentication_level_3() {
    let mut lines = include_str!("../fixtures/webauthn.jsonl").lines();
    let line = lines.find(|line| line.contains("packed.RS256")).unwrap();
    let vector: Value = serde_json::from_str(line).unwrap();
    // The modulus is the product of two Mersenne primes, 3,482 bits long: the COSE_Key ends the object.
    let object = member(&vector, "registration", "attestationObject");
    let end = object.len() - 5;
    assert_eq!(object[end - 439..end - 436], [0x59, 0x01, 0xb4]);
    assert_eq!(object[end..], [0x21, 0x43, 1, 0, 1]);
    let n = &object[end - 436..end];
    let e = [1, 0, 1];
    let signature = member(&vector, "authentication", "signature");
    let client_data = member(&vector, "authentication", "clientDataJSON");
    let data = member(&vector, "authentication", "authenticatorData");
    let message = [&data[..], &Sha256::digest(client_data)].concat();
    assert!(verify(n, &e, &signature, &message).await);

    let mut other = message.clone();
    other[0] ^= 1;
    assert!(!verify(n, &e, &signature, &other).await);
    for index in [0, signature.len() - 1] {
        let mut other = signature.clone();
        other[index] ^= 1;
        assert!(!verify(n, &e, &other, &message).await);
    }
    assert!(!verify(n, &e, &signature[1..], &message).await);
    assert!(!verify(n, &[3], &signature, &message).await);
    // No keys.
    assert!(!verify(&[], &e, &signature, &message).await);
    assert!(!verify(n, &[], &signature, &message).await);
    assert!(!verify(&[7; 256], &[0], &signature, &message).await);
}
