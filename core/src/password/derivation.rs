//! Deriving a key from a password: what is to be computed, by which engine, and at what cost.

use std::fmt;

use argon2::{Algorithm, Argon2, Version};
use zeroize::Zeroizing;

/// The most PBKDF2 iterations that Cloudflare's `deriveBits` does; it refuses more, while the
/// local runtime does not (cloudflare/workerd#1346).
pub const WEB_CRYPTO_MAX_ITERATIONS: u32 = 100_000;

/// The most memory that a derivation may take, in KiB: half of what an isolate has.
pub const MAX_MEMORY_KIB: u64 = 64 * 1024;

/// Bytes of a new password's salt (NIST SP 800-132 section 5.1 asks for 16 or more).
pub(super) const SALT_BYTES: usize = 16;

/// Bytes of a new password's key by functions whose output has no length of its own.
const NEW_OUTPUT_BYTES: usize = 32;

/// The binary logarithm of the most rounds that bcrypt does.
pub(super) const BCRYPT_MAX_LOG_ROUNDS: u8 = 31;

/// The most bytes that key bcrypt's cipher; it ignores the rest.
const BCRYPT_MAX_KEY_BYTES: usize = 72;

/// The hash function under PBKDF2's HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pbkdf2Hash {
    /// SHA-1, only in hashes of old services.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Pbkdf2Hash {
    /// Bytes of a derived key: one block, so that no iteration is done twice.
    #[must_use]
    pub fn output_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// Microseconds of CPU that the crate takes in wasm for 1,000 iterations of one block.
    fn microseconds(self) -> u64 {
        match self {
            Self::Sha1 => 290,
            Self::Sha256 => 310,
            Self::Sha512 => 450,
        }
    }
}

/// A function that derives keys, with its cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// PBKDF2 (RFC 8018).
    Pbkdf2 {
        /// The hash function.
        hash: Pbkdf2Hash,
        /// The iteration count.
        iterations: u32,
    },
    /// scrypt (RFC 7914).
    Scrypt {
        /// The binary logarithm of the cost N.
        log_n: u8,
        /// The block size.
        r: u32,
        /// The parallelization.
        p: u32,
    },
    /// Argon2 version 1.3 (RFC 9106).
    Argon2 {
        /// Argon2id, else Argon2i.
        id: bool,
        /// The memory, in KiB.
        memory: u32,
        /// The passes over it.
        passes: u32,
        /// The lanes.
        lanes: u32,
    },
    /// bcrypt.
    Bcrypt {
        /// The binary logarithm of its rounds.
        log_rounds: u8,
    },
}

/// Parameters that the function does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidCost;

impl Function {
    /// Microseconds of CPU in wasm, for `output_bytes` of output: what a request waits for while
    /// the derivation runs. As `make bench` measures it.
    #[must_use]
    pub fn microseconds(self, output_bytes: usize) -> u64 {
        let product = |factors: &[u64]| {
            factors
                .iter()
                .fold(1_u64, |product, factor| product.saturating_mul(*factor))
        };
        match self {
            Self::Pbkdf2 { hash, iterations } => {
                let blocks = output_bytes.div_ceil(hash.output_bytes()) as u64;
                product(&[hash.microseconds(), iterations.into(), blocks]) / 1000
            }
            // 94 ms for N = 2^15, r = 8, p = 1.
            Self::Scrypt { log_n, r, p } => {
                let n = 1_u64.checked_shl(log_n.into()).unwrap_or(u64::MAX);
                product(&[n, r.into(), p.into(), 360]) / 1000
            }
            // 39 ms for 19 MiB and two passes.
            Self::Argon2 { memory, passes, .. } => product(&[memory.into(), passes.into()]),
            // 65 ms for 2^10 rounds.
            Self::Bcrypt { log_rounds } => {
                let rounds = 1_u64.checked_shl(log_rounds.into()).unwrap_or(u64::MAX);
                product(&[rounds, 63])
            }
        }
    }

