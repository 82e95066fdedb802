//! The rules of accounts, passwords and tokens.
//!
//! Architecture invariant: nothing here knows of HTTP, SQL or JavaScript, and nothing here
//! reads a clock or a random source; time and random bytes are passed in. Plain `cargo test`
//! runs all of it.

pub mod account;
pub mod attempt;
pub mod import;
pub mod json;
pub mod keyed_hash;
pub mod password;
pub mod session;
pub mod token;
pub mod unicode;
