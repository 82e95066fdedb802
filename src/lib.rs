//! edge-auth: sign-up, sign-in and JSON Web Tokens from Cloudflare's edge.
//!
//! From the outside in, each uses those below it and none above:
//!
//! - [`entry`]: where the host comes in; the only reader of the environment.
//! - [`api`]: what each route does, area by area.
//! - [`dialect`]: the words of the two old APIs.
//! - [`pages`]: what people see in a browser.
//! - [`http`]: what requests say, why they are refused, which route a path leads to.
//! - `outbox`: sends mail, once a request is answered or by the cron trigger.
//! - [`app`], [`trace`]: what a request is answered with, and what is told of it afterwards.
//! - [`config`]: settings and secrets, parsed; [`store`]: the database; [`platform`]: what the host gives.
//!
//! The rules are the crate `edge-auth-core`. ARCHITECTURE.md follows a request through all of them.

pub mod api;
pub mod app;
pub mod config;
pub mod dialect;
pub mod entry;
pub mod http;
mod outbox;
pub mod pages;
pub mod platform;
pub mod store;
pub mod trace;
