//! Passkeys: the caller's own, and how one is used (docs/api.md, "Passkeys").

mod assertion;
mod own;

use edge_auth_core::account::{BrokenRule, Name};
use edge_auth_core::passkey::RelyingParty;
use serde_json::{Value, json};

use crate::app::App;
use crate::http::caller;
use crate::http::routes::{Method, Route, handler};
use crate::http::{Refused, Reply, body, fields};
use crate::platform::http::Incoming;
use crate::platform::unicode;
use crate::store::passkeys::Passkey;

pub(crate) use assertion::{Shown, second_factor_options, shown, sign_in_options, spend};
pub(crate) use own::{Changes, New, add, change, creation_options, list, remove, why_not};

/// The routes of this area. Where there is no relying party they are not found.
pub(super) const ROUTES: &[Route] = &[
    Route::api(
        "/api/auth/passkeys/options",
        &[Method::new("POST", handler!(post_options))],
    ),
    Route::api(
        "/api/auth/passkeys",
        &[
            Method::get(handler!(get)),
            Method::new("POST", handler!(post)),
        ],
    ),
    Route::api(
        "/api/auth/passkeys/*",
        &[
            Method::new("PATCH", handler!(patch, segment)),
            Method::new("DELETE", handler!(delete, segment)),
        ],
    ),
    Route::api(
        "/api/auth/passkey/options",
        &[Method::new("POST", handler!(post_sign_in_options))],
    ),
    Route::api(
        "/.well-known/webauthn",
        &[Method::get(handler!(related_origins))],
    ),
];

/// Who asks for passkeys.
fn relying_party(app: &App) -> Result<&RelyingParty, Refused> {
    let passkeys = app.config.passkeys.as_ref();
    Ok(&passkeys.ok_or(Refused::NotFound)?.rp)
}

/// `POST /api/auth/passkeys/options`.
async fn post_options(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    relying_party(app)?;
    let caller = caller::authenticate(app, request).await?;
    let options = creation_options(app, &caller).await?;
    Ok(Reply::json(200, &options))
}

/// `GET /api/auth/passkeys`.
async fn get(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    relying_party(app)?;
    let caller = caller::authenticate(app, request).await?;
    let all = list(app, &caller).await?;
    let all: Vec<_> = all.iter().map(passkey_json).collect();
    Ok(Reply::json(200, &json!({ "passkeys": all })))
}

/// `POST /api/auth/passkeys`.
async fn post(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    relying_party(app)?;
    let caller = caller::authenticate(app, request).await?;
    let mut members = body::object(request).await?;
    let [(_, credential)] = fields::required(&mut members, "credential")?;
    let new = New {
        name: name(fields::optional(&mut members, "name")?)?,
        second_factor: truth(members.remove("second_factor"))?.unwrap_or(false),
        credential: &credential,
    };
    match add(app, request, &caller, new).await? {
        Some(passkey) => Ok(one(201, &passkey)),
        None => {
            caller::ask_again(app, request, &caller).await?;
            Err(Refused::Passkey)
        }
    }
}

/// `PATCH /api/auth/passkeys/<id>`.
async fn patch(app: &App, request: &Incoming, id: &str) -> Result<Reply, Refused> {
    relying_party(app)?;
    let caller = caller::authenticate(app, request).await?;
    let mut members = body::object(request).await?;
    let changes = Changes {
        name: name(fields::optional(&mut members, "name")?)?,
        second_factor: truth(members.remove("second_factor"))?,
    };
    match change(app, request, &caller, id, changes).await? {
        Some(passkey) => Ok(one(200, &passkey)),
        None => {
            let caller = caller::ask_again(app, request, &caller).await?;
            Err(own::why_not(app, &caller, id).await?)
        }
    }
}

/// `DELETE /api/auth/passkeys/<id>`.
async fn delete(app: &App, request: &Incoming, id: &str) -> Result<Reply, Refused> {
    relying_party(app)?;
    let caller = caller::authenticate(app, request).await?;
    if remove(app, request, &caller, id).await? {
        return Ok(Reply::empty());
    }
    let caller = caller::ask_again(app, request, &caller).await?;
    Err(own::why_not(app, &caller, id).await?)
}

/// `POST /api/auth/passkey/options`.
async fn post_sign_in_options(app: &App, _request: &Incoming) -> Result<Reply, Refused> {
    Ok(Reply::json(200, &sign_in_options(app)?))
}

/// `GET /.well-known/webauthn` (WebAuthn Level 3 section 5.11.1).
async fn related_origins(app: &App, _request: &Incoming) -> Result<Reply, Refused> {
    let passkeys = app.config.passkeys.as_ref().ok_or(Refused::NotFound)?;
    if passkeys.related_origins.is_empty() {
        return Err(Refused::NotFound);
    }
    let origins = json!({ "origins": passkeys.related_origins });
    Ok(Reply::json(200, &origins))
}

fn one(status: u16, passkey: &Passkey) -> Reply {
    Reply::json(status, &json!({ "passkey": passkey_json(passkey) }))
}

fn passkey_json(passkey: &Passkey) -> Value {
    json!({
        "backed_up": passkey.backed_up,
        "created_at": passkey.created_at,
        "id": passkey.id,
        "last_used_at": passkey.last_used_at,
        "name": passkey.name,
        "second_factor": passkey.second_factor,
        "user_verified": passkey.user_verified,
    })
}

/// What a passkey is called, by the rules for names of people.
pub(crate) fn name(text: Option<String>) -> Result<Option<Name>, Refused> {
    let name = text.map(|text| Name::parse(&text, unicode::HOST));
    Ok(name.transpose()?)
}

/// The member `second_factor`.
fn truth(value: Option<Value>) -> Result<Option<bool>, Refused> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(value)),
        Some(_) => Err(BrokenRule::new("second_factor", "must be true or false").into()),
    }
}
