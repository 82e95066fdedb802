//! Protected prefixes: the token is checked, then the request goes on to the service behind.

use serde_json::json;

use super::authorization::Scheme;
use super::identity::{Identity, forbidden};
use super::reply::{Answer, Dialect};
use super::{App, Unexpected};
use crate::config::prefixes::{self, Prefix, Upstream};
use crate::platform::HostError;
use crate::platform::http::Incoming;
use crate::platform::upstream::{Answered, Outgoing};

/// Passes a request under `prefix` on if it may, whatever its method.
pub(super) async fn pass(
    app: &App,
    request: &Incoming,
    prefix: &Prefix,
) -> Result<Answer, Unexpected> {
    if takes_a_header_away(request)? {
        return Ok(Answer::Own(Dialect::Accounts.error(400, "Bad request")));
    }
    let mut caller = None;
    if !prefix.public_methods.contains(&request.method()) {
        let unsent = match prefix.dialect {
            prefixes::Dialect::Jwt => Scheme::Jwt,
            prefixes::Dialect::Bearer => Scheme::Bearer,
        };
        let identity = match Identity::of(app, request, unsent).await? {
            Ok(identity) => identity,
            Err(refusal) => return Ok(Answer::Own(refusal)),
        };
        let role = prefix.role.as_ref();
        if role.is_some_and(|role| !identity.has_role(role)) {
            return Ok(Answer::Own(forbidden()));
        }
        caller = Some(identity);
    }
    match send(app, request, prefix, caller).await {
        Ok(answered) => Ok(Answer::Passed(answered)),
        Err(error) => {
            let line = json!({
                "level": "error",
                "error": format!("upstream: {error}"),
                "prefix": prefix.prefix,
            });
            worker::console_error!("{line}");
            Ok(Answer::Own(Dialect::Accounts.error(502, "Bad gateway")))
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
    let outgoing = match &prefix.upstream {
        Upstream::Binding(name) => Outgoing::to_binding(request, &app.services, name)?,
        Upstream::Origin(origin) => Outgoing::to_origin(request, origin)?,
    };
    for name in outgoing.header_names() {
        let is_kept = match name.as_str() {
            "upgrade" => is_web_socket,
            // Whoever has the token can do all that its account can, here too.
            "authorization" => prefix.pass_authorization,
            name => !is_of_one_connection(name) && !is_like_ours(name),
        };
        if !is_kept {
            outgoing.drop_header(&name)?;
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

/// Whether `Connection` names a header of the request that is not of one connection. To drop it, as
/// RFC 9110 section 7.6.1 asks of whoever passes the request on, would let a client take away what
/// the servers before this one have added, whatever they call it; and no client has a reason to.
fn takes_a_header_away(request: &Incoming) -> Result<bool, HostError> {
    let connection = request.header("Connection")?.unwrap_or_default();
    let connection = connection.to_ascii_lowercase();
    let mut named = connection.split(',').map(str::trim);
    Ok(named.any(|name| {
        // What the host does not take for a name is none's.
        !is_of_one_connection(name) && matches!(request.header(name), Ok(Some(_)))
    }))
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
