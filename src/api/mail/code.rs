//! Signing in by a code or link that comes by mail.

use edge_auth_core::challenge::{ChallengeId, Kind};
use edge_auth_core::mail;
use edge_auth_core::proof::Method;

use super::shown::Shown;
use super::{ask, asked_by_anybody};
use crate::api::asking;
use crate::api::sign_in::{flow, throttle, tokens};
use crate::app::App;
use crate::http::{Refused, Reply, body, fields};
use crate::platform::http::Incoming;
use crate::store::challenges::Challenges;
use crate::store::users::SigningIn;

const KINDS: (Kind, mail::Kind) = (Kind::SignIn, mail::Kind::SignIn);

/// `POST /api/auth/code`.
pub(super) async fn code(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    asked_by_anybody(app, request, KINDS).await
}

/// Sends a code to the address that somebody has typed, if an account has it; the challenge that it answers.
pub(crate) async fn send(
    app: &App,
    request: &Incoming,
    email: &str,
) -> Result<ChallengeId, Refused> {
    ask(app, request, KINDS, email).await
}

/// `POST /api/auth/code/verify`.
pub(super) async fn verify(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    throttle::admit(&app.sign_in_limit, request).await?;
    let mut members = body::object(request).await?;
    let offline_access = fields::offline_access(&mut members)?;
    let signing_in = by(app, Shown::take(&mut members)?).await?;
    let shown = flow::Shown::by(Method::Mail, offline_access);
    let signed_in = flow::after(app, request, &signing_in, shown).await?;
    let user = &signing_in.account.user;
    tokens::sign_in(app, request, user, &signed_in, offline_access).await
}

/// Whose code or link it is, which is used up.
pub(crate) async fn by(app: &App, shown: Shown) -> Result<SigningIn, Refused> {
    let looked = shown.look(app, Kind::SignIn, None).await?;
    let nonce = asking::random_id()?;
    let spent = Challenges(&app.database)
        .sign_in(&looked.spend(&nonce))
        .await;
    looked.spent(app, spent).await
}
