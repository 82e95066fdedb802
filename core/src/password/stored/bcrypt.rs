//! The form of bcrypt: `$2b$12$…`, `$2a$…`, `$2y$…`.

use std::ops::RangeInclusive;

use base64ct::{Base64Bcrypt, Encoding};

use super::form::Form;
use super::refused::HashRefused;
use crate::password::derivation::{BCRYPT_MAX_LOG_ROUNDS, Function};

/// The binary logarithms of the rounds that bcrypt does.
const LOG_ROUNDS: RangeInclusive<u8> = 4..=BCRYPT_MAX_LOG_ROUNDS;

/// Characters of the salt and the hash, which stand together: 16 and 23 bytes in bcrypt's base64.
const SALT_CHARACTERS: usize = 22;
const HASH_CHARACTERS: usize = 31;

pub(super) fn parse(log_rounds: &str, salt_and_hash: &str) -> Result<Form, HashRefused> {
    let log_rounds = log_rounds.parse().map_err(|_| HashRefused::Malformed)?;
    if !LOG_ROUNDS.contains(&log_rounds) {
        return Err(HashRefused::Malformed);
    }
    let (salt, hash) = salt_and_hash
        .split_at_checked(SALT_CHARACTERS)
        .filter(|(_, hash)| hash.len() == HASH_CHARACTERS)
        .ok_or(HashRefused::Malformed)?;
    let decode = |text: &str| Base64Bcrypt::decode_vec(text).map_err(|_| HashRefused::Malformed);
    let function = Function::Bcrypt { log_rounds };
    Ok(Form::old(function, decode(salt)?, decode(hash)?))
}
