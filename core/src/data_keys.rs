//! Encryption of what the database holds and must be read again: AES-256-GCM (NIST SP 800-38D) under
//! keys that the database does not have (docs/settings.md, "Data keys").

use std::fmt;

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use base64ct::{Base64UrlUnpadded, Encoding};
use zeroize::Zeroizing;

use crate::keyed_hash::KeyedHash;

/// Bytes of a nonce (NIST SP 800-38D section 8.2).
pub const NONCE_BYTES: usize = 12;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// Bytes of the tag that authenticates a text.
const TAG_BYTES: usize = 16;

/// What a sealed text begins with. Another algorithm would be another version.
const VERSION: &str = "1";

/// One key, of which those that are used follow. Never printed.
pub struct DataKey(Zeroizing<[u8; KEY_BYTES]>);

/// The keys of a service: the one that seals, and those that only open.
#[derive(Debug)]
pub struct DataKeys {
    /// The one that seals.
    pub active: DataKey,
    /// Those that still open what they sealed.
    pub retired: Vec<DataKey>,
}

/// What was sealed.
pub struct Opened {
    /// As it was before.
    pub plain: Zeroizing<Vec<u8>>,
    /// Whether the active key sealed it; otherwise it is to be sealed anew.
    pub is_of_active: bool,
}

impl DataKey {
    /// Bytes of a keyed hash that name a key.
    const ID_BYTES: usize = 6;

    /// A key of 32 random bytes.
    #[must_use]
    pub fn new(secret: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self(secret)
    }

    /// A key for one purpose, which tells nothing of the others.
    fn derived(&self, purpose: &str) -> Zeroizing<[u8; KEY_BYTES]> {
        Zeroizing::new(KeyedHash::new(&self.0).bytes(&[b"edge-auth data key", purpose.as_bytes()]))
    }

    /// What a sealed text names the key by. A keyed hash, which reveals nothing of it.
    fn id(&self) -> String {
        let hash = self.derived("id");
        Base64UrlUnpadded::encode_string(hash.get(..Self::ID_BYTES).unwrap_or_default())
    }

    fn encryption(&self) -> Zeroizing<[u8; KEY_BYTES]> {
        self.derived("encryption")
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DataKey(_)")
    }
}

impl DataKeys {
    /// Encrypts `plain` under the active key: version, name of the key and the rest as base64url, with
    /// dots between. It opens with the same `associated_data` alone. A nonce is random and used once.
    #[must_use]
    pub fn seal(&self, plain: &[u8], associated_data: &str, nonce: [u8; NONCE_BYTES]) -> String {
        let key = self.active.encryption();
        let sealed = encrypt(&key, &nonce, associated_data.as_bytes(), plain);
        let sealed = Base64UrlUnpadded::encode_string(&sealed);
        format!("{VERSION}.{}.{sealed}", self.active.id())
    }

    /// What [`DataKeys::seal`] was given; `None` where no key here sealed it with that `associated_data`.
    #[must_use]
    pub fn open(&self, text: &str, associated_data: &str) -> Option<Opened> {
        let rest = text.strip_prefix(VERSION)?.strip_prefix('.')?;
        let (id, sealed) = rest.split_once('.')?;
        let sealed = Base64UrlUnpadded::decode_vec(sealed).ok()?;
        self.all().enumerate().find_map(|(index, key)| {
            if key.id() != id {
                return None;
            }
            let plain = decrypt(&key.encryption(), associated_data.as_bytes(), &sealed)?;
            Some(Opened {
                plain,
                is_of_active: index == 0,
            })
        })
    }

    /// Keyed hashes for one purpose, that of the active key first: it makes what all of them verify.
    pub fn keyed_hashes(&self, purpose: &str) -> impl Iterator<Item = KeyedHash> {
        let purpose = format!("hash: {purpose}");
        self.all()
            .map(move |key| KeyedHash::new(&key.derived(&purpose)))
    }

    fn all(&self) -> impl Iterator<Item = &DataKey> {
        std::iter::once(&self.active).chain(&self.retired)
    }
}

/// Nonce, ciphertext and tag.
fn encrypt(
    key: &[u8; KEY_BYTES],
    nonce: &[u8; NONCE_BYTES],
    associated_data: &[u8],
    plain: &[u8],
) -> Vec<u8> {
    // As long as it gets, so that it is not moved and leaves no copy behind.
    let mut sealed = Vec::with_capacity(NONCE_BYTES + plain.len() + TAG_BYTES);
    sealed.extend(nonce);
    sealed.extend(plain);
    let (_, text) = sealed.split_at_mut(NONCE_BYTES);
    let cipher = Aes256Gcm::new(key.into());
    // It is refused from 64 GiB on alone.
    match cipher.encrypt_inout_detached(nonce.into(), associated_data, text.into()) {
        Ok(tag) => {
            sealed.extend(tag);
            sealed
        }
        Err(_) => Vec::new(),
    }
}

