//! Passwords: the rules for new ones, and the form in which they are stored.
//!
//! A stored password is a PHC string, `$pbkdf2-sha512$i=210000$salt$hash`. How the key is
//! derived is left to the caller, since two engines can do it: [`Derivation::run`] here, and the
//! host's WebCrypto up to [`WEB_CRYPTO_MAX_ITERATIONS`].

use std::fmt;

use pbkdf2::pbkdf2_hmac;
use phc::{Ident, Output, ParamsString, PasswordHash, Salt};
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::account::{BrokenRule, Email, Name, Username};

/// The most PBKDF2 iterations that Cloudflare's `deriveBits` does; it refuses more, while the
/// local runtime does not (cloudflare/workerd#1346).
pub const WEB_CRYPTO_MAX_ITERATIONS: u32 = 100_000;

/// The PHC name of the iteration count.
const ITERATIONS: &str = "i";

/// The hash function under PBKDF2's HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pbkdf2Hash {
    /// `pbkdf2-sha256`.
    Sha256,
    /// `pbkdf2-sha512`.
    Sha512,
}

impl Pbkdf2Hash {
    /// The PHC identifier.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Sha256 => "pbkdf2-sha256",
            Self::Sha512 => "pbkdf2-sha512",
        }
    }

    /// Reads a PHC identifier.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        [Self::Sha256, Self::Sha512]
            .into_iter()
            .find(|hash| hash.id() == id)
    }

    /// The cost that OWASP's password storage cheat sheet asks for, in iterations.
    #[must_use]
    pub fn owasp_iterations(self) -> u32 {
        match self {
            Self::Sha256 => 600_000,
            Self::Sha512 => 210_000,
        }
    }

    /// Bytes of a derived key: one block, so that no iteration is done twice.
    fn output_bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// How new passwords are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// The hash function.
    pub hash: Pbkdf2Hash,
    /// PBKDF2's iteration count.
    pub iterations: u32,
}

/// Which implementation runs a derivation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The host's `crypto.subtle.deriveBits`: native code, capped.
    WebCrypto,
    /// The `pbkdf2` crate.
    Crate,
}

/// A key derivation whose password is still to come.
#[derive(Debug, Clone)]
pub struct Derivation {
    /// Hash function and iteration count.
    pub cost: Cost,
    /// The salt.
    pub salt: Vec<u8>,
    /// How many bytes to derive.
    pub output_bytes: usize,
}

impl Derivation {
    /// A derivation for a new password.
    #[must_use]
    pub fn new(cost: Cost, salt: [u8; 16]) -> Self {
        Self {
            cost,
            salt: salt.to_vec(),
            output_bytes: cost.hash.output_bytes(),
        }
    }

    /// The fastest engine that production lets run this derivation.
    #[must_use]
    pub fn engine(&self) -> Engine {
        if self.cost.iterations <= WEB_CRYPTO_MAX_ITERATIONS {
            Engine::WebCrypto
        } else {
            Engine::Crate
        }
    }

    /// Derives the key by the `pbkdf2` crate.
    #[must_use]
    pub fn run(&self, password: &[u8]) -> DerivedKey {
        let mut key = Zeroizing::new(vec![0; self.output_bytes]);
        let iterations = self.cost.iterations;
        match self.cost.hash {
            Pbkdf2Hash::Sha256 => {
                pbkdf2_hmac::<Sha256>(password, &self.salt, iterations, &mut key);
            }
            Pbkdf2Hash::Sha512 => {
                pbkdf2_hmac::<Sha512>(password, &self.salt, iterations, &mut key);
            }
        }
        DerivedKey(key)
    }
}

/// What a derivation gives. Wiped on drop, never printed.
pub struct DerivedKey(Zeroizing<Vec<u8>>);

impl DerivedKey {
    /// Takes over what an engine derived.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for DerivedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DerivedKey(_)")
    }
}

/// A stored hash that cannot be verified: another algorithm, another form, or damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownHash;

/// A password as it is stored. Its hash is never printed.
pub struct StoredPassword {
    derivation: Derivation,
    expected: Output,
}

impl StoredPassword {
    /// Reads a PHC string.
    ///
    /// # Errors
    /// [`UnknownHash`] for anything but PBKDF2 with a salt, a hash and the one parameter `i`.
    pub fn parse(phc: &str) -> Result<Self, UnknownHash> {
        let parsed = PasswordHash::new(phc).map_err(|_| UnknownHash)?;
        let hash = Pbkdf2Hash::from_id(parsed.algorithm.as_str()).ok_or(UnknownHash)?;
        let iterations = parsed
            .params
            .get_decimal(ITERATIONS)
            .filter(|&iterations| iterations > 0)
            .ok_or(UnknownHash)?;
        if parsed.version.is_some() || parsed.params.iter().count() != 1 {
            return Err(UnknownHash);
        }
        let expected = parsed.hash.ok_or(UnknownHash)?;
        Ok(Self {
            derivation: Derivation {
                cost: Cost { hash, iterations },
                salt: parsed.salt.ok_or(UnknownHash)?.to_vec(),
                output_bytes: expected.len(),
            },
            expected,
        })
    }

