//! Time-based one-time passwords (RFC 6238), as every authenticator app makes them: SHA-1, six digits,
//! steps of 30 s.

use std::fmt;

use base32ct::{Base32UpperUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::account::UserId;
use crate::data_keys::{DataKeys, NONCE_BYTES};
use crate::six_digits::six_digits;
use crate::time::{Seconds, UnixSeconds};

/// The time step (RFC 6238 section 4.1).
const STEP: Seconds = Seconds(30);

/// How many steps a clock may be early or late (RFC 6238 section 6).
const DRIFT: u64 = 1;

/// How many codes of six digits there are.
const CODES: u32 = 1_000_000;

/// A code that somebody typed.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpCode(Zeroizing<String>);

impl TotpCode {
    /// Reads what somebody typed: six ASCII digits, with white space anywhere. `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        six_digits(text).map(|digits| Self(Zeroizing::new(digits)))
    }
}

impl fmt::Debug for TotpCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TotpCode(_)")
    }
}

/// What an authenticator app and this service share. Never printed, wiped when dropped.
pub struct TotpSecret(Zeroizing<[u8; Self::BYTES]>);

/// A secret that was stored.
#[derive(Debug)]
pub struct OpenedSecret {
    /// The secret.
    pub secret: TotpSecret,
    /// Whether the active key sealed it; otherwise it is to be sealed anew.
    pub is_of_active: bool,
}

impl TotpSecret {
    /// Bytes of a secret, those of the hash (RFC 4226 section 4).
    pub const BYTES: usize = 20;

    /// A secret of these random bytes.
    #[must_use]
    pub fn new(random: [u8; Self::BYTES]) -> Self {
        Self(Zeroizing::new(random))
    }

    /// As it is stored, bound to its account.
    #[must_use]
    pub fn seal(&self, keys: &DataKeys, user: UserId, nonce: [u8; NONCE_BYTES]) -> String {
        keys.seal(&*self.0, &associated_data(user), nonce)
    }

    /// What [`TotpSecret::seal`] made for that account; `None` where none of the keys did.
    #[must_use]
    pub fn open(text: &str, keys: &DataKeys, user: UserId) -> Option<OpenedSecret> {
        let opened = keys.open(text, &associated_data(user))?;
        let mut secret = Zeroizing::new([0; Self::BYTES]);
        if opened.plain.len() != secret.len() {
            return None;
        }
        secret.copy_from_slice(&opened.plain);
        Some(OpenedSecret {
            secret: Self(secret),
            is_of_active: opened.is_of_active,
        })
    }

    /// The secret in base32 (RFC 4648 section 6), 32 characters, to be typed into an app.
    #[must_use]
    pub fn base32(&self) -> Zeroizing<String> {
        Zeroizing::new(Base32UpperUnpadded::encode_string(&*self.0))
    }

    /// What an app is handed by a link or a QR code, as apps have agreed on it ("Key Uri Format" of
    /// Google Authenticator). In an app's list `account` stands beside the name of the service, `issuer`.
    #[must_use]
    pub fn uri(&self, issuer: &str, account: &str) -> Zeroizing<String> {
        let (issuer, account) = (label(issuer), label(account));
        let secret = self.base32();
        Zeroizing::new(format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits=6&period={}",
            *secret, STEP.0
        ))
    }

    /// The step whose code that is, of those at `now` that come after `after_step`, the last one that
    /// was used. `None` where it is the code of none of them.
    #[must_use]
    pub fn matching_step(&self, code: &TotpCode, now: UnixSeconds, after_step: u64) -> Option<u64> {
        let step = now.0 / STEP.0;
        let mut matching = None;
        // Every step is looked at, so that the time tells nothing. The last one is taken: those before
        // it are not good any more.
        for step in step.saturating_sub(DRIFT)..=step.saturating_add(DRIFT) {
            let is_code = self.code(step).as_bytes().ct_eq(code.0.as_bytes());
            if step > after_step && bool::from(is_code) {
                matching = Some(step);
            }
        }
        matching
    }

    /// The code of a step (RFC 4226 section 5.3).
    fn code(&self, step: u64) -> Zeroizing<String> {
        Zeroizing::new(format!("{:06}", self.truncated(step) % CODES))
    }

    /// RFC 4226 section 5.3, `DT`: 31 bits of the hash, from where its last four bits say.
    fn truncated(&self, step: u64) -> u32 {
        // HMAC itself pads a key with zeros to its hash's block.
        let mut block = Zeroizing::new([0; 64]);
        for (padded, octet) in block.iter_mut().zip(&*self.0) {
            *padded = *octet;
        }
        let mut hmac = Hmac::<Sha1>::new((&*block).into());
        hmac.update(&step.to_be_bytes());
        let hash: [u8; 20] = hmac.finalize().into_bytes().into();
        let offset = usize::from(hash.last().map_or(0, |last| last & 15));
        let four = hash.get(offset..).and_then(<[u8]>::first_chunk);
        u32::from_be_bytes(four.copied().unwrap_or_default()) & 0x7fff_ffff
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TotpSecret(_)")
    }
}