fn decrypt(
    key: &[u8; KEY_BYTES],
    associated_data: &[u8],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, text) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let (text, tag) = text.split_last_chunk::<TAG_BYTES>()?;
    let mut plain = Zeroizing::new(text.to_vec());
    let cipher = Aes256Gcm::new(key.into());
    cipher
        .decrypt_inout_detached(
            nonce.into(),
            associated_data,
            plain.as_mut_slice().into(),
            tag.into(),
        )
        .ok()?;
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: [u8; NONCE_BYTES] = [7; NONCE_BYTES];

    fn key(octet: u8) -> DataKey {
        DataKey::new(Zeroizing::new([octet; KEY_BYTES]))
    }

    fn keys(active: u8, retired: &[u8]) -> DataKeys {
        DataKeys {
            active: key(active),
            retired: retired.iter().map(|octet| key(*octet)).collect(),
        }
    }

    fn hex(text: &str) -> Vec<u8> {
        base16ct::lower::decode_vec(text).unwrap()
    }

    /// McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B, test cases 13 to 16: those of
    /// AES-256 with a nonce of 96 bits.
    #[test]
    fn is_aes_256_gcm() {
        const KEY: &str = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
        const NONCE: &str = "cafebabefacedbaddecaf888";
        const PLAIN: &str = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
            1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";
        const CIPHER: &str = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
            8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad";
        let (zero_key, zero_nonce) = ("00".repeat(32), "00".repeat(12));
        let zeros = "00".repeat(16);
        for (key, nonce, associated_data, plain, cipher, tag) in [
            (
                &*zero_key,
                &*zero_nonce,
                "",
                "",
                "",
                "530f8afbc74536b9a963b4f1c4cb738b",
            ),
            (
                &zero_key,
                &zero_nonce,
                "",
                &zeros,
                "cea7403d4d606b6e074ec5d3baf39d18",
                "d0d1c8a799996bf0265b98b5d48ab919",
            ),
            (
                KEY,
                NONCE,
                "",
                PLAIN,
                CIPHER,
                "b094dac5d93471bdec1a502270e3cc6c",
            ),
            (
                KEY,
                NONCE,
                "feedfacedeadbeeffeedfacedeadbeefabaddad2",
                PLAIN.get(..120).unwrap(),
                CIPHER.get(..120).unwrap(),
                "76fc6ece0f4e1768cddf8853bb2d551b",
            ),
        ] {
            let key = hex(key).try_into().unwrap();
            let associated_data = hex(associated_data);
            let plain = hex(plain);
            let sealed = encrypt(
                &key,
                &hex(nonce).try_into().unwrap(),
                &associated_data,
                &plain,
            );
            assert_eq!(sealed, hex(&format!("{nonce}{cipher}{tag}")));
            assert_eq!(*decrypt(&key, &associated_data, &sealed).unwrap(), plain);
        }
    }

    #[test]
    fn what_is_sealed_opens_under_its_key_and_its_associated_data_alone() {
        let sealed = keys(1, &[]).seal(b"a secret", "totp 7", NONCE);
        let open = |keys: &DataKeys, data| {
            let opened = keys.open(&sealed, data)?;
            Some((opened.plain.to_vec(), opened.is_of_active))
        };
        let plain = b"a secret".to_vec();
        assert_eq!(open(&keys(1, &[2]), "totp 7"), Some((plain.clone(), true)));
        assert_eq!(open(&keys(2, &[3, 1]), "totp 7"), Some((plain, false)));
        assert_eq!(open(&keys(2, &[3]), "totp 7"), None);
        assert_eq!(open(&keys(1, &[]), "totp 8"), None);
        assert_eq!(open(&keys(1, &[]), ""), None);
    }

    #[test]
    fn a_changed_text_does_not_open() {
        let keys = keys(1, &[2]);
        let text = keys.seal(b"a secret", "totp 7", NONCE);
        assert!(keys.open(&text, "totp 7").is_some());
        for index in 0..text.len() {
            let mut other = text.clone().into_bytes();
            other[index] = if other[index] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            assert!(keys.open(&other, "totp 7").is_none(), "{other}");
        }
        for end in 0..text.len() {
            let cut = text.get(..end).unwrap();
            assert!(keys.open(cut, "totp 7").is_none(), "{end}");
        }
        assert!(keys.open(&format!("{text}A"), "totp 7").is_none());
    }

    #[test]
    fn a_sealed_text_shows_neither_plain_text_nor_key() {
        let keys = keys(1, &[2]);
        let text = keys.seal(&[1; 32], "totp 7", NONCE);
        assert!(!text.contains(&Base64UrlUnpadded::encode_string(&[1; 9])));
        assert_ne!(text, keys.seal(&[1; 32], "totp 7", [8; NONCE_BYTES]));
        let text = format!("{keys:?}");
        assert_eq!(
            text,
            "DataKeys { active: DataKey(_), retired: [DataKey(_)] }"
        );
    }

    #[test]
    fn hashes_belong_to_a_key_and_a_purpose() {
        let hashes = |keys: &DataKeys, purpose| {
            let hashes = keys.keyed_hashes(purpose).map(|hash| hash.text(&["x"]));
            hashes.collect::<Vec<_>>()
        };
        let two = hashes(&keys(1, &[2]), "recovery codes");
        assert_eq!(two.len(), 2);
        assert_eq!(two[1..], hashes(&keys(2, &[]), "recovery codes"));
        assert_ne!(two[0], two[1]);
        assert_ne!(two, hashes(&keys(1, &[2]), "other"));
    }
}
