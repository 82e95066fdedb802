//! A line of an import: an account of another service, with its stored hash (docs/api.md,
//! "Import").

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

use super::{BrokenRule, Email, Name, Role, Roles, UserId, Username};
use crate::json;
use crate::password::{HashRefused, StoredPassword};
use crate::time::Milliseconds;
use crate::unicode::Unicode;

/// The most bytes of a line: no account needs so many.
pub const MAX_LINE_BYTES: usize = 16 * 1024;

/// The most bytes of a stored hash, as the database has it.
const MAX_HASH_BYTES: usize = 512;

/// An account to be imported.
#[derive(Debug)]
pub struct ImportedAccount {
    /// The account's id in the other service, if the line gives it.
    pub id: Option<UserId>,
    /// The e-mail address; without one there is a username.
    pub email: Option<Email>,
    /// The username.
    pub username: Option<Username>,
    /// The name that the person goes by.
    pub name: Name,
    /// One of the configured roles.
    pub role: Role,
    /// Whether the other service knows that the e-mail address is the account's.
    pub email_verified: bool,
    /// The hash as the other service stored it, which can be verified here.
    pub password_hash: String,
}

/// Why a line is skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineRefused {
    /// It has more than [`MAX_LINE_BYTES`].
    TooLong,
    /// It is not a JSON object, or repeats a member.
    NotAnObject,
    /// A member is not a string.
    NotAString(&'static str),
    /// `email_verified` is not a truth value.
    NotABoolean,
    /// The id is not a positive whole number that JavaScript holds exactly.
    NotAnId,
    /// There is neither an e-mail address nor a username.
    Nameless,
    /// There is no stored hash.
    NoHash,
    /// The role is not one of the configured ones.
    UnknownRole,
    /// A value breaks a rule.
    Rule(BrokenRule),
    /// The stored hash cannot be verified.
    Hash(HashRefused),
}

impl fmt::Display for LineRefused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::TooLong => "line is longer than 16 KiB",
            Self::NotAnObject => "line must be a JSON object",
            Self::NotAString(field) => return write!(formatter, "{field} must be a string"),
            Self::NotABoolean => "email_verified must be true or false",
            Self::NotAnId => "id must be a positive whole number",
            Self::Nameless => "email or username must be given",
            Self::NoHash => "password_hash must be given",
            Self::UnknownRole => "role is not known",
            Self::Rule(broken) => return broken.fmt(formatter),
            Self::Hash(refused) => return refused.fmt(formatter),
        };
        formatter.write_str(text)
    }
}

impl From<BrokenRule> for LineRefused {
    fn from(broken: BrokenRule) -> Self {
        Self::Rule(broken)
    }
}

