//! The use of a passkey: section 7.2.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::authenticator_data::AuthenticatorData;
use super::challenge::{Ceremony, Challenge};
use super::client_data::{ClientData, GET};
use super::cose::{Answer, PublicKey};
use super::{CredentialId, InvalidPasskey, RelyingParty, UserHandle, members};

/// The most bytes of authenticator data: without a credential, 37 and extensions.
const MAX_AUTHENTICATOR_DATA_BYTES: usize = 4 * 1024;

/// The most bytes of a signature: that of the longest RSA key.
const MAX_SIGNATURE_BYTES: usize = 512;

/// What a browser or an app answers to request options (`AuthenticationResponseJSON`, section 5.1).
#[derive(Debug)]
pub struct Assertion {
    credential_id: CredentialId,
    user_handle: Option<UserHandle>,
    client_data: ClientData,
    client_data_hash: [u8; 32],
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
}

/// What is stored of a passkey, as far as an assertion is checked by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPasskey {
    /// Its id.
    pub credential_id: CredentialId,
    /// As [`super::NewPasskey::public_key`] had it.
    pub public_key: String,
    /// The signature counter when it was used last.
    pub sign_count: u32,
    /// Whether it may be backed up.
    pub backup_eligible: bool,
    /// Whether its authenticator verified its user at registration.
    pub user_verified: bool,
    /// That of its account.
    pub user_handle: UserHandle,
}

/// What checking comes to.
#[derive(Debug)]
pub enum Verification {
    /// All was right.
    Done(Verified),
    /// All was right but the signature, which the host's cryptography has to verify.
    ByHost(RsaVerification),
}

/// A passkey that was used as it should. Only a right signature makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Which passkey.
    pub credential_id: CredentialId,
    /// The signature counter to be stored.
    pub sign_count: u32,
    /// The counter did not grow, so there may be two authenticators with the same key (section
    /// 6.1.1). It refuses nobody.
    pub counter_went_back: bool,
    /// Whether it is backed up now.
    pub backed_up: bool,
    /// Whether its user was verified, now and at registration.
    pub user_verified: bool,
}

impl Verified {
    /// Whether it counts as two factors: the authenticator, and what it knows its user by.
    #[must_use]
    pub fn is_of_two_factors(&self) -> bool {
        self.user_verified
    }
}

/// A signature by RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2), to be verified by the host.
pub struct RsaVerification {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
    verified: Verified,
}

impl RsaVerification {
    /// The members `n` and `e` of the key as a JSON Web Key (RFC 7518 section 6.3.1).
    #[must_use]
    pub fn jwk_numbers(&self) -> [String; 2] {
        [&self.modulus, &self.exponent].map(|bytes| Base64UrlUnpadded::encode_string(bytes))
    }

    /// What was signed.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// The signature, as long as the modulus.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// What the host's answer makes of it.
    ///
    /// # Errors
    /// [`InvalidPasskey::Signature`] if it is wrong.
    pub fn answered(self, is_right: bool) -> Result<Verified, InvalidPasskey> {
        if is_right {
            Ok(self.verified)
        } else {
            Err(InvalidPasskey::Signature)
        }
    }
}

impl fmt::Debug for RsaVerification {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RsaVerification(_)")
    }
}

impl Assertion {
    /// Reads it. Members that the standard has beside those that are needed stay unread.
    ///
    /// # Errors
    /// Says what is wrong with its form.
    pub fn parse(json: &Value) -> Result<Self, InvalidPasskey> {
        let (credential_id, response) = members::credential(json)?;
        let client_data = members::client_data(response)?;
        let user_handle = match response.get("userHandle") {
            None | Some(Value::Null) => None,
            Some(value) => Some(UserHandle::parse(
                value.as_str().ok_or(InvalidPasskey::Form)?,
            )?),
        };
        let bytes = |name, max_bytes| members::bytes(response, name, max_bytes);
        Ok(Self {
            credential_id,
            user_handle,
            client_data: ClientData::parse(&client_data)?,
            client_data_hash: Sha256::digest(&client_data).into(),
            authenticator_data: bytes("authenticatorData", MAX_AUTHENTICATOR_DATA_BYTES)?,
            signature: bytes("signature", MAX_SIGNATURE_BYTES)?,
        })
    }

    /// Which passkey it says that it is of.
    #[must_use]
    pub fn credential_id(&self) -> &CredentialId {
        &self.credential_id
    }

    /// Whose it says that it is.
    #[must_use]
    pub fn user_handle(&self) -> Option<&UserHandle> {
        self.user_handle.as_ref()
    }

    /// The challenge that it answers, for [`super::PasskeyKeys::read`].
    #[must_use]
    pub fn challenge(&self) -> &str {
        self.client_data.challenge()
    }

    /// Checks all that section 7.2 asks.
    ///
    /// The user handle has to be there where the account is known by the passkey alone, and is
    /// the account's wherever it is given.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn check(
        self,
        stored: &StoredPasskey,
        rp: &RelyingParty,
        challenge: &Challenge,
    ) -> Result<Verification, InvalidPasskey> {
        if self.credential_id != stored.credential_id {
            return Err(InvalidPasskey::Credential);
        }
        let handle_may_be_missing = match challenge.ceremony() {
            Ceremony::Registration => return Err(InvalidPasskey::Challenge),
            Ceremony::Discovery => false,
            Ceremony::KnownAccount => true,
        };
        match &self.user_handle {
            Some(handle) if *handle == stored.user_handle => {}
            None if handle_may_be_missing => {}
            _ => return Err(InvalidPasskey::UserHandle),
        }
        self.client_data.check(GET, challenge, &rp.origins)?;
        let data = AuthenticatorData::parse(&self.authenticator_data)?;
        // Only a registration has it (section 6.3.3).
        if data.attested.is_some() {
            return Err(InvalidPasskey::AuthenticatorData);
        }
        data.check(rp)?;
        if data.backup_eligible() != stored.backup_eligible {
            return Err(InvalidPasskey::Backup);
        }
        let key = PublicKey::parse(&stored.public_key)?;
        let message = [&self.authenticator_data[..], &self.client_data_hash].concat();
        let answer = key.verify(&message, &self.signature)?;
        // Authenticators without a counter always say 0.
        let has_counter = data.sign_count != 0 || stored.sign_count != 0;
        let verified = Verified {
            credential_id: self.credential_id,
            sign_count: data.sign_count,
            counter_went_back: has_counter && data.sign_count <= stored.sign_count,
            backed_up: data.backed_up(),
            user_verified: data.user_verified() && stored.user_verified,
        };
        Ok(match answer {
            Answer::Right => Verification::Done(verified),
            Answer::ByHost { modulus, exponent } => Verification::ByHost(RsaVerification {
                modulus,
                exponent,
                message,
                signature: self.signature,
                verified,
            }),
        })
    }
}
