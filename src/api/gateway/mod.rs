//! What protects other services: `/verify` for reverse proxies, and the protected prefixes.

mod identity;
mod pass;
mod verify;

use edge_auth_core::dialect::Dialect;

use crate::http::routes::{Method, Methods, Route, Surface, handler};

pub(super) use pass::pass;

/// The routes of this area; prefixes are settings.
pub(super) const ROUTES: &[Route] = &[Route {
    path: "/verify",
    methods: Methods::Any(Method::get(handler!(verify::verify))),
    surface: Surface::Api(Dialect::JwtExtended),
}];
