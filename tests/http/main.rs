//! The Worker's contract, tested over HTTP against the built Worker in workerd.

#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod accounts;
mod admin;
mod authority;
mod bad_input;
mod configuration;
mod cors;
mod enumeration;
mod flask_jwt;
mod gateway;
mod given;
mod golden;
mod https;
mod keys;
mod old_hashes;
mod passwords;
mod queries;
mod schema;
mod sessions;
mod smoke;
mod support;
mod throttling;
mod tokens;
mod trap;
