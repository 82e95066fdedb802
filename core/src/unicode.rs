//! What the rules ask of Unicode. The tables are the host's, whose functions are passed in.

use zeroize::Zeroizing;

/// Unicode as the host knows it.
///
/// Each field is one of the host's functions. The methods call them for text that is not ASCII, and
/// answer for ASCII themselves.
#[derive(Debug, Clone, Copy)]
pub struct Unicode {
    /// Normalization Form C (UAX #15).
    pub nfc: fn(&str) -> String,
    /// Normalization Form KC (UAX #15).
    pub nfkc: fn(&str) -> String,
    /// Lower case, in full and independent of language (Unicode Standard section 3.13).
    pub to_lowercase: fn(&str) -> String,
    /// Upper case, in full and independent of language (Unicode Standard section 3.13).
    pub to_uppercase: fn(&str) -> String,
    /// Whether a character of the text is of the general category Cf (UAX #44), such as U+200B ZERO
    /// WIDTH SPACE.
    pub has_format_characters: fn(&str) -> bool,
}

impl Unicode {
    /// The text in Normalization Form C.
    #[must_use]
    pub fn nfc(self, text: &str) -> String {
        unless_ascii(text, self.nfc, str::to_owned)
    }

    /// The text in Normalization Form KC.
    #[must_use]
    pub fn nfkc(self, text: &str) -> String {
        unless_ascii(text, self.nfkc, str::to_owned)
    }

    /// The form in which names are compared: regardless of width, compatibility variants and case.
    ///
    /// NFKC, full case folding, and NFKC again of what folding has taken apart. Folding is lower,
    /// upper and lower case: upper case for letters with several lower-case forms (σ, ς) or a longer
    /// upper-case form (ß), lower case before it for ẞ.
    #[must_use]
    pub fn fold(self, text: &str) -> String {
        // The text may be a password: no intermediate copy of it stays in memory.
        let text = Zeroizing::new(self.nfkc(text));
        let text = Zeroizing::new(self.to_lowercase(&text));
        let text = Zeroizing::new(self.to_uppercase(&text));
        let text = Zeroizing::new(self.to_lowercase(&text));
        self.nfkc(&text)
    }

    fn to_lowercase(self, text: &str) -> String {
        unless_ascii(text, self.to_lowercase, str::to_ascii_lowercase)
    }

    fn to_uppercase(self, text: &str) -> String {
        unless_ascii(text, self.to_uppercase, str::to_ascii_uppercase)
    }

    /// Whether a character of the text is of the general category Cf.
    #[must_use]
    pub fn has_format_characters(self, text: &str) -> bool {
        unless_ascii(text, self.has_format_characters, |_| false)
    }
}

/// Asks the host only about text that is not ASCII: ASCII need not cross the boundary.
fn unless_ascii<T>(text: &str, host: fn(&str) -> T, ascii: fn(&str) -> T) -> T {
    if text.is_ascii() {
        ascii(text)
    } else {
        host(text)
    }
}

/// Unicode for the tests that have no host, by crates and by Rust's standard library.
#[cfg(test)]
pub(crate) const TABLES: Unicode = {
    use unicode_normalization::UnicodeNormalization;
    use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

    Unicode {
        nfc: |text| text.nfc().collect(),
        nfkc: |text| text.nfkc().collect(),
        to_lowercase: str::to_lowercase,
        to_uppercase: str::to_uppercase,
        has_format_characters: |text| {
            let is_format = |c: char| c.general_category() == GeneralCategory::Format;
            text.chars().any(is_format)
        },
    }
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_does_not_reach_the_host() {
        fn unreachable<T>(text: &str) -> T {
            panic!("{text:?} reached the host")
        }
        let host = Unicode {
            nfc: unreachable,
            nfkc: unreachable,
            to_lowercase: unreachable,
            to_uppercase: unreachable,
            has_format_characters: unreachable,
        };
        let ascii: String = (0..128u8).map(char::from).collect();
        assert_eq!(host.nfc(&ascii), TABLES.nfc(&ascii));
        assert_eq!(host.nfkc(&ascii), ascii);
        assert_eq!(host.to_lowercase(&ascii), ascii.to_lowercase());
        assert_eq!(host.to_uppercase(&ascii), ascii.to_uppercase());
        assert!(!host.has_format_characters(&ascii));
        for c in ascii.chars() {
            assert_eq!((TABLES.nfkc)(&c.to_string()), c.to_string());
            assert!(!(TABLES.has_format_characters)(&c.to_string()));
        }
    }

    #[test]
    fn texts_fold_alike_in_whatever_width_and_case() {
        for (text, folded) in [
            ("Ann", "ann"),
            ("Ａｎｎ", "ann"),
            ("ﬁnn", "finn"),
            ("ΟΔΟΣ", "οδος"),
            ("οδοσ", "οδος"),
            ("STRASSE", "strasse"),
            ("straße", "strasse"),
            ("ẞ", "ss"),
            ("Zoe\u{308}", "zo\u{eb}"),
            ("Ϊ\u{301}", "ΐ"),
            ("ｶﾞ", "ガ"),
            ("＠", "@"),
            ("\u{3000}", " "),
        ] {
            assert_eq!(TABLES.fold(text), folded, "{text}");
        }
    }

    #[test]
    fn every_character_folds_as_its_cases_do_and_no_further() {
        for c in '\0'..=char::MAX {
            let text = c.to_string();
            let folded = TABLES.fold(&text);
            assert_eq!(TABLES.fold(&folded), folded, "{c:?}");
            assert_eq!(TABLES.fold(&text.to_lowercase()), folded, "{c:?}");
            assert_eq!(TABLES.fold(&text.to_uppercase()), folded, "{c:?}");
        }
    }

    #[test]
    fn other_text_does() {
        assert_eq!(TABLES.nfc("e\u{301}ﬁ"), "éﬁ");
        assert_eq!(TABLES.nfkc("e\u{301}ﬁ"), "éfi");
        assert_eq!(TABLES.to_lowercase("ÉΟΔΟΣ"), "éοδος");
        assert_eq!(TABLES.to_uppercase("éß"), "ÉSS");
        assert!(TABLES.has_format_characters("a\u{200b}"));
        assert!(!TABLES.has_format_characters("é"));
    }
}
