//! Who an account belongs to: its id, names, address and role.

use std::borrow::Cow;
pub mod import;

use std::fmt;

use crate::unicode::Unicode;

/// A rule that a value of a request breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenRule {
    /// The field that holds the value.
    pub field: &'static str,
    /// The rule, worded to follow the field's name.
    pub rule: Cow<'static, str>,
}

impl fmt::Display for BrokenRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.field, self.rule)
    }
}

impl BrokenRule {
    /// The rule of `field` that is worded so.
    pub fn new(field: &'static str, rule: impl Into<Cow<'static, str>>) -> Self {
        let rule = rule.into();
        Self { field, rule }
    }

    fn email(rule: &'static str) -> Self {
        Self::new("email", rule)
    }

    fn name(rule: &'static str) -> Self {
        Self::new("name", rule)
    }

    fn username(rule: &'static str) -> Self {
        Self::new("username", rule)
    }
}

/// An account's id: a positive integer that JavaScript and JSON readers hold exactly, never
/// reused (contract, "Dialect 2").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserId(i64);

impl UserId {
    /// The largest integer that an IEEE 754 double holds with all smaller ones, 2^53 - 1.
    const MAX: i64 = 9_007_199_254_740_991;

    /// `None` outside 1 to 2^53 - 1.
    #[must_use]
    pub fn new(id: i64) -> Option<Self> {
        (1..=Self::MAX).contains(&id).then_some(Self(id))
    }

    /// Reads a string of ASCII digits, the form of `sub` (contract, "Access tokens").
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

/// An e-mail address: ASCII, lower case, one `@`, a dotted domain, at most 254 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// The longest address that fits a mail path (RFC 5321 section 4.5.3.1.3), in bytes.
    const MAX_BYTES: usize = 254;

    /// Trims and lower-cases `raw`, then checks it (contract, "Dialect 2").
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(raw: &str) -> Result<Self, BrokenRule> {
        let email = raw.trim();
        if !email.is_ascii() {
            return Err(BrokenRule::email("must be ASCII"));
        }
        if email.len() > Self::MAX_BYTES {
            return Err(BrokenRule::email("must be at most 254 bytes long"));
        }
        if !email.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BrokenRule::email(
                "must not contain white space or control characters",
            ));
        }
        let (local, domain) = email
            .split_once('@')
            .filter(|(_, domain)| !domain.contains('@'))
            .ok_or_else(|| BrokenRule::email("must contain exactly one @"))?;
        if local.is_empty() {
            return Err(BrokenRule::email("must have a name before the @"));
        }
        if !domain.contains('.') || domain.split('.').any(str::is_empty) {
            return Err(BrokenRule::email(
                "must have a domain with a dot after the @",
            ));
        }
        Ok(Self(email.to_ascii_lowercase()))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name that a person goes by: trimmed, in NFC, 1 to 200 characters, none of them for control
/// or format, none that ends a line or paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    const MAX_CHARACTERS: usize = 200;

    /// Trims `raw`, normalizes it (Unicode Normalization Form C), then checks it.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(raw: &str, unicode: Unicode) -> Result<Self, BrokenRule> {
        let name = unicode.nfc(raw.trim());
        if !(1..=Self::MAX_CHARACTERS).contains(&name.chars().count()) {
            return Err(BrokenRule::name("must be 1 to 200 characters long"));
        }
        let is_control = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        if name.chars().any(is_control) || unicode.has_format_characters(&name) {
            return Err(BrokenRule::name(
                "must not contain control or format characters",
            ));
        }
        Ok(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name to sign in with: 3 to 64 characters, no `@`, white space, control or format characters,
/// in NFC; unique without regard to case, width and other variants of a character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username {
    written: String,
    folded: String,
}

