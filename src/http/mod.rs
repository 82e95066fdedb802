//! Requests and answers, whatever the route: what a header, a body, a field or a token says, why a
//! request is refused, and which route a path leads to.

pub(crate) mod authorization;
pub(crate) mod body;
pub(crate) mod caller;
pub(crate) mod cookies;
pub mod cors;
mod csrf;
pub(crate) mod fields;
pub(crate) mod form;
pub(crate) mod refused;
pub mod reply;
pub mod routes;

pub(crate) use refused::Refused;
pub use reply::{Answer, Reply};