impl ImportedAccount {
    /// Reads a line. A hash may take `budget` of CPU.
    ///
    /// # Errors
    /// See [`LineRefused`].
    pub fn parse(
        line: &[u8],
        roles: &Roles,
        budget: Milliseconds,
        unicode: Unicode,
    ) -> Result<Self, LineRefused> {
        if line.len() > MAX_LINE_BYTES {
            return Err(LineRefused::TooLong);
        }
        let mut members = json::object(line).map_err(|_| LineRefused::NotAnObject)?;
        let id = match json::take(&mut members, "id") {
            None => None,
            Some(id) => Some(
                id.as_i64()
                    .and_then(UserId::new)
                    .ok_or(LineRefused::NotAnId)?,
            ),
        };
        let email_verified = match json::take(&mut members, "email_verified") {
            None => true,
            Some(value) => value.as_bool().ok_or(LineRefused::NotABoolean)?,
        };
        let mut text = |name| match json::take(&mut members, name) {
            None => Ok(None),
            Some(serde_json::Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(LineRefused::NotAString(name)),
        };
        let (email, username) = (text("email")?, text("username")?);
        let (name, role) = (text("name")?, text("role")?);
        let password_hash = text("password_hash")?.ok_or(LineRefused::NoHash)?;
        if email.is_none() && username.is_none() {
            return Err(LineRefused::Nameless);
        }
        let email = email.map(|email| Email::parse(&email)).transpose()?;
        let username = username.map(|name| Username::parse(&name, unicode));
        let username = username.transpose()?;
        let known = username.as_ref().map(Username::as_str);
        let name = name.as_deref().or(known).unwrap_or_default();
        let name = Name::parse(name, unicode)?;
        let role = match role {
            None => Role::DEFAULT,
            Some(name) => roles.find(&name).ok_or(LineRefused::UnknownRole)?.clone(),
        };
        // The salt of some forms may be any text. The database reads one with a NUL as shorter than
        // it is, and refuses every line that is sent with it.
        if password_hash.chars().any(char::is_control) {
            let rule = "must not contain control characters";
            return Err(BrokenRule::new("password_hash", rule).into());
        }
        if password_hash.len() > MAX_HASH_BYTES {
            return Err(LineRefused::Hash(HashRefused::UnknownForm));
        }
        StoredPassword::parse(&password_hash, budget).map_err(LineRefused::Hash)?;
        Ok(Self {
            id,
            email_verified: email_verified && email.is_some(),
            email,
            username,
            name,
            role,
            password_hash,
        })
    }

    /// What tells this line's account from another of the same name: the SHA-256, in base64url, of
    /// its id in the other service and its hash.
    #[must_use]
    pub fn digest(&self) -> String {
        let id = self.id.map(|id| id.to_string()).unwrap_or_default();
        let digest = Sha256::digest(format!("{id} {}", self.password_hash));
        Base64UrlUnpadded::encode_string(&digest)
    }
}

/// The lines of a body that are not blank, with their numbers from 1, which count blank lines too.
/// A byte order mark at the start and carriage returns at the ends are left out.
pub fn lines(body: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    (1..).zip(lines).filter(|(_, line)| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unicode::TABLES;

    const HASH: &str =
        "$pbkdf2-sha256$29000$BwcHBwcHBwcHBwcHBwcHBw$AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";

    fn parse(line: &str) -> Result<ImportedAccount, String> {
        let roles = Roles::default();
        let parsed = ImportedAccount::parse(line.as_bytes(), &roles, Milliseconds(400), TABLES);
        parsed.map_err(|refused| refused.to_string())
    }

    #[test]
    fn defaults() {
        let line = format!(r#"{{"username":"Ann","password_hash":"{HASH}","more":1}}"#);
        let account = parse(&line).unwrap();
        assert_eq!(account.email, None);
        assert_eq!(account.name.as_str(), "Ann");
        assert_eq!(account.role, Role::DEFAULT);
        assert_eq!(account.password_hash, HASH);
        let line = format!(
            r#"{{"email":" ANN@example.com","name":" Ann ","role":"admin","password_hash":"{HASH}"}}"#
        );
        let account = parse(&line).unwrap();
        assert_eq!(account.email.unwrap().as_str(), "ann@example.com");
        assert_eq!(account.name.as_str(), "Ann");
        assert_eq!(account.role, Role::ADMIN);
    }

    #[test]
    fn a_digest_tells_accounts_of_one_name_apart() {
        let digest = |members: &str, hash: &str| {
            let line = format!(r#"{{{members}"username":"Ann","password_hash":"{hash}"}}"#);
            parse(&line).unwrap().digest()
        };
        let ann = digest(r#""id":7,"#, HASH);
        assert_eq!(ann, "t-CISIGmL7igRRzjKIENXE9B76XdR2alEpD-S08LD6U");
        assert_eq!(ann, digest(r#""name":"Ann Lee","id":7,"#, HASH));
        assert_ne!(ann, digest(r#""id":8,"#, HASH));
        assert_ne!(ann, digest("", HASH));
        assert_ne!(ann, digest(r#""id":7,"#, &HASH.replace("AQEB", "AQEC")));
    }

    #[test]
    fn lines_are_refused_with_a_reason() {
        let with = |members: &str| format!(r#"{{{members},"password_hash":"{HASH}"}}"#);
        for (line, reason) in [
            ("nonsense".to_owned(), "line must be a JSON object"),
            (r#"{"email":"ann@exam"#.to_owned(), "line must be a JSON object"),
            (with(r#""email":"a@example.com","email":"b@example.com""#), "line must be a JSON object"),
            (" ".repeat(MAX_LINE_BYTES + 1), "line is longer than 16 KiB"),
            (with(r#""name":"Ann""#), "email or username must be given"),
            (with(r#""username":"Ann","id":"7""#), "id must be a positive whole number"),
            (with(r#""username":"Ann","id":0"#), "id must be a positive whole number"),
            (with(r#""email":1"#), "email must be a string"),
            (with(r#""email":"a""#), "email must contain exactly one @"),
            (with(r#""email":"a@example.com""#), "name must be 1 to 200 characters long"),
            (with(r#""username":"ab""#), "username must be 3 to 64 characters long"),
            (with(r#""username":"Ann","role":"king""#), "role is not known"),
            (r#"{"username":"Ann"}"#.to_owned(), "password_hash must be given"),
            (
                r#"{"username":"Ann","password_hash":"md5$x$y"}"#.to_owned(),
                "password_hash has a form that is not known",
            ),
            (
                r#"{"username":"Ann","password_hash":"scrypt:33554432:8:1$abc$00112233445566778899aabbccddeeff"}"#
                    .to_owned(),
                "password_hash takes more than 64 MiB of memory",
            ),
            (
                format!(r#"{{"username":"Ann","password_hash":"{}"}}"#, "$x".repeat(300)),
                "password_hash has a form that is not known",
            ),
        ] {
            let shown: String = line.chars().take(80).collect();
            assert_eq!(parse(&line).unwrap_err(), reason, "{shown}");
        }
    }

    #[test]
    fn hashes_with_control_characters_are_refused() {
        let with_salt = |salt: &str| {
            let hash = format!("pbkdf2:sha256:1000${salt}${}", "ab".repeat(32));
            parse(&serde_json::json!({ "username": "Ann", "password_hash": hash }).to_string())
        };
        assert!(with_salt("s \u{e4}lt").is_ok());
        for salt in ["\0", "sa\0lt", "salt\u{1f}", "\u{7f}", "\u{85}", "\n"] {
            let refused = with_salt(salt).unwrap_err();
            assert_eq!(
                refused, "password_hash must not contain control characters",
                "{salt:?}"
            );
        }
    }

    #[test]
    fn lines_are_numbered_with_the_blank_ones() {
        let numbered = |body: &str| {
            let lines = lines(body.as_bytes());
            lines
                .map(|(number, line)| format!("{number}{}", str::from_utf8(line).unwrap()))
                .collect::<Vec<_>>()
        };
        assert_eq!(numbered("\u{feff}a\r\n\r\n \n b\nc"), ["1a", "4b", "5c"]);
        assert!(numbered("").is_empty() && numbered("\n\r\n").is_empty());
    }
}
