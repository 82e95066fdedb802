//! Mails: their kinds and texts.

mod browser;
mod kind;
mod language;
mod letter;
#[cfg(test)]
mod text_file;

pub use browser::Browser;
pub use kind::{Kind, Placeholder};
pub use language::Language;
pub use letter::{Letter, Message, MissingValue};
