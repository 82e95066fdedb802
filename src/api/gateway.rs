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
    let mut identity = Vec::new();
    if !prefix
        .public_methods
        .iter()
        .any(|method| method == request.method())
    {
        let unsent = match prefix.dialect {
            prefixes::Dialect::Jwt => Scheme::Jwt,
            prefixes::Dialect::Bearer => Scheme::Bearer,
        };
        let caller = match Identity::of(app, request, unsent).await? {
            Ok(caller) => caller,
            Err(refusal) => return Ok(Answer::Own(refusal)),
        };
        let role = prefix.role.as_ref();
        if role.is_some_and(|role| !caller.has_role(role)) {
            return Ok(Answer::Own(forbidden()));
        }
        identity = caller.headers();
    }
    match send(app, request, &prefix.upstream, identity).await {
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
    upstream: &Upstream,
    identity: Vec<(&'static str, String)>,
) -> Result<Answered, HostError> {
    let upgrade = request.header("Upgrade")?.unwrap_or_default();
    let connection = request.header("Connection")?.unwrap_or_default();
    let outgoing = match upstream {
        Upstream::Binding(name) => Outgoing::to_binding(request, &app.services, name)?,
        Upstream::Origin(origin) => Outgoing::to_origin(request, origin)?,
    };
    let keeps_upgrade = upgrade.eq_ignore_ascii_case("websocket");
    for name in outgoing.header_names() {
        let is_kept_upgrade = keeps_upgrade && name == "upgrade";
        if !is_kept_upgrade && is_dropped(&name, &connection) {
            outgoing.drop_header(&name)?;
        }
    }
    // Last, so that nothing which the client sent takes them away.
    for (name, value) in identity {
        outgoing.set_header(name, &value)?;
    }
    outgoing.send().await
}

/// Whether a client's header, its name in small letters, ends here: it is of one connection
/// (RFC 9110 section 7.6.1), or a server could take it for one of ours. CGI and WSGI see no
/// difference between `-` and `_`, nor PHP between `_` and `.`.
fn is_dropped(name: &str, connection: &str) -> bool {
    const OURS: &str = "x-auth-";
    const OF_A_CONNECTION: [&str; 6] = [
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let mut start = name.chars().map(|c| match c {
        c if c.is_ascii_alphanumeric() => c,
        _ => '-',
    });
    let mut named = connection.split(',').map(str::trim);
    OURS.chars().all(|c| start.next() == Some(c))
        || OF_A_CONNECTION.contains(&name)
        || name.starts_with("proxy-")
        || named.any(|named| named.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_end_here() {
        for name in [
            "x-auth-user-id",
            "x-auth-",
            "x-auth-anything",
            "x_auth_user_id",
            "x-auth_role",
            "x.auth.role",
            "connection",
            "keep-alive",
            "proxy-authorization",
            "proxy-connection",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "x-named",
            "named",
        ] {
            assert!(is_dropped(name, "close,  X-Named ,named"), "{name}");
        }
        for name in [
            "x-auth",
            "x-authority",
            "xx-auth-a",
            "authorization",
            "cookie",
            "host",
            "content-length",
            "proxy",
            "x-named",
        ] {
            assert!(!is_dropped(name, "close, x-name, named"), "{name}");
        }
    }
}
