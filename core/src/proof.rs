//! When and by what somebody last showed who they are: the claims `auth_time` (OpenID Connect Core
//! section 2) and `amr` (RFC 8176) of access tokens.

use std::fmt;

use crate::time::UnixSeconds;

/// A way of showing who one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A password.
    Password,
    /// A code or a link that was sent by mail. RFC 8176 registers no value for it.
    Mail,
}

impl Method {
    /// The value in `amr`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::Mail => "mail",
        }
    }
}

/// The ways by which a session was signed in, one at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amr(String);

impl Amr {
    /// One way alone.
    #[must_use]
    pub fn of(method: Method) -> Self {
        Self(method.as_str().to_owned())
    }

    /// What [`Amr::as_str`] gave.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// Their values with spaces between, as they are stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The claim `amr`: absent where a password alone was used, as in the old services' tokens.
    #[must_use]
    pub fn claim(&self) -> Option<Vec<&str>> {
        let is_password = self.0 == Method::Password.as_str();
        (!is_password).then(|| self.0.split(' ').collect())
    }
}

impl fmt::Display for Amr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The last proof of who somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// When.
    pub auth_time: UnixSeconds,
    /// By what.
    pub amr: Amr,
}

impl Proof {
    /// A proof by one way alone, at that time.
    #[must_use]
    pub fn by(method: Method, auth_time: UnixSeconds) -> Self {
        Self {
            auth_time,
            amr: Amr::of(method),
        }
    }
}

/// How long a proof is recent, in seconds (docs/api.md, "Recent sign-in").
const RECENT: f64 = 600.0;

/// How far ahead of this clock one may lie, in seconds.
const LEEWAY: f64 = 10.0;

/// Whether `auth_time`, the claim of a token, if it is there and a whole number, is recent at `now`.
#[must_use]
pub fn is_recent(auth_time: Option<UnixSeconds>, now: UnixSeconds) -> bool {
    auth_time.is_some_and(|time| {
        let age = now.numeric_date() - time.numeric_date();
        (-LEEWAY..=RECENT).contains(&age)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_alone_has_no_claim() {
        assert_eq!(Amr::of(Method::Password).claim(), None);
        assert_eq!(Amr::of(Method::Mail).claim(), Some(vec!["mail"]));
        let two = Amr::stored("pwd mail".to_owned());
        assert_eq!(two.claim(), Some(vec!["pwd", "mail"]));
    }

    #[test]
    fn a_proof_is_recent_for_ten_minutes() {
        for (auth_time, recent) in [
            (Some(1000), true),
            (Some(400), true),
            (Some(399), false),
            (Some(1010), true),
            (Some(1011), false),
            (Some(0), false),
            (Some(u64::MAX), false),
            (None, false),
        ] {
            let auth_time = auth_time.map(UnixSeconds);
            assert_eq!(
                is_recent(auth_time, UnixSeconds(1000)),
                recent,
                "{auth_time:?}"
            );
        }
    }
}
