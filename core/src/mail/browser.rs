//! What a mail says of the browser that a request came from.

use super::language::Language;

/// The family of a browser and its system, each one of a list: nothing that a client writes into its
/// `User-Agent` gets into a mail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Browser {
    family: Option<Name>,
    system: Option<Name>,
}

#[derive(Debug, PartialEq, Eq)]
struct Known {
    /// What it is stored as.
    code: &'static str,
    /// What its maker calls it.
    name: &'static str,
    /// What is in the `User-Agent` of each, one of them.
    marks: &'static [&'static str],
}

type Name = &'static Known;

const fn known(code: &'static str, name: &'static str, marks: &'static [&'static str]) -> Known {
    Known { code, name, marks }
}

/// The first one counts: all others say that they are Chrome or Safari as well.
static FAMILIES: [Known; 6] = [
    known("edge", "Edge", &["Edg/", "EdgA/", "EdgiOS/"]),
    known("opera", "Opera", &["OPR/", "OPT/"]),
    known("samsung", "Samsung Internet", &["SamsungBrowser/"]),
    known("firefox", "Firefox", &["Firefox/", "FxiOS/"]),
    known("chrome", "Chrome", &["Chrome/", "CriOS/"]),
    known("safari", "Safari", &["Safari/"]),
];

/// The first one counts: Android is a Linux too, and an iPhone "like Mac OS X".
static SYSTEMS: [Known; 7] = [
    known("iphone", "iPhone", &["iPhone"]),
    known("ipad", "iPad", &["iPad"]),
    known("android", "Android", &["Android"]),
    known("chromeos", "ChromeOS", &["CrOS"]),
    known("windows", "Windows", &["Windows NT"]),
    known("macos", "macOS", &["Macintosh"]),
    known("linux", "Linux", &["Linux", "X11"]),
];

/// What is stored of one that is on no list.
const UNKNOWN: &str = "unknown";

impl Browser {
    /// The browser that a `User-Agent` names.
    #[must_use]
    pub fn from_user_agent(header: &str) -> Self {
        let find = |list: &'static [Known]| {
            let mut list = list.iter();
            list.find(|known| known.marks.iter().any(|mark| header.contains(mark)))
        };
        Self {
            family: find(&FAMILIES),
            system: find(&SYSTEMS),
        }
    }

    /// What is stored of it, such as `firefox linux`.
    #[must_use]
    pub fn code(self) -> String {
        let code = |known: Option<Name>| known.map_or(UNKNOWN, |known| known.code);
        format!("{} {}", code(self.family), code(self.system))
    }

    /// Reads what is stored. What is on no list any more is unknown.
    #[must_use]
    pub fn parse(code: &str) -> Self {
        let find = |list: &'static [Known], code| list.iter().find(|known| known.code == code);
        let (family, system) = code.split_once(' ').unwrap_or((code, UNKNOWN));
        Self {
            family: find(&FAMILIES, family),
            system: find(&SYSTEMS, system),
        }
    }

    /// What it is called in a sentence, such as `Firefox on Linux`.
    #[must_use]
    pub fn describe(self, language: Language) -> String {
        let name = |known: Option<Name>| known.map(|known| known.name);
        language.browser(name(self.family), name(self.system))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_CHROME: &str = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0";

    fn described(header: &str, language: &str) -> String {
        let browser = Browser::from_user_agent(header);
        assert_eq!(Browser::parse(&browser.code()), browser, "{header}");
        browser.describe(Language::parse(language))
    }

    #[test]
    fn browsers_are_told_apart() {
        let windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
        let android = "Mozilla/5.0 (Linux; Android 14; K)";
        let iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15";
        for (header, expected) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0".to_owned(),
                "Firefox on Linux",
            ),
            (
                format!("{windows} {OF_CHROME} Safari/537.36"),
                "Chrome on Windows",
            ),
            (
                format!("{windows} {OF_CHROME} Safari/537.36 Edg/140.0.0.0"),
                "Edge on Windows",
            ),
            (
                format!("{windows} {OF_CHROME} Safari/537.36 OPR/120.0.0.0"),
                "Opera on Windows",
            ),
            (
                format!("{android} {OF_CHROME} Mobile Safari/537.36"),
                "Chrome on Android",
            ),
            (
                format!("{android} AppleWebKit/537.36 SamsungBrowser/28.0 Chrome/130 Safari/537"),
                "Samsung Internet on Android",
            ),
            (
                format!("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {OF_CHROME} Safari/537.36"),
                "Chrome on ChromeOS",
            ),
            (
                format!("{iphone} Version/18.0 Mobile/15E148 Safari/604.1"),
                "Safari on iPhone",
            ),
            (
                format!("{iphone} CriOS/140.0 Mobile/15E148 Safari/604.1"),
                "Chrome on iPhone",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15"
                    .to_owned(),
                "Safari on macOS",
            ),
            ("Firefox/1".to_owned(), "Firefox"),
            (
                "App/1.0 (iPad; www.evil.example)".to_owned(),
                "an unknown browser on iPad",
            ),
            ("curl/8.0 www.evil.example".to_owned(), "an unknown browser"),
            (String::new(), "an unknown browser"),
        ] {
            assert_eq!(described(&header, "en"), expected, "{header}");
        }
        assert_eq!(described("Firefox/1 (X11)", "de"), "Firefox auf Linux");
        assert_eq!(described("?", "de"), "einem unbekannten Browser");
    }

    #[test]
    fn what_is_stored_is_one_of_a_list() {
        assert_eq!(
            Browser::from_user_agent("Firefox/1 (X11)").code(),
            "firefox linux"
        );
        assert_eq!(Browser::default().code(), "unknown unknown");
        for code in [
            "",
            "unknown",
            "netscape beos",
            "linux firefox",
            "www.evil.example x",
        ] {
            assert_eq!(Browser::parse(code), Browser::default(), "{code}");
        }
        assert_eq!(Browser::parse("firefox beos").code(), "firefox unknown");
    }
}
