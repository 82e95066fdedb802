//! The one table of routes.

use std::pin::Pin;

use super::reply::{Answer, Dialect, Reply};
use super::{
    App, Unexpected, accounts, admin, flask_jwt, gateway, health, jwks, me, sessions, verify,
};
use crate::config::prefixes::{Place, Prefixes};
use crate::platform::http::Incoming;

/// What a route does.
#[derive(Debug, Clone, Copy)]
enum Action {
    Auth,
    Register,
    Login,
    Refresh,
    Logout,
    ChangePassword,
    Me,
    ChangeMe,
    DeleteMe,
    Sessions,
    DeleteOtherSessions,
    DeleteSession,
    Users,
    ChangeUser,
    Import,
    EndSessions,
    Unlock,
    Audit,
    Verify,
    Jwks,
    Healthz,
}

impl Action {
    /// Whether it only reads, so that a replica of the database may answer.
    fn only_reads(self) -> bool {
        matches!(
            self,
            Self::Me | Self::Sessions | Self::Users | Self::Audit | Self::Verify
        )
    }
}

/// Which methods a route has.
enum Methods {
    /// Any, known or not.
    Any(Action),
    /// These; `HEAD` goes with `GET`.
    Each(&'static [(&'static str, Action)]),
}

/// A line of the table.
struct Route {
    /// The path, byte for byte; a `*` stands for one segment.
    path: &'static str,
    methods: Methods,
    /// The form of errors that are not about a token.
    dialect: Dialect,
}

impl Route {
    const fn api(path: &'static str, methods: &'static [(&'static str, Action)]) -> Self {
        Self {
            path,
            methods: Methods::Each(methods),
            dialect: Dialect::Accounts,
        }
    }

    /// What the `*` stands for in `path`, empty without one; `None` of another route's path.
    fn segment<'a>(&self, path: &'a str) -> Option<&'a str> {
        match self.path.split_once('*') {
            None => (self.path == path).then_some(""),
            Some((prefix, suffix)) => path
                .strip_prefix(prefix)
                .and_then(|rest| rest.strip_suffix(suffix))
                .filter(|segment| !segment.is_empty() && !segment.contains('/')),
        }
    }

    /// What `method` does.
    fn action(&self, method: &str) -> Option<Action> {
        let methods = match self.methods {
            Methods::Any(action) => return Some(action),
            Methods::Each(methods) => methods,
        };
        let looked_up = if method == "HEAD" { "GET" } else { method };
        let found = methods.iter().find(|(name, _)| *name == looked_up);
        found.map(|(_, action)| *action)
    }

    /// The methods that there are, as in `Allow`, unless any is one.
    fn method_names(&self) -> Option<String> {
        let Methods::Each(methods) = self.methods else {
            return None;
        };
        let names: Vec<_> = methods.iter().map(|(name, _)| *name).collect();
        Some(names.join(", ").replace("GET", "GET, HEAD"))
    }
}

/// The methods in common use, of a prefix, where any is one.
const COMMON_METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";

const ROUTES: &[Route] = &[
    Route {
        path: "/auth",
        methods: Methods::Each(&[("POST", Action::Auth)]),
        dialect: Dialect::FlaskJwt,
    },
    Route::api("/api/auth/register", &[("POST", Action::Register)]),
    Route::api("/api/auth/login", &[("POST", Action::Login)]),
    Route::api("/api/auth/refresh", &[("POST", Action::Refresh)]),
    Route::api("/api/auth/logout", &[("POST", Action::Logout)]),
    Route::api("/api/auth/password", &[("POST", Action::ChangePassword)]),
    Route::api(
        "/api/auth/me",
        &[
            ("GET", Action::Me),
            ("PATCH", Action::ChangeMe),
            ("DELETE", Action::DeleteMe),
        ],
    ),
    Route::api(
        "/api/auth/sessions",
        &[
            ("GET", Action::Sessions),
            ("DELETE", Action::DeleteOtherSessions),
        ],
    ),
    Route::api("/api/auth/sessions/*", &[("DELETE", Action::DeleteSession)]),
    Route::api("/api/admin/users", &[("GET", Action::Users)]),
    // Before the one whose `*` it would pass for.
    Route::api("/api/admin/users/import", &[("POST", Action::Import)]),
    Route::api("/api/admin/users/*", &[("PATCH", Action::ChangeUser)]),
    Route::api(
        "/api/admin/users/*/sessions",
        &[("DELETE", Action::EndSessions)],
    ),
    Route::api("/api/admin/users/*/unlock", &[("POST", Action::Unlock)]),
    Route::api("/api/admin/audit", &[("GET", Action::Audit)]),
    Route {
        path: "/verify",
        methods: Methods::Any(Action::Verify),
        dialect: Dialect::Accounts,
    },
    Route::api("/.well-known/jwks.json", &[("GET", Action::Jwks)]),
    Route::api("/healthz", &[("GET", Action::Healthz)]),
];

