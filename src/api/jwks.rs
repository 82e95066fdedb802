//! `GET /.well-known/jwks.json`.

use super::App;
use super::reply::Reply;

/// The public keys (RFC 7517 section 5), for whoever verifies tokens without asking here.
pub(super) fn jwks(app: &App) -> Reply {
    Reply::json(200, &app.config.keys.jwks()).with("Cache-Control", "public, max-age=300")
}
