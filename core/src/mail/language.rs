//! The languages of mails: a folder of `texts/` each.

use std::fmt;

use super::kind::Kind;

include!(concat!(env!("OUT_DIR"), "/texts.rs"));

/// What mails of a kind say.
pub(super) struct Text {
    pub(super) subject: &'static str,
    pub(super) paragraphs: &'static [&'static str],
}

/// A language's texts, a field for each file. `core/build.rs` makes them.
struct Texts {
    code: &'static str,
    browser_on_system: &'static str,
    unknown_browser_on_system: &'static str,
    unknown_browser: &'static str,
    verification: Text,
    verification_code: Text,
    reset: Text,
    sign_in: Text,
    email_change: Text,
    email_taken: Text,
    email_changed: Text,
    invitation: Text,
    password_changed: Text,
    passkey_added: Text,
    passkey_removed: Text,
    passkey_counter: Text,
    second_factor_on: Text,
    second_factor_off: Text,
    recovery_code_used: Text,
    unfamiliar_sign_in: Text,
    session_ended: Text,
}

/// A language that there are texts in. By default English.
#[derive(Clone, Copy)]
pub struct Language(&'static Texts);

impl Language {
    /// All of them, English first.
    pub fn all() -> impl Iterator<Item = Self> {
        TEXTS.iter().map(Self)
    }

    /// Its tag (RFC 5646), in lower case, such as `de`: what is stored, and its folder's name.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code
    }

    /// The language of a stored tag; English where its folder is gone.
    #[must_use]
    pub fn parse(code: &str) -> Self {
        let stored = Self::all().find(|language| language.code() == code);
        stored.unwrap_or_default()
    }

    /// The language that an `Accept-Language` asks for (RFC 9110 section 12.5.4), by lookup (RFC 4647
    /// section 3.4): the range of the highest quality counts, the first of several, if there are texts
    /// in its language or, by cutting it down from its end, in a more general one. English otherwise.
    #[must_use]
    pub fn lookup(header: &str) -> Self {
        let mut best = None;
        let mut best_quality = 0;
        for range in header.split(',') {
            let Some((range, quality)) = range_and_quality(range) else {
                continue;
            };
            if quality > best_quality
                && let Some(language) = Self::of_range(range)
            {
                best = Some(language);
                best_quality = quality;
            }
        }
        best.unwrap_or_default()
    }

    /// The language of a range, or of what is left of it. `*` is none: lookup passes over it.
    fn of_range(mut range: &str) -> Option<Self> {
        loop {
            let is_asked_for = |it: &Self| it.code().eq_ignore_ascii_case(range);
            if let Some(language) = Self::all().find(is_asked_for) {
                return Some(language);
            }
            range = range.rsplit_once('-')?.0;
        }
    }

    /// The text of a kind.
    pub(super) fn text(self, kind: Kind) -> &'static Text {
        let texts = self.0;
        match kind {
            Kind::Verification => &texts.verification,
            Kind::VerificationCode => &texts.verification_code,
            Kind::Reset => &texts.reset,
            Kind::SignIn => &texts.sign_in,
            Kind::EmailChange => &texts.email_change,
            Kind::EmailTaken => &texts.email_taken,
            Kind::EmailChanged => &texts.email_changed,
            Kind::Invitation => &texts.invitation,
            Kind::PasswordChanged => &texts.password_changed,
            Kind::PasskeyAdded => &texts.passkey_added,
            Kind::PasskeyRemoved => &texts.passkey_removed,
            Kind::PasskeyCounter => &texts.passkey_counter,
            Kind::SecondFactorOn => &texts.second_factor_on,
            Kind::SecondFactorOff => &texts.second_factor_off,
            Kind::RecoveryCodeUsed => &texts.recovery_code_used,
            Kind::UnfamiliarSignIn => &texts.unfamiliar_sign_in,
            Kind::SessionEnded => &texts.session_ended,
        }
    }

    /// What a browser is called.
    pub(super) fn browser(self, browser: Option<&str>, system: Option<&str>) -> String {
        let texts = self.0;
        match (browser, system) {
            (Some(browser), Some(system)) => {
                let text = texts.browser_on_system.replace("{browser}", browser);
                text.replace("{system}", system)
            }
            (Some(browser), None) => browser.to_owned(),
            (None, Some(system)) => texts.unknown_browser_on_system.replace("{system}", system),
            (None, None) => texts.unknown_browser.to_owned(),
        }
    }
}

