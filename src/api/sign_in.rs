//! What both sign-in routes do once they have a name and a password.

use super::{App, Unexpected};
use crate::auth::account::User;
use crate::auth::password::{Attempt, Cost, Derivation, NewPassword, StoredPassword, to_phc};
use crate::auth::token::{self, Issue};
use crate::platform::{clock, pbkdf2, random, unicode};
use crate::store::users::Account;

/// The account's owner, if `password` is right and the account may sign in.
///
/// Whatever comes in, one derivation is run: at the account's cost, or at the cost of a new
/// password where there is no account (contract, "Both").
pub(super) async fn check(
    app: &App<'_>,
    account: Option<Account>,
    password: &str,
) -> Result<Option<User>, Unexpected> {
    let attempt = Attempt::new(password, unicode::nfkc);
    let Some(account) = account else {
        let decoy = Derivation::new(app.config.password_cost, [0; 16]);
        pbkdf2::derive(&decoy, attempt.as_bytes()).await?;
        return Ok(None);
    };
    let stored = StoredPassword::parse(&account.password_hash)
        .map_err(|_| Unexpected::new(format!("stored hash of user {} unknown", account.user.id)))?;
    let key = pbkdf2::derive(stored.derivation(), attempt.as_bytes()).await?;
    let right = stored.matches(&key) && attempt.can_be_right() && !account.disabled;
    Ok(right.then_some(account.user))
}

/// `password` as it is stored.
pub(super) async fn hash(cost: Cost, password: &NewPassword) -> Result<String, Unexpected> {
    let derivation = Derivation::new(cost, random::bytes()?);
    let key = pbkdf2::derive(&derivation, password.as_bytes()).await?;
    to_phc(&derivation, &key).map_err(Unexpected::new)
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
