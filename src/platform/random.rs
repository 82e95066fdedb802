//! Randomness from the system's generator.

use super::HostError;

/// `N` random bytes.
///
/// # Errors
/// The host has no generator.
pub fn bytes<const N: usize>() -> Result<[u8; N], HostError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(HostError::new)?;
    Ok(bytes)
}
