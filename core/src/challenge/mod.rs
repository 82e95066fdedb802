//! One-time links and codes (docs/mail.md, "Challenges").
//!
//! A challenge is something that was sent to an address to be shown. Its link token and its code are
//! keyed hashes of its kind and id, so a database holds neither. Whichever is used first uses up both.

mod keys;

pub use keys::{ChallengeKeys, Code, LinkToken, NotALinkToken};

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::time::{Milliseconds, Seconds};

/// What a challenge is for. One of a kind is no good for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Proves the address of an account that goes on as it is.
    Verification,
    /// Sets a new password.
    Reset,
    /// Signs in.
    SignIn,
    /// Gives an account a new address.
    EmailChange,
    /// Gives an account its former address back.
    EmailRevert,
    /// Takes over an account that an administrator made.
    Invitation,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Verification,
        Self::Reset,
        Self::SignIn,
        Self::EmailChange,
        Self::EmailRevert,
        Self::Invitation,
    ];

    /// The name in links and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::Reset => "reset",
            Self::SignIn => "sign_in",
            Self::EmailChange => "email_change",
            Self::EmailRevert => "email_revert",
            Self::Invitation => "invitation",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// How long it is good.
    #[must_use]
    pub fn life(self) -> Milliseconds {
        const MINUTE: Milliseconds = Seconds(60).milliseconds();
        const DAY: Milliseconds = Seconds(24 * 60 * 60).milliseconds();
        match self {
            Self::SignIn => MINUTE.times(10),
            Self::Reset => MINUTE.times(30),
            Self::Verification | Self::EmailChange => DAY,
            Self::EmailRevert | Self::Invitation => DAY.times(7),
        }
    }
}

/// A challenge's identifier: 128 random bits as base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeId(String);

impl ChallengeId {
    /// Random bytes of an identifier.
    pub const BYTES: usize = 16;

    /// An identifier of these random bytes.
    #[must_use]
    pub fn new(random: [u8; Self::BYTES]) -> Self {
        Self(Base64UrlUnpadded::encode_string(&random))
    }

    /// The identifier that a client sent; `None` where it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Base64UrlUnpadded::decode_vec(text).ok()?;
        <[u8; Self::BYTES]>::try_from(bytes).ok().map(Self::new)
    }

    /// The identifier as text, 22 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChallengeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_by_their_names() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.name()), Some(kind));
        }
        for other in ["", "Reset", "reset ", "password"] {
            assert_eq!(Kind::parse(other), None, "{other}");
        }
    }

    #[test]
    fn identifiers_are_sixteen_bytes_in_one_form() {
        let id = ChallengeId::new([255; 16]);
        assert_eq!(id.as_str(), "_____________________w");
        assert_eq!(ChallengeId::parse(id.as_str()), Some(id));
        for other in [
            "",
            "_____________________x",
            "_____________________w=",
            "____________________w",
            "+++++++++++++++++++++w",
        ] {
            assert_eq!(ChallengeId::parse(other), None, "{other}");
        }
    }
}
