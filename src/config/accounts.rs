//! Who may register, and as what.

use edge_auth_core::account::Roles;

use super::ConfigError;
use super::read::Read;

/// `REGISTRATION`.
pub(super) fn registration_is_open(read: Read<'_>) -> Result<bool, ConfigError> {
    match read("REGISTRATION").as_deref() {
        None | Some("open") => Ok(true),
        Some("closed") => Ok(false),
        Some(_) => Err(ConfigError::new("REGISTRATION", "must be open or closed")),
    }
}

/// `ROLES`.
pub(super) fn roles(read: Read<'_>) -> Result<Roles, ConfigError> {
    let setting = "ROLES";
    read(setting).map_or_else(
        || Ok(Roles::default()),
        |text| Roles::parse(&text).map_err(|error| ConfigError::new(setting, error.to_string())),
    )
}
