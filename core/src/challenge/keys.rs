//! Link tokens and codes, and the keys that make them.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{ChallengeId, Kind};
use crate::keyed_hash::KeyedHash;
use crate::six_digits::six_digits;

/// Bytes of the hash in a link token.
const HASH_BYTES: usize = 32;

/// How many codes of six digits there are.
const CODES: u64 = 1_000_000;

/// A link token that has the form of one: whether it is good depends on [`ChallengeKeys::made`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkToken {
    /// The challenge that it belongs to.
    pub id: ChallengeId,
    hash: [u8; HASH_BYTES],
}

/// The text has not the form of a link token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotALinkToken;

impl LinkToken {
    /// Reads a text: the base64url of identifier and hash, 64 characters.
    ///
    /// # Errors
    /// [`NotALinkToken`] for any other text.
    pub fn parse(text: &str) -> Result<Self, NotALinkToken> {
        let bytes = Base64UrlUnpadded::decode_vec(text).map_err(|_| NotALinkToken)?;
        let (id, hash) = bytes
            .split_last_chunk::<HASH_BYTES>()
            .ok_or(NotALinkToken)?;
        let id = <[u8; ChallengeId::BYTES]>::try_from(id).map_err(|_| NotALinkToken)?;
        Ok(Self {
            id: ChallengeId::new(id),
            hash: *hash,
        })
    }

    /// The SHA-256 of what follows the identifier, as base64url: how a link is known that an operator
    /// made of random bytes, without any of the keys.
    #[must_use]
    pub fn digest(&self) -> String {
        Base64UrlUnpadded::encode_string(&Sha256::digest(self.hash))
    }
}

/// A code of six digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code(String);

impl Code {
    /// Reads what somebody typed: six ASCII digits, with white space anywhere. `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        six_digits(text).map(Self)
    }

    /// The six digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The secrets of link tokens and codes: the first one makes them, all of them verify.
pub struct ChallengeKeys(Vec<KeyedHash>);

impl ChallengeKeys {
    /// Keys of these secrets, the active one first.
    pub fn new(secrets: impl IntoIterator<Item = KeyedHash>) -> Self {
        Self(secrets.into_iter().collect())
    }

    /// The text of the link token of a challenge; `None` without a key.
    #[must_use]
    pub fn link_token(&self, kind: Kind, id: &ChallengeId) -> Option<String> {
        let hash = link_hash(self.0.first()?, kind, id);
        let mut bytes = Base64UrlUnpadded::decode_vec(id.as_str()).ok()?;
        bytes.extend(hash);
        Some(Base64UrlUnpadded::encode_string(&bytes))
    }

    /// The code of a challenge; `None` without a key.
    #[must_use]
    pub fn code(&self, kind: Kind, id: &ChallengeId) -> Option<Code> {
        self.0.first().map(|key| code(key, kind, id))
    }

    /// Whether one of the keys made `token` for that kind.
    #[must_use]
    pub fn made(&self, kind: Kind, token: &LinkToken) -> bool {
        let is_right = |key: &KeyedHash| {
            let hash = link_hash(key, kind, &token.id);
            bool::from(hash.ct_eq(&token.hash))
        };
        self.0.iter().any(is_right)
    }

    /// Whether `typed` is the code that one of the keys made for the challenge.
    #[must_use]
    pub fn is_code(&self, kind: Kind, id: &ChallengeId, typed: &Code) -> bool {
        let is_right = |key: &KeyedHash| {
            let made = code(key, kind, id);
            bool::from(made.0.as_bytes().ct_eq(typed.0.as_bytes()))
        };
        self.0.iter().any(is_right)
    }

    /// How the address `email` is counted: the same for every kind, whether or not it has an account.
    #[must_use]
    pub fn recipient(&self, email: &str) -> Option<String> {
        Some(self.0.first()?.text(&["recipient", email]))
    }
}

impl fmt::Debug for ChallengeKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ChallengeKeys({})", self.0.len())
    }
}

