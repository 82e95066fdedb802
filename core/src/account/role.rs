//! What an account may do.

use std::borrow::Cow;
use std::fmt;

/// The role of an account that was given no other (docs/api.md, "Accounts").
const DEFAULT_ROLE: &str = "customer";

/// The role that may use the administration.
const ADMIN_ROLE: &str = "admin";

/// The most characters of a role's name, which goes into a header.
const MAX_CHARACTERS: usize = 64;

/// Whether a role can have this name: 1 to 64 of `a` to `z`, digits, `_` and `-`, fit for a header.
fn is_role(name: &str) -> bool {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    (1..=MAX_CHARACTERS).contains(&name.len()) && name.bytes().all(fits)
}

/// A role: 1 to 64 of `a` to `z`, digits, `_` and `-`, fit for a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role(Cow<'static, str>);

impl Role {
    /// The role of an account that was given no other (docs/api.md, "Accounts").
    pub const DEFAULT: Self = Self(Cow::Borrowed(DEFAULT_ROLE));

    /// The role that may use the administration.
    pub const ADMIN: Self = Self(Cow::Borrowed(ADMIN_ROLE));

    /// The role of that name, taken as it is written; `None` where no role can have it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        is_role(name).then(|| Self(Cow::Owned(name.to_owned())))
    }

    /// The role's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The roles that a deployment has, the one with the fewest rights first. [`Role::DEFAULT`] and
/// [`Role::ADMIN`] are always among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles(Vec<Role>);

/// Why a text is not the list of a deployment's roles. Worded to follow a setting's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RolesError {
    /// No role can have one of the names.
    Name,
    /// A role that every deployment has is missing.
    Lacks(Role),
}

impl Roles {
    /// Reads names that are separated by commas or white space, the fewest rights first.
    ///
    /// # Errors
    /// The first problem, names before missing roles.
    pub fn parse(text: &str) -> Result<Self, RolesError> {
        let names = text.split(|c: char| c == ',' || c.is_whitespace());
        let names = names.filter(|name| !name.is_empty());
        let roles: Option<Vec<_>> = names.map(Role::parse).collect();
        let roles = Self(roles.ok_or(RolesError::Name)?);
        for required in [Role::DEFAULT, Role::ADMIN] {
            if !roles.contains(&required) {
                return Err(RolesError::Lacks(required));
            }
        }
        Ok(roles)
    }

    /// Whether the deployment has this role.
    #[must_use]
    pub fn contains(&self, role: &Role) -> bool {
        self.0.contains(role)
    }

    /// The role of that name, if the deployment has it.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Role> {
        self.iter().find(|role| role.as_str() == name)
    }

    /// The roles, the one with the fewest rights first.
    pub fn iter(&self) -> impl Iterator<Item = &Role> {
        self.0.iter()
    }
}

impl Default for Roles {
    /// The roles of a deployment that configures none.
    fn default() -> Self {
        Self(vec![Role::DEFAULT, Role::ADMIN])
    }
}

impl fmt::Display for RolesError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => {
                formatter.write_str("has a name that is not 1 to 64 of a to z, 0 to 9, _ and -")
            }
            Self::Lacks(role) => write!(formatter, "lacks {role}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_a_header() {
        for name in ["a", "customer", "order-desk_2", "-", &"x".repeat(64)] {
            assert_eq!(Role::parse(name).unwrap().to_string(), name);
        }
        for name in [
            "",
            "Admin",
            "a b",
            " a",
            "a,b",
            "a\n",
            "a\0",
            "ä",
            "٣",
            &"x".repeat(65),
        ] {
            assert_eq!(Role::parse(name), None, "{name:?}");
        }
    }

    #[test]
    fn constants_are_the_roles_of_their_names() {
        assert_eq!(Role::parse("customer"), Some(Role::DEFAULT));
        assert_eq!(Role::parse("admin"), Some(Role::ADMIN));
        assert_ne!(Role::DEFAULT, Role::ADMIN);
    }

    #[test]
    fn lists_keep_their_order() {
        let names = |text: &str| -> Vec<String> {
            let roles = Roles::parse(text).unwrap();
            roles.iter().map(Role::to_string).collect()
        };
        assert_eq!(
            names("guest,customer, editor\n,\tadmin,"),
            ["guest", "customer", "editor", "admin"]
        );
        assert_eq!(names("admin customer"), ["admin", "customer"]);
        assert_eq!(Roles::parse("customer, admin"), Ok(Roles::default()));
    }

    #[test]
    fn lists_are_refused_with_a_reason() {
        let name = "has a name that is not 1 to 64 of a to z, 0 to 9, _ and -";
        for (text, problem) in [
            ("customer, Admin", name),
            ("customer; admin", name),
            ("Editor", name),
            ("customer editor", "lacks admin"),
            ("admin", "lacks customer"),
            ("", "lacks customer"),
            (" ,\n", "lacks customer"),
        ] {
            let error = Roles::parse(text).unwrap_err();
            assert_eq!(error.to_string(), problem, "{text:?}");
        }
    }

    #[test]
    fn only_roles_of_the_list_are_found() {
        let roles = Roles::parse("customer editor admin").unwrap();
        let editor = Role::parse("editor").unwrap();
        assert_eq!(roles.find("editor"), Some(&editor));
        assert!(roles.contains(&editor) && !Roles::default().contains(&editor));
        for name in ["guest", "Editor", "editor ", ""] {
            assert_eq!(roles.find(name), None, "{name:?}");
        }
    }
}