/// The line of the table or the prefix that `path` belongs to, for the log: it holds no client's text.
#[must_use]
pub fn pattern<'a>(path: &str, prefixes: &'a Prefixes) -> &'a str {
    match prefixes.place(path) {
        Place::Under(prefix) => &prefix.prefix,
        Place::Ambiguous => "",
        Place::Outside => find(path).map_or("", |(route, _)| route.path),
    }
}

/// Whether a request only reads here, so that a replica of the database may answer.
#[must_use]
pub fn only_reads(method: &str, path: &str, prefixes: &Prefixes) -> bool {
    match prefixes.place(path) {
        Place::Under(_) => true,
        Place::Ambiguous => false,
        Place::Outside => {
            let action = find(path).and_then(|(route, _)| route.action(method));
            action.is_some_and(Action::only_reads)
        }
    }
}

fn find(path: &str) -> Option<(&'static Route, &str)> {
    let mut routes = ROUTES.iter();
    routes.find_map(|route| Some((route, route.segment(path)?)))
}

/// The methods of the route or the prefix that has `path`, as a preflight is told. `/verify` tells
/// none: a proxy that asks there with its client's method must not take a preflight for a token. Nor
/// does a prefix whose upstream answers preflights itself, `OPTIONS` being public there.
pub(super) fn methods(path: &str, prefixes: &Prefixes) -> Option<String> {
    match prefixes.place(path) {
        Place::Under(prefix) => {
            let passes = prefix.public_methods.iter().any(|name| name == "OPTIONS");
            (!passes).then(|| COMMON_METHODS.to_owned())
        }
        Place::Ambiguous => None,
        Place::Outside => find(path).and_then(|(route, _)| route.method_names()),
    }
}

/// Answers `request`. The path counts byte for byte: no trailing slash, no second spelling.
///
/// # Errors
/// What no client can do anything about; [`unexpected`] words the answer.
pub async fn answer(app: &App, request: &Incoming) -> Result<Answer, Unexpected> {
    let path = request.path();
    match app.config.protected.place(path) {
        Place::Under(prefix) => Box::pin(gateway::pass(app, request, prefix)).await,
        Place::Ambiguous => Ok(Answer::Own(Dialect::Accounts.error(404, "Not found"))),
        Place::Outside => own(app, request, path).await.map(Answer::Own),
    }
}

/// Answers a request on one of the routes here.
async fn own(app: &App, request: &Incoming, path: &str) -> Result<Reply, Unexpected> {
    let Some((route, segment)) = find(path) else {
        return Ok(Dialect::Accounts.error(404, "Not found"));
    };
    let Some(action) = route.action(request.method()) else {
        let reply = route.dialect.error(405, "Method not allowed");
        return Ok(reply.with("Allow", route.method_names().unwrap_or_default()));
    };
    // Each in a box of its own, so that the host compiles the code of a route once that is asked for.
    let reply: Pin<Box<dyn Future<Output = Result<Reply, Unexpected>> + '_>> = match action {
        Action::Auth => Box::pin(flask_jwt::auth(app, request)),
        Action::Register => Box::pin(accounts::register(app, request)),
        Action::Login => Box::pin(accounts::login(app, request)),
        Action::Refresh => Box::pin(sessions::refresh(app, request)),
        Action::Logout => Box::pin(sessions::logout(app, request)),
        Action::ChangePassword => Box::pin(me::change_password(app, request)),
        Action::Me => Box::pin(me::get(app, request)),
        Action::ChangeMe => Box::pin(me::patch(app, request)),
        Action::DeleteMe => Box::pin(me::delete(app, request)),
        Action::Sessions => Box::pin(sessions::list(app, request)),
        Action::DeleteOtherSessions => Box::pin(sessions::delete_others(app, request)),
        Action::DeleteSession => Box::pin(sessions::delete(app, request, segment)),
        Action::Users => Box::pin(admin::users(app, request)),
        Action::ChangeUser => Box::pin(admin::change_user(app, request, segment)),
        Action::Import => Box::pin(admin::import(app, request)),
        Action::EndSessions => Box::pin(admin::end_sessions(app, request, segment)),
        Action::Unlock => Box::pin(admin::unlock(app, request, segment)),
        Action::Audit => Box::pin(admin::audit(app, request)),
        Action::Verify => Box::pin(verify::verify(app, request)),
        Action::Jwks => return Ok(jwks::jwks(app)),
        Action::Healthz => return Ok(health::healthz(app).await),
    };
    reply.await
}

/// The answer to a request on `path` that met something unexpected; `request_id` is in the log.
#[must_use]
pub fn unexpected(path: &str, request_id: &str) -> Reply {
    find(path)
        .map_or(Dialect::Accounts, |(route, _)| route.dialect)
        .error(500, "Internal server error")
        .with("X-Request-Id", request_id)
}
