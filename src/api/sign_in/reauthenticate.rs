//! `POST /api/auth/reauthenticate`: the caller shows anew who they are.

use edge_auth_core::passkey::Purpose;
use edge_auth_core::proof::Method;
use edge_auth_core::sign_in::{Next, SignedIn};
use serde_json::{Value, json};

use super::second_factor::{self, Factor, ShownFactor};
use super::tokens::{self, Grant};
use super::{password, throttle};
use crate::api::passkeys;
use crate::app::App;
use crate::http::caller::{self, Caller};
use crate::http::{Refused, Reply, body, fields};
use crate::platform::clock;
use crate::platform::http::Incoming;
use crate::store::attempts::Attempts;
use crate::store::audit::Action;
use crate::store::second_factors::ShownBy;
use crate::store::sessions::Sessions;

/// `POST /api/auth/reauthenticate`.
pub(super) async fn reauthenticate(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let caller = caller::authenticate(app, request).await?;
    let mut members = body::object(request).await?;
    let signed_in = match (
        members.contains_key("password"),
        Factor::take(&mut members)?,
    ) {
        (false, Some(Factor::Passkey(credential))) => {
            by_passkey(app, request, &caller, &credential).await?
        }
        (_, factor) => {
            let [password] = fields::required(&mut members, "password")?;
            by_password(app, request, &caller, &fields::string(password)?, factor).await?
        }
    };
    proven(app, request, &caller, &signed_in).await?;
    let grant = Grant {
        signed_in: &signed_in,
        role: &caller.account.user.role,
        session: caller.session.as_ref(),
    };
    let access_token = tokens::access_token(app, &grant)?;
    Ok(Reply::json(200, &json!({ "access_token": access_token })))
}

/// The caller has shown the password, and a second factor where the account has one on.
pub(crate) async fn by_password(
    app: &App,
    request: &Incoming,
    caller: &Caller,
    password: &str,
    factor: Option<Factor>,
) -> Result<SignedIn, Refused> {
    let address = throttle::admit(&app.sign_in_limit, request).await?;
    let account = &caller.account;
    let signing_in = match password::confirm(app, request, &address, account, password).await {
        Ok(Some(signing_in)) => signing_in,
        Ok(None) => return Err(caller::revoked_meanwhile(app, request, caller).await),
        Err(refused) => return Err(wrong(refused)),
    };
    let now = clock::now().seconds();
    let half = match signing_in.by(Method::Password).next(now) {
        Next::SignedIn(signed_in) => return Ok(signed_in),
        Next::SecondFactor(half) => half,
    };
    let factor = factor.ok_or(Refused::SecondFactor(None))?;
    let authority = caller.authority(None);
    let account = &signing_in.account;
    let shown = ShownFactor {
        factor,
        by: ShownBy::Caller(&authority),
        first_credential: None,
    };
    match second_factor::show(app, request, &address, account, shown).await {
        Ok(method) => Ok(half.completed(method, now)),
        Err(Refused::Ticket) => Err(caller::revoked_meanwhile(app, request, caller).await),
        Err(refused) => Err(wrong(refused)),
    }
}

/// The caller has shown a passkey, which is two factors in one where the account has a second one on.
pub(crate) async fn by_passkey(
    app: &App,
    request: &Incoming,
    caller: &Caller,
    credential: &Value,
) -> Result<SignedIn, Refused> {
    let address = throttle::allow(&app.sign_in_limit, request).await?;
    let id = caller.account.user.id;
    let passkey = match passkeys::shown(app, credential, Purpose::SignIn).await {
        Ok(passkey) => passkey.filter(|passkey| passkey.owned.owner.account.user.id == id),
        Err(Refused::Passkey) => None,
        Err(refused) => return Err(refused),
    };
    if let Some(passkey) = &passkey
        && !caller.account.is_still(&passkey.owned.owner.account)
    {
        // The token is of before, and so is the role that a new one would say.
        return Err(caller::revoked_meanwhile(app, request, caller).await);
    }
    let is_right = match &passkey {
        Some(passkey) => passkeys::spend(app, request, passkey).await?,
        None => false,
    };
    let Some(passkey) = passkey.filter(|_| is_right) else {
        app.trace.did(Action::SignInFailed, Some(id));
        let name = throttle::main_name(&caller.account);
        let keys = app.config.attempts.keys(&name, &address);
        let account_keys = keys.account(Some(id));
        let attempts = Attempts(&app.database);
        let closed = attempts.failed(&keys, &account_keys, clock::now()).await?;
        throttle::remember(&address, closed);
        return Err(Refused::WrongPassword);
    };
    let first = passkey.owned.owner.by(passkey.method());
    match first.next(clock::now().seconds()) {
        Next::SignedIn(signed_in) => Ok(signed_in),
        Next::SecondFactor(_) => Err(Refused::SecondFactor(None)),
    }
}

/// Notes in the caller's session that they have shown anew who they are.
pub(crate) async fn proven(
    app: &App,
    request: &Incoming,
    caller: &Caller,
    signed_in: &SignedIn,
) -> Result<(), Refused> {
    app.trace
        .did(Action::Reauthentication, Some(signed_in.user_id()));
    if caller.session.is_none() {
        return Ok(());
    }
    let (sessions, authority) = (Sessions(&app.database), caller.authority(None));
    if sessions.prove_again(signed_in.proof(), &authority).await? {
        Ok(())
    } else {
        Err(caller::revoked_meanwhile(app, request, caller).await)
    }
}

/// Whatever is wrong is told in one way.
fn wrong(refused: Refused) -> Refused {
    match refused {
        Refused::Credentials | Refused::SecondFactorWrong => Refused::WrongPassword,
        refused => refused,
    }
}
