//! What the authenticator says: authenticator data (section 6.1).

use sha2::{Digest, Sha256};

use super::cbor::Map;
use super::cose::PublicKey;
use super::{CredentialId, InvalidPasskey, RelyingParty};

/// Bits of the flags (section 6.1).
const USER_PRESENT: u8 = 1 << 0;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED_CREDENTIAL_DATA: u8 = 1 << 6;
const EXTENSION_DATA: u8 = 1 << 7;

/// Bytes of the identifier of the authenticator's model, which nothing reads.
const AAGUID_BYTES: usize = 16;

/// Authenticator data of exactly the length that its flags and its parts say. Extensions are looked at
/// for their form alone.
#[derive(Debug)]
pub(super) struct AuthenticatorData {
    rp_id_hash: [u8; 32],
    flags: u8,
    pub(super) sign_count: u32,
    /// What only a registration has.
    pub(super) attested: Option<Attested>,
}

/// A credential that was just made (section 6.5.1).
#[derive(Debug)]
pub(super) struct Attested {
    pub(super) credential_id: CredentialId,
    pub(super) public_key: PublicKey,
}

impl AuthenticatorData {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, InvalidPasskey> {
        let mut rest = bytes;
        let rp_id_hash = chunk(&mut rest)?;
        let [flags] = chunk(&mut rest)?;
        let sign_count = u32::from_be_bytes(chunk(&mut rest)?);
        let has = |flag| flags & flag != 0;

        let attested = if has(ATTESTED_CREDENTIAL_DATA) {
            Some(Attested::parse(&mut rest)?)
        } else {
            None
        };
        if has(EXTENSION_DATA) {
            rest = Map::first(rest)?.1;
        }
        if !rest.is_empty() {
            return Err(InvalidPasskey::AuthenticatorData);
        }
        Ok(Self {
            rp_id_hash,
            flags,
            sign_count,
            attested,
        })
    }

    /// What both of sections 7.1 and 7.2 ask of it.
    pub(super) fn check(&self, rp: &RelyingParty) -> Result<(), InvalidPasskey> {
        if self.rp_id_hash != *Sha256::digest(&rp.id) {
            return Err(InvalidPasskey::RelyingParty);
        }
        if !self.has(USER_PRESENT) {
            return Err(InvalidPasskey::UserPresence);
        }
        if self.backed_up() && !self.backup_eligible() {
            return Err(InvalidPasskey::Backup);
        }
        Ok(())
    }

    pub(super) fn user_verified(&self) -> bool {
        self.has(USER_VERIFIED)
    }

    pub(super) fn backup_eligible(&self) -> bool {
        self.has(BACKUP_ELIGIBLE)
    }

    pub(super) fn backed_up(&self) -> bool {
        self.has(BACKED_UP)
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

impl Attested {
    fn parse(rest: &mut &[u8]) -> Result<Self, InvalidPasskey> {
        chunk::<AAGUID_BYTES>(rest)?;
        let length = usize::from(u16::from_be_bytes(chunk(rest)?));
        if !(1..=CredentialId::MAX_BYTES).contains(&length) {
            return Err(InvalidPasskey::AuthenticatorData);
        }
        let (id, after) = rest
            .split_at_checked(length)
            .ok_or(InvalidPasskey::AuthenticatorData)?;
        let (public_key, after) = PublicKey::first(after)?;
        *rest = after;
        Ok(Self {
            credential_id: CredentialId::of(id),
            public_key,
        })
    }
}

/// Takes the next bytes.
fn chunk<const LENGTH: usize>(rest: &mut &[u8]) -> Result<[u8; LENGTH], InvalidPasskey> {
    let (chunk, after) = rest
        .split_first_chunk()
        .ok_or(InvalidPasskey::AuthenticatorData)?;
    *rest = after;
    Ok(*chunk)
}
