//! What every form of a stored password says.

use super::refused::HashRefused;
use crate::password::derivation::{Derivation, Function};

/// What was read from a stored hash, before anything is asked of its cost.
pub(super) struct Form {
    /// What was done to the password.
    pub(super) derivation: Derivation,
    /// The outcome that was stored.
    pub(super) expected: Vec<u8>,
    /// The id of the pepper over the derived key, if there is one.
    pub(super) pepper_id: Option<String>,
    /// Whether new passwords are written in this form.
    pub(super) is_current: bool,
}

impl Form {
    /// A form that is no longer written.
    pub(super) fn old(function: Function, salt: Vec<u8>, expected: Vec<u8>) -> Self {
        Self {
            derivation: Derivation {
                function,
                salt,
                output_bytes: expected.len(),
            },
            expected,
            pepper_id: None,
            is_current: false,
        }
    }
}

/// A number above 0, written in decimal digits only.
pub(super) fn positive(text: &str) -> Result<u32, HashRefused> {
    let number = text.parse().map_err(|_| HashRefused::Malformed)?;
    if number == 0 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(HashRefused::Malformed);
    }
    Ok(number)
}
