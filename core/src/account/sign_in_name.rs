//! The name that somebody signs in with.

use super::email::Email;
use super::username::Username;
use crate::unicode::Unicode;

/// What `POST /auth` takes as `username`: a username, or an e-mail address if it contains an `@`
/// (docs/api.md, "POST /auth").
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unicode::TABLES;

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
