//! The cookie of a session that a page has opened (docs/pages.md, "Signing in").
//!
//! It is the session's id and a keyed hash of that, under a secret of its own. So the id alone, which the API lists, is no
//! cookie, and neither a cookie nor a refresh token can be made of the other.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use subtle::ConstantTimeEq;

use super::SessionId;
use crate::keyed_hash::KeyedHash;

/// The text is not a cookie that any of the keys made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotACookie;

/// The secrets of cookies: the first one makes them, all of them verify.
pub struct CookieKeys(Vec<KeyedHash>);

impl CookieKeys {
    const HASH_BYTES: usize = 32;

    /// Keys of these secrets, the active one first.
    pub fn new(secrets: impl IntoIterator<Item = KeyedHash>) -> Self {
        Self(secrets.into_iter().collect())
    }

    /// The cookie of `session`, 86 characters of base64url; `None` without a key, or where `session` is no identifier.
    #[must_use]
    pub fn write(&self, session: &SessionId) -> Option<String> {
        let mut bytes = Base64UrlUnpadded::decode_vec(session.as_str()).ok()?;
        if bytes.len() != SessionId::BYTES {
            return None;
        }
        let hash = self.0.first()?.bytes(&[&bytes]);
        bytes.extend(hash);
        Some(Base64UrlUnpadded::encode_string(&bytes))
    }

    /// The session whose cookie `text` is, made under any of the keys. Whether it is open is not known here.
    ///
    /// # Errors
    /// [`NotACookie`] if none of them made it.
    pub fn read(&self, text: &str) -> Result<SessionId, NotACookie> {
        let bytes = Base64UrlUnpadded::decode_vec(text).map_err(|_| NotACookie)?;
        let (id, hash) = bytes
            .split_first_chunk::<{ SessionId::BYTES }>()
            .filter(|(_, hash)| hash.len() == Self::HASH_BYTES)
            .ok_or(NotACookie)?;
        let right = |key: &KeyedHash| bool::from(key.bytes(&[id]).ct_eq(hash));
        if self.0.iter().any(right) {
            Ok(SessionId::new(*id))
        } else {
            Err(NotACookie)
        }
    }
}

impl fmt::Debug for CookieKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CookieKeys({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RefreshKeys, RefreshToken};
    use super::*;

    fn secrets(octets: &[u8]) -> impl Iterator<Item = KeyedHash> {
        octets.iter().map(|octet| KeyedHash::new(&[*octet; 32]))
    }

    fn keys(octets: &[u8]) -> CookieKeys {
        CookieKeys::new(secrets(octets))
    }

    fn session() -> SessionId {
        SessionId::new([7; 32])
    }

    #[test]
    fn cookies_are_read_under_the_key_that_made_them() {
        let text = keys(&[1]).write(&session()).unwrap();
        assert_eq!(text.len(), 86);
        assert_eq!(keys(&[1]).read(&text), Ok(session()));
        // After a rotation of keys, and after the old one was dropped.
        assert_eq!(keys(&[2, 1]).read(&text), Ok(session()));
        assert_eq!(keys(&[2]).read(&text), Err(NotACookie));
        assert_ne!(keys(&[2, 1]).write(&session()).unwrap(), text);
        assert_eq!(keys(&[]).write(&session()), None);
        assert_ne!(keys(&[1]).write(&SessionId::new([8; 32])).unwrap(), text);
        for other in ["", "AAAA", "not base64url"] {
            let other = SessionId::claimed(other.to_owned());
            assert_eq!(keys(&[1]).write(&other), None);
        }
    }

    #[test]
    fn nothing_else_is_a_cookie() {
        let text = keys(&[1]).write(&session()).unwrap();
        for index in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[index] = if forged[index] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(keys(&[1]).read(&forged), Err(NotACookie), "{index}");
        }
        for length in 0..text.len() {
            assert_eq!(
                keys(&[1]).read(text.get(..length).unwrap()),
                Err(NotACookie)
            );
        }
        for text in [
            session().as_str(),
            &format!("{text}A"),
            &format!("{text}="),
            &format!("\"{text}\""),
            &format!(" {text}"),
        ] {
            assert_eq!(keys(&[1]).read(text), Err(NotACookie), "{text}");
        }
    }

    #[test]
    fn a_cookie_is_no_refresh_token_even_under_the_same_secret() {
        let cookie = keys(&[1]).write(&session()).unwrap();
        let refresh_keys = RefreshKeys::new(secrets(&[1]));
        assert!(!RefreshKeys::is_form(&cookie));
        let token = refresh_keys.write(&RefreshToken {
            session: session(),
            generation: 0,
        });
        assert_eq!(keys(&[1]).read(&token.unwrap()), Err(NotACookie));
    }
}
