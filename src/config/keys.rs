//! Keys, and the secrets that follow from them.

use edge_auth_core::challenge::ChallengeKeys;
use edge_auth_core::keyed_hash::KeyedHash;
use edge_auth_core::passkey::PasskeyKeys;
use edge_auth_core::session::{CookieKeys, RefreshKeys};
use edge_auth_core::throttle::AttemptHasher;
use edge_auth_core::token::{Algorithm, KeyError, Keys, RetiredKey, SigningKey};
use zeroize::Zeroizing;

use super::ConfigError;
use super::read::{Read, boolean};

/// The keys of access tokens.
pub(super) fn keys(read: Read<'_>) -> Result<Keys, ConfigError> {
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
            let problem = "must be one of HS256, EdDSA, ES256";
            return Err(ConfigError::new("JWT_ALGORITHM", problem));
        }
    };
    let accept_weak = boolean(read, "JWT_ACCEPT_FORGEABLE_TOKENS")?.unwrap_or(false);
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

/// What failed sign-ins are counted by, under a secret that follows from the active key.
pub(super) fn attempt_hasher(keys: &Keys) -> Result<AttemptHasher, ConfigError> {
    let active = keyed_hashes(keys, "attempts").next();
    let hash = active.ok_or_else(|| ConfigError::new("JWT_SECRET", "is not set"))?;
    Ok(AttemptHasher::new(hash))
}

/// Keyed hashes for one purpose, that of the active key first.
fn keyed_hashes(keys: &Keys, purpose: &str) -> impl Iterator<Item = KeyedHash> {
    let secrets = keys.derived_secrets(purpose).into_iter();
    secrets.map(|secret| KeyedHash::new(&secret))
}

/// What makes and verifies the links and codes of mails, under secrets that follow from all keys.
pub(super) fn challenge_keys(keys: &Keys) -> ChallengeKeys {
    ChallengeKeys::new(keyed_hashes(keys, "challenges"))
}

/// What makes and verifies the challenges of passkeys, under secrets that follow from all keys.
pub(super) fn passkey_keys(keys: &Keys) -> PasskeyKeys {
    PasskeyKeys::new(keyed_hashes(keys, "passkeys"))
}

/// What makes and verifies refresh tokens, under secrets that follow from all keys.
pub(super) fn refresh_keys(keys: &Keys) -> RefreshKeys {
    RefreshKeys::new(keyed_hashes(keys, "refresh tokens"))
}

/// What makes and verifies the cookies of pages, under secrets that follow from all keys.
pub(super) fn cookie_keys(keys: &Keys) -> CookieKeys {
    CookieKeys::new(keyed_hashes(keys, "page sessions"))
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
