//! An authenticator with the browser around it, as W3C's Web Authentication (Level 3) has them.

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::Signer as _;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Bits of the flags (section 6.1).
pub(crate) const USER_PRESENT: u8 = 0x01;
pub(crate) const USER_VERIFIED: u8 = 0x04;
pub(crate) const BACKUP_ELIGIBLE: u8 = 0x08;
pub(crate) const BACKED_UP: u8 = 0x10;
pub(crate) const ATTESTED_CREDENTIAL_DATA: u8 = 0x40;
pub(crate) const EXTENSION_DATA: u8 = 0x80;

#[derive(Clone)]
enum Key {
    P256(p256::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
}

/// One passkey. Its fields are what it says from now on.
#[derive(Clone)]
pub(crate) struct Authenticator {
    key: Key,
    pub(crate) credential_id: Vec<u8>,
    pub(crate) rp_id: String,
    pub(crate) origin: String,
    /// Without those that say which parts follow.
    pub(crate) flags: u8,
    pub(crate) sign_count: u32,
    /// As base64url; that of the options it was made by.
    pub(crate) user_handle: Option<String>,
    /// CBOR that is appended as extensions.
    pub(crate) extensions: Vec<u8>,
    /// Members of `clientDataJSON` that are set in place of its own; null removes one.
    pub(crate) client_data: Map<String, Value>,
    /// The public key, where it is not its own.
    pub(crate) cose: Option<Vec<u8>>,
}

impl Authenticator {
    /// One that signs by ES256, of a synced passkey and a verified user.
    pub(crate) fn p256(seed: u8, rp_id: &str, origin: &str) -> Self {
        let key = p256::ecdsa::SigningKey::from_slice(&[seed; 32]).expect("a private key");
        Self::new(Key::P256(key), seed, rp_id, origin)
    }

    /// The same with Ed25519.
    pub(crate) fn ed25519(seed: u8, rp_id: &str, origin: &str) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
        Self::new(Key::Ed25519(key), seed, rp_id, origin)
    }

    fn new(key: Key, seed: u8, rp_id: &str, origin: &str) -> Self {
        Self {
            key,
            credential_id: vec![seed; 32],
            rp_id: rp_id.to_owned(),
            origin: origin.to_owned(),
            flags: USER_PRESENT | USER_VERIFIED | BACKUP_ELIGIBLE | BACKED_UP,
            sign_count: 0,
            user_handle: None,
            extensions: Vec::new(),
            client_data: Map::new(),
            cose: None,
        }
    }

    /// The public key as a COSE_Key.
    pub(crate) fn cose(&self) -> Vec<u8> {
        match (&self.cose, &self.key) {
            (Some(cose), _) => cose.clone(),
            (None, Key::P256(key)) => {
                let point = key.verifying_key().to_encoded_point(false);
                let point = point.as_bytes();
                let start = [0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01];
                let parts = [&start[..], &[0x21], &bytes(&point[1..33]), &[0x22]];
                [parts.concat(), bytes(&point[33..])].concat()
            }
            (None, Key::Ed25519(key)) => {
                let start = [0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21];
                [&start[..], &bytes(key.verifying_key().as_bytes())].concat()
            }
        }
    }

    /// Its id, as base64url.
    pub(crate) fn id(&self) -> String {
        base64url(&self.credential_id)
    }

    /// A `RegistrationResponseJSON` to creation options.
    pub(crate) fn create(&mut self, options: &Value) -> Value {
        self.user_handle = options["user"]["id"].as_str().map(str::to_owned);
        let client_data = self.client_data("webauthn.create", options);
        let length = u16::try_from(self.credential_id.len()).expect("a length of two bytes");
        let data = [
            self.head(ATTESTED_CREDENTIAL_DATA),
            vec![0; 16],
            length.to_be_bytes().to_vec(),
            self.credential_id.clone(),
            self.cose(),
            self.extensions.clone(),
        ];
        let object = attestation_object(&data.concat());
        self.credential(&json!({
            "clientDataJSON": base64url(&client_data),
            "attestationObject": base64url(&object),
            "transports": ["internal", "hybrid"],
        }))
    }

    /// An `AuthenticationResponseJSON` to request options.
    pub(crate) fn get(&mut self, options: &Value) -> Value {
        let client_data = self.client_data("webauthn.get", options);
        let data = [self.head(0), self.extensions.clone()].concat();
        let signature = self.sign(&[&data[..], &Sha256::digest(&client_data)].concat());
        self.credential(&json!({
            "clientDataJSON": base64url(&client_data),
            "authenticatorData": base64url(&data),
            "signature": base64url(&signature),
            "userHandle": self.user_handle,
        }))
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.key {
            Key::P256(key) => {
                let signature: p256::ecdsa::DerSignature = key.sign(message);
                signature.as_bytes().to_vec()
            }
            Key::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
        }
    }

    fn client_data(&self, ceremony: &str, options: &Value) -> Vec<u8> {
        let mut data = json!({
            "type": ceremony,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": false,
        });
        for (name, value) in &self.client_data {
            data[name] = value.clone();
        }
        data.as_object_mut()
            .expect("an object")
            .retain(|_, value| !value.is_null());
        data.to_string().into_bytes()
    }

    fn head(&self, parts: u8) -> Vec<u8> {
        let extensions = if self.extensions.is_empty() {
            0
        } else {
            EXTENSION_DATA
        };
        let mut data = Sha256::digest(&self.rp_id).to_vec();
        data.push(self.flags | parts | extensions);
        data.extend(self.sign_count.to_be_bytes());
        data
    }

    fn credential(&self, response: &Value) -> Value {
        let id = base64url(&self.credential_id);
        json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        })
    }
}

/// The attestation object of format `none` (section 8.7) around authenticator data.
pub(crate) fn attestation_object(authenticator_data: &[u8]) -> Vec<u8> {
    let start = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData";
    [&start[..], &bytes(authenticator_data)].concat()
}

/// A byte string in CBOR.
pub(crate) fn bytes(octets: &[u8]) -> Vec<u8> {
    let length = u16::try_from(octets.len()).expect("a length of two bytes");
    let [high, low] = length.to_be_bytes();
    let head = match length {
        0..24 => vec![0x40 | low],
        24..256 => vec![0x58, low],
        256.. => vec![0x59, high, low],
    };
    [&head, octets].concat()
}

pub(crate) fn base64url(octets: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(octets)
}
