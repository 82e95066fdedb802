//! Challenges, which nothing stores: keyed hashes with their time inside.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{InvalidPasskey, base64url};
use crate::account::UserId;
use crate::keyed_hash::KeyedHash;
use crate::time::{Milliseconds, UnixMillis};

/// How long a challenge is good for.
pub const CHALLENGE_LIFE: Milliseconds = Milliseconds(300_000);

/// How far ahead the clock may be of the place that made it.
const CLOCK_DIFFERENCE: Milliseconds = Milliseconds(10_000);

const RANDOM_BYTES: usize = 16;
const TIME_BYTES: usize = 8;
const HASH_BYTES: usize = 32;

/// What a challenge is for, which nothing else can be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// A new passkey of this account.
    Registration(UserId),
    /// Signing in, or showing once more who one is.
    SignIn,
    /// The second factor of a sign-in that has begun.
    SecondFactor {
        /// The ticket that the first factor got.
        ticket: &'a str,
    },
}

impl Purpose<'_> {
    fn name_and_detail(&self) -> (&'static str, String) {
        match self {
            Self::Registration(user) => ("registration", user.to_string()),
            Self::SignIn => ("sign-in", String::new()),
            Self::SecondFactor { ticket } => ("second factor", (*ticket).to_owned()),
        }
    }

    fn ceremony(&self) -> Ceremony {
        match self {
            Self::Registration(_) => Ceremony::Registration,
            Self::SignIn => Ceremony::Discovery,
            Self::SecondFactor { .. } => Ceremony::KnownAccount,
        }
    }
}

/// What answers a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ceremony {
    Registration,
    /// An assertion that has to say whose it is.
    Discovery,
    /// An assertion of an account that is known.
    KnownAccount,
}

/// The secrets of challenges: the first one makes them, all of them verify.
pub struct PasskeyKeys(Vec<KeyedHash>);

impl PasskeyKeys {
    /// Keys of these secrets, the active one first.
    pub fn new(secrets: impl IntoIterator<Item = KeyedHash>) -> Self {
        Self(secrets.into_iter().collect())
    }

    /// The text of a new challenge, good from `now` on; `None` without a key.
    #[must_use]
    pub fn challenge(
        &self,
        purpose: Purpose<'_>,
        now: UnixMillis,
        random: &[u8; RANDOM_BYTES],
    ) -> Option<String> {
        let time = now.0.to_be_bytes();
        let hash = hash(self.0.first()?, purpose, random, time);
        let bytes = [&random[..], &time, &hash].concat();
        Some(Base64UrlUnpadded::encode_string(&bytes))
    }

    /// Reads a challenge that somebody answers.
    ///
    /// # Errors
    /// [`InvalidPasskey::Challenge`] if none of the keys made it for `purpose`, and
    /// [`InvalidPasskey::Expired`] if it is not good at `now`.
    pub fn read(
        &self,
        text: &str,
        purpose: Purpose<'_>,
        now: UnixMillis,
    ) -> Result<Challenge, InvalidPasskey> {
        let bytes = base64url(text, RANDOM_BYTES + TIME_BYTES + HASH_BYTES);
        let bytes = bytes.map_err(|_| InvalidPasskey::Challenge)?;
        let (random, rest) = bytes
            .split_first_chunk::<RANDOM_BYTES>()
            .ok_or(InvalidPasskey::Challenge)?;
        let (time, claimed) = rest
            .split_first_chunk::<TIME_BYTES>()
            .ok_or(InvalidPasskey::Challenge)?;
        let made = |key| bool::from(hash(key, purpose, random, *time).ct_eq(claimed));
        if !self.0.iter().any(made) {
            return Err(InvalidPasskey::Challenge);
        }
        let made_at = UnixMillis(u64::from_be_bytes(*time));
        let expires_at = made_at.plus(CHALLENGE_LIFE);
        if now >= expires_at || made_at > now.plus(CLOCK_DIFFERENCE) {
            return Err(InvalidPasskey::Expired);
        }
        Ok(Challenge {
            text: text.to_owned(),
            digest: Base64UrlUnpadded::encode_string(&Sha256::digest(&bytes)),
            expires_at,
            ceremony: purpose.ceremony(),
        })
    }
}

impl fmt::Debug for PasskeyKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PasskeyKeys({})", self.0.len())
    }
}

/// A challenge that was made here, and is good still. Whether it was answered before, a row knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    text: String,
    digest: String,
    expires_at: UnixMillis,
    ceremony: Ceremony,
}

