//! edge-auth: sign-up, sign-in and JSON Web Tokens from Cloudflare's edge.
//!
//! - [`config`]: settings and secrets, parsed.
//! - [`auth`]: the rules.

pub mod auth;
pub mod config;
