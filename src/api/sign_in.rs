//! What both sign-in routes do once they have a name and a password.

use super::{App, Unexpected, log};
use crate::auth::account::User;
use crate::auth::password::{self, Attempt, Function, NewPassword, StoredPassword};
use crate::auth::token::{self, Issue};
use crate::platform::{clock, kdf, random, unicode};
use crate::store::users::{Account, Users};

/// The account's owner, if `password` is right and the account may sign in.
///
/// Whatever comes in, a derivation is run: at the account's cost, or at the cost of a new password
/// where there is no hash to compare with (contract, "Both"). A hash that is outdated is replaced
/// on the way.
pub(super) async fn check(
    app: &App<'_>,
    account: Option<Account>,
    password: &str,
) -> Result<Option<User>, Unexpected> {
    let attempt = Attempt::new(password, unicode::nfkc);
    let Some((account, stored)) = account.and_then(|account| with_hash(app, account)) else {
        let decoy = password::new_derivation(app.config.password_function, [0; 16]);
        kdf::derive(&decoy, attempt.raw()).await?;
        return Ok(None);
    };
    let peppers = &app.config.peppers;
    let key = kdf::derive(stored.derivation(), attempt.raw()).await?;
    let mut right = stored.matches(&key, peppers);
    if let Some(normalized) = attempt.normalized()
        && stored.may_be_normalized()
        && !right
    {
        let key = kdf::derive(stored.derivation(), normalized).await?;
        right = stored.matches(&key, peppers);
    }
    if !right || !attempt.can_be_right() || account.disabled {
        return Ok(None);
    }
    let current = app.config.password_function;
    if let Some(function) = stored.replacement(current, peppers.active.as_ref()) {
        replace_hash(app, function, &account, &attempt).await?;
    }
    Ok(Some(account.user))
}

/// The account with its hash. A hash that cannot be verified is nobody's password; it is logged.
fn with_hash(app: &App<'_>, account: Account) -> Option<(Account, StoredPassword)> {
    let id = account.user.id;
    match StoredPassword::parse(&account.password_hash, app.config.sign_in_budget_ms()) {
        Ok(stored) => {
            if !stored.has_its_pepper(&app.config.peppers) {
                log(format_args!(
                    "user {id}: the pepper of password_hash is not set"
                ));
            }
            Some((account, stored))
        }
        Err(refused) => {
            log(format_args!("user {id}: {refused}"));
            None
        }
    }
}

/// Replaces a hash by one of `function`, unless it has changed meanwhile. The sign-in has
/// succeeded, and does so the next time, whether or not this does.
async fn replace_hash(
    app: &App<'_>,
    function: Function,
    account: &Account,
    attempt: &Attempt,
) -> Result<(), Unexpected> {
    let password = attempt.normalized().unwrap_or(attempt.raw());
    let new = hash_bytes(app, function, password).await?;
    let users = Users(&app.database);
    let old = &account.password_hash;
    if let Err(error) = users.replace_hash(account.user.id, old, &new).await {
        log(format_args!("database: {error}"));
    }
    Ok(())
}

/// `password` as it is stored.
pub(super) async fn hash(app: &App<'_>, password: &NewPassword) -> Result<String, Unexpected> {
    hash_bytes(app, app.config.password_function, password.as_bytes()).await
}

async fn hash_bytes(
    app: &App<'_>,
    function: Function,
    password: &[u8],
) -> Result<String, Unexpected> {
    let derivation = password::new_derivation(function, random::bytes()?);
    let key = kdf::derive(&derivation, password).await?;
    let pepper = app.config.peppers.active.as_ref();
    password::to_phc(&derivation, &key, pepper).map_err(Unexpected::new)
}

/// A new access token for `user`.
pub(super) fn access_token(app: &App<'_>, user: &User) -> Result<String, Unexpected> {
    let issue = Issue {
        issuer: &app.config.issuer,
        now: clock::now(),
        lifetime: app.config.access_token_lifetime,
        jti: random::bytes()?,
    };
    token::sign(user, issue, &app.config.signing_key).map_err(Unexpected::new)
}
