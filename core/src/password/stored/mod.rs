//! Passwords as they are stored: how new ones are written, and every form of old services that
//! can be verified, one file for each.
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

mod bcrypt;
mod form;
mod passlib;
mod phc;
mod refused;
mod werkzeug;

use std::fmt;

use subtle::ConstantTimeEq;

use self::form::Form;
pub use self::phc::to_phc;
pub use self::refused::HashRefused;
use super::derivation::{Derivation, DerivedKey, Function, MAX_MEMORY_KIB, Pbkdf2Hash};
use super::pepper::{Pepper, Peppers};
use crate::time::Milliseconds;

/// The fewest bytes of a hash that says anything: what the PHC format asks for.
const MIN_HASH_BYTES: usize = 10;

/// A password as it is stored. Its hash is never printed.
pub struct StoredPassword(Form);

impl StoredPassword {
    /// Reads a stored hash whose derivation takes at most `budget` of CPU.
    ///
    /// # Errors
    /// See [`HashRefused`]. What is refused here is never tried.
    pub fn parse(text: &str, budget: Milliseconds) -> Result<Self, HashRefused> {
        let form = parse_form(text)?;
        if form.expected.len() < MIN_HASH_BYTES {
            return Err(HashRefused::Malformed);
        }
        let Derivation {
            function,
            output_bytes,
            ..
        } = form.derivation;
        if function.memory_kib() > MAX_MEMORY_KIB {
            return Err(HashRefused::TooMuchMemory);
        }
        // A password in our own form may be tried as sent and normalized.
        let tries = if form.is_current { 2 } else { 1 };
        if function.microseconds(output_bytes).saturating_mul(tries) > budget.microseconds() {
            return Err(HashRefused::TooSlow);
        }
        // After the bounds, within which the crates' own arithmetic does not overflow.
        let checked = form.derivation.check();
        checked.map_err(|_| HashRefused::Malformed)?;
        Ok(Self(form))
    }

    /// The derivation that a tried password has to go through.
    #[must_use]
    pub fn derivation(&self) -> &Derivation {
        &self.0.derivation
    }

    /// Whether the hash may be of a password that was normalized before it was hashed. Old
    /// services hashed the bytes as they came.
    #[must_use]
    pub fn may_be_normalized(&self) -> bool {
        self.0.is_current
    }

    /// Whether the pepper that the hash names, if it names one, is among `peppers`.
    #[must_use]
    pub fn has_its_pepper(&self, peppers: &Peppers) -> bool {
        let id = self.0.pepper_id.as_deref();
        id.is_none_or(|id| peppers.find(id).is_some())
    }

    /// Whether `key`, with the pepper that the hash names, is what was stored, in time that does
    /// not depend on the bytes. Never where that pepper is gone.
    #[must_use]
    pub fn matches(&self, key: &DerivedKey, peppers: &Peppers) -> bool {
        let same = |key: &DerivedKey| self.0.expected.ct_eq(key.as_bytes()).into();
        match &self.0.pepper_id {
            None => same(key),
            Some(id) => peppers
                .find(id)
                .is_some_and(|pepper| same(&pepper.apply(key))),
        }
    }

    /// The function to hash the password with anew at a successful sign-in, where new passwords
    /// are hashed with `current` and the pepper `active`; `None` where the hash stays.
    ///
    /// Never a cheaper one: a costlier hash stays, or keeps its function where only its pepper
    /// changes. Forms that are no longer written are replaced whatever they cost, and a costlier
    /// hash of an old service is once a pepper makes up for it.
    #[must_use]
    pub fn replacement(&self, current: Function, active: Option<&Pepper>) -> Option<Function> {
        let stored = self.0.derivation.function;
        let costlier = match (relative_cost(stored), relative_cost(current)) {
            (Some(stored), Some(current)) => stored > current,
            _ => false,
        };
        let same_pepper = self.0.pepper_id.as_deref() == active.map(Pepper::id);
        match (costlier, same_pepper) {
            (true, true) => None,
            (true, false) if self.0.is_current => Some(stored),
            (false, true) if self.0.is_current && stored == current => None,
            _ => Some(current),
        }
    }
}

impl fmt::Debug for StoredPassword {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StoredPassword")
            .field("function", &self.0.derivation.function)
            .finish_non_exhaustive()
    }
}

fn parse_form(text: &str) -> Result<Form, HashRefused> {
    let fields: Vec<_> = text.split('$').collect();
    match fields.as_slice() {
        ["", "2a" | "2b" | "2y", log_rounds, hash] => bcrypt::parse(log_rounds, hash),
        ["", "pbkdf2-sha256", count, salt, hash] if !count.contains('=') => {
            passlib::parse(Pbkdf2Hash::Sha256, count, salt, hash)
        }
        ["", "pbkdf2-sha512", count, salt, hash] if !count.contains('=') => {
            passlib::parse(Pbkdf2Hash::Sha512, count, salt, hash)
        }
        [
            "",
            "pbkdf2-sha256" | "pbkdf2-sha512" | "argon2id" | "argon2i" | "scrypt",
            ..,
        ] => phc::parse(text),
        [method, salt, hash] => werkzeug::parse(method, salt, hash),
        _ => Err(HashRefused::UnknownForm),
    }
}

/// What OWASP's password storage cheat sheet asks for: iterations of PBKDF2, and KiB of memory
/// times passes of Argon2id.
const OWASP_PBKDF2_SHA256: u64 = 600_000;
const OWASP_PBKDF2_SHA512: u64 = 210_000;
const OWASP_ARGON2ID: u64 = 19_456 * 2;

/// A function's cost in millionths of what OWASP asks for; `None` for functions that new passwords
/// are not hashed with.
fn relative_cost(function: Function) -> Option<u64> {
    let (cost, asked) = match function {
        Function::Pbkdf2 { hash, iterations } => {
            let asked = match hash {
                Pbkdf2Hash::Sha1 => return None,
                Pbkdf2Hash::Sha256 => OWASP_PBKDF2_SHA256,
                Pbkdf2Hash::Sha512 => OWASP_PBKDF2_SHA512,
            };
            (u64::from(iterations), asked)
        }
        Function::Argon2 {
            id: true,
            memory,
            passes,
            ..
        } => {
            let cost = u64::from(memory).saturating_mul(passes.into());
            (cost, OWASP_ARGON2ID)
        }
        Function::Argon2 { id: false, .. } | Function::Scrypt { .. } | Function::Bcrypt { .. } => {
            return None;
        }
    };
    Some(cost.saturating_mul(1_000_000) / asked)
}

#[cfg(test)]
mod tests;
