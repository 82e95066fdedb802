//! `POST /api/auth/login`.

use edge_auth_core::proof::{Method, Proof};
use edge_auth_core::throttle::AttemptedName;
use serde_json::Value;

use super::{password, throttle, tokens};
use crate::app::App;
use crate::http::{Refused, Reply, body, fields};
use crate::platform::clock;
use crate::platform::http::Incoming;

/// `POST /api/auth/login`.
pub(super) async fn login(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let address = throttle::admit(&app.sign_in_limit, request).await?;
    let mut members = body::object(request).await?;
    let [email, password]: [(&str, Value); 2] = fields::required(&mut members, "email, password")?;
    let (email, password) = (fields::string(email)?, fields::string(password)?);
    let offline_access = fields::offline_access(&mut members)?;
    let name = AttemptedName::email(&email);
    let account = password::sign_in(app, request, &address, &name, &password).await?;
    let proof = Proof::by(Method::Password, clock::now().seconds());
    tokens::sign_in(app, request, &account, &proof, offline_access).await
}
