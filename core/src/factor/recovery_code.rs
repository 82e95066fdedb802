//! Recovery codes: what signs in in place of a second factor that is lost, each once.

use std::fmt;

use base32ct::{Base32UpperUnpadded, Encoding};
use zeroize::Zeroizing;

use crate::account::UserId;
use crate::keyed_hash::KeyedHash;

/// Base32 of RFC 4648 section 6, digit by digit.
const RFC_4648: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Base32 by Douglas Crockford, which has no two letters that look alike, digit by digit.
const CROCKFORD: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Digits between two hyphens.
const GROUP: usize = 4;

/// A recovery code: 80 bits as 16 digits of Crockford's base32. Never printed, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(Zeroizing<String>);

impl RecoveryCode {
    /// Random bytes of a code.
    pub const BYTES: usize = 10;

    /// How many an account is given at once.
    pub const COUNT: usize = 10;

    /// What their keyed hashes are for.
    pub const PURPOSE: &'static str = "recovery codes";

    /// Digits of a code.
    const DIGITS: usize = 16;

    /// A code of these random bytes.
    #[must_use]
    pub fn new(random: &[u8; Self::BYTES]) -> Self {
        let digits = Zeroizing::new(Base32UpperUnpadded::encode_string(random));
        let digits = digits.chars().map(|digit| {
            let same = RFC_4648.chars().zip(CROCKFORD.chars());
            let mut same = same.filter(|(rfc_4648, _)| *rfc_4648 == digit);
            same.next().map_or(digit, |(_, crockford)| crockford)
        });
        Self::of(digits)
    }

    /// Reads what somebody typed, in either case and with white space and hyphens anywhere; I and L are
    /// ones, O is a zero. `None` for what cannot be a code.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .take(Self::DIGITS + 1)
            .map(|c| match c.to_ascii_uppercase() {
                'I' | 'L' => '1',
                'O' => '0',
                other => other,
            });
        let code = Self::of(digits);
        let is_code = code.0.chars().count() == Self::DIGITS
            && code.0.chars().all(|digit| CROCKFORD.contains(digit));
        is_code.then_some(code)
    }

    /// The code as it is shown: four groups of four digits with hyphens between.
    #[must_use]
    pub fn grouped(&self) -> Zeroizing<String> {
        let mut grouped = Zeroizing::new(String::with_capacity(Self::DIGITS * 2));
        for (index, digit) in self.0.chars().enumerate() {
            if index > 0 && index % GROUP == 0 {
                grouped.push('-');
            }
            grouped.push(digit);
        }
        grouped
    }

    /// As it is stored, 43 characters: that of one account, under one of the keyed hashes of
    /// [`RecoveryCode::PURPOSE`].
    #[must_use]
    pub fn hash(&self, keyed: &KeyedHash, user: UserId) -> String {
        keyed.text(&[&user.to_string(), &self.0])
    }

    fn of(digits: impl Iterator<Item = char>) -> Self {
        // As long as it gets, so that it is not moved and leaves no copy behind. A digit that is none may
        // have four bytes.
        let mut code = Zeroizing::new(String::with_capacity((Self::DIGITS + 1) * 4));
        code.extend(digits);
        Self(code)
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RecoveryCode(_)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every digit of the alphabet, by 20 bytes in two codes.
    fn alphabet() -> [RecoveryCode; 2] {
        [
            RecoveryCode::new(&[0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf]),
            RecoveryCode::new(&[0x84, 0x65, 0x3a, 0x56, 0xd7, 0xc6, 0x75, 0xbe, 0x77, 0xdf]),
        ]
    }

    #[test]
    fn digits_are_crockfords() {
        let [low, high] = alphabet();
        assert_eq!(*low.grouped(), "0123-4567-89AB-CDEF");
        assert_eq!(*high.grouped(), "GHJK-MNPQ-RSTV-WXYZ");
        assert_eq!(
            *RecoveryCode::new(&[0; 10]).grouped(),
            "0000-0000-0000-0000"
        );
        assert_eq!(
            *RecoveryCode::new(&[255; 10]).grouped(),
            "ZZZZ-ZZZZ-ZZZZ-ZZZZ"
        );
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        let [low, high] = alphabet();
        for text in [
            "0123-4567-89AB-CDEF",
            "0123456789ABCDEF",
            "0123456789abcdef",
            " 0123 4567 89ab\u{a0}cdef\n",
            "o1234567-89abcdef",
            "Oi23456789abcdef",
            "OL23--4567-89ab-cdef-",
        ] {
            assert!(RecoveryCode::parse(text) == Some(low.clone()), "{text}");
        }
        assert!(RecoveryCode::parse("ghjk mnpq rstv wxyz") == Some(high));
        for text in [
            "",
            "0123-4567-89AB-CDE",
            "0123-4567-89AB-CDEFG",
            // Crockford's alphabet has no U.
            "0123-4567-89AB-CDEU",
            "0123-4567-89AB-CDE*",
            "0123-4567-89AB-CDEé",
            "٠123-4567-89AB-CDEF",
        ] {
            assert_eq!(RecoveryCode::parse(text), None, "{text}");
        }
        assert_eq!(RecoveryCode::parse(&"é".repeat(10_000)), None);
    }

    #[test]
    fn what_is_shown_is_what_is_read() {
        for octet in 0..=255 {
            let code = RecoveryCode::new(&[octet; 10]);
            assert!(RecoveryCode::parse(&code.grouped()) == Some(code));
        }
    }

    #[test]
    fn a_hash_belongs_to_one_code_account_and_key() {
        let [low, high] = alphabet();
        let user = |id| UserId::new(id).unwrap();
        let key = |octet| KeyedHash::new(&[octet; 32]);
        let hash = low.hash(&key(1), user(7));
        assert_eq!(hash.len(), 43);
        let typed = RecoveryCode::parse("o1234567 89abcdef").unwrap();
        assert_eq!(typed.hash(&key(1), user(7)), hash);
        for other in [
            high.hash(&key(1), user(7)),
            low.hash(&key(1), user(8)),
            low.hash(&key(2), user(7)),
        ] {
            assert_ne!(other, hash);
        }
    }

    #[test]
    fn codes_do_not_print() {
        assert_eq!(format!("{:?}", alphabet()[0]), "RecoveryCode(_)");
    }
}
