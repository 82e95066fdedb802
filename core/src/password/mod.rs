//! Passwords: the rules for new ones, how keys are derived from them, and the forms in which they
//! are stored.
//!
//! How a key is derived is left to the caller, since two engines can do it: each function's crate
//! ([`Derivation::run`]), and the host's WebCrypto for PBKDF2 up to
//! [`WEB_CRYPTO_MAX_ITERATIONS`].

mod breached;
mod common;
mod derivation;
mod pepper;
mod rules;
mod stored;

pub use breached::HashRange;
pub use derivation::{
    Derivation, DerivedKey, Engine, Function, InvalidCost, MAX_MEMORY_KIB, Pbkdf2Hash,
    WEB_CRYPTO_MAX_ITERATIONS, new_derivation,
};
pub use pepper::{MIN_PEPPER_BYTES, Pepper, Peppers, WeakPepper};
pub use rules::{Known, NewPassword, TriedPassword};
pub use stored::{HashRefused, StoredPassword, to_phc};
