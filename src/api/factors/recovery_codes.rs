//! `POST /api/auth/recovery-codes`, and what comes with one-time passwords.

use edge_auth_core::account::UserId;
use edge_auth_core::data_keys::DataKeys;
use edge_auth_core::factor::RecoveryCode;
use serde_json::json;

use super::{data_keys, on};
use crate::app::{App, Unexpected};
use crate::http::caller::{self, Caller};
use crate::http::{Refused, Reply};
use crate::platform::http::Incoming;
use crate::platform::random;
use crate::store::audit::Action;
use crate::store::recovery_codes::RecoveryCodes;

/// The text of a 409.
const NOTHING_ON: &str = "No second factor is on";

/// `POST /api/auth/recovery-codes`.
pub(super) async fn post(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    data_keys(app)?;
    let caller = caller::authenticate(app, request).await?;
    Ok(reply(&replace(app, request, &caller).await?))
}

/// Gives the caller, who has signed in recently by two factors, new codes in place of the old ones.
pub(crate) async fn replace(
    app: &App,
    request: &Incoming,
    caller: &Caller,
) -> Result<Vec<RecoveryCode>, Refused> {
    let keys = data_keys(app)?;
    caller::recent(caller)?;
    if !on(app, caller).await?.any() {
        return Err(Refused::Conflict(NOTHING_ON));
    }
    let id = caller.account.user.id;
    let codes = random_codes()?;
    let hashes = hashes(keys, id, &codes);
    let authority = caller.authority(None);
    if !RecoveryCodes(&app.database)
        .replace(&hashes, &authority)
        .await?
    {
        caller::ask_again(app, request, caller).await?;
        return Err(Refused::Conflict(NOTHING_ON));
    }
    app.trace.did(Action::RecoveryCodesReplaced, Some(id));
    Ok(codes)
}

/// As many codes as an account is given at once.
pub(super) fn random_codes() -> Result<Vec<RecoveryCode>, Unexpected> {
    let code = |_| Ok(RecoveryCode::new(&random::bytes()?));
    (0..RecoveryCode::COUNT).map(code).collect()
}

/// What is stored of `codes`, under the active key.
pub(super) fn hashes(keys: &DataKeys, user: UserId, codes: &[RecoveryCode]) -> Vec<String> {
    let key = keys.keyed_hashes(RecoveryCode::PURPOSE).next();
    let hash = |code: &RecoveryCode| key.as_ref().map(|key| code.hash(key, user));
    codes.iter().filter_map(hash).collect()
}

/// The answer that shows codes, once.
pub(super) fn reply(codes: &[RecoveryCode]) -> Reply {
    let codes: Vec<_> = codes.iter().map(RecoveryCode::grouped).collect();
    let texts: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
    Reply::json(200, &json!({ "recovery_codes": texts }))
}
