//! What each route does, area by area. An area brings its slice of the table of routes.

mod accounts;
mod admin;
mod asking;
mod factors;
mod gateway;
mod mail;
mod operations;
mod pages;
mod passkeys;
mod sessions;
mod sign_in;

use crate::app::{App, Unexpected};
use crate::config::gateway::Prefixes;
use crate::dialect;
use crate::http::routes::{self, Route, Target};
use crate::http::{Answer, Refused, Reply};
use crate::platform::http::Incoming;

/// The table of routes, a slice for each area. Of two that a path fits the first one counts.
const AREAS: &[&[Route]] = &[
    sign_in::ROUTES,
    accounts::ROUTES,
    sessions::ROUTES,
    factors::ROUTES,
    mail::ROUTES,
    passkeys::ROUTES,
    admin::ROUTES,
    gateway::ROUTES,
    operations::ROUTES,
    pages::ROUTES,
];

/// Where `path` leads. A request is resolved once; preflight, replication, answer and log are handed
/// the result.
#[must_use]
pub fn resolve<'a>(path: &'a str, prefixes: &'a Prefixes) -> Target<'a> {
    routes::resolve(path, prefixes, AREAS)
}

/// Answers `request`, which leads to `target`.
///
/// # Errors
/// What no client can do anything about; [`unexpected`] words the answer.
pub async fn answer(
    app: &App,
    request: &Incoming,
    target: &Target<'_>,
) -> Result<Answer, Unexpected> {
    let answered = match target {
        Target::Prefix(prefix) => gateway::pass(app, request, prefix).await,
        Target::Nothing | Target::Ambiguous => Err(Refused::NotFound),
        Target::Route(route, segment) => {
            let sends_mail = app.config.mail.is_some();
            match route.method(request.method(), sends_mail) {
                Some(method) => (method.handler)(app, request, segment)
                    .await
                    .map(Answer::Own),
                None => Err(match route.method_names(sends_mail) {
                    Some(names) if names.is_empty() => Refused::NotFound,
                    names => Refused::MethodNotAllowed(names.unwrap_or_default()),
                }),
            }
        }
    };
    answered.or_else(|refused| {
        let site = app.config.site();
        let reply = dialect::refusal(target.surface(), request, site, refused);
        reply.map(Answer::Own)
    })
}

/// The answer to `request`, which leads to `target` and met something unexpected; `request_id` is in the log. A page
/// names the service by `site`.
#[must_use]
pub fn unexpected(
    target: &Target<'_>,
    request: &Incoming,
    site: Option<&str>,
    request_id: &str,
) -> Reply {
    dialect::unexpected(target.surface(), request, site, request_id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_prefix_takes_the_first_segment_of_a_route() {
        for route in AREAS.iter().copied().flatten() {
            let segment = route.path.split('/').nth(1).unwrap();
            let prefix = json!([{
                "prefix": format!("/{segment}/x/"), "upstream": "BOOKS", "dialect": "JWT",
            }]);
            let problem = Prefixes::parse(&prefix.to_string()).unwrap_err();
            assert!(problem.contains("covers routes"), "{}", route.path);
        }
    }

    #[test]
    fn no_route_hides_another() {
        let prefixes = Prefixes::default();
        for route in AREAS.iter().copied().flatten() {
            let path = route.path.replace('*', "7");
            let Target::Route(found, _) = resolve(&path, &prefixes) else {
                panic!("{path}");
            };
            assert_eq!(found.path, route.path);
        }
    }
}
