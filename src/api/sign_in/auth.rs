//! `POST /auth`, as Flask-JWT has it.

use edge_auth_core::proof::Method;
use edge_auth_core::throttle::AttemptedName;
use serde_json::{Value, json};

use super::flow::{self, Shown};
use super::tokens::{self, Grant};
use super::{password, throttle};
use crate::app::App;
use crate::http::{Refused, Reply, body};
use crate::platform::http::Incoming;
use crate::platform::unicode;
use crate::store::audit::Action;

/// `POST /auth`.
pub(super) async fn auth(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let address = throttle::admit(&app.sign_in_limit, request).await?;
    let mut members = body::object(request).await?;
    // Null is a wrong value here, not an absent one (docs/api.md, "POST /auth").
    let (Some(username), Some(password)) = (members.remove("username"), members.remove("password"))
    else {
        return Err(Refused::Missing("username, password"));
    };
    let (username, password) = match (username, password) {
        (Value::String(username), Value::String(password)) if !password.is_empty() => {
            (username, password)
        }
        // Nobody's name.
        _ => (String::new(), String::new()),
    };
    let name = AttemptedName::username(&username, unicode::HOST);
    let signing_in = password::sign_in(app, request, &address, &name, &password).await?;
    let shown = Shown::by(Method::Password, false);
    let signed_in = flow::after(app, request, &signing_in, shown).await?;
    let user = &signing_in.account.user;
    app.trace.by(user.id);
    app.trace.did(Action::SignIn, Some(user.id));
    let grant = Grant {
        signed_in: &signed_in,
        role: &user.role,
        session: None,
    };
    let access_token = tokens::access_token(app, &grant)?;
    Ok(Reply::json(200, &json!({ "access_token": access_token })))
}
