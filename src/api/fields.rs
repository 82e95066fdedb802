//! The fields of a body in the accounts API: which are required, what they hold, and the 400 of one that is wrong.

use serde_json::{Map, Value};

use super::reply::{Dialect, Reply};
use edge_auth_core::account::BrokenRule;
use edge_auth_core::json;

/// Why the fields of a body are refused.
#[derive(Debug)]
pub(super) enum FieldsRefused {
    /// A required field is absent, null, empty or blank; all that are required.
    Missing(&'static str),
    /// A value is no string.
    NotAString(&'static str),
    /// A value breaks a rule.
    Rule(BrokenRule),
}

impl From<BrokenRule> for FieldsRefused {
    fn from(broken: BrokenRule) -> Self {
        Self::Rule(broken)
    }
}

impl FieldsRefused {
    /// The 400.
    pub(super) fn reply(&self) -> Reply {
        let text = match self {
            Self::Missing(required) => format!("Missing required fields: {required}"),
            Self::NotAString(field) => format!("{field} must be a string"),
            Self::Rule(broken) => broken.to_string(),
        };
        Dialect::Accounts.error(400, &text)
    }
}

/// The values of the fields that `names` lists, separated by `, `, whatever their type, unless one
/// is absent, null, the empty string or, but for a password, blank: nothing but Unicode white space.
pub(super) fn required<const N: usize>(
    fields: &mut Map<String, Value>,
    names: &'static str,
) -> Result<[(&'static str, Value); N], FieldsRefused> {
    let mut values = Vec::with_capacity(N);
    for name in names.split(", ") {
        let value = json::take(fields, name).filter(|value| match value.as_str() {
            Some(text) if name.ends_with("password") => !text.is_empty(),
            Some(text) => !text.trim().is_empty(),
            None => true,
        });
        values.push((name, value.ok_or(FieldsRefused::Missing(names))?));
    }
    values.try_into().map_err(|_| FieldsRefused::Missing(names))
}

/// The string that `field` holds.
pub(super) fn string((field, value): (&'static str, Value)) -> Result<String, FieldsRefused> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(FieldsRefused::NotAString(field)),
    }
}

/// The string that the field `name` holds, unless it is absent or null.
pub(super) fn optional(
    fields: &mut Map<String, Value>,
    name: &'static str,
) -> Result<Option<String>, FieldsRefused> {
    let value = json::take(fields, name);
    value.map(|value| string((name, value))).transpose()
}

/// Whether `scope`, a space-separated list (RFC 6749 section 3.3), asks for a refresh token. Unknown
/// words are ignored.
pub(super) fn offline_access(fields: &mut Map<String, Value>) -> Result<bool, FieldsRefused> {
    let scope = optional(fields, "scope")?.unwrap_or_default();
    Ok(scope.split(' ').any(|word| word == "offline_access"))
}
