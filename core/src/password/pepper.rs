//! A secret beside the salt, kept outside the database (NIST SP 800-63B section 5.1.1.2): whoever
//! has only the stored hashes cannot try passwords against them.

use std::fmt;

use base64ct::{Base64Unpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::derivation::DerivedKey;

/// The fewest bytes of a pepper: the size of its hash.
pub const MIN_PEPPER_BYTES: usize = 32;

/// A pepper of fewer than [`MIN_PEPPER_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeakPepper;

/// One pepper. Never printed.
pub struct Pepper {
    keyed: Hmac<Sha256>,
    id: String,
}

impl Pepper {
    /// What is hashed to get a pepper's id. No derived key is this text.
    const ID_MESSAGE: &'static [u8] = b"edge-auth pepper id";

    /// Bytes of the keyed hash that an id shows.
    const ID_BYTES: usize = 6;

    /// A pepper from the octets of `secret`.
    ///
    /// # Errors
    /// [`WeakPepper`] if it is shorter than [`MIN_PEPPER_BYTES`].
    pub fn new(secret: &[u8]) -> Result<Self, WeakPepper> {
        if secret.len() < MIN_PEPPER_BYTES {
            return Err(WeakPepper);
        }
        let keyed = Hmac::new_from_slice(secret).map_err(|_| WeakPepper)?;
        let hash = authenticate(&keyed, Self::ID_MESSAGE);
        let id = Base64Unpadded::encode_string(hash.get(..Self::ID_BYTES).unwrap_or(&hash));
        Ok(Self { keyed, id })
    }

    /// What a stored hash names the pepper by. A keyed hash, which reveals nothing of it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key that is stored in place of `key`.
    #[must_use]
    pub fn apply(&self, key: &DerivedKey) -> DerivedKey {
        DerivedKey::new(authenticate(&self.keyed, key.as_bytes()))
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Pepper").field(&self.id).finish()
    }
}

fn authenticate(keyed: &Hmac<Sha256>, message: &[u8]) -> Vec<u8> {
    let mut keyed = keyed.clone();
    keyed.update(message);
    keyed.finalize().into_bytes().to_vec()
}

/// The peppers of a service: the one that new hashes get, and those that old hashes have.
#[derive(Debug, Default)]
pub struct Peppers {
    /// The one that new hashes get, if any.
    pub active: Option<Pepper>,
    /// Those that only verify.
    pub retired: Vec<Pepper>,
}

impl Peppers {
    /// The pepper of that id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Pepper> {
        self.active
            .iter()
            .chain(&self.retired)
            .find(|pepper| pepper.id() == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_hmac_sha_256_over_the_key() {
        // RFC 4231 section 4.7, test case 6.
        let pepper = Pepper::new(&[0xaa; 131]).unwrap();
        let message = b"Test Using Larger Than Block-Size Key - Hash Key First";
        let expected = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54";
        let key = pepper.apply(&DerivedKey::new(message.to_vec()));
        assert_eq!(base16ct::lower::encode_string(key.as_bytes()), expected);
    }

    #[test]
    fn ids_tell_peppers_apart_and_hide_them() {
        let one = Pepper::new(&[b'1'; 32]).unwrap();
        let other = Pepper::new(&[b'2'; 32]).unwrap();
        assert_ne!(one.id(), other.id());
        assert_eq!(one.id().len(), 8);
        assert!(!format!("{one:?}").contains("1111"));
        let peppers = Peppers {
            active: Some(one),
            retired: vec![other],
        };
        let id = peppers.retired[0].id().to_owned();
        assert_eq!(peppers.find(&id).unwrap().id(), id);
        assert!(peppers.find("unknown").is_none());
    }

    #[test]
    fn weak_peppers_are_refused() {
        assert_eq!(Pepper::new(&[b'x'; 31]).err(), Some(WeakPepper));
    }
}
