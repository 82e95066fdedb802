//! `POST /api/auth/passkey`: signing in by a passkey, without a name.

use edge_auth_core::passkey::Purpose;
use edge_auth_core::sign_in::SignedIn;
use serde_json::Value;

use super::{flow, throttle, tokens};
use crate::api::passkeys;
use crate::app::App;
use crate::http::{Refused, Reply, body, fields};
use crate::platform::clock;
use crate::platform::http::Incoming;
use crate::store::attempts::Attempts;
use crate::store::users::SigningIn;

/// `POST /api/auth/passkey`.
pub(super) async fn passkey(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    throttle::allow(&app.sign_in_limit, request).await?;
    let mut members = body::object(request).await?;
    let [(_, credential)] = fields::required(&mut members, "credential")?;
    let offline_access = fields::offline_access(&mut members)?;
    let (owner, signed_in) = sign_in(app, request, &credential, offline_access).await?;
    tokens::sign_in(
        app,
        request,
        &owner.account.user,
        &signed_in,
        offline_access,
    )
    .await
}

/// Signs in by what a browser says of a passkey. Limits on passwords do not bind it, and it takes the
/// failures of the account back.
pub(crate) async fn sign_in(
    app: &App,
    request: &Incoming,
    credential: &Value,
    offline_access: bool,
) -> Result<(SigningIn, SignedIn), Refused> {
    let refused = |is_unknown| Refused::PasskeySignIn { is_unknown };
    let passkey = match passkeys::shown(app, credential, Purpose::SignIn).await {
        Ok(Some(passkey)) => passkey,
        Ok(None) => return Err(refused(true)),
        Err(Refused::Passkey) => return Err(refused(false)),
        Err(other) => return Err(other),
    };
    if !passkeys::spend(app, request, &passkey).await? {
        return Err(refused(false));
    }
    let shown = flow::Shown {
        method: passkey.method(),
        credential_id: Some(passkey.verified.credential_id.as_str()),
        offline_access,
    };
    let owner = &passkey.owned.owner;
    let signed_in = flow::after(app, request, owner, shown).await?;
    let account = &owner.account;
    let address = throttle::client_address(request)?;
    let keys = app
        .config
        .attempts
        .keys(&throttle::main_name(account), &address);
    let (id, account_keys) = (account.user.id, keys.account(Some(account.user.id)));
    let attempts = Attempts(&app.database);
    let at = (id, account.epoch);
    let success = attempts.passkey(&keys, &account_keys, at, clock::now());
    // It was changed a moment ago.
    let success = success.await?.ok_or(refused(false))?;
    flow::note(app, request, account, success).await?;
    Ok((passkey.owned.owner, signed_in))
}
