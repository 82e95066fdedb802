//! The PHC string format: what this service writes, and others after the same format.

use phc::{Ident, Output, ParamsString, PasswordHash, Salt};

use super::form::Form;
use super::refused::HashRefused;
use crate::password::derivation::{
    Derivation, DerivedKey, Function, Pbkdf2Hash, SALT_BYTES, new_derivation,
};
use crate::password::pepper::Pepper;

/// The PHC name of PBKDF2's iteration count.
const ITERATIONS: &str = "i";

/// The PHC name of the id of a secret key.
const KEY_ID: &str = "keyid";

/// Argon2's version 1.3, the one that RFC 9106 describes.
const ARGON2_VERSION: u32 = 0x13;

pub(super) fn parse(text: &str) -> Result<Form, HashRefused> {
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
    let is_current = !matches!(
        function,
        Function::Scrypt { .. } | Function::Argon2 { id: false, .. }
    );
    let pepper_id = phc.params.get_str(KEY_ID).map(str::to_owned);
    let output_bytes = match pepper_id {
        // A pepper's hash is stored, whatever the length of the key under it.
        Some(_) if is_current => new_derivation(function, [0; SALT_BYTES]).output_bytes,
        Some(_) => return Err(HashRefused::Malformed),
        None => expected.len(),
    };
    Ok(Form {
        derivation: Derivation {
            function,
            salt: phc.salt.ok_or(HashRefused::Malformed)?.to_vec(),
            output_bytes,
        },
        expected,
        pepper_id,
        is_current,
    })
}

/// Writes the hash of a new password: a derivation of [`new_derivation`] and its key, with `pepper`
/// over it.
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
