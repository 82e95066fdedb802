//! What a mail says, filled into the text of its kind and language.

use super::browser::Browser;
use super::kind::{Kind, Placeholder};
use super::language::Language;
use crate::time::{Milliseconds, UnixMillis};

/// What a mail tells: the values of its text. A kind needs those that [`Kind::placeholders`] names.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'a> {
    /// What it is about.
    pub kind: Kind,
    /// The host of `PUBLIC_URL`.
    pub site: &'a str,
    /// The link, an absolute URL.
    pub link: Option<&'a str>,
    /// The code, six digits.
    pub code: Option<&'a str>,
    /// For how long link and code are good.
    pub lifetime: Option<Milliseconds>,
    /// When it happened or was asked for.
    pub at: UnixMillis,
    /// From which browser.
    pub browser: Browser,
    /// How many recovery codes are left.
    pub codes_left: Option<u32>,
}

/// A mail as it is sent. Its subject is one line without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    subject: String,
    text: String,
    html: String,
}

/// A value that a letter of its kind needs and does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingValue(pub Placeholder);

impl Message {
    /// The subject.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The mail as plain text. Where there is a code, the last line is the one by which browsers offer
    /// it to the site that it is for, and to no other (WICG, "Origin-bound one-time codes", section 3).
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The mail as HTML, whole and without anything to be loaded.
    #[must_use]
    pub fn html(&self) -> &str {
        &self.html
    }
}

impl Letter<'_> {
    /// Writes it in `language`.
    ///
    /// # Errors
    /// The first value that its text needs and that is not there.
    pub fn write(&self, language: Language) -> Result<Message, MissingValue> {
        let text = language.text(self.kind);
        let mut values = Vec::new();
        for &placeholder in self.kind.placeholders() {
            let value = self.value(placeholder, language);
            values.push((placeholder, value.ok_or(MissingValue(placeholder))?));
        }
        let plain = |_: Placeholder, value: &str| value.to_owned();
        let subject = fill(text.subject, &values, str::to_owned, plain);
        let subject = subject.replace(char::is_control, "");
        let paragraphs = text.paragraphs.iter();
        let mut lines: Vec<_> = paragraphs
            .map(|paragraph| fill(paragraph, &values, str::to_owned, plain))
            .collect();
        // Only where the text has the code as well.
        if self.kind.placeholders().contains(&Placeholder::Code)
            && let (Some(code), Some(host)) = (self.code, self.link.and_then(host))
        {
            lines.push(format!("@{host} #{code}"));
        }
        let mut body = String::new();
        for paragraph in text.paragraphs {
            let filled = fill(paragraph, &values, escaped, marked_up);
            body.push_str("<p>");
            body.push_str(&filled.replace('\n', "<br>"));
            body.push_str("</p>\n");
        }
        Ok(Message {
            html: page(language, &escaped(&subject), &body),
            subject,
            text: lines.join("\n\n"),
        })
    }

    fn value(&self, placeholder: Placeholder, language: Language) -> Option<String> {
        let lifetime_in = |unit_ms: u64| Some((self.lifetime?.0 / unit_ms).to_string());
        match placeholder {
            Placeholder::Site => Some(self.site.to_owned()),
            Placeholder::Link => self.link.map(str::to_owned),
            Placeholder::Code => self.code.map(str::to_owned),
            Placeholder::Minutes => lifetime_in(60_000),
            Placeholder::Hours => lifetime_in(3_600_000),
            Placeholder::Days => lifetime_in(86_400_000),
            Placeholder::When => Some(utc(self.at.0)),
            Placeholder::Browser => Some(self.browser.describe(language)),
            Placeholder::Left => self.codes_left.map(|left| left.to_string()),
        }
    }
}

/// The text with its values: what is outside braces by `literal`, what is inside by `value`.
fn fill(
    text: &str,
    values: &[(Placeholder, String)],
    literal: impl Fn(&str) -> String,
    value: impl Fn(Placeholder, &str) -> String,
) -> String {
    let mut parts = text.split('{');
    let mut filled = literal(parts.next().unwrap_or_default());
    for part in parts {
        // The build script has refused a text in which this could be otherwise.
        let (name, after) = part.split_once('}').unwrap_or((part, ""));
        if let Some((placeholder, text)) = values.iter().find(|(each, _)| each.name() == name) {
            filled.push_str(&value(*placeholder, text));
        }
        filled.push_str(&literal(after));
    }
    filled
}

