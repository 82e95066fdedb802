//! How passwords are hashed, and how long a refused sign-in takes.

use edge_auth_core::password::{Function, Pbkdf2Hash, Pepper, Peppers, new_derivation};
use edge_auth_core::time::Milliseconds;
use zeroize::Zeroizing;

use super::ConfigError;
use super::read::{Read, choice, number};

/// The settings of passwords, which depend on one another.
pub(super) struct Passwords {
    /// `PASSWORD_HASH` and `PASSWORD_ITERATIONS`.
    pub(super) function: Function,
    /// `PASSWORD_MIN_LENGTH`.
    pub(super) min_length: u32,
    /// `PASSWORD_PEPPER` and `PASSWORD_PEPPERS_RETIRED`.
    pub(super) peppers: Peppers,
    /// `SIGN_IN_FLOOR_MS`.
    pub(super) sign_in_floor: Milliseconds,
    /// `BREACHED_PASSWORDS`.
    pub(super) refuses_breached: bool,
}

/// How much CPU verifying a password may take. A fifth of the floor is left for
/// everything else that a refused sign-in does.
pub(super) fn budget(sign_in_floor: Milliseconds) -> Milliseconds {
    Milliseconds(sign_in_floor.0 / 5 * 4)
}

impl Passwords {
    /// Reads them.
    pub(super) fn parse(read: Read<'_>) -> Result<Self, ConfigError> {
        let iterations = number(read, "PASSWORD_ITERATIONS", 100_000..=10_000_000)?;
        let pbkdf2 = |hash, owasp| Function::Pbkdf2 {
            hash,
            iterations: iterations.unwrap_or(owasp),
        };
        let function = match read("PASSWORD_HASH").as_deref() {
            None | Some("pbkdf2-sha512") => pbkdf2(Pbkdf2Hash::Sha512, 210_000),
            Some("pbkdf2-sha256") => pbkdf2(Pbkdf2Hash::Sha256, 600_000),
            Some("argon2id") if iterations.is_none() => Function::Argon2 {
                id: true,
                memory: 19_456,
                passes: 2,
                lanes: 1,
            },
            Some("argon2id") => {
                let problem = "is set, which argon2id has none of";
                return Err(ConfigError::new("PASSWORD_ITERATIONS", problem));
            }
            Some(_) => {
                let problem = "must be one of pbkdf2-sha512, pbkdf2-sha256, argon2id";
                return Err(ConfigError::new("PASSWORD_HASH", problem));
            }
        };
        let passwords = Self {
            function,
            min_length: number(read, "PASSWORD_MIN_LENGTH", 8..=64)?.unwrap_or(8),
            peppers: peppers(read)?,
            sign_in_floor: Milliseconds(
                number(read, "SIGN_IN_FLOOR_MS", 10..=10_000)?.unwrap_or(500),
            ),
            refuses_breached: choice(read, "BREACHED_PASSWORDS", ["off", "refuse"])?
                == Some("refuse"),
        };
        // A password is tried as sent and normalized.
        let output_bytes = new_derivation(function, [0; 16]).output_bytes;
        let microseconds = function.microseconds(output_bytes) * 2;
        if microseconds > budget(passwords.sign_in_floor).microseconds() {
            let problem = "is too short for the hash of a new password";
            return Err(ConfigError::new("SIGN_IN_FLOOR_MS", problem));
        }
        Ok(passwords)
    }
}

fn peppers(read: Read<'_>) -> Result<Peppers, ConfigError> {
    let secrets = |setting| {
        let text = Zeroizing::new(read(setting).unwrap_or_default());
        let peppers = text.split_whitespace().map(|secret| {
            let weak = |_| ConfigError::new(setting, "is shorter than 32 bytes");
            Pepper::new(secret.as_bytes()).map_err(weak)
        });
        peppers.collect::<Result<Vec<_>, _>>()
    };
    let pepper = "PASSWORD_PEPPER";
    let mut active = secrets(pepper)?;
    if active.len() > 1 {
        return Err(ConfigError::new(pepper, "has white space in it"));
    }
    // Set to nothing is a mistake, not the wish for no pepper.
    if active.is_empty() && read(pepper).is_some() {
        return Err(ConfigError::new(pepper, "is empty"));
    }
    Ok(Peppers {
        active: active.pop(),
        retired: secrets("PASSWORD_PEPPERS_RETIRED")?,
    })
}
