//! Whom mails go to, and from whom they come.

use std::fmt;

use crate::account::Email;

/// An address that mail can be sent to: a dot-atom, `@` and a host name (RFC 5322 sections 3.2.3 and
/// 3.4.1, RFC 1123 section 2.1).
///
/// Some account's address may be more than that: `x,ann@example.com` has one `@` too, and a provider
/// would take it for two recipients. Such an account is sent nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// The longest part before the `@` (RFC 5321 section 4.5.3.1.1), in bytes.
    const MAX_LOCAL_BYTES: usize = 64;

    /// The address of an account, if mail can be sent to it.
    #[must_use]
    pub fn of(email: &Email) -> Option<Self> {
        let (local, domain) = email.as_str().split_once('@')?;
        let is_atom = |atom: &str| {
            let fits =
                |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
            !atom.is_empty() && atom.bytes().all(fits)
        };
        let is_label = |label: &str| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            let is_short = (1..=63).contains(&label.len());
            is_short && label.bytes().all(fits) && !label.starts_with('-') && !label.ends_with('-')
        };
        let can_be_sent_to = local.len() <= Self::MAX_LOCAL_BYTES
            && local.split('.').all(is_atom)
            && domain.split('.').all(is_label);
        can_be_sent_to.then(|| Self(email.as_str().to_owned()))
    }

    /// The address, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who a mail comes from: an address, and a name to show (RFC 5322 section 3.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    name: Option<String>,
    address: Address,
}

impl Mailbox {
    /// The longest name, in bytes. RFC 5322 section 2.1.1 has lines of at most 998.
    const MAX_NAME_BYTES: usize = 200;

    /// Reads `Example <no-reply@example.com>`, `"Example, Inc." <no-reply@example.com>` or an address
    /// alone.
    ///
    /// # Errors
    /// What is wrong with it, worded to follow the setting's name.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.chars().any(is_invisible) {
            return Err("has a control character");
        }
        let (name, address) = match text.rsplit_once('<') {
            None => ("", text),
            Some((name, rest)) => {
                let address = rest.strip_suffix('>').ok_or("lacks the > of its <")?;
                (name.trim(), address)
            }
        };
        let email = Email::parse(address).ok();
        let address = email.and_then(|email| Address::of(&email));
        let address = address.ok_or("must be an address, or a name and an address in < >")?;
        let name = match name.strip_prefix('"') {
            None if name.contains(is_special) => {
                return Err("has a name that must stand in quotation marks");
            }
            None => name.to_owned(),
            Some(quoted) => unquoted(quoted).ok_or("has a name that is not quoted to its end")?,
        };
        if name.len() > Self::MAX_NAME_BYTES {
            return Err("has a name of more than 200 bytes");
        }
        let name = Some(name).filter(|name| !name.is_empty());
        Ok(Self { name, address })
    }

    /// The name to show.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }
}

/// As [`Mailbox::parse`] reads it.
impl fmt::Display for Mailbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address.as_str();
        match &self.name {
            None => formatter.write_str(address),
            Some(name) if name.contains(is_special) => {
                let name = name.replace('\\', "\\\\").replace('"', "\\\"");
                write!(formatter, "\"{name}\" <{address}>")
            }
            Some(name) => write!(formatter, "{name} <{address}>"),
        }
    }
}

/// Whether a character shows nothing and changes how others are read: controls, line and paragraph
/// separators, marks of direction (Unicode Standard Annex #9, section 2).
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

/// The specials of RFC 5322 section 3.2.3: a name that has one is quoted. But for the dot, which
/// everybody reads without (section 4.1).
fn is_special(c: char) -> bool {
    "()<>[]:;@\\,\"".contains(c)
}

