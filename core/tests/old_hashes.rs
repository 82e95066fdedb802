//! Hashes that old services stored, made by the Python libraries themselves
//! (`tests/fixtures/old_hashes.py`), verified natively. `tests/http/sign_in/old_hashes.rs` does so in wasm.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use edge_auth_core::password::{HashRefused, Peppers, StoredPassword, TriedPassword};
use edge_auth_core::time::Milliseconds;
use edge_auth_core::unicode::Unicode;
use serde_json::Value;

const HASHES: &str = include_str!("../../tests/fixtures/old_hashes.jsonl");

/// The CPU time that the default sign-in floor leaves.
const BUDGET: Milliseconds = Milliseconds(400);

/// Old services hashed the bytes as they came.
const UNCHANGED: Unicode = Unicode {
    nfc: str::to_owned,
    nfkc: str::to_owned,
    to_lowercase: str::to_owned,
    to_uppercase: str::to_owned,
    has_format_characters: |_| false,
};

fn texts(list: &Value) -> Vec<&str> {
    let texts = list.as_array().unwrap().iter();
    texts.map(|text| text.as_str().unwrap()).collect()
}

/// The kinds that are refused, with the reason.
fn expected_refusal(kind: &str) -> Option<HashRefused> {
    match kind {
        // Not in the contract's list; without a count it is anybody's guess which one was meant.
        "argon2d" | "passlib-pbkdf2-sha1" | "werkzeug-pbkdf2-no-count" => {
            Some(HashRefused::UnknownForm)
        }
        _ => None,
    }
}

#[test]
fn the_same_passwords_are_right_as_before() {
    let mut kinds = std::collections::BTreeSet::new();
    for line in HASHES.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let kind = case["kind"].as_str().unwrap();
        let hash = case["hash"].as_str().unwrap();
        let parsed = StoredPassword::parse(hash, BUDGET);
        if let Some(refusal) = expected_refusal(kind) {
            assert_eq!(parsed.err(), Some(refusal), "{hash}");
            continue;
        }
        kinds.insert(kind.to_owned());
        let stored = parsed.expect(hash);
        let matches = |password: &str| {
            let tried = TriedPassword::new(password, UNCHANGED);
            let key = stored.derivation().run(tried.raw()).unwrap();
            tried.can_be_right() && stored.matches(&key, &Peppers::default())
        };
        for password in texts(&case["right"]) {
            // A password with a NUL is never right (contract, "Dialect 2").
            let expected = !password.contains('\0');
            assert_eq!(matches(password), expected, "{hash} {password:?}");
        }
        for password in texts(&case["wrong"]) {
            assert!(!matches(password), "{hash} {password:?}");
        }
    }
    assert!(kinds.len() >= 12, "{kinds:?}");
}
