//! What lets pages of other origins call and read: the CORS protocol (Fetch standard, section
//! "CORS protocol"). Without `ALLOWED_ORIGINS` nothing here adds anything.
//!
//! `Access-Control-Allow-Credentials` is never sent: tokens travel in `Authorization` and bodies,
//! which need none, and nothing here reads a cookie that a page could be made to send along.

use super::Reply;
use super::routes::Target;
use crate::config::AllowedOrigins;
use crate::platform::http::{Body, Incoming};

/// What requests have beside the headers that need no leave.
const ALLOWED_HEADERS: &str = "Authorization, Content-Type, X-D1-Bookmark";

/// What a page may read beside the headers that need no leave.
const EXPOSED_HEADERS: &str = "Retry-After, X-D1-Bookmark, X-Request-Id";

/// Seconds for which a browser need not ask again; Chromium takes no more.
const MAX_AGE: &str = "7200";

/// The answer where `request` is a browser's question whether it may send another one to a path
/// that there is. It needs no token, which browsers do not send along, and no database.
#[must_use]
pub fn preflight(
    origins: &AllowedOrigins,
    target: &Target<'_>,
    request: &Incoming,
) -> Option<Reply> {
    if *origins == AllowedOrigins::None || request.method() != "OPTIONS" {
        return None;
    }
    header(request, "Origin")?;
    header(request, "Access-Control-Request-Method")?;
    let methods = target.methods()?;
    let reply = Reply::empty();
    if allowed(origins, request).is_none() {
        return Some(reply);
    }
    // The same whatever method and headers are asked for, so `Vary` need not name them.
    let reply = reply
        .with("Access-Control-Allow-Methods", methods)
        .with("Access-Control-Allow-Headers", ALLOWED_HEADERS)
        .with("Access-Control-Max-Age", MAX_AGE);
    Some(reply)
}

/// `reply` with what lets the page that sent `request` read it, if it may. A page of ours is read by no other, whatever
/// the settings say.
#[must_use]
pub fn readable(reply: Reply, origins: &AllowedOrigins, request: &Incoming) -> Reply {
    if matches!(reply.body, Body::Html(_)) {
        return reply;
    }
    let reply = match origins {
        AllowedOrigins::None => return reply,
        AllowedOrigins::Any => reply,
        // On every answer, or a cache could give one page what another one asked for.
        AllowedOrigins::These(_) => reply.with("Vary", "Origin"),
    };
    let Some(origin) = allowed(origins, request) else {
        return reply;
    };
    reply
        .with("Access-Control-Allow-Origin", origin)
        .with("Access-Control-Expose-Headers", EXPOSED_HEADERS)
}

/// What `Access-Control-Allow-Origin` says to the page that sent `request`.
fn allowed(origins: &AllowedOrigins, request: &Incoming) -> Option<String> {
    match origins {
        AllowedOrigins::None => None,
        AllowedOrigins::Any => Some("*".to_owned()),
        // Several of that header are one value with a comma, which is no origin.
        AllowedOrigins::These(origins) => {
            header(request, "Origin").filter(|origin| origins.contains(origin))
        }
    }
}

fn header(request: &Incoming, name: &str) -> Option<String> {
    request.header(name).ok().flatten()
}
