//! A new passkey: section 7.1.

use serde_json::Value;

use super::authenticator_data::AuthenticatorData;
use super::cbor::{Item, Key, Map};
use super::challenge::{Ceremony, Challenge};
use super::client_data::{CREATE, ClientData};
use super::{CredentialId, InvalidPasskey, RelyingParty, members};

/// The most bytes of an attestation object. A statement of several certificates fits in.
const MAX_ATTESTATION_BYTES: usize = 16 * 1024;

/// The most transports, and the most characters of one.
const MAX_TRANSPORTS: usize = 8;
const MAX_TRANSPORT_LENGTH: usize = 32;

/// What a browser or an app answers to creation options (`RegistrationResponseJSON`, section 5.1).
#[derive(Debug)]
pub struct Registration {
    credential_id: CredentialId,
    client_data: ClientData,
    attestation_object: Vec<u8>,
    transports: Vec<String>,
}

/// A passkey to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPasskey {
    /// Its id.
    pub credential_id: CredentialId,
    /// Its public key, a COSE_Key (RFC 9052 section 7) as base64url of at most 1,024 characters.
    pub public_key: String,
    /// Its signature counter (section 6.1.1); 0 where it has none.
    pub sign_count: u32,
    /// Whether it may be backed up; that never changes.
    pub backup_eligible: bool,
    /// Whether it is backed up.
    pub backed_up: bool,
    /// Whether the authenticator verified its user, as by a PIN or a finger.
    pub user_verified: bool,
    /// How its authenticator can be reached, as a hint to browsers (section 5.8.4): at most 8, each of
    /// at most 32 lower-case letters, digits and hyphens.
    pub transports: Vec<String>,
}

impl Registration {
    /// Reads it. Members that the standard has beside those that are needed stay unread.
    ///
    /// # Errors
    /// Says what is wrong with its form.
    pub fn parse(json: &Value) -> Result<Self, InvalidPasskey> {
        let (credential_id, response) = members::credential(json)?;
        Ok(Self {
            credential_id,
            client_data: ClientData::parse(&members::client_data(response)?)?,
            attestation_object: members::bytes(
                response,
                "attestationObject",
                MAX_ATTESTATION_BYTES,
            )?,
            transports: transports(response)?,
        })
    }

    /// The challenge that it answers, for [`super::PasskeyKeys::read`].
    #[must_use]
    pub fn challenge(&self) -> &str {
        self.client_data.challenge()
    }

    /// Checks all that section 7.1 asks of attestation `none`. Whatever statement comes is not read.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn check(
        self,
        rp: &RelyingParty,
        challenge: &Challenge,
    ) -> Result<NewPasskey, InvalidPasskey> {
        if challenge.ceremony() != Ceremony::Registration {
            return Err(InvalidPasskey::Challenge);
        }
        self.client_data.check(CREATE, challenge, &rp.origins)?;
        let data = authenticator_data(&self.attestation_object)?;
        let data = AuthenticatorData::parse(data)?;
        data.check(rp)?;
        let (backup_eligible, backed_up) = (data.backup_eligible(), data.backed_up());
        let user_verified = data.user_verified();
        let attested = data.attested.ok_or(InvalidPasskey::AuthenticatorData)?;
        if attested.credential_id != self.credential_id {
            return Err(InvalidPasskey::Credential);
        }
        Ok(NewPasskey {
            credential_id: self.credential_id,
            public_key: attested.public_key.stored(),
            sign_count: data.sign_count,
            backup_eligible,
            backed_up,
            user_verified,
            transports: self.transports,
        })
    }
}

/// The authenticator data within an attestation object (section 6.5.4).
fn authenticator_data(attestation_object: &[u8]) -> Result<&[u8], InvalidPasskey> {
    let mut map = Map::whole(attestation_object)?;
    let format = map.take(Key::Text("fmt"));
    let statement = map.take(Key::Text("attStmt"));
    let data = map.take(Key::Text("authData"));
    match (format, statement, data) {
        (Some(Item::Text(_)), Some(_), Some(Item::Bytes(data))) if map.is_empty() => Ok(data),
        _ => Err(InvalidPasskey::Cbor),
    }
}

/// What is known of the authenticator's transports. A text that cannot be the name of one is dropped,
/// since new ones come up and none is needed.
fn transports(response: &Value) -> Result<Vec<String>, InvalidPasskey> {
    let Some(value) = response.get("transports").filter(|value| !value.is_null()) else {
        return Ok(Vec::new());
    };
    let all = value.as_array().ok_or(InvalidPasskey::Form)?;
    let texts: Option<Vec<_>> = all.iter().map(Value::as_str).collect();
    let is_name_byte =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_name = |text: &&str| {
        (1..=MAX_TRANSPORT_LENGTH).contains(&text.len()) && text.bytes().all(is_name_byte)
    };
    let names = texts.ok_or(InvalidPasskey::Form)?.into_iter();
    let names = names.filter(is_name).take(MAX_TRANSPORTS);
    Ok(names.map(str::to_owned).collect())
}