/// The text before the quotation mark that ends `quoted`, with nothing after it.
fn unquoted(quoted: &str) -> Option<String> {
    let mut text = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return characters.next().is_none().then(|| text.trim().to_owned()),
            '\\' => text.push(characters.next()?),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<String> {
        let email = Email::parse(text).unwrap();
        Address::of(&email).map(|address| address.as_str().to_owned())
    }

    #[test]
    fn addresses_that_mail_can_be_sent_to() {
        for text in [
            "ann@example.com",
            "ann.lee+news@mail.example.co.uk",
            "!#$%&'*+-/=?^_`{|}~@example.com",
            "1@2.example",
            "ann@xn--bcher-kva.example",
        ] {
            assert_eq!(address(text).as_deref(), Some(text));
        }
        let local = "a".repeat(64);
        assert!(address(&format!("{local}@example.com")).is_some());
        assert!(address(&format!("{local}a@example.com")).is_none());
    }

    #[test]
    fn addresses_that_a_provider_could_read_otherwise_are_none() {
        for text in [
            "x,ann@example.com",
            "x;ann@example.com",
            "x<ann@example.com>",
            "<ann@example.com>",
            "\"ann\"@example.com",
            "ann(x)@example.com",
            "x:ann@example.com",
            "a\\b@example.com",
            ".ann@example.com",
            "ann..lee@example.com",
            "ann@example.com,x.example",
            "ann@[192.0.2.1]",
            "ann@-a.example",
            "ann@a-.example",
            "ann@a_b.example",
        ] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn mailboxes_are_read_and_written() {
        for (text, name, written) in [
            ("No-Reply@Example.com", None, "no-reply@example.com"),
            ("<no-reply@example.com>", None, "no-reply@example.com"),
            (
                " Example<no-reply@example.com> ",
                Some("Example"),
                "Example <no-reply@example.com>",
            ),
            (
                "Bücher & Co. <no-reply@example.com>",
                Some("Bücher & Co."),
                "Bücher & Co. <no-reply@example.com>",
            ),
            (
                r#""Example, \"Inc.\"" <no-reply@example.com>"#,
                Some("Example, \"Inc.\""),
                r#""Example, \"Inc.\"" <no-reply@example.com>"#,
            ),
            (
                r#""a\\b" <no-reply@example.com>"#,
                Some("a\\b"),
                r#""a\\b" <no-reply@example.com>"#,
            ),
            (
                r#""Plain" <no-reply@example.com>"#,
                Some("Plain"),
                "Plain <no-reply@example.com>",
            ),
            (r#""" <no-reply@example.com>"#, None, "no-reply@example.com"),
        ] {
            let mailbox = Mailbox::parse(text).unwrap();
            assert_eq!(mailbox.name(), name, "{text}");
            assert_eq!(mailbox.address().as_str(), "no-reply@example.com", "{text}");
            assert_eq!(mailbox.to_string(), written, "{text}");
            assert_eq!(Mailbox::parse(written), Ok(mailbox), "{text}");
        }
    }

    #[test]
    fn what_is_no_mailbox_is_refused() {
        let no_address = "must be an address, or a name and an address in < >";
        for (text, problem) in [
            ("", no_address),
            ("Example", no_address),
            ("Example <>", no_address),
            ("Example <a@b.example, c@d.example>", no_address),
            ("a@b.example, c@d.example", no_address),
            ("Example no-reply@example.com", no_address),
            ("Example <a@b.example", "lacks the > of its <"),
            ("Example <a@b.example> x", "lacks the > of its <"),
            (
                "A, B <a@b.example>",
                "has a name that must stand in quotation marks",
            ),
            (
                "A <x> <a@b.example>",
                "has a name that must stand in quotation marks",
            ),
            (
                "a@b.example <a@b.example>",
                "has a name that must stand in quotation marks",
            ),
            (
                "\"A <a@b.example>",
                "has a name that is not quoted to its end",
            ),
            (
                "\"A\" B <a@b.example>",
                "has a name that is not quoted to its end",
            ),
            (
                "\"A\\\" <a@b.example>",
                "has a name that is not quoted to its end",
            ),
            (
                "A\r\nBcc: c@d.example <a@b.example>",
                "has a control character",
            ),
            ("A\0 <a@b.example>", "has a control character"),
            ("A\u{85}B <a@b.example>", "has a control character"),
            ("A\u{2028}B <a@b.example>", "has a control character"),
            ("\u{202e}A <a@b.example>", "has a control character"),
            ("A\u{2066}B <a@b.example>", "has a control character"),
        ] {
            assert_eq!(Mailbox::parse(text), Err(problem), "{text:?}");
        }
        let long = format!("{} <a@b.example>", "a".repeat(201));
        assert_eq!(
            Mailbox::parse(&long),
            Err("has a name of more than 200 bytes")
        );
    }
}
