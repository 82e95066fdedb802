//! Passwords as they are stored: how new ones are written, and every form of old services that
//! can be verified.
//!
//! | form | made by |
//! |---|---|
//! | `$pbkdf2-sha512$i=210000$salt$hash`, `$pbkdf2-sha256$…` | this service, and others after the PHC string format |
//! | the same and argon2id with `keyid=…` | this service, with a pepper |
//! | `$argon2id$v=19$m=19456,t=2,p=1$salt$hash` | this service, argon2-cffi; `$argon2i$` argon2-cffi |
//! | `$scrypt$ln=16,r=8,p=1$salt$hash` | passlib |
//! | `$pbkdf2-sha256$29000$salt$hash`, `$pbkdf2-sha512$…` | passlib |
//! | `$2b$12$…`, `$2a$…`, `$2y$…` | bcrypt |
//! | `pbkdf2:sha256:260000$salt$hex`, `sha512`, `sha1` | werkzeug |
//! | `scrypt:32768:8:1$salt$hex` | werkzeug |

use std::fmt;

use base64ct::{Base64Bcrypt, Base64Unpadded, Encoding};
use phc::{Ident, Output, ParamsString, PasswordHash, Salt};
use subtle::ConstantTimeEq;

use super::derivation::{Derivation, DerivedKey, Function, MAX_MEMORY_KIB, Pbkdf2Hash};
use super::pepper::{Pepper, Peppers};

/// The PHC name of PBKDF2's iteration count.
const ITERATIONS: &str = "i";

/// The PHC name of the id of a secret key.
const KEY_ID: &str = "keyid";

/// Argon2's version 1.3, the one that RFC 9106 describes.
const ARGON2_VERSION: u32 = 0x13;

/// Why a stored hash is not taken. Worded for whoever imports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashRefused {
    /// Not one of the forms in the table above.
    UnknownForm,
    /// One of the forms, damaged or with parameters that the function does not take.
    Malformed,
    /// It takes more CPU time than a refused sign-in may.
    TooSlow,
    /// It takes more than 64 MiB of memory.
    TooMuchMemory,
}

impl fmt::Display for HashRefused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::UnknownForm => "password_hash has a form that is not known",
            Self::Malformed => "password_hash is damaged",
            Self::TooSlow => "password_hash takes more CPU time than a sign-in may",
            Self::TooMuchMemory => "password_hash takes more than 64 MiB of memory",
        })
    }
}

/// A password as it is stored. Its hash is never printed.
pub struct StoredPassword {
    derivation: Derivation,
    expected: Vec<u8>,
    /// The id of the pepper over the derived key, if there is one.
    pepper_id: Option<String>,
    /// Whether new passwords are written in this form.
    current_form: bool,
}

impl StoredPassword {
    /// Reads a stored hash whose derivation takes at most `budget_ms` of CPU.
    ///
    /// # Errors
    /// See [`HashRefused`]. What is refused here is never tried.
    pub fn parse(text: &str, budget_ms: u32) -> Result<Self, HashRefused> {
        let stored = parse_form(text)?;
        if stored.expected.len() < MIN_HASH_BYTES {
            return Err(HashRefused::Malformed);
        }
        let Derivation {
            function,
            output_bytes,
            ..
        } = stored.derivation;
        if function.memory_kib() > MAX_MEMORY_KIB {
            return Err(HashRefused::TooMuchMemory);
        }
        // A password in our own form may be tried as sent and normalized.
        let tries = if stored.current_form { 2 } else { 1 };
        if function.microseconds(output_bytes).saturating_mul(tries) > u64::from(budget_ms) * 1000 {
            return Err(HashRefused::TooSlow);
        }
        // After the bounds, within which the crates' own arithmetic does not overflow.
        let checked = stored.derivation.check();
        checked.map_err(|_| HashRefused::Malformed)?;
        Ok(stored)
    }

    /// The derivation that a candidate password has to go through.
    #[must_use]
    pub fn derivation(&self) -> &Derivation {
        &self.derivation
    }

    /// Whether the hash may be of a password that was normalized before it was hashed. Old
    /// services hashed the bytes as they came.
    #[must_use]
    pub fn may_be_normalized(&self) -> bool {
        self.current_form
    }

