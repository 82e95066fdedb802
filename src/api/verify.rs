//! `/verify`, for reverse proxies that ask whether a request may pass.

use serde_json::json;

use super::authorization::Scheme;
use super::protected::{Reason, Refusal};
use super::reply::Reply;
use super::{App, Unexpected, accounts, flask_jwt, protected};
use crate::auth::account::{DEFAULT_ROLE, UserId, is_role};
use crate::auth::token::AccessToken;
use crate::platform::http::Incoming;

/// `/verify`, any method. The scheme that was sent picks the dialect of a refusal; the second
/// answers where neither was.
pub(super) async fn verify(app: &App, request: &Incoming) -> Result<Reply, Unexpected> {
    let passed = if app.config.trust_token_alone {
        trusted(protected::trust(app, request)?)
    } else {
        let caller = protected::authenticate(app, request).await?;
        caller.map(|caller| {
            (
                caller.account.user.id,
                caller.account.user.role,
                caller.token_id,
            )
        })
    };
    let (user_id, role, token_id) = match passed {
        Ok(passed) => passed,
        Err(refusal) => {
            return Ok(match refusal.scheme {
                Some(Scheme::Jwt) => flask_jwt::refusal(&refusal.reason),
                Some(Scheme::Bearer) | None => accounts::refusal(&refusal.reason),
            });
        }
    };
    let mut reply = Reply::json(200, &json!({}))
        .with("X-Auth-User-Id", user_id.to_string())
        .with("X-Auth-Role", role);
    // The old service's tokens have any `jti` or none; a header value has visible characters.
    let is_header_value = |id: &String| !id.is_empty() && id.bytes().all(|b| b.is_ascii_graphic());
    if let Some(token_id) = token_id.filter(is_header_value) {
        reply = reply.with("X-Auth-Token-Id", token_id);
    }
    Ok(reply)
}

/// What a token says by itself. One of the old service has no role, or any text.
fn trusted(
    checked: Result<(Option<Scheme>, AccessToken), Refusal>,
) -> Result<(UserId, String, Option<String>), Refusal> {
    let (scheme, token) = checked?;
    let gone = |nobody| Refusal {
        scheme,
        reason: Reason::AccountGone(nobody),
    };
    let role = token.role.filter(|role| is_role(role));
    let role = role.unwrap_or_else(|| DEFAULT_ROLE.to_owned());
    Ok((token.subject.map_err(gone)?, role, token.jti))
}
