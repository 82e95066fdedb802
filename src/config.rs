//! Settings and secrets, parsed once.
//!
//! | setting | unit and range | default |
//! |---|---|---|
//! | `JWT_ALGORITHM` | `HS256`, `EdDSA` or `ES256` | `HS256` |
//! | `JWT_SECRET` (a secret), with HS256 | at least 32 bytes | none |
//! | `JWT_PRIVATE_KEY` (a secret), with EdDSA and ES256 | a private JWK | none |
//! | `JWT_SECRETS_RETIRED` (a secret) | HMAC secrets that verify, one a line | none |
//! | `JWT_KEYS_RETIRED` (a secret) | JWKs that verify, one after another | none |
//! | `JWT_ACCEPT_FORGEABLE_TOKENS` | `true` or `false`: whether retired secrets may be weak | `false` |
//! | `JWT_ISSUER` | any text but the empty one | `edge-auth` |
//! | `ACCESS_TOKEN_LIFETIME` | seconds, 60 to 86,400 | 900 |
//! | `ALLOWED_ORIGINS` | origins, separated by white space or commas, or `*` alone | none |
//! | `TRUST_TOKEN_ALONE` | `true` or `false`: whether `/verify` and the gateway read no account | `false` |
//! | `REGISTRATION` | `open` or `closed`: whether anybody may register | `open` |
//! | `SESSION_LIFETIME` | seconds, 60 to 31,536,000 | 2,592,000 (30 days) |
//! | `SESSION_IDLE_LIFETIME` | seconds without a refresh, 60 to 31,536,000 | 604,800 (7 days) |
//! | `SESSIONS_PER_USER` | 1 to 1,000 | 50 |
//! | `ROLES` | names, separated by commas or white space, the fewest rights first | `customer, admin` |
//! | `AUDIT_RETENTION_DAYS` | days, 1 to 3,650 | 90 |
//! | `READ_REPLICATION` | `true` or `false`: whether reads may go to a replica of the database | `false` |
//! | `PASSWORD_HASH` | `pbkdf2-sha512`, `pbkdf2-sha256` or `argon2id` | `pbkdf2-sha512` |
//! | `PASSWORD_ITERATIONS` | 100,000 to 10,000,000 | 210,000 for SHA-512, 600,000 for SHA-256 |
//! | `PASSWORD_MIN_LENGTH` | characters of a new password, 8 to 64 | 8 |
//! | `PASSWORD_PEPPER` (a secret) | at least 32 bytes | none |
//! | `PASSWORD_PEPPERS_RETIRED` (a secret) | peppers of old hashes, separated by white space | none |
//! | `SIGN_IN_FLOOR_MS` | milliseconds, 10 to 10,000, long enough for a new password's hash | 500 |
//! | `PROTECTED` | a list of tables, see [`prefixes`] | none |

pub mod prefixes;

mod origins;

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use zeroize::Zeroizing;

use edge_auth_core::account::{ADMIN_ROLE, DEFAULT_ROLE, is_role};
use edge_auth_core::keyed_hash::KeyedHash;
use edge_auth_core::password::{Function, Pbkdf2Hash, Pepper, Peppers, new_derivation};
use edge_auth_core::session::{Lifetimes, RefreshKeys};
use edge_auth_core::throttle::AttemptHasher;
use edge_auth_core::token::{Algorithm, KeyError, Keys, RetiredKey, SigningKey};
use prefixes::Prefixes;

