//! Who tries to sign in, as whom and from where: what failures are counted by (contract, "Too many
//! attempts").

use std::net::IpAddr;

use super::account::{Email, SignInName, UserId};
use super::keyed_hash::KeyedHash;
use super::unicode::Unicode;

/// Where a request came from, as far as failures are counted: an IPv4 address, or the first 64
/// bits of an IPv6 address, which one subscriber has whole (RFC 6177).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAddress(String);

impl ClientAddress {
    /// Reads the header `CF-Connecting-IP`. All requests without one, or with one that is no
    /// address, share one address: they are never left out.
    #[must_use]
    pub fn parse(header: Option<&str>) -> Self {
        let address = header.and_then(|text| text.trim().parse::<IpAddr>().ok());
        Self(match address.map(|address| address.to_canonical()) {
            None => "unknown".to_owned(),
            Some(IpAddr::V4(address)) => address.to_string(),
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
        })
    }

    /// The address as text: what the rate limit is keyed by.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of an attempt, in the form in which accounts are looked up, or what was sent where no
/// account can have such a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptedName {
    /// The name that an account could have.
    pub name: Option<SignInName>,
    text: String,
}

impl AttemptedName {
    /// The name that the accounts API calls `email`.
    #[must_use]
    pub fn email(raw: &str) -> Self {
        Self::new(Email::parse(raw).ok().map(SignInName::Email), raw)
    }

    /// The name that `/auth` calls `username`.
    #[must_use]
    pub fn username(raw: &str, unicode: Unicode) -> Self {
        Self::new(SignInName::parse(raw, unicode), raw)
    }

    fn new(name: Option<SignInName>, raw: &str) -> Self {
        let text = match &name {
            Some(SignInName::Email(email)) => email.as_str(),
            Some(SignInName::Username(username)) => username.folded(),
            None => raw,
        };
        let text = text.to_owned();
        Self { name, text }
    }
}

/// The keys under which the failures of one attempt are counted. Names and addresses go in as
/// keyed hashes only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptKeys {
    /// The name from that address.
    pub pair: String,
    /// The address, over whatever names.
    pub address: String,
    /// The name over all addresses, if no account has it.
    name: String,
}

impl AttemptKeys {
    /// The keys of an attempt at `name` from `address`.
    #[must_use]
    pub fn new(hash: &KeyedHash, name: &AttemptedName, address: &ClientAddress) -> Self {
        let (name, from) = (name.text.as_str(), address.as_str());
        Self {
            pair: format!("pair {}", hash.text(&["pair", name, from])),
            address: Self::address(hash, address),
            name: format!("name {}", hash.text(&["name", name])),
        }
    }

    /// The key of an address alone.
    #[must_use]
    pub fn address(hash: &KeyedHash, address: &ClientAddress) -> String {
        format!("address {}", hash.text(&["address", address.as_str()]))
    }

    /// The key of the account over all addresses and both its names; of the name where there is no
    /// account.
    #[must_use]
    pub fn account(&self, id: Option<UserId>) -> String {
        id.map_or_else(|| self.name.clone(), account_key)
    }
}

/// The key of an account over all addresses.
#[must_use]
pub fn account_key(id: UserId) -> String {
    format!("user {id}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::unicode::TABLES;

    fn address(header: &str) -> String {
        ClientAddress::parse(Some(header)).0
    }

    #[test]
    fn addresses_are_counted_by_subscriber() {
        assert_eq!(address("192.0.2.7"), "192.0.2.7");
        assert_eq!(address(" 192.0.2.7 "), "192.0.2.7");
        assert_eq!(address("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(address("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(address("2001:DB8:1:2::1"), "2001:db8:1:2::/64");
        assert_ne!(address("2001:db8:1:3::1"), address("2001:db8:1:2::1"));
        assert_ne!(address("::1"), address("::ffff:0.0.0.1"));
    }

    #[test]
    fn whatever_has_no_address_shares_one() {
        let unknown = ClientAddress::parse(None);
        for header in ["", "unknown", "192.0.2", "192.0.2.7, 192.0.2.8", "a::b::c"] {
            assert_eq!(ClientAddress::parse(Some(header)), unknown, "{header}");
        }
    }

    #[test]
    fn names_are_counted_as_they_are_looked_up() {
        let key = |name: AttemptedName| {
            let address = ClientAddress::parse(Some("192.0.2.7"));
            AttemptKeys::new(&KeyedHash::new(&[1; 32]), &name, &address)
        };
        let ann = key(AttemptedName::email("ann@example.com"));
        assert_eq!(ann, key(AttemptedName::email(" ANN@Example.com")));
        assert_eq!(ann, key(AttemptedName::username("Ann@example.com", TABLES)));
        let username = key(AttemptedName::username("Ann", TABLES));
        assert_eq!(username, key(AttemptedName::username("aNN", TABLES)));
        assert_ne!(ann, username);
        let nobody = key(AttemptedName::email("no address"));
        assert_ne!(nobody, key(AttemptedName::email("no address either")));
    }

    #[test]
    fn keys_tell_neither_name_nor_address() {
        let name = AttemptedName::email("ann@example.com");
        let address = ClientAddress::parse(Some("192.0.2.7"));
        let keys = AttemptKeys::new(&KeyedHash::new(&[1; 32]), &name, &address);
        let text = format!("{keys:?}");
        assert!(!text.contains("ann") && !text.contains("192"), "{text}");
        assert_eq!(keys.account(UserId::new(7)), "user 7");
        assert!(keys.account(None).starts_with("name "));
    }
}
