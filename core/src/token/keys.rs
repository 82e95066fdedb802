//! The keys of access tokens: one signs, the retired ones only verify, each by one algorithm.

use std::fmt;
use std::num::NonZeroUsize;

use base64ct::{Base64UrlUnpadded, Encoding};
use jwt_compact::alg::{self, Ed25519, Es256, Hs256, Hs256Key, SigningKey as _, VerifyingKey as _};
use jwt_compact::{
    Algorithm as _, AlgorithmExt as _, AlgorithmSignature, Claims, CreationError, Header,
};
use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::jwk::{self, Jwk, KeyError, Parts, PublicMembers};

/// The fewest bytes of an HS256 key: the hash's size (RFC 7518 section 3.2).
pub const MIN_SECRET_BYTES: usize = 32;

/// What is signed to get the `kid` of an HMAC key. No JWT has this signing input: it contains no
/// dot.
const KID_MESSAGE: &[u8] = b"edge-auth kid";

/// Bytes of the keyed hash that the `kid` of an HMAC key shows.
const KID_BYTES: usize = 16;

type PrivateKey<A> = <A as jwt_compact::Algorithm>::SigningKey;
type PublicKey<A> = <A as jwt_compact::Algorithm>::VerifyingKey;

/// How a token is signed (RFC 7518 section 3.1, RFC 8037 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256 (RFC 7518 section 3.2).
    Hs256,
    /// Ed25519 (RFC 8037 section 3.1).
    EdDsa,
    /// ECDSA with P-256 and SHA-256 (RFC 7518 section 3.4).
    Es256,
}

impl Algorithm {
    /// The header parameter `alg`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
        }
    }
}

enum Signer {
    Hs256(Hs256Key),
    EdDsa(PrivateKey<Ed25519>),
    Es256(PrivateKey<Es256>),
}

enum Verifier {
    Hs256(Hs256Key),
    EdDsa(PublicKey<Ed25519>),
    Es256(PublicKey<Es256>),
}

/// What is known of any key.
pub(super) struct Key {
    verifier: Verifier,
    /// None of a weak key.
    kid: Option<String>,
    /// None of an HMAC key.
    public: Option<PublicMembers>,
    /// What other secrets are derived from: the HMAC secret, or `d`. None of a weak key, which was
    /// never the active one, and of a public key.
    octets: Option<Zeroizing<Vec<u8>>>,
}

