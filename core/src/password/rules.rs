//! The rules for new passwords, and what is tried at sign-in.

use std::fmt;

use zeroize::Zeroizing;

use super::common::is_common;
use crate::broken_rule::BrokenRule;
use crate::unicode::Unicode;

/// The most bytes of a password, after NFKC. They hold 256 characters of any kind; NIST SP
/// 800-63B-4 (section 3.1.1.2) recommends that at least 64 be permitted.
const MAX_BYTES: usize = 1024;

/// What anybody may know of the account that a password is for. An account that is older than a
/// rule may have what would be refused today.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The e-mail address.
    pub email: Option<&'a str>,
    /// The username.
    pub username: Option<&'a str>,
    /// The name that the person goes by.
    pub name: &'a str,
}

/// A password that an account may be given. Wiped on drop, never printed.
pub struct NewPassword(Zeroizing<String>);

impl NewPassword {
    /// Normalizes `raw` (Unicode Normalization Form KC), then checks that it has at least
    /// `min_length` characters and at most 1,024 bytes, and is not what anybody would try first,
    /// with or without knowing the account (docs/api.md, "Fields").
    ///
    /// A character is a code point (NIST SP 800-63B-4 section 3.1.1.2).
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(
        raw: &str,
        min_length: u32,
        known: Known<'_>,
        unicode: Unicode,
    ) -> Result<Self, BrokenRule> {
        let password = Zeroizing::new(unicode.nfkc(raw));
        let broken = |rule: &'static str| Err(BrokenRule::new("password", rule));
        if password.contains('\0') {
            return broken("must not contain NUL characters");
        }
        if password.chars().count() < min_length as usize {
            let rule = format!("must be at least {min_length} characters long");
            return Err(BrokenRule::new("password", rule));
        }
        if password.len() > MAX_BYTES {
            return broken("must be at most 1024 bytes long");
        }
        let folded = Zeroizing::new(unicode.fold(&password));
        let is = |known: &str| *folded == unicode.fold(known);
        let local_part = known.email.and_then(|email| email.split('@').next());
        if known.email.is_some_and(is) || local_part.is_some_and(is) {
            return broken("must not be the email address or the part before its @");
        }
        if known.username.is_some_and(is) {
            return broken("must not be the username");
        }
        if is(known.name) {
            return broken("must not be the name");
        }
        if is_common(&folded) {
            return broken("must not be one of the most common passwords");
        }
        Ok(Self(password))
    }

    /// What is hashed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for NewPassword {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("NewPassword(_)")
    }
}

/// A password that somebody signs in with. Wiped on drop, never printed.
pub struct TriedPassword {
    raw: Zeroizing<String>,
    normalized: Zeroizing<String>,
}

impl TriedPassword {
    /// Normalizes `raw`, as [`NewPassword::parse`] does, and keeps it as it was sent.
    pub fn new(raw: &str, unicode: Unicode) -> Self {
        Self {
            raw: Zeroizing::new(raw.to_owned()),
            normalized: Zeroizing::new(unicode.nfkc(raw)),
        }
    }

    /// False where no account can have this password: HMAC pads with NULs, so `x` and `x\0`
    /// would pass for one another, and no stored password is longer than 1,024 bytes.
    #[must_use]
    pub fn can_be_right(&self) -> bool {
        !self.raw.contains('\0')
            && self.raw.len() <= MAX_BYTES
            && self.normalized.len() <= MAX_BYTES
    }

    /// What was sent.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        self.raw.as_bytes()
    }

    /// What was sent, normalized; `None` where that is the same.
    #[must_use]
    pub fn normalized(&self) -> Option<&[u8]> {
        (self.normalized != self.raw).then_some(self.normalized.as_bytes())
    }
}

impl fmt::Debug for TriedPassword {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TriedPassword(_)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unicode::TABLES;

