//! Public keys as authenticators write them: COSE_Key (RFC 9052 section 7, RFC 9053), in the form that
//! section 5.8.5 of the standard asks for, with no parameter beside those that are needed.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{PUBLIC_KEY_LENGTH, Signature as Ed25519Signature, VerifyingKey as Ed25519Key};
use p256::EncodedPoint;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature as P256Signature, VerifyingKey as P256Key};

use super::cbor::{Item, Key, Map};
use super::{InvalidPasskey, base64url};

/// The algorithms that are asked for, the preferred one first (IANA, "COSE Algorithms").
pub(super) const ALGORITHMS: [i64; 3] = [ES256, EDDSA, RS256];

const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;

/// The most characters of a stored key.
const MAX_STORED_LENGTH: usize = 1024;

/// Bytes of a modulus: 2,048 to 4,096 bits (NIST SP 800-131A, and what browsers' cryptography takes).
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

/// The most bytes of a public exponent.
const MAX_EXPONENT_BYTES: usize = 4;

/// Labels of COSE_Key parameters (RFC 9052 section 7.1, RFC 9053 section 7.1, RFC 8230 section 4).
mod label {
    pub(super) const KEY_TYPE: i128 = 1;
    pub(super) const ALGORITHM: i128 = 3;
    pub(super) const CURVE: i128 = -1;
    pub(super) const X: i128 = -2;
    pub(super) const Y: i128 = -3;
    pub(super) const MODULUS: i128 = -1;
    pub(super) const EXPONENT: i128 = -2;
}

/// Values of parameters (IANA, "COSE Key Types" and "COSE Elliptic Curves").
mod value {
    pub(super) const OKP: i128 = 1;
    pub(super) const EC2: i128 = 2;
    pub(super) const RSA: i128 = 3;
    pub(super) const P_256: i128 = 1;
    pub(super) const ED25519: i128 = 6;
}

/// A key of one of the algorithms that are asked for.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct PublicKey {
    cose: Vec<u8>,
    kind: Kind,
}

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Es256(P256Key),
    Ed25519(Ed25519Key),
    Rs256 { modulus: Vec<u8>, exponent: Vec<u8> },
}

