//! Protected prefixes: the token is checked, then the request goes on to the service behind.

use serde_json::json;

use super::identity::Identity;
use crate::app::App;
use crate::config::gateway::{Prefix, Upstream};
use crate::http::{Answer, Refused, cookies};
use crate::platform::HostError;
use crate::platform::http::Incoming;
use crate::platform::upstream::{Answered, Outgoing};

/// Passes a request under `prefix` on if it may, whatever its method.
pub(crate) async fn pass(
    app: &App,
    request: &Incoming,
    prefix: &Prefix,
) -> Result<Answer, Refused> {
    let mut caller = None;
    let is_public = |method: &String| method == request.method();
    if !prefix.public_methods.iter().any(is_public) {
        let identity = Identity::of(app, request, prefix.dialect).await?;
        let role = prefix.role.as_ref();
        if role.is_some_and(|role| !identity.has_role(role.as_str())) {
            return Err(Refused::Forbidden);
        }
        identity.check_proof(Some(prefix.requirement))?;
        caller = Some(identity);
    }
    match send(app, request, prefix, caller).await {
        Ok(answered) => Ok(Answer::FromUpstream(answered)),
        Err(error) => {
            let line = json!({
                "level": "error",
                "error": format!("upstream: {error}"),
                "prefix": prefix.prefix,
            });
            worker::console_error!("{line}");
            Err(Refused::BadGateway)
        }
    }
}

async fn send(
    app: &App,
    request: &Incoming,
    prefix: &Prefix,
    caller: Option<Identity>,
) -> Result<Answered, HostError> {
    let upgrade = request.header("Upgrade")?.unwrap_or_default();
    let is_web_socket = upgrade.eq_ignore_ascii_case("websocket");
    let connection = request.header("Connection")?.unwrap_or_default();
    let connection = connection.to_ascii_lowercase();
    let outgoing = match &prefix.upstream {
        Upstream::Binding(name) => Outgoing::to_binding(request, &app.services, name)?,
        Upstream::Origin(origin) => Outgoing::to_origin(request, origin)?,
    };
    for name in outgoing.header_names() {
        let is_kept = match name.as_str() {
            "upgrade" => is_web_socket,
            // Whoever has the token can do all that its account can, here too.
            "authorization" => prefix.pass_authorization,
            name => {
                let is_named = || connection.split(',').any(|named| named.trim() == name);
                !is_of_one_connection(name)
                    && !is_like_ours(name)
                    && (stays_although_named(name) || !is_named())
            }
        };
        if !is_kept {
            outgoing.drop_header(&name)?;
        }
    }
    // Whoever has that of the pages can do there what its account can.
    let cookies = request.header("Cookie")?.unwrap_or_default();
    if cookies.contains(cookies::SESSION) {
        match cookies::without_session(&cookies) {
            Some(others) => outgoing.set_header("Cookie", &others)?,
            None => outgoing.drop_header("Cookie")?,
        }
    }
    let expires_at = caller.as_ref().map(Identity::expires_at);
    // Last, so that nothing which the client sent takes them away.
    for (name, value) in caller.map(Identity::headers).unwrap_or_default() {
        outgoing.set_header(name, &value)?;
    }
    let answered = outgoing.send().await?;
    match expires_at {
        Some(expires_at) if is_web_socket => answered.until(expires_at * 1000.0),
        _ => Ok(answered),
    }
}

/// Whether a header, its name in lower case, is one that a server before this one adds, or that the
/// service behind relies on: `Connection` may name it, and it stays. Any other that is named there
/// ends here (RFC 9110 section 7.6.1).
fn stays_although_named(name: &str) -> bool {
    const NAMES: [&str; 12] = [
        "authorization",
        "cdn-loop",
        "cookie",
        "date",
        "expect",
        "forwarded",
        "host",
        "origin",
        "referer",
        "true-client-ip",
        "user-agent",
        "via",
    ];
    const STARTS: [&str; 8] = [
        "cf-",
        "content-",
        "fastly-",
        "sec-",
        "x-amz",
        "x-forwarded-",
        "x-goog-",
        "x-request-",
    ];
    NAMES.contains(&name)
        || STARTS.iter().any(|start| name.starts_with(start))
        // X-Real-IP, X-Client-IP, X-Cluster-Client-IP, X-Original-…
        || (name.starts_with("x-") && (name.ends_with("-ip") || name.starts_with("x-original-")))
}

/// Whether a header, its name in lower case, is of one connection and ends here (RFC 9110 section
/// 7.6.1, RFC 9113 section 3.1).
fn is_of_one_connection(name: &str) -> bool {
    const NAMES: [&str; 8] = [
        "close",
        "connection",
        "http2-settings",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    NAMES.contains(&name) || name.starts_with("proxy-")
}

/// Whether a server could take a header, its name in lower case, for one of ours. CGI and WSGI see
/// no difference between `-` and `_`, nor PHP between `_` and `.`.
fn is_like_ours(name: &str) -> bool {
    let mut start = name.chars().map(|c| match c {
        c if c.is_ascii_alphanumeric() => c,
        _ => '-',
    });
    "x-auth-".chars().all(|c| start.next() == Some(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_one_connection() {
        for name in [
            "close",
            "connection",
            "http2-settings",
            "keep-alive",
            "proxy-authorization",
            "proxy-connection",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
        ] {
            assert!(is_of_one_connection(name), "{name}");
        }
        for name in [
            "",
            "authorization",
            "cookie",
            "host",
            "content-length",
            "proxy",
        ] {
            assert!(!is_of_one_connection(name), "{name}");
        }
    }

    #[test]
    fn headers_like_ours() {
        for name in [
            "x-auth-user-id",
            "x-auth-",
            "x-auth-anything",
            "x_auth_user_id",
            "x-auth_role",
            "x.auth.role",
        ] {
            assert!(is_like_ours(name), "{name}");
        }
        for name in [
            "x-auth",
            "x-authority",
            "xx-auth-a",
            "authorization",
            "host",
        ] {
            assert!(!is_like_ours(name), "{name}");
        }
    }
}