fn associated_data(user: UserId) -> String {
    format!("totp {user}")
}

/// One half of a label, percent-encoded (RFC 3986 section 2.1). The colon between the halves is the only one.
fn label(text: &str) -> String {
    let mut label = String::new();
    for byte in text.replace(':', " ").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            label.push(byte.into());
        } else {
            label.push_str(&format!("%{byte:02X}"));
        }
    }
    label
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::data_keys::DataKey;

    /// The secret of both documents.
    fn secret() -> TotpSecret {
        TotpSecret::new(*b"12345678901234567890")
    }

    fn code(text: &str) -> TotpCode {
        TotpCode::parse(text).unwrap()
    }

    fn user(id: i64) -> UserId {
        UserId::new(id).unwrap()
    }

    #[test]
    fn codes_are_those_of_rfc_4226() {
        // Appendix D.
        for (count, truncated, expected) in [
            (0, 1_284_755_224, "755224"),
            (1, 1_094_287_082, "287082"),
            (2, 137_359_152, "359152"),
            (3, 1_726_969_429, "969429"),
            (4, 1_640_338_314, "338314"),
            (5, 868_254_676, "254676"),
            (6, 1_918_287_922, "287922"),
            (7, 82_162_583, "162583"),
            (8, 673_399_871, "399871"),
            (9, 645_520_489, "520489"),
        ] {
            assert_eq!(secret().truncated(count), truncated, "{count}");
            assert_eq!(*secret().code(count), expected);
        }
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, the rows of SHA-1. They have eight digits.
        for (time, expected) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            assert_eq!(secret().truncated(time / 30) % 100_000_000, expected);
            let six = code(&format!("{:06}", expected % CODES));
            let step = secret().matching_step(&six, UnixSeconds(time), 0);
            assert_eq!(step, Some(time / 30), "{time}");
        }
    }

    #[test]
    fn a_clock_may_be_a_step_early_or_late() {
        // The code of the step that begins at 1111111110.
        let code = code("050471");
        for (time, matches) in [
            (1_111_111_079, false),
            (1_111_111_080, true),
            (1_111_111_110, true),
            (1_111_111_139, true),
            (1_111_111_169, true),
            (1_111_111_170, false),
        ] {
            let step = secret().matching_step(&code, UnixSeconds(time), 0);
            assert_eq!(step, matches.then_some(37_037_037), "{time}");
        }
    }

    #[test]
    fn a_step_counts_once_and_ends_those_before_it() {
        let now = UnixSeconds(1_111_111_110);
        let before = code("081804");
        let step = |code: &TotpCode, after| secret().matching_step(code, now, after);
        assert_eq!(step(&before, 37_037_035), Some(37_037_036));
        assert_eq!(step(&before, 37_037_036), None);
        assert_eq!(step(&code("050471"), 37_037_036), Some(37_037_037));
        assert_eq!(step(&before, u64::MAX), None);
        // At the two ends of time.
        for now in [UnixSeconds(0), UnixSeconds(u64::MAX)] {
            assert_eq!(secret().matching_step(&code("000000"), now, 0), None);
        }
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        for text in ["012345", " 012345\n", "012 345", "0 1 2 3 4 5"] {
            assert!(TotpCode::parse(text).unwrap() == code("012345"));
        }
        for text in ["", "12345", "0123456", "01234a", "٠١٢٣٤٥", "-12345"] {
            assert_eq!(TotpCode::parse(text), None, "{text}");
        }
    }

    #[test]
    fn apps_are_handed_a_uri() {
        // RFC 4648 section 6.
        assert_eq!(*secret().base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let uri = secret().uri("auth.example.com", "Ann+b:c&d=é/?#@example.com");
        assert_eq!(
            *uri,
            "otpauth://totp/auth.example.com:Ann%2Bb%20c%26d%3D%C3%A9%2F%3F%23%40example.com\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=auth.example.com&algorithm=SHA1&digits=6&period=30"
        );
    }

    #[test]
    fn a_sealed_secret_is_that_of_one_account() {
        let key = |octet| DataKey::new(Zeroizing::new([octet; 32]));
        let old = DataKeys {
            active: key(1),
            retired: Vec::new(),
        };
        let new = DataKeys {
            active: key(2),
            retired: vec![key(1)],
        };
        let sealed = secret().seal(&old, user(7), [3; NONCE_BYTES]);
        for (keys, is_of_active) in [(&old, true), (&new, false)] {
            let opened = TotpSecret::open(&sealed, keys, user(7)).unwrap();
            assert_eq!(*opened.secret.0, *secret().0);
            assert_eq!(opened.is_of_active, is_of_active);
            assert!(TotpSecret::open(&sealed, keys, user(8)).is_none());
        }
        let short = old.seal(b"short", "totp 7", [3; NONCE_BYTES]);
        assert!(TotpSecret::open(&short, &old, user(7)).is_none());
    }

    #[test]
    fn secrets_and_codes_do_not_print() {
        let text = format!("{:?} {:?}", secret(), code("123456"));
        assert_eq!(text, "TotpSecret(_) TotpCode(_)");
    }
}
