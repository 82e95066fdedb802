//! Why a stored hash is not taken.

use std::fmt;

/// Why a stored hash is not taken. Worded for whoever imports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashRefused {
    /// Not one of the forms that can be verified.
    UnknownForm,
    /// One of the forms, but damaged, or with parameters that the function does not take.
    Malformed,
    /// It takes more CPU time than a refused sign-in may.
    TooSlow,
    /// It takes more than 64 MiB of memory.
    TooMuchMemory,
}

impl fmt::Display for HashRefused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::UnknownForm => "password_hash has a form that is not known",
            Self::Malformed => "password_hash is damaged",
            Self::TooSlow => "password_hash takes more CPU time than a sign-in may",
            Self::TooMuchMemory => "password_hash takes more than 64 MiB of memory",
        })
    }
}
