//! Passkeys: what the relying party does of Web Authentication (W3C, Level 3), for attestation `none`.
//!
//! Bodies are the standard's own JSON (sections 5.1, 5.1.8 and 5.1.9).

mod assertion;
mod authenticator_data;
mod cbor;
mod challenge;
mod client_data;
mod cose;
mod members;
mod options;
mod registration;
#[cfg(test)]
mod tests;

use base64ct::{Base64UrlUnpadded, Encoding};

pub use assertion::{Assertion, RsaVerification, StoredPasskey, Verification, Verified};
pub use challenge::{CHALLENGE_LIFE, Challenge, PasskeyKeys, Purpose};
pub use options::{CreationUser, Descriptor, creation_options, request_options};
pub use registration::{NewPasskey, Registration};

/// Why an answer of a browser or an app counts for nothing. A client is told nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidPasskey {
    /// A member is missing, of another type, no base64url, or longer than it may be.
    Form,
    /// `clientDataJSON` is not JSON, or a member of it is missing or of another type.
    ClientData,
    /// It answers the other ceremony.
    Type,
    /// The challenge is not one that was made here for this use.
    Challenge,
    /// The challenge was made too long ago.
    Expired,
    /// It was made on a page or in an app that the settings do not name.
    Origin,
    /// It was made in a frame of another site.
    Embedded,
    /// CBOR is malformed, or longer or deeper than it may be.
    Cbor,
    /// The authenticator's data has another length than it says, or parts that do not belong there.
    AuthenticatorData,
    /// It is for another relying party.
    RelyingParty,
    /// Nobody touched the authenticator.
    UserPresence,
    /// The flags of its backup contradict each other, or those at registration.
    Backup,
    /// The algorithm is none of those that are offered.
    Algorithm,
    /// The public key is none of its algorithm.
    PublicKey,
    /// The credential is another one than that which is spoken of.
    Credential,
    /// The user handle is another account's, or missing where it is needed.
    UserHandle,
    /// The signature is wrong.
    Signature,
}

/// Who asks for passkeys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    /// Its id: a domain.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Whose pages and apps may use its passkeys: origins such as `https://example.com`, and
    /// `android:apk-key-hash:` with the hash of an app's certificate. Compared as they are written.
    pub origins: Vec<String>,
}

/// A credential's id, as its authenticator made it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CredentialId(String);

impl CredentialId {
    /// The most bytes of one (section 4, "Credential ID").
    pub const MAX_BYTES: usize = 1023;

    /// Reads base64url of 1 to 1,023 bytes.
    ///
    /// # Errors
    /// [`InvalidPasskey::Form`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidPasskey> {
        base64url(text, Self::MAX_BYTES)?;
        Ok(Self(text.to_owned()))
    }

    /// As base64url.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(bytes: &[u8]) -> Self {
        Self(Base64UrlUnpadded::encode_string(bytes))
    }
}

/// What an authenticator knows an account by: random bytes that tell nothing of it (section 14.6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserHandle(String);

impl UserHandle {
    /// The most bytes of one (section 5.4.3).
    pub const MAX_BYTES: usize = 64;

    /// Reads base64url of 1 to 64 bytes.
    ///
    /// # Errors
    /// [`InvalidPasskey::Form`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidPasskey> {
        base64url(text, Self::MAX_BYTES)?;
        Ok(Self(text.to_owned()))
    }

    /// Reads the bytes in hexadecimal, of either case. `None` for any other text.
    #[must_use]
    pub fn from_hex(digits: &str) -> Option<Self> {
        let bytes = base16ct::mixed::decode_vec(digits).ok()?;
        let is_handle = (1..=Self::MAX_BYTES).contains(&bytes.len());
        is_handle.then(|| Self(Base64UrlUnpadded::encode_string(&bytes)))
    }

    /// As base64url.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What clients know a passkey by: a UUID of version 4 (RFC 9562 section 5.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyId(String);

impl PasskeyId {
    /// Of random bytes.
    #[must_use]
    pub fn new(random: [u8; 16]) -> Self {
        let bits = u128::from_be_bytes(random) & !(0xf000 << 64 | 0xc000 << 48);
        let hex = format!("{:032x}", bits | 0x4000 << 64 | 0x8000 << 48);
        let mut text = String::with_capacity(36);
        for (index, digit) in hex.chars().enumerate() {
            if matches!(index, 8 | 12 | 16 | 20) {
                text.push('-');
            }
            text.push(digit);
        }
        Self(text)
    }

    /// 36 characters in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The bytes of base64url without padding, one at least.
fn base64url(text: &str, max_bytes: usize) -> Result<Vec<u8>, InvalidPasskey> {
    let max_length = max_bytes.saturating_mul(4).div_ceil(3);
    if text.is_empty() || text.len() > max_length {
        return Err(InvalidPasskey::Form);
    }
    Base64UrlUnpadded::decode_vec(text).map_err(|_| InvalidPasskey::Form)
}
