//! The username of an account.

use std::ops::RangeInclusive;

use crate::broken_rule::BrokenRule;
use crate::unicode::Unicode;

/// A name to sign in with: 3 to 64 characters, no `@`, white space, control or format characters,
/// in NFC; unique regardless of case, width and other variants of a character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username {
    written: String,
    folded: String,
}

impl Username {
    /// How many characters a username has; each is a code point.
    const CHARACTERS: RangeInclusive<usize> = 3..=64;

    /// Normalizes `raw` (Unicode Normalization Form C), then checks it as it is written and as it
    /// is compared: folding turns `＠` into `@`, part of `¨` into a space, `㌖` into six characters.
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
        if !Self::CHARACTERS.contains(&name.chars().count()) {
            return Err(broken("must be 3 to 64 characters long"));
        }
        if name.contains('@') {
            return Err(broken("must not contain @"));
        }
        if name.chars().any(|c| c.is_whitespace() || c.is_control())
            || unicode.has_format_characters(name)
        {
            return Err(broken(
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

fn broken(rule: &'static str) -> BrokenRule {
    BrokenRule::new("username", rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unicode::TABLES;

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
}