impl Username {
    /// Normalizes `raw` (Unicode Normalization Form C), then checks it as it is written and as it
    /// is compared: folding makes an `@` of `＠`, a space of part of `¨`, six characters of `㌖`.
    ///
    /// Stricter than RFC 8265 section 3.3, whose `UsernameCaseMapped` keeps `ß` and `ss` apart.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(raw: &str, unicode: Unicode) -> Result<Self, BrokenRule> {
        let written = unicode.nfc(raw);
        Self::check(&written, unicode)?;
        let folded = unicode.fold(&written);
        Self::check(&folded, unicode)?;
        Ok(Self { written, folded })
    }

    fn check(name: &str, unicode: Unicode) -> Result<(), BrokenRule> {
        if !(3..=64).contains(&name.chars().count()) {
            return Err(BrokenRule::username("must be 3 to 64 characters long"));
        }
        if name.contains('@') {
            return Err(BrokenRule::username("must not contain @"));
        }
        if name.chars().any(|c| c.is_whitespace() || c.is_control())
            || unicode.has_format_characters(name)
        {
            return Err(BrokenRule::username(
                "must not contain white space, control or format characters",
            ));
        }
        Ok(())
    }

    /// The name as its owner wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The form under which the name is unique and is looked up.
    #[must_use]
    pub fn folded(&self) -> &str {
        &self.folded
    }
}

/// What `POST /auth` takes as `username`: a username, or an e-mail address if it holds an `@`
/// (contract, "Dialect 1").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInName {
    /// The account's e-mail address.
    Email(Email),
    /// The account's username.
    Username(Username),
}

impl SignInName {
    /// `None` where no account can have such a name.
    #[must_use]
    pub fn parse(raw: &str, unicode: Unicode) -> Option<Self> {
        if raw.contains('@') {
            Email::parse(raw).ok().map(Self::Email)
        } else {
            Username::parse(raw, unicode).ok().map(Self::Username)
        }
    }
}

/// The role of an account that was given no other (contract, "Dialect 2").
pub const DEFAULT_ROLE: &str = "customer";

/// The role that may use the administration.
pub const ADMIN_ROLE: &str = "admin";

