//! Passwords that are known from a breach, by the ranges of their hashes.

use std::fmt;

use base16ct::upper;
use zeroize::Zeroizing;

/// The SHA-1 of a password as the range protocol of Have I Been Pwned has it (its API, "Searching by
/// range"): the other side is told the beginning, and answers with all hashes that have it. Never printed.
pub struct HashRange(Zeroizing<String>);

/// How many hexadecimal digits the other side is told.
const PREFIX_DIGITS: usize = 5;

impl HashRange {
    /// That of a hash, 20 bytes.
    #[must_use]
    pub fn of(sha1: &[u8]) -> Self {
        Self(Zeroizing::new(upper::encode_string(sha1)))
    }

    /// What the other side is told.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.split().0
    }

    /// Whether an answer has the hash: lines of the rest of a hash, a colon and how often it was found.
    /// Lines that are padding were found no time.
    #[must_use]
    pub fn is_listed(&self, answer: &str) -> bool {
        let (_, suffix) = self.split();
        !suffix.is_empty()
            && answer.lines().any(|line| {
                let (rest, count) = line.split_once(':').unwrap_or_default();
                let count = count.trim();
                let is_count = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
                let is_found = is_count && count.bytes().any(|b| b != b'0');
                is_found && rest.trim().eq_ignore_ascii_case(suffix)
            })
    }

    fn split(&self) -> (&str, &str) {
        self.0.split_at_checked(PREFIX_DIGITS).unwrap_or_default()
    }
}

impl fmt::Debug for HashRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HashRange(_)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The SHA-1 of `password`.
    const HASH: [u8; 20] = [
        0x5b, 0xaa, 0x61, 0xe4, 0xc9, 0xb9, 0x3f, 0x3f, 0x06, 0x82, 0x25, 0x0b, 0x6c, 0xf8, 0x33,
        0x1b, 0x7e, 0xe6, 0x8f, 0xd8,
    ];
    const REST: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";

    #[test]
    fn a_hash_is_found_among_others() {
        let range = HashRange::of(&HASH);
        assert_eq!(range.prefix(), "5BAA6");
        let lower = REST.to_lowercase();
        for answer in [
            format!("{REST}:1"),
            format!("0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n{REST}:9545824\r\n"),
            format!("{lower}:10\n"),
        ] {
            assert!(range.is_listed(&answer), "{answer}");
        }
        for answer in [
            String::new(),
            REST.to_owned(),
            format!("{REST}:"),
            format!("{REST}:0"),
            format!("{REST}:00\r\n"),
            format!("{REST}:x1"),
            format!("5BAA6{REST}:1"),
            format!("A{REST}:1"),
            ":1".to_owned(),
            "<html>".to_owned(),
        ] {
            assert!(!range.is_listed(&answer), "{answer}");
        }
        assert_eq!(format!("{range:?}"), "HashRange(_)");
        // No hash has no suffix that a line could have.
        assert!(!HashRange::of(&[]).is_listed(":1"));
    }
}
