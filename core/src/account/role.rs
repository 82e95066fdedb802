//! What an account may do.

/// The role of an account that was given no other (contract, "Dialect 2").
pub const DEFAULT_ROLE: &str = "customer";

/// The role that may use the administration.
pub const ADMIN_ROLE: &str = "admin";

/// Whether a role can have this name: 1 to 64 of `a` to `z`, digits, `_` and `-`, fit for a header.
#[must_use]
pub fn is_role(name: &str) -> bool {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}
