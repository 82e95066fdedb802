//! Signing in by a name and a password, whatever the route.

use super::{flow, new_password, throttle};
use crate::app::{App, Unexpected};
use crate::http::Refused;
use crate::http::refused::TooMany;
use crate::platform::clock::Timer;
use crate::platform::http::Incoming;
use crate::platform::turns::{MAX_AHEAD, Turn};
use crate::platform::{clock, kdf, unicode};
use crate::store::attempts::{Attempts, Chance};
use crate::store::audit::Action;
use crate::store::users::{Account, SigningIn, Users};
use crate::trace::log;
use edge_auth_core::account::UserId;
use edge_auth_core::password::{self, Function, StoredPassword, TriedPassword};
use edge_auth_core::throttle::{AttemptedName, ClientAddress};

/// Signs in by `name` and `password` from `address`.
///
/// A refusal after a look at the password comes no sooner than the floor. Where the account takes
/// no more passwords from there, a right one is refused as a wrong one is, so that nobody sees
/// which account exists and is under attack.
///
/// Of several sign-ins of one name, or from one address, that meet in this isolate one goes after
/// the other, each with its own floor: their derivations would add up, and those of an account that
/// exists to another sum. A turn ends when the answer is on its way ([`App::turn`]). One that comes
/// when the line is full is looked at out of turn, and refused no sooner than all in the line would be.
pub(crate) async fn sign_in(
    app: &App,
    request: &Incoming,
    address: &ClientAddress,
    name: &AttemptedName,
    password: &str,
) -> Result<SigningIn, Refused> {
    let signing_in = check(app, request, address, name, password, None).await?;
    signing_in.ok_or(Refused::Credentials)
}

/// Checks the password of an account as a sign-in does, with its throttle. `None` where the account is
/// no longer what it was: then the password is not looked at, and nothing is counted.
pub(crate) async fn confirm(
    app: &App,
    request: &Incoming,
    address: &ClientAddress,
    account: &Account,
    password: &str,
) -> Result<Option<SigningIn>, Refused> {
    let name = throttle::main_name(account);
    check(app, request, address, &name, password, Some(account)).await
}

/// The account whose password is right; `None` where it is not the one that is `expected`, as it was.
async fn check(
    app: &App,
    request: &Incoming,
    address: &ClientAddress,
    name: &AttemptedName,
    password: &str,
    expected: Option<&Account>,
) -> Result<Option<SigningIn>, Refused> {
    let keys = app.config.attempts.keys(name, address);
    let lines = vec![keys.name_line(), keys.address.as_str().to_owned()];
    let turn = Turn::take(lines, app.config.sign_in_floor.times(2)).await?;
    let floors = if turn.is_out_of_turn() { MAX_AHEAD } else { 1 };
    app.turn.set(Some(turn));
    let floor = Timer::start(app.config.sign_in_floor.times(floors));
    let users = Users(&app.database);
    let found = users
        .sign_in(name.name.as_ref(), &keys, clock::now())
        .await?;
    throttle::remember(address, found.closed);
    if let Some(time) = found.closed.pair {
        return Err(TooMany::until(time).into());
    }
    if let Some(expected) = expected
        && !found
            .signing_in
            .as_ref()
            .is_some_and(|now| expected.is_still(&now.account))
    {
        return Ok(None);
    }
    let id = found.signing_in.as_ref().map(|now| now.account.user.id);
    let attempts = Attempts(&app.database);
    let account_keys = keys.account(id);
    let tried = TriedPassword::new(password, unicode::HOST);
    let with_password = found.signing_in.zip(found.password_hash);
    if let Some(right) = right(app, with_password, &tried).await? {
        let Right {
            signing_in,
            stored,
            password_hash,
        } = right;
        let account = &signing_in.account;
        let at = (account.user.id, account.epoch);
        let chance = attempts.may_succeed(&keys, &account_keys, at, clock::now());
        match chance.await? {
            Chance::Open(success) => {
                if !signing_in.second_factors.are_on() {
                    flow::note(app, request, account, success).await?;
                }
                let current = app.config.password_function;
                let pepper = app.config.peppers.active.as_ref();
                if let Some(function) = stored.replacement(current, pepper) {
                    let old = (account.user.id, password_hash.as_str());
                    replace_hash(app, function, old, &tried).await?;
                }
                return Ok(Some(signing_in));
            }
            Chance::Changed if expected.is_some() => return Ok(None),
            // It was right a moment ago, so it is no guess.
            Chance::Changed => {
                floor.end().await?;
                return Err(Refused::Credentials);
            }
            Chance::Closed => {}
        }
    }
    app.trace.did(Action::SignInFailed, id);
    let closed = attempts.failed(&keys, &account_keys, clock::now()).await?;
    throttle::remember(address, closed);
    floor.end().await?;
    Err(match closed.pair {
        Some(time) => TooMany::until(time).into(),
        None => Refused::Credentials,
    })
}

/// An account whose password is right.
struct Right {
    signing_in: SigningIn,
    stored: StoredPassword,
    password_hash: String,
}

/// The account, if the password is right and the account may sign in.
///
/// Whatever comes in, a derivation is run: at the account's cost, or at the cost of a new password
/// where there is no hash to compare with, and a second one for what a password of that cost would
/// be tried with (docs/api.md, "Accounts").
async fn right(
    app: &App,
    account: Option<(SigningIn, String)>,
    tried: &TriedPassword,
) -> Result<Option<Right>, Unexpected> {
    let with_hash = |(signing_in, hash)| with_hash(app, signing_in, hash);
    let Some(looked_at) = account.and_then(with_hash) else {
        let decoy = password::new_derivation(app.config.password_function, [0; 16]);
        kdf::derive(&decoy, tried.raw()).await?;
        if let Some(normalized) = tried.normalized() {
            kdf::derive(&decoy, normalized).await?;
        }
        return Ok(None);
    };
    let (peppers, stored) = (&app.config.peppers, &looked_at.stored);
    let key = kdf::derive(stored.derivation(), tried.raw()).await?;
    let mut right = stored.matches(&key, peppers);
    if let Some(normalized) = tried.normalized()
        && stored.may_be_normalized()
        && !right
    {
        let key = kdf::derive(stored.derivation(), normalized).await?;
        right = stored.matches(&key, peppers);
    }
    let may = right && tried.can_be_right() && !looked_at.signing_in.account.disabled;
    Ok(may.then_some(looked_at))
}

/// The account with its hash. A hash that cannot be verified is nobody's password; it is logged.
fn with_hash(app: &App, signing_in: SigningIn, password_hash: String) -> Option<Right> {
    let id = signing_in.account.user.id;
    match StoredPassword::parse(&password_hash, app.config.sign_in_budget()) {
        Ok(stored) => {
            if !stored.has_its_pepper(&app.config.peppers) {
                log(format_args!(
                    "user {id}: the pepper of password_hash is not set"
                ));
            }
            Some(Right {
                signing_in,
                stored,
                password_hash,
            })
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
    app: &App,
    function: Function,
    (id, old): (UserId, &str),
    tried: &TriedPassword,
) -> Result<(), Unexpected> {
    let password = tried.normalized().unwrap_or(tried.raw());
    let new = new_password::hash_bytes(app, function, password).await?;
    let users = Users(&app.database);
    if let Err(error) = users.replace_hash(id, old, &new).await {
        log(format_args!("database: {error}"));
    }
    Ok(())
}