pub use origins::AllowedOrigins;

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
    /// `ACCESS_TOKEN_LIFETIME`: seconds from a token's issue to its `exp`.
    pub access_token_lifetime: u32,
    /// `ALLOWED_ORIGINS`: whose pages may read answers.
    pub allowed_origins: AllowedOrigins,
    /// `REGISTRATION`: whether anybody may register.
    pub registration_is_open: bool,
    /// `TRUST_TOKEN_ALONE`: `/verify` and the gateway look at the token and read no account, so that
    /// they notice a revocation only when the token expires.
    pub trust_token_alone: bool,
    /// Make and verify refresh tokens. Their secrets follow from those of [`Config::keys`].
    pub refresh_keys: RefreshKeys,
    /// `SESSION_LIFETIME` and `SESSION_IDLE_LIFETIME`.
    pub session_lifetimes: Lifetimes,
    /// `SESSIONS_PER_USER`: one more, and the oldest one goes.
    pub sessions_per_user: u32,
    /// `ROLES`: what an account's role may be, the one with the fewest rights first.
    pub roles: Vec<String>,
    /// `AUDIT_RETENTION_DAYS`: how long the audit trail is kept, in milliseconds.
    pub audit_retention: u64,
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
    /// `SIGN_IN_FLOOR_MS`: a refused sign-in is answered no sooner than this many milliseconds
    /// after it came in.
    pub sign_in_floor_ms: u32,
    /// `PROTECTED`: the prefixes whose requests need a token and go on to another service.
    pub protected: Prefixes,
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
    /// The first setting that is wrong. Nothing falls back to a built-in secret (contract,
    /// "Configuration").
    pub fn parse(read: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let keys = keys(&read)?;
        let issuer = read("JWT_ISSUER").unwrap_or_else(|| "edge-auth".to_owned());
        if issuer.is_empty() {
            return Err(ConfigError::new("JWT_ISSUER", "is empty"));
        }

        let iterations = number(&read, "PASSWORD_ITERATIONS", 100_000..=10_000_000)?;
        let pbkdf2 = |hash, owasp| Function::Pbkdf2 {
            hash,
            iterations: iterations.unwrap_or(owasp),
        };
        let password_function = match read("PASSWORD_HASH").as_deref() {
            None | Some("pbkdf2-sha512") => pbkdf2(Pbkdf2Hash::Sha512, 210_000),
            Some("pbkdf2-sha256") => pbkdf2(Pbkdf2Hash::Sha256, 600_000),
            Some("argon2id") if iterations.is_none() => Function::Argon2 {
                id: true,
                memory: 19_456,
                passes: 2,
                lanes: 1,
            },
            Some("argon2id") => {
                let problem = "is set, which argon2id has none of";
                return Err(ConfigError::new("PASSWORD_ITERATIONS", problem));
            }
            Some(_) => {
                let problem = "is none of pbkdf2-sha512, pbkdf2-sha256 and argon2id";
                return Err(ConfigError::new("PASSWORD_HASH", problem));
            }
        };

        let config = Self {
            attempts: attempt_hasher(&keys)?,
            refresh_keys: RefreshKeys::new(keyed_hashes(&keys, "refresh tokens")),
            keys,
            issuer,
            access_token_lifetime: number(&read, "ACCESS_TOKEN_LIFETIME", 60..=86_400)?
                .unwrap_or(900),
            allowed_origins: AllowedOrigins::parse(&read)?,
            registration_is_open: match read("REGISTRATION").as_deref() {
                None | Some("open") => true,
                Some("closed") => false,
                Some(_) => {
                    let problem = "must be open or closed";
                    return Err(ConfigError::new("REGISTRATION", problem));
                }
            },
            trust_token_alone: boolean(&read, "TRUST_TOKEN_ALONE")?.unwrap_or(false),
            session_lifetimes: Lifetimes {
                absolute: seconds(&read, "SESSION_LIFETIME", 30)?,
                idle: seconds(&read, "SESSION_IDLE_LIFETIME", 7)?,
            },
            roles: roles(&read)?,
            audit_retention: number(&read, "AUDIT_RETENTION_DAYS", 1..=3650)?.unwrap_or(90)
                * 24
                * 60
                * 60
                * 1000,
            read_replication: boolean(&read, "READ_REPLICATION")?.unwrap_or(false),
            sessions_per_user: number(&read, "SESSIONS_PER_USER", 1..=1000)?.unwrap_or(50),
            password_function,
            password_min_length: number(&read, "PASSWORD_MIN_LENGTH", 8..=64)?.unwrap_or(8),
            peppers: peppers(&read)?,
            sign_in_floor_ms: number(&read, "SIGN_IN_FLOOR_MS", 10..=10_000)?.unwrap_or(500),
            protected: protected(&read)?,
        };
        // A password is tried as sent and normalized.
        let output_bytes = new_derivation(password_function, [0; 16]).output_bytes;
        let microseconds = password_function.microseconds(output_bytes) * 2;
        if microseconds > u64::from(config.sign_in_budget_ms()) * 1000 {
            let problem = "is too short for the hash of a new password";
            return Err(ConfigError::new("SIGN_IN_FLOOR_MS", problem));
        }
        Ok(config)
    }

    /// Milliseconds of CPU that verifying a password may take. A fifth of the floor is left for
    /// everything else that a refused sign-in does.
    #[must_use]
    pub fn sign_in_budget_ms(&self) -> u32 {
        self.sign_in_floor_ms / 5 * 4
    }
}