/// A value in HTML. A link is shown as it is: who reads it sees where it leads.
fn marked_up(placeholder: Placeholder, value: &str) -> String {
    let value = escaped(value);
    match placeholder {
        Placeholder::Link => format!("<a href=\"{value}\">{value}</a>"),
        Placeholder::Code => {
            format!("<strong style=\"font-size:1.5em;letter-spacing:.1em\">{value}</strong>")
        }
        _ => value,
    }
}

/// A whole page. It has no colours, so that every mail program can give it its own, dark ones too.
fn page(language: Language, title: &str, body: &str) -> String {
    let code = language.code();
    format!(
        "<!DOCTYPE html>\n<html lang=\"{code}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n</head>\n\
         <body dir=\"auto\" style=\"font-family:sans-serif;line-height:1.5;max-width:40em;\
         overflow-wrap:anywhere\">\n{body}</body>\n</html>\n"
    )
}

/// Text as HTML has it, in an element or a quoted attribute.
fn escaped(text: &str) -> String {
    let mut html = String::new();
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

/// The host of an absolute URL, without its port.
fn host(url: &str) -> Option<&str> {
    let authority = url.split_once("://")?.1.split(['/', '?', '#']).next()?;
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, port)| {
            let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
            if is_port { host } else { authority }
        });
    Some(host)
}

