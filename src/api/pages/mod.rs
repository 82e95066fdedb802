//! Pages for people, which a browser shows. All are under `/account/`.

mod actions;
mod confirm;

use crate::app::App;
use crate::http::routes::{Method, Methods, Route, Surface, handler};
use crate::http::{Refused, Reply};
use crate::platform::http::Incoming;

/// The routes of this area.
pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "/account/confirm",
        // Not by a replica, which may not have the link yet.
        methods: Methods::Each(&[
            Method::new("GET", handler!(confirm::show)),
            Method::new("POST", handler!(confirm::submit)),
        ]),
        surface: Surface::Page,
    },
    Route {
        path: "/account/*",
        methods: Methods::Any(Method::get(handler!(nothing))),
        surface: Surface::Page,
    },
];

/// What is not there is said on a page as well.
async fn nothing(_app: &App, _request: &Incoming) -> Result<Reply, Refused> {
    Err(Refused::NotFound)
}