impl Default for Language {
    fn default() -> Self {
        let [english, ..] = &TEXTS;
        Self(english)
    }
}

impl PartialEq for Language {
    fn eq(&self, other: &Self) -> bool {
        self.code() == other.code()
    }
}

impl Eq for Language {}

impl fmt::Debug for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Language({})", self.code())
    }
}

/// A range of `Accept-Language` and its quality in thousandths; none where that is malformed.
fn range_and_quality(text: &str) -> Option<(&str, u16)> {
    let Some((range, weight)) = text.split_once(';') else {
        return Some((text.trim(), 1000));
    };
    let (name, value) = weight.trim().split_once('=')?;
    if !name.eq_ignore_ascii_case("q") {
        return None;
    }
    Some((range.trim(), thousandths(value)?))
}

/// A quality value (RFC 9110 section 12.4.2).
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !matches!(whole, "0" | "1") || fraction.len() > 3 {
        return None;
    }
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let quality = format!("{whole}{fraction:0<3}").parse().ok()?;
    (quality <= 1000).then_some(quality)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_codes_are_read() {
        for language in Language::all() {
            assert_eq!(Language::parse(language.code()), language);
        }
        assert_eq!(Language::default().code(), "en");
        for unknown in ["", "DE", "tlh", "de-AT", "../de"] {
            assert_eq!(Language::parse(unknown).code(), "en", "{unknown}");
        }
    }

    #[test]
    fn the_best_range_with_texts_wins() {
        for (header, code) in [
            ("de", "de"),
            ("DE", "de"),
            ("de-AT", "de"),
            ("de-Latn-AT-1996", "de"),
            ("de-x-private", "de"),
            ("en-GB, de", "en"),
            ("fr, de", "de"),
            ("en;q=0.8, de", "de"),
            ("en;q=0.8, de;q=0.801", "de"),
            ("en;q=0.8,de;q=0.79", "en"),
            ("de;q=0.5, en;q=0.5", "de"),
            ("fr;q=1.000 , de ; Q=0.3", "de"),
            ("de;q=1.", "de"),
            ("*", "en"),
            ("*, de", "de"),
            ("*;q=0.1", "en"),
            ("de;q=0", "en"),
            ("de;q=0.000, *", "en"),
            ("en;q=0", "en"),
            ("en;q=0, de;q=0.001", "de"),
        ] {
            assert_eq!(Language::lookup(header).code(), code, "{header}");
        }
    }

    #[test]
    fn garbage_is_passed_over() {
        for header in [
            "",
            ",",
            ";",
            "-",
            "--",
            "de-",
            "q=1",
            "deu",
            "d e",
            "de_AT",
            "de;q",
            "de;q=",
            "de;q=2",
            "de;q=1.001",
            "de;q=-1",
            "de;q=+0",
            "de;q=0.1234",
            "de;q=NaN",
            "de;q=.5",
            "de;level=1",
            "de;q=0.5;q=1",
            "\u{130}de",
            "日本語",
        ] {
            let expected = if header == "de-" { "de" } else { "en" };
            assert_eq!(Language::lookup(header).code(), expected, "{header}");
        }
        assert_eq!(Language::lookup("de;q=x, ;;, ,de-AT;q=0.2").code(), "de");
    }

    #[test]
    fn ten_thousand_ranges_are_harmless() {
        let many = "xx-Latn-AT;q=0.9,".repeat(10_000);
        assert_eq!(Language::lookup(&many).code(), "en");
        assert_eq!(Language::lookup(&format!("{many}de;q=0.1")).code(), "de");
        let long = format!("de{}", "-x".repeat(50_000));
        assert_eq!(Language::lookup(&long).code(), "de");
    }
}
