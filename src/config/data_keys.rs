//! The keys of what is stored encrypted.

use base64ct::{Base64Unpadded, Base64UrlUnpadded, Encoding};
use edge_auth_core::data_keys::{DataKey, DataKeys, KEY_BYTES};
use zeroize::Zeroizing;

use super::ConfigError;
use super::read::Read;

/// `DATA_KEY` and `DATA_KEYS_RETIRED`.
pub(super) fn data_keys(read: Read<'_>) -> Result<Option<DataKeys>, ConfigError> {
    let (setting, others) = ("DATA_KEY", "DATA_KEYS_RETIRED");
    let (text, retired) = (read(setting), read(others));
    let (text, retired) = (text.map(Zeroizing::new), retired.map(Zeroizing::new));
    let Some(text) = text else {
        // Half of a rotation: what is stored could not be read.
        return match retired {
            Some(_) => Err(ConfigError::new(
                setting,
                format!("is not set, but {others} is"),
            )),
            None => Ok(None),
        };
    };
    let wrong = |setting, which| {
        let problem = format!("must be 32 random bytes as base64url or base64{which}");
        move || ConfigError::new(setting, problem)
    };
    let active = data_key(&text).ok_or_else(wrong(setting, ""))?;
    let retired = retired.as_deref().map_or("", String::as_str);
    let retired = retired.split_whitespace().map(data_key);
    let retired: Option<_> = retired.collect();
    Ok(Some(DataKeys {
        active,
        retired: retired.ok_or_else(wrong(others, ", one key a line"))?,
    }))
}

/// A key in either alphabet, padded or not.
fn data_key(text: &str) -> Option<DataKey> {
    let digits = text.trim().trim_end_matches('=');
    let mut secret = Zeroizing::new([0; KEY_BYTES]);
    let is_base64 = digits.contains(['+', '/']);
    let decode = if is_base64 {
        Base64Unpadded::decode
    } else {
        Base64UrlUnpadded::decode
    };
    let decoded = decode(digits, &mut *secret).ok()?;
    let is_whole = decoded.len() == KEY_BYTES;
    // The weakest of keys, and what an example would be.
    let is_constant = secret.iter().all(|octet| Some(octet) == secret.first());
    (is_whole && !is_constant).then(|| DataKey::new(secret))
}