impl Key {
    fn hmac(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(KeyError::Weak);
        }
        let key = Hs256Key::new(secret);
        // A keyed hash names the key and reveals nothing of it.
        let hash = Hs256.sign(&key, KID_MESSAGE);
        let bytes = hash.as_bytes();
        let kid = Base64UrlUnpadded::encode_string(bytes.get(..KID_BYTES).unwrap_or(&bytes));
        Ok(Self {
            verifier: Verifier::Hs256(key),
            kid: Some(kid),
            public: None,
            octets: Some(Zeroizing::new(secret.to_vec())),
        })
    }

    fn asymmetric(verifier: Verifier, public: PublicMembers, d: Option<&[u8; 32]>) -> Self {
        Self {
            verifier,
            kid: Some(jwk::thumbprint(&public)),
            public: Some(public),
            octets: d.map(|d| Zeroizing::new(d.to_vec())),
        }
    }

    fn from_parts(parts: &Parts) -> Result<(Self, Option<Signer>), KeyError> {
        match parts {
            Parts::Symmetric(secret) => {
                let signer = Signer::Hs256(Hs256Key::new(secret));
                Ok((Self::hmac(secret)?, Some(signer)))
            }
            Parts::Ed25519 { x, d } => {
                let public =
                    PublicKey::<Ed25519>::from_slice(x).map_err(|_| KeyError::NotAPoint)?;
                // Of a point of small order everybody can make signatures.
                if public.is_weak() {
                    return Err(KeyError::NotAPoint);
                }
                let d = d.as_deref();
                let private = d.map(|d| pair::<Ed25519>(d, &public)).transpose()?;
                let key = Self::asymmetric(Verifier::EdDsa(public), jwk::ed25519(x), d);
                Ok((key, private.map(Signer::EdDsa)))
            }
            Parts::P256 { x, y, d } => {
                // SEC 1 section 2.3.3: an uncompressed point.
                let point = [&[4][..], x, y].concat();
                let public = PublicKey::<Es256>::from_slice(&point);
                let public = public.map_err(|_| KeyError::NotAPoint)?;
                let d = d.as_deref();
                let private = d.map(|d| pair::<Es256>(d, &public)).transpose()?;
                let key = Self::asymmetric(Verifier::Es256(public), jwk::p256(x, y), d);
                Ok((key, private.map(Signer::Es256)))
            }
        }
    }

    fn algorithm(&self) -> Algorithm {
        match self.verifier {
            Verifier::Hs256(_) => Algorithm::Hs256,
            Verifier::EdDsa(_) => Algorithm::EdDsa,
            Verifier::Es256(_) => Algorithm::Es256,
        }
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.verifier {
            Verifier::Hs256(key) => verifies(&Hs256, key, message, signature),
            Verifier::EdDsa(key) => verifies(&Ed25519, key, message, signature),
            Verifier::Es256(key) => verifies(&Es256, key, message, signature),
        }
    }

    fn jwk(&self) -> Option<Value> {
        let mut jwk = json!(self.public.as_ref()?);
        let members = jwk.as_object_mut()?;
        members.insert("alg".into(), self.algorithm().name().into());
        members.insert("use".into(), "sig".into());
        members.insert("kid".into(), self.kid.as_deref()?.into());
        Some(jwk)
    }

    fn derived_secret(&self, purpose: &str) -> Option<Zeroizing<[u8; 32]>> {
        let key = Hs256Key::new(self.octets.as_deref()?);
        let hash = Hs256.sign(&key, format!("edge-auth {purpose}").as_bytes());
        let hash = Zeroizing::new(hash.as_bytes().into_owned());
        hash.as_slice().try_into().ok().map(Zeroizing::new)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Key")
            .field("algorithm", &self.algorithm())
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// The private key `d`, whose public half has to be `public`.
fn pair<A>(d: &[u8; 32], public: &A::VerifyingKey) -> Result<A::SigningKey, KeyError>
where
    A: jwt_compact::Algorithm,
    A::SigningKey: alg::SigningKey<A>,
    A::VerifyingKey: alg::VerifyingKey<A>,
{
    let private = A::SigningKey::from_slice(d).map_err(|_| KeyError::Private)?;
    if private.to_verifying_key().as_bytes() == public.as_bytes() {
        Ok(private)
    } else {
        Err(KeyError::Mismatch)
    }
}

fn verifies<A: jwt_compact::Algorithm>(
    algorithm: &A,
    key: &A::VerifyingKey,
    message: &[u8],
    signature: &[u8],
) -> bool {
    // That of HS256 panics on another length.
    let right_length = |length: NonZeroUsize| length.get() == signature.len();
    A::Signature::LENGTH.is_some_and(right_length)
        && A::Signature::try_from_slice(signature)
            .is_ok_and(|signature| algorithm.verify_signature(&signature, key, message))
}

/// The active key, which signs and verifies. Wiped on drop, never printed.
pub struct SigningKey {
    signer: Signer,
    key: Key,
}

impl SigningKey {
    /// An HS256 key from the octets of `secret`.
    ///
    /// # Errors
    /// [`KeyError::Weak`] if it is shorter than [`MIN_SECRET_BYTES`].
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        Ok(Self {
            key: Key::hmac(secret)?,
            signer: Signer::Hs256(Hs256Key::new(secret)),
        })
    }

    /// A key of `algorithm` from the private JWK that `text` is (RFC 8037 section 2, RFC 7518
    /// section 6).
    ///
    /// # Errors
    /// Says what is wrong with the JWK.
    pub fn from_jwk(text: &str, algorithm: Algorithm) -> Result<Self, KeyError> {
        let jwks = Jwk::all(text)?;
        let [jwk] = jwks.as_slice() else {
            return Err(KeyError::NotOne);
        };
        let parts = jwk.parts()?;
        if parts.algorithm() != algorithm {
            return Err(KeyError::OtherAlgorithm);
        }
        let (key, signer) = Key::from_parts(&parts)?;
        let signer = signer.ok_or(KeyError::Missing("d"))?;
        Ok(Self { signer, key })
    }

    /// The key's one algorithm (RFC 8725 section 3.1).
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    /// The key's identifier, a token's `kid`: the thumbprint of an asymmetric key (RFC 7638), a
    /// keyed hash of an HMAC key.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.key.kid.as_deref().unwrap_or_default()
    }

    /// The signature of a JWS signing input (RFC 7515 section 5.1). It takes no randomness (RFC
    /// 8032, RFC 6979).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.signer {
            Signer::Hs256(key) => Hs256.sign(key, message).as_bytes().into_owned(),
            Signer::EdDsa(key) => Ed25519.sign(key, message).as_bytes().into_owned(),
            Signer::Es256(key) => Es256.sign(key, message).as_bytes().into_owned(),
        }
    }

    pub(super) fn token<T: Serialize>(&self, claims: &Claims<T>) -> Result<String, CreationError> {
        let header = Header::empty()
            .with_token_type("JWT")
            .with_key_id(self.kid());
        match &self.signer {
            Signer::Hs256(key) => Hs256.token(&header, claims, key),
            Signer::EdDsa(key) => Ed25519.token(&header, claims, key),
            Signer::Es256(key) => Es256.token(&header, claims, key),
        }
    }

    /// Whether this key made `signature` of a JWS signing input (RFC 7515 section 5.2).
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verifies(message, signature)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("SigningKey")
            .field(&self.key)
            .finish()
    }
}

