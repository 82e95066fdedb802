//! `GET /.well-known/jwks.json`.

use crate::app::App;
use crate::http::{Refused, Reply};
use crate::platform::http::Incoming;

/// The public keys (RFC 7517 section 5), for whoever verifies tokens without asking here.
pub(super) async fn jwks(app: &App, _request: &Incoming) -> Result<Reply, Refused> {
    Ok(Reply::json(200, &app.config.keys.jwks()).with("Cache-Control", "public, max-age=300"))
}
