//! Sessions and their refresh tokens (RFC 6749 section 1.5).
//!
//! A refresh token is a session's id, the token's number in that session, and a keyed hash of the
//! two. No token is stored: the database knows which number is next, and a token that was spent is
//! recognized however long ago that was.

mod cookie;

use std::fmt;

pub use cookie::{CookieKeys, NotACookie};

use base64ct::{Base64UrlUnpadded, Encoding};
use subtle::ConstantTimeEq;

use super::keyed_hash::KeyedHash;
use super::time::{Milliseconds, Seconds, UnixMillis};

/// A session's identifier: 256 random bits as base64url, the claim `sid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionId(String);

impl SessionId {
    const BYTES: usize = 32;

    /// An identifier of these random bytes.
    #[must_use]
    pub fn new(random: [u8; Self::BYTES]) -> Self {
        Self(Base64UrlUnpadded::encode_string(&random))
    }

    /// The session that a token names. A text that is not an identifier names no session.
    #[must_use]
    pub fn claimed(text: String) -> Self {
        Self(text)
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How long a session may live.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// From its start.
    pub absolute: Milliseconds,
    /// From its last refresh.
    pub idle: Milliseconds,
}

impl Lifetimes {
    /// How often a page's visits are written down at most.
    const DAY: Milliseconds = Seconds(24 * 60 * 60).milliseconds();

    /// Whether it is time to write down at `now` that a session is in use, which was last done at `last_used`: once a
    /// day, or once in an eighth of the time after which an unused one is over.
    #[must_use]
    pub fn is_due(&self, last_used: UnixMillis, now: UnixMillis) -> bool {
        let most = Milliseconds(self.idle.0 / 8).min(Self::DAY);
        now.since(last_used) > most
    }
}

/// What a refresh token says, once its hash is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// The session that it was issued in.
    pub session: SessionId,
    /// Its number there, from 0.
    pub generation: u32,
}

/// The text is not a refresh token that any of the keys made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotARefreshToken;

/// The secrets of refresh tokens: the first one makes them, all of them verify.
pub struct RefreshKeys(Vec<KeyedHash>);

impl RefreshKeys {
    const GENERATION_BYTES: usize = 4;
    const HASH_BYTES: usize = 32;

    /// Keys of these secrets, the active one first.
    pub fn new(secrets: impl IntoIterator<Item = KeyedHash>) -> Self {
        Self(secrets.into_iter().collect())
    }

    /// The text of `token`; `None` without a key.
    #[must_use]
    pub fn write(&self, token: &RefreshToken) -> Option<String> {
        let mut bytes = Base64UrlUnpadded::decode_vec(token.session.as_str()).ok()?;
        bytes.extend(token.generation.to_be_bytes());
        let hash = self.0.first()?.bytes(&[&bytes]);
        bytes.extend(hash);
        Some(Base64UrlUnpadded::encode_string(&bytes))
    }

    /// Reads a text that [`RefreshKeys::write`] made under any of the keys.
    ///
    /// # Errors
    /// [`NotARefreshToken`] if none of them did.
    pub fn read(&self, text: &str) -> Result<RefreshToken, NotARefreshToken> {
        let bytes = decode(text).ok_or(NotARefreshToken)?;
        let (told, hash) = bytes
            .split_last_chunk::<{ Self::HASH_BYTES }>()
            .ok_or(NotARefreshToken)?;
        let (id, generation) = told
            .split_last_chunk::<{ Self::GENERATION_BYTES }>()
            .ok_or(NotARefreshToken)?;
        let right = |key: &KeyedHash| bool::from(key.bytes(&[told]).ct_eq(hash));
        if !self.0.iter().any(right) {
            return Err(NotARefreshToken);
        }
        Ok(RefreshToken {
            session: SessionId(Base64UrlUnpadded::encode_string(id)),
            generation: u32::from_be_bytes(*generation),
        })
    }

    /// Whether a text has the form of a refresh token, whoever made it.
    #[must_use]
    pub fn is_form(text: &str) -> bool {
        decode(text).is_some()
    }
}

impl fmt::Debug for RefreshKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RefreshKeys({})", self.0.len())
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    const BYTES: usize = SessionId::BYTES + RefreshKeys::GENERATION_BYTES + RefreshKeys::HASH_BYTES;
    let bytes = Base64UrlUnpadded::decode_vec(text).ok()?;
    (bytes.len() == BYTES).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(secrets: &[u8]) -> RefreshKeys {
        RefreshKeys::new(secrets.iter().map(|octet| KeyedHash::new(&[*octet; 32])))
    }

    fn token(generation: u32) -> RefreshToken {
        RefreshToken {
            session: SessionId::new([7; 32]),
            generation,
        }
    }

    #[test]
    fn a_visit_is_written_down_once_a_day() {
        const DAY: u64 = 24 * 60 * 60 * 1000;
        let idle = |milliseconds| Lifetimes {
            absolute: Milliseconds(100 * DAY),
            idle: Milliseconds(milliseconds),
        };
        for (idle, passed, is_due) in [
            (idle(80 * DAY), DAY, false),
            (idle(80 * DAY), DAY + 1, true),
            (idle(DAY), DAY / 8, false),
            (idle(DAY), DAY / 8 + 1, true),
        ] {
            let now = UnixMillis(1_000_000 + passed);
            assert_eq!(idle.is_due(UnixMillis(1_000_000), now), is_due);
        }
        // A clock that was ahead.
        assert!(!idle(DAY).is_due(UnixMillis(2), UnixMillis(1)));
    }

    #[test]
    fn tokens_are_read_under_the_key_that_made_them() {
        let text = keys(&[1]).write(&token(3)).unwrap();
        assert_eq!(text.len(), 91);
        assert!(RefreshKeys::is_form(&text));
        assert_eq!(keys(&[1]).read(&text), Ok(token(3)));
        // After a rotation of keys, and after the old one was dropped.
        assert_eq!(keys(&[2, 1]).read(&text), Ok(token(3)));
        assert_eq!(keys(&[2]).read(&text), Err(NotARefreshToken));
        assert_ne!(keys(&[2, 1]).write(&token(3)).unwrap(), text);
        assert_eq!(keys(&[]).write(&token(3)), None);
    }

    #[test]
    fn generations_and_sessions_have_tokens_of_their_own() {
        let one = keys(&[1]).write(&token(3)).unwrap();
        assert_ne!(one, keys(&[1]).write(&token(4)).unwrap());
        let other = RefreshToken {
            session: SessionId::new([8; 32]),
            generation: 3,
        };
        assert_ne!(one, keys(&[1]).write(&other).unwrap());
    }

    #[test]
    fn nothing_else_is_a_token() {
        let text = keys(&[1]).write(&token(u32::MAX)).unwrap();
        for index in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[index] = if forged[index] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(keys(&[1]).read(&forged), Err(NotARefreshToken), "{index}");
        }
        for text in [
            "",
            "a.b.c",
            text.get(1..).unwrap(),
            &format!("{text}A"),
            &format!("{text}="),
        ] {
            assert_eq!(keys(&[1]).read(text), Err(NotARefreshToken), "{text}");
        }
    }
}
