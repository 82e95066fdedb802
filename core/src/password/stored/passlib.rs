//! passlib's own form of PBKDF2: `$pbkdf2-sha256$29000$salt$hash`, `$pbkdf2-sha512$…`. The count is
//! bare, and base64 has `.` for `+`.

use base64ct::{Base64Unpadded, Encoding};

use super::form::{Form, positive};
use super::refused::HashRefused;
use crate::password::derivation::{Function, Pbkdf2Hash};

pub(super) fn parse(
    hash: Pbkdf2Hash,
    count: &str,
    salt: &str,
    expected: &str,
) -> Result<Form, HashRefused> {
    let decode = |text: &str| {
        Base64Unpadded::decode_vec(&text.replace('.', "+")).map_err(|_| HashRefused::Malformed)
    };
    let function = Function::Pbkdf2 {
        hash,
        iterations: positive(count)?,
    };
    Ok(Form::old(function, decode(salt)?, decode(expected)?))
}