/// A key that signed once, or signs elsewhere, and here only verifies. Wiped on drop, never
/// printed.
pub struct RetiredKey(Key);

impl RetiredKey {
    /// An HS256 key from the octets of `secret`, which `accept_weak` lets be shorter than
    /// [`MIN_SECRET_BYTES`]. Such a weak key verifies tokens without a `kid` alone.
    ///
    /// # Errors
    /// [`KeyError::Weak`], [`KeyError::Empty`].
    pub fn from_secret(secret: &[u8], accept_weak: bool) -> Result<Self, KeyError> {
        match Key::hmac(secret) {
            Err(KeyError::Weak) if secret.is_empty() => Err(KeyError::Empty),
            Err(KeyError::Weak) if accept_weak => Ok(Self(Key {
                verifier: Verifier::Hs256(Hs256Key::new(secret)),
                kid: None,
                public: None,
                octets: None,
            })),
            key => key.map(Self),
        }
    }

    /// The keys of `text`: public, private and symmetric JWKs one after another (RFC 7517), with
    /// or without white space between. Secrets are taken as by [`Self::from_secret`].
    ///
    /// # Errors
    /// Says what is wrong with the first JWK that is refused.
    pub fn from_jwks(text: &str, accept_weak: bool) -> Result<Vec<Self>, KeyError> {
        let keys = Jwk::all(text)?.into_iter().map(|jwk| match jwk.parts()? {
            Parts::Symmetric(secret) => Self::from_secret(&secret, accept_weak),
            parts => Ok(Self(Key::from_parts(&parts)?.0)),
        });
        keys.collect()
    }

    /// Whether this key made `signature` of a JWS signing input (RFC 7515 section 5.2).
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verifies(message, signature)
    }
}

impl fmt::Debug for RetiredKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("RetiredKey").field(&self.0).finish()
    }
}

/// The keys of a service: the one that signs, and those that verify what was signed before.
#[derive(Debug)]
pub struct Keys {
    /// The one that signs.
    pub active: SigningKey,
    /// Those that only verify.
    pub retired: Vec<RetiredKey>,
}

impl Keys {
    /// The public keys as a JWK Set (RFC 7517 section 5), each once: those of HMAC have none.
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
    /// `kid`. A weak key has none: who guesses it would have them as well.
    #[must_use]
    pub fn derived_secrets(&self, purpose: &str) -> Vec<Zeroizing<[u8; 32]>> {
        self.all()
            .filter_map(|key| key.derived_secret(purpose))
            .collect()
    }

    /// The keys that may have signed a token of that `alg` and `kid` (contract, "Access tokens"):
    /// the one that `kid` names, or all of that `alg`, without a `kid` the weak ones too.
    pub(super) fn candidates(&self, algorithm: &str, kid: Option<&str>) -> Vec<&Key> {
        let named = kid.and_then(|kid| self.all().find(|key| key.kid.as_deref() == Some(kid)));
        let eligible = |key: &&Key| match named {
            Some(named) => std::ptr::eq(*key, named),
            None => kid.is_none() || key.kid.is_some(),
        };
        let of_algorithm = |key: &&Key| key.algorithm().name() == algorithm;
        self.all().filter(eligible).filter(of_algorithm).collect()
    }

    fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.active.key).chain(self.retired.iter().map(|key| &key.0))
    }
}

impl From<SigningKey> for Keys {
    /// That key alone.
    fn from(active: SigningKey) -> Self {
        let retired = Vec::new();
        Self { active, retired }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

    /// RFC 8037 appendix A.1.
    const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519",
        "d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    /// RFC 7515 appendix A.3.
    const P256: &str = r#"{"kty":"EC","crv":"P-256",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

    fn hmac() -> SigningKey {
        SigningKey::from_secret(SECRET).unwrap()
    }

    fn ed25519() -> SigningKey {
        SigningKey::from_jwk(ED25519, Algorithm::EdDsa).unwrap()
    }

    fn p256() -> SigningKey {
        SigningKey::from_jwk(P256, Algorithm::Es256).unwrap()
    }

    fn retired(jwks: &str) -> Vec<RetiredKey> {
        RetiredKey::from_jwks(jwks, false).unwrap()
    }

    fn public(jwk: &str) -> String {
        let mut jwk: Value = serde_json::from_str(jwk).unwrap();
        jwk.as_object_mut().unwrap().remove("d").unwrap();
        jwk.to_string()
    }

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
            assert_eq!(key.0.kid.as_deref(), Some(signer.kid()));
            assert!(key.verifies(b"message", &signer.sign(b"message")));
        }
        assert!(retired("").is_empty());
        assert!(retired(" \n").is_empty());
    }

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
