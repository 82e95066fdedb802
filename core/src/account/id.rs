//! The id of an account.

use std::fmt;

/// An account's id: a positive integer that JavaScript and JSON readers hold exactly, never
/// reused (docs/api.md, "Accounts").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserId(i64);

impl UserId {
    /// The largest integer that JavaScript holds exactly, 2^53 - 1 (`Number.MAX_SAFE_INTEGER`).
    const MAX: i64 = 9_007_199_254_740_991;

    /// `None` outside 1 to 2^53 - 1.
    #[must_use]
    pub fn new(id: i64) -> Option<Self> {
        (1..=Self::MAX).contains(&id).then_some(Self(id))
    }

    /// Reads a string of ASCII digits, the form of `sub` (docs/api.md, "Access tokens").
    #[must_use]
    pub fn from_digits(text: &str) -> Option<Self> {
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        text.parse().ok().and_then(Self::new)
    }

    /// The id as a number.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_exact_in_javascript() {
        assert_eq!(UserId::new(0), None);
        assert_eq!(UserId::new(-1), None);
        assert_eq!(UserId::new(9_007_199_254_740_992), None);
        assert_eq!(
            UserId::new(9_007_199_254_740_991).unwrap().get(),
            9_007_199_254_740_991
        );
    }

    #[test]
    fn ids_are_read_from_digits_alone() {
        assert_eq!(UserId::from_digits("42"), UserId::new(42));
        for text in [
            "",
            "0",
            "-1",
            "+1",
            " 1",
            "1.0",
            "1e3",
            "x",
            "٣",
            "99999999999999999999",
        ] {
            assert_eq!(UserId::from_digits(text), None, "{text:?}");
        }
    }
}
