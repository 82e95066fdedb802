//! `/verify`, for reverse proxies that ask whether a request may pass.

use edge_auth_core::dialect::Dialect;
use serde_json::json;

use super::identity::Identity;
use crate::app::App;
use crate::http::{Refused, Reply};
use crate::platform::http::Incoming;

/// `/verify`, any method; `?role=` asks for an account of that role.
pub(super) async fn verify(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let identity = Identity::of(app, request, Dialect::JwtExtended).await?;
    let query = request.query().unwrap_or_default();
    if !roles(query).all(|role| identity.has_role(role)) {
        return Err(Refused::Forbidden);
    }
    let mut reply = Reply::json(200, &json!({}));
    reply.headers = identity.headers();
    Ok(reply)
}

/// The roles that a query asks for. No role's name needs an escape, and an escaped one is nobody's.
fn roles(query: &str) -> impl Iterator<Item = &str> {
    query.split('&').filter_map(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        (name == "role").then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_of_a_query_counts() {
        let found = |query| roles(query).collect::<Vec<_>>();
        assert_eq!(found("role=admin"), ["admin"]);
        assert_eq!(found("a&role=a&b=role=c&role=b"), ["a", "b"]);
        assert_eq!(found("role"), [""]);
        assert_eq!(found("role=a=b&roles=c&Role=d"), ["a=b"]);
        assert!(found("").is_empty());
    }
}