fn keys(read: impl Fn(&str) -> Option<String>) -> Result<Keys, ConfigError> {
    let required = |setting| {
        let value = read(setting).map(Zeroizing::new);
        value.ok_or_else(|| ConfigError::new(setting, "is not set"))
    };
    let private = |algorithm| {
        let setting = "JWT_PRIVATE_KEY";
        SigningKey::from_jwk(&required(setting)?, algorithm).map_err(refused(setting))
    };
    let active = match read("JWT_ALGORITHM").as_deref() {
        None | Some("HS256") => {
            let setting = "JWT_SECRET";
            SigningKey::from_secret(required(setting)?.as_bytes())
                .map_err(|_| ConfigError::new(setting, "is shorter than 32 bytes"))?
        }
        Some("EdDSA") => private(Algorithm::EdDsa)?,
        Some("ES256") => private(Algorithm::Es256)?,
        Some(_) => {
            let problem = "is none of HS256, EdDSA and ES256";
            return Err(ConfigError::new("JWT_ALGORITHM", problem));
        }
    };
    let accept_weak = boolean(&read, "JWT_ACCEPT_FORGEABLE_TOKENS")?.unwrap_or(false);
    let optional = |setting| Zeroizing::new(read(setting).unwrap_or_default());

    let setting = "JWT_SECRETS_RETIRED";
    let secrets = optional(setting);
    // Not by words: a secret may hold a space, and no part of it may be taken for a whole one.
    let secrets = secrets.lines().filter(|line| !line.is_empty());
    let secrets = secrets.map(str::as_bytes);
    let secrets = secrets.map(|secret| RetiredKey::from_secret(secret, accept_weak));
    let mut retired: Vec<_> = secrets
        .collect::<Result<_, _>>()
        .map_err(refused(setting))?;

    let setting = "JWT_KEYS_RETIRED";
    let jwks = RetiredKey::from_jwks(&optional(setting), accept_weak);
    retired.extend(jwks.map_err(refused(setting))?);
    Ok(Keys { active, retired })
}

fn attempt_hasher(keys: &Keys) -> Result<AttemptHasher, ConfigError> {
    let active = keyed_hashes(keys, "attempts").next();
    let hash = active.ok_or_else(|| ConfigError::new("JWT_SECRET", "is not set"))?;
    Ok(AttemptHasher::new(hash))
}

/// Keyed hashes for one purpose, that of the active key first.
fn keyed_hashes(keys: &Keys, purpose: &str) -> impl Iterator<Item = KeyedHash> {
    let secrets = keys.derived_secrets(purpose).into_iter();
    secrets.map(|secret| KeyedHash::new(&secret))
}

/// A setting in seconds, up to a year, as milliseconds.
fn seconds(
    read: impl Fn(&str) -> Option<String>,
    setting: &'static str,
    default_days: u64,
) -> Result<u64, ConfigError> {
    const DAY: u64 = 24 * 60 * 60;
    let seconds = number(read, setting, 60..=365 * DAY)?;
    Ok(seconds.unwrap_or(default_days * DAY) * 1000)
}

fn roles(read: impl Fn(&str) -> Option<String>) -> Result<Vec<String>, ConfigError> {
    let setting = "ROLES";
    let Some(text) = read(setting) else {
        return Ok(vec![DEFAULT_ROLE.to_owned(), ADMIN_ROLE.to_owned()]);
    };
    let separators = |c: char| c == ',' || c.is_whitespace();
    let roles = text.split(separators).filter(|role| !role.is_empty());
    let roles: Vec<_> = roles.map(str::to_owned).collect();
    if !roles.iter().all(|role| is_role(role)) {
        let problem = "has a name that is not 1 to 64 of a to z, 0 to 9, _ and -";
        return Err(ConfigError::new(setting, problem));
    }
    for required in [DEFAULT_ROLE, ADMIN_ROLE] {
        if !roles.iter().any(|role| role == required) {
            return Err(ConfigError::new(setting, format!("lacks {required}")));
        }
    }
    Ok(roles)
}

