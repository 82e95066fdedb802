//! Published test vectors, natively and in wasm.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[cfg(target_family = "wasm")]
mod passkeys;
mod passwords;
mod tokens;
#[cfg(target_family = "wasm")]
mod unicode;
