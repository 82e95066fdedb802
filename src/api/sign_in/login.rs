//! `POST /api/auth/login`.

use edge_auth_core::proof::Method;
use edge_auth_core::throttle::AttemptedName;
use serde_json::Value;

use super::flow::{self, Shown};
use super::{password, throttle, tokens};
use crate::app::App;
use crate::http::{Refused, Reply, body, fields};
use crate::platform::http::Incoming;

/// `POST /api/auth/login`.
pub(super) async fn login(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let address = throttle::admit(&app.sign_in_limit, request).await?;
    let mut members = body::object(request).await?;
    let [email, password]: [(&str, Value); 2] = fields::required(&mut members, "email, password")?;
    let (email, password) = (fields::string(email)?, fields::string(password)?);
    let offline_access = fields::offline_access(&mut members)?;
    let name = AttemptedName::email(&email);
    let signing_in = password::sign_in(app, request, &address, &name, &password).await?;
    let shown = Shown::by(Method::Password, offline_access);
    let signed_in = flow::after(app, request, &signing_in, shown).await?;
    let user = &signing_in.account.user;
    tokens::sign_in(app, request, user, &signed_in, offline_access).await
}
