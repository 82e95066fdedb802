//! Passwords that somebody chooses.

use edge_auth_core::account::{BrokenRule, User};
use edge_auth_core::password::{self, Function, Known, NewPassword};

use super::throttle;
use crate::app::{App, Unexpected};
use crate::http::Refused;
use crate::platform::breached::is_breached;
use crate::platform::http::Incoming;
use crate::platform::turns::Turn;
use crate::platform::{kdf, random, unicode};
use crate::trace::log;

/// What is known of `user`, which its password must not be.
pub(crate) fn known(user: &User) -> Known<'_> {
    Known {
        email: user.email.as_deref(),
        username: user.username.as_deref(),
        name: &user.name,
    }
}

/// The password in `field`, for an account of that name and address, if it breaks no rule.
pub(crate) async fn parse(
    app: &App,
    field: &'static str,
    text: &str,
    known: Known<'_>,
) -> Result<NewPassword, Refused> {
    let min_length = app.config.password_min_length;
    let new = NewPassword::parse(text, min_length, known, unicode::HOST);
    let of_field = |broken| BrokenRule { field, ..broken };
    let new = new.map_err(of_field)?;
    if app.config.refuses_breached_passwords {
        match is_breached(new.as_bytes()).await {
            Ok(true) => {
                let rule = "must not be known from a breach";
                return Err(BrokenRule::new(field, rule).into());
            }
            Ok(false) => {}
            // Nobody is kept out by a service that is down.
            Err(error) => log(format_args!("breached passwords: {error}")),
        }
    }
    Ok(new)
}

/// The password as it is stored. Its derivation would add to those of sign-ins from the same address,
/// and waits for its turn.
pub(crate) async fn hash(
    app: &App,
    request: &Incoming,
    password: &NewPassword,
) -> Result<String, Unexpected> {
    let address = throttle::client_address(request)?;
    let line = app.config.attempts.address(&address).key();
    let line = vec![line.as_str().to_owned()];
    let turn = Turn::take(line, app.config.sign_in_floor.times(2)).await?;
    app.turn.set(Some(turn));
    hash_now(app, password).await
}

/// The same for a request that has had its turn.
pub(crate) async fn hash_now(app: &App, password: &NewPassword) -> Result<String, Unexpected> {
    hash_bytes(app, app.config.password_function, password.as_bytes()).await
}

pub(super) async fn hash_bytes(
    app: &App,
    function: Function,
    password: &[u8],
) -> Result<String, Unexpected> {
    let derivation = password::new_derivation(function, random::bytes()?);
    let key = kdf::derive(&derivation, password).await?;
    let pepper = app.config.peppers.active.as_ref();
    password::to_phc(&derivation, &key, pepper).map_err(Unexpected::new)
}
