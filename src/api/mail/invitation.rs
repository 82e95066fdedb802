//! Taking over an account that an administrator made.

use edge_auth_core::account::Name;
use edge_auth_core::challenge::Kind;
use edge_auth_core::proof::Method;

use super::shown::Shown;
use crate::api::asking;
use crate::api::sign_in::{flow, new_password, throttle, tokens};
use crate::app::App;
use crate::http::{Refused, Reply, body, fields};
use crate::platform::http::Incoming;
use crate::platform::unicode;
use crate::store::audit::Action;
use crate::store::challenges::Challenges;
use crate::store::users::SigningIn;

/// `POST /api/auth/invitation`.
pub(super) async fn accept(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    throttle::admit(&app.sign_in_limit, request).await?;
    let mut members = body::object(request).await?;
    let offline_access = fields::offline_access(&mut members)?;
    let [token] = fields::required(&mut members, "token")?;
    let shown = Shown::link(&fields::string(token)?)?;
    let password = fields::optional(&mut members, "password")?;
    let name = fields::optional(&mut members, "name")?;
    let signing_in = by(app, request, shown, password.as_deref(), name.as_deref()).await?;
    let shown = flow::Shown::by(Method::Mail, offline_access);
    let signed_in = flow::after(app, request, &signing_in, shown).await?;
    let user = &signing_in.account.user;
    tokens::sign_in(app, request, user, &signed_in, offline_access).await
}

/// Takes the account over. An invitation is for an account that nobody has yet.
pub(crate) async fn by(
    app: &App,
    request: &Incoming,
    shown: Shown,
    password: Option<&str>,
    name: Option<&str>,
) -> Result<SigningIn, Refused> {
    let looked = shown.look(app, Kind::Invitation, None).await?;
    if looked.open.account.email_verified_at.is_some() {
        return Err(Refused::Link);
    }
    let name = name.map(|name| Name::parse(name, unicode::HOST));
    let name = name.transpose()?;
    let mut user = looked.open.account.user.clone();
    if let Some(name) = &name {
        user.name = name.as_str().to_owned();
    }
    let mut password_hash = None;
    if let Some(password) = password {
        let password =
            new_password::parse(app, "password", password, new_password::known(&user)).await?;
        password_hash = Some(new_password::hash(app, request, &password).await?);
    }
    let nonce = asking::random_id()?;
    let name = name.as_ref().map(Name::as_str);
    let spent = Challenges(&app.database)
        .accept(&looked.spend(&nonce), password_hash.as_deref(), name)
        .await;
    let signing_in = looked.spent(app, spent).await?;
    let id = signing_in.account.user.id;
    app.trace.by(id);
    app.trace.did(Action::InvitationAccepted, Some(id));
    Ok(signing_in)
}