    /// KiB of memory.
    #[must_use]
    pub fn memory_kib(self) -> u64 {
        match self {
            Self::Pbkdf2 { .. } => 0,
            Self::Bcrypt { .. } => 4,
            Self::Argon2 { memory, .. } => memory.into(),
            Self::Scrypt { log_n, r, .. } => {
                1_u64
                    .checked_shl(log_n.into())
                    .unwrap_or(u64::MAX)
                    .saturating_mul(r.into())
                    / 8
            }
        }
    }
}

/// Which implementation runs a derivation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The host's `crypto.subtle.deriveBits`: native code, only PBKDF2, capped.
    WebCrypto,
    /// The function's crate.
    Crate,
}

/// A key derivation whose password is still to come.
#[derive(Debug, Clone)]
pub struct Derivation {
    /// The function and its cost.
    pub function: Function,
    /// The salt.
    pub salt: Vec<u8>,
    /// How many bytes to derive.
    pub output_bytes: usize,
}

impl Derivation {
    /// The fastest engine that production lets run this derivation.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match self.function {
            Function::Pbkdf2 { iterations, .. } if iterations <= WEB_CRYPTO_MAX_ITERATIONS => {
                Engine::WebCrypto
            }
            _ => Engine::Crate,
        }
    }

    /// Whether the function's crate takes the parameters.
    ///
    /// # Errors
    /// [`InvalidCost`] if it does not.
    pub fn check(&self) -> Result<(), InvalidCost> {
        match self.function {
            Function::Pbkdf2 { .. } => Ok(()),
            Function::Scrypt { log_n, r, p } => scrypt_params(log_n, r, p).map(|_| ()),
            Function::Argon2 {
                memory,
                passes,
                lanes,
                ..
            } => {
                argon2_params(memory, passes, lanes, self.output_bytes)?;
                if self.salt.len() < argon2::MIN_SALT_LEN {
                    return Err(InvalidCost);
                }
                Ok(())
            }
            // The crate panics on more.
            Function::Bcrypt { log_rounds } if log_rounds > BCRYPT_MAX_LOG_ROUNDS => {
                Err(InvalidCost)
            }
            Function::Bcrypt { .. } => self.bcrypt_salt().map(|_| ()),
        }
    }

    fn bcrypt_salt(&self) -> Result<[u8; 16], InvalidCost> {
        self.salt.as_slice().try_into().map_err(|_| InvalidCost)
    }

    /// Derives the key with the function's crate.
    ///
    /// # Errors
    /// [`InvalidCost`] where [`Self::check`] gives it.
    pub fn run(&self, password: &[u8]) -> Result<DerivedKey, InvalidCost> {
        self.check()?;
        let mut key = Zeroizing::new(vec![0; self.output_bytes]);
        match self.function {
            Function::Pbkdf2 { hash, iterations } => match hash {
                Pbkdf2Hash::Sha1 => {
                    kdf::pbkdf2_sha1(password, &self.salt, iterations, &mut key);
                }
                Pbkdf2Hash::Sha256 => {
                    kdf::pbkdf2_sha256(password, &self.salt, iterations, &mut key);
                }
                Pbkdf2Hash::Sha512 => {
                    kdf::pbkdf2_sha512(password, &self.salt, iterations, &mut key);
                }
            },
            Function::Scrypt { log_n, r, p } => {
                let params = scrypt_params(log_n, r, p)?;
                scrypt::scrypt(password, &self.salt, &params, &mut key).map_err(|_| InvalidCost)?;
            }
            Function::Argon2 {
                id,
                memory,
                passes,
                lanes,
            } => {
                let algorithm = if id {
                    Algorithm::Argon2id
                } else {
                    Algorithm::Argon2i
                };
                let params = argon2_params(memory, passes, lanes, self.output_bytes)?;
                Argon2::new(algorithm, Version::V0x13, params)
                    .hash_password_into(password, &self.salt, &mut key)
                    .map_err(|_| InvalidCost)?;
            }
            Function::Bcrypt { log_rounds } => {
                let salt = self.bcrypt_salt()?;
                // bcrypt keys its cipher with the password and a NUL.
                let mut keyed = Zeroizing::new(password.to_vec());
                keyed.push(0);
                keyed.truncate(BCRYPT_MAX_KEY_BYTES);
                let output = Zeroizing::new(bcrypt::bcrypt(log_rounds.into(), salt, &keyed));
                key = Zeroizing::new(output.iter().copied().take(self.output_bytes).collect());
            }
        }
        Ok(DerivedKey(key))
    }
}

