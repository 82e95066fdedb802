//! Settings and secrets, parsed once. docs/settings.md lists them.

pub mod gateway;
pub mod mail;

mod accounts;
mod data_keys;
mod keys;
mod origins;
mod passkeys;
mod passwords;
mod read;
mod sessions;
#[cfg(test)]
mod tests;
mod urls;

use std::fmt;

use edge_auth_core::account::Roles;
use edge_auth_core::challenge::ChallengeKeys;
use edge_auth_core::data_keys::DataKeys;
use edge_auth_core::passkey::PasskeyKeys;
use edge_auth_core::password::{Function, Peppers};
use edge_auth_core::session::{CookieKeys, Lifetimes, RefreshKeys};
use edge_auth_core::throttle::AttemptHasher;
use edge_auth_core::time::{Milliseconds, Seconds};
use edge_auth_core::token::Keys;

use gateway::Prefixes;
use mail::Mail;
use read::{Read, boolean, number};

pub use origins::AllowedOrigins;
pub use passkeys::Passkeys;
pub use urls::PublicUrl;

/// Every setting, in the form in which it is used.
#[derive(Debug)]
pub struct Config {
    /// `JWT_ALGORITHM`, `JWT_SECRET` or `JWT_PRIVATE_KEY`, and `JWT_SECRETS_RETIRED`,
    /// `JWT_KEYS_RETIRED`: sign and verify access tokens.
    pub keys: Keys,
    /// Makes the keys that failed sign-ins are counted by. Its secret follows from the active key's.
    pub attempts: AttemptHasher,
    /// `JWT_ISSUER`: the claim `iss` of the tokens signed here. Tokens of another issuer are
    /// refused, so a change of it ends every token.
    pub issuer: String,
    /// `ACCESS_TOKEN_LIFETIME`: from a token's issue to its `exp`.
    pub access_token_lifetime: Seconds,
    /// `ALLOWED_ORIGINS`: whose pages may read answers.
    pub allowed_origins: AllowedOrigins,
    /// `REGISTRATION`: whether anybody may register.
    pub registration_is_open: bool,
    /// `TRUST_TOKEN_ALONE`: `/verify` and the gateway look at the token and read no account, so that
    /// they notice a revocation only when the token expires.
    pub trust_token_alone: bool,
    /// Make and verify refresh tokens. Their secrets follow from those of [`Config::keys`].
    pub refresh_keys: RefreshKeys,
    /// Make and verify the cookies of pages. Their secrets follow from those of [`Config::keys`].
    pub cookie_keys: CookieKeys,
    /// Make and verify links and codes. Their secrets follow from those of [`Config::keys`].
    pub challenge_keys: ChallengeKeys,
    /// `DATA_KEY` and `DATA_KEYS_RETIRED`: encrypt what must be read again. None without the first.
    pub data_keys: Option<DataKeys>,
    /// Make and verify the challenges of passkeys. Their secrets follow from those of [`Config::keys`].
    pub passkey_keys: PasskeyKeys,
    /// `SESSION_LIFETIME` and `SESSION_IDLE_LIFETIME`.
    pub session_lifetimes: Lifetimes,
    /// `SESSIONS_PER_USER`: one more, and the oldest one goes.
    pub sessions_per_user: u32,
    /// `ROLES`: what an account's role may be, the one with the fewest rights first.
    pub roles: Roles,
    /// `AUDIT_RETENTION_DAYS`: how long the audit trail is kept.
    pub audit_retention: Milliseconds,
    /// `READ_REPLICATION`: whether what only reads may be answered by a replica of the database,
    /// which lags behind.
    pub read_replication: bool,
    /// `PASSWORD_HASH` and `PASSWORD_ITERATIONS`: how new passwords are hashed.
    pub password_function: Function,
    /// `PASSWORD_MIN_LENGTH`: the fewest characters of a new password, after NFKC. NIST SP 800-63B-4
    /// (section 3.1.1.2) requires 15 of a password that is the only factor, and 8 of one that is only
    /// used together with another.
    pub password_min_length: u32,
    /// `PASSWORD_PEPPER` and `PASSWORD_PEPPERS_RETIRED`: secrets over the derived keys.
    pub peppers: Peppers,
    /// `SIGN_IN_FLOOR_MS`: a refused sign-in is answered no sooner than this after it came in.
    pub sign_in_floor: Milliseconds,
    /// `PROTECTED`: the prefixes whose requests need a token and go on to another service.
    pub protected: Prefixes,
    /// `PUBLIC_URL`: the service's own origin.
    pub public_url: Option<PublicUrl>,
    /// `MAIL` and what belongs to it; none where no mail is sent.
    pub mail: Option<Mail>,
    /// `BREACHED_PASSWORDS`: whether new passwords that are known from a breach are refused.
    pub refuses_breached_passwords: bool,
    /// `WEBAUTHN_RP_ID` and what belongs to it; none where there are no passkeys.
    pub passkeys: Option<Passkeys>,
}