impl Challenge {
    /// What the row is known by that spends it: SHA-256, as 43 characters of base64url.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// When it is no longer good, and its row no longer needed.
    #[must_use]
    pub fn expires_at(&self) -> UnixMillis {
        self.expires_at
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn ceremony(&self) -> Ceremony {
        self.ceremony
    }

    /// One that was made elsewhere, as those of published test vectors.
    #[cfg(test)]
    pub(super) fn of_others(text: &str, ceremony: Ceremony) -> Self {
        Self {
            text: text.to_owned(),
            digest: String::new(),
            expires_at: UnixMillis(0),
            ceremony,
        }
    }
}

fn hash(
    key: &KeyedHash,
    purpose: Purpose<'_>,
    random: &[u8; RANDOM_BYTES],
    time: [u8; TIME_BYTES],
) -> [u8; HASH_BYTES] {
    let (name, detail) = purpose.name_and_detail();
    key.bytes(&[name.as_bytes(), detail.as_bytes(), random, &time])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn keys(secrets: &[u8]) -> PasskeyKeys {
        PasskeyKeys::new(secrets.iter().map(|octet| KeyedHash::new(&[*octet; 32])))
    }

    fn purposes() -> [Purpose<'static>; 5] {
        [
            Purpose::Registration(UserId::new(1).unwrap()),
            Purpose::Registration(UserId::new(12).unwrap()),
            Purpose::SignIn,
            Purpose::SecondFactor { ticket: "a" },
            Purpose::SecondFactor { ticket: "b" },
        ]
    }

    #[test]
    fn a_challenge_is_good_for_its_purpose_under_any_of_the_keys() {
        for purpose in purposes() {
            let text = keys(&[1]).challenge(purpose, NOW, &[7; 16]).unwrap();
            assert_eq!(text.len(), 75);
            let challenge = keys(&[2, 1]).read(&text, purpose, NOW).unwrap();
            assert_eq!((challenge.as_str(), challenge.digest().len()), (&*text, 43));
            assert_eq!(challenge.expires_at(), NOW.plus(CHALLENGE_LIFE));
            for other in purposes().into_iter().filter(|other| *other != purpose) {
                let read = keys(&[1]).read(&text, other, NOW);
                assert_eq!(read, Err(InvalidPasskey::Challenge), "{other:?}");
            }
            let read = keys(&[2]).read(&text, purpose, NOW);
            assert_eq!(read, Err(InvalidPasskey::Challenge));
        }
        assert_eq!(keys(&[]).challenge(Purpose::SignIn, NOW, &[7; 16]), None);
    }

    #[test]
    fn a_challenge_is_good_for_five_minutes() {
        let keys = keys(&[1]);
        let text = keys.challenge(Purpose::SignIn, NOW, &[7; 16]).unwrap();
        let read = |milliseconds: i64| {
            let now = UnixMillis(NOW.0.checked_add_signed(milliseconds).unwrap());
            keys.read(&text, Purpose::SignIn, now).err()
        };
        for milliseconds in [-10_000, 0, 299_999] {
            assert_eq!(read(milliseconds), None, "{milliseconds}");
        }
        for milliseconds in [-10_001, 300_000, 1_000_000_000] {
            let expired = Some(InvalidPasskey::Expired);
            assert_eq!(read(milliseconds), expired, "{milliseconds}");
        }
    }

    #[test]
    fn no_byte_of_a_challenge_can_be_changed() {
        let keys = keys(&[1]);
        let text = keys.challenge(Purpose::SignIn, NOW, &[7; 16]).unwrap();
        let mut bytes = Base64UrlUnpadded::decode_vec(&text).unwrap();
        let refused = |text: &str| {
            let read = keys.read(text, Purpose::SignIn, NOW);
            assert_eq!(read, Err(InvalidPasskey::Challenge), "{text}");
        };
        for index in 0..bytes.len() {
            bytes[index] ^= 1;
            refused(&Base64UrlUnpadded::encode_string(&bytes));
            bytes[index] ^= 1;
        }
        for length in 0..bytes.len() {
            refused(&Base64UrlUnpadded::encode_string(&bytes[..length]));
        }
        for other in [format!("{text}A"), format!("{text}="), text.repeat(2)] {
            refused(&other);
        }
    }

    #[test]
    fn each_challenge_is_spent_by_itself() {
        let keys = keys(&[1]);
        let digest = |random| {
            let text = keys.challenge(Purpose::SignIn, NOW, &[random; 16]).unwrap();
            let challenge = keys.read(&text, Purpose::SignIn, NOW).unwrap();
            challenge.digest().to_owned()
        };
        assert_eq!(digest(1), digest(1));
        assert_ne!(digest(1), digest(2));
        assert_eq!(format!("{keys:?}"), "PasskeyKeys(1)");
    }
}
