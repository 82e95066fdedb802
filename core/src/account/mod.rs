//! Who an account belongs to: its id, names, address and role.

mod email;
mod id;
pub mod import;
mod name;
mod role;
mod sign_in_name;
mod username;

pub use self::email::Email;
pub use self::id::UserId;
pub use self::name::Name;
pub use self::role::{Role, Roles, RolesError};
pub use self::sign_in_name::SignInName;
pub use self::username::Username;
pub use crate::broken_rule::BrokenRule;

/// An account as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The account's id.
    pub id: UserId,
    /// The e-mail address; only an imported account can lack one.
    pub email: Option<String>,
    /// The name to sign in with at `/auth`, where the account has one.
    pub username: Option<String>,
    /// The name that the person goes by.
    pub name: String,
    /// What the account may do, such as `customer`.
    pub role: Role,
    /// When the account was created, UTC, as in `2024-01-15T10:30:00`.
    pub created_at: String,
    /// When the account was last changed, in the same form.
    pub updated_at: String,
}
