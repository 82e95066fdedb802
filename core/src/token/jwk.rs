//! Reading an operator's JSON Web Keys (RFC 7517), and naming keys.

use std::collections::BTreeMap;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::algorithm::Algorithm;
use super::key_error::KeyError;
use crate::json;

/// A JWK's members as they were written. Its texts are wiped on drop.
pub(super) struct Jwk(Map<String, Value>);

/// What a JWK's members say of the key. The private parts are wiped on drop.
pub(super) enum Parts {
    /// `kty` = `oct` (RFC 7518 section 6.4).
    Symmetric(Zeroizing<Vec<u8>>),
    /// `kty` = `OKP`, `crv` = `Ed25519` (RFC 8037 section 2).
    Ed25519 {
        x: [u8; 32],
        d: Option<Zeroizing<[u8; 32]>>,
    },
    /// `kty` = `EC`, `crv` = `P-256` (RFC 7518 section 6.2).
    P256 {
        x: [u8; 32],
        y: [u8; 32],
        d: Option<Zeroizing<[u8; 32]>>,
    },
}

impl Parts {
    /// The one algorithm of such a key (RFC 8725 section 3.1).
    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Symmetric(_) => Algorithm::Hs256,
            Self::Ed25519 { .. } => Algorithm::EdDsa,
            Self::P256 { .. } => Algorithm::Es256,
        }
    }
}

impl Jwk {
    /// The keys of `text`: JSON objects one after another, with or without white space between.
    pub(super) fn all(text: &str) -> Result<Vec<Self>, KeyError> {
        let objects = json::objects(text).map(|object| object.map(Self));
        objects
            .collect::<Result<_, _>>()
            .map_err(|_| KeyError::NotJson)
    }

    pub(super) fn parts(&self) -> Result<Parts, KeyError> {
        let parts = match self.text("kty") {
            Some("oct") => Parts::Symmetric(self.decoded("k")?),
            Some("OKP") => {
                self.check_curve("Ed25519")?;
                Parts::Ed25519 {
                    x: *self.octets("x")?,
                    d: self.private()?,
                }
            }
            Some("EC") => {
                self.check_curve("P-256")?;
                Parts::P256 {
                    x: *self.octets("x")?,
                    y: *self.octets("y")?,
                    d: self.private()?,
                }
            }
            _ => return Err(KeyError::KeyType),
        };
        let own = parts.algorithm().name();
        if self.0.get("alg").is_some_and(|alg| alg != own) {
            return Err(KeyError::Algorithm);
        }
        self.check_use()?;
        Ok(parts)
    }

    fn text(&self, member: &str) -> Option<&str> {
        self.0.get(member).and_then(Value::as_str)
    }

    fn check_curve(&self, curve: &str) -> Result<(), KeyError> {
        if self.text("crv") == Some(curve) {
            Ok(())
        } else {
            Err(KeyError::Curve)
        }
    }

    fn check_use(&self) -> Result<(), KeyError> {
        let signs = |operation: &Value| operation == "sign" || operation == "verify";
        let operations = |value: &Value| value.as_array().is_some_and(|all| all.iter().any(signs));
        if self.0.get("use").is_none_or(|value| value == "sig")
            && self.0.get("key_ops").is_none_or(operations)
        {
            Ok(())
        } else {
            Err(KeyError::Use)
        }
    }

    fn decoded(&self, member: &'static str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let text = self.text(member).ok_or(KeyError::Missing(member))?;
        let octets = Base64UrlUnpadded::decode_vec(text).map_err(|_| KeyError::Octets(member))?;
        Ok(Zeroizing::new(octets))
    }

    /// A member of 32 bytes, leading zeros included (RFC 7518 section 6.2.1.2).
    fn octets(&self, member: &'static str) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let octets = <[u8; 32]>::try_from(self.decoded(member)?.as_slice());
        octets
            .map(Zeroizing::new)
            .map_err(|_| KeyError::Octets(member))
    }

    fn private(&self) -> Result<Option<Zeroizing<[u8; 32]>>, KeyError> {
        self.0
            .contains_key("d")
            .then(|| self.octets("d"))
            .transpose()
    }
}

impl Drop for Jwk {
    fn drop(&mut self) {
        for value in self.0.values_mut() {
            if let Value::String(text) = value {
                text.zeroize();
            }
        }
    }
}

/// The members of a public key that name it: those that RFC 7638 section 3.2 requires of its `kty`.
pub type PublicMembers = BTreeMap<&'static str, String>;

pub(super) fn ed25519(x: &[u8]) -> PublicMembers {
    let x = Base64UrlUnpadded::encode_string(x);
    BTreeMap::from([("kty", "OKP".into()), ("crv", "Ed25519".into()), ("x", x)])
}