    /// The derivation that a candidate password has to go through.
    #[must_use]
    pub fn derivation(&self) -> &Derivation {
        &self.derivation
    }

    /// Whether `key` is what was stored, in time that does not depend on the bytes.
    #[must_use]
    pub fn matches(&self, key: &DerivedKey) -> bool {
        self.expected.as_bytes().ct_eq(key.as_bytes()).into()
    }
}

impl fmt::Debug for StoredPassword {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StoredPassword")
            .field("cost", &self.derivation.cost)
            .finish_non_exhaustive()
    }
}

/// Writes what [`StoredPassword::parse`] reads.
///
/// # Errors
/// The PHC format's own limits; a [`Derivation`] made by [`Derivation::new`] is within them.
pub fn to_phc(derivation: &Derivation, key: &DerivedKey) -> Result<String, phc::Error> {
    let mut params = ParamsString::new();
    params.add_decimal(ITERATIONS, derivation.cost.iterations)?;
    let hash = PasswordHash {
        algorithm: Ident::new(derivation.cost.hash.id())?,
        version: None,
        params,
        salt: Some(Salt::new(&derivation.salt)?),
        hash: Some(Output::new(key.as_bytes())?),
    };
    Ok(hash.to_string())
}

/// The fewest bytes of a new password, after NFKC (NIST SP 800-63B section 5.1.1.2).
const MIN_BYTES: usize = 8;

/// The most bytes of a password, after NFKC.
const MAX_BYTES: usize = 1024;

/// A password that an account may be given. Wiped on drop, never printed.
pub struct NewPassword(Zeroizing<String>);

impl NewPassword {
    /// Normalizes `raw` by `nfkc` (Unicode Normalization Form KC), then checks it against the
    /// length and against what everybody who knows the account would try first (contract,
    /// "Dialect 2", new passwords).
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(
        raw: &str,
        nfkc: impl Fn(&str) -> String,
        email: &Email,
        username: Option<&Username>,
        name: &Name,
    ) -> Result<Self, BrokenRule> {
        let password = Zeroizing::new(nfkc(raw));
        let broken = |rule| {
            Err(BrokenRule {
                field: "password",
                rule,
            })
        };
        if password.contains('\0') {
            return broken("must not contain NUL characters");
        }
        if !(MIN_BYTES..=MAX_BYTES).contains(&password.len()) {
            return broken("must be 8 to 1024 bytes long");
        }
        let folded = Zeroizing::new(password.to_lowercase());
        let is = |known: &str| *folded == nfkc(known).to_lowercase();
        if is(email.as_str()) || is(email.local_part()) {
            return broken("must not be the email address or the part before its @");
        }
        if username.is_some_and(|username| is(username.as_str())) {
            return broken("must not be the username");
        }
        if is(name.as_str()) {
            return broken("must not be the name");
        }
        Ok(Self(password))
    }

    /// What is hashed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for NewPassword {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("NewPassword(_)")
    }
}

/// A password that somebody signs in with. Wiped on drop, never printed.
pub struct Attempt(Zeroizing<String>);

impl Attempt {
    /// Normalizes `raw` by `nfkc`, as [`NewPassword::parse`] does.
    pub fn new(raw: &str, nfkc: impl FnOnce(&str) -> String) -> Self {
        Self(Zeroizing::new(nfkc(raw)))
    }

    /// False where no account can have this password: HMAC pads with NULs, so `x` and `x\0`
    /// would pass for one another, and no stored password is longer than 1,024 bytes.
    #[must_use]
    pub fn can_be_right(&self) -> bool {
        !self.0.contains('\0') && self.0.len() <= MAX_BYTES
    }