/// Whether a role can have this name: 1 to 64 of `a` to `z`, digits, `_` and `-`, fit for a header.
#[must_use]
pub fn is_role(name: &str) -> bool {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

/// An account as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The account's id.
    pub id: UserId,
    /// The e-mail address; only an imported account can lack one.
    pub email: Option<String>,
    /// The name to sign in with at `/auth`, where the account has one.
    pub username: Option<String>,
    /// The name that the person goes by.
    pub name: String,
    /// What the account may do, such as `customer`.
    pub role: String,
    /// When the account was made, UTC, as in `2024-01-15T10:30:00`.
    pub created_at: String,
    /// When the account was last changed, in the same form.
    pub updated_at: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unicode::TABLES;

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

    #[test]
    fn email_is_trimmed_and_lower_cased() {
        let email = Email::parse("\u{a0} Ann@Example.COM\n").unwrap();
        assert_eq!(email.as_str(), "ann@example.com");
        let longest = format!("{}@example.com", "a".repeat(242));
        assert_eq!(Email::parse(&longest).unwrap().as_str().len(), 254);
    }

    #[test]
    fn email_rules_are_named() {
        let long = format!("{}@example.com", "a".repeat(243));
        for (raw, rule) in [
            ("änn@example.com", "must be ASCII"),
            ("ann@exämple.com", "must be ASCII"),
            (long.as_str(), "must be at most 254 bytes long"),
            (
                "a b@example.com",
                "must not contain white space or control characters",
            ),
            (
                "a\0@example.com",
                "must not contain white space or control characters",
            ),
            ("ann", "must contain exactly one @"),
            ("a@b@example.com", "must contain exactly one @"),
            ("@example.com", "must have a name before the @"),
            ("ann@example", "must have a domain with a dot after the @"),
            ("ann@.com", "must have a domain with a dot after the @"),
            ("ann@example.", "must have a domain with a dot after the @"),
            ("ann@a..b", "must have a domain with a dot after the @"),
        ] {
            let broken = Email::parse(raw).unwrap_err();
            assert_eq!((broken.field, &*broken.rule), ("email", rule), "{raw}");
        }
    }

    #[test]
    fn name_is_trimmed_then_normalized() {
        assert_eq!(
            Name::parse("  Zoe\u{308} ", TABLES).unwrap().as_str(),
            "Zo\u{eb}"
        );
        assert_eq!(
            Name::parse(&"é".repeat(200), TABLES)
                .unwrap()
                .as_str()
                .chars()
                .count(),
            200
        );
        assert!(Name::parse(&"e\u{301}".repeat(200), TABLES).is_ok());
    }

    #[test]
    fn name_rules_are_named() {
        let length = "must be 1 to 200 characters long";
        let characters = "must not contain control or format characters";
        for (raw, rule) in [
            ("\u{3000}", length),
            (&*"x".repeat(201), length),
            ("a\u{0}b", characters),
            ("a\u{85}b", characters),
            ("a\u{ad}b", characters),
            ("a\u{200d}b", characters),
            ("a\u{202e}b", characters),
            ("a\u{2028}b", characters),
            ("a\u{2029}b", characters),
            ("a\u{e0041}b", characters),
        ] {
            assert_eq!(Name::parse(raw, TABLES).unwrap_err().rule, rule, "{raw:?}");
        }
    }

    #[test]
    fn usernames_meet_without_regard_to_case_and_width() {
        for (one, other) in [
            ("Ann", "aNN"),
            ("STRASSE", "straße"),
            ("ΟΔΟΣ", "οδος"),
            ("οδοσ", "οδος"),
            ("Zoe\u{308}", "ZO\u{cb}"),
            ("ẞxyz", "ssxyz"),
            ("ΐabc", "Ϊ\u{301}ABC"),
            ("Ａｎｎ", "ann"),
            ("ﬁnn", "FINN"),
            ("ｶﾞｶﾞｶﾞ", "ガガガ"),
        ] {
            let one = Username::parse(one, TABLES).unwrap();
            let other = Username::parse(other, TABLES).unwrap();
            assert_eq!(one.folded(), other.folded());
        }
        assert_eq!(Username::parse("Ａnn", TABLES).unwrap().as_str(), "Ａnn");
    }

    #[test]
    fn username_rules_are_named() {
        let length = "must be 3 to 64 characters long";
        let at = "must not contain @";
        let characters = "must not contain white space, control or format characters";
        for (raw, rule) in [
            ("", length),
            ("ab", length),
            (&*"x".repeat(65), length),
            (&"㌖".repeat(11), length),
            (&"ß".repeat(33), length),
            ("ｶﾞｶ", length),
            ("a@b", at),
            ("a＠b", at),
            ("a﹫b", at),
            ("a b", characters),
            (" ann", characters),
            ("ann\u{7f}", characters),
            ("ann\u{a0}", characters),
            ("a\u{3000}b", characters),
            ("ann\u{200b}", characters),
            ("ann\u{feff}", characters),
            ("ann\u{2028}", characters),
            ("ann\u{e0001}", characters),
            ("ann¨", characters),
            ("ann\u{fdfa}", characters),
        ] {
            assert_eq!(
                Username::parse(raw, TABLES).unwrap_err().rule,
                rule,
                "{raw:?}"
            );
        }
        assert!(Username::parse(&"ж".repeat(64), TABLES).is_ok());
        assert!(Username::parse(&"ß".repeat(32), TABLES).is_ok());
    }

    #[test]
    fn sign_in_name_with_an_at_is_an_email() {
        assert!(matches!(
            SignInName::parse("Ann@Example.com", TABLES),
            Some(SignInName::Email(email)) if email.as_str() == "ann@example.com"
        ));
        assert!(matches!(
            SignInName::parse("sapan", TABLES),
            Some(SignInName::Username(name)) if name.as_str() == "sapan"
        ));
        assert_eq!(SignInName::parse("a@b", TABLES), None);
        assert_eq!(SignInName::parse("ann＠example.com", TABLES), None);
        assert_eq!(SignInName::parse("x", TABLES), None);
    }
}
