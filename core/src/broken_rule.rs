//! What is wrong with a value that somebody sent.

use std::borrow::Cow;
use std::fmt;

/// A rule that a value of a request breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenRule {
    /// The field that holds the value.
    pub field: &'static str,
    /// The rule, worded to follow the field's name.
    pub rule: Cow<'static, str>,
}

impl BrokenRule {
    /// A rule of `field`, worded to follow its name.
    pub fn new(field: &'static str, rule: impl Into<Cow<'static, str>>) -> Self {
        let rule = rule.into();
        Self { field, rule }
    }
}

impl fmt::Display for BrokenRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.field, self.rule)
    }
}
