//! The fields of a body: which are required, and what they hold.

use edge_auth_core::json;
use serde_json::Value;

use super::Refused;
use super::body::Members;

/// The values of the fields that `names` lists, separated by `, `, whatever their type, unless one
/// is absent, null, the empty string or, but for a password, blank: nothing but Unicode white space.
pub(crate) fn required<const N: usize>(
    fields: &mut Members,
    names: &'static str,
) -> Result<[(&'static str, Value); N], Refused> {
    let mut values = Vec::with_capacity(N);
    for name in names.split(", ") {
        let value = json::take(fields, name).filter(|value| match value.as_str() {
            Some(text) if name.ends_with("password") => !text.is_empty(),
            Some(text) => !text.trim().is_empty(),
            None => true,
        });
        values.push((name, value.ok_or(Refused::Missing(names))?));
    }
    values.try_into().map_err(|_| Refused::Missing(names))
}

/// The string that `field` holds.
pub(crate) fn string((field, value): (&'static str, Value)) -> Result<String, Refused> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Refused::NotAString(field)),
    }
}

/// The string that the field `name` holds, unless it is absent or null.
pub(crate) fn optional(
    fields: &mut Members,
    name: &'static str,
) -> Result<Option<String>, Refused> {
    let value = json::take(fields, name);
    value.map(|value| string((name, value))).transpose()
}

/// Whether `scope`, a space-separated list (RFC 6749 section 3.3), asks for a refresh token. Unknown
/// words are ignored.
pub(crate) fn offline_access(fields: &mut Members) -> Result<bool, Refused> {
    let scope = optional(fields, "scope")?.unwrap_or_default();
    Ok(scope.split(' ').any(|word| word == "offline_access"))
}
