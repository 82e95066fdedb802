//! Settings of a kind: numbers, truth values, times.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::ConfigError;
use edge_auth_core::time::{Milliseconds, Seconds};

/// What a setting of that name says, if it is set.
pub(super) type Read<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A day.
pub(super) const DAY: Seconds = Seconds(24 * 60 * 60);

/// A whole number in that range.
pub(super) fn number<T: FromStr + PartialOrd + fmt::Display>(
    read: Read<'_>,
    setting: &'static str,
    range: RangeInclusive<T>,
) -> Result<Option<T>, ConfigError> {
    let Some(text) = read(setting) else {
        return Ok(None);
    };
    match text.parse() {
        Ok(value) if range.contains(&value) => Ok(Some(value)),
        _ => Err(ConfigError::new(
            setting,
            format!(
                "must be a whole number from {} to {}",
                range.start(),
                range.end()
            ),
        )),
    }
}

/// `true` or `false`.
pub(super) fn boolean(read: Read<'_>, setting: &'static str) -> Result<Option<bool>, ConfigError> {
    let Some(text) = read(setting) else {
        return Ok(None);
    };
    let value = text.parse().map(Some);
    value.map_err(|_| ConfigError::new(setting, "must be true or false"))
}

/// A setting of two values.
pub(super) fn choice(
    read: Read<'_>,
    setting: &'static str,
    values: [&'static str; 2],
) -> Result<Option<&'static str>, ConfigError> {
    let Some(text) = read(setting) else {
        return Ok(None);
    };
    let value = values.into_iter().find(|value| *value == text);
    let [one, other] = values;
    let wrong = || ConfigError::new(setting, format!("must be {one} or {other}"));
    value.map(Some).ok_or_else(wrong)
}

/// A setting in seconds, up to a year, as milliseconds.
pub(super) fn seconds(
    read: Read<'_>,
    setting: &'static str,
    default_days: u64,
) -> Result<Milliseconds, ConfigError> {
    let seconds = number(read, setting, 60..=365 * DAY.0)?;
    Ok(Seconds(seconds.unwrap_or(default_days * DAY.0)).milliseconds())
}
