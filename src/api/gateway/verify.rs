//! `/verify`, for reverse proxies that ask whether a request may pass.

use edge_auth_core::dialect::Dialect;
use edge_auth_core::proof::Requirement;
use edge_auth_core::time::Seconds;
use serde_json::json;

use super::identity::Identity;
use crate::app::App;
use crate::http::{Refused, Reply};
use crate::platform::http::Incoming;

/// `/verify`, any method. `?role=` asks for an account of that role, `?amr=` and `?max_age=` for how and when its holder
/// last showed who they are.
pub(super) async fn verify(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let identity = Identity::of(app, request, Dialect::JwtExtended).await?;
    let query = request.query().unwrap_or_default();
    if !values(query, "role").all(|role| identity.has_role(role)) {
        return Err(Refused::Forbidden);
    }
    identity.check_proof(requirement(query))?;
    let mut reply = Reply::json(200, &json!({}));
    reply.headers = identity.headers();
    Ok(reply)
}

/// What a query asks of the last proof, or nothing where it has a value that nobody can meet: a slip in a proxy's
/// configuration must not let everybody pass.
fn requirement(query: &str) -> Option<Requirement> {
    let mut required = Requirement::default();
    for amr in values(query, "amr") {
        required = required.and_amr(amr)?;
    }
    for max_age in values(query, "max_age") {
        required = required.and_max_age(seconds(max_age)?)?;
    }
    Some(required)
}

/// A whole number in digits alone, without a sign.
fn seconds(text: &str) -> Option<Seconds> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).map(Seconds)
}

/// The values of that parameter of a query. No value that is asked for needs an escape, and an escaped one is nobody's.
fn values<'a>(query: &'a str, parameter: &str) -> impl Iterator<Item = &'a str> {
    query.split('&').filter_map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (name == parameter).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_of_a_query_counts() {
        let found = |query| values(query, "role").collect::<Vec<_>>();
        assert_eq!(found("role=admin"), ["admin"]);
        assert_eq!(found("a&role=a&b=role=c&role=b"), ["a", "b"]);
        assert_eq!(found("role"), [""]);
        assert_eq!(found("role=a=b&roles=c&Role=d"), ["a=b"]);
        assert!(found("").is_empty());
    }

    #[test]
    fn every_requirement_of_a_query_counts() {
        let nothing = Requirement::default();
        let two_factors = nothing.and_amr("mfa").unwrap();
        let minute = nothing.and_max_age(Seconds(60)).unwrap();
        let both = two_factors.and_max_age(Seconds(60)).unwrap();
        for (query, required) in [
            ("", nothing),
            ("role=admin&AMR=x&max_ages=x&maxage", nothing),
            ("amr=mfa", two_factors),
            ("amr=mfa&x&amr=mfa", two_factors),
            ("max_age=60", minute),
            ("max_age=600&max_age=60&max_age=61", minute),
            ("max_age=060", minute),
            ("max_age=60&role=a&amr=mfa", both),
        ] {
            assert_eq!(requirement(query), Some(required), "{query}");
        }
        for query in [
            "amr",
            "amr=",
            "amr=otp",
            "amr=MFA",
            "amr=mfa,otp",
            "amr=%6dfa",
            "amr=mfa&amr=otp",
            "amr=otp&amr=mfa",
            "max_age",
            "max_age=",
            "max_age=0",
            "max_age=-1",
            "max_age=+60",
            "max_age=60.0",
            "max_age=6e1",
            "max_age=60s",
            "max_age=%36",
            "max_age=18446744073709551616",
            "max_age=60&max_age=x",
            "amr=mfa&max_age=x",
        ] {
            assert_eq!(requirement(query), None, "{query}");
        }
    }
}
