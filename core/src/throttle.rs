//! Who tries to sign in, as whom and from where: the keys that failures are counted under
//! (docs/passwords.md, "Too many attempts").

use std::net::IpAddr;

use crate::account::{Email, SignInName, UserId};
use crate::keyed_hash::KeyedHash;
use crate::unicode::Unicode;

/// Where a request came from, as far as failures are counted: an IPv4 address, or the first 64
/// bits of an IPv6 address, which one subscriber has whole (RFC 6177).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAddress(String);

impl ClientAddress {
    /// Reads the header `CF-Connecting-IP`. Requests without one, or with one that is not
    /// an address, share one address, so that their failures are counted as well.
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
        name.map_or_else(
            || Self {
                name: None,
                text: raw.to_owned(),
            },
            Self::from,
        )
    }
}

impl From<SignInName> for AttemptedName {
    fn from(name: SignInName) -> Self {
        let text = match &name {
            SignInName::Email(email) => email.as_str(),
            SignInName::Username(username) => username.folded(),
        };
        Self {
            text: text.to_owned(),
            name: Some(name),
        }
    }
}

/// What failures are counted under. It contains names and addresses only as keyed hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptKey(String);

impl AttemptKey {
    /// The key as the database has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A client's address as keys contain it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressHash(String);

impl AddressHash {
    /// The hash as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key of the address alone.
    #[must_use]
    pub fn key(&self) -> AttemptKey {
        AttemptKey(format!("address {}", self.0))
    }
}

/// A name as keys contain it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameHash(String);

impl NameHash {
    /// The hash as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Makes the keys of attempts. All of them depend on one secret, so that a new secret discards all
/// counters at once: what closes an account and what opens it are forgotten together.
#[derive(Debug)]
pub struct AttemptHasher {
    hash: KeyedHash,
    /// Takes the place of an address in keys.
    everywhere: String,
}

impl AttemptHasher {
    /// Keys under the secret of `hash`.
    #[must_use]
    pub fn new(hash: KeyedHash) -> Self {
        let everywhere = hash.text(&["everywhere"]);
        Self { hash, everywhere }
    }

    /// The hash of an address.
    #[must_use]
    pub fn address(&self, address: &ClientAddress) -> AddressHash {
        AddressHash(self.hash.text(&["address", address.as_str()]))
    }

    /// The hash of a name.
    #[must_use]
    pub fn name(&self, name: &AttemptedName) -> NameHash {
        NameHash(self.hash.text(&["name", &name.text]))
    }

    /// The keys of an attempt at `name` from `address`.
    #[must_use]
    pub fn keys(&self, name: &AttemptedName, address: &ClientAddress) -> AttemptKeys {
        let (name, from) = (self.name(name), self.address(address));
        AttemptKeys {
            pair: AttemptKey(format!("pair {} {}", name.0, from.0)),
            address: from.key(),
            everywhere: self.everywhere.clone(),
            name,
            from,
        }
    }
}

/// The keys under which the failures of one attempt are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptKeys {
    /// The name from that address: the waits that a client sees reveal nothing about the account.
    pub pair: AttemptKey,
    /// The address, whatever the names.
    pub address: AttemptKey,
    name: NameHash,
    from: AddressHash,
    everywhere: String,
}

impl AttemptKeys {
    /// What attempts at one name, whatever the address, have in common.
    #[must_use]
    pub fn name_line(&self) -> String {
        format!("name {}", self.name.0)
    }

    /// The keys of the account, which both its names share, or of the name if there is no account.
    #[must_use]
    pub fn account(&self, id: Option<UserId>) -> AccountKeys {
        let subject = id.map_or_else(|| self.name_line(), |id| format!("user {id}"));
        AccountKeys {
            everywhere: AttemptKey(format!("{subject} {}", self.everywhere)),
            here: AttemptKey(format!("{subject} {}", self.from.0)),
        }
    }
}

/// The keys of one account, or of a name that no account has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountKeys {
    /// Over all addresses that are not familiar to it.
    pub everywhere: AttemptKey,
    /// From the address of this attempt, which may be familiar to it.
    pub here: AttemptKey,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unicode::TABLES;

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

    fn hasher() -> AttemptHasher {
        AttemptHasher::new(KeyedHash::new(&[1; 32]))
    }

    fn keys(name: &AttemptedName) -> AttemptKeys {
        hasher().keys(name, &ClientAddress::parse(Some("192.0.2.7")))
    }

    #[test]
    fn names_are_counted_as_they_are_looked_up() {
        let ann = keys(&AttemptedName::email("ann@example.com"));
        for name in [
            AttemptedName::email(" ANN@Example.com"),
            AttemptedName::username("Ann@example.com", TABLES),
        ] {
            assert_eq!(ann, keys(&name));
        }
        let username = keys(&AttemptedName::username("Ann", TABLES));
        assert_eq!(username, keys(&AttemptedName::username("aNN", TABLES)));
        assert_ne!(ann, username);
        let nobody = keys(&AttemptedName::email("no address"));
        assert_ne!(nobody, keys(&AttemptedName::email("no address either")));
    }

    #[test]
    fn an_account_has_the_same_keys_by_each_of_its_names() {
        let by_email = keys(&AttemptedName::email("ann@example.com"));
        let by_username = keys(&AttemptedName::username("Ann", TABLES));
        let ann = UserId::new(7);
        assert_eq!(by_email.account(ann), by_username.account(ann));
        assert_ne!(by_email.account(None), by_username.account(None));
        assert_ne!(by_email.account(ann), by_email.account(UserId::new(70)));
    }

    #[test]
    fn another_secret_changes_every_key() {
        let name = AttemptedName::email("ann@example.com");
        let address = ClientAddress::parse(Some("192.0.2.7"));
        let of = |secret: u8| {
            let hasher = AttemptHasher::new(KeyedHash::new(&[secret; 32]));
            let keys = hasher.keys(&name, &address);
            let account = keys.account(UserId::new(7));
            [keys.pair, keys.address, account.everywhere, account.here]
        };
        for (one, other) in of(1).iter().zip(of(2)) {
            assert_ne!(*one, other);
        }
    }

    #[test]
    fn keys_tell_neither_name_nor_address() {
        let keys = keys(&AttemptedName::email("ann@example.com"));
        let text = format!("{keys:?}");
        assert!(!text.contains("ann") && !text.contains("192"), "{text}");
        let account = keys.account(UserId::new(7));
        assert!(account.here.as_str().starts_with("user 7 "));
        assert!(account.everywhere.as_str().starts_with("user 7 "));
        let nobody = keys.account(None);
        assert!(nobody.here.as_str().starts_with("name "));
    }
}
