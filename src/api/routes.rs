//! The one table of routes.

use super::reply::{Dialect, Reply};
use super::{App, Unexpected, accounts, flask_jwt, health, verify};
use crate::platform::http::Incoming;

/// What a route does.
#[derive(Debug, Clone, Copy)]
enum Action {
    Auth,
    Register,
    Login,
    Me,
    Verify,
    Healthz,
}

/// A line of the table.
struct Route {
    path: &'static str,
    /// The methods, as `Allow` names them; `None` is any.
    methods: Option<&'static str>,
    /// The form of errors that are not about a token.
    dialect: Dialect,
    action: Action,
}

const ROUTES: &[Route] = &[
    Route {
        path: "/auth",
        methods: Some("POST"),
        dialect: Dialect::FlaskJwt,
        action: Action::Auth,
    },
    Route {
        path: "/api/auth/register",
        methods: Some("POST"),
        dialect: Dialect::Accounts,
        action: Action::Register,
    },
    Route {
        path: "/api/auth/login",
        methods: Some("POST"),
        dialect: Dialect::Accounts,
        action: Action::Login,
    },
    Route {
        path: "/api/auth/me",
        methods: Some("GET, HEAD"),
        dialect: Dialect::Accounts,
        action: Action::Me,
    },
    Route {
        path: "/verify",
        methods: None,
        dialect: Dialect::Accounts,
        action: Action::Verify,
    },
    Route {
        path: "/healthz",
        methods: Some("GET, HEAD"),
        dialect: Dialect::Accounts,
        action: Action::Healthz,
    },
];

fn find(path: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.path == path)
}

/// Answers `request`. The path counts byte for byte: no trailing slash, no second spelling.
///
/// # Errors
/// What no client can do anything about; [`unexpected`] words the answer.
pub async fn answer(app: &App<'_>, request: &Incoming) -> Result<Reply, Unexpected> {
    let Some(route) = find(&request.path()) else {
        return Ok(Dialect::Accounts.error(404, "Not found"));
    };
    if let Some(methods) = route.methods {
        let method = request.method();
        if !methods.split(", ").any(|allowed| allowed == method) {
            let reply = route.dialect.error(405, "Method not allowed");
            return Ok(reply.with("Allow", methods));
        }
    }
    match route.action {
        Action::Auth => flask_jwt::auth(app, request).await,
        Action::Register => accounts::register(app, request).await,
        Action::Login => accounts::login(app, request).await,
        Action::Me => accounts::me(app, request).await,
        Action::Verify => verify::verify(app, request).await,
        Action::Healthz => Ok(health::healthz(app).await),
    }
}

/// The answer to a request on `path` that met something unexpected; `request_id` is in the log.
#[must_use]
pub fn unexpected(path: &str, request_id: &str) -> Reply {
    find(path)
        .map_or(Dialect::Accounts, |route| route.dialect)
        .error(500, "Internal server error")
        .with("X-Request-Id", request_id)
}
