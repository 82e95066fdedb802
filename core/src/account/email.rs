//! The e-mail address of an account.

use crate::broken_rule::BrokenRule;

/// An e-mail address: ASCII, lower case, one `@`, a dotted domain, at most 254 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// The longest address that fits a mail path (RFC 5321 section 4.5.3.1.3), in bytes.
    const MAX_BYTES: usize = 254;

    /// Trims and lower-cases `raw`, then checks it (docs/api.md, "Fields").
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(raw: &str) -> Result<Self, BrokenRule> {
        let email = raw.trim();
        if !email.is_ascii() {
            return Err(broken("must be ASCII"));
        }
        if email.len() > Self::MAX_BYTES {
            return Err(broken("must be at most 254 bytes long"));
        }
        if !email.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(broken("must not contain white space or control characters"));
        }
        let (local, domain) = email
            .split_once('@')
            .filter(|(_, domain)| !domain.contains('@'))
            .ok_or_else(|| broken("must contain exactly one @"))?;
        if local.is_empty() {
            return Err(broken("must have a name before the @"));
        }
        if !domain.contains('.') || domain.split('.').any(str::is_empty) {
            return Err(broken("must have a domain with a dot after the @"));
        }
        Ok(Self(email.to_ascii_lowercase()))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn broken(rule: &'static str) -> BrokenRule {
    BrokenRule::new("email", rule)
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