pub(super) fn p256(x: &[u8], y: &[u8]) -> PublicMembers {
    let [x, y] = [x, y].map(Base64UrlUnpadded::encode_string);
    BTreeMap::from([
        ("kty", "EC".into()),
        ("crv", "P-256".into()),
        ("x", x),
        ("y", y),
    ])
}

/// The SHA-256 thumbprint of a key, in base64url, from the members that its `kty` requires
/// (RFC 7638 section 3).
#[must_use]
pub fn thumbprint(members: &PublicMembers) -> String {
    // In the order of their names, without white space. The values are base64url and registered
    // names, of which no character is escaped.
    let canonical = json!(members).to_string();
    Base64UrlUnpadded::encode_string(&Sha256::digest(canonical))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(jwk: &Value) -> Option<KeyError> {
        let all = Jwk::all(&jwk.to_string()).unwrap();
        all[0].parts().err()
    }

    /// RFC 8037 appendix A.2, with `member` set or, by null, removed.
    fn ed25519_with(member: &str, value: Value) -> Value {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let mut jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
        jwk[member] = value;
        jwk.as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        jwk
    }

    #[test]
    fn keys_of_other_kinds_are_refused() {
        assert_eq!(error(&json!({})), Some(KeyError::KeyType));
        for kty in [
            json!("RSA"),
            json!("okp"),
            json!("AKP"),
            json!(1),
            json!(null),
        ] {
            assert_eq!(error(&ed25519_with("kty", kty)), Some(KeyError::KeyType));
        }
        for crv in [json!("Ed448"), json!("X25519"), json!("P-256"), json!(null)] {
            assert_eq!(error(&ed25519_with("crv", crv)), Some(KeyError::Curve));
        }
        for crv in ["P-384", "secp256k1", "Ed25519", ""] {
            let jwk = json!({ "kty": "EC", "crv": crv, "x": "", "y": "" });
            assert_eq!(error(&jwk), Some(KeyError::Curve), "{crv}");
        }
    }

    #[test]
    fn keys_for_something_else_are_refused() {
        for alg in [json!("ES256"), json!("HS256"), json!("none"), json!(1)] {
            assert_eq!(error(&ed25519_with("alg", alg)), Some(KeyError::Algorithm));
        }
        assert_eq!(error(&ed25519_with("alg", json!("EdDSA"))), None);
        assert_eq!(
            error(&ed25519_with("use", json!("enc"))),
            Some(KeyError::Use)
        );
        assert_eq!(error(&ed25519_with("use", json!("sig"))), None);
        for key_ops in [json!([]), json!(["encrypt"]), json!("verify"), json!([1])] {
            assert_eq!(
                error(&ed25519_with("key_ops", key_ops)),
                Some(KeyError::Use)
            );
        }
        for key_ops in [
            json!(["verify"]),
            json!(["sign"]),
            json!(["sign", "verify"]),
        ] {
            assert_eq!(error(&ed25519_with("key_ops", key_ops)), None);
        }
    }

    #[test]
    fn members_are_strict_base64url_of_32_bytes() {
        assert_eq!(
            error(&ed25519_with("x", json!(null))),
            Some(KeyError::Missing("x"))
        );
        assert_eq!(
            error(&ed25519_with("x", json!(1))),
            Some(KeyError::Missing("x"))
        );
        let zeros = "A".repeat(43);
        assert_eq!(error(&ed25519_with("x", json!(zeros))), None);
        let stray_bits = format!("{}B", "A".repeat(42));
        for x in [
            "",
            "AA",
            &"A".repeat(42),
            &format!("{zeros}A"),
            &format!("{zeros}="),
            &stray_bits,
        ] {
            assert_eq!(
                error(&ed25519_with("x", json!(x))),
                Some(KeyError::Octets("x")),
                "{x}"
            );
        }
        assert_eq!(
            error(&ed25519_with("d", json!("AA"))),
            Some(KeyError::Octets("d"))
        );
        assert_eq!(
            error(&ed25519_with("d", json!(7))),
            Some(KeyError::Missing("d"))
        );
        assert_eq!(
            error(&json!({ "kty": "oct" })),
            Some(KeyError::Missing("k"))
        );
        assert_eq!(
            error(&json!({ "kty": "oct", "k": "A" })),
            Some(KeyError::Octets("k"))
        );
        let mut p256 = json!({ "kty": "EC", "crv": "P-256", "x": zeros });
        assert_eq!(error(&p256), Some(KeyError::Missing("y")));
        // Leading zeros are not left out (RFC 7518 section 6.2.1.2).
        p256["y"] = "A".repeat(42).into();
        assert_eq!(error(&p256), Some(KeyError::Octets("y")));
    }

    #[test]
    fn texts_that_are_no_keys() {
        for text in [
            "x",
            "[]",
            "{}[]",
            "{},{}",
            "{",
            "{}x",
            r#"{"kty":"oct","kty":"EC"}"#,
        ] {
            assert_eq!(Jwk::all(text).err(), Some(KeyError::NotJson), "{text}");
        }
    }
}