fn refused(setting: &'static str) -> impl Fn(KeyError) -> ConfigError {
    move |error| {
        let more = match error {
            KeyError::OtherAlgorithm => " than JWT_ALGORITHM",
            KeyError::Weak => {
                ", with which tokens can be forged; JWT_ACCEPT_FORGEABLE_TOKENS = true accepts that"
            }
            _ => "",
        };
        ConfigError::new(setting, format!("{error}{more}"))
    }
}

fn boolean(
    read: impl Fn(&str) -> Option<String>,
    setting: &'static str,
) -> Result<Option<bool>, ConfigError> {
    let Some(text) = read(setting) else {
        return Ok(None);
    };
    let value = text.parse().map(Some);
    value.map_err(|_| ConfigError::new(setting, "is neither true nor false"))
}

fn peppers(read: impl Fn(&str) -> Option<String>) -> Result<Peppers, ConfigError> {
    let secrets = |setting| {
        let text = Zeroizing::new(read(setting).unwrap_or_default());
        let peppers = text.split_whitespace().map(|secret| {
            let weak = |_| ConfigError::new(setting, "is shorter than 32 bytes");
            Pepper::new(secret.as_bytes()).map_err(weak)
        });
        peppers.collect::<Result<Vec<_>, _>>()
    };
    let pepper = "PASSWORD_PEPPER";
    let mut active = secrets(pepper)?;
    if active.len() > 1 {
        return Err(ConfigError::new(pepper, "has white space in it"));
    }
    // Set to nothing is a mistake, not the wish for no pepper.
    if active.is_empty() && read(pepper).is_some() {
        return Err(ConfigError::new(pepper, "is empty"));
    }
    Ok(Peppers {
        active: active.pop(),
        retired: secrets("PASSWORD_PEPPERS_RETIRED")?,
    })
}

fn protected(read: impl Fn(&str) -> Option<String>) -> Result<Prefixes, ConfigError> {
    let setting = "PROTECTED";
    let Some(text) = read(setting) else {
        return Ok(Prefixes::default());
    };
    Prefixes::parse(&text).map_err(|problem| ConfigError::new(setting, problem))
}