    /// Whether the pepper that the hash names, if it names one, is among `peppers`.
    #[must_use]
    pub fn has_its_pepper(&self, peppers: &Peppers) -> bool {
        let id = self.pepper_id.as_deref();
        id.is_none_or(|id| peppers.find(id).is_some())
    }

    /// Whether `key`, with the pepper that the hash names, is what was stored, in time that does
    /// not depend on the bytes. Never where that pepper is gone.
    #[must_use]
    pub fn matches(&self, key: &DerivedKey, peppers: &Peppers) -> bool {
        let same = |key: &DerivedKey| self.expected.ct_eq(key.as_bytes()).into();
        match &self.pepper_id {
            None => same(key),
            Some(id) => peppers
                .find(id)
                .is_some_and(|pepper| same(&pepper.apply(key))),
        }
    }

    /// The function to hash the password with anew at a right sign-in, where new passwords are
    /// hashed with `current` and the pepper `active`; `None` where the hash stays.
    ///
    /// Never a cheaper one: a costlier hash stays, or keeps its function where only its pepper
    /// changes. Forms that are no longer written are replaced whatever they cost, and a costlier
    /// hash of an old service is once a pepper makes up for it.
    #[must_use]
    pub fn replacement(&self, current: Function, active: Option<&Pepper>) -> Option<Function> {
        let stored = self.derivation.function;
        let costlier = match (relative_cost(stored), relative_cost(current)) {
            (Some(stored), Some(current)) => stored > current,
            _ => false,
        };
        let same_pepper = self.pepper_id.as_deref() == active.map(Pepper::id);
        match (costlier, same_pepper) {
            (true, true) => None,
            (true, false) if self.current_form => Some(stored),
            (false, true) if self.current_form && stored == current => None,
            _ => Some(current),
        }
    }
}

impl fmt::Debug for StoredPassword {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StoredPassword")
            .field("function", &self.derivation.function)
            .finish_non_exhaustive()
    }
}

/// The fewest bytes of a hash that says anything: what the PHC format asks for.
const MIN_HASH_BYTES: usize = 10;

/// A function's cost in millionths of what OWASP's password storage cheat sheet asks for; `None`
/// for functions that new passwords are not hashed with.
fn relative_cost(function: Function) -> Option<u64> {
    match function {
        Function::Pbkdf2 { hash, iterations } => {
            let asked = match hash {
                Pbkdf2Hash::Sha1 => return None,
                Pbkdf2Hash::Sha256 => 600_000,
                Pbkdf2Hash::Sha512 => 210_000,
            };
            Some(u64::from(iterations).saturating_mul(1_000_000) / asked)
        }
        Function::Argon2 {
            id: true,
            memory,
            passes,
            ..
        } => {
            let product = u64::from(memory).saturating_mul(passes.into());
            Some(product.saturating_mul(1_000_000) / (19_456 * 2))
        }
        Function::Argon2 { id: false, .. } | Function::Scrypt { .. } | Function::Bcrypt { .. } => {
            None
        }
    }
}

fn parse_form(text: &str) -> Result<StoredPassword, HashRefused> {
    let fields: Vec<_> = text.split('$').collect();
    match fields.as_slice() {
        ["", "2a" | "2b" | "2y", log_rounds, hash] => parse_bcrypt(log_rounds, hash),
        ["", "pbkdf2-sha256", count, salt, hash] if !count.contains('=') => {
            parse_passlib(Pbkdf2Hash::Sha256, count, salt, hash)
        }
        ["", "pbkdf2-sha512", count, salt, hash] if !count.contains('=') => {
            parse_passlib(Pbkdf2Hash::Sha512, count, salt, hash)
        }
        [
            "",
            "pbkdf2-sha256" | "pbkdf2-sha512" | "argon2id" | "argon2i" | "scrypt",
            ..,
        ] => parse_phc(text),
        [method, salt, hash] => parse_werkzeug(method, salt, hash),
        _ => Err(HashRefused::UnknownForm),
    }
}