/// The derivation for a new password.
#[must_use]
pub fn new_derivation(function: Function, salt: [u8; SALT_BYTES]) -> Derivation {
    Derivation {
        function,
        salt: salt.to_vec(),
        output_bytes: match function {
            Function::Pbkdf2 { hash, .. } => hash.output_bytes(),
            _ => NEW_OUTPUT_BYTES,
        },
    }
}

fn scrypt_params(log_n: u8, r: u32, p: u32) -> Result<scrypt::Params, InvalidCost> {
    scrypt::Params::new(log_n, r, p).map_err(|_| InvalidCost)
}

fn argon2_params(
    memory: u32,
    passes: u32,
    lanes: u32,
    output_bytes: usize,
) -> Result<argon2::Params, InvalidCost> {
    argon2::Params::new(memory, passes, lanes, Some(output_bytes)).map_err(|_| InvalidCost)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_crypto_runs_what_production_lets_it() {
        let engine = |function| {
            let derivation = Derivation {
                function,
                salt: vec![],
                output_bytes: 32,
            };
            derivation.engine()
        };
        for hash in [Pbkdf2Hash::Sha1, Pbkdf2Hash::Sha256, Pbkdf2Hash::Sha512] {
            let pbkdf2 = |iterations| engine(Function::Pbkdf2 { hash, iterations });
            assert_eq!(pbkdf2(1), Engine::WebCrypto);
            assert_eq!(pbkdf2(100_000), Engine::WebCrypto);
            assert_eq!(pbkdf2(100_001), Engine::Crate);
            assert_eq!(pbkdf2(600_000), Engine::Crate);
        }
        assert_eq!(engine(Function::Bcrypt { log_rounds: 4 }), Engine::Crate);
    }

    #[test]
    fn costs_do_not_overflow() {
        for function in [
            Function::Pbkdf2 {
                hash: Pbkdf2Hash::Sha512,
                iterations: u32::MAX,
            },
            Function::Scrypt {
                log_n: 255,
                r: u32::MAX,
                p: u32::MAX,
            },
            Function::Argon2 {
                id: true,
                memory: u32::MAX,
                passes: u32::MAX,
                lanes: u32::MAX,
            },
            Function::Bcrypt { log_rounds: 255 },
        ] {
            assert!(function.microseconds(64) > 1_000_000_000, "{function:?}");
            assert!(matches!(function, Function::Pbkdf2 { .. }) || function.memory_kib() > 0);
        }
    }

    #[test]
    fn parameters_that_a_crate_does_not_take_are_errors() {
        let run = |function, salt: &[u8]| {
            let derivation = Derivation {
                function,
                salt: salt.to_vec(),
                output_bytes: 32,
            };
            derivation.run(b"password").is_err()
        };
        let salt = [1; 16];
        assert!(run(Function::Bcrypt { log_rounds: 32 }, &salt));
        assert!(run(Function::Bcrypt { log_rounds: 4 }, &[1; 15]));
        let argon2 = |memory, lanes| Function::Argon2 {
            id: true,
            memory,
            passes: 1,
            lanes,
        };
        assert!(run(argon2(1, 1), &salt));
        assert!(run(argon2(8, 2), &salt));
        assert!(run(argon2(8, 1), &[1; 7]));
        let scrypt = Function::Scrypt {
            log_n: 64,
            r: 8,
            p: 1,
        };
        assert!(run(scrypt, &salt));
    }
}