    fn new_password(raw: &str) -> Result<NewPassword, BrokenRule> {
        let known = Known {
            email: Some("ann.lee@example.com"),
            username: Some("Bookworm"),
            name: "Ann Lee-Grün",
        };
        NewPassword::parse(raw, 8, known, TABLES)
    }

    #[test]
    fn new_password_rules_are_named() {
        for (raw, rule) in [
            ("1234567", "must be at least 8 characters long"),
            ("семьбук", "must be at least 8 characters long"),
            (&*"x".repeat(1025), "must be at most 1024 bytes long"),
            (&"é".repeat(513), "must be at most 1024 bytes long"),
            ("long enough\0", "must not contain NUL characters"),
            (
                "Ann.Lee@Example.com",
                "must not be the email address or the part before its @",
            ),
            (
                "ANN.LEE@EXAMPLE.COM",
                "must not be the email address or the part before its @",
            ),
            ("bookWORM", "must not be the username"),
            ("ann lee-gru\u{308}n", "must not be the name"),
            ("ｂｏｏｋｗｏｒｍ", "must not be the username"),
            ("Password1", "must not be one of the most common passwords"),
            ("ｐassword1", "must not be one of the most common passwords"),
        ] {
            let broken = new_password(raw).unwrap_err();
            assert_eq!((broken.field, &*broken.rule), ("password", rule), "{raw:?}");
        }
    }

    #[test]
    fn the_local_part_alone_is_no_password() {
        let known = Known {
            email: Some("annabella@example.com"),
            username: None,
            name: "Ann",
        };
        let broken = NewPassword::parse("AnnaBella", 8, known, TABLES).unwrap_err();
        assert_eq!(
            broken.rule,
            "must not be the email address or the part before its @"
        );
    }

    #[test]
    fn length_is_counted_after_normalization() {
        assert!(new_password("        ").is_ok());
        assert!(new_password(&"x".repeat(1024)).is_ok());
        assert!(new_password(&"é".repeat(512)).is_ok());
        assert!(new_password("восемь б").is_ok());
        // Seven characters once they are composed, nine once they are taken apart.
        assert!(new_password("e\u{301}tudes1").is_err());
        assert!(new_password("ﬃﬃﬃ").is_ok());
        assert_eq!(
            new_password("ａｂｃｄｗｘｙｚ").unwrap().as_bytes(),
            b"abcdwxyz"
        );
    }

    #[test]
    fn the_fewest_characters_are_given() {
        let known = Known {
            email: None,
            username: None,
            name: "Ann",
        };
        let broken = NewPassword::parse("14 charactérs!", 15, known, TABLES).unwrap_err();
        assert_eq!(broken.rule, "must be at least 15 characters long");
        assert!(NewPassword::parse("15 charactérs!!", 15, known, TABLES).is_ok());
    }

    #[test]
    fn tried_passwords_that_cannot_be_right() {
        assert!(TriedPassword::new("x", TABLES).can_be_right());
        assert!(!TriedPassword::new("x\0", TABLES).can_be_right());
        assert!(TriedPassword::new(&"x".repeat(1024), TABLES).can_be_right());
        assert!(!TriedPassword::new(&"x".repeat(1025), TABLES).can_be_right());
    }

    #[test]
    fn tried_passwords_are_kept_as_sent_and_normalized() {
        let tried = TriedPassword::new("ﬁve", TABLES);
        assert_eq!(
            (tried.raw(), tried.normalized()),
            ("ﬁve".as_bytes(), Some(&b"five"[..]))
        );
        let tried = TriedPassword::new("five", TABLES);
        assert_eq!((tried.raw(), tried.normalized()), (&b"five"[..], None));
    }

    #[test]
    fn secrets_do_not_print() {
        let tried = TriedPassword::new("hunter22", TABLES);
        let printed = format!("{tried:?} {:?}", new_password("hunter22").unwrap());
        assert!(!printed.contains("hunter22"), "{printed}");
    }
}
