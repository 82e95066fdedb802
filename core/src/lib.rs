//! The rules of edge-auth: accounts, passwords, passkeys, tokens, sessions, throttling, mails.
//!
//! Nothing here knows of HTTP, SQL or JavaScript, and nothing reads a clock or a random source;
//! time, random bytes and Unicode are passed in. Plain `cargo test` runs all of it.

pub mod account;
mod broken_rule;
pub mod challenge;
pub mod data_keys;
pub mod dialect;
pub mod factor;
pub mod json;
pub mod keyed_hash;
pub mod mail;
pub mod passkey;
pub mod password;
pub mod proof;
pub mod session;
pub mod sign_in;
mod six_digits;
pub mod throttle;
pub mod time;
pub mod token;
pub mod unicode;