    /// What is hashed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Attempt(_)")
    }
}

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    fn nfc(text: &str) -> String {
        text.nfc().collect()
    }

    fn nfkc(text: &str) -> String {
        text.nfkc().collect()
    }

    fn new_password(raw: &str) -> Result<NewPassword, BrokenRule> {
        let email = Email::parse("ann.lee@example.com").unwrap();
        let username = Username::parse("Bookworm", nfc).unwrap();
        let name = Name::parse("Ann Lee-Grün", nfc).unwrap();
        NewPassword::parse(raw, nfkc, &email, Some(&username), &name)
    }

    #[test]
    fn new_password_rules_are_named() {
        for (raw, rule) in [
            ("1234567", "must be 8 to 1024 bytes long"),
            (&*"x".repeat(1025), "must be 8 to 1024 bytes long"),
            ("long enough\0", "must not contain NUL characters"),
            (
                "Ann.Lee@Example.com",
                "must not be the email address or the part before its @",
            ),
            (
                "ANN.LEE@EXAMPLE.COM",
                "must not be the email address or the part before its @",
            ),
            ("bookWORM", "must not be the username"),
            ("ann lee-gru\u{308}n", "must not be the name"),
        ] {
            let broken = new_password(raw).unwrap_err();
            assert_eq!((broken.field, broken.rule), ("password", rule), "{raw:?}");
        }
    }

    #[test]
    fn the_local_part_alone_is_no_password() {
        let email = Email::parse("annabella@example.com").unwrap();
        let name = Name::parse("Ann", nfc).unwrap();
        let broken = NewPassword::parse("AnnaBella", nfkc, &email, None, &name).unwrap_err();
        assert_eq!(
            broken.rule,
            "must not be the email address or the part before its @"
        );
    }

    #[test]
    fn length_is_counted_after_normalization() {
        assert!(new_password("        ").is_ok());
        assert!(new_password(&"x".repeat(1024)).is_ok());
        // Four full-width letters are twelve bytes as sent and four after NFKC.
        assert!(new_password("ａｂｃｄ").is_err());
        assert_eq!(
            new_password("ａｂｃｄｅｆｇｈ").unwrap().as_bytes(),
            b"abcdefgh"
        );
    }

    #[test]
    fn attempts_that_cannot_be_right() {
        let nothing = |text: &str| text.to_owned();
        assert!(Attempt::new("x", nothing).can_be_right());
        assert!(!Attempt::new("x\0", nothing).can_be_right());
        assert!(Attempt::new(&"x".repeat(1024), nothing).can_be_right());
        assert!(!Attempt::new(&"x".repeat(1025), nothing).can_be_right());
    }

    #[test]
    fn stored_form_is_the_documented_one() {
        let cost = Cost {
            hash: Pbkdf2Hash::Sha512,
            iterations: 210_000,
        };
        let derivation = Derivation::new(cost, [7; 16]);
        let phc = to_phc(&derivation, &DerivedKey::new(vec![1; 64])).unwrap();
        let salt = "BwcHBwcHBwcHBwcHBwcHBw";
        assert_eq!(
            phc,
            format!(
                "$pbkdf2-sha512$i=210000${salt}${}Q",
                "AQEB".repeat(21) + "A"
            )
        );
        let stored = StoredPassword::parse(&phc).unwrap();
        assert_eq!(stored.derivation().cost, cost);
        assert_eq!(stored.derivation().salt, [7; 16]);
        assert_eq!(stored.derivation().output_bytes, 64);
        assert!(stored.matches(&DerivedKey::new(vec![1; 64])));
    }

    #[test]
    fn matches_only_the_same_key() {
        let cost = Cost {
            hash: Pbkdf2Hash::Sha256,
            iterations: 1000,
        };
        let derivation = Derivation::new(cost, [9; 16]);
        let phc = to_phc(&derivation, &derivation.run(b"right")).unwrap();
        let stored = StoredPassword::parse(&phc).unwrap();
        assert!(stored.matches(&stored.derivation().run(b"right")));
        assert!(!stored.matches(&stored.derivation().run(b"wrong")));
        assert!(!stored.matches(&DerivedKey::new(vec![])));
        let mut longer = stored.derivation().run(b"right").as_bytes().to_vec();
        longer.push(0);
        assert!(!stored.matches(&DerivedKey::new(longer)));
    }

    #[test]
    fn unknown_stored_forms_are_refused() {
        let salt = "BwcHBwcHBwcHBwcHBwcHBw";
        let hash = "AQEBAQEBAQEBAQEBAQEBAQ";
        for phc in [
            String::new(),
            "secret".into(),
            format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${hash}"),
            format!("$pbkdf2-sha512${salt}${hash}"),
            format!("$pbkdf2-sha512$i=0${salt}${hash}"),
            format!("$pbkdf2-sha512$i=4294967296${salt}${hash}"),
            format!("$pbkdf2-sha512$v=1$i=1${salt}${hash}"),
            format!("$pbkdf2-sha512$i=1,l=16${salt}${hash}"),
            format!("$pbkdf2-sha512$i=1${salt}"),
            "$pbkdf2-sha512$i=1".into(),
        ] {
            assert_eq!(
                StoredPassword::parse(&phc).err(),
                Some(UnknownHash),
                "{phc}"
            );
        }
    }

    #[test]
    fn web_crypto_runs_what_production_lets_it() {
        let engine = |iterations| {
            let hash = Pbkdf2Hash::Sha256;
            Derivation::new(Cost { hash, iterations }, [0; 16]).engine()
        };
        assert_eq!(engine(1), Engine::WebCrypto);
        assert_eq!(engine(100_000), Engine::WebCrypto);
        assert_eq!(engine(100_001), Engine::Crate);
        assert_eq!(engine(600_000), Engine::Crate);
    }

    #[test]
    fn secrets_do_not_print() {
        let phc = "$pbkdf2-sha256$i=1$BwcHBwcHBwcHBwcHBwcHBw$AQEBAQEBAQEBAQEBAQEBAQ";
        let printed = format!(
            "{:?} {:?} {:?} {:?}",
            Attempt::new("hunter22", str::to_owned),
            new_password("hunter22").unwrap(),
            DerivedKey::new(b"hunter22".to_vec()),
            StoredPassword::parse(phc).unwrap(),
        );
        assert!(
            !printed.contains("hunter22") && !printed.contains("AQEB"),
            "{printed}"
        );
    }
}
