//! Mails: their kinds and texts, whom they go to, and who takes them.
//!
//! No MIME is written here: each transport takes subject, text and HTML by themselves.

mod browser;
mod kind;
mod language;
mod letter;
mod mailbox;
#[cfg(test)]
mod text_file;
mod transport;
mod webhook;

pub use browser::Browser;
pub use kind::{Kind, Placeholder};
pub use language::Language;
pub use letter::{Letter, Message, MissingValue};
pub use mailbox::{Address, Mailbox};
pub use transport::{ApiKey, Transport};
pub use webhook::WebhookKey;