fn link_hash(key: &KeyedHash, kind: Kind, id: &ChallengeId) -> [u8; HASH_BYTES] {
    key.bytes(&[b"link", kind.name().as_bytes(), id.as_str().as_bytes()])
}

fn code(key: &KeyedHash, kind: Kind, id: &ChallengeId) -> Code {
    let hash = key.bytes(&[b"code", kind.name().as_bytes(), id.as_str().as_bytes()]);
    let (first, _) = hash.split_first_chunk().unwrap_or((&[0; 8], &[]));
    // Of 2^64 numbers none of the million codes has 2^-44 more than another.
    Code(format!("{:06}", u64::from_be_bytes(*first) % CODES))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(secrets: &[u8]) -> ChallengeKeys {
        ChallengeKeys::new(secrets.iter().map(|octet| KeyedHash::new(&[*octet; 32])))
    }

    fn id() -> ChallengeId {
        ChallengeId::new([7; 16])
    }

    fn token(keys: &ChallengeKeys, kind: Kind) -> LinkToken {
        LinkToken::parse(&keys.link_token(kind, &id()).unwrap()).unwrap()
    }

    #[test]
    fn a_link_token_is_good_for_its_kind_under_any_of_the_keys() {
        let old = keys(&[1]);
        for kind in Kind::ALL {
            let token = token(&old, kind);
            assert_eq!(token.id, id());
            for other in Kind::ALL {
                assert_eq!(old.made(other, &token), other == kind);
            }
            assert!(keys(&[2, 1]).made(kind, &token));
            assert!(!keys(&[2]).made(kind, &token));
        }
    }

    #[test]
    fn a_link_token_of_another_challenge_is_not_good() {
        let keys = keys(&[1]);
        let text = keys.link_token(Kind::Reset, &id()).unwrap();
        let mut bytes = Base64UrlUnpadded::decode_vec(&text).unwrap();
        assert_eq!((bytes.len(), text.len()), (48, 64));
        for index in 0..bytes.len() {
            bytes[index] ^= 1;
            let other = LinkToken::parse(&Base64UrlUnpadded::encode_string(&bytes)).unwrap();
            assert!(!keys.made(Kind::Reset, &other), "{index}");
            bytes[index] ^= 1;
        }
        for other in [
            "",
            text.strip_suffix(|_: char| true).unwrap(),
            &format!("{text}A"),
            &format!("{text}{text}"),
        ] {
            assert_eq!(LinkToken::parse(other), Err(NotALinkToken), "{other}");
        }
    }

    #[test]
    fn codes_have_six_digits_and_belong_to_kind_and_challenge() {
        let keys = keys(&[2, 1]);
        for octet in 0..=255 {
            let id = ChallengeId::new([octet; 16]);
            let code = keys.code(Kind::SignIn, &id).unwrap();
            assert_eq!(Code::parse(code.as_str()), Some(code.clone()));
            assert!(keys.is_code(Kind::SignIn, &id, &code));
            assert_ne!(keys.code(Kind::Reset, &id).unwrap(), code, "{octet}");
        }
        let old = ChallengeKeys::new([KeyedHash::new(&[1; 32])]);
        let code = old.code(Kind::SignIn, &id()).unwrap();
        assert!(keys.is_code(Kind::SignIn, &id(), &code));
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        for text in ["012345", " 012345\n", "012 345", "0 1 2 3 4 5"] {
            assert_eq!(Code::parse(text).unwrap().as_str(), "012345");
        }
        for text in [
            "",
            "12345",
            "0123456",
            "01234a",
            "٠١٢٣٤٥",
            "-12345",
            "012345x",
        ] {
            assert_eq!(Code::parse(text), None, "{text}");
        }
    }

    #[test]
    fn recipients_are_counted_by_a_hash() {
        let keys = keys(&[1]);
        let ann = keys.recipient("ann@example.com").unwrap();
        assert_eq!(ann.len(), 43);
        assert_ne!(Some(ann), keys.recipient("bob@example.com"));
    }
}