/// A point in time, to the minute, in the same form in every language.
fn utc(unix_ms: u64) -> String {
    let minutes = unix_ms / 60_000;
    let (days, minutes) = (minutes / 1440, minutes % 1440);
    let (hour, minute) = (minutes / 60, minutes % 60);
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

/// Year, month and day of the Gregorian calendar, of a day counted from 1970-01-01.
fn date(mut days: u64) -> (u64, u64, u64) {
    // 400 years have always as many days, and those that begin with a March end with the leap day.
    days += 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let leaps = day_of_era / 1460 + day_of_era / 146_096 - day_of_era / 36_524;
    let year_of_era = (day_of_era - leaps) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_since_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
    let month = (months_since_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://app.example.com:8443/confirm?kind=reset&id=1&token=a-b_c";

    fn letter(kind: Kind) -> Letter<'static> {
        Letter {
            kind,
            site: "auth.example.com",
            link: Some(LINK),
            code: Some("012345"),
            lifetime: Some(Milliseconds(7 * 86_400_000)),
            at: UnixMillis(1_795_615_439_999),
            browser: Browser::parse("firefox linux"),
            codes_left: Some(0),
        }
    }

    #[test]
    fn a_letter_says_what_it_has_to() {
        let english = Language::default();
        let lifetime = Some(Milliseconds(30 * 60_000));
        let reset = Letter {
            lifetime,
            ..letter(Kind::Reset)
        };
        let message = reset.write(english).unwrap();
        assert_eq!(
            message.subject(),
            "Choose a new password at auth.example.com"
        );
        for part in [
            "on 2026-11-25 14:03 UTC with Firefox on Linux.",
            &format!("\n\n{LINK}\n\n"),
            "\n\n012345\n\n",
            "for 30 minutes",
        ] {
            assert!(
                message.text().contains(part),
                "{part} in {}",
                message.text()
            );
        }
        assert!(message.text().ends_with("\n\n@app.example.com #012345"));
        let anchor = "<p><a href=\"https://app.example.com:8443/confirm?kind=reset&amp;id=1&amp;token=a-b_c\">\
                      https://app.example.com:8443/confirm?kind=reset&amp;id=1&amp;token=a-b_c</a></p>";
        assert!(message.html().contains(anchor), "{}", message.html());
        assert!(message.html().contains("<html lang=\"en\">"));
        let german = reset.write(Language::parse("de")).unwrap();
        assert!(
            german
                .text()
                .contains("am 2026-11-25 14:03 UTC mit Firefox auf Linux")
        );
        assert!(german.html().contains("<html lang=\"de\">"));
    }

    #[test]
    fn every_kind_in_every_language_is_whole() {
        for language in Language::all() {
            for kind in Kind::ALL {
                let message = letter(kind).write(language).unwrap();
                let has = |placeholder| kind.placeholders().contains(&placeholder);
                for text in [message.subject(), message.text(), message.html()] {
                    let context = format!("{kind:?} {language:?}: {text}");
                    assert!(!text.contains(['{', '}']), "{context}");
                    assert!(!text.contains("\n\n\n"), "{context}");
                }
                assert!(!message.subject().contains(char::is_control));
                assert_eq!(
                    message.text().contains(LINK),
                    has(Placeholder::Link),
                    "{kind:?}"
                );
                let last = message.text().lines().last();
                let is_bound = last == Some("@app.example.com #012345");
                assert_eq!(is_bound, has(Placeholder::Code), "{kind:?}");
                assert_eq!(
                    message.text().contains("012345"),
                    has(Placeholder::Code),
                    "{kind:?}"
                );
                assert_eq!(
                    message.text().contains("Firefox"),
                    has(Placeholder::Browser),
                    "{kind:?}"
                );
                // No link but ours, and nothing to be loaded.
                let links = message.html().matches("href=").count();
                assert_eq!(links, usize::from(has(Placeholder::Link)), "{kind:?}");
                for loaded in [
                    "src=", "url(", "<img", "<link", "<script", "<style", "@import",
                ] {
                    assert!(!message.html().contains(loaded), "{kind:?}: {loaded}");
                }
            }
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let all = letter(Kind::RecoveryCodeUsed);
        let without = Letter {
            codes_left: None,
            ..all
        };
        let english = Language::default();
        assert_eq!(without.write(english), Err(MissingValue(Placeholder::Left)));
        let reset = letter(Kind::Reset);
        let without = Letter {
            link: None,
            ..reset
        };
        assert_eq!(without.write(english), Err(MissingValue(Placeholder::Link)));
        let without = Letter {
            code: None,
            ..reset
        };
        assert_eq!(without.write(english), Err(MissingValue(Placeholder::Code)));
        let without = Letter {
            lifetime: None,
            ..reset
        };
        assert_eq!(
            without.write(english),
            Err(MissingValue(Placeholder::Minutes))
        );
    }

    #[test]
    fn values_are_text_and_no_markup() {
        let hostile = Letter {
            site: "<b>&\"'\r\nBcc: x",
            link: Some("https://a.example/\"><script>"),
            ..letter(Kind::Verification)
        };
        let message = hostile.write(Language::default()).unwrap();
        assert!(
            message.subject().ends_with("<b>&\"'Bcc: x"),
            "{}",
            message.subject()
        );
        assert!(message.html().contains("&lt;b&gt;&amp;&quot;&#39;"));
        assert!(
            message
                .html()
                .contains("<a href=\"https://a.example/&quot;&gt;&lt;script&gt;\">")
        );
        assert!(!message.html().contains("<script") && !message.html().contains("<b>"));
    }

    #[test]
    fn hosts_of_links() {
        for (url, expected) in [
            ("https://a.example", "a.example"),
            ("https://a.example/b:1", "a.example"),
            ("http://localhost:8787/account/confirm?a", "localhost"),
            ("https://a.example?b=://c", "a.example"),
        ] {
            assert_eq!(host(url), Some(expected), "{url}");
        }
        assert_eq!(host("a.example"), None);
    }

    #[test]
    fn dates_of_the_calendar() {
        for (unix_ms, expected) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399_000, "2000-02-28 23:59 UTC"),
            (951_782_400_000, "2000-02-29 00:00 UTC"),
            (951_868_800_000, "2000-03-01 00:00 UTC"),
            (1_709_164_800_000, "2024-02-29 00:00 UTC"),
            (1_798_761_599_999, "2026-12-31 23:59 UTC"),
            (1_798_761_600_000, "2027-01-01 00:00 UTC"),
            (4_107_542_400_000, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(utc(unix_ms), expected);
        }
    }
}