/// The PHC string format.
fn parse_phc(text: &str) -> Result<StoredPassword, HashRefused> {
    let phc = PasswordHash::new(text).map_err(|_| HashRefused::Malformed)?;
    let number = |name: &str| {
        let value = phc.params.get_decimal(name);
        value
            .filter(|&value| value > 0)
            .ok_or(HashRefused::Malformed)
    };
    let expected = phc.hash.ok_or(HashRefused::Malformed)?.as_bytes().to_vec();
    let pbkdf2 = |hash| -> Result<(Function, &[&str]), HashRefused> {
        let iterations = number(ITERATIONS)?;
        if phc.version.is_some() {
            return Err(HashRefused::Malformed);
        }
        Ok((
            Function::Pbkdf2 { hash, iterations },
            &[ITERATIONS, "l", KEY_ID],
        ))
    };
    let argon2 = |id| -> Result<(Function, &[&str]), HashRefused> {
        if phc.version != Some(ARGON2_VERSION) {
            return Err(HashRefused::Malformed);
        }
        let function = Function::Argon2 {
            id,
            memory: number("m")?,
            passes: number("t")?,
            lanes: number("p")?,
        };
        Ok((function, &["m", "t", "p", KEY_ID]))
    };
    let (function, known) = match phc.algorithm.as_str() {
        "pbkdf2-sha256" => pbkdf2(Pbkdf2Hash::Sha256)?,
        "pbkdf2-sha512" => pbkdf2(Pbkdf2Hash::Sha512)?,
        "argon2id" => argon2(true)?,
        "argon2i" => argon2(false)?,
        "scrypt" => {
            let function = Function::Scrypt {
                log_n: u8::try_from(number("ln")?).map_err(|_| HashRefused::TooMuchMemory)?,
                r: number("r")?,
                p: number("p")?,
            };
            let known: &[&str] = &["ln", "r", "p"];
            (function, known)
        }
        _ => return Err(HashRefused::UnknownForm),
    };
    if phc
        .params
        .iter()
        .any(|(name, _)| !known.contains(&name.as_str()))
    {
        return Err(HashRefused::Malformed);
    }
    if phc.params.get("l").is_some() && number("l")? as usize != expected.len() {
        return Err(HashRefused::Malformed);
    }
    let current_form = !matches!(
        function,
        Function::Scrypt { .. } | Function::Argon2 { id: false, .. }
    );
    let pepper_id = phc.params.get_str(KEY_ID).map(str::to_owned);
    let output_bytes = match pepper_id {
        // A pepper's hash is stored, whatever the length of the key under it.
        Some(_) if current_form => new_derivation(function, [0; 16]).output_bytes,
        Some(_) => return Err(HashRefused::Malformed),
        None => expected.len(),
    };
    Ok(StoredPassword {
        derivation: Derivation {
            function,
            salt: phc.salt.ok_or(HashRefused::Malformed)?.to_vec(),
            output_bytes,
        },
        expected,
        pepper_id,
        current_form,
    })
}

/// passlib's own form: the bare count, and base64 with `.` for `+`.
fn parse_passlib(
    hash: Pbkdf2Hash,
    count: &str,
    salt: &str,
    expected: &str,
) -> Result<StoredPassword, HashRefused> {
    let decode = |text: &str| {
        Base64Unpadded::decode_vec(&text.replace('.', "+")).map_err(|_| HashRefused::Malformed)
    };
    let function = Function::Pbkdf2 {
        hash,
        iterations: positive(count)?,
    };
    Ok(old(function, decode(salt)?, decode(expected)?))
}

fn parse_bcrypt(log_rounds: &str, hash: &str) -> Result<StoredPassword, HashRefused> {
    let log_rounds = log_rounds.parse().map_err(|_| HashRefused::Malformed)?;
    if !(4..=31).contains(&log_rounds) || hash.len() != 53 {
        return Err(HashRefused::Malformed);
    }
    let (salt, expected) = hash.split_at_checked(22).ok_or(HashRefused::Malformed)?;
    let decode = |text: &str| Base64Bcrypt::decode_vec(text).map_err(|_| HashRefused::Malformed);
    Ok(old(
        Function::Bcrypt { log_rounds },
        decode(salt)?,
        decode(expected)?,
    ))
}

