//! The keys of access tokens: one signs, the retired ones only verify, each by one algorithm.

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::key::{Key, RetiredKey, SigningKey};

/// The keys of a service: the one that signs, and those that verify what was signed before.
#[derive(Debug)]
pub struct Keys {
    /// The one that signs.
    pub active: SigningKey,
    /// Those that only verify.
    pub retired: Vec<RetiredKey>,
}

impl Keys {
    /// The public keys as a JWK Set (RFC 7517 section 5), each once. HMAC keys have none.
    #[must_use]
    pub fn jwks(&self) -> Value {
        let mut keys: Vec<Value> = Vec::new();
        for jwk in self.all().filter_map(Key::jwk) {
            // A key may be retired before its successor is active.
            if !keys.contains(&jwk) {
                keys.push(jwk);
            }
        }
        json!({ "keys": keys })
    }

    /// A secret for `purpose` from each key that has secret octets, the active one's first: HMAC
    /// with SHA-256, keyed by them. No token and no `kid` shows one, as long as the purpose is not
    /// `kid`. A weak key has none: whoever guesses it would have them as well.
    #[must_use]
    pub fn derived_secrets(&self, purpose: &str) -> Vec<Zeroizing<[u8; 32]>> {
        self.all()
            .filter_map(|key| key.derived_secret(purpose))
            .collect()
    }

    /// The keys that may have signed a token of that `alg` and `kid` (docs/api.md, "Access tokens"):
    /// the one that `kid` names, else all of that `alg`, the weak ones only without a `kid`.
    pub(super) fn candidates(&self, algorithm: &str, kid: Option<&str>) -> Vec<&Key> {
        let named = kid.and_then(|kid| self.all().find(|key| key.kid() == Some(kid)));
        let eligible = |key: &&Key| match named {
            Some(named) => std::ptr::eq(*key, named),
            None => kid.is_none() || key.kid().is_some(),
        };
        let of_algorithm = |key: &&Key| key.algorithm().name() == algorithm;
        self.all().filter(eligible).filter(of_algorithm).collect()
    }

    fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(self.active.key()).chain(self.retired.iter().map(RetiredKey::key))
    }
}

impl From<SigningKey> for Keys {
    /// That key, without retired ones.
    fn from(active: SigningKey) -> Self {
        let retired = Vec::new();
        Self { active, retired }
    }
}

#[cfg(test)]
mod tests {
    use base64ct::{Base64UrlUnpadded, Encoding};

    use super::super::test_keys::{ED25519, P256, SECRET, ed25519, hmac, p256, public, retired};
    use super::*;

    #[test]
    fn jwks_has_the_public_halves_alone() {
        let alone: Keys = hmac().into();
        assert_eq!(alone.jwks(), json!({ "keys": [] }));
        let oct = json!({ "kty": "oct", "k": Base64UrlUnpadded::encode_string(SECRET) });
        let keys = Keys {
            active: ed25519(),
            retired: retired(&format!("{oct}{P256}{}", public(ED25519))),
        };
        let expected = json!({ "keys": [
            {
                "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            },
            {
                "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig",
                "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
                "kid": p256().kid(),
            },
        ] });
        assert_eq!(keys.jwks(), expected);
        for key in keys.jwks()["keys"].as_array().unwrap() {
            assert!(key.get("d").is_none() && key.get("k").is_none());
            // What is published is a key that can be read.
            retired(&key.to_string());
        }
    }

    #[test]
    fn secrets_are_derived_from_every_secret_but_weak_ones() {
        let mut retired = retired(&format!("{P256}{}", public(ED25519)));
        retired.push(RetiredKey::from_secret(SECRET, false).unwrap());
        retired.push(RetiredKey::from_secret(b"weak secret", true).unwrap());
        let keys = Keys {
            active: ed25519(),
            retired,
        };
        let secrets = keys.derived_secrets("sessions");
        assert_eq!(secrets.len(), 3);
        let d = |jwk| {
            let jwk: Value = serde_json::from_str(jwk).unwrap();
            Base64UrlUnpadded::decode_vec(jwk["d"].as_str().unwrap()).unwrap()
        };
        let inputs = [d(ED25519), d(P256), SECRET.to_vec()];
        for (secret, input) in secrets.iter().zip(inputs) {
            let key = SigningKey::from_secret(&input).unwrap();
            assert_eq!(secret.to_vec(), key.sign(b"edge-auth sessions"));
        }
        assert_ne!(secrets, keys.derived_secrets("other"));
    }

    #[test]
    fn a_kid_picks_its_key_and_no_weak_one() {
        let weak = RetiredKey::from_secret(b"weak secret", true).unwrap();
        let mut keys = Keys {
            active: ed25519(),
            retired: retired(P256),
        };
        let count = |keys: &Keys, algorithm, kid| keys.candidates(algorithm, kid).len();
        assert_eq!(count(&keys, "HS256", None), 0);
        keys.retired.push(weak);
        let (ed, p) = (ed25519(), p256());
        for (algorithm, kid, expected) in [
            ("EdDSA", None, 1),
            ("EdDSA", Some(ed.kid()), 1),
            ("EdDSA", Some("unknown"), 1),
            ("EdDSA", Some(p.kid()), 0),
            ("ES256", None, 1),
            ("ES256", Some(p.kid()), 1),
            ("ES256", Some(ed.kid()), 0),
            ("HS256", None, 1),
            ("HS256", Some("unknown"), 0),
            ("HS256", Some(""), 0),
            ("HS256", Some(ed.kid()), 0),
            ("none", None, 0),
            ("Ed25519", None, 0),
        ] {
            assert_eq!(
                count(&keys, algorithm, kid),
                expected,
                "{algorithm} {kid:?}"
            );
        }
        keys.retired
            .push(RetiredKey::from_secret(SECRET, false).unwrap());
        assert_eq!(count(&keys, "HS256", None), 2);
        assert_eq!(count(&keys, "HS256", Some("unknown")), 1);
    }
}
