//! `PROTECTED`: which paths go on to another service, who may ask for them, and which spellings of
//! a path are refused because that service could read them as another one.

mod path;
mod setting;
#[cfg(test)]
mod tests;

use edge_auth_core::account::Role;
use edge_auth_core::dialect::Dialect;
use edge_auth_core::proof::Requirement;

use super::ConfigError;
use super::read::Read;
use path::{is_read_under, reading};

/// Where requests under a prefix go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upstream {
    /// A service binding of `wrangler.toml`, by its name.
    Binding(String),
    /// An `https://` origin, without a slash at its end.
    Origin(String),
}

/// A prefix whose requests need a token.
#[derive(Debug, PartialEq, Eq)]
pub struct Prefix {
    /// The prefix, which starts and ends with `/`.
    pub prefix: String,
    /// Where its requests go.
    pub upstream: Upstream,
    /// Words the 401 where neither scheme was sent.
    pub dialect: Dialect,
    /// The role that an account needs, if it needs a certain one.
    pub role: Option<Role>,
    /// What is asked of how and when an account's holder last showed who they are.
    pub requirement: Requirement,
    /// Methods that need no token.
    pub public_methods: Vec<String>,
    /// Whether the upstream is sent the client's `Authorization`.
    pub pass_authorization: bool,
}

/// Where a path lies.
#[derive(Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Under no prefix.
    Outside,
    /// Under this one.
    Under(&'a Prefix),
    /// Under a prefix, in a spelling that two servers could read as two paths.
    Ambiguous,
}

/// Every protected prefix, the longest first.
#[derive(Debug, Default)]
pub struct Prefixes(Vec<Prefix>);

impl Prefixes {
    /// The longest prefix that `path`, as the client sent it, is under.
    ///
    /// A path counts only if every way to read it leads to one place: an upstream may decode it,
    /// more than once, drop what follows a `;`, fold its characters, take a format from the end of
    /// its last name or add a slash to it, and by none of that may it come out under a longer
    /// prefix, or under none.
    ///
    /// `fold` makes one text of all that a server could take for the same: letters of any case,
    /// width or font, with or without marks and invisible characters. It is asked about texts that
    /// are not ASCII alone, and may leave the case of ASCII as it is.
    #[must_use]
    pub fn place(&self, path: &str, fold: fn(&str) -> String) -> Place<'_> {
        let mut prefixes = self.0.iter();
        let Some(prefix) = prefixes.find(|entry| path.starts_with(&entry.prefix)) else {
            return Place::Outside;
        };
        let read = reading(path, fold).and_then(|reading| {
            let mut prefixes = self.0.iter();
            prefixes.find(|entry| is_read_under(&reading, &entry.prefix))
        });
        if read == Some(prefix) {
            Place::Under(prefix)
        } else {
            Place::Ambiguous
        }
    }
}

/// `PROTECTED`.
pub(super) fn prefixes(read: Read<'_>) -> Result<Prefixes, ConfigError> {
    let setting = "PROTECTED";
    let Some(text) = read(setting) else {
        return Ok(Prefixes::default());
    };
    Prefixes::parse(&text).map_err(|problem| ConfigError::new(setting, problem))
}