/// werkzeug's form; the salt is the text itself.
fn parse_werkzeug(method: &str, salt: &str, hash: &str) -> Result<StoredPassword, HashRefused> {
    let method: Vec<_> = method.split(':').collect();
    let function = match method.as_slice() {
        ["pbkdf2", hash, iterations] => Function::Pbkdf2 {
            hash: match *hash {
                "sha1" => Pbkdf2Hash::Sha1,
                "sha256" => Pbkdf2Hash::Sha256,
                "sha512" => Pbkdf2Hash::Sha512,
                _ => return Err(HashRefused::UnknownForm),
            },
            iterations: positive(iterations)?,
        },
        ["scrypt", n, r, p] => {
            let n: u64 = n.parse().map_err(|_| HashRefused::Malformed)?;
            if n < 2 || !n.is_power_of_two() {
                return Err(HashRefused::Malformed);
            }
            Function::Scrypt {
                log_n: u8::try_from(n.trailing_zeros()).map_err(|_| HashRefused::Malformed)?,
                r: positive(r)?,
                p: positive(p)?,
            }
        }
        _ => return Err(HashRefused::UnknownForm),
    };
    let expected = base16ct::lower::decode_vec(hash).map_err(|_| HashRefused::Malformed)?;
    if salt.is_empty() {
        return Err(HashRefused::Malformed);
    }
    Ok(old(function, salt.as_bytes().to_vec(), expected))
}

fn old(function: Function, salt: Vec<u8>, expected: Vec<u8>) -> StoredPassword {
    StoredPassword {
        derivation: Derivation {
            function,
            salt,
            output_bytes: expected.len(),
        },
        expected,
        pepper_id: None,
        current_form: false,
    }
}

fn positive(text: &str) -> Result<u32, HashRefused> {
    let number = text.parse().map_err(|_| HashRefused::Malformed)?;
    if number == 0 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(HashRefused::Malformed);
    }
    Ok(number)
}

/// The derivation for a new password.
#[must_use]
pub fn new_derivation(function: Function, salt: [u8; 16]) -> Derivation {
    Derivation {
        function,
        salt: salt.to_vec(),
        output_bytes: match function {
            Function::Pbkdf2 { hash, .. } => hash.output_bytes(),
            _ => 32,
        },
    }
}

