//! Tickets: what is given for a first factor, and shown with the second one.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::time::{Milliseconds, Seconds};

/// The text of a ticket: 256 random bits as base64url. Never printed, wiped when dropped.
pub struct Ticket(Zeroizing<String>);

/// The SHA-256 of a ticket's text, as base64url: what the database knows it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketDigest(String);

impl Ticket {
    /// How long one is good.
    pub const LIFE: Milliseconds = Seconds(5 * 60).milliseconds();

    /// A ticket of these random bytes.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        Self(Zeroizing::new(Base64UrlUnpadded::encode_string(&random)))
    }

    /// Its text, 43 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the database knows it by.
    #[must_use]
    pub fn digest(&self) -> TicketDigest {
        TicketDigest::of(&self.0)
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Ticket(_)")
    }
}

impl TicketDigest {
    /// That of a text, which may be no ticket's.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Base64UrlUnpadded::encode_string(&Sha256::digest(text)))
    }

    /// As text, 43 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_known_by_its_digest() {
        let ticket = Ticket::new([255; 32]);
        assert_eq!(ticket.as_str().len(), 43);
        assert_eq!(ticket.digest(), TicketDigest::of(ticket.as_str()));
        // FIPS 180-4 example: the SHA-256 of abc.
        let digest = TicketDigest::of("abc");
        assert_eq!(
            digest.as_str(),
            "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"
        );
        assert_eq!(format!("{ticket:?}"), "Ticket(_)");
    }
}
