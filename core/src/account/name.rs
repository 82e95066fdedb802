//! The name of a person.

use crate::broken_rule::BrokenRule;
use crate::unicode::Unicode;

/// The name that a person goes by: trimmed, in NFC, 1 to 200 characters, without control or format
/// characters and without line or paragraph separators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// The most characters of a name; each is a code point.
    const MAX_CHARACTERS: usize = 200;

    /// Trims `raw`, normalizes it (Unicode Normalization Form C), then checks it.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(raw: &str, unicode: Unicode) -> Result<Self, BrokenRule> {
        let name = unicode.nfc(raw.trim());
        if !(1..=Self::MAX_CHARACTERS).contains(&name.chars().count()) {
            return Err(broken("must be 1 to 200 characters long"));
        }
        let is_control = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        if name.chars().any(is_control) || unicode.has_format_characters(&name) {
            return Err(broken("must not contain control or format characters"));
        }
        Ok(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn broken(rule: &'static str) -> BrokenRule {
    BrokenRule::new("name", rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unicode::TABLES;

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
}