/// What verifying a signature comes to.
pub(super) enum Answer {
    Right,
    /// The host's cryptography has to say: modulus and exponent, big-endian.
    ByHost {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

impl PublicKey {
    /// Reads the key with which `input` begins. The second value is what comes after it.
    pub(super) fn first(input: &[u8]) -> Result<(Self, &[u8]), InvalidPasskey> {
        let (map, rest) = Map::first(input)?;
        let kind = Kind::of(map)?;
        let cose = input.strip_suffix(rest).ok_or(InvalidPasskey::PublicKey)?;
        let cose = cose.to_vec();
        Ok((Self { cose, kind }, rest))
    }

    /// Reads what [`Self::stored`] gave.
    pub(super) fn parse(stored: &str) -> Result<Self, InvalidPasskey> {
        let bytes = base64url(stored, MAX_STORED_LENGTH)?;
        match Self::first(&bytes)? {
            (key, []) => Ok(key),
            _ => Err(InvalidPasskey::PublicKey),
        }
    }

    /// As base64url, of at most 1,024 characters.
    pub(super) fn stored(&self) -> String {
        Base64UrlUnpadded::encode_string(&self.cose)
    }

    /// Verifies a signature in the form of section 6.5.5.
    pub(super) fn verify(
        &self,
        message: &[u8],
        signature: &[u8],
    ) -> Result<Answer, InvalidPasskey> {
        let wrong = InvalidPasskey::Signature;
        match &self.kind {
            Kind::Es256(key) => {
                let signature = P256Signature::from_der(signature).map_err(|_| wrong)?;
                key.verify(message, &signature).map_err(|_| wrong)?;
                Ok(Answer::Right)
            }
            Kind::Ed25519(key) => {
                let signature = Ed25519Signature::from_slice(signature).map_err(|_| wrong)?;
                // The strict form refuses points of small order, under which anybody can sign.
                key.verify_strict(message, &signature).map_err(|_| wrong)?;
                Ok(Answer::Right)
            }
            Kind::Rs256 { modulus, exponent } => {
                // RFC 8017 section 8.2.2 step 1.
                if signature.len() != modulus.len() {
                    return Err(wrong);
                }
                Ok(Answer::ByHost {
                    modulus: modulus.clone(),
                    exponent: exponent.clone(),
                })
            }
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PublicKey(_)")
    }
}

impl Kind {
    fn of(map: Map<'_>) -> Result<Self, InvalidPasskey> {
        let mut parameters = Parameters(map);
        let key_type = parameters.integer(label::KEY_TYPE)?;
        let algorithm = parameters.integer(label::ALGORITHM)?;
        let kind = match i64::try_from(algorithm) {
            Ok(ES256) if key_type == value::EC2 => parameters.p256(),
            Ok(EDDSA) if key_type == value::OKP => parameters.ed25519(),
            Ok(RS256) if key_type == value::RSA => parameters.rsa(),
            Ok(ES256 | EDDSA | RS256) => Err(InvalidPasskey::PublicKey),
            _ => return Err(InvalidPasskey::Algorithm),
        }?;
        if parameters.0.is_empty() {
            Ok(kind)
        } else {
            Err(InvalidPasskey::PublicKey)
        }
    }
}

struct Parameters<'a>(Map<'a>);

impl<'a> Parameters<'a> {
    fn integer(&mut self, label: i128) -> Result<i128, InvalidPasskey> {
        match self.0.take(Key::Integer(label)) {
            Some(Item::Integer(number)) => Ok(number),
            _ => Err(InvalidPasskey::PublicKey),
        }
    }

    fn bytes(&mut self, label: i128) -> Result<&'a [u8], InvalidPasskey> {
        match self.0.take(Key::Integer(label)) {
            Some(Item::Bytes(bytes)) => Ok(bytes),
            _ => Err(InvalidPasskey::PublicKey),
        }
    }

    fn curve(&mut self, curve: i128) -> Result<(), InvalidPasskey> {
        if self.integer(label::CURVE)? == curve {
            Ok(())
        } else {
            Err(InvalidPasskey::PublicKey)
        }
    }

    fn octets(&mut self, label: i128) -> Result<[u8; 32], InvalidPasskey> {
        let bytes = self.bytes(label)?;
        bytes.try_into().map_err(|_| InvalidPasskey::PublicKey)
    }

    /// Both coordinates, each of 32 bytes, of a point on the curve.
    fn p256(&mut self) -> Result<Kind, InvalidPasskey> {
        self.curve(value::P_256)?;
        let (x, y) = (self.octets(label::X)?, self.octets(label::Y)?);
        let point = EncodedPoint::from_affine_coordinates(&x.into(), &y.into(), false);
        let key = P256Key::from_encoded_point(&point).map_err(|_| InvalidPasskey::PublicKey)?;
        Ok(Kind::Es256(key))
    }

    fn ed25519(&mut self) -> Result<Kind, InvalidPasskey> {
        self.curve(value::ED25519)?;
        let x: [u8; PUBLIC_KEY_LENGTH] = self.octets(label::X)?;
        let key = Ed25519Key::from_bytes(&x).map_err(|_| InvalidPasskey::PublicKey)?;
        if key.is_weak() {
            return Err(InvalidPasskey::PublicKey);
        }
        Ok(Kind::Ed25519(key))
    }

    /// Both numbers without leading zeros (RFC 8230 section 4), and odd.
    fn rsa(&mut self) -> Result<Kind, InvalidPasskey> {
        let modulus = self.bytes(label::MODULUS)?;
        let exponent = self.bytes(label::EXPONENT)?;
        let is_odd = |bytes: &[u8]| bytes.last().is_some_and(|last| last & 1 == 1);
        // Of 2,048 bits at least, so the first one has to be set in the shortest.
        let first_bit = if modulus.len() == *MODULUS_BYTES.start() {
            0x80
        } else {
            0x01
        };
        let is_modulus = MODULUS_BYTES.contains(&modulus.len())
            && modulus.first().is_some_and(|first| *first >= first_bit)
            && is_odd(modulus);
        let is_exponent = exponent.len() <= MAX_EXPONENT_BYTES
            && exponent.first().is_some_and(|first| *first != 0)
            && is_odd(exponent)
            && exponent != [1];
        if !is_modulus || !is_exponent {
            return Err(InvalidPasskey::PublicKey);
        }
        Ok(Kind::Rs256 {
            modulus: modulus.to_vec(),
            exponent: exponent.to_vec(),
        })
    }
}
