//! The members of the standard's JSON.

use serde_json::Value;

use super::{CredentialId, InvalidPasskey, base64url};

/// The most bytes of `clientDataJSON`.
const MAX_CLIENT_DATA_BYTES: usize = 8 * 1024;

/// A member that is a text.
pub(super) fn text<'a>(object: &'a Value, name: &str) -> Result<&'a str, InvalidPasskey> {
    let member = object.get(name).and_then(Value::as_str);
    member.ok_or(InvalidPasskey::Form)
}

/// A member that is base64url of one byte at least.
pub(super) fn bytes(
    object: &Value,
    name: &str,
    max_bytes: usize,
) -> Result<Vec<u8>, InvalidPasskey> {
    base64url(text(object, name)?, max_bytes)
}

/// `response.clientDataJSON`.
pub(super) fn client_data(response: &Value) -> Result<Vec<u8>, InvalidPasskey> {
    bytes(response, "clientDataJSON", MAX_CLIENT_DATA_BYTES)
}

/// The id of a `PublicKeyCredential` (section 5.1), and its response.
pub(super) fn credential(json: &Value) -> Result<(CredentialId, &Value), InvalidPasskey> {
    let id = text(json, "id")?;
    if text(json, "rawId")? != id || text(json, "type")? != "public-key" {
        return Err(InvalidPasskey::Form);
    }
    let response = json.get("response").ok_or(InvalidPasskey::Form)?;
    Ok((CredentialId::parse(id)?, response))
}
