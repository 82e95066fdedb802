//! The forms of werkzeug: `pbkdf2:sha256:260000$salt$hex`, `sha512`, `sha1`, and
//! `scrypt:32768:8:1$salt$hex`. The salt is the text itself.

use super::form::{Form, positive};
use super::refused::HashRefused;
use crate::password::derivation::{Function, Pbkdf2Hash};

pub(super) fn parse(method: &str, salt: &str, hash: &str) -> Result<Form, HashRefused> {
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
    Ok(Form::old(function, salt.as_bytes().to_vec(), expected))
}
