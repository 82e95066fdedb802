//! How long sessions live.

use edge_auth_core::session::Lifetimes;

use super::ConfigError;
use super::read::{Read, seconds};

/// `SESSION_LIFETIME` and `SESSION_IDLE_LIFETIME`.
pub(super) fn lifetimes(read: Read<'_>) -> Result<Lifetimes, ConfigError> {
    Ok(Lifetimes {
        absolute: seconds(read, "SESSION_LIFETIME", 30)?,
        idle: seconds(read, "SESSION_IDLE_LIFETIME", 7)?,
    })
}