/// Writes what [`StoredPassword::parse`] reads, for a derivation of [`new_derivation`] and its key,
/// with `pepper` over it.
///
/// # Errors
/// The PHC format's own limits, and functions that new passwords are not hashed with.
pub fn to_phc(
    derivation: &Derivation,
    key: &DerivedKey,
    pepper: Option<&Pepper>,
) -> Result<String, phc::Error> {
    let mut params = ParamsString::new();
    let (algorithm, version) = match derivation.function {
        Function::Pbkdf2 { hash, iterations } => {
            params.add_decimal(ITERATIONS, iterations)?;
            let algorithm = match hash {
                Pbkdf2Hash::Sha512 => "pbkdf2-sha512",
                Pbkdf2Hash::Sha256 => "pbkdf2-sha256",
                Pbkdf2Hash::Sha1 => return Err(phc::Error::ParamNameInvalid),
            };
            (algorithm, None)
        }
        Function::Argon2 {
            id: true,
            memory,
            passes,
            lanes,
        } => {
            params.add_decimal("m", memory)?;
            params.add_decimal("t", passes)?;
            params.add_decimal("p", lanes)?;
            ("argon2id", Some(ARGON2_VERSION))
        }
        _ => return Err(phc::Error::ParamNameInvalid),
    };
    let peppered = pepper.map(|pepper| pepper.apply(key));
    if let Some(pepper) = pepper {
        params.add_str(KEY_ID, pepper.id())?;
    }
    let key = peppered.as_ref().unwrap_or(key);
    let hash = PasswordHash {
        algorithm: Ident::new(algorithm)?,
        version,
        params,
        salt: Some(Salt::new(&derivation.salt)?),
        hash: Some(Output::new(key.as_bytes())?),
    };
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET_MS: u32 = 400;
    const SALT: &str = "BwcHBwcHBwcHBwcHBwcHBw";
    const HASH: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";
    const HEX: &str = "0101010101010101010101010101010101010101010101010101010101010101";
    const DEFAULT: Function = Function::Pbkdf2 {
        hash: Pbkdf2Hash::Sha512,
        iterations: 210_000,
    };
    const ARGON2ID: Function = Function::Argon2 {
        id: true,
        memory: 19_456,
        passes: 2,
        lanes: 1,
    };

    fn parse(text: &str) -> Result<StoredPassword, HashRefused> {
        StoredPassword::parse(text, BUDGET_MS)
    }

    fn refused(text: &str) -> HashRefused {
        parse(text).unwrap_err()
    }

    #[test]
    fn new_passwords_are_written_in_the_documented_forms() {
        let none = Peppers::default();
        for (function, bytes, form) in [
            (
                DEFAULT,
                64,
                format!("$pbkdf2-sha512$i=210000${SALT}${}AQ", "AQEB".repeat(21)),
            ),
            (
                ARGON2ID,
                32,
                format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}${HASH}"),
            ),
        ] {
            let derivation = new_derivation(function, [7; 16]);
            assert_eq!(derivation.output_bytes, bytes);
            let key = DerivedKey::new(vec![1; bytes]);
            let phc = to_phc(&derivation, &key, None).unwrap();
            assert_eq!(phc, form);
            let stored = parse(&phc).unwrap();
            assert_eq!(stored.derivation().function, function);
            assert_eq!(stored.derivation().salt, [7; 16]);
            assert!(stored.matches(&key, &none));
            assert!(stored.may_be_normalized());
            assert_eq!(stored.replacement(function, None), None);
        }
    }

    #[test]
    fn only_forms_of_the_present_are_written() {
        let bcrypt = Function::Bcrypt { log_rounds: 4 };
        let key = DerivedKey::new(vec![1; 32]);
        assert!(to_phc(&new_derivation(bcrypt, [7; 16]), &key, None).is_err());
    }

    #[test]
    fn matches_only_the_same_key() {
        let none = Peppers::default();
        let function = Function::Pbkdf2 {
            hash: Pbkdf2Hash::Sha256,
            iterations: 1000,
        };
        let derivation = new_derivation(function, [9; 16]);
        let right = derivation.run(b"right").unwrap();
        let stored = parse(&to_phc(&derivation, &right, None).unwrap()).unwrap();
        assert!(stored.matches(&stored.derivation().run(b"right").unwrap(), &none));
        assert!(!stored.matches(&stored.derivation().run(b"wrong").unwrap(), &none));
        assert!(!stored.matches(&DerivedKey::new(vec![]), &none));
        let mut longer = right.as_bytes().to_vec();
        longer.push(0);
        assert!(!stored.matches(&DerivedKey::new(longer), &none));
    }

    #[test]
    fn unknown_and_damaged_forms_are_refused() {
        for text in [
            "",
            "secret",
            "plain$$secret",
            "md5$salt$0123456789abcdef",
            "sha256$salt$0123456789abcdef",
            "pbkdf2:md5:1000$salt$0123456789abcdef0123",
            "pbkdf2_sha256$1000$salt$hash",
            "a$b$c$d",
        ] {
            assert_eq!(refused(text), HashRefused::UnknownForm, "{text}");
        }
        for text in [
            format!("$argon2d$v=19$m=8192,t=1,p=1${SALT}${HASH}"),
            format!("$md5$i=1${SALT}${HASH}"),
        ] {
            assert_eq!(refused(&text), HashRefused::UnknownForm, "{text}");
        }
        for text in [
            format!("$pbkdf2-sha512${SALT}${HASH}"),
            format!("$pbkdf2-sha512$i=0${SALT}${HASH}"),
            format!("$pbkdf2-sha512$i=4294967296${SALT}${HASH}"),
            format!("$pbkdf2-sha512$v=1$i=1${SALT}${HASH}"),
            format!("$pbkdf2-sha512$i=1,x=16${SALT}${HASH}"),
            format!("$pbkdf2-sha512$i=1,l=16${SALT}${HASH}"),
            format!("$pbkdf2-sha512$i=1${SALT}"),
            format!("$pbkdf2-sha512$i=1${SALT}$AQEBAQEBAQE"),
            "$pbkdf2-sha512$i=1".into(),
            format!("$pbkdf2-sha256$0${SALT}${HASH}"),
            format!("$pbkdf2-sha256$-1${SALT}${HASH}"),
            format!("$pbkdf2-sha256$+1${SALT}${HASH}"),
            format!("$pbkdf2-sha256$1${SALT}$AQEB"),
            format!("$pbkdf2-sha256$1${SALT}$A"),
            format!("$argon2id$m=8192,t=1,p=1${SALT}${HASH}"),
            format!("$argon2id$v=16$m=8192,t=1,p=1${SALT}${HASH}"),
            format!("$argon2id$v=19$m=8192,t=1${SALT}${HASH}"),
            format!("$argon2id$v=19$m=8192,t=1,p=1,x=1${SALT}${HASH}"),
            format!("$argon2id$v=19$m=8,t=1,p=4${SALT}${HASH}"),
            format!("$argon2id$v=19$m=8192,t=1,p=16777216${SALT}${HASH}"),
            "$2b$03$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghiu".into(),
            "$2b$32$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghiu".into(),
            "$2b$xx$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghiu".into(),
            "$2b$10$short".into(),
            format!("$2b$10${}", "ä".repeat(26) + "x"),
            "pbkdf2:sha256:0$salt$0123456789abcdef0123".into(),
            "pbkdf2:sha256:x$salt$0123456789abcdef0123".into(),
            "pbkdf2:sha256:1000$salt$0123".into(),
            "pbkdf2:sha256:1000$salt$012".into(),
            "pbkdf2:sha256:1000$salt$0123456789abcdef012x".into(),
            format!("pbkdf2:sha256:1000$${HEX}"),
            format!("scrypt:1000:8:1$salt${HEX}"),
            format!("scrypt:1:8:1$salt${HEX}"),
            format!("scrypt:1024:0:1$salt${HEX}"),
        ] {
            assert_eq!(refused(&text), HashRefused::Malformed, "{text}");
        }
    }

    #[test]
    fn costs_over_the_budget_are_refused() {
        for text in [
            format!("$pbkdf2-sha256$i=4294967295${SALT}${HASH}"),
            format!("pbkdf2:sha256:4294967295$salt${HEX}"),
            format!("pbkdf2:sha512:1000000$salt${HEX}"),
            format!("$pbkdf2-sha256$4294967295${SALT}${HASH}"),
            format!("$argon2id$v=19$m=65536,t=4294967295,p=1${SALT}${HASH}"),
            format!("scrypt:1024:8:4294967295$salt${HEX}"),
            "$2b$31$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghiu".into(),
            "$2b$13$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghiu".into(),
        ] {
            assert_eq!(refused(&text), HashRefused::TooSlow, "{text}");
        }
        for text in [
            format!("$argon2id$v=19$m=65537,t=1,p=1${SALT}${HASH}"),
            format!("$argon2id$v=19$m=4294967295,t=1,p=1${SALT}${HASH}"),
            format!("scrypt:33554432:8:1$salt${HEX}"),
            format!("scrypt:1024:4294967295:1$salt${HEX}"),
            format!("$scrypt$ln=25,r=8,p=1${SALT}${HASH}"),
            format!("$scrypt$ln=256,r=8,p=1${SALT}${HASH}"),
            format!("$scrypt$ln=63,r=8,p=1${SALT}${HASH}"),
        ] {
            assert_eq!(refused(&text), HashRefused::TooMuchMemory, "{text}");
        }
        // What old services store by default is within it.
        for text in [
            format!("pbkdf2:sha256:1000000$salt${HEX}"),
            format!("scrypt:32768:8:1$salt${HEX}{HEX}"),
            format!("$argon2id$v=19$m=65536,t=3,p=4${SALT}${HASH}"),
            format!("$scrypt$ln=16,r=8,p=1${SALT}${HASH}"),
            "$2b$12$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghiu".into(),
        ] {
            assert!(parse(&text).is_ok(), "{text}: {:?}", parse(&text));
        }
    }

    #[test]
    fn hashes_are_replaced_but_never_by_cheaper_ones() {
        let outdated = |text: &str, current| {
            let replacement = parse(text).unwrap().replacement(current, None);
            assert!(
                replacement.is_none_or(|function| function == current),
                "{text}"
            );
            replacement.is_some()
        };
        for text in [
            format!("$pbkdf2-sha512$i=209999${SALT}${HASH}"),
            format!("$pbkdf2-sha256$i=100000${SALT}${HASH}"),
            format!("$pbkdf2-sha512$210000${SALT}${HASH}"),
            format!("$pbkdf2-sha256$29000${SALT}${HASH}"),
            format!("pbkdf2:sha256:260000$salt${HEX}"),
            format!("pbkdf2:sha1:150000$salt${HEX}"),
            format!("scrypt:32768:8:1$salt${HEX}"),
            format!("$scrypt$ln=15,r=8,p=1${SALT}${HASH}"),
            format!("$argon2i$v=19$m=65536,t=3,p=4${SALT}${HASH}"),
            format!("$argon2id$v=19$m=8192,t=1,p=1${SALT}${HASH}"),
            "$2b$12$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghiu".into(),
        ] {
            assert!(outdated(&text, DEFAULT), "{text}");
        }
        for text in [
            format!("$pbkdf2-sha512$i=210001${SALT}${HASH}"),
            format!("$argon2id$v=19$m=65536,t=3,p=4${SALT}${HASH}"),
            format!("pbkdf2:sha256:1000000$salt${HEX}"),
        ] {
            assert!(!outdated(&text, DEFAULT), "{text}");
        }
        // A setting that changed to a function as strong is followed.
        assert!(outdated(
            &format!("$pbkdf2-sha512$i=210000${SALT}${HASH}"),
            ARGON2ID
        ));
        assert!(!outdated(
            &format!("$pbkdf2-sha512$i=400000${SALT}${HASH}"),
            ARGON2ID
        ));
        assert!(outdated(
            &format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}${HASH}"),
            DEFAULT
        ));
    }

    #[test]
    fn a_pepper_is_named_and_needed() {
        let pepper = |byte| Pepper::new(&[byte; 32]).unwrap();
        let function = Function::Pbkdf2 {
            hash: Pbkdf2Hash::Sha512,
            iterations: 1000,
        };
        let derivation = new_derivation(function, [9; 16]);
        let key = derivation.run(b"right").unwrap();
        let phc = to_phc(&derivation, &key, Some(&pepper(b'1'))).unwrap();
        let start = format!("$pbkdf2-sha512$i=1000,keyid={}$", pepper(b'1').id());
        assert!(phc.starts_with(&start), "{phc}");

        let stored = parse(&phc).unwrap();
        let key = stored.derivation().run(b"right").unwrap();
        let wrong = stored.derivation().run(b"wrong").unwrap();
        let active = Peppers {
            active: Some(pepper(b'1')),
            retired: vec![],
        };
        let retired = Peppers {
            active: Some(pepper(b'2')),
            retired: vec![pepper(b'1')],
        };
        for peppers in [&active, &retired] {
            assert!(stored.matches(&key, peppers));
            assert!(!stored.matches(&wrong, peppers));
        }
        assert!(!stored.matches(&key, &Peppers::default()));
        assert!(stored.has_its_pepper(&retired) && !stored.has_its_pepper(&Peppers::default()));
        let replacement =
            |peppers: &Peppers, current| stored.replacement(current, peppers.active.as_ref());
        assert_eq!(replacement(&active, function), None);
        assert_eq!(replacement(&active, DEFAULT), Some(DEFAULT));
        assert_eq!(replacement(&retired, function), Some(function));
        assert_eq!(replacement(&Peppers::default(), function), Some(function));
    }

    #[test]
    fn a_change_of_pepper_makes_no_hash_cheaper() {
        let pepper = Pepper::new(&[b'1'; 32]).unwrap();
        let replacement = |text: &str| parse(text).unwrap().replacement(DEFAULT, Some(&pepper));
        let costlier = Function::Pbkdf2 {
            hash: Pbkdf2Hash::Sha512,
            iterations: 400_000,
        };
        let ours = format!("$pbkdf2-sha512$i=400000${SALT}${HASH}");
        assert_eq!(replacement(&ours), Some(costlier));
        let default = format!("$pbkdf2-sha512$i=210000${SALT}${HASH}");
        assert_eq!(replacement(&default), Some(DEFAULT));
        // Our form of it would not fit the budget; the pepper makes up for the cost.
        let old = format!("pbkdf2:sha256:1000000$salt${HEX}");
        assert_eq!(replacement(&old), Some(DEFAULT));
    }

    #[test]
    fn hashes_do_not_print() {
        let text = format!("$pbkdf2-sha256$i=1${SALT}${HASH}");
        assert!(!format!("{:?}", parse(&text).unwrap()).contains("AQ"));
    }
}