/// A setting that is missing, weak, or does not parse. Says which and why, never its value.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError {
    setting: &'static str,
    problem: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.setting, self.problem)
    }
}

impl ConfigError {
    fn new(setting: &'static str, problem: impl Into<String>) -> Self {
        Self {
            setting,
            problem: problem.into(),
        }
    }
}

impl Config {
    /// Parses the settings that `read` knows by name.
    ///
    /// # Errors
    /// The first setting that is wrong. Nothing falls back to a built-in secret.
    pub fn parse(read: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Self::parse_from(&read)
    }

    fn parse_from(read: Read<'_>) -> Result<Self, ConfigError> {
        let keys = keys::keys(read)?;
        let issuer = read("JWT_ISSUER").unwrap_or_else(|| "edge-auth".to_owned());
        if issuer.is_empty() {
            return Err(ConfigError::new("JWT_ISSUER", "is empty"));
        }
        let passwords = passwords::Passwords::parse(read)?;
        let public_url = PublicUrl::parse(read)?;
        let allowed_origins = AllowedOrigins::parse(read)?;
        Ok(Self {
            attempts: keys::attempt_hasher(&keys)?,
            refresh_keys: keys::refresh_keys(&keys),
            challenge_keys: keys::challenge_keys(&keys),
            data_keys: data_keys::data_keys(read)?,
            cookie_keys: keys::cookie_keys(&keys),
            passkey_keys: keys::passkey_keys(&keys),
            keys,
            issuer,
            access_token_lifetime: Seconds(
                number(read, "ACCESS_TOKEN_LIFETIME", 60..=86_400)?.unwrap_or(900),
            ),
            registration_is_open: accounts::registration_is_open(read)?,
            trust_token_alone: boolean(read, "TRUST_TOKEN_ALONE")?.unwrap_or(false),
            session_lifetimes: sessions::lifetimes(read)?,
            sessions_per_user: number(read, "SESSIONS_PER_USER", 1..=1000)?.unwrap_or(50),
            roles: accounts::roles(read)?,
            audit_retention: read::DAY
                .milliseconds()
                .times(number(read, "AUDIT_RETENTION_DAYS", 1..=3650)?.unwrap_or(90)),
            read_replication: boolean(read, "READ_REPLICATION")?.unwrap_or(false),
            password_function: passwords.function,
            password_min_length: passwords.min_length,
            peppers: passwords.peppers,
            sign_in_floor: passwords.sign_in_floor,
            protected: gateway::prefixes(read)?,
            mail: Mail::parse(read, public_url.as_ref())?,
            passkeys: Passkeys::parse(read, public_url.as_ref(), &allowed_origins)?,
            allowed_origins,
            public_url,
            refuses_breached_passwords: passwords.refuses_breached,
        })
    }

    /// The host of `PUBLIC_URL`, by which people know the service.
    #[must_use]
    pub fn site(&self) -> Option<&str> {
        self.public_url.as_ref().map(PublicUrl::host)
    }

    /// How much CPU verifying a password may take.
    #[must_use]
    pub fn sign_in_budget(&self) -> Milliseconds {
        passwords::budget(self.sign_in_floor)
    }
}
