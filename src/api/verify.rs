//! `/verify`, for reverse proxies that ask whether a request may pass.

use serde_json::json;

use super::authorization::Scheme;
use super::reply::Reply;
use super::{App, Unexpected, accounts, flask_jwt, protected};
use crate::platform::http::Incoming;

/// `/verify`, any method. The scheme that was sent picks the dialect of a refusal; the second
/// answers where neither was.
pub(super) async fn verify(app: &App<'_>, request: &Incoming) -> Result<Reply, Unexpected> {
    let caller = match protected::authenticate(app, request).await? {
        Ok(caller) => caller,
        Err(refusal) => {
            return Ok(match refusal.scheme {
                Some(Scheme::Jwt) => flask_jwt::refusal(&refusal.reason),
                Some(Scheme::Bearer) | None => accounts::refusal(&refusal.reason),
            });
        }
    };
    let mut reply = Reply::json(200, &json!({}))
        .with("X-Auth-User-Id", caller.user.id.to_string())
        .with("X-Auth-Role", caller.user.role);
    // The old service's tokens have any `jti` or none; a header value has visible characters.
    let is_header_value = |id: &String| !id.is_empty() && id.bytes().all(|b| b.is_ascii_graphic());
    if let Some(token_id) = caller.token_id.filter(is_header_value) {
        reply = reply.with("X-Auth-Token-Id", token_id);
    }
    Ok(reply)
}
