//! edge-auth: sign-up, sign-in and JSON Web Tokens from Cloudflare's edge.
//!
//! - [`worker`]: the entry; the only reader of the environment.
//! - [`config`]: settings and secrets, parsed.
//! - [`api`]: what goes over the wire, in two dialects.
//! - [`store`]: the database.
//! - [`platform`]: what the host gives: HTTP, WebCrypto, randomness, clock, timers.
//!
//! ARCHITECTURE.md follows a request through them.

pub mod api;
pub mod config;
pub mod platform;
pub mod store;
pub mod worker;