fn number<T: FromStr + PartialOrd + fmt::Display>(
    read: impl Fn(&str) -> Option<String>,
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
                "is no whole number from {} to {}",
                range.start(),
                range.end()
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn parse(settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::parse(|name| {
            let given = settings.iter().find(|(key, _)| *key == name);
            given.map(|(_, value)| (*value).to_owned())
        })
    }

    fn pbkdf2(hash: Pbkdf2Hash, iterations: u32) -> Function {
        Function::Pbkdf2 { hash, iterations }
    }

    fn problem(setting: &str, value: &str) -> String {
        let settings = [("JWT_SECRET", SECRET), (setting, value)];
        let settings = if setting == "JWT_SECRET" {
            &settings[1..]
        } else {
            &settings[..]
        };
        parse(settings).unwrap_err().to_string()
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let config = parse(&[("JWT_SECRET", SECRET)]).unwrap();
        assert_eq!(config.issuer, "edge-auth");
        assert_eq!(config.access_token_lifetime, 900);
        assert_eq!(config.allowed_origins, AllowedOrigins::None);
        assert!(config.registration_is_open);
        assert!(!config.trust_token_alone);
        assert_eq!(config.session_lifetimes.absolute, 30 * 86_400_000);
        assert_eq!(config.session_lifetimes.idle, 7 * 86_400_000);
        assert_eq!(config.sessions_per_user, 50);
        assert_eq!(config.roles, ["customer", "admin"]);
        assert_eq!(config.audit_retention, 90 * 86_400_000);
        assert!(!config.read_replication);
        assert_eq!(
            config.password_function,
            pbkdf2(Pbkdf2Hash::Sha512, 210_000)
        );
        assert_eq!(config.password_min_length, 8);
        assert_eq!(config.sign_in_budget_ms(), 400);
        assert_eq!(config.sign_in_floor_ms, 500);
    }

    #[test]
    fn settings_are_taken() {
        let config = parse(&[
            ("JWT_SECRET", SECRET),
            ("JWT_ISSUER", "https://auth.example.com"),
            ("ACCESS_TOKEN_LIFETIME", "60"),
            ("ALLOWED_ORIGINS", "*"),
            ("PASSWORD_HASH", "pbkdf2-sha256"),
            ("SIGN_IN_FLOOR_MS", "600"),
        ])
        .unwrap();
        assert_eq!(config.issuer, "https://auth.example.com");
        assert_eq!(config.access_token_lifetime, 60);
        assert_eq!(config.allowed_origins, AllowedOrigins::Any);
        assert_eq!(
            config.password_function,
            pbkdf2(Pbkdf2Hash::Sha256, 600_000)
        );
        assert_eq!(config.sign_in_floor_ms, 600);
        let config = parse(&[("JWT_SECRET", SECRET), ("PASSWORD_ITERATIONS", "100000")]).unwrap();
        assert_eq!(
            config.password_function,
            pbkdf2(Pbkdf2Hash::Sha512, 100_000)
        );
        let config = parse(&[("JWT_SECRET", SECRET), ("PASSWORD_HASH", "argon2id")]).unwrap();
        let argon2id = Function::Argon2 {
            id: true,
            memory: 19_456,
            passes: 2,
            lanes: 1,
        };
        assert_eq!(config.password_function, argon2id);
    }

    #[test]
    fn wrong_settings_are_named() {
        assert_eq!(parse(&[]).unwrap_err().to_string(), "JWT_SECRET is not set");
        assert_eq!(
            problem("JWT_SECRET", "0123456789abcdef0123456789abcde"),
            "JWT_SECRET is shorter than 32 bytes"
        );
        assert_eq!(problem("JWT_ISSUER", ""), "JWT_ISSUER is empty");
        for value in ["", "Closed", "no"] {
            assert_eq!(
                problem("REGISTRATION", value),
                "REGISTRATION must be open or closed"
            );
        }
        assert_eq!(problem("ALLOWED_ORIGINS", ""), "ALLOWED_ORIGINS is empty");
        assert_eq!(
            problem("PASSWORD_HASH", "bcrypt"),
            "PASSWORD_HASH is none of pbkdf2-sha512, pbkdf2-sha256 and argon2id"
        );
        for value in ["99999", "10000001", "", "1e6", "-1", "many"] {
            assert_eq!(
                problem("PASSWORD_ITERATIONS", value),
                "PASSWORD_ITERATIONS is no whole number from 100000 to 10000000"
            );
        }
        assert_eq!(
            problem("ACCESS_TOKEN_LIFETIME", "59"),
            "ACCESS_TOKEN_LIFETIME is no whole number from 60 to 86400"
        );
        assert_eq!(
            problem("SIGN_IN_FLOOR_MS", "10001"),
            "SIGN_IN_FLOOR_MS is no whole number from 10 to 10000"
        );
        for setting in ["SESSION_LIFETIME", "SESSION_IDLE_LIFETIME"] {
            assert_eq!(
                problem(setting, "31536001"),
                format!("{setting} is no whole number from 60 to 31536000")
            );
        }
        let named = "ROLES has a name that is not 1 to 64 of a to z, 0 to 9, _ and -";
        assert_eq!(problem("ROLES", "customer, Admin"), named);
        assert_eq!(problem("ROLES", "customer editor"), "ROLES lacks admin");
        assert_eq!(problem("ROLES", ""), "ROLES lacks customer");
        assert_eq!(
            problem("AUDIT_RETENTION_DAYS", "0"),
            "AUDIT_RETENTION_DAYS is no whole number from 1 to 3650"
        );
        assert_eq!(
            problem("SESSIONS_PER_USER", "0"),
            "SESSIONS_PER_USER is no whole number from 1 to 1000"
        );
        let too_short = "SIGN_IN_FLOOR_MS is too short for the hash of a new password";
        assert_eq!(problem("SIGN_IN_FLOOR_MS", "200"), too_short);
        assert_eq!(problem("PASSWORD_ITERATIONS", "1000000"), too_short);
        let argon2id = [
            ("JWT_SECRET", SECRET),
            ("PASSWORD_HASH", "argon2id"),
            ("PASSWORD_ITERATIONS", "210000"),
        ];
        assert_eq!(
            parse(&argon2id).unwrap_err().to_string(),
            "PASSWORD_ITERATIONS is set, which argon2id has none of"
        );
    }

    #[test]
    fn the_fewest_characters_of_a_password_are_8_to_64() {
        for (value, taken) in [("8", 8), ("15", 15), ("64", 64)] {
            let config = parse(&[("JWT_SECRET", SECRET), ("PASSWORD_MIN_LENGTH", value)]);
            assert_eq!(config.unwrap().password_min_length, taken);
        }
        for value in ["7", "65", "0", "-8", "8.0", "", "eight"] {
            assert_eq!(
                problem("PASSWORD_MIN_LENGTH", value),
                "PASSWORD_MIN_LENGTH is no whole number from 8 to 64"
            );
        }
    }

    #[test]
    fn peppers_are_taken() {
        let retired = format!("{} {}\n", "1".repeat(32), "2".repeat(40));
        let config = parse(&[
            ("JWT_SECRET", SECRET),
            ("PASSWORD_PEPPER", SECRET),
            ("PASSWORD_PEPPERS_RETIRED", &retired),
        ])
        .unwrap();
        assert!(config.peppers.active.is_some());
        assert_eq!(config.peppers.retired.len(), 2);
        let short = "is shorter than 32 bytes";
        assert_eq!(
            problem("PASSWORD_PEPPER", "short"),
            format!("PASSWORD_PEPPER {short}")
        );
        for blank in ["", " \n"] {
            assert_eq!(
                problem("PASSWORD_PEPPER", blank),
                "PASSWORD_PEPPER is empty"
            );
        }
        let setting = "PASSWORD_PEPPERS_RETIRED";
        let one_short = format!("{SECRET} short");
        assert_eq!(problem(setting, &one_short), format!("{setting} {short}"));
        let two = format!("{SECRET} {SECRET}");
        assert_eq!(
            problem("PASSWORD_PEPPER", &two),
            "PASSWORD_PEPPER has white space in it"
        );
    }

    /// RFC 8037 appendix A.1.
    const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    /// RFC 7515 appendix A.3.
    const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

    #[test]
    fn the_algorithm_picks_the_active_key() {
        let hs256 = parse(&[("JWT_SECRET", SECRET), ("JWT_ALGORITHM", "HS256")]).unwrap();
        assert_eq!(hs256.keys.active.algorithm(), Algorithm::Hs256);
        for (name, algorithm, jwk) in [
            ("EdDSA", Algorithm::EdDsa, ED25519),
            ("ES256", Algorithm::Es256, P256),
        ] {
            let config = parse(&[("JWT_ALGORITHM", name), ("JWT_PRIVATE_KEY", jwk)]).unwrap();
            assert_eq!(config.keys.active.algorithm(), algorithm);
            assert!(config.keys.retired.is_empty());
            // The secret is not a second key, nor a substitute for the first.
            let weak = [
                ("JWT_ALGORITHM", name),
                ("JWT_PRIVATE_KEY", jwk),
                ("JWT_SECRET", "weak"),
            ];
            assert_eq!(parse(&weak).unwrap().keys.derived_secrets("x").len(), 1);
            let without = parse(&[("JWT_ALGORITHM", name), ("JWT_SECRET", SECRET)]);
            assert_eq!(
                without.unwrap_err().to_string(),
                "JWT_PRIVATE_KEY is not set"
            );
        }
        let without = parse(&[("JWT_PRIVATE_KEY", ED25519)]);
        assert_eq!(without.unwrap_err().to_string(), "JWT_SECRET is not set");
        for name in ["", "hs256", "none", "RS256", "Ed25519", "EdDSA "] {
            assert_eq!(
                problem("JWT_ALGORITHM", name),
                "JWT_ALGORITHM is none of HS256, EdDSA and ES256"
            );
        }
    }

    #[test]
    fn retired_keys_are_taken() {
        let secrets = format!(
            "{}\n\r\n{} {}\n",
            "1".repeat(32),
            "2".repeat(20),
            "3".repeat(20)
        );
        let jwks = format!("{ED25519}{P256}");
        let config = parse(&[
            ("JWT_SECRET", SECRET),
            ("JWT_SECRETS_RETIRED", &secrets),
            ("JWT_KEYS_RETIRED", &jwks),
        ])
        .unwrap();
        assert_eq!(config.keys.retired.len(), 4);
        assert_eq!(config.keys.jwks()["keys"].as_array().unwrap().len(), 2);
        let none = [
            ("JWT_SECRET", SECRET),
            ("JWT_SECRETS_RETIRED", ""),
            ("JWT_KEYS_RETIRED", "\n"),
        ];
        assert!(parse(&none).unwrap().keys.retired.is_empty());
    }

    #[test]
    fn weak_retired_secrets_need_a_setting_that_names_the_risk() {
        let weak_jwk = r#"{"kty":"oct","k":"c2hvcnQ"}"#;
        for (setting, weak) in [
            ("JWT_SECRETS_RETIRED", "short"),
            ("JWT_KEYS_RETIRED", weak_jwk),
        ] {
            let with = |accept| {
                parse(&[
                    ("JWT_SECRET", SECRET),
                    (setting, weak),
                    ("JWT_ACCEPT_FORGEABLE_TOKENS", accept),
                ])
            };
            assert_eq!(with("true").unwrap().keys.retired.len(), 1);
            let refused = with("false").unwrap_err().to_string();
            assert_eq!(refused, problem(setting, weak));
            let problem = "has a secret shorter than 32 bytes, with which tokens can be forged; \
                           JWT_ACCEPT_FORGEABLE_TOKENS = true accepts that";
            assert_eq!(refused, format!("{setting} {problem}"));
        }
        for value in ["", "1", "yes", "True", " true"] {
            assert_eq!(
                problem("JWT_ACCEPT_FORGEABLE_TOKENS", value),
                "JWT_ACCEPT_FORGEABLE_TOKENS is neither true nor false"
            );
        }
        // It is about retired secrets alone.
        let active = [
            ("JWT_SECRET", "short"),
            ("JWT_ACCEPT_FORGEABLE_TOKENS", "true"),
        ];
        let refused = parse(&active).unwrap_err().to_string();
        assert_eq!(refused, "JWT_SECRET is shorter than 32 bytes");
    }

    #[test]
    fn wrong_keys_are_named_and_not_shown() {
        let private = |jwk: &str| {
            let settings = [("JWT_ALGORITHM", "EdDSA"), ("JWT_PRIVATE_KEY", jwk)];
            parse(&settings).unwrap_err().to_string()
        };
        let public = ED25519.replace(r#""d":"#, r#""_":"#);
        for (jwk, expected) in [
            ("", "JWT_PRIVATE_KEY is not one JSON Web Key"),
            (
                "x",
                "JWT_PRIVATE_KEY is not JSON Web Keys, one after another",
            ),
            (
                P256,
                "JWT_PRIVATE_KEY is a key of another algorithm than JWT_ALGORITHM",
            ),
            (&public, "JWT_PRIVATE_KEY has a key without d"),
        ] {
            assert_eq!(private(jwk), expected);
        }
        for (jwks, expected) in [
            (
                format!("{ED25519},{P256}"),
                "is not JSON Web Keys, one after another",
            ),
            (
                ED25519.replace("OKP", "RSA"),
                "has a key whose kty is not OKP, EC or oct",
            ),
            (
                P256.replace("P-256", "P-384"),
                "has a key whose crv is not Ed25519 (of OKP) or P-256 (of EC)",
            ),
            (
                P256.replace("x_FEz", "x_FEy"),
                "has a key whose public half is not a point of the curve",
            ),
            (
                ED25519.replace("nWGx", "nWGy"),
                "has a key whose public half does not belong to d",
            ),
            (
                ED25519.replace("nWGx", "nWG"),
                "has a key whose d is not base64url of the right length",
            ),
            (r#"{"kty":"oct","k":""}"#.to_owned(), "has an empty secret"),
        ] {
            let setting = "JWT_KEYS_RETIRED";
            assert_eq!(problem(setting, &jwks), format!("{setting} {expected}"));
        }
    }

    #[test]
    fn protected_prefixes_are_taken() {
        let problem = problem("PROTECTED", "{}");
        assert_eq!(problem, "PROTECTED is no array of tables");
        let entry = r#"[{"prefix":"/book/","upstream":"BOOKS","dialect":"JWT"}]"#;
        let config = parse(&[("JWT_SECRET", SECRET), ("PROTECTED", entry)]).unwrap();
        let place = config.protected.place("/book/x", str::to_owned);
        assert!(matches!(place, prefixes::Place::Under(_)));
    }

    #[test]
    fn secrets_do_not_print() {
        let settings = [
            ("JWT_SECRET", SECRET),
            ("PASSWORD_PEPPER", SECRET),
            ("JWT_SECRETS_RETIRED", SECRET),
        ];
        let printed = format!("{:?}", parse(&settings).unwrap());
        assert!(!printed.contains("0123456789"), "{printed}");
    }
}
