//! The Worker's contract, tested over HTTP against the built Worker in workerd: a folder an area of `src/api`, and what
//! spans areas.

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
mod breached;
mod cors;
mod factors;
mod gateway;
mod golden;
#[path = "../harness/mod.rs"]
mod harness;
mod https;
mod keys;
mod mail;
mod operations;
mod pages;
mod passkeys;
mod sessions;
mod sign_in;
mod smoke;
mod tokens;
mod trap;
